"""What a workflow lacks: owners, without whom nothing is published; seats and limits, which are warned of."""

from datetime import timedelta

import msgspec
import pytest

from accounts import actions as people
from accounts.models import User
from audit import clock
from tests import factories
from tests.conftest import seated
from tests.factories import TIERS, UserFactory
from workflows import actions as workflows
from workflows.gaps import gaps, warnings
from workflows.models import Owner
from workflows.patterns import Rules
from workflows.weight import Grave

pytestmark = pytest.mark.django_db


def rules(**more):
    return msgspec.convert({"tiers": TIERS, **more}, Rules, strict=False)


def test_with_its_five_owners_a_workflow_has_no_gap(refunds):
    assert gaps(refunds) == []


def test_each_gap_is_named_with_who_can_close_it(refunds, vendor):
    off, leaver = UserFactory(username="off"), UserFactory(username="leaver")
    workflows.own(refunds, "policy", off, by=factories.administrator())
    workflows.own(refunds, "risk", leaver, by=factories.administrator())
    Owner.objects.filter(of="exceptions").delete()
    User.objects.filter(pk=off.pk).update(is_active=False)
    User.objects.filter(pk=leaver.pk).update(vendor=vendor)  # the database takes his ownership away

    assert gaps(refunds) == [
        "The account of off, the owner of policy, is switched off. An administrator can name one.",
        "Nobody owns risk. An administrator can name one.",
        "Nobody owns exceptions. An administrator can name one.",
    ]


def test_an_owner_who_is_away_with_nobody_in_his_place_is_a_gap(refunds, owner, stranger):
    until = clock.now() + timedelta(days=7)
    people.be_absent(owner, by=owner, until=until)

    assert len(gaps(refunds)) == 5
    assert gaps(refunds)[0].startswith(f"owner, the owner of policy, is away until {until:%Y-%m-%d} and nobody stands in.")

    people.come_back(owner, by=owner)
    people.be_absent(owner, by=owner, until=until, stand_in=stranger)

    assert gaps(refunds) == []


def test_a_stand_in_who_is_away_too_closes_no_gap(refunds, owner, stranger):
    until = clock.now() + timedelta(days=7)
    people.be_absent(owner, by=owner, until=until, stand_in=stranger)
    people.be_absent(stranger, by=stranger, until=until - timedelta(days=1))

    assert len(gaps(refunds)) == 5
    with clock.moved(until - timedelta(hours=1)):
        assert gaps(refunds) == []


def test_without_seats_everything_would_wait(refunds):
    assert warnings(refunds, rules()) == [
        "Nothing can send outputs: no integration has a seat.",
        "Nobody reviews: no reviewer has a seat.",
        "Nobody resolves exceptions: no resolver has a seat.",
        "Nobody approves: no approver has a seat.",
    ]


def test_with_every_seat_there_is_nothing_to_warn_of(refunds, integration, reviewer, resolver, approver):
    assert warnings(refunds, rules()) == []


def test_a_seat_of_an_account_that_is_switched_off_fills_nothing(refunds, integration, reviewer, resolver, approver):
    User.objects.filter(pk=reviewer.pk).update(is_active=False)

    assert warnings(refunds, rules()) == ["Nobody reviews: no reviewer has a seat."]


BAND = {"amount_bands": [{"currency": "EUR", "amount": 2000, "tier": "high"}]}
CHAIN = {"chains": [{"steps": [{"name": "Head"}], "currency": "EUR", "amount": 5000}]}


@pytest.mark.parametrize(
    ("limit", "more", "said"),
    [
        (1000, BAND, ["Nobody may approve more than 1,000.00 EUR, and the rules go beyond it."]),
        (3000, BAND, []),
        (3000, CHAIN, ["Nobody may approve more than 3,000.00 EUR, and the rules go beyond it."]),
        (None, BAND, ["Nobody may approve anything in EUR: no approver has a limit in it."]),
    ],
)
def test_what_lies_beyond_every_limit_is_warned_of(refunds, owner, integration, reviewer, resolver, limit, more, said):
    seated(refunds, "approver", owner, **({"EUR": limit} if limit else {}))

    assert warnings(refunds, rules(**more)) == said


def test_a_title_that_nobody_holds_is_warned_of_before_cases_wait_for_it(refunds, owner, integration, reviewer, resolver):
    chain = {"chains": [{"steps": [{"name": "Finance", "title": "finance", "people": 2}]}]}
    workflows.seat(UserFactory(), refunds, "approver", by=owner, title="finance")

    assert warnings(refunds, rules(**chain)) == [
        "The chains ask for 2 approvers with the title “finance”, and 1 holds one. Give a seat with that title."
    ]


def steps(*titles, **more):
    return {"chains": [{"steps": [{"name": title or "Any", "title": title} for title in titles], "currency": "EUR", **more}]}


LEAD = ("lead", "team lead", 1500)
HEAD = ("head", "finance", 20000)


@pytest.mark.parametrize(
    ("seats", "asked", "said"),
    [
        (
            [LEAD, HEAD],
            steps("team lead", "finance", amount=5000),
            ["Too few can approve any action from 5,000.00 EUR on. Approvers: 2; limited below that: lead (team lead); the chain asks for 2 people, among them with the title “team lead” and “finance”. Give a seat or a limit."],
        ),
        ([LEAD, HEAD], steps("team lead", "finance", amount=1500), []),
        (
            [LEAD, HEAD],
            steps("", "", amount=1000) | {"amount_bands": [{"currency": "EUR", "amount": 9000, "tier": "high"}]},
            ["Too few can approve any action from 9,000.00 EUR on. Approvers: 2; limited below that: lead (team lead); the chain asks for 2 people. Give a seat or a limit."],
        ),
        ([HEAD], steps("", ""), ["Too few can approve any action. Approvers: 1; the chain asks for 2 people. Give a seat."]),
        (
            [HEAD],
            steps("Finances"),
            ["The chains ask for an approver with the title “Finances”, and nobody holds one. Give a seat with that title. There is “finance”: perhaps it was meant."],
        ),
        ([LEAD, HEAD], steps("FINANCE ", "Team Lead", amount=1500), []),
        ([LEAD, ("head", "Finance", 20000)], steps("finance", "finance"), ["The chains ask for 2 approvers with the title “finance”, and 1 holds one. Give a seat with that title."]),
        (
            [("lead", "Team Lead", 1500), ("head", "Finance", 20000)],
            steps("team lead", "finance", amount=5000),
            ["Too few can approve any action from 5,000.00 EUR on. Approvers: 2; limited below that: lead (Team Lead); the chain asks for 2 people, among them with the title “team lead” and “finance”. Give a seat or a limit."],
        ),
        (
            [LEAD, HEAD],
            steps("Finance", "finance"),
            ["The chains ask for 2 approvers with the title “Finance”, and 1 holds one. Give a seat with that title."],
        ),
    ],
)  # fmt: skip
def test_a_chain_that_the_limits_leave_nobody_for(refunds, owner, integration, reviewer, resolver, seats, asked, said):
    for name, title, limit in seats:
        limits = [("", "EUR", limit)]
        workflows.seat(UserFactory(username=name), refunds, "approver", by=owner, title=title, limits=limits)

    found = warnings(refunds, rules(**asked))

    assert found == said and all(isinstance(each, Grave) for each in found)
