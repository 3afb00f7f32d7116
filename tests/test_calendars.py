"""Calendars: kept by one verb, guarded by the database, looked at and changed in the admin."""

from datetime import UTC, date, datetime, time

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from audit import trail
from audit.models import AuditEvent
from tests.factories import UserFactory
from workflows import calendar, calendars, week
from workflows.calendar import Hours
from workflows.models import Calendar, Holiday, Shift

pytestmark = pytest.mark.django_db

NINE, FIVE, TEN_AT_NIGHT, SIX = time(9), time(17), time(22), time(6)
CHRISTMAS = (date(2026, 12, 25), "Christmas", None, None)
OFFICE = {
    "name": "Office",
    "time_zone": "Europe/Berlin",
    "shifts": [(day, NINE, FIVE) for day in range(5)],
    "holidays": [CHRISTMAS, (date(2026, 12, 24), "Christmas Eve", NINE, time(12))],
}


@pytest.fixture
def administrator(db):
    return UserFactory(username="administrator", office="administrator")


@pytest.fixture
def office(administrator):
    return calendars.define(None, by=administrator, **OFFICE)


def to(name, *args):
    return reverse(f"admin:workflows_calendar_{name}", args=args)


def text(response):
    return response.content.decode()


def told(verb):
    return AuditEvent.objects.filter(verb=verb)


# The verb


def test_a_calendar_gives_hours_to_reckon_with(office, django_assert_num_queries):
    with django_assert_num_queries(2):
        hours = office.hours

    monday = datetime(2026, 6, 1, 7, tzinfo=UTC)
    assert calendar.add(hours, monday, 8 * 60) == datetime(2026, 6, 1, 15, tzinfo=UTC)
    assert not calendar.is_open(hours, datetime(2026, 12, 25, 9, tzinfo=UTC))
    assert calendar.shift_end(hours, datetime(2026, 12, 24, 9, tzinfo=UTC)) == datetime(2026, 12, 24, 11, tzinfo=UTC)
    assert hours == Calendar.objects.get(pk=office.pk).hours


def test_what_is_set_up_is_told_once(office, administrator):
    event = told("calendar.add").get()

    assert event.subject_id == office.pk and event.actor_id == administrator.pk
    assert "Monday 09:00–17:00" in event.body["changed"] and "2026-12-25 Christmas: closed" in event.body["changed"]


def test_a_change_tells_what_came_and_what_went(office, administrator):
    shifts = [(0, time(8), FIVE), *OFFICE["shifts"][1:]]

    calendars.define(office, by=administrator, **{**OFFICE, "shifts": shifts, "holidays": [CHRISTMAS]})

    event = told("calendar.change").get()
    assert event.body["changed"] == (
        "Removed Monday 09:00–17:00; 2026-12-24 Christmas Eve: 09:00–12:00. Added Monday 08:00–17:00"
    )
    assert trail.sentence(event).startswith("had its hours changed by administrator: Removed Monday")


def test_a_save_that_changes_nothing_is_no_event(office, administrator):
    calendars.define(office, by=administrator, **OFFICE)

    assert not told("calendar.change").exists()


@pytest.mark.parametrize("who", ["stranger", "reviewer", "vendor_reviewer", "integration"])
def test_who_owns_nothing_defines_no_hours_and_the_attempt_is_told(office, who, request):
    person = request.getfixturevalue(who)

    with pytest.raises(PermissionDenied):
        calendars.define(office, by=person, **{**OFFICE, "shifts": []})
    trail.write_refusals()

    assert office.shifts.count() == 5
    assert told("calendar.define_refused").get().actor_id == person.pk


def test_an_owner_of_a_workflow_defines_hours(refunds, owner):
    assert calendars.define(None, by=owner, **OFFICE).shifts.count() == 5


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"time_zone": "Europe/Atlantis"}, "no time zone “Europe/Atlantis”"),
        ({"name": ""}, "cannot be blank"),
        ({"shifts": [(0, NINE, FIVE), (0, time(16), time(20))]}, "Monday 09:00–17:00 and Monday 16:00–20:00 overlap"),
        ({"shifts": [(6, TEN_AT_NIGHT, SIX), (0, time(5), NINE)]}, "Sunday 22:00–06:00 and Monday 05:00–09:00 overlap"),
        ({"shifts": [(7, NINE, FIVE)]}, "not a valid choice"),
        ({"holidays": [CHRISTMAS, CHRISTMAS]}, "named twice"),
        ({"holidays": [(date(2026, 12, 24), "Half", NINE, None)]}, "say both times, or neither"),
    ],
)
def test_what_is_wrong_is_a_sentence_and_nothing_is_written(office, administrator, wrong, sentence):
    with pytest.raises(ValidationError, match=sentence):
        calendars.define(office, by=administrator, **{**OFFICE, **wrong})

    assert Calendar.objects.get().hours == office.hours and not told("calendar.change").exists()


def test_a_name_is_one_calendars(office, administrator):
    with pytest.raises(ValidationError, match="already exists"):
        calendars.define(None, by=administrator, **OFFICE)


# The database

OVERLAPPING = [
    ((0, NINE, FIVE), (0, time(16), time(18))),
    ((0, NINE, FIVE), (0, time(10), time(11))),
    ((0, NINE, FIVE), (0, NINE, FIVE)),
    ((0, TEN_AT_NIGHT, SIX), (1, time(5, 59), NINE)),
    ((6, TEN_AT_NIGHT, SIX), (0, time(5), NINE)),
    ((0, time(0), time(0)), (0, time(23), time(1))),
]
APART = [
    ((0, NINE, FIVE), (0, FIVE, TEN_AT_NIGHT)),
    ((6, TEN_AT_NIGHT, SIX), (0, SIX, NINE)),
    ((0, time(0), time(0)), (1, time(0), time(0))),
]


def one_by_one(kept, *shifts):
    for weekday, opens, closes in shifts:
        Shift.objects.create(calendar=kept, weekday=weekday, opens=opens, closes=closes)


def at_once(kept, *shifts):
    Shift.objects.bulk_create(Shift(calendar=kept, weekday=day, opens=opens, closes=closes) for day, opens, closes in shifts)


def by_update(kept, first, second):
    one_by_one(kept, first, (3, time(1), time(2)))
    Shift.objects.filter(weekday=3).update(weekday=second[0], opens=second[1], closes=second[2])


def by_sql(kept, *shifts):
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO workflows_shift (calendar_id, weekday, opens, closes) VALUES (%s, %s, %s, %s)",
            [(kept.pk, *shift) for shift in shifts],
        )


@pytest.mark.parametrize("door", [one_by_one, at_once, by_update, by_sql])
@pytest.mark.parametrize("shifts", OVERLAPPING)
def test_shifts_of_a_calendar_do_not_overlap(door, shifts):
    kept = Calendar.objects.create(name="Night")

    with pytest.raises(IntegrityError, match="shifts of a calendar do not overlap"), transaction.atomic():
        door(kept, *shifts)
    with pytest.raises(ValueError, match="overlap"):  # what the database refuses, the arithmetic refuses
        Hours.made_of("UTC", [(day, calendar.Shift(opens, closes)) for day, opens, closes in shifts], [])


@pytest.mark.parametrize("shifts", APART)
def test_shifts_may_follow_one_another_and_another_calendar_has_its_own(shifts):
    for name in ("One", "Other"):
        at_once(Calendar.objects.create(name=name), *shifts)

    assert Shift.objects.count() == 4


# How it reads


def test_the_days_in_words():
    hours = Hours.made_of(
        "Europe/Berlin",
        [(5, calendar.Shift(TEN_AT_NIGHT, SIX)), (0, calendar.Shift(time(13), FIVE)), (0, calendar.Shift(NINE, time(12)))],
        [(date(2026, 3, 30), ())],
    )

    saturday, sunday, monday, *_ = week.days(hours, date(2026, 3, 28), 10, {date(2026, 3, 30): "Inventory"})
    next_monday = week.days(hours, date(2026, 4, 6), 1, {})[0]

    assert saturday[1:] == ("22:00–06:00", "7 h", "8 h on paper: the clocks change")
    assert sunday[1:] == ("closed", "", "") and monday[1:] == ("closed", "", "Inventory")
    assert next_monday[1:] == ("09:00–12:00 and 13:00–17:00", "7 h", "")


def test_the_chart_shows_a_night_on_both_days():
    drawn = dict(week.chart(Hours.made_of("UTC", [(6, calendar.Shift(TEN_AT_NIGHT, SIX))], [])))

    assert [(bar.begins, bar.lasts) for bar in drawn["Sunday"]] == [(22 * 60, 120)]
    assert [(bar.begins, bar.lasts) for bar in drawn["Monday"]] == [(0, 360)]


# The admin


def rows(prefix, fields, values, kept=()):
    """What the browser sends of an inline; `kept` are the rows that were there."""
    posted = {f"{prefix}-TOTAL_FORMS": len(values), f"{prefix}-INITIAL_FORMS": len(kept)}
    for place, row in enumerate(values):
        posted |= {f"{prefix}-{place}-{name}": value for name, value in zip(fields, row, strict=True)}
    return posted | {f"{prefix}-{place}-id": row.pk for place, row in enumerate(kept)}


def page(name="Office", zone="Europe/Berlin", shifts=(), holidays=(), kept=((), ())):
    return {
        "name": name,
        "time_zone": zone,
        **rows("shifts", ("weekday", "opens", "closes"), shifts, kept[0]),
        **rows("holidays", ("date", "name", "opens", "closes"), holidays, kept[1]),
    }


def as_kept(kept):
    return list(kept.shifts.all()), list(kept.holidays.all())


OFFICE_TYPED = [(day, "09:00", "17:00") for day in range(5)]
HOLIDAYS_TYPED = [("2026-12-24", "Christmas Eve", "09:00", "12:00"), ("2026-12-25", "Christmas", "", "")]


def test_a_new_calendar_begins_with_a_week_that_is_kept_as_it_stands(client, administrator):
    client.force_login(administrator)
    shown = text(client.get(to("add")))
    assert shown.count('value="17:00"') == 5

    client.post(to("add"), page(shifts=OFFICE_TYPED))

    assert Calendar.objects.get().hours == Hours.made_of(
        "Europe/Berlin", [(day, calendar.Shift(NINE, FIVE)) for day in range(5)], []
    )
    assert told("calendar.add").count() == 1


def test_rows_are_changed_added_and_taken_away_with_one_event(client, administrator, office):
    client.force_login(administrator)
    typed = page(
        shifts=[(0, "8:00", "17:00"), *OFFICE_TYPED[1:], (5, "22:00", "24:00")], holidays=HOLIDAYS_TYPED, kept=as_kept(office)
    )

    answer = client.post(to("change", office.pk), typed | {"holidays-0-DELETE": "on"})

    assert answer.status_code == 302, text(answer)
    assert [str(shift) for shift in office.shifts.all()][::5] == ["Monday 08:00–17:00", "Saturday 22:00–00:00"]
    assert [each.name for each in office.holidays.all()] == ["Christmas"]
    assert told("calendar.change").count() == 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"shifts": [(0, "9 o'clock", "17:00")]}, "“9 o&#x27;clock” is no time of day. Write it as 09:00."),
        ({"shifts": [(0, "09:00", "17:00"), (0, "16:00", "20:00")]}, "Monday 09:00–17:00 runs into this shift."),
        ({"shifts": [(0, "05:00", "09:00"), (6, "22:00", "06:00")]}, "Sunday 22:00–06:00 runs into this shift."),
        ({"zone": "Europe/Atlantis"}, "Select a valid choice."),
        ({"name": "Night"}, "already exists"),
        ({"holidays": [("25.12.2026", "Christmas", "", "")]}, "Write the date as 2026-12-25."),
        ({"holidays": [("2026-12-24", "Half", "09:00", "")]}, "Say both times, or leave both empty"),
        ({"holidays": [("2026-12-24", "A", "", ""), ("2026-12-24", "B", "", "")]}, "named twice"),
    ],
)
def test_bad_input_is_a_sentence_and_what_was_typed_comes_back(client, administrator, wrong, sentence):
    Calendar.objects.create(name="Night")
    client.force_login(administrator)

    answer = text(client.post(to("add"), page(**{"holidays": [("2027-05-01", "First of May", "", "")], **wrong})))

    assert answer.count(sentence) == 1
    for _, typed, *_ in [*wrong.get("shifts", []), *wrong.get("holidays", [])]:
        assert typed.replace("'", "&#x27;") in answer
    assert Calendar.objects.count() == 1


def test_who_saves_after_somebody_else_is_told_and_overwrites_nothing(client, administrator, office):
    client.force_login(administrator)
    seen = as_kept(office)
    calendars.define(office, by=administrator, **{**OFFICE, "shifts": [(0, time(7), NINE)]})

    answer = text(client.post(to("change", office.pk), page(shifts=OFFICE_TYPED, holidays=HOLIDAYS_TYPED, kept=seen)))

    assert "Somebody changed this calendar meanwhile." in answer
    assert [str(shift) for shift in office.shifts.all()] == ["Monday 07:00–09:00"]


def test_who_may_only_look_sees_the_week_and_no_field(client, reviewer, office):
    client.force_login(reviewer)

    shown = text(client.get(to("change", office.pk)))

    assert "The next 14 days" in shown and 'name="shifts-0-opens"' not in shown
    assert client.post(to("change", office.pk), page()).status_code == 403
    assert office.shifts.count() == 5


def test_the_box_says_when_it_would_be_due(client, reviewer, office):
    client.force_login(reviewer)

    answer = text(client.get(to("due", office.pk), {"start": "2026-12-23 16:00", "hours": "5"}))

    assert "Due Monday 28 December 2026, 10:00" in answer and "4 d 18 h after it comes in" in answer


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"start": "tomorrow", "hours": "5"}, "Write date and time as"),
        ({"start": "2026-12-23 16:00", "hours": "-1"}, "greater than or equal to 0"),
        ({"start": "2026-12-23 16:00", "hours": "many"}, "Write a number of hours"),
        ({"start": "0001-01-01 00:00", "hours": "1"}, "Choose a day between"),
        ({"start": "2026-12-23 16:00", "hours": "NaN"}, "Write a number of hours"),
    ],
)
def test_what_cannot_be_tried_is_a_sentence(client, reviewer, office, typed, sentence):
    client.force_login(reviewer)

    answer = client.get(to("due", office.pk), typed)

    assert answer.status_code == 422 and sentence in text(answer) and typed["start"] in text(answer)


def test_a_calendar_that_never_opens_says_so(client, reviewer):
    kept = Calendar.objects.create(name="Never")
    client.force_login(reviewer)

    answer = client.get(to("due", kept.pk), {"start": "2026-12-23 16:00", "hours": "1"})

    assert answer.status_code == 200 and "These hours do not open" in text(answer)


def test_a_calendar_whose_zone_is_gone_can_be_opened_and_mended(client, administrator):
    kept = Calendar.objects.create(name="Lost", time_zone="Europe/Atlantis")
    client.force_login(administrator)

    assert "There is no time zone “Europe/Atlantis”" in text(client.get(to("change", kept.pk)))
    assert client.get(to("changelist")).status_code == 200
    assert client.get(to("due", kept.pk)).status_code == 302
    client.post(to("change", kept.pk), page(name="Found"))
    assert Calendar.objects.get().time_zone == "Europe/Berlin"


@pytest.mark.parametrize("more", [0, 5])
def test_a_list_of_calendars_costs_the_same_few_queries(client, reviewer, more, django_assert_max_num_queries):
    for number in range(1 + more):
        Holiday.objects.create(calendar=Calendar.objects.create(name=str(number)), date=date(2026, 1, 1), name="New Year")
    client.force_login(reviewer)

    with django_assert_max_num_queries(14):
        client.get(to("changelist"))
