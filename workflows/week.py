"""How hours read: as lines, as days in words, as a week to look at. Pure, but for the calendar whose lines are asked."""

from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from django.utils.translation import gettext, pgettext

from audit.wording import in_english
from workflows import calendar
from workflows.calendar import DAY, WEEKDAYS, Hours, Shift, zone_of

A_DAY = 24 * 60


def lines(kept) -> list[str]:
    """A calendar's every statement, a line each; in English, for the history keeps them."""
    with in_english():
        shifts = [f"{WEEKDAYS[shift.weekday]} {shift.span}" for shift in kept.shifts.order_by("weekday", "opens")]
    return [
        f"name “{kept.name}”",
        f"zone {kept.time_zone}",
        *shifts,
        *map(str, kept.holidays.order_by("date")),
    ]


def difference(before: list[str], after: list[str]) -> str:
    """What came and what went, in words; empty where nothing did."""
    gone, come = [each for each in before if each not in after], [each for each in after if each not in before]
    return ". ".join(f"{word} {'; '.join(which)}" for word, which in (("Removed", gone), ("Added", come)) if which)


class Bar(NamedTuple):
    """A stretch of a day, in minutes of it, and the shift it is of."""

    begins: int
    lasts: int
    told: str


def chart(hours: Hours) -> list[tuple[str, list[Bar]]]:
    """Each weekday with its bars; what a shift has after midnight stands on the next day."""
    bars = [[] for _ in WEEKDAYS]
    for weekday, day in enumerate(hours.week):
        for shift in day:
            opens, closes = _minute(shift.opens), _minute(shift.closes)
            told = f"{WEEKDAYS[weekday]} {shift}"
            overnight = shift.closes <= shift.opens
            bars[weekday].append(Bar(opens, (A_DAY if overnight else closes) - opens, told))
            if overnight and closes:
                bars[(weekday + 1) % 7].append(Bar(0, closes, told))
    return [(weekday, sorted(day)) for weekday, day in zip(WEEKDAYS, bars, strict=True)]


def _minute(clock: time) -> int:
    return clock.hour * 60 + clock.minute


class Day(NamedTuple):
    """One day in words: its shifts, how long they last together, and what is odd about it."""

    date: date
    shifts: str
    lasts: str
    note: str


def days(hours: Hours, first: date, number: int, names: dict[date, str]) -> list[Day]:
    """`number` days from `first` on; `names` are those of the special days."""
    return [_day(hours, first + place * DAY, names) for place in range(number)]


def _day(hours: Hours, day: date, names) -> Day:
    own = dict(hours.special).get(day, hours.week[day.weekday()])
    if not own:
        return Day(day, pgettext("hours", "closed"), "", names.get(day, ""))
    really, on_paper = really_open(hours, day), sum(map(_on_paper, own), timedelta())
    odd = (
        ""
        if really == on_paper
        else gettext("{length} on paper: {why}").format(length=length(on_paper), why=_why(hours.zone, day))
    )
    return Day(day, listed(own), length(really), ", ".join(filter(None, [names.get(day), odd])))


def really_open(hours: Hours, day: date) -> timedelta:
    """How long the shifts that begin on this day last together, by a clock that nobody changes."""
    zone = zone_of(hours.zone)
    begin = datetime.combine(day, time(0), zone)
    spans = calendar.shifts(hours, begin, begin + 3 * DAY)
    return sum((closes - opens for opens, closes in spans if opens.astimezone(zone).date() == day), timedelta())


def _on_paper(shift: Shift) -> timedelta:
    opens, closes = shift.walls(date(2024, 1, 1))
    return closes - opens


def _why(zone: str, day: date) -> str:
    first, last = (datetime.combine(each, time(0), zone_of(zone)).utcoffset() for each in (day, day + 2 * DAY))
    return gettext("what overlaps counts once") if first == last else gettext("the clocks change")


def listed(shifts) -> str:
    *others, last = map(str, sorted(shifts))
    return gettext("{others} and {last}").format(others=", ".join(others), last=last) if others else last


def length(lasts: timedelta) -> str:
    """“7 h 30 min”; from two days on “4 d 18 h”."""
    minutes = round(lasts / timedelta(minutes=1))
    days = minutes // A_DAY if minutes >= 2 * A_DAY else 0
    hours, minutes = divmod(minutes - days * A_DAY, 60)
    parts = [f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if number]
    return " ".join(parts) or "0 min"
