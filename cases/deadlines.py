"""Whom the clocks call next: which cases are over their time, and which come near it. Asked set-based, every few seconds."""

from django.db.models import F, Q

from cases.models import Alert, Case
from cases.states import CLOSED
from workflows.calendar import add
from workflows.models import compiled_policy, hours_of

LEFT = Q(case__state=CLOSED) | Q(case__desk_since__gt=F("raised_at"))  # the desk that the alert was about
DUE_SOON, OVERDUE = Alert.Code.DUE_SOON, Alert.Code.OVERDUE


def settle_what_is_over(now):
    """Alerts of a desk that the case has left; and warnings of what is overdue by now, or waits."""
    told = Alert.objects.open()
    told.filter(LEFT, code=OVERDUE).update(settled_at=now)
    told.filter(LEFT | Q(case__due_at__lte=now) | Q(case__paused_since__isnull=False), code=DUE_SOON).update(settled_at=now)


def breached(now):
    """Overdue, and nobody was told of it yet; the latest first."""
    told = Alert.objects.open().filter(code=OVERDUE).values("case")
    late = Case.objects.overdue().filter(is_test=False)
    return late.exclude(pk__in=told).order_by("due_at").values_list("pk", flat=True)


def due_soon(now) -> list[int]:
    """Those whose tier has a warning, and that are due within it: the moment that lies so many business minutes ahead is the same for all of a tier."""
    running = Case.objects.open().filter(paused_since=None, due_at__gt=now, is_test=False)
    told = Alert.objects.open().filter(code=DUE_SOON).values("case")
    found = []
    for policy, tier, calendar in running.order_by().values_list("policy", "tier", "workflow__calendar").distinct():
        if minutes := compiled_policy(policy).rules.tiers[tier].warn_minutes:
            until = add(hours_of(calendar), now, minutes)
            near = running.filter(policy=policy, tier=tier, due_at__lte=until).exclude(pk__in=told)
            found += near.order_by("due_at").values_list("pk", flat=True)
    return found
