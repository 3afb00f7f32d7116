"""The title that a step asks for and that of a seat: the same whatever the capitals, to the gate, the queue, the alert and the database."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts import actions as accounts
from audit import clock
from cases import actions, jobs, queues
from cases.models import Alert
from tests.factories import UserFactory
from tests.test_promises import ADDING, again, approval, refused, sql
from workflows import actions as workflows
from workflows import gaps
from workflows.patterns import title_key

pytestmark = pytest.mark.django_db

REFUND = {"type": "refund", "amount": 240, "currency": "EUR", "payee": "C-1042"}
SAME = [
    ("team lead", "Team lead"),
    ("TEAM LEAD", "Team lead"),
    (" Team lead ", "team Lead"),
    ("Ärztliche Leitung", "ÄRZTLICHE LEITUNG"),
]
LIMITS = [("", "EUR", 1000)]


def chained(*titles):
    steps = [{"name": "First"}, *({"name": f"Step {number}", "title": title} for number, title in enumerate(titles))]
    return {"action_tiers": {"refund": "high"}, "chains": [{"steps": steps}]}


@pytest.fixture
def seat(refunds, owner):
    def seat(title):
        person = UserFactory()
        workflows.seat(person, refunds, "approver", by=owner, limits=LIMITS, title=title)
        return person

    return seat


@pytest.fixture
def high(send):
    return send(action=REFUND)


@pytest.mark.parametrize(("held", "rules"), [(held, chained(asked)) for held, asked in SAME])
def test_a_step_is_taken_by_whoever_has_its_title_in_other_capitals(high, approver, seat, held):
    titled = seat(held)
    jobs.name_what_nobody_can_approve()
    alerts = Alert.objects.count()

    actions.approve(high.pk, by=approver)
    offered = queues.next_case(titled, desk="approval")
    actions.approve(high.pk, by=titled)

    assert (alerts, offered) == (0, high) and again(high).released_at


@pytest.mark.parametrize("rules", [chained("Team lead")])
def test_another_title_is_another_still(high, approver, seat):
    titled = seat("Team leads")
    jobs.name_what_nobody_can_approve()
    actions.approve(high.pk, by=approver)

    with pytest.raises(PermissionDenied, match="is for approvers with the title “Team lead”"):
        actions.approve(high.pk, by=titled)
    for add in ADDING:
        with refused("an_approval_takes_its_step_of_the_chain"):
            add(approval(high, titled, step=1))

    assert Alert.objects.count() == 1 and queues.next_case(titled, desk="approval") is None


@pytest.mark.parametrize("add", ADDING, ids=lambda door: door.__name__)
@pytest.mark.parametrize(("held", "rules"), [(held, chained(asked)) for held, asked in SAME])
def test_the_database_knows_no_capitals_either(high, approver, seat, held, add):
    approval(high, approver).save()

    with transaction.atomic():
        add(approval(high, seat(held), step=1))


@pytest.mark.parametrize("rules", [chained("Team lead", "team lead")])
def test_people_of_one_title_in_two_spellings_are_counted_together(high, approver, other_approver, seat):
    seat("TEAM LEAD")
    jobs.name_what_nobody_can_approve()
    assert "people, among them with the title “Team lead”. Give" in Alert.objects.open().get().says

    seat("team Lead")
    jobs.name_what_nobody_can_approve()
    assert not Alert.objects.open().exists()


@pytest.mark.parametrize("rules", [chained("Team lead")])
def test_what_came_back_to_the_desk_is_told_anew(high, approver, resolver):
    jobs.name_what_nobody_can_approve()
    first = Alert.objects.open().get()
    actions.send_back(high.pk, by=approver, reason="Look again")
    actions.resolve(high.pk, by=resolver, reason="Looked at")

    jobs.name_what_nobody_can_approve()

    assert Alert.objects.open().get() != first


def test_a_title_is_offered_once_however_it_is_written(refunds, seat):
    for title in ("Team lead", "team lead", "finance"):
        seat(title)

    assert [each.casefold() for each in gaps.titles(refunds)] == ["finance", "team lead"]


def test_the_code_and_the_database_compare_titles_alike():
    """Every letter of the scripts that know capitals, but one: of İ the code makes two characters. It then takes none for another."""
    letters = [chr(point) for point in (*range(1, 0xD800), *range(0xE000, 0x1F000)) if chr(point) != "İ"]

    [(keys,)] = sql(
        "SELECT array_agg(title_key('x' || letter) ORDER BY n) FROM unnest(%s::text[]) WITH ORDINALITY u(letter, n)", letters
    )

    assert [(letter, key) for letter, key in zip(letters, keys, strict=True) if title_key(f"x{letter}") != key] == []
    assert sql("SELECT title_key('  Team LEAD ')") == [(title_key("  Team LEAD "),)] == [("team lead",)]


@pytest.mark.parametrize(
    "rules", [{**chained(), "chains": [{"steps": chained("Team lead", "Finance")["chains"][0]["steps"][1:]}]}]
)
def test_whoever_was_lent_the_other_title_takes_one_step_only_and_a_third_one_neither(high, seat, approver):
    """Two people are there, and each title has one: but both have the same."""
    lead, finance = seat("Team lead"), seat("Finance")
    until = clock.now() + timedelta(days=1)
    accounts.be_absent(finance, by=finance, until=until)
    workflows.delegate(finance.seats.get(), lead, by=finance, until=until, reason="Away")

    jobs.name_what_nobody_can_approve()

    assert Alert.objects.get().case == high
