"""A warning before a case is due, and a breach: once each, told to the right people, and nothing moves."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from django.urls import reverse

from audit import clock
from audit.models import AuditEvent
from cases import actions, jobs, queues
from cases.intake import Intake, receive
from cases.models import Alert, Case
from tests import factories
from tests.factories import TIERS
from workflows import actions as workflows
from workflows import calendars

pytestmark = pytest.mark.django_db
MORNING = datetime(2036, 6, 2, 9, 0, tzinfo=UTC)
WARNED = {"tiers": {**TIERS, "medium": {**TIERS["medium"], "warn_minutes": 60}}}


def at(hours):
    return clock.moved(MORNING + timedelta(hours=hours))


@pytest.fixture
def case(refunds, owner, send):
    """At review since the morning, due in eight hours, warned of an hour before."""
    factories.policy(refunds, owner, rules=WARNED)
    with at(0):
        return send(confidence=0.1)


def run(hours, times=1):
    with at(hours):
        for _ in range(times):
            jobs.call_the_time()


def now(case):
    return Case.objects.get(pk=case.pk)


def verbs(case):
    return list(AuditEvent.objects.filter(subject_type="case", subject_id=case.pk).values_list("verb", flat=True))


def alert(case):
    return case.alerts.open().get()


def test_a_breach_makes_it_more_urgent_once_tells_the_owner_and_moves_nothing(case, owner):
    run(9, times=3)

    assert (now(case).priority, now(case).state, now(case).vendor_id) == (10, "review", None)
    assert verbs(case).count("case.breach") == 1
    assert (alert(case).code, alert(case).to) == ("overdue", "exceptions")
    assert "owner owns the exceptions of Refunds" in alert(case).says


def test_nothing_is_breached_before_it_is_due_nor_while_it_waits(case, reviewer):
    run(7.9)
    with at(7.95):
        actions.pause(case.pk, by=reviewer, on="customer", whom="Mrs Gray", reason="x")
    run(30)

    assert now(case).priority == 0 and "case.breach" not in verbs(case)


def test_the_next_desk_may_be_breached_too(case, reviewer):
    run(9)
    with at(10):
        actions.escalate(case.pk, by=reviewer, reason="x")
    run(11)
    assert not case.alerts.open().exists()

    run(19)

    assert (now(case).state, now(case).priority) == ("resolution", 20)


def test_a_warning_comes_once_and_gives_way_to_the_breach(case):
    run(6.9)
    assert not case.alerts.open().exists()

    run(7.1, times=2)
    assert (alert(case).code, alert(case).to) == ("due_soon", "")

    run(8.1)
    assert alert(case).code == "overdue"
    assert verbs(case) == ["case.received", "case.warn", "case.breach"]


def test_a_warning_counts_business_minutes(refunds, owner, administrator, send):
    office = [(day, datetime.min.time().replace(hour=9), datetime.min.time().replace(hour=17)) for day in range(5)]
    made = calendars.define(None, by=administrator, name="Office", time_zone="UTC", shifts=office, holidays=[])
    workflows.set_calendar(refunds, made, by=administrator)
    factories.policy(refunds, owner, rules=WARNED)
    with at(7.5):
        case = send(confidence=0.1)  # due the next day at 16:30

    run(20)  # five in the morning
    assert not case.alerts.open().exists()
    run(30.6)

    assert now(case).due_at == MORNING + timedelta(hours=31.5) and alert(case).code == "due_soon"


def test_what_a_tier_warns_of_shows_to_whoever_holds_it_and_in_the_desks_list(client, case, reviewer):
    run(7.1)
    Case.objects.filter(pk=case.pk).update(due_at=clock.now() + timedelta(minutes=30))
    queues.claim(case.pk, by=reviewer)
    client.force_login(reviewer)

    assert "It is due on" in client.get(reverse("admin:index")).content.decode()
    assert "soon" in client.get(reverse("admin:cases_case_desk", args=["review"])).content.decode()


def test_a_vendors_person_sees_the_warning_and_not_the_breach(client, case, vendor, vendor_reviewer):
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    run(7.1)
    client.force_login(vendor_reviewer)
    page = reverse("admin:cases_case_change", args=[case.pk])
    assert "It is due on" in client.get(page).content.decode()

    run(9)

    assert "owns the exceptions" not in client.get(page).content.decode()
    assert Alert.objects.open().get().to == "exceptions"


def test_a_test_case_calls_nobody(refunds, integration):
    item = {"workflow": "refunds", "external_id": "T-1", "input": {}, "output": {"decision": "no"}, "confidence": 0.1}
    with at(0):
        receive([msgspec.convert(item, Intake)], by=integration, is_test=True)

    run(9)

    assert not Alert.objects.exists()
