"""Who may do it. Pure: a person, a verb, a case and the facts that the gate fetched with the lock."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from accounts.roles import (
    AFTER_EXPIRY,
    IN_HOUSE_ONLY,
    MACHINE_VERBS,
    OWNER_VERBS,
    VERBS,
    WHEREVER_IT_IS,
    Office,
    Ownership,
    Role,
)
from cases.chains import Given, next_step
from cases.states import APPROVAL, CHECKING, DESKS, MOVES
from workflows import money
from workflows.patterns import title_key

NOT_WHILE_AWAY = {"claim", "extend", "break_glass"}
ANOTHERS = "This case is not allocated to your side."
ALREADY_APPROVED = "You, or whoever you act for, approved this content already. Another person takes the next step."


@dataclass(frozen=True, slots=True)
class Authority:
    """One seat by which a person may approve: his own, or one that was delegated to him."""

    holder: int
    delegation: int | None = None
    title: str = ""
    limit: Decimal | None = None  # in the case's currency, for its type of action
    within: bool = True


@dataclass(slots=True)
class Standing:
    """What `may` must know beside the person and the case."""

    roles: set = field(
        default_factory=set
    )  # the person's live seats in the case's workflow, and the approver's if one is lent to him
    ownerships: set = field(default_factory=set)  # his own, and those of an absent owner for whom he stands in
    seats: list[Authority] = field(default_factory=list)  # by which he may approve; his own first
    absent_until: datetime | None = None
    makers: set = field(default_factory=set)  # ids of who touched the content
    behind: int | None = None  # the person behind the sending integration
    given: list[Given] = field(default_factory=list)  # the approvals over exactly what stands
    expired: bool = False  # the time to approve is over
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
        return ANOTHERS
    if verb == "review_break_glass":
        return _why_not_reviewing(by, case, standing)
    role = _role_for(verb, case, standing)
    if role is None:
        return _no_seat(verb, case, standing)
    if role in IN_HOUSE_ONLY and not by.is_in_house:
        return f"Only in-house people may {_said(verb)}."
    return (
        _why_not_while_away(verb, case, standing)
        or _why_not_checking(by, verb, case, standing)
        or _why_not_taking_back(by, verb, case, standing)
    )


def why_not_the_answer(asked):
    """As `why_not`, for a question to the person of that id: he answers it, whatever else of the case is his."""

    def why(by, verb, case, standing) -> str:
        is_asked = verb == "answer" and asked == by.pk and by.is_active and by.vendor_id in (None, case.vendor_id)
        return "" if is_asked else why_not(by, verb, case, standing)

    return why


def why_not_look(by, verb, case, standing) -> str:
    """For what only looks: whether the case is his to see is asked where it is looked up."""
    return "" if by.is_active else f"The account {by} is switched off."


def _why_not_the_integration(by, verb, case, standing):
    if verb not in VERBS[Role.INTEGRATION]:
        return f"An integration may not {_said(verb)}."
    if case.sender_id != by.pk:
        return "Only the integration that sent this case may do that."
    return "" if Role.INTEGRATION in standing.roles else "This integration holds no seat in the workflow any more."


def _role_for(verb, case, standing):
    """The seat or ownership that carries the verb here: the desk's own role, and for the rest any role that has it."""
    anywhere = verb == "recall" or verb in WHEREVER_IT_IS
    if case.state in DESKS and case.state in MOVES.get(verb, {case.state: ()}) and not anywhere:
        roles = {DESKS[case.state]} & standing.roles
    else:
        roles = standing.roles
    carrying = [role for role in roles if verb in VERBS.get(role, ())]
    carrying += [of for of in standing.ownerships if verb in OWNER_VERBS.get(of, ())]
    if standing.expired and verb in AFTER_EXPIRY and Ownership.RISK in standing.ownerships:
        carrying.append(Ownership.RISK)
    return carrying[0] if carrying else None


def _no_seat(verb, case, standing):
    if case.state in DESKS and case.state in MOVES.get(verb, {}):
        return f"To {_said(verb)} here you need a seat as {DESKS[case.state]} in {case.workflow}."
    if verb in ("extend", "break_glass"):
        return f"Only the owner of risk of {case.workflow} may {_said(verb)}."
    return f"None of your seats in {case.workflow} lets you {_said(verb)}."


def _why_not_while_away(verb, case, standing):
    """Who is away decides nothing at approval, and nothing is given to him."""
    if standing.absent_until and (verb in NOT_WHILE_AWAY or case.state == APPROVAL):
        back = timezone.localtime(standing.absent_until)
        return f"You are marked absent until {back:%-d %b %Y, %H:%M} ({timezone.get_current_timezone_name()}). Say that you are back first."
    return ""


def _why_not_checking(by, verb, case, standing):
    """Maker is not checker, and nobody approves beyond his limit, or a step of another title."""
    if verb not in (*CHECKING, "break_glass"):
        return ""
    if by.pk in standing.makers:
        return f"You worked on this content yourself, so somebody else must {_said(verb)} it."
    if by.pk in (standing.behind, case.sender_id):
        return f"You are the person behind the integration that sent this, so somebody else must {_said(verb)} it."
    if verb == "break_glass" and any(by.pk in each.people for each in standing.given):
        return ALREADY_APPROVED
    if verb == "reject" and standing.expired and Ownership.RISK in standing.ownerships:
        return ""
    if verb != "break_glass" and seat_for(verb, case, standing, by) is None:
        return _why_no_seat_fits(verb, case, standing, by)
    return ""


def seat_for(verb, case, standing, by) -> Authority | None:
    """The seat by which this person decides: his own where it fits, else one delegated to him."""
    fitting = [seat for seat in standing.seats if not _why_unfit(verb, seat, case, standing, by)]
    return fitting[0] if fitting else None


def _why_no_seat_fits(verb, case, standing, by):
    whys = [_why_unfit(verb, seat, case, standing, by) for seat in standing.seats]
    return whys[0] if whys else f"To {_said(verb)} here you need a seat as {Role.APPROVER} in {case.workflow}."


def _why_unfit(verb, seat, case, standing, by) -> str:
    """Why this seat does not carry the verb here; empty where it does."""
    if seat.holder != by.pk and seat.holder in (*standing.makers, standing.behind):
        return f"Whoever delegated to you worked on this content, so somebody else must {_said(verb)} it."
    if verb != "approve":
        return ""
    if not seat.within:
        return beyond_the_limit(seat, case)
    number = next_step(case.chain, standing.given)
    step = case.chain[number] if number is not None else None
    if step and title_key(step["title"]) not in ("", title_key(seat.title)):
        return f"The next step, “{step['name']}”, is for approvers with the title “{step['title']}”."
    if any({by.pk, seat.holder} & each.people for each in standing.given):
        return ALREADY_APPROVED
    return ""


def beyond_the_limit(seat, case) -> str:
    limit = money.readable(seat.limit, case.currency) or f"none in {case.currency}"
    whose = "Your approval limit" if seat.delegation is None else "The limit of whoever delegated to you"
    return f"{whose} is {limit}; this is about {money.readable(case.amount, case.currency)}."


def _why_not_reviewing(by, case, standing):
    if by.pk in (*standing.makers, standing.behind):
        return "You worked on this content yourself, or stand behind its sender, so somebody else must review it."
    if by.is_in_house and (standing.ownerships or by.office in (Office.MANAGER, Office.AUDITOR)):
        return ""
    return f"A broken glass is reviewed by an owner of {case.workflow}, a manager or an auditor."


def _why_not_taking_back(by, verb, case, standing):
    if verb == "undo" and standing.last.get("by_id") != by.pk:
        return "Only whoever decided may undo it."
    if verb == "recall" and case.state == APPROVAL and standing.sent.get("by_id") != by.pk:
        return "Only whoever sent it to approval may recall it."
    if verb == "retract" and case.state == APPROVAL:
        return _why_not_his_approval(by, case, standing)
    return ""


def _why_not_his_approval(by, case, standing):
    """It is taken back by whoever gave it, as long as nobody has built on it."""
    mine = next((each.step for each in standing.given if each.by == by.pk), None)
    if mine is None:
        return "Only whoever approved what stands may take that approval back."
    later = max(each.step for each in standing.given)
    if later > mine:
        return f"The step “{case.chain[later]['name']}” was given after yours. Send the case back if it must not stand."
    return ""


def _said(verb):
    return "break the glass for" if verb == "break_glass" else verb.replace("_", " ")
