"""When a mail is due: the last moment of somebody's rhythm, by the clock on his wall. Pure."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

UTC = ZoneInfo("UTC")


def zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def last_hour(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def last_day(now: datetime, at: time, zone: str) -> datetime:
    """Today's moment, or yesterday's where today's is still to come. An hour that the clocks leave out is the one after it."""
    there = now.astimezone(zone_of(zone))
    moments = [_moment(there, at, back) for back in (0, 1, 2)]
    return next(moment for moment in moments if moment <= now)


def _moment(there, at, days_back):
    day = there.date() - timedelta(days=days_back)
    return datetime.combine(day, at, tzinfo=there.tzinfo).astimezone(UTC)
