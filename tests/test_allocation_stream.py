"""Allocation over a stream, at its own times and spread over the week: who has what is worked out a second time, by hand."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from audit import clock
from cases.allocated import told
from cases.allocation import HOUSE, RULES, replayed
from cases.intake import Intake, receive
from cases.models import Case
from tests import factories, streams
from tests.conftest import seated
from tests.test_allocation import race, within_the_random_error
from workflows import actions as workflows
from workflows.models import Calendar, Shift, Workflow

pytestmark = pytest.mark.django_db

# zone, days (Monday: 0), from, to: some hours are one side's, some two sides', some nobody's
MANILA = ("Asia/Manila", range(5), 9, 18)
BOGOTA = ("America/Bogota", range(6), 8, 17)
BERLIN = ("Europe/Berlin", range(5), 8, 17)
SHARES = {"house": 45, "Manila Desk": 30, "Bogotá Desk": 25}
HOURS = {"house": BERLIN, "Manila Desk": MANILA, "Bogotá Desk": BOGOTA}
MONDAY = (clock.now() + timedelta(days=14 - clock.now().weekday())).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture(params=["generated", "real"])
def stream(request, tmp_path):
    return streams.generated(tmp_path) if request.param == "generated" else streams.real()


@pytest.fixture
def triage(owner):
    """All of it waits for a review, in-house by day, with vendors in two zones."""
    tiers = {**factories.TIERS, "medium": {"pattern": "threshold", "threshold": 1}}
    workflow = factories.workflow("support-triage", owner=owner, rules={"tiers": tiers})
    Workflow.objects.filter(pk=workflow.pk).update(staffed=calendar(*BERLIN))
    seated(workflow, "reviewer", owner)
    for name in ("Manila Desk", "Bogotá Desk"):
        made = factories.MandateFactory(
            workflow=workflow,
            share=SHARES[name],
            engagement__vendor__name=name,
            engagement__coverage=calendar(*HOURS[name]),
        )
        seated(workflow, "reviewer", owner, made.vendor)
    return workflow


@pytest.fixture
def classifier(triage, owner):
    robot = factories.IntegrationFactory(username="classifier")
    workflows.seat(robot, triage, "integration", by=owner)
    return robot


def calendar(zone, days, opens, closes):
    made = Calendar.objects.create(name=zone, time_zone=zone)
    Shift.objects.bulk_create(Shift(calendar=made, weekday=day, opens=time(opens), closes=time(closes)) for day in days)
    return made


def as_they_came(place, output):
    came = datetime.fromisoformat(output["received_at"])
    return MONDAY + timedelta(days=came.weekday(), hours=came.hour)


def all_the_week(place, output):
    return MONDAY + timedelta(hours=place * 37 % 168)


# The same arithmetic as the product's, written a second time from the specification, so that the two can disagree.


def is_there(name, at):
    zone, days, opens, closes = HOURS[name]
    local = at.astimezone(ZoneInfo(zone))
    return local.weekday() in days and opens <= local.hour < closes


def whose(output, at, secret, vendors):
    """The side of one output: by lot of those who are there, else whoever is there next."""
    there = {vendors[name]: share for name, share in SHARES.items() if is_there(name, at)}
    if there:
        return race(streams.lot(secret, f"allocation {output['external_id']}"), there)
    while not there:
        at += timedelta(hours=1)
        there = {vendors[name]: share for name, share in SHARES.items() if is_there(name, at)}
    return min(there, key=lambda side: (side != HOUSE, -there[side]))


@pytest.mark.long
@pytest.mark.parametrize("times", [as_they_came, all_the_week], ids=lambda each: each.__name__)
def test_the_stream_is_divided_as_worked_out_by_hand(stream, triage, classifier, times):
    vendors = {"house": HOUSE, **{m.vendor.name: m.vendor.pk for m in triage.mandates.select_related("engagement__vendor")}}
    by_hand = {}
    for at, outputs in by_time(stream, times).items():
        with clock.moved(at):
            receive([msgspec.convert(without_a_time(output), Intake) for output in outputs], by=classifier)
        by_hand |= {output["external_id"]: whose(output, at, triage.secret, vendors) for output in outputs}

    waiting = list(Case.objects.filter(state="review"))

    assert len(waiting) == sum(output["confidence"] < 1 for output in stream.outputs) > 500
    assert {case.external_id: case.vendor_id or HOUSE for case in waiting} == {
        case.external_id: by_hand[case.external_id] for case in waiting
    }
    assert all(readable(case) for case in waiting)
    shares_hold(waiting, vendors)


def by_time(stream, times):
    moments = defaultdict(list)
    for place, output in enumerate(stream.outputs):
        moments[times(place, output)].append(output)
    return dict(sorted(moments.items()))


def without_a_time(output):
    """When it came in is when it is sent, here."""
    fields = {name: value for name, value in output.items() if name in Intake.__struct_fields__ and value is not None}
    return {name: value for name, value in fields.items() if name != "received_at"}


def readable(case) -> bool:
    """Somebody with people at the desk is responsible; the reason is one of the rules', names him, and follows from the facts."""
    kept = case.allocation
    [side] = [side for side in kept["sides"] if side["vendor"] == (case.vendor_id or HOUSE)]
    assert (
        side["seats"] and kept["rule"] in RULES and kept["sentence"].startswith(side["name"]) and kept["sentence"].endswith(".")
    )
    shown = told(kept, to_the_house=True)
    assert shown["again"] and sum(each.has_it for each in shown["sides"]) == 1 and replayed(kept).vendor_id == case.vendor_id
    return True


def shares_hold(cases, vendors):
    """Where two are there, each has its part of the two's shares; by night and at weekends it is whose it can be."""
    names = {pk: name for name, pk in vendors.items()}
    met = defaultdict(Counter)
    for case in cases:
        at = datetime.fromisoformat(case.allocation["at"]).astimezone(UTC)
        there = frozenset(name for name in SHARES if is_there(name, at))
        met[there][names[case.vendor_id or HOUSE]] += 1
    for there, counts in met.items():
        assert not there or set(counts) <= there
        for name in there if len(there) > 1 else ():
            share = SHARES[name] / sum(SHARES[each] for each in there)
            assert within_the_random_error(counts[name], counts.total(), share), (there, counts)
