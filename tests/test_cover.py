"""The week's chart: who is there when, by the reader's clock, and when nobody is."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from workflows import cover
from workflows.calendar import ALWAYS, Hours, Shift
from workflows.cover import Side

BERLIN, UTC_ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
MONDAY = date(2026, 6, 1)
SOMEBODY = (("Rita", ()),)


def hours(zone, *days):
    """Shifts by weekday: (0, 9, 17)."""
    return Hours.made_of(zone, [(day, Shift(time(opens), time(closes % 24))) for day, opens, closes in days], ())


def gaps(monday, zone, *sides):
    return cover.week(monday, zone, sides).gaps


def side(at, people=SOMEBODY, engaged=None, name="Acme"):
    return Side(name, at, engaged, people)


EVERY = range(7)


@pytest.mark.parametrize(
    ("sides", "nobody"),
    [
        ([side(ALWAYS)], []),
        ([], ["the whole week"]),
        ([side(hours("Europe/Berlin", *[(day, 0, 24) for day in range(6)]))], ["Sunday 00:00–24:00"]),
        (
            [
                side(hours("Europe/Berlin", *[(day, 6, 22) for day in EVERY])),
                side(hours("Asia/Manila", *[(day, 4, 12) for day in EVERY])),
            ],
            [],
        ),
        (
            [
                side(hours("Europe/Berlin", *[(day, 6, 20) for day in EVERY])),
                side(hours("Europe/Berlin", *[(day, 20, 6) for day in range(6)])),
            ],
            ["Monday 00:00–06:00", "Sunday 20:00–24:00"],
        ),
    ],
    ids=["always", "no side", "no Sunday", "another zone fills the night", "over midnight"],
)
def test_gaps_in_words(sides, nobody):
    assert gaps(MONDAY, BERLIN, *sides) == nobody


def test_the_same_hours_by_another_readers_clock():
    day = side(hours("Europe/Berlin", *[(day, 8, 24) for day in EVERY]))

    assert gaps(MONDAY, UTC_ZONE, day)[1] == "Monday 22:00 to Tuesday 06:00"


@pytest.mark.parametrize(("monday", "lasts"), [(date(2026, 3, 23), 167), (MONDAY, 168), (date(2026, 10, 19), 169)])
def test_a_week_in_which_the_clock_changes_is_as_long_as_it_is(monday, lasts):
    drawn = cover.week(monday, BERLIN, [side(ALWAYS)])

    assert drawn.lasts == lasts * 60 and drawn.rows[0].bars == [(0, lasts * 60, "Monday 00:00 to Monday 00:00")]
    assert drawn.days[6][2] == (lasts - 6 * 24) * 60


def test_a_night_shift_in_the_night_of_the_change_leaves_no_gap():
    """Put forward at two: 22:00–06:00 and 06:00–22:00 follow one another on that day, too."""
    day, night = hours("Europe/Berlin", *[(d, 6, 22) for d in EVERY]), hours("Europe/Berlin", *[(d, 22, 6) for d in EVERY])

    assert gaps(date(2026, 3, 23), BERLIN, side(day), side(night)) == []


def test_one_of_two_away_covers_all_of_them_away_do_not():
    away = (datetime(2026, 6, 2, 8, tzinfo=UTC), datetime(2026, 6, 3, 8, tzinfo=UTC))
    two = (("Rita", (away,)), ("Ravi", ()))

    one_left = cover.week(MONDAY, UTC_ZONE, [side(ALWAYS, two)])
    nobody_left = cover.week(MONDAY, UTC_ZONE, [side(ALWAYS, (("Rita", (away,)), ("Ravi", (away,))))])

    assert one_left.gaps == [] and one_left.rows[0].notes == ["Rita is away Tuesday 08:00 to Wednesday 08:00"]
    assert nobody_left.gaps == ["Tuesday 08:00 to Wednesday 08:00"]


def test_a_side_without_a_seat_covers_nothing_and_says_so():
    drawn = cover.week(MONDAY, UTC_ZONE, [side(ALWAYS, ())])

    assert drawn.rows[0].notes == ["nobody holds a seat"] and drawn.rows[0].bars == []


def test_a_contract_that_ends_midweek_covers_until_then():
    noon = datetime(2026, 6, 3, 12, tzinfo=UTC)
    ends = side(ALWAYS, engaged=(noon - timedelta(days=99), noon))

    drawn = cover.week(MONDAY, UTC_ZONE, [ends])

    assert drawn.gaps == ["Wednesday 12:00 to Monday 00:00"]
    assert drawn.rows[0].days == ["00:00–24:00", "00:00–24:00", "00:00–12:00", "", "", "", ""]
    assert drawn.rows[-1].is_gap and drawn.rows[-1].days[2] == "12:00–24:00"


def test_a_holiday_is_a_gap():
    closed = Hours.made_of("UTC", [(day, Shift(time(0), time(0))) for day in EVERY], [(date(2026, 6, 4), ())])

    assert gaps(MONDAY, UTC_ZONE, side(closed)) == ["Thursday 00:00–24:00"]
