"""What clocks leave behind: why one stood, what was stuck on a day, what would be late by the end of a shift."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Vendor
from cases.models.case import Case, fact
from cases.states import State
from workflows.models import Workflow

LONGEST = timedelta(days=90)  # that anything is planned to wait


class PauseQuerySet(models.QuerySet):
    def open(self):
        return self.filter(ended_at=None)


class Pause(models.Model):
    """Why a case's clock stands: it waits on the customer, on another team, or somebody put it off. Several may be open at once."""

    class Kind(models.TextChoices):
        CUSTOMER = "customer", _("Waiting on the customer")
        TEAM = "team", _("Waiting on another team")
        SNOOZE = "snooze", _("Snoozed")

    case = models.ForeignKey(Case, models.PROTECT, related_name="pauses")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    on_whom = models.CharField(
        max_length=200, blank=True, help_text=_("In words: the customer, the bank, Finance. A snooze waits on nobody.")
    )
    desk = models.CharField(max_length=10, choices=State.choices)
    reason = models.TextField()
    by = fact(settings.AUTH_USER_MODEL)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, help_text=_("When it is planned to go on. A snooze ends then by itself."))
    ended_at = models.DateTimeField(null=True)
    ended_by = fact(settings.AUTH_USER_MODEL, null=True)
    ended_with = models.CharField(max_length=12, blank=True, help_text=_("The verb that ended it: go_on, wake, accept…"))

    objects = PauseQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(kind="snooze", ended_at=None), name="one_open_snooze_per_case"
            ),
            models.CheckConstraint(condition=~Q(kind="snooze") | Q(until__isnull=False), name="a_snooze_says_until_when"),
            models.CheckConstraint(condition=Q(kind="snooze") | ~Q(on_whom=""), name="a_wait_says_on_whom"),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gt=F("since"), until__lte=F("since") + LONGEST),
                name="a_pause_is_planned_for_90_days_at_most",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None, ended_with="")
                | Q(ended_at__gte=F("since"), ended_by__isnull=False) & ~Q(ended_with=""),
                name="a_pause_ends_after_it_began_and_by_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "until"], name="pauses_open", condition=Q(ended_at=None)),
            models.Index(fields=["by"], name="pauses_of_a_person", condition=Q(ended_at=None)),
        ]

    def __str__(self):
        return self.get_kind_display() if self.kind == self.Kind.SNOOZE else f"{self.get_kind_display()}: {self.on_whom}"


class Stuck(models.Model):
    """One case on one day's list of what is stuck, and why. Written once a day, kept."""

    class Why(models.TextChoices):
        OVERDUE = "overdue", _("Overdue")
        NOT_BACK = "not_back", _("Waiting for longer than planned")
        NOBODY = "nobody", _("Nobody can take it")
        ABSENT = "absent", _("Assigned to somebody who is not there")
        PASSED = "passed", _("Passed on by everybody")
        CLAIMS = "claims", _("Claims on it keep running out")
        SNOOZES = "snoozes", _("Snoozed again and again")
        EXPIRED = "expired", _("The time to approve ran out")

    day = models.DateField()
    case = models.ForeignKey(Case, models.PROTECT, related_name="+")
    workflow = fact(Workflow)
    desk = models.CharField(max_length=10, choices=State.choices)
    vendor = fact(Vendor, null=True)
    why = models.CharField(max_length=8, choices=Why.choices)
    says = models.TextField()

    class Meta:
        ordering = ["-day", "workflow", "desk", "why", "case"]
        constraints = [models.UniqueConstraint(fields=["day", "case", "why"], name="stuck_once_a_day_for_each_reason")]

    def __str__(self):
        return self.says


class Forecast(models.Model):
    """What one desk's side would not finish in time, as named before the end of a shift."""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="+")
    desk = models.CharField(max_length=10, choices=State.choices)
    vendor = fact(Vendor, null=True)
    at = models.DateTimeField()
    shift_ends = models.DateTimeField()
    waiting = models.PositiveIntegerField()
    late = models.PositiveIntegerField()
    pace = models.FloatField(help_text=_("Decisions an hour."))
    says = models.TextField()
    cases = models.JSONField(
        default=list, help_text=_("The ids of those that would be late, the most urgent first; a hundred at most.")
    )

    class Meta:
        ordering = ["-shift_ends", "workflow", "desk", "vendor"]
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "desk", "vendor", "shift_ends"], name="one_forecast_per_desk_vendor_and_shift"
            ),
            models.UniqueConstraint(
                fields=["workflow", "desk", "shift_ends"],
                condition=Q(vendor=None),
                name="one_forecast_per_desk_and_shift_of_the_house",
            ),
        ]

    def __str__(self):
        return self.says
