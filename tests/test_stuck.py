"""The daily list of what is stuck, and why: one line a case and reason, written once a day."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.db.utils import IntegrityError, ProgrammingError
from django.urls import reverse

from accounts import actions as people
from audit import clock
from cases import actions, jobs, queues
from cases.models import Case, Stuck
from workflows import actions as workflows

pytestmark = pytest.mark.django_db
MORNING = datetime(2036, 6, 2, 9, 0, tzinfo=UTC)
REFUND = {"type": "refund", "amount": 40, "currency": "EUR"}


def at(hours):
    return clock.moved(MORNING + timedelta(hours=hours))


@pytest.fixture
def case(send, reviewer):
    with at(0):
        return send(confidence=0.1)


def stuck(hours):
    """Today's reasons."""
    with at(hours):
        jobs.list_what_is_stuck()
    return list(Stuck.objects.order_by("id").values_list("why", "says"))


def wait(case, by, **more):
    actions.pause(case.pk, by=by, on="team", whom="Finance", reason="x", **more)


def test_what_goes_its_way_is_not_on_it(case):
    assert stuck(1) == []


def test_what_is_overdue_is_on_it_once_a_day(case):
    assert [why for why, _ in stuck(9)] == ["overdue"]

    assert len(stuck(10)) == 1
    assert len(stuck(33)) == 2


@pytest.mark.parametrize(("planned", "after", "listed"), [(2, 1, False), (2, 3, True), (None, 100, False), (None, 169, True)])
def test_what_waits_for_longer_than_planned_or_for_a_week(case, reviewer, planned, after, listed):
    with at(0):
        wait(case, reviewer, until=planned and MORNING + timedelta(hours=planned))

    assert [why for why, _ in stuck(after)] == ["not_back"] * listed


def test_what_nobody_may_take(case, reviewer, owner):
    workflows.end_seat(reviewer.seats.get(), by=owner)

    assert stuck(1) == [("nobody", "Nobody on its side holds a seat at review.")]


def test_what_everybody_passed_on(case, reviewer):
    with at(0):
        queues.skip(case.pk, by=reviewer, reason="x")

    assert stuck(1) == [("passed", "Everybody at this desk passed it on, or is away.")]


def test_what_is_assigned_to_somebody_who_is_away(case, reviewer, refunds, owner):
    Case.objects.filter(pk=case.pk).update(assigned_to=reviewer)
    people.be_absent(reviewer, by=reviewer, until=MORNING + timedelta(days=9))

    assert [why for why, _ in stuck(1)] == ["nobody", "absent"]


def test_what_keeps_losing_its_claims(case, reviewer):
    for hour in (1, 2, 3):
        with at(hour):
            queues.claim(case.pk, by=reviewer)
        with at(hour + 0.5):
            jobs.end_expired_claims()

    assert [why for why, _ in stuck(4)] == ["claims"]


def test_what_is_snoozed_again_and_again(case, reviewer):
    with at(0):
        for _ in range(3):
            actions.snooze(case.pk, by=reviewer, reason="x", until=MORNING + timedelta(hours=2))
            actions.go_on(case.pk, by=reviewer)

    assert [why for why, _ in stuck(1)] == ["snoozes"]


def test_an_approval_that_expired_and_what_too_few_may_approve(send):
    with at(0):
        send(action=REFUND)
        jobs.name_what_nobody_can_approve()

    assert {why for why, _ in stuck(49)} == {"overdue", "expired", "nobody"}


def test_the_list_never_changes(case):
    stuck(9)

    with pytest.raises((IntegrityError, ProgrammingError)), transaction.atomic():
        Stuck.objects.update(says="Nothing.")


def test_the_page_groups_them_and_links_to_the_cases(client, case, owner):
    stuck(9)
    client.force_login(owner)

    answer = client.get(reverse("admin:cases_stuck"))
    shown = answer.content.decode()
    assert "unsafe" not in answer["Content-Security-Policy"] and 'id="desk"' in shown

    assert "Refunds · Review" in shown and "It was due on 2 Jun 2036 at 17:00 UTC." in shown
    assert reverse("admin:cases_case_change", args=[case.pk]) in shown


def test_whoever_has_nothing_to_do_there_sees_nothing_of_it(client, case, stranger):
    stuck(9)
    client.force_login(stranger)

    assert "Refunds" not in client.get(reverse("admin:cases_stuck")).content.decode()
