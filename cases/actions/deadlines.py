"""What the machine says of due times: a warning before, and a breach. Neither moves a case, and neither decides anything."""

from accounts.roles import Ownership
from audit import clock, trail
from cases import alerts
from cases.actions.pausing import MOST_URGENT
from cases.gate import asking, move
from cases.models import Alert
from cases.states import OPEN
from integrations.problems import Conflict
from workflows.calendar import add
from workflows.models import Owner, compiled_policy, hours_of

MORE_URGENT = 10  # by which a breach raises the priority: before whatever came back from a snooze


def warn(case_id, *, by):
    """It will be due soon: whoever works it is warned, once while it is at its desk and its clock runs."""
    with asking(case_id, "warn", by=by) as case:
        now = clock.now()
        warned = compiled_policy(case.policy_id).rules.tiers[case.tier].warn_minutes
        if not _runs(case) or not warned or not now < case.due_at <= add(hours_of(case.workflow.calendar_id), now, warned):
            raise Conflict("This case is not due so soon that anybody is warned.", code="not_due")
        says = f"It is due on {case.due_at:%Y-%m-%d at %H:%M} UTC."
        if alerts.raise_for(case, Alert.Code.DUE_SOON, says, at=now, to=""):
            trail.record("case.warn", by=by, subject=case, due_at=case.due_at, **move(case, case.state))
    return case


def breach(case_id, *, by):
    """It was not done in time: it is more urgent, once for each desk, and the owner of exceptions is told. It stays where it is."""
    with asking(case_id, "breach", by=by) as case:
        now = clock.now()
        if not _runs(case) or case.due_at > now:
            raise Conflict("This case is not overdue.", code="not_due")
        says = f"It was due at {case.state} on {case.due_at:%Y-%m-%d at %H:%M} UTC, and stays there, more urgent. {_owner(case, now)}"
        if alerts.raise_for(case, Alert.Code.OVERDUE, says, at=now, to=Ownership.EXCEPTIONS):
            alerts.settle(case, Alert.Code.DUE_SOON, at=now)
            case.priority = min(case.priority + MORE_URGENT, MOST_URGENT)
            case.save(update_fields=["priority"])
            trail.record(
                "case.breach", by=by, subject=case, due_at=case.due_at, priority=case.priority, **move(case, case.state)
            )
    return case


def _runs(case) -> bool:
    return case.state in OPEN and case.paused_since is None


def _owner(case, now) -> str:
    """Who sees to it."""
    owner = Owner.objects.select_related("user").filter(workflow=case.workflow_id, of=Ownership.EXCEPTIONS).first()
    return (
        f"{owner.user} owns the exceptions of {case.workflow}." if owner else f"Nobody owns the exceptions of {case.workflow}."
    )
