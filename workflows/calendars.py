"""The verb on calendars. Whoever reckons asks `Calendar.hours`, or takes `calendar.ALWAYS` where there is none."""

from collections.abc import Iterable

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.permissions import administers
from audit import trail
from workflows import week
from workflows.calendar import Hours
from workflows.models import Calendar, Holiday, Shift


def may_define_hours(user) -> bool:
    """Calendars are of no one workflow: administrators, and whoever owns anything of some workflow."""
    return user.is_active and user.is_in_house and (administers(user) or user.ownerships.exists())


def define(known: Calendar | None, *, by, name, time_zone, shifts: Iterable[tuple], holidays: Iterable[tuple]) -> Calendar:
    """A calendar as a whole: a new one, or `known` with other hours from now on.

    `shifts` are (weekday, from, to), `holidays` (date, name, from, to), closed where both times are None.
    One event says what came and what went; where nothing did, there is none.
    """
    if not may_define_hours(by):
        trail.refused("calendar.define", by=by, subject=known or by, why=f"{by} may not define hours.")
        raise PermissionDenied(format_lazy(_("{by} may not define hours."), by=by))
    with transaction.atomic():
        kept = Calendar.objects.select_for_update().get(pk=known.pk) if known else Calendar()
        before = week.lines(kept) if known else []
        kept.name, kept.time_zone = name, time_zone
        _write(kept, *_checked(kept, shifts, holidays))
        if changed := week.difference(before, week.lines(kept)):
            trail.record("calendar.change" if known else "calendar.add", by=by, subject=kept, changed=changed)
    return kept


def _checked(kept, shifts, holidays) -> tuple[list[Shift], list[Holiday]]:
    """The rows to write; ValidationError with what is wrong of the calendar, a row, or the rows together."""
    kept.full_clean()
    weekly = [Shift(calendar=kept, weekday=weekday, opens=opens, closes=closes) for weekday, opens, closes in shifts]
    special = [Holiday(calendar=kept, date=day, name=said, opens=opens, closes=closes) for day, said, opens, closes in holidays]
    for row in (*weekly, *special):
        row.clean_fields(exclude=["calendar"])
    if any((each.opens is None) != (each.closes is None) for each in special):
        raise ValidationError(_("A holiday is closed, or open from one time to another: say both times, or neither."))
    if not weekly and kept.pk:
        _check_nobody_needs_it(kept)
    try:
        Hours.made_of(kept.time_zone, [(row.weekday, row.span) for row in weekly], [(row.date, row.spans) for row in special])
    except ValueError as fault:
        raise ValidationError(str(fault)) from fault
    return weekly, special


def _check_nobody_needs_it(kept):
    """A calendar that never opens counts as around the clock wherever it is used: the contrary of what it says."""
    for used, says in (
        (kept.workflows, gettext("The clocks of {} run by")),
        (kept.staffs, gettext("The people of {} work by")),
        (kept.engagements.filter(ended_at=None), gettext("The people of {} work by")),
    ):
        if names := ", ".join(map(str, used.all())):
            raise ValidationError(
                format_lazy(
                    _("{format} this calendar, so it cannot be closed all week. Give it a shift."), format=says.format(names)
                )
            )


def _write(kept, weekly, special):
    kept.save()
    kept.shifts.all().delete()
    kept.holidays.all().delete()
    Shift.objects.bulk_create(weekly)
    Holiday.objects.bulk_create(special)
