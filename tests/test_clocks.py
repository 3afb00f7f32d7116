"""Deadlines run in the hours of the workflow's calendar, at intake and from desk to desk; without one, around the clock."""

from datetime import UTC, datetime, time

import pytest
from django.core.exceptions import ValidationError

from audit import clock
from cases import actions
from cases.models import Case
from tests import factories
from workflows import actions as workflows
from workflows import calendars

pytestmark = pytest.mark.django_db
FRIDAY = datetime(2036, 6, 6, 16, 0, tzinfo=UTC)
MUCH_LATER = datetime(2036, 6, 16, 16, 0, tzinfo=UTC)  # 48 hours of work: 1 on Friday, 40 in the week, 7 on Monday
OFFICE = [(weekday, time(9), time(17)) for weekday in range(5)]


@pytest.fixture
def office(refunds, administrator):
    made = calendars.define(None, by=administrator, name="Office", time_zone="UTC", shifts=OFFICE, holidays=[])
    workflows.set_calendar(refunds, made, by=administrator)
    return made


@pytest.fixture
def on_friday():
    with clock.moved(FRIDAY):
        yield


def test_without_a_calendar_clocks_run_around_the_clock(on_friday, send):
    assert send(confidence=0.1).due_at == datetime(2036, 6, 7, 0, 0, tzinfo=UTC)


def test_what_comes_late_on_friday_is_due_on_monday(office, on_friday, send):
    case = send(confidence=0.1)  # eight hours, one of them left on Friday

    assert case.due_at == datetime(2036, 6, 9, 16, 0, tzinfo=UTC)


def test_the_next_desk_starts_afresh_in_the_same_hours(office, on_friday, send, reviewer, resolver):
    case = send(confidence=0.1)
    actions.escalate(case.pk, by=reviewer, reason="x")
    assert Case.objects.get(pk=case.pk).due_at == datetime(2036, 6, 9, 16, 0, tzinfo=UTC)

    actions.escalate(case.pk, by=resolver, reason="x")

    case = Case.objects.get(pk=case.pk)
    assert (case.state, case.due_at) == ("approval", datetime(2036, 6, 9, 16, 0, tzinfo=UTC))
    assert case.expires_at == MUCH_LATER


def test_an_approval_born_there_expires_in_these_hours_too(office, on_friday, send):
    case = send(action={"type": "refund", "amount": 40, "currency": "EUR"})

    assert case.expires_at == MUCH_LATER


def test_what_is_due_already_keeps_its_time(on_friday, send, refunds, administrator, office):
    before = send(confidence=0.1).due_at

    workflows.set_calendar(refunds, None, by=administrator)

    assert Case.objects.get().due_at == before
    assert send(confidence=0.1).due_at == datetime(2036, 6, 7, 0, 0, tzinfo=UTC)


def test_a_calendar_that_never_opens_is_set_nowhere(refunds, administrator, office):
    closed = calendars.define(None, by=administrator, name="Closed", time_zone="UTC", shifts=[], holidays=[])

    with pytest.raises(ValidationError, match="never opens"):
        workflows.set_calendar(refunds, closed, by=administrator)
    with pytest.raises(ValidationError, match="The clocks of Refunds run by this calendar"):
        calendars.define(office, by=administrator, name="Office", time_zone="UTC", shifts=[], holidays=[])


def test_the_rate_of_a_stratum_never_falls_under_the_policys_floor(refunds, owner):
    with pytest.raises(ValidationError, match="Version 1 samples 5% of medium risk at least"):
        workflows.set_rate(refunds, "medium", 0.04, by=owner)
    factories.policy(refunds, owner, rules={"tiers": factories.TIERS | {"low": {"pattern": "sampling", "sample_rate": 0.02}}})

    workflows.set_rate(refunds, "low", 0.02, by=owner)
