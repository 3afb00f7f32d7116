"""How a case closes, and what is kept of a correction after release."""

from datetime import timedelta
from decimal import Decimal

from django.core.exceptions import ValidationError

from cases.models import Rework
from cases.states import CLOSED, ClosedAs
from workflows import money
from workflows.models import compiled_policy


def seconds_to_undo(case) -> int:
    """The policy's grace window, for a decision that closes the case now. What was released before has none."""
    return 0 if case.released_at else compiled_policy(case.policy_id).rules.grace_seconds


def close(case, how, *, at_once=False):
    """It ends so; it takes effect now, or when the grace window is over."""
    grace = 0 if at_once else seconds_to_undo(case)
    case.closed_as, case.closed_at = how, case.story.now
    if grace:
        case.settles_at = case.story.now + timedelta(seconds=grace)
    else:
        case.story.settles = True


def close_if_closed(case):
    if case.state == CLOSED:
        if case.proposes_no_action:
            return close(case, ClosedAs.NO_ACTION)
        close(case, ClosedAs.RELEASED if _is_as_received(case) else ClosedAs.CORRECTED)


def _is_as_received(case):
    received = {"type": "", "amount": None, "currency": "", "payee": "", **(case.received_action or {})}
    received["amount"] = Decimal(received["amount"]) if received["amount"] is not None else None
    return case.standing == case.output and case.action == received


def keep_rework(case, place, *, severity=Rework.Severity.MINOR, minutes=None, cost=None, currency=""):
    if fault := money.fault(cost, currency):
        raise ValidationError({"cost": fault})
    made = Rework.objects.create(
        case=case,
        by=case.story.by,
        at=case.story.now,
        place=place,
        severity=severity,
        minutes=minutes,
        cost=cost,
        currency=currency,
        reason=case.story.reason,
    )
    case.story.facts |= {"rework": made.pk, "place": str(place), "severity": str(severity)}
    if minutes is not None:
        case.story.facts["minutes"] = float(minutes)
    if cost is not None:
        case.story.facts["cost"] = money.readable(cost, currency)
