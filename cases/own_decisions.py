"""What one person has decided himself, and what came of it: for his own eyes, also where the case is another's by now.

The database answers (`own_decisions`, docs/decisions/0037), and asks itself for whom: of a case that he may not open it tells the name
alone, and of what others did with it later only that they did. Who that was, and for what, is told to nobody here.
"""

from datetime import timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.utils.translation import gettext_lazy as _

from audit import clock
from cases import paging, prose, verbs
from cases.listing import CONTENT
from cases.models import Case, Decision
from cases.seen import Sight, heard, rows
from workflows.models import Workflow, compiled_policy

DAYS, MOST = 30, 5000  # what the sums are of: the last 30 days, or so many decisions
NEWEST = 2**63 - 1  # the id before which all are
CAME = {  # of a decision, by what the database says of it
    "taken_back": _("Taken back by you"),
    "sent_back": _("Sent back"),
    "overturned": _("Decided otherwise later"),
    "reworked": _("Case reworked later"),
}
OWN = "SELECT d.*, %(person)s AS by_id FROM own_decisions(%(person)s, %(before)s, NULL, %(most)s) d"
SUMS = """
SELECT count(*) FILTER (WHERE at >= %(midnight)s), count(DISTINCT case_id) FILTER (WHERE at >= %(midnight)s), count(*),
  count(*) FILTER (WHERE NOT taken_back), count(*) FILTER (WHERE sent_back OR overturned), count(*) FILTER (WHERE reworked),
  count(active_seconds), percentile_cont(0.5) WITHIN GROUP (ORDER BY active_seconds)
 FROM own_decisions(%(person)s, %(before)s, %(since)s, %(most)s)
"""


class Own(NamedTuple):
    """One decision as its decider reads it. `case`: None where he may not open it any more."""

    decision: Any
    reference: str
    workflow: str
    case: Any
    done: str
    why: str  # the policy's words for it, where it had to be one of them
    came: list[str]

    @property
    def took(self) -> str:
        seconds = self.decision.active_seconds
        return "" if seconds is None else prose.length(seconds)


class Sums(NamedTuple):
    """Today is since midnight by one's own clock; all else is of the last days, those of today among them."""

    today: int
    cases_today: int
    lately: int
    stood: int  # not taken back by himself
    overturned: int  # of those: sent back, or decided otherwise later
    reworked: int
    timed: int
    median: float | None  # active seconds

    @property
    def percent(self) -> int | None:
        return round(100 * self.overturned / self.stood) if self.stood else None

    @property
    def time(self) -> str:
        return prose.length(self.median) if self.timed else ""

    @property
    def is_cut(self) -> bool:
        return self.lately == MOST


def page(user, after="") -> tuple[list[Own], str]:
    """A page of them, the newest first, and where the next one goes on; empty: that was the last."""
    before = paging.number(after) if after else NEWEST
    found = list(Decision.objects.raw(OWN, {"person": user.pk, "before": before, "most": paging.SIZE + 1}))
    shown = found[: paging.SIZE]
    following = str(shown[-1].pk) if len(found) > len(shown) else ""
    shown.sort(key=lambda each: each.at, reverse=True)  # as they were made, where several were written down at once
    return _told(shown, user), following


def sums(user) -> Sums:
    now = clock.now()
    asked = {"person": user.pk, "before": NEWEST, "most": MOST, "midnight": clock.midnight(now), "since": now - timedelta(DAYS)}
    with connection.cursor() as cursor:
        cursor.execute(SUMS, asked)
        return Sums(*cursor.fetchone())


def _told(decisions, user) -> list[Own]:
    sight = Sight(user)
    cases = Case.objects.visible_to(user).filter(pk__in={each.case_id for each in decisions})
    if user.is_in_house:
        cases = cases.defer(*CONTENT)
    seen = {case.pk: case for case in sight.of_all(cases)}
    names = dict(Workflow.objects.filter(pk__in={each.workflow_id for each in decisions}).values_list("pk", "name"))
    return [_own(each, seen.get(each.case_id), names[each.workflow_id], sight) for each in decisions]


def _own(decision, case, workflow, sight) -> Own:
    came = [str(words) for name, words in CAME.items() if getattr(decision, name)]
    done, code = verbs.DONE[decision.verb], decision.reason_code
    if case is None:
        reference = sight.reference(decision.workflow_id, decision.external_id)
        decision.reason = heard(sight.user, decision.reason)
        return Own(decision, reference, workflow, None, done, prose.named(code), came)
    [read] = rows(case, [decision])
    return Own(read, case.external_id, workflow, case, done, compiled_policy(case.policy_id).rules.reason(code), came)
