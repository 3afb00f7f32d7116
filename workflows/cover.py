"""Who covers when, in one week: spans of the sides, their gaps, and how both read. Pure: hours, absences and a zone go in.

A side is there while its hours are open and one of its people is not away. Days are those of the reader's zone; a day on
which the clock changes is as long as it is.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext

from workflows import calendar
from workflows.calendar import DAY, Hours

Span = tuple[datetime, datetime]
MINUTE = timedelta(minutes=1)


class Side(NamedTuple):
    """The house or an engagement: when its hours are, from when to when it is engaged, and when each of its people is away."""

    name: str
    hours: Hours
    engaged: Span | None = None  # None: always
    people: tuple[tuple[str, tuple[Span, ...]], ...] = ()


class Bar(NamedTuple):
    """A stretch of the week, in minutes of it, and in words."""

    begins: int
    lasts: int
    told: str


class Row(NamedTuple):
    name: str
    bars: list[Bar]
    days: list[str]  # each day in words, for the table
    notes: list[str]
    is_gap: bool = False


class Week(NamedTuple):
    days: list[tuple[date, int, int]]  # date, the minute it begins at, how many it lasts
    lasts: int
    rows: list[Row]
    gaps: list[str]

    @property
    def lines(self) -> list[int]:
        return [begins for _, begins, _ in self.days[1:]]


def monday_of(day: date) -> date:
    return day - day.weekday() * DAY


def window(monday: date, zone: ZoneInfo) -> Span:
    """The week's first and last moment."""
    return _midnight(monday, zone), _midnight(monday + 7 * DAY, zone)


def week(monday: date, zone: ZoneInfo, sides: Iterable[Side]) -> Week:
    """The week from this Monday on, by the clock of `zone`."""
    midnights = [_midnight(monday + place * DAY, zone) for place in range(8)]
    whole = (midnights[0], midnights[-1])
    draw = _Drawing(midnights, zone)
    rows, covered = [], []
    for side in sides:
        there = presence(side, whole)
        covered += there
        rows.append(draw.row(side.name, there, list(_notes(side, whole, zone))))
    gaps = without([whole], merged(covered))
    rows.append(draw.row(gettext("Nobody"), gaps, [], is_gap=True))
    minutes = [draw.minute(each) for each in midnights]
    days = [(monday + place * DAY, minutes[place], minutes[place + 1] - minutes[place]) for place in range(7)]
    return Week(
        days, minutes[-1], rows, [gettext("the whole week")] if gaps == [whole] else [told(span, zone) for span in gaps]
    )


def presence(side: Side, within: Span) -> list[Span]:
    """When somebody of the side is there: within its hours and its contract, and not all of its people away."""
    if not side.people:
        return []
    there = cut(calendar.shifts(side.hours, *within), within)
    if side.engaged:
        there = cut(there, side.engaged)
    return without(merged(there), all_away(side.people))


def all_away(people) -> list[Span]:
    """When each of them is away at once."""
    first, *others = (merged(spans) for _, spans in people)
    for spans in others:
        first = [cut_ for span in spans for cut_ in cut(first, span)]
    return merged(first)


def merged(spans: Iterable[Span]) -> list[Span]:
    """In order, and one where they touch or overlap."""
    found: list[Span] = []
    for begins, ends in sorted(spans):
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        elif begins < ends:
            found.append((begins, ends))
    return found


def cut(spans: Iterable[Span], within: Span) -> list[Span]:
    """What of them lies within."""
    inside = ((max(begins, within[0]), min(ends, within[1])) for begins, ends in spans)
    return [(begins, ends) for begins, ends in inside if begins < ends]


def without(spans: list[Span], taken: list[Span]) -> list[Span]:
    """What is left of the spans when these are taken out."""
    for gone in taken:
        left = []
        for begins, ends in spans:
            left += [(begins, min(ends, gone[0])), (max(begins, gone[1]), ends)]
        spans = [(begins, ends) for begins, ends in left if begins < ends]
    return spans


def told(span: Span, zone: ZoneInfo) -> str:
    """“Monday 20:00 to Tuesday 01:00”, by the reader's clock."""
    begins, ends = (moment.astimezone(zone) for moment in span)
    if ends.time() == time(0) and ends.date() == begins.date() + DAY:
        return f"{_moment(begins)}–24:00"
    if begins.date() == ends.date():
        return f"{_moment(begins)}–{ends:%H:%M}"
    return gettext("{begins} to {ends}").format(begins=_moment(begins), ends=_moment(ends))


def _moment(at: datetime) -> str:
    return date_format(at, "l H:i")


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def _notes(side: Side, within: Span, zone: ZoneInfo):
    """Who of them is away when; and where nobody is seated at all."""
    if not side.people:
        yield gettext("nobody holds a seat")
    for name, spans in side.people:
        for span in cut(merged(spans), within):
            yield gettext("{name} is away {told}").format(name=name, told=told(span, zone))


class _Drawing:
    """The week's minutes, and each day's words."""

    def __init__(self, midnights, zone):
        self.midnights, self.zone = midnights, zone

    def minute(self, moment: datetime) -> int:
        return round((moment - self.midnights[0]) / MINUTE)

    def row(self, name, spans, notes, is_gap=False) -> Row:
        bars = [Bar(self.minute(a), self.minute(b) - self.minute(a), told((a, b), self.zone)) for a, b in spans]
        days = [self._day(spans, begins, ends) for begins, ends in zip(self.midnights, self.midnights[1:], strict=False)]
        return Row(name, bars, days, notes, is_gap)

    def _day(self, spans, begins, ends) -> str:
        """A day's part of the spans: “09:00–17:00, 22:00–24:00”."""
        here = cut(spans, (begins, ends))
        return ", ".join(
            f"{a.astimezone(self.zone):%H:%M}–{'24:00' if b == ends else f'{b.astimezone(self.zone):%H:%M}'}" for a, b in here
        )
