"""My desk asks once of what there may be something, and then for that alone: nobody misses what is his, and nothing grows with the past."""

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from accounts import actions as people
from audit import clock
from cases import actions
from cases.models import Question
from hitlsite.desk import what_may_be
from tests.conftest import seated
from tests.desk import page
from tests.factories import UserFactory
from workflows import actions as workflows

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client):
    def desk(person):
        client.force_login(person)
        return client.get(reverse("admin:index")).content.decode()

    return desk


def test_what_was_handed_to_somebody_is_in_his_hands(desk, send, refunds, owner, reviewer):
    case, other = send(), seated(refunds, "reviewer", owner)
    before = desk(other)

    actions.hand_over(case.pk, by=reviewer, reason="You know them.", to=other.pk)

    assert page(case) not in before and page(case) in desk(other) and page(case) not in desk(reviewer)


def test_a_stopped_workflow_is_told_to_who_works_there(desk, refunds, owner, reviewer, stranger):
    before = desk(reviewer)

    workflows.stop(refunds, by=owner, reason="Too many errors.")

    told = "Too many errors."
    assert told not in before and told in desk(reviewer) and told not in desk(stranger)


def test_what_is_asked_of_somebody_by_name_is_told_to_him_until_he_answers(desk, send, reviewer):
    clerk = UserFactory(username="clerk")
    inquiry = actions.inquire(send().pk, by=reviewer, question="Was it paid twice?", whom="@clerk").inquiry
    asked, others = desk(clerk), desk(reviewer)

    actions.answer(inquiry.pk, by=clerk, text="Paid once.")

    assert "Was it paid twice?" in asked and "Was it paid twice?" not in others + desk(clerk)


def test_who_owns_no_policy_reads_nothing_of_what_was_ruled(send, reviewer, owner):
    for number in range(10):
        actions.ask(send().pk, by=reviewer, reason=f"What of {number}?")
        actions.rule(Question.objects.latest("pk").pk, by=owner, reason="Refund it.")
    stand_in, before = UserFactory(), rulings_read()

    nobody = what_may_be(stand_in, clock.now())

    assert (nobody, rulings_read()) == (set(), before)
    people.be_absent(owner, by=owner, until=clock.now() + timedelta(days=1), stand_in=stand_in, reason="x")
    assert "questions" in what_may_be(owner, clock.now()) & what_may_be(stand_in, clock.now())


def rulings_read() -> int:
    """How many rows of rulings this transaction has read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'cases_ruling'")
        return int(cursor.fetchone()[0])
