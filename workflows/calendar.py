"""Business hours, and arithmetic with them: when something is due, how long somebody had. Pure: no Django, no clock.

One rule for shifts and the change of clocks: **a shift's time is the first moment at which the clock on the wall shows it
or later.** So 02:30 means the moment of the jump on the night that has no 02:30, and the first of the two where it comes
twice; a shift from 22:00 to 06:00 lasts seven hours in the one night and nine in the other; shifts that follow one
another on paper do so every day of the year, without a gap and without an overlap.

A shift belongs to the day it begins on, also over midnight; a special day replaces the shifts that begin on it. Where
that makes two of them overlap, the time counts once. Moments must say their zone; what is given back is in UTC.
A thousand due times cost some milliseconds: a year's shifts are laid out once, and then looked up.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy
from msgspec import Struct

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY, MICROSECOND = timedelta(days=1), timedelta(microseconds=1)
A_DAY, A_MINUTE = DAY // MICROSECOND, 60_000_000
WEEKDAYS = (
    gettext_lazy("Monday"),
    gettext_lazy("Tuesday"),
    gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"),
    gettext_lazy("Friday"),
    gettext_lazy("Saturday"),
    gettext_lazy("Sunday"),
)
FIRST_YEAR, LAST_YEAR, HORIZON = 1900, 2900, 50  # what is not due within fifty years is never due

Pause = tuple[datetime, datetime | None]  # from when to when a clock stood; None: it still stands


class Shift(Struct, frozen=True, order=True):
    """From, to, by the clock on the wall. To at or before from is on the next day: 00:00–00:00 is a whole day."""

    opens: time
    closes: time

    def __str__(self):
        return f"{self.opens:%H:%M}–{self.closes:%H:%M}"

    def __post_init__(self):
        if self.opens.tzinfo or self.closes.tzinfo:
            raise ValueError(gettext_lazy("A shift's times are those of the calendar's zone. Leave the zone out of them."))

    def walls(self, day: date) -> tuple[datetime, datetime]:
        """What the wall shows at its beginning and end where it begins on `day`."""
        return datetime.combine(day, self.opens), datetime.combine(day + DAY if self.closes <= self.opens else day, self.closes)


class Hours(Struct, frozen=True, cache_hash=True):
    """The shifts of each weekday, Monday first, by the clock of one zone; and the days that have others, or none."""

    zone: str
    week: tuple[tuple[Shift, ...], ...]
    special: tuple[tuple[date, tuple[Shift, ...]], ...] = ()

    def __post_init__(self):
        zone_of(self.zone)
        if len(self.week) != 7:
            raise ValueError(gettext_lazy("A week has seven days: name the shifts of each, Monday first."))
        if len(dict(self.special)) < len(self.special):
            raise ValueError(gettext_lazy("A special day is named twice. Name each day once."))
        shifts = [(weekday, shift) for weekday, day in enumerate(self.week) for shift in day]
        for one, other in overlapping(shifts):
            raise ValueError(
                format_lazy(
                    gettext_lazy("{told} and {told_2} overlap. Let one end before the other begins."),
                    told=_told(*shifts[one]),
                    told_2=_told(*shifts[other]),
                )
            )

    @classmethod
    def made_of(cls, zone: str, shifts: Iterable[tuple[int, Shift]], special: Iterable[tuple[date, tuple[Shift, ...]]]):
        """From (weekday, shift) in any order."""
        listed = list(shifts)
        week = tuple(tuple(sorted(shift for weekday, shift in listed if weekday == day)) for day in range(7))
        return cls(zone, week, tuple(special))


def _told(weekday: int, shift: Shift) -> str:
    return f"{WEEKDAYS[weekday]} {shift}"


def zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown; not a name; a folder of names
        raise ValueError(
            format_lazy(gettext_lazy("There is no time zone “{name}”. Choose one such as Europe/Berlin."), name=name)
        ) from error


def overlapping(shifts: list[tuple[int, Shift]]) -> list[tuple[int, int]]:
    """Which of the shifts (weekday, shift) run into which, by their places in the list; Sunday night may meet Monday."""
    monday = date(2024, 1, 1)
    spans = sorted((*shift.walls(monday + weekday * DAY), place) for place, (weekday, shift) in enumerate(shifts))
    around = [*spans, *((begins + 7 * DAY, ends + 7 * DAY, place) for begins, ends, place in spans[:1])]
    return [(one, other) for (_, ends, one), (begins, _, other) in pairwise(around) if begins < ends and one != other]


def every_day(*shifts: Shift, zone: str = "UTC") -> Hours:
    return Hours(zone, (shifts,) * 7)


ALWAYS = every_day(Shift(time(0), time(0)))  # no calendar: around the clock; its shifts are the days of UTC


# What is asked


def add(hours: Hours, start: datetime, minutes: float) -> datetime:
    """The earliest moment by which so many business minutes have passed since `start`; no minutes: `start` itself.

    Eight hours from nine on are over at five, when the shift ends, not at nine on the next day.
    """
    if hours is ALWAYS:
        return _moment(_instant(start) + _length(minutes))
    return _moment(_later(hours, _instant(start), _length(minutes)))


def between(hours: Hours, start: datetime, end: datetime, pauses: Iterable[Pause] = ()) -> float:
    """The business minutes from `start` to `end`, less those during which the clock stood."""
    first, last = _instant(start), _instant(end)
    if last < first:
        raise ValueError(gettext_lazy("The end is before the start."))
    return (_passed(hours, first, last) - sum(_passed(hours, *part) for part in _within(pauses, first, last))) / A_MINUTE


def due(hours: Hours, start: datetime, minutes: float, pauses: Iterable[Pause] = ()) -> datetime | None:
    """As `add`, for a clock that stood during the pauses. None: it stands still, and nobody knows."""
    at, left = _instant(start), _length(minutes)
    for stands, goes in _within(pauses, at, math.inf):
        passed = _passed(hours, at, stands)
        if passed >= left:
            break
        at, left = goes, left - passed
    return None if at == math.inf else _moment(_later(hours, at, left))


def warning_at(hours: Hours, start: datetime, minutes: float, before: float, pauses: Iterable[Pause] = ()) -> datetime | None:
    """The moment at which `before` business minutes are left; `start` where there never were as many."""
    return due(hours, start, max(minutes - before, 0), pauses)


def is_open(hours: Hours, at: datetime) -> bool:
    found = _shift(hours, _instant(at))
    return found is not None and found[0] <= _instant(at)


def next_open(hours: Hours, at: datetime) -> datetime:
    """The beginning of the next shift; `at` itself during one."""
    return _moment(max(_instant(at), _some_shift(hours, at)[0]))


def shift_end(hours: Hours, at: datetime) -> datetime:
    """The end of the shift that `at` is in; outside of any, of the next one."""
    return _moment(_some_shift(hours, at)[1])


def shifts(hours: Hours, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The shifts, as moments, of which some part lies between `start` and `end`."""
    first, last = _instant(start), _instant(end)
    spans = (span for year in _years(hours, first, last) for span in zip(year.opens, year.closes, strict=True))
    return [(_moment(opens), _moment(closes)) for opens, closes in spans if opens < last and closes > first]


# Microseconds since 1970


def _instant(moment: datetime) -> int:
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(gettext_lazy("The moment has no time zone. Say which zone it is meant in."))
    if not FIRST_YEAR < moment.year < LAST_YEAR:
        raise ValueError(format_lazy(gettext_lazy("The year {year} is out of the calendar's range."), year=moment.year))
    return (moment - EPOCH) // MICROSECOND


def _moment(instant: int) -> datetime:
    return EPOCH + timedelta(microseconds=instant)


def _length(minutes: float) -> int:
    if not 0 <= minutes < math.inf:
        raise ValueError(
            format_lazy(gettext_lazy("{minutes} is no length of time. Give minutes, zero or more."), minutes=minutes)
        )
    return round(minutes * A_MINUTE)


def _shown(wall: datetime, zone: ZoneInfo) -> int:
    """The first moment at which the clock on the wall shows `wall` or later."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    as_if_utc = (wall.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
    if first >= second:  # shown once; or twice, and then the first of them
        return as_if_utc - first // MICROSECOND
    return _jump(as_if_utc - second // MICROSECOND, as_if_utc - first // MICROSECOND, zone)


def _jump(before: int, after: int, zone: ZoneInfo) -> int:
    """The moment between the two at which the clock is put forward."""
    old = _moment(before).astimezone(zone).utcoffset()
    seconds = range(before, after + 1, 1_000_000)
    return seconds[bisect_left(seconds, True, key=lambda at: _moment(at).astimezone(zone).utcoffset() > old)]


# A year, laid out


class Year(NamedTuple):
    """The shifts that begin in one year, in order and apart: when each opens and closes, and the time open up to its end."""

    opens: list[int]
    closes: list[int]
    sums: list[int]

    @property
    def total(self) -> int:
        return self.sums[-1] if self.sums else 0

    def until(self, at: int | float) -> int:
        """The time open up to `at`."""
        begun = bisect_right(self.opens, at)
        return self.sums[begun - 1] - max(0, self.closes[begun - 1] - at) if begun else 0

    def when(self, time_open: int) -> int:
        """The earliest moment up to which it was open for so long."""
        place = bisect_left(self.sums, time_open)
        return self.closes[place] - (self.sums[place] - time_open)


@lru_cache(maxsize=256)
def _year(hours: Hours, year: int) -> Year:
    """Hours are values, so what is kept here is never out of date: an edited calendar has other hours."""
    laid, zone, special = Year([], [], []), zone_of(hours.zone), dict(hours.special)
    last_day = date(year, 12, 31)
    day = date(year - 1, 12, 31)
    ended = max((closes for _, closes in _begun_on(day, hours, special, zone)), default=-math.inf)
    while day < last_day:
        day += DAY
        for opens, closes in _begun_on(day, hours, special, zone):
            opens, ended = max(opens, ended), max(closes, ended)
            if opens < closes:
                laid.sums.append(laid.total + closes - opens)
                laid.opens.append(opens)
                laid.closes.append(closes)
    return laid


def _begun_on(day: date, hours: Hours, special: dict, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    for shift in sorted(special.get(day, hours.week[day.weekday()])):
        opens, closes = shift.walls(day)
        yield _shown(opens, zone), _shown(closes, zone)


def _years(hours: Hours, first: int, last: int | None = None) -> Iterator[Year]:
    """The years whose shifts may matter from `first` on, up to `last` or the horizon."""
    begin = _moment(first - 3 * A_DAY).year  # a shift of the day before, in any zone
    end = begin + HORIZON if last is None else _moment(last + A_DAY).year
    return (_year(hours, year) for year in range(begin, end + 1))


def _later(hours: Hours, at: int, left: int) -> int:
    if not left:
        return at
    for year in _years(hours, at):
        done = year.until(at)
        if done + left <= year.total:
            return year.when(done + left)
        left -= year.total - done
    raise ValueError(
        format_lazy(
            gettext_lazy("These hours do not open for so long within {HORIZON} years. Add shifts to the calendar."),
            HORIZON=HORIZON,
        )
    )


def _passed(hours: Hours, first: int, last: int) -> int:
    return sum(year.until(last) - year.until(first) for year in _years(hours, first, last))


def _shift(hours: Hours, at: int) -> tuple[int, int] | None:
    """The shift that is on, or else the next."""
    for year in _years(hours, at):
        place = bisect_right(year.closes, at)
        if place < len(year.closes):
            return year.opens[place], year.closes[place]
    return None


def _some_shift(hours: Hours, at: datetime) -> tuple[int, int]:
    if found := _shift(hours, _instant(at)):
        return found
    raise ValueError(
        format_lazy(
            gettext_lazy("These hours do not open within {HORIZON} years. Add shifts to the calendar."), HORIZON=HORIZON
        )
    )


def _within(pauses: Iterable[Pause], first: int, last: int | float) -> Iterator[tuple[int, int | float]]:
    """The pauses in order, without overlaps, cut to what lies between `first` and `last`."""
    for stands, goes in sorted(map(_pause, pauses)):
        stands, goes = max(stands, first), min(goes, last)
        if stands < goes:
            yield stands, goes
            first = goes


def _pause(pause: Pause) -> tuple[int, int | float]:
    stands, goes = _instant(pause[0]), math.inf if pause[1] is None else _instant(pause[1])
    if goes < stands:
        raise ValueError(gettext_lazy("A pause ends before it begins."))
    return stands, goes
