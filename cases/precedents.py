"""How cases like this one were decided at approval: the same action in the same workflow, and an amount not far from this one."""

from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models import Case, Decision
from cases.states import APPROVAL, CLOSED

NEAR = Decimal("0.25")  # of the amount, to either side
LOOKED_AT = 300  # the newest of the same action; so the question stays cheap however long the history is
SHOWN = 3
# fmt: off
SAID = {
    "approve": _("approved"), "edited": _("edited and approved"), "reject": _("rejected"), "send_back": _("sent back"),
    "edit": _("edited, for another approver"),
}
# fmt: on


class Like(NamedTuple):
    """A closed case, as far as likeness goes."""

    pk: int
    workflow_id: int
    action_type: str
    currency: str
    amount: Decimal | None


class Precedents(NamedTuple):
    """What was decided on them: [(how, how many)…], the most frequent first, and the last few."""

    number: int
    counts: list
    lately: list[Decision]


def is_like(case, other: Like) -> bool:
    """Whether `other` is a precedent of this case. Pure."""
    if (case.workflow_id, case.action_type, case.currency) != other[1:4]:
        return False
    if case.amount is None or other.amount is None:
        return case.amount is other.amount
    return abs(other.amount - case.amount) <= case.amount * NEAR


def of_all(cases, user) -> dict[int, Precedents]:
    """By case; two questions, however many cases."""
    closed = _closed_with_the_same_action(cases, user)
    alike = {case.pk: [each.pk for each in closed if is_like(case, each)] for case in cases}
    decided = _decided({pk for found in alike.values() for pk in found})
    return {pk: _summed([decided[each] for each in found if each in decided]) for pk, found in alike.items()}


def _closed_with_the_same_action(cases, user) -> list[Like]:
    """The newest of each workflow, action and currency that these cases have."""
    kinds = sorted({(case.workflow_id, case.action_type, case.currency) for case in cases})
    asked = [
        Case.objects.visible_to(user)
        .filter(workflow=workflow, action_type=action, currency=currency, state=CLOSED, requires_approval=True)
        .order_by("-id")
        .values_list(*Like._fields)[:LOOKED_AT]
        for workflow, action, currency in kinds
    ]
    return [Like(*row) for row in asked[0].union(*asked[1:], all=True)] if asked else []


def _decided(cases) -> dict[int, Decision]:
    """The last word of approval on each; who withdrew one has none."""
    last = Decision.objects.filter(case__in=cases, desk=APPROVAL).order_by("case_id", "-id").distinct("case_id")
    last = last.annotate(edited=Q(before__isnull=False)).select_related("by", "case")
    return {
        each.case_id: each
        for each in last.defer("output", "before", "standard", "case__input", "case__output", "case__context")
    }


def _summed(decisions) -> Precedents:
    newest = sorted(decisions, key=lambda each: each.pk, reverse=True)
    for each in newest:
        each.told = SAID.get("edited" if each.verb == "approve" and each.edited else each.verb, each.verb)
    return Precedents(len(newest), Counter(each.told for each in newest).most_common(), newest[:SHOWN])
