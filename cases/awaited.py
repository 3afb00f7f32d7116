"""What somebody waits for: what he paused, what he asked somebody who knows, and what he asked the owner of policy."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F
from django.utils.translation import gettext

from cases import prose
from cases.models import Case, Pause, Question
from cases.seen import Sight, rows
from cases.titles import Titles

FEW = 20  # of each kind are shown
MOST = 1000  # nobody waits for more


class Awaited(NamedTuple):
    """One thing that somebody waits for, as he reads it: of which case, on whom, since when, and how late it is."""

    case: Any
    named: str
    on: str
    since: datetime
    until: datetime | None = None
    late: str = ""


def by(user, now, there) -> tuple[list[Awaited], int]:
    """Of the cases that he may see; what is late first, then what is planned to end first; and how much more there is.

    `there`: which of it there is.
    """
    kinds = [kind for kind, name in zip(_of(user), ("paused", "unanswered"), strict=True) if name in there]
    if not kinds:
        return [], 0
    visible = Case.objects.visible_to(user)
    asked = [list(kind[:MOST]) for kind in kinds]
    may_see = set(visible.filter(pk__in={each.case_id for kind in asked for each in kind}).values_list("pk", flat=True))
    seen = [[each for each in kind if each.case_id in may_see] for kind in asked]
    few = [each for kind in seen for each in kind[:FEW]]
    found = visible.select_related("workflow").filter(pk__in={each.case_id for each in few})
    cases = {case.pk: case for case in Sight(user).of_all(found)}
    told = [_as_read(cases[each.case_id], each, now) for each in few if each.case_id in cases]
    return told, sum(map(len, seen)) - len(few)


def cases_of(user) -> set[int]:
    """The ids of the cases for which he waits, whether he may still see them or not."""
    return {pk for kind in _of(user) for pk in kind.values_list("case", flat=True)[:MOST]}


def _of(user) -> tuple:
    """What he paused, the first to end first; and what he asked the owner of policy."""
    pauses = Pause.objects.open().filter(by=user).order_by(F("until").asc(nulls_last=True), "id")
    return pauses, Question.objects.open().filter(by=user)


def _as_read(case, row, now) -> Awaited:
    named = Titles(case).of_the_case()
    if isinstance(row, Question):
        return Awaited(case, named, gettext("Waiting on the owner of policy"), row.at)
    [told] = rows(case, [row])
    late = prose.distance(row.until, now) if row.until and row.until < now else ""
    return Awaited(case, named, str(told), row.since, row.until, late)
