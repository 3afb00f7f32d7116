"""Business hours: a table that reads as the specification, and a walk through every minute of a year that knows nothing of it."""

import time as stopwatch
from bisect import bisect_left
from collections import namedtuple
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import accumulate
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows import calendar
from workflows.calendar import ALWAYS, Hours, Shift, add, between, due, is_open, next_open, shift_end, warning_at

MINUTE = timedelta(minutes=1)
BERLIN, NEW_YORK, KOLKATA, LORD_HOWE = "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"


def shift(text):
    return Shift(*map(time.fromisoformat, text.split("-")))


def hours(zone, workdays=(), weekend=(), **special):
    """Shifts as text: of Monday to Friday, of the weekend, and of the special days (`d2026_12_24`)."""
    days = [tuple(map(shift, each)) for each in (workdays, weekend)]
    named = tuple((date(*map(int, day[1:].split("_"))), tuple(map(shift, each))) for day, each in special.items())
    return Hours(zone, (days[0],) * 5 + (days[1],) * 2, named)


def at(text, zone=BERLIN):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


OFFICE = hours(BERLIN, ["09:00-12:00", "13:00-17:00"], d2026_12_24=["09:00-12:00"], d2026_12_25=[])
NIGHT = hours(BERLIN, ["22:00-06:00"], ["22:00-06:00"])


# The specification


@pytest.mark.parametrize(
    ("start", "minutes", "then"),
    [
        ("2026-06-01 09:00", 60, "2026-06-01 10:00"),
        ("2026-06-01 09:00", 180, "2026-06-01 12:00"),  # at the end of the shift, not after the break
        ("2026-06-01 09:00", 181, "2026-06-01 13:01"),
        ("2026-06-01 12:30", 60, "2026-06-01 14:00"),  # what comes in during the break counts from its end
        ("2026-06-05 16:30", 60, "2026-06-08 09:30"),  # over the weekend
        ("2026-06-06 03:00", 0, "2026-06-06 03:00"),  # no time at all: at once
        ("2026-12-24 11:30", 60, "2026-12-28 09:30"),  # a half day, a holiday and a weekend
        ("2026-12-31 16:00", 120, "2027-01-01 10:00"),  # over the year's end
        ("2026-06-01 09:00:30", 0.5, "2026-06-01 09:01:00"),
    ],
)
def test_when_something_is_due(start, minutes, then):
    assert add(OFFICE, at(start), minutes) == at(then)


@pytest.mark.parametrize(
    ("day", "long", "ends"),
    [("2026-06-01", 8, "06:00"), ("2026-03-28", 7, "06:00"), ("2026-10-24", 9, "06:00")],
)
def test_a_night_shift_is_as_long_as_the_night(day, long, ends):
    begin = at(f"{day} 22:00")

    assert between(NIGHT, begin, begin + timedelta(hours=12)) == long * 60
    assert shift_end(NIGHT, begin).astimezone(ZoneInfo(BERLIN)).strftime("%H:%M") == ends


def test_a_time_that_does_not_exist_is_the_moment_of_the_jump():
    early = hours(BERLIN, weekend=["02:30-04:00"])
    vanished = hours(BERLIN, weekend=["02:10-02:50"])
    midnight = at("2026-03-29 00:00")

    assert next_open(early, midnight) == datetime(2026, 3, 29, 1, tzinfo=UTC) == at("2026-03-29 03:00")
    assert between(vanished, midnight, at("2026-03-30 00:00")) == 0


def test_of_a_time_that_comes_twice_the_first_counts():
    late = hours(BERLIN, weekend=["22:00-02:30"])
    begin = at("2026-10-24 22:00")

    assert shift_end(late, begin) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert not is_open(late, datetime(2026, 10, 25, 1, 15, tzinfo=UTC))  # 02:15 for the second time


def test_a_day_that_a_zone_left_out_has_no_hours():
    apia = hours("Pacific/Apia", ["09:00-17:00"], ["09:00-17:00"])

    assert between(apia, at("2011-12-29 00:00", "Pacific/Apia"), at("2012-01-01 00:00", "Pacific/Apia")) == 2 * 480


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24", "2026-06-01"])
def test_shifts_that_follow_one_another_leave_no_gap_on_any_day(day):
    three = ["06:00-14:00", "14:00-22:00", "22:00-02:30", "02:30-06:00"]
    begin = at(f"{day} 12:00").astimezone(UTC)

    assert between(hours(BERLIN, three, three), begin, begin + timedelta(days=2)) == 2 * 24 * 60
    assert shift_end(hours(BERLIN, three, three), at(f"{day} 12:00")) == at(f"{day} 14:00")


def test_a_shift_belongs_to_the_day_it_begins_on():
    christmas = hours(BERLIN, ["22:00-06:00"], ["22:00-06:00"], d2026_12_25=[])

    assert is_open(christmas, at("2026-12-25 05:00"))
    assert not is_open(christmas, at("2026-12-25 23:00")) and not is_open(christmas, at("2026-12-26 05:00"))


def test_where_a_special_day_meets_a_night_the_time_counts_once():
    inventory = hours(BERLIN, ["22:00-06:00"], d2027_01_01=["00:00-12:00"])

    assert between(inventory, at("2026-12-31 22:00"), at("2027-01-01 12:00")) == 14 * 60
    assert shift_end(inventory, at("2027-01-01 05:00")) == at("2027-01-01 06:00")


def test_open_or_not_and_when_next():
    friday_evening = at("2026-06-05 17:00")

    assert is_open(OFFICE, at("2026-06-05 09:00")) and is_open(OFFICE, friday_evening - MINUTE)
    assert not is_open(OFFICE, friday_evening)
    assert next_open(OFFICE, friday_evening) == at("2026-06-08 09:00")
    assert next_open(OFFICE, at("2026-06-05 10:00")) == at("2026-06-05 10:00")
    assert shift_end(OFFICE, friday_evening) == at("2026-06-08 12:00")


def test_the_clock_stands_during_a_pause():
    start, asked, answered = at("2026-06-05 16:00"), at("2026-06-05 16:30"), at("2026-06-08 10:00")
    twice = [(asked, answered), (at("2026-06-06 00:00"), at("2026-06-08 09:30"))]

    assert due(OFFICE, start, 60, [(asked, answered)]) == at("2026-06-08 10:30")
    assert due(OFFICE, start, 60, twice) == at("2026-06-08 10:30")  # pauses may overlap: the clock stands once
    assert due(OFFICE, start, 30, [(asked, None)]) == asked  # it was due before it stood
    assert due(OFFICE, start, 31, [(asked, None)]) is None  # it still stands
    assert between(OFFICE, start, at("2026-06-08 11:00"), twice) == 30 + 60


def test_a_warning_comes_that_many_business_minutes_before():
    start = at("2026-06-05 16:30")

    assert due(OFFICE, start, 60) == at("2026-06-08 09:30")
    assert warning_at(OFFICE, start, 60, before=45) == at("2026-06-05 16:45")
    assert warning_at(OFFICE, start, 60, before=90) == start
    assert warning_at(OFFICE, start, 60, 15, [(start, at("2026-06-08 10:00"))]) == at("2026-06-08 10:45")


def test_without_a_calendar_it_is_always_open():
    moment = at("2026-10-25 01:00")

    assert add(ALWAYS, moment, 600) == moment.astimezone(UTC) + timedelta(hours=10)
    assert is_open(ALWAYS, moment) and next_open(ALWAYS, moment) == moment


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: add(hours(BERLIN), at("2026-06-01 09:00"), 1), "do not open"),
        (lambda: next_open(hours(BERLIN), at("2026-06-01 09:00")), "do not open"),
        (lambda: add(hours(BERLIN, d2026_06_02=["09:00-10:00"]), at("2026-06-01 09:00"), 61), "do not open"),
        (lambda: add(OFFICE, at("2026-06-01 09:00"), 1e12), "do not open"),
        (lambda: add(OFFICE, datetime(2026, 6, 1, 9), 1), "no time zone"),
        (lambda: is_open(OFFICE, datetime(2026, 6, 1, 9)), "no time zone"),
        (lambda: add(OFFICE, datetime.min.replace(tzinfo=UTC), 1), "out of the calendar's range"),
        (lambda: add(OFFICE, datetime.max.replace(tzinfo=UTC), 1), "out of the calendar's range"),
        (lambda: add(OFFICE, at("2026-06-01 09:00"), -1), "zero or more"),
        (lambda: add(OFFICE, at("2026-06-01 09:00"), float("nan")), "zero or more"),
        (lambda: add(OFFICE, at("2026-06-01 09:00"), float("inf")), "zero or more"),
        (lambda: between(OFFICE, at("2026-06-02 09:00"), at("2026-06-01 09:00")), "before the start"),
        (lambda: due(OFFICE, at("2026-06-01 09:00"), 1, [(at("2026-06-02 09:00"), at("2026-06-01 09:00"))]), "pause ends"),
        (lambda: hours("Europe/Atlantis"), "no time zone “Europe/Atlantis”"),
        (lambda: hours("Europe"), "no time zone “Europe”"),
        (lambda: hours("../../etc/passwd"), "no time zone"),
        (lambda: hours(""), "no time zone"),
        (lambda: hours(BERLIN, ["09:00-12:00", "11:00-17:00"]), "Monday 09:00–12:00 and Monday 11:00–17:00 overlap"),
        (lambda: hours(BERLIN, ["05:00-12:00"], ["22:00-06:00"]), "Sunday 22:00–06:00 and Monday 05:00–12:00 overlap"),
        (lambda: Hours(BERLIN, ()), "seven days"),
        (lambda: Hours(BERLIN, ((),) * 7, ((date(2026, 1, 1), ()),) * 2), "named twice"),
        (lambda: Shift(time(9, tzinfo=UTC), time(12)), "Leave the zone out"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(ask, sentence):
    with pytest.raises(ValueError, match=sentence):
        ask()


def test_hours_that_never_open_are_never_open():
    assert not is_open(hours(BERLIN), at("2026-06-01 09:00"))
    assert between(hours(BERLIN), at("2026-01-01 09:00"), at("2026-06-01 09:00")) == 0
    assert add(hours(BERLIN), at("2026-06-01 09:00"), 0) == at("2026-06-01 09:00")


def test_a_thousand_due_times_take_some_milliseconds():
    start = at("2026-06-05 16:30")
    add(OFFICE, start, 480)

    rounds = []
    for _ in range(5):
        begun = stopwatch.process_time()
        for _ in range(1000):
            add(OFFICE, start, 480)
        rounds.append((stopwatch.process_time() - begun) * 1000)

    assert min(rounds) < 20  # microseconds each


# The independent computation: a clock on the wall that is never put back, looked at every minute

Walk = namedtuple("Walk", "start walls")


@cache
def walk(zone, start, days):
    """What such a clock shows at each minute from `start` on: when it is put back, it waits."""
    highest, walls, clock = datetime.min, [], ZoneInfo(zone)
    for minute in range(days * 1440):
        shown = (start + minute * MINUTE).astimezone(clock).replace(tzinfo=None)
        highest = max(highest, shown)
        walls.append((highest.date(), highest.hour * 60 + highest.minute))
    return Walk(start, walls)


def open_minutes(zone, start, days, week, special):
    """One for each minute that is open. `week` and `special` have shifts as minutes of the day (from, to)."""
    pattern = {}

    def of(day):
        if day not in pattern:
            own = special.get(day, week[day.weekday()])
            yesterday = special.get(day - timedelta(days=1), week[(day.weekday() - 1) % 7])
            minutes = {m for opens, closes in own for m in range(opens, closes if closes > opens else 1440)}
            minutes |= {m for opens, closes in yesterday if closes <= opens for m in range(closes)}
            pattern[day] = minutes
        return pattern[day]

    return [minute in of(day) for day, minute in walk(zone, start, days).walls]


class Walked:
    """The same questions, answered by counting minutes."""

    def __init__(self, zone, start, days, week, special=None):
        self.start, self.open = start, open_minutes(zone, start, days, week, special or {})
        self.sums = [0, *accumulate(self.open)]

    def between(self, first, last):
        return self.sums[last] - self.sums[first]

    def add(self, first, minutes):
        """The place of the first minute by which so many were open; None past the end of the walk."""
        place = max(first, bisect_left(self.sums, self.sums[first] + minutes))
        return place if place < len(self.sums) else None

    def due(self, first, minutes, pauses):
        """Minute after minute: does the clock run?"""
        stands = {minute for begin, end in pauses for minute in range(begin, end)}
        while minutes:
            if first == len(self.open):
                return None
            minutes -= self.open[first] and first not in stands
            first += 1
        return first

    def next_open(self, first):
        return next((place for place in range(first, len(self.open)) if self.open[place]), None)

    def moment(self, place):
        return None if place is None else self.start + place * MINUTE


def clock(minutes):
    return time(minutes // 60 % 24, minutes % 60)


def as_hours(zone, week, special):
    days = [tuple(Shift(clock(opens), clock(closes)) for opens, closes in day) for day in week]
    named = ((day, tuple(Shift(clock(opens), clock(closes)) for opens, closes in each)) for day, each in special.items())
    return Hours(zone, tuple(days), tuple(named))


def h(text):
    opens, closes = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
    return opens, closes


PATTERNS = {
    "office": [[h("09:00-12:30"), h("13:15-17:00")]] * 5 + [[], []],
    "nights": [[h("22:00-06:00")]] * 7,
    "odd hours": [[h("00:30-02:30"), h("02:40-03:10"), h("23:50-00:20")]] * 7,
    "around the clock": [[h("06:00-14:00"), h("14:00-22:00"), h("22:00-06:00")]] * 7,
}
SPECIAL = {
    date(2026, 1, 1): [],
    date(2026, 3, 8): [h("01:00-02:30")],
    date(2026, 3, 29): [],
    date(2026, 4, 5): [h("20:00-04:00")],
    date(2026, 5, 1): [h("08:00-20:00"), h("21:00-22:00")],
    date(2026, 10, 25): [h("02:15-02:45"), h("22:00-03:00")],
    date(2026, 12, 24): [h("09:00-12:00")],
    date(2026, 12, 25): [],
}
YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def both(zone, name):
    week = PATTERNS[name]
    return as_hours(zone, week, SPECIAL), Walked(zone, YEAR, 365, week, SPECIAL)


@pytest.mark.long
@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, KOLKATA, LORD_HOWE])
@pytest.mark.parametrize("name", PATTERNS)
def test_every_minute_of_a_year_is_open_or_closed_as_the_walk_says(zone, name):
    given_hours, walked = both(zone, name)
    end = YEAR + timedelta(days=365)

    found = [False] * len(walked.open)
    for opens, closes in calendar.shifts(given_hours, YEAR, end):
        first, last = ((moment - YEAR) // MINUTE for moment in (max(opens, YEAR), min(closes, end)))
        found[first:last] = [True] * (last - first)

    assert found == walked.open
    assert between(given_hours, YEAR, end) == sum(walked.open)


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, KOLKATA, LORD_HOWE])
@pytest.mark.parametrize("name", PATTERNS)
@settings(max_examples=40, deadline=None)
@given(first=st.integers(0, 365 * 1440 - 1), minutes=st.integers(0, 10_000), pause=st.tuples(*[st.integers(0, 20_000)] * 2))
def test_due_times_over_a_year_are_those_of_the_walk(zone, name, first, minutes, pause):
    given_hours, walked = both(zone, name)
    start, then = walked.moment(first), walked.add(first, minutes)
    stands = (min(first + pause[0], 365 * 1440), min(first + sum(pause), 365 * 1440))

    if then is not None:
        assert add(given_hours, start, minutes) == walked.moment(then)
        assert between(given_hours, start, walked.moment(then)) == minutes
    if (resumed := walked.due(first, minutes, [stands])) is not None:
        assert due(given_hours, start, minutes, [tuple(map(walked.moment, stands))]) == walked.moment(resumed)
    assert is_open(given_hours, start) == walked.open[first]
    if (opens := walked.next_open(first)) is not None:
        assert next_open(given_hours, start) == walked.moment(opens)


CHANGES = [
    (BERLIN, datetime(2026, 3, 24, tzinfo=UTC)),
    (BERLIN, datetime(2026, 10, 20, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 3, 3, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 10, 27, tzinfo=UTC)),
    (LORD_HOWE, datetime(2026, 3, 31, tzinfo=UTC)),
    (LORD_HOWE, datetime(2026, 9, 29, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 9, 1, tzinfo=UTC)),  # the clocks change at midnight
    ("America/Santiago", datetime(2026, 3, 31, tzinfo=UTC)),
    ("Asia/Kolkata", datetime(2026, 12, 27, tzinfo=UTC)),
]


@st.composite
def weeks(draw):
    """Shifts of a week that do not overlap, on any minutes: its cut points, every second stretch between them open."""
    cuts = sorted(draw(st.sets(st.integers(0, 7 * 1440 - 1), min_size=2, max_size=20)))
    week = [[] for _ in range(7)]
    for opens, closes in zip(cuts[::2], cuts[1::2], strict=False):
        closes = min(closes, opens + 1440)
        week[opens // 1440].append((opens % 1440, closes % 1440))
    return week


one_shift = st.tuples(st.integers(0, 1439), st.integers(0, 1439))


@pytest.mark.long
@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CHANGES), weeks(), st.dictionaries(st.integers(-1, 9), st.lists(one_shift, max_size=2), max_size=3))
def test_any_shifts_around_a_change_of_clocks_are_those_of_the_walk(change, week, special):
    zone, start = change
    special = {start.date() + timedelta(days=day): shifts for day, shifts in special.items()}
    given_hours = as_hours(zone, week, special)
    walked = Walked(zone, start, 9, week, special)

    for first in range(0, 9 * 1440, 611):
        assert between(given_hours, start, walked.moment(first)) == walked.between(0, first)
        then = walked.add(first, 200)
        assert then is None or add(given_hours, walked.moment(first), 200) == walked.moment(then)
