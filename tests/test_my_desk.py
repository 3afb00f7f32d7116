"""My desk asks once of what there may be something, and then for that alone: nobody misses what is his, and nothing grows with the past."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from accounts import actions as people
from audit import clock
from cases import actions, queues
from cases import awaited as waits
from cases.models import Case, Question
from hitlsite.desk import what_may_be
from tests import factories
from tests.conftest import acting_as, seated
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


def test_a_case_without_an_action_is_named_in_ones_hands_by_what_its_output_comes_to(desk, send, reviewer):
    case = queues.claim(send().pk, by=reviewer)

    assert f'<a href="{page(case)}">Decision: refund</a>' in desk(reviewer)


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


def test_what_somebody_waits_for_is_told_to_him_alone_until_it_is_there(desk, send, refunds, owner, reviewer):
    paused, asked, unclear = send(), send(), send()
    before, other, his = desk(reviewer), seated(refunds, "reviewer", owner), send()
    actions.pause(his.pk, by=other, on="team", whom="Legal", reason="They look.")
    actions.ask(his.pk, by=other, reason="What is a gift?")

    actions.pause(paused.pk, by=reviewer, on="customer", whom="Mrs Gray", reason="Asked for the receipt.")
    inquiry = actions.inquire(asked.pk, by=reviewer, question="Was it paid twice?", whom="Finance").inquiry
    actions.ask(unclear.pk, by=reviewer, reason="What is a voucher?")

    told = awaited(desk(reviewer))
    assert [page(case) in told for case in (paused, asked, unclear)] == [True] * 3 and page(paused) not in before
    for on in ("Waiting on the customer: Mrs Gray", "Waiting on another team: Finance", "Waiting on the owner of policy"):
        assert on in told
    others = awaited(desk(other))
    assert page(his) in others and page(his) not in told and not any(page(case) in others for case in (paused, asked, unclear))
    actions.go_on(paused.pk, by=other)
    actions.answer(inquiry.pk, by=reviewer, text="Paid once.")
    actions.rule(Question.objects.get(by=reviewer).pk, by=owner, reason="A promise.")
    assert awaited(before) == awaited(desk(reviewer)) == ""


def test_what_is_late_stands_first_and_says_so_then_what_is_to_end_first(desk, send, reviewer):
    began, [open_end, later, late] = clock.now(), [send() for _ in range(3)]
    for case, hours in ((open_end, None), (later, 48), (late, 2)):
        until = hours and began + timedelta(hours=hours)
        actions.pause(case.pk, by=reviewer, on="team", whom="Finance", reason="They look.", until=until)

    with clock.moved(began + timedelta(hours=5)):
        told = awaited(desk(reviewer))

    places = [told.index(page(case)) for case in (late, later, open_end)]
    assert places == sorted(places) and told.count("hours late") == 1 and 'class="overdue"' in told[: places[1]]


def test_nobody_waits_for_a_case_that_he_may_not_see(desk, send, refunds, owner, reviewer):
    case = send()
    actions.pause(case.pk, by=reviewer, on="team", whom="Finance", reason="They look.")
    actions.ask(case.pk, by=reviewer, reason="What is a voucher?")
    before = awaited(desk(reviewer))

    workflows.end_seat(reviewer.seats.get(), by=owner)

    assert page(case) in before and awaited(desk(reviewer)) == ""
    assert waits.by(reviewer, clock.now(), {"paused", "unanswered"}) == ([], 0)


def test_a_vendors_person_reads_what_he_waits_for_as_he_sees_the_case(desk, send, vendor, vendor_reviewer):
    case = send(output={"decision": "Write to anna@example.org"})
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    actions.pause(case.pk, by=vendor_reviewer, on="customer", whom="anna@example.org", reason="Wrote to anna@example.org.")

    with acting_as(vendor_reviewer):
        told = awaited(desk(vendor_reviewer))

    assert page(case) in told and "[e-mail 1]" in told and "anna@example.org" not in told


def test_who_owes_his_own_answer_is_not_told_the_machines_by_what_he_waits_for(desk, send, refunds, owner, reviewer, rules):
    schema = {"type": "object", "required": ["decision"], "properties": {"decision": {"type": "string"}}}
    factories.policy(refunds, owner, rules={**rules, "blind_first": True}, output_schema=schema)
    case = send()

    actions.pause(case.pk, by=reviewer, on="team", whom="Finance", reason="They look.")

    told = awaited(desk(reviewer))
    assert case.external_id in told and "Finance" in told and "Decision" not in told


def test_of_more_than_are_shown_it_says_how_many_and_leads_to_them_all(desk, client, send, reviewer, monkeypatch):
    monkeypatch.setattr(waits, "FEW", 1)
    paused, unclear, other = [send() for _ in range(3)], [send(), send()], send()
    for case in paused:
        actions.pause(case.pk, by=reviewer, on="team", whom="Finance", reason="They look.")
    for case in (*unclear, paused[0]):
        actions.ask(case.pk, by=reviewer, reason="What is a voucher?")
    shown = awaited(desk(reviewer))
    [(link, said)] = re.findall(r'<a href="([^"]*\?due=awaited)">([^<]*)</a>', shown)

    listed = client.get(link).content.decode()

    assert shown.count("<li>") == 2 and said == "You wait for 4 more things: see all these cases"
    assert {case for case in (*paused, *unclear, other) if page(case) in listed} == {*paused, *unclear}
    monkeypatch.setattr(waits, "FEW", 6)
    assert "more" not in awaited(desk(reviewer))


@pytest.mark.parametrize(("seconds", "said"), [(1, "one active second each."), (2, "2 active seconds each.")])
def test_one_second_is_one_second(desk, send, reviewer, seconds, said):
    actions.accept(send(0.5).pk, by=reviewer, active_seconds=seconds)

    assert said in desk(reviewer)


def test_who_waits_for_nothing_any_more_is_asked_nothing_more(send, reviewer, owner):
    case = send()
    actions.pause(case.pk, by=reviewer, on="team", whom="Finance", reason="They look.")
    actions.ask(case.pk, by=reviewer, reason="What is a voucher?")
    waiting = what_may_be(reviewer, clock.now())

    actions.go_on(case.pk, by=reviewer)
    actions.rule(Question.objects.get().pk, by=owner, reason="A promise.")

    assert {"paused", "unanswered"} <= waiting and what_may_be(reviewer, clock.now()) == {"answers"}


def awaited(shown) -> str:
    """The section that says what one waits for; empty where it is not there."""
    _, there, told = shown.partition('id="awaited"')
    return told[: told.index("</section>")] if there else ""


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
