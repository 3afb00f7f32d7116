"""What somebody waits for: what he paused, what he asked somebody who knows, and what he asked the owner of policy."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F
from django.utils.translation import gettext

from cases import prose
from cases.models import Case, Pause, Question
from cases.seen import Sight, rows
from cases.titles import Titles

FEW = 20


class Awaited(NamedTuple):
    """One thing that somebody waits for, as he reads it: of which case, on whom, since when, and how late it is."""

    case: Any
    named: str
    on: str
    since: datetime
    until: datetime | None = None
    late: str = ""


def by(user, now, there) -> list[Awaited]:
    """Of the cases that he may see; what is late first, then what is planned to end first. `there`: which of it there is."""
    pauses = Pause.objects.open().filter(by=user).order_by(F("until").asc(nulls_last=True), "id")
    questions = Question.objects.open().filter(by=user)
    asked = [*(pauses[:FEW] if "paused" in there else ()), *(questions[:FEW] if "unanswered" in there else ())]
    if not asked:
        return []
    found = Case.objects.visible_to(user).select_related("workflow").filter(pk__in={each.case_id for each in asked})
    seen = {case.pk: case for case in Sight(user).of_all(found)}
    return [_as_read(seen[each.case_id], each, now) for each in asked if each.case_id in seen]


def _as_read(case, row, now) -> Awaited:
    named = Titles(case).of_the_case()
    if isinstance(row, Question):
        return Awaited(case, named, gettext("Waiting on the owner of policy"), row.at)
    [told] = rows(case, [row])
    late = prose.distance(row.until, now) if row.until and row.until < now else ""
    return Awaited(case, named, str(told), row.since, row.until, late)
