"""When work is done: calendars with their shifts and holidays."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from workflows.calendar import ALWAYS, WEEKDAYS, Hours
from workflows.calendar import Shift as Span


class Calendar(models.Model):
    """When work is done: the shifts of a week by the clock of one zone, and the days that differ. No calendar: always."""

    name = models.CharField(max_length=80)
    time_zone = models.CharField(max_length=64, default="UTC", help_text=_("The shifts are meant by the clock of this zone."))

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["name"], name="one_calendar_per_name")]

    def __str__(self):
        return self.name

    @property
    def hours(self) -> Hours:
        """What to calculate with: two queries, or none where shifts and holidays were prefetched. Later edits are not in it."""
        shifts = ((shift.weekday, shift.span) for shift in self.shifts.all())
        return Hours.made_of(self.time_zone, shifts, ((each.date, each.spans) for each in self.holidays.all()))


def hours_of(calendar_id: int | None) -> Hours:
    """The hours in which clocks run; around the clock where there is no calendar, or one that never opens."""
    if calendar_id is None:
        return ALWAYS
    hours = Calendar.objects.prefetch_related("shifts", "holidays").get(pk=calendar_id).hours
    return hours if any(hours.week) else ALWAYS


class Shift(models.Model):
    """One of a weekday's; it belongs to the day it begins on, also where it ends on the next."""

    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="shifts")
    weekday = models.PositiveSmallIntegerField(choices=list(enumerate(WEEKDAYS)))
    opens = models.TimeField(pgettext_lazy("hours", "from"))
    closes = models.TimeField(pgettext_lazy("hours", "to"), help_text=_("At or before “from”: on the next day."))

    class Meta:
        ordering = ["calendar", "weekday", "opens"]
        constraints = [models.CheckConstraint(condition=Q(weekday__lte=6), name="a_weekday_is_monday_to_sunday")]

    def __str__(self):
        return f"{self.get_weekday_display()} {self.span}"

    @property
    def span(self) -> Span:
        return Span(self.opens, self.closes)


class Holiday(models.Model):
    """A day that differs: closed, or open at other hours; in place of the shifts that begin on it."""

    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="holidays")
    date = models.DateField()
    name = models.CharField(max_length=80)
    opens = models.TimeField(pgettext_lazy("hours", "from"), null=True, blank=True, help_text=_("Empty: closed."))
    closes = models.TimeField(pgettext_lazy("hours", "to"), null=True, blank=True)

    class Meta:
        ordering = ["calendar", "date"]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "date"], name="one_holiday_per_calendar_and_day"),
            models.CheckConstraint(
                condition=Q(opens=None, closes=None) | Q(opens__isnull=False, closes__isnull=False),
                name="a_holiday_is_closed_or_says_from_and_to",
            ),
        ]

    def __str__(self):
        return f"{self.date} {self.name}: {self.spans[0] if self.spans else pgettext('hours', 'closed')}"

    @property
    def spans(self) -> tuple[Span, ...]:
        return () if self.opens is None else (Span(self.opens, self.closes),)
