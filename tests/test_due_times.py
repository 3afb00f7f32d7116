"""Due times and seconds as real cases have them, through the verbs under a moved clock, against a walk through every minute.

Three zones, and in each the weeks in which its clocks change; Kolkata's never do.
"""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from audit import clock
from cases import actions, jobs, queues, seconds, timesheet
from cases.models import Case
from tests import factories
from tests.factories import TIERS
from tests.test_calendar import BERLIN, KOLKATA, LORD_HOWE, NEW_YORK, PATTERNS, Walked, as_hours
from tests.test_calendar import clock as wall
from workflows import actions as workflows
from workflows import calendars

pytestmark = pytest.mark.django_db
DAYS = 14
WEEKS = [  # around the changes of the clocks
    (NEW_YORK, "office", datetime(2036, 3, 3, tzinfo=UTC)),
    (NEW_YORK, "nights", datetime(2036, 10, 27, tzinfo=UTC)),
    (BERLIN, "office", datetime(2036, 3, 25, tzinfo=UTC)),
    (BERLIN, "odd hours", datetime(2036, 10, 20, tzinfo=UTC)),
    (LORD_HOWE, "nights", datetime(2036, 3, 31, tzinfo=UTC)),
    (LORD_HOWE, "odd hours", datetime(2036, 9, 29, tzinfo=UTC)),
    (KOLKATA, "office", datetime(2036, 3, 3, tzinfo=UTC)),
]
PLANS = [(chance, *week) for week in WEEKS for chance in range(3)]


@pytest.fixture
def hours_are(refunds, administrator):
    """The workflow's clocks run by these shifts."""

    def hours_are(zone, week):
        shifts = [(day, wall(opens), wall(closes)) for day, each in enumerate(week) for opens, closes in each]
        made = calendars.define(None, by=administrator, name=zone, time_zone=zone, shifts=shifts, holidays=[])
        workflows.set_calendar(refunds, made, by=administrator)

    return hours_are


def stretches(chance, first):
    """Pauses to come, as minutes of the walk: apart, and now and then within one another."""
    place, found = first, []
    for _ in range(chance.randint(1, 3)):
        begins = place + chance.randint(1, 2000)
        place = begins + chance.randint(1, 1500)
        found.append((begins, place))
    return found


def wait(case, by, moment, pauses):
    """Each pause through its verbs; every other one a snooze that the machine ends."""
    for number, (begins, ends) in enumerate(pauses):
        with clock.moved(moment(begins)):
            if number % 2:
                actions.snooze(case.pk, by=by, reason="x", until=moment(ends))
            else:
                queues.claim(case.pk, by=by)
                actions.pause(case.pk, by=by, on="team", whom="Finance", reason="x")
        with clock.moved(moment(ends)):
            if number % 2:
                jobs.wake_the_snoozed()
            else:
                actions.go_on(case.pk, by=by)


@pytest.mark.parametrize(("number", "zone", "name", "start"), PLANS)
def test_a_cases_due_time_and_seconds_are_those_of_the_walk(
    hours_are, refunds, owner, reviewer, send, number, zone, name, start
):
    chance = Random(f"{number}{zone}{name}{start}")
    walked = Walked(zone, start, DAYS * 2, PATTERNS[name])
    minutes, first = chance.randint(30, 1200), chance.randint(0, 5 * 1440)
    hours_are(zone, PATTERNS[name])
    factories.policy(refunds, owner, rules={"tiers": {**TIERS, "medium": {**TIERS["medium"], "due_minutes": minutes}}})
    with clock.moved(walked.moment(first)):
        case = send(confidence=0.1)
    pauses = stretches(chance, first)

    wait(case, reviewer, walked.moment, pauses)

    assert Case.objects.get(pk=case.pk).due_at == walked.moment(walked.due(first, minutes, pauses))

    taken = pauses[-1][1] + chance.randint(1, 300)
    closed = taken + chance.randint(1, 14)
    with clock.moved(walked.moment(taken)):
        queues.claim(case.pk, by=reviewer)
    with clock.moved(walked.moment(closed)):
        actions.accept(case.pk, by=reviewer, active_seconds=40)
        [stay] = timesheet.of(Case.objects.get(pk=case.pk), clock.now())

    stood = sum(walked.between(*pause) for pause in pauses)
    assert stay.spent.total / 60 == walked.between(first, closed)
    assert (stay.spent.paused / 60, stay.spent.active / 60) == (stood, walked.between(taken, closed))
    assert (stay.visit.desk, stay.said) == ("review", 40)


# The seconds alone

OFFICE = as_hours(BERLIN, PATTERNS["office"], {})
MONDAY = datetime(2026, 6, 1, 7, 0, tzinfo=UTC)  # nine in Berlin


def after(minutes):
    return MONDAY + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("held", "stood", "spent"),
    [
        ([], [], (0, 60, 0)),
        ([(10, 30)], [], (20, 40, 0)),
        ([(10, 30)], [(20, 40)], (10, 30, 20)),  # while its clock stands nobody works on it
        ([(0, 20), (10, 30)], [], (30, 30, 0)),
        ([], [(0, None)], (0, 0, 60)),
        ([(50, None)], [(10, 20), (15, 30)], (10, 30, 20)),
        ([(-90, 600)], [(-90, -10)], (60, 0, 0)),
    ],
)
def test_active_waiting_and_paused_are_apart_and_together_the_whole(held, stood, spent):
    as_moments = [[(after(a), b if b is None else after(b)) for a, b in each] for each in (held, stood)]

    found = seconds.spent(OFFICE, after(0), after(60), *as_moments)

    assert found == tuple(60 * minutes for minutes in spent) and found.total == 3600


def test_a_case_stays_at_desks_from_where_it_was_born_to_where_it_went():
    moves = [(after(20), "approval"), (after(10), "resolution"), (after(30), "closed"), (after(50), "resolution")]

    assert seconds.visits("review", after(0), moves, after(60)) == [
        ("review", after(0), after(10)),
        ("resolution", after(10), after(20)),
        ("approval", after(20), after(30)),
        ("resolution", after(50), after(60)),
    ]


def test_a_clock_that_was_put_back_makes_no_stay_of_less_than_nothing():
    assert seconds.visits("review", after(10), [(after(5), "closed")], after(0)) == [("review", after(10), after(10))]
