"""The mutable beside the policy: the stop switch, the sampling rates, the calendar."""

import msgspec
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.roles import Role
from audit import clock, trail
from integrations import outbox
from integrations.models import OutboxRow
from workflows.actions.asking import deciding
from workflows.models import Dial, Seat, StratumRate
from workflows.patterns import Rules
from workflows.routing import floor_of

TOLD = {"stop": OutboxRow.Event.STOPPED, "resume": OutboxRow.Event.RESUMED}


def stop(workflow, *, by, reason):
    """Nothing is released without a person until somebody who owns the risk resumes."""
    _turn(workflow, "stop", by=by, reason=reason, stopped_at=clock.now(), stop_reason=reason)


def resume(workflow, *, by, reason):
    _turn(workflow, "resume", by=by, reason=reason, stopped_at=None, stop_reason="")


def _turn(workflow, verb, *, by, reason, **dial):
    if not reason.strip():
        raise ValidationError(_("Say why."))
    with deciding(workflow, verb, by=by):
        before = Dial.objects.get(workflow=workflow)
        Dial.objects.filter(workflow=workflow).update(**dial)
        facts = {"from": before.stopped_at, "to": dial["stopped_at"]}
        trail.record(f"workflow.{verb}", by=by, subject=workflow, words=reason, **facts)
        seated = Seat.objects.live().filter(workflow=workflow, role=Role.INTEGRATION).values_list("user", flat=True)
        outbox.announce_to(seated, TOLD[verb], at=clock.now(), workflow=workflow.slug, reason=reason)


def set_rate(workflow, tier, rate, *, by, segment="", reason=""):
    """The sampling rate of one stratum, from the next case on."""
    with deciding(workflow, "set_rate", by=by) as locked:
        _check_the_floor(locked, tier, segment, rate)
        before = (
            StratumRate.objects.filter(workflow=workflow, tier=tier, segment=segment).values_list("rate", flat=True).first()
        )
        StratumRate.objects.update_or_create(workflow=workflow, tier=tier, segment=segment, defaults={"rate": rate})
        facts = {"tier": tier, "segment": segment, "from": before, "to": rate}
        trail.record("workflow.set_rate", by=by, subject=workflow, words=reason, **facts)


def _check_the_floor(workflow, tier, segment, rate):
    if policy := workflow.policy:
        rule = msgspec.convert(policy.rules, Rules, strict=False).tiers[tier]
        floor = floor_of(rule, rule.sample_rates.get(segment, rule.sample_rate))
        if rate < floor:
            raise ValidationError(
                {
                    "rate": format_lazy(
                        _("Version {version} samples {floor:.0%} of {tier} risk at least. Choose that or more."),
                        version=policy.version,
                        floor=floor,
                        tier=tier,
                    )
                }
            )


def set_calendar(workflow, calendar, *, by, reason=""):
    """The hours in which the workflow's clocks run, for what becomes due from now on. None: around the clock."""
    with deciding(workflow, "set_calendar", by=by) as locked:
        if calendar is not None and not calendar.shifts.exists():
            raise ValidationError(
                {
                    "calendar": format_lazy(
                        _("{calendar} never opens, so nothing would ever be due. Give it shifts first."), calendar=calendar
                    )
                }
            )
        before, locked.calendar = locked.calendar, calendar
        locked.save(update_fields=["calendar"])
        facts = {"from": before and before.name, "to": calendar and calendar.name}
        trail.record("workflow.set_calendar", by=by, subject=locked, words=reason, **facts)
