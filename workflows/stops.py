"""Which workflows are stopped: since when, by whom, why, and who can resume them."""

from datetime import datetime
from typing import NamedTuple

from audit.models import AuditEvent
from workflows.models import Dial, Workflow
from workflows.permissions import who_can


class Stop(NamedTuple):
    """One workflow that stands. `who_resumes`: the names of those who can, or None where nobody is there to ask."""

    workflow: Workflow
    at: datetime
    by: str
    reason: str
    who_resumes: str | None


def among(workflows) -> list[Stop]:
    """Those of these workflows (a queryset, or ids) that are stopped, the longest first."""
    dials = (
        Dial.objects.filter(workflow__in=workflows, stopped_at__isnull=False).select_related("workflow").order_by("stopped_at")
    )
    return [
        Stop(dial.workflow, dial.stopped_at, _who(dial), dial.stop_reason, who_can("resume", dial.workflow)) for dial in dials
    ]


def _who(dial) -> str:
    events = AuditEvent.objects.filter(subject_type="workflow", subject_id=dial.workflow_id, verb="workflow.stop")
    return events.order_by("number").values_list("actor_name", flat=True).last() or ""
