"""The mutable beside the policy: the stop switch, the sampling rates."""

from django.core.exceptions import ValidationError

from audit import clock, trail
from workflows.actions.asking import deciding
from workflows.models import (
    Dial,
    StratumRate,
)


def stop(workflow, *, by, reason):
    """Nothing is released without a person until somebody who owns the risk resumes."""
    _turn(workflow, "stop", by=by, reason=reason, stopped_at=clock.now(), stop_reason=reason)


def resume(workflow, *, by, reason):
    _turn(workflow, "resume", by=by, reason=reason, stopped_at=None, stop_reason="")


def _turn(workflow, verb, *, by, reason, **dial):
    if not reason.strip():
        raise ValidationError("Say why.")
    with deciding(workflow, verb, by=by):
        before = Dial.objects.get(workflow=workflow)
        Dial.objects.filter(workflow=workflow).update(**dial)
        facts = {"from": before.stopped_at, "to": dial["stopped_at"]}
        trail.record(f"workflow.{verb}", by=by, subject=workflow, words=reason, **facts)


def set_rate(workflow, tier, rate, *, by, segment="", reason=""):
    """The sampling rate of one stratum, from the next case on."""
    with deciding(workflow, "set_rate", by=by):
        before = (
            StratumRate.objects.filter(workflow=workflow, tier=tier, segment=segment).values_list("rate", flat=True).first()
        )
        StratumRate.objects.update_or_create(workflow=workflow, tier=tier, segment=segment, defaults={"rate": rate})
        facts = {"tier": tier, "segment": segment, "from": before, "to": rate}
        trail.record("workflow.set_rate", by=by, subject=workflow, words=reason, **facts)
