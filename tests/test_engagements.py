"""Vendors' engagements by the verbs: agreed, changed, ended; and what an end takes with it."""

from datetime import time, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts.models import User
from audit import clock, trail
from audit.models import AuditEvent
from cases import actions, ending, jobs, queues
from cases.models import Case, Claim
from tests import factories
from tests.conftest import seated
from tests.factories import VendorFactory
from workflows import actions as workflows
from workflows import calendars
from workflows.models import Engagement, Mandate

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noted():
    """What was refused is noted in the test that it belongs to."""
    yield
    trail.write_refusals()


TERMS = {"roles": ["reviewer", "resolver"], "share": 40, "price": Decimal("0.90"), "currency": "EUR"}
DAY = timedelta(days=1)


@pytest.fixture
def contract(vendor, administrator):
    return workflows.engage(vendor, by=administrator, name="2026", since=clock.now() - DAY, until=clock.now() + 90 * DAY)


@pytest.fixture
def given(contract, refunds, owner):
    return workflows.mandate(contract, refunds, by=owner, **TERMS)


@pytest.fixture
def closed(administrator):
    return calendars.define(None, by=administrator, name="Never", time_zone="Asia/Manila", shifts=[], holidays=[])


def at_the_vendor(send, vendor, **more):
    case = send(**more)
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    return case


def again(row):
    return type(row).objects.get(pk=row.pk)


def told(verb):
    return AuditEvent.objects.filter(verb=verb)


# Agreed and changed


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"until": clock.now() - DAY}, "until", "This time is over"),
        ({"since": clock.now() + 2 * DAY, "until": clock.now() + DAY}, "until", "ends after it begins"),
        ({"name": ""}, "name", "cannot be blank"),
    ],
)
def test_a_contract_that_cannot_be(vendor, administrator, wrong, field, sentence):
    with pytest.raises(ValidationError, match=sentence) as refusal:
        workflows.engage(
            vendor, by=administrator, **{"name": "2026", "since": clock.now(), "until": clock.now() + DAY, **wrong}
        )

    assert field in refusal.value.message_dict


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"currency": "EUX"}, "currency", "not a currency code"),
        ({"share": 10, "least_share": 20}, "share", "between the least and the most"),
        ({"roles": ["approver"]}, "roles", "not a valid choice"),
        ({"price": Decimal(-1)}, "price", "zero or more"),
        ({"masked_fields": ["input..email"]}, "masked_fields", "is no path"),
        ({"masked_patterns": ["passport"]}, "masked_patterns", "not a valid choice"),
    ],
)
def test_a_mandate_that_cannot_be(contract, refunds, owner, wrong, field, sentence):
    with pytest.raises(ValidationError, match=sentence) as refusal:
        workflows.mandate(contract, refunds, by=owner, **{**TERMS, **wrong})

    assert field in refusal.value.message_dict


def test_whose_share_would_be_too_much_is_told_with_the_others(given, refunds, owner, administrator):
    bravo = workflows.engage(
        VendorFactory(name="Bravo"), by=administrator, name="B", since=clock.now(), until=clock.now() + DAY
    )

    with pytest.raises(ValidationError, match="Acme Support has 40 % of Refunds"):
        workflows.mandate(bravo, refunds, by=owner, **{**TERMS, "share": 61})


def test_a_change_tells_each_term_before_and_after(given, owner):
    workflows.change_mandate(given, by=owner, reason="Prices rose.", share=30, price=Decimal("1.10"), currency="EUR")

    event = told("mandate.change").get()
    assert event.body["changed"] == {"share": [40, 30], "price": ["0.900", "1.10"]} and event.words == "Prices rose."


def test_a_calendar_that_never_opens_covers_nothing(contract, refunds, administrator, closed):
    with pytest.raises(ValidationError, match="never opens"):
        workflows.change_engagement(contract, by=administrator, coverage=closed)
    with pytest.raises(ValidationError, match="never opens"):
        workflows.set_staffed(refunds, closed, by=administrator)


def test_a_calendar_by_which_people_work_does_not_close_all_week(contract, refunds, administrator):
    night = calendars.define(
        None, by=administrator, name="Night", time_zone="Asia/Manila", shifts=[(0, time(22), time(6))], holidays=[]
    )
    workflows.change_engagement(contract, by=administrator, coverage=night)

    with pytest.raises(ValidationError, match="The people of Acme Support: 2026 work by this calendar"):
        calendars.define(night, by=administrator, name="Night", time_zone="Asia/Manila", shifts=[], holidays=[])


def test_an_owner_changes_a_contract_only_where_he_owns_something_of_all_it_covers(given, owner, contract):
    workflows.change_engagement(contract, by=owner, name="Anew")
    workflows.mandate(contract, factories.workflow("invoices"), by=factories.administrator(), **TERMS)

    with pytest.raises(PermissionDenied):
        workflows.change_engagement(contract, by=owner, name="Anew again")


def test_without_a_mandate_for_the_role_there_is_no_seat(given, owner, refunds, vendor):
    person = factories.UserFactory(vendor=vendor)

    with pytest.raises(ValidationError, match="has no mandate as improver in Refunds"):
        workflows.seat(person, refunds, "improver", by=owner)
    assert workflows.seat(person, refunds, "reviewer", by=owner).pk


# Ended


@pytest.fixture
def held(given, send, vendor, refunds, owner):
    """Mid-claim: a vendor's reviewer holds one of his side's two cases."""
    person = seated(refunds, "reviewer", owner, vendor)
    one, other = at_the_vendor(send, vendor), at_the_vendor(send, vendor)
    queues.claim(one.pk, by=person)
    Case.objects.filter(pk=other.pk).update(assigned_to=person)
    return person, one, other


def test_an_end_takes_open_cases_back_at_once(held, contract, owner, reviewer):
    _, one, other = held

    assert ending.end_engagement(contract, by=owner, reason="Too many errors.") == 2

    for case in (again(one), again(other)):
        assert (case.vendor_id, case.claimed_by_id, case.assigned_to_id, case.state) == (None, None, None, "review")
        event = told("case.take_back").get(subject_id=case.pk)
        assert (event.actor_id, event.words, event.body["vendor"]) == (owner.pk, "Too many errors.", "Acme Support")
    assert Claim.objects.get(case=one).ended_by == "taken back"
    assert queues.next_case(reviewer) in (one, other)


def test_an_end_takes_the_seats_and_the_sessions(held, contract, owner):
    person, one, _ = held

    ending.end_engagement(contract, by=owner, reason="Too many errors.")

    assert not person.seats.live().exists() and again(person).session_number > person.session_number
    with pytest.raises(PermissionDenied):
        actions.accept(one.pk, by=again(person))


def test_a_lead_looks_on_after_the_end(given, contract, owner, vendor):
    lead = factories.UserFactory(vendor=vendor, office="vendor_lead")
    workflows.seat(lead, given.workflow, "reviewer", by=owner)

    ending.end_engagement(contract, by=owner, reason="Over.")

    assert again(lead).session_number == lead.session_number


def test_ending_twice_is_told_who_was_first(contract, owner, administrator):
    workflows.end_engagement(contract, by=administrator, reason="Enough.")

    with pytest.raises(ValidationError, match=f"{administrator} ended Acme Support: 2026 on .* UTC: Enough"):
        ending.end_engagement(contract, by=administrator, reason="Enough!")


def test_an_end_needs_a_reason(contract, administrator):
    with pytest.raises(ValidationError):
        ending.end_engagement(contract, by=administrator, reason=" ")
    assert again(contract).ended_at is None


def test_what_another_vendor_and_another_workflow_hold_stays(held, contract, send, owner, refunds, vendor):
    bravo = VendorFactory(name="Bravo")
    factories.mandated(bravo, refunds)
    theirs = at_the_vendor(send, bravo)

    ending.end_engagement(contract, by=owner, reason="Over.")

    assert again(theirs).vendor == bravo


def test_the_period_ends_by_itself_and_the_next_contract_goes_on(held, contract, refunds, owner, administrator, vendor):
    person, one, _ = held
    after = workflows.engage(vendor, by=administrator, name="2027", since=contract.until, until=contract.until + DAY)
    workflows.mandate(after, refunds, by=owner, **TERMS)

    with clock.moved(contract.until + timedelta(seconds=1)):
        jobs.end_contracts_that_are_over()

    assert again(contract).ended_at == contract.until and told("engagement.expire").get().actor_id == User.objects.machine().pk
    assert person.seats.live().exists() and again(one).vendor == vendor


def test_the_period_ends_by_itself_and_all_comes_back(held, contract):
    person, one, other = held

    with clock.moved(contract.until + timedelta(seconds=1)):
        jobs.end_contracts_that_are_over()

    assert not person.seats.live().exists()
    assert {again(one).vendor_id, again(other).vendor_id} == {None}


def test_a_role_that_leaves_the_mandate_takes_seats_and_cases(held, given, owner, send, vendor):
    person, one, _ = held

    assert ending.change_mandate(given, by=owner, roles=["resolver"]) == 2

    assert not person.seats.live().exists() and again(one).vendor_id is None


def test_what_lies_with_a_vendor_without_a_mandate_comes_back_by_the_machine(send, vendor, given):
    case = at_the_vendor(send, vendor)
    Mandate.objects.filter(pk=given.pk).update(ended_at=clock.now())

    jobs.end_contracts_that_are_over()

    assert again(case).vendor_id is None and told("case.take_back").get().actor_id == User.objects.machine().pk


def test_only_the_machine_lets_a_period_end(contract, administrator):
    with pytest.raises(PermissionDenied):
        workflows.expire_engagement(contract, by=administrator)


def test_a_mandate_that_ended_leaves_the_contract(given, contract, owner):
    ending.end_mandate(given, by=owner, reason="This workflow only.")

    assert again(contract).ended_at is None and not Mandate.objects.at(clock.now()).exists()
    assert Engagement.objects.at(clock.now()).get() == contract
