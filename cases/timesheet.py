"""A case's time, read from its rows: desk by desk, worked on, waiting and paused apart."""

from typing import NamedTuple

from audit.models import AuditEvent
from cases.seconds import NOTHING, Spent, Visit, spent, visits
from workflows.models import hours_of

NO_DECISIONS = [f"case.{verb}" for verb in ("recall", "undo", "reopen", "withdraw")]  # that move it all the same


class Stay(NamedTuple):
    """One visit to a desk: the time spent there, and the active seconds that those who decided said."""

    visit: Visit
    spent: Spent
    said: int


def of(case, now) -> list[Stay]:
    """Every stay at a desk up to now, in order. Imported cases begin with their import."""
    events = list(AuditEvent.objects.filter(subject_type="case", subject_id=case.pk, verb__in=["case.received", *NO_DECISIONS]))
    decisions = list(case.decisions.values_list("at", "to", "desk", "active_seconds"))
    born = next((event for event in events if event.verb == "case.received"), None)
    begun = max(case.received_at, born.at) if born else case.received_at
    moves = [(at, to) for at, to, _, _ in decisions] + [(event.at, event.body["to"]) for event in events if event is not born]
    stays = visits(case.routed.get("to", case.state), begun, moves, now)
    held, stood = list(case.claims.values_list("since", "ended_at")), list(case.pauses.values_list("since", "ended_at"))
    hours = hours_of(case.workflow.calendar_id)
    return [Stay(stay, spent(hours, stay.since, stay.until, held, stood), _said(stay, decisions)) for stay in stays]


def together(stays: list[Stay]) -> Spent:
    return sum((stay.spent for stay in stays), NOTHING)


def _said(stay, decisions) -> int:
    return sum(seconds or 0 for at, _, desk, seconds in decisions if desk == stay.desk and stay.since <= at <= stay.until)
