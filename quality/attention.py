"""Who still looks at what he lets pass: the newest decisions of each person, as `stats/attention.py` reckons with them.

Nothing is stored: it is read anew from the decisions, so that what is corrected later counts for what passed before.
"""

from collections import defaultdict
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import RawSQL

from accounts.models import User
from accounts.roles import Office, Ownership
from audit import clock
from cases.models import Decision, Rework
from cases.states import DESKS, State
from stats import attention
from workflows.models import Owner, Workflow

PASSING = Q(verb__in=["accept", "approve", "resolve"], before__isnull=True)  # what stood, stands
CHANGING = Q(before__isnull=False) | Q(verb__in=["reject", "send_back", "no_action"])
COMPARED = 5000  # the newest decisions of a workflow, to compare people by
CHARACTERS = """
(SELECT length(c.input::text) + coalesce(length(c.context::text), 0)
   + length(coalesce(cases_decision.before -> 'output', c.standing_output, c.output)::text)
   FROM cases_case c WHERE c.id = cases_decision.case_id)
"""  # what was there to be read
SECONDS = """
least(cases_decision.active_seconds::float8, (SELECT extract(epoch FROM cases_decision.at - max(l.since))::float8 FROM cases_claim l
  WHERE l.case_id = cases_decision.case_id AND l.user_id = cases_decision.by_id AND l.since <= cases_decision.at
    AND coalesce(l.ended_at, cases_decision.at) >= cases_decision.at))
"""  # from seeing to deciding: what was said, and never more than the claim lasted; NULL where neither is known


class Line(NamedTuple):
    """One person at one desk of one workflow."""

    workflow: Workflow
    person: User
    desk: str
    told: attention.Attention

    @property
    def desk_label(self):
        return State(self.desk).label


class Shown(NamedTuple):
    """One decision of the evidence, with its case."""

    decision: Decision
    look: attention.Look
    reading: float
    is_quick: bool


def workflows_of(user):
    """Those whose quality this person owns, or owns for somebody who is away; all of them for who sees all numbers."""
    if user.is_in_house and user.office in (Office.MANAGER, Office.AUDITOR):
        return Workflow.objects.all()
    return Workflow.objects.filter(
        pk__in=Owner.objects.acting_as(user, clock.now()).filter(of=Ownership.QUALITY).values("workflow")
    )


def report(workflow) -> list[Line]:
    """Everybody who decided of late, whoever is to be looked at first."""
    newest = _compared(workflow)
    people = User.objects.select_related("vendor").in_bulk({by for by, _ in newest})
    chosen = [pk for ids in newest.values() for pk, _ in ids[-attention.WINDOW :]]
    looks = {decision.pk: look_of(decision) for decision in _measured(Decision.objects.filter(pk__in=chosen))}
    lines = [
        Line(
            workflow,
            people[by],
            desk,
            attention.attention([looks[pk] for pk, _ in ids[-attention.WINDOW :]], _base(newest, by, desk)),
        )
        for (by, desk), ids in newest.items()
        if by in people
    ]
    return sorted(lines, key=lambda line: (not line.told.is_reported, -line.told.evidence, str(line.person)))


def of_person(workflow, person, desk) -> tuple[Line, list[Shown]]:
    """One person's line and the decisions it rests on, newest first."""
    mine = Decision.objects.filter(by=person, desk=desk, case__workflow=workflow, case__is_test=False)
    decisions = list(_measured(mine).select_related("case", "case__workflow").order_by("-id")[: attention.WINDOW])
    looks = [look_of(decision) for decision in decisions]
    line = Line(workflow, person, desk, attention.attention(looks[::-1], _base(_compared(workflow), person.pk, desk)))
    shown = [
        Shown(decision, look, attention.reading_seconds(look.characters), attention.is_quick(look))
        for decision, look in zip(decisions, looks, strict=True)
    ]
    return line, shown


def mine(user) -> list[Line]:
    """What a person's own desk tells him: where his pace leaves no time to read, or what he let pass was changed later."""
    newest = _measured(Decision.objects.filter(by=user, desk__in=DESKS, case__is_test=False))
    newest = newest.select_related("case__workflow").only("desk", "case__workflow").order_by("-id")[: attention.WINDOW]
    groups = defaultdict(list)
    for decision in reversed(newest):
        groups[decision.case.workflow, decision.desk].append(look_of(decision))
    lines = [Line(workflow, user, desk, attention.attention(looks, 0.0)) for (workflow, desk), looks in groups.items()]
    return [line for line in lines if line.told.decisions >= attention.FEWEST and (line.told.is_quick or line.told.missed)]


def look_of(decision) -> attention.Look:
    return attention.Look(decision.characters, decision.seconds, decision.passed, decision.shown_wrong)


def _compared(workflow) -> dict[tuple[int, str], list[tuple[int, bool]]]:
    """(person, desk) → (decision, whether it passed unchanged), oldest first, of the newest that were made in the workflow."""
    made = Decision.objects.filter(case__workflow=workflow, case__is_test=False, by__kind=User.Kind.PERSON, desk__in=DESKS)
    newest = made.annotate(passed=PASSING).order_by("-id").values_list("pk", "by", "desk", "passed")[:COMPARED]
    found: dict[Any, list] = defaultdict(list)
    for pk, by, desk, passed in reversed(newest):
        found[by, desk].append((pk, passed))
    return found


def _base(newest, person, desk) -> float:
    """How often the others at that desk change something."""
    others = [passed for (by, at), ids in newest.items() if at == desk and by != person for _, passed in ids]
    return attention.base_rate(others.count(False), len(others))


def _measured(decisions):
    """With what a look needs, and whether somebody else found it wrong later."""
    later = Decision.objects.filter(CHANGING, case=OuterRef("case"), pk__gt=OuterRef("pk")).exclude(by=OuterRef("by"))
    reworked = Rework.objects.filter(case=OuterRef("case"), at__gt=OuterRef("at"))
    return decisions.annotate(
        passed=PASSING,
        characters=RawSQL(CHARACTERS, []),
        seconds=RawSQL(SECONDS, []),
        shown_wrong=Exists(later) | Exists(reworked),
    )
