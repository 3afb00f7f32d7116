"""Who may do it. Pure: a person, a verb, a case and the facts that the gate fetched with the lock."""

from dataclasses import dataclass, field
from decimal import Decimal

from accounts.roles import IN_HOUSE_ONLY, MACHINE_VERBS, OWNER_VERBS, VERBS, Role
from cases.states import APPROVAL, CHECKING, DESKS, MOVES


@dataclass(slots=True)
class Standing:
    """What `may` must know beside the person and the case."""

    roles: set = field(default_factory=set)  # the person's live seats in the case's workflow
    ownerships: set = field(default_factory=set)
    limit: Decimal | None = None  # of the person's approver seat, in the case's currency and for its type of action
    makers: set = field(default_factory=set)  # ids of who touched the content
    behind: int | None = None  # the person behind the sending integration
    approvals: int = 0  # given over exactly what stands
    edited_since_release: bool = False
    last: dict = field(default_factory=dict)  # the last decision: by, verb, desk, to, at, before
    sent: dict = field(default_factory=dict)  # the decision that sent it to approval: by, desk


def may(by, verb, case, standing) -> bool:
    return not why_not(by, verb, case, standing)


def why_not(by, verb, case, standing) -> str:
    """Why `by` may not `verb` this case, as a sentence; empty where he may."""
    if not by.is_active:
        return f"The account {by} is switched off."
    if by.kind == by.Kind.MACHINE:
        return "" if verb in MACHINE_VERBS else f"The machine may not {verb}."
    if by.kind == by.Kind.INTEGRATION:
        return _why_not_the_integration(by, verb, case, standing)
    if by.vendor_id is not None and by.vendor_id != case.vendor_id:
        return "This case is not allocated to your side."
    role = _role_for(verb, case, standing)
    if role is None:
        return _no_seat(verb, case, standing)
    if role in IN_HOUSE_ONLY and not by.is_in_house:
        return f"Only in-house people may {_said(verb)}."
    return _why_not_checking(by, verb, case, standing) or _why_not_taking_back(by, verb, case, standing)


def _why_not_the_integration(by, verb, case, standing):
    if verb not in VERBS[Role.INTEGRATION]:
        return f"An integration may not {_said(verb)}."
    if case.sender_id != by.pk:
        return "Only the integration that sent this case may do that."
    return "" if Role.INTEGRATION in standing.roles else "This integration holds no seat in the workflow any more."


def _role_for(verb, case, standing):
    """The seat or ownership that carries the verb here: the desk's own role, and for the rest any role that has it."""
    if case.state in DESKS and case.state in MOVES.get(verb, {case.state: ()}) and verb not in ("recall",):
        roles = {DESKS[case.state]} & standing.roles
    else:
        roles = standing.roles
    carrying = [role for role in roles if verb in VERBS.get(role, ())]
    carrying += [of for of in standing.ownerships if verb in OWNER_VERBS.get(of, ())]
    return carrying[0] if carrying else None


def _no_seat(verb, case, standing):
    if case.state in DESKS and case.state in MOVES.get(verb, {}):
        return f"To {_said(verb)} here you need a seat as {DESKS[case.state]} in {case.workflow}."
    return f"None of your seats in {case.workflow} lets you {_said(verb)}."


def _why_not_checking(by, verb, case, standing):
    """Maker is not checker, and nobody approves beyond his limit."""
    if verb not in CHECKING:
        return ""
    if by.pk in standing.makers:
        return f"You worked on this content yourself, so somebody else must {_said(verb)} it."
    if by.pk in (standing.behind, case.sender_id):
        return f"You are the person behind the integration that sent this, so somebody else must {_said(verb)} it."
    if verb == "approve" and case.amount is not None and (standing.limit is None or standing.limit < case.amount):
        limit = f"{standing.limit:.2f} {case.currency}" if standing.limit is not None else f"none in {case.currency}"
        return f"Your approval limit is {limit}; this is about {case.amount:.2f} {case.currency}."
    return ""


def _why_not_taking_back(by, verb, case, standing):
    if verb == "undo" and standing.last.get("by_id") != by.pk:
        return "Only whoever decided may undo it."
    if verb == "recall" and case.state == APPROVAL and standing.sent.get("by_id") != by.pk:
        return "Only whoever sent it to approval may recall it."
    return ""


def _said(verb):
    return verb.replace("_", " ")
