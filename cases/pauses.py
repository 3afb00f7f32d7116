"""Pauses of a case as the gate and the verbs need them: ending them, and when it is due by a clock that stood."""

from cases.models import Pause
from workflows.calendar import due
from workflows.models import compiled_policy, hours_of


def end(case, *, by, verb, at, only=None) -> list[Pause]:
    """End its open pauses, or `only` the one of that id; with the last of them its clock goes on, and it is due anew.

    A clock that was put back ends a pause no earlier than it began.
    """
    standing = list(case.pauses.open())
    ended = [pause for pause in standing if only in (None, pause.pk)]
    for pause in ended:
        pause.ended_at, pause.ended_by, pause.ended_with = max(at, pause.since), by, verb
        pause.save(update_fields=["ended_at", "ended_by", "ended_with"])
    if len(ended) == len(standing):
        case.paused_since = None
        case.due_at = due_at(case)
    return ended


def due_at(case):
    """When a case at a desk is due: so many minutes after it came there, by a clock that stood during its pauses."""
    minutes = compiled_policy(case.policy_id).rules.due_minutes(case.tier, case.state)
    stood = case.pauses.filter(ended_at__gt=case.desk_since).values_list("since", "ended_at")
    return due(hours_of(case.workflow.calendar_id), case.desk_since, minutes, stood)
