"""Moments to choose from when something is put off: by the clock on the wall of whoever chooses. Pure."""

from datetime import datetime, time, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext

OTHER = "other"  # none of these, but what is written beside
MORNING = time(9)
MONDAY = 0


def choices(now: datetime) -> dict[str, tuple[str, datetime]]:
    """By name: what it is called, and the moment. `now` is in the zone of whoever chooses."""
    tomorrow = _morning(now, 1)
    monday = _morning(now, (MONDAY - now.weekday() - 1) % 7 + 1)
    offered = {
        "hour": (gettext("In an hour"), now + timedelta(hours=1)),
        "four_hours": (gettext("In four hours"), now + timedelta(hours=4)),
        "tomorrow": (gettext("Tomorrow"), tomorrow),
        "monday": (gettext("On Monday"), monday),
        "week": (gettext("In a week"), _morning(now, 7)),
    }
    return {name: (f"{label}, {_told(at, now)}", at) for name, (label, at) in offered.items()}


def _morning(now, days):
    return datetime.combine(now.date() + timedelta(days=days), MORNING, tzinfo=now.tzinfo)


def _told(at, now) -> str:
    at = at.astimezone(now.tzinfo)
    return f"{at:%H:%M}" if at.date() == now.date() else date_format(at, "j M, H:i")
