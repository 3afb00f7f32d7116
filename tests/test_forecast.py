"""What will be late by the end of a shift: the arithmetic, and what is named to whom two hours before."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.urls import reverse

from audit import clock
from cases import actions, jobs, outlook
from cases.forecast import Measured, Waits, late_by, pace
from cases.models import Case, Forecast
from tests import factories
from workflows import actions as workflows
from workflows import calendars

MONDAY = datetime(2036, 6, 2, tzinfo=UTC)


def queue(*dues, **more):
    return [Waits(number, due, **more) for number, due in enumerate(dues)]


@pytest.mark.parametrize(
    ("waiting", "at_pace", "late"),
    [
        (queue(10, 20, 30), 0.1, []),  # one every ten minutes, each just in time
        (queue(10, 20, 29), 0.1, [2]),
        (queue(9, 9, 9), 0.5, []),
        (queue(3, 3, 3), 0.5, [1, 2]),
        (queue(-5, 25), 0.1, []),  # late already is not becoming late; it takes its time all the same
        (queue(-5, 15), 0.1, [1]),
        (queue(61, 500), 0.001, []),  # due after the shift
        (queue(60), 0.0, [0]),  # nobody is there
        ([Waits(1, 20), Waits(2, 30, priority=1)], 0.05, [1]),  # the more urgent goes first
        ([Waits(1, 20), Waits(2, 30, held=True)], 0.05, [1]),  # what somebody holds is under way
        ([Waits(1, 40, here=30), Waits(2, 50)], 0.1, []),  # snoozed: it comes back after half an hour
        ([Waits(1, 39, here=30), Waits(2, 50)], 0.1, [1]),
        ([], 1.0, []),
    ],
)
def test_who_will_be_late(waiting, at_pace, late):
    assert late_by(waiting, at_pace, 60) == late


def test_without_priorities_nothing_is_late_where_the_work_due_by_each_moment_fits_into_it():
    for count in range(1, 30):
        dues = [7.0 * (number % 5 + 1) for number in range(count)]
        fits = all(sum(due <= moment for due in dues) <= moment for moment in set(dues))

        assert (late_by(queue(*dues), 1.0, 60) == []) is fits


@pytest.mark.parametrize(
    ("recent", "before", "people", "median", "found"),
    [
        (Measured(24, 240), Measured(600, 1200), 3, 60, 0.1),  # the lowest of the three
        (Measured(4, 240), Measured(600, 1200), 3, 60, 0.5),  # four decisions say nothing yet
        (Measured(0, 0), Measured(0, 0), 3, 90, 2.0),
        (Measured(24, 240), Measured(600, 1200), 0, 60, 0.0),  # nobody is there
        (Measured(0, 240), Measured(0, 0), 2, None, 0.0),
    ],
)
def test_the_pace_is_the_lowest_that_is_known(recent, before, people, median, found):
    assert pace(recent, before, people, median) == found


# Over the rows


@pytest.fixture
def office(refunds, administrator):
    """From nine to five, UTC."""
    made = calendars.define(
        None, by=administrator, name="Office", time_zone="UTC", shifts=[(d, time(9), time(17)) for d in range(5)], holidays=[]
    )
    workflows.set_calendar(refunds, made, by=administrator)


def at(hour, day=0):
    return clock.moved(MONDAY + timedelta(days=day, hours=hour))


@pytest.fixture
def four_cases(db, office, send, reviewer):
    """Due at five; one of them waits on a customer. Last Monday nobody did anything."""
    with at(9):
        cases = [send(confidence=0.1) for _ in range(4)]
        actions.pause(cases[3].pk, by=reviewer, on="customer", whom="Mrs Gray", reason="x")
    return cases


@pytest.mark.django_db
def test_two_hours_before_the_shift_ends_it_is_named_once_to_the_owner_of_exceptions(client, four_cases, owner):
    for hour in (14, 15.1, 16):
        with at(hour):
            jobs.name_what_will_be_late()

    named = Forecast.objects.get()
    assert (named.waiting, named.late, named.at.hour, named.shift_ends.hour) == (4, 3, 15, 17)
    assert named.cases == [case.pk for case in four_cases[:3]]
    assert "3 more of the 4 at review with the house will be late: 1 person" in named.says
    client.force_login(owner)
    assert named.says in client.get(reverse("admin:index")).content.decode()


@pytest.mark.django_db
def test_nothing_is_named_that_can_be_done(four_cases, reviewer, send):
    with at(10):
        for _ in range(6):
            actions.accept(send(confidence=0.1).pk, by=reviewer, active_seconds=120)
    with at(15.5):
        jobs.name_what_will_be_late()
        [seen] = outlook.outlooks(clock.now(), [four_cases[0].workflow])

    assert not Forecast.objects.exists()
    assert (seen.waiting, seen.paused, seen.late, seen.people, seen.opened) == (4, 1, [], 1, True)


@pytest.mark.django_db
def test_a_vendors_lead_sees_his_vendors_forecast_and_no_others(client, four_cases, vendor, vendor_reviewer):
    Case.objects.filter(pk=four_cases[0].pk).update(vendor=vendor)
    with at(15.5):
        jobs.name_what_will_be_late()  # the vendor has no engagement: its shift ends with the day
    with at(22.5):
        jobs.name_what_will_be_late()
    lead = factories.UserFactory(vendor=vendor, office="vendor_lead")
    client.force_login(lead)

    answer = client.get(reverse("admin:cases_forecast"))
    shown = answer.content.decode()
    assert "unsafe" not in answer["Content-Security-Policy"] and 'id="desk"' in shown

    assert {forecast.vendor for forecast in Forecast.objects.all()} == {None}
    assert vendor.name in shown and "House" not in shown


@pytest.mark.django_db
def test_a_vendors_shift_is_its_engagements_and_its_lead_hears(
    client, refunds, owner, administrator, vendor, vendor_reviewer, send
):
    shifts = [(day, time(9), time(17)) for day in range(5)]
    manila = calendars.define(None, by=administrator, name="Manila", time_zone="Asia/Manila", shifts=shifts, holidays=[])
    with at(0):
        period = {"since": MONDAY, "until": MONDAY + timedelta(days=90)}
        contract = workflows.engage(vendor, by=administrator, name="2036", coverage=manila, **period)
        terms = {"roles": ["reviewer"], "share": 40, "price": 1, "currency": "EUR"}
        workflows.mandate(contract, refunds, by=owner, **terms)
        Case.objects.filter(pk=send(confidence=0.1).pk).update(vendor=vendor)  # due at eight, which is four in Manila

    for hour in (6.9, 7.1):
        with at(hour):
            jobs.name_what_will_be_late()

    named = Forecast.objects.get()
    assert (named.vendor, named.shift_ends, named.at) == (vendor, MONDAY + timedelta(hours=9), MONDAY + timedelta(hours=7.1))
    client.force_login(factories.UserFactory(vendor=vendor, office="vendor_lead"))
    assert named.says in client.get(reverse("admin:index")).content.decode()


@pytest.mark.django_db
def test_the_page_shows_every_desk_that_waits(client, send, owner):
    send(confidence=0.1)
    client.force_login(owner)

    shown = client.get(reverse("admin:cases_forecast")).content.decode()

    assert "Refunds" in shown and "Review" in shown and "House" in shown
