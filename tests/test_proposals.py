"""A vendor's lead proposes and withdraws people; the house accepts, or has left it to the lead."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse

from accounts import welcome
from accounts.models import User
from audit import acting, clock, trail
from audit.models import AuditEvent
from cases import queues
from jobs.models import Job
from tests import factories
from tests.conftest import seated
from tests.factories import UserFactory, VendorFactory
from tests.test_promises import ADDING, CHANGING, for_nobody, for_vendor, refused
from workflows import actions as workflows
from workflows import jobs
from workflows.models import Engagement, Mandate, Proposal, Seat

pytestmark = pytest.mark.django_db

NEW = {"name": "Nia Costa", "username": "nia", "email": "nia@acme.example"}


@pytest.fixture(autouse=True)
def noted():
    """What was refused is noted in the test that it belongs to."""
    yield
    trail.write_refusals()


@pytest.fixture
def mandate(refunds, vendor):
    return factories.MandateFactory(engagement__vendor=vendor, workflow=refunds, roles=["reviewer", "improver"])


@pytest.fixture
def lead(vendor):
    return factories.lead(vendor)


def again(row):
    return type(row).objects.get(pk=row.pk)


# The verbs


def test_the_house_accepts_somebody_new_who_gets_an_account_and_the_seat(mandate, lead, owner, vendor):
    proposal = workflows.propose(mandate, "reviewer", by=lead, **NEW)
    assert not User.objects.filter(username="nia").exists()

    given = workflows.accept(proposal, by=owner)

    nia = given.user
    assert (nia.username, nia.vendor, nia.office, nia.has_usable_password()) == ("nia", vendor, "", False)
    assert (given.role, given.given_by, again(proposal).answer) == ("reviewer", owner, "accepted")


def test_where_the_house_left_it_to_the_lead_the_machine_seats_at_once(mandate, lead):
    Mandate.objects.update(accepts="vendor")

    proposal = workflows.propose(again(mandate), "reviewer", by=lead, **NEW)
    job = Job.objects.get(task="workflows.jobs.seat_the_proposed")
    jobs.seat_the_proposed(*job.arguments)

    assert again(proposal).answer == "accepted" and Seat.objects.get(user__username="nia").given_by == User.objects.machine()


def test_the_machine_seats_nobody_where_the_house_wants_to_agree(mandate, lead):
    proposal = workflows.propose(mandate, "reviewer", by=lead, **NEW)

    jobs.seat_the_proposed(proposal.pk)

    assert again(proposal).answer == "" and not Job.objects.filter(task="workflows.jobs.seat_the_proposed").exists()


def test_a_name_that_was_taken_meanwhile_is_declined_in_words(mandate, lead):
    Mandate.objects.update(accepts="vendor")
    proposal = workflows.propose(again(mandate), "reviewer", by=lead, **NEW)
    UserFactory(username="Nia")

    jobs.seat_the_proposed(proposal.pk)

    assert again(proposal).answer == "declined" and "taken meanwhile" in again(proposal).answer_reason


@pytest.mark.parametrize(
    ("role", "wrong", "sentence"),
    [
        ("resolver", {}, "names no resolver"),
        ("reviewer", {"username": "owner"}, "taken or empty"),
        ("reviewer", {"username": ""}, "Enter a valid username|taken or empty"),
        ("reviewer", {"name": " "}, "Say who it is"),
        ("reviewer", {"email": "nia"}, "valid email"),
    ],
)
def test_a_proposal_that_cannot_be(mandate, lead, role, wrong, sentence):
    with pytest.raises(ValidationError, match=sentence):
        workflows.propose(mandate, role, by=lead, **{**NEW, **wrong})


def test_nobody_is_proposed_twice_at_once_nor_for_a_seat_he_holds(mandate, lead, owner):
    workflows.accept(workflows.propose(mandate, "reviewer", by=lead, **NEW), by=owner)
    nia = User.objects.get(username="nia")
    workflows.propose(mandate, "improver", by=lead, person=nia)

    with pytest.raises(ValidationError, match="waits for an answer"):
        workflows.propose(mandate, "improver", by=lead, person=nia)
    with pytest.raises(ValidationError, match="holds this seat already"):
        workflows.propose(mandate, "reviewer", by=lead, person=nia)


@pytest.mark.parametrize("who", ["reviewer", "owner", "administrator", "vendor_reviewer"])
def test_only_the_vendors_lead_proposes(mandate, who, request):
    with pytest.raises(PermissionDenied):
        workflows.propose(mandate, "reviewer", by=request.getfixturevalue(who), **NEW)


def test_another_vendors_lead_proposes_and_withdraws_nobody(mandate, vendor_reviewer):
    other = factories.lead(VendorFactory(name="Bravo"))

    with pytest.raises(PermissionDenied):
        workflows.propose(mandate, "reviewer", by=other, **NEW)
    with pytest.raises(PermissionDenied):
        workflows.withdraw(vendor_reviewer, by=other, reason="Mine.")


def test_an_answer_is_given_once(mandate, lead, owner):
    proposal = workflows.propose(mandate, "reviewer", by=lead, **NEW)
    workflows.decline(proposal, by=owner, reason="Not yet.")

    with pytest.raises(ValidationError, match="declined this already"):
        workflows.accept(proposal, by=owner)
    with pytest.raises(ValidationError, match="answered meanwhile"):
        workflows.take_back_proposal(proposal, by=lead)


def test_an_engagement_that_ended_meanwhile_seats_nobody(mandate, lead, owner):
    proposal = workflows.propose(mandate, "reviewer", by=lead, **NEW)
    workflows.end_engagement(mandate.engagement, by=owner, reason="Over.")

    with pytest.raises(ValidationError, match="has ended"):
        workflows.accept(proposal, by=owner)


def test_who_is_withdrawn_has_no_seat_and_no_session(refunds, vendor_reviewer, lead):
    workflows.withdraw(vendor_reviewer, by=lead, reason="Left the company.")

    assert not vendor_reviewer.seats.live().exists()
    assert again(vendor_reviewer).session_number == vendor_reviewer.session_number + 1
    assert AuditEvent.objects.get(verb="seat.end").words == "Left the company."


def test_who_keeps_a_seat_keeps_his_session(refunds, vendor_reviewer, lead, owner):
    improves = workflows.seat(vendor_reviewer, refunds, "improver", by=owner)

    workflows.withdraw(vendor_reviewer, by=lead, reason="Reviews only.", seat=improves)

    assert vendor_reviewer.seats.live().get().role == "reviewer"
    assert again(vendor_reviewer).session_number == vendor_reviewer.session_number


@pytest.mark.django_db(transaction=True)
def test_all_of_it_works_as_the_vendors_own_session(committed):
    mandate, lead, person = committed("mandate", "lead", "vendor_reviewer")
    acts = acting.on_behalf_of(lead)

    with acting.scope(acts), transaction.atomic():
        proposal = workflows.propose(mandate, "reviewer", by=lead, **NEW)
        workflows.take_back_proposal(proposal, by=lead, reason="No.")
        workflows.propose(mandate, "improver", by=lead, person=person)
        workflows.withdraw(person, by=lead, reason="Left.")

    with transaction.atomic():
        assert not Seat.objects.live().filter(user=person).exists()
        assert set(Proposal.objects.values_list("answer", flat=True)) == {"withdrawn"}
        assert again(person).session_number > person.session_number


# The first password


@pytest.fixture
def nia(mandate, lead, owner):
    return workflows.accept(workflows.propose(mandate, "reviewer", by=lead, **NEW), by=owner).user


def test_the_link_sets_the_first_password_once(nia, lead, browser):
    address = welcome.link(nia, by=lead, base="http://testserver/")

    assert "Nia Costa" in browser.get(address).content.decode()
    answer = browser.post(address, {"new_password1": "long enough 71", "new_password2": "long enough 71"})

    assert answer.status_code == 302 and again(nia).check_password("long enough 71")
    assert browser.get(address).status_code == 404
    with pytest.raises(ValidationError, match="chosen a password already"):
        welcome.link(again(nia), by=lead, base="http://testserver/")


def test_a_weak_password_is_told_and_a_wrong_link_opens_nothing(nia, lead, browser, owner):
    address = welcome.link(nia, by=lead, base="http://testserver/")

    assert browser.post(address, {"new_password1": "1", "new_password2": "1"}).status_code == 422
    assert browser.get(f"{address[:-1]}x/").status_code == 404
    assert browser.get(reverse("welcome", args=[owner.pk, welcome.tokens.make_token(nia)])).status_code == 404


# The database


def row(mandate, lead, **other):
    return Proposal(**{"mandate_id": mandate.pk, "role": "reviewer", "proposed_by_id": lead.pk, **NEW, **other})


@pytest.mark.parametrize("door", ADDING)
def test_a_lead_proposes_within_his_vendors_engagement(door, mandate, lead, owner, vendor_reviewer):
    wrong = [
        {"role": "resolver"},
        {"proposed_by_id": vendor_reviewer.pk},
        {"proposed_by_id": factories.lead(VendorFactory()).pk},
        {"person_id": owner.pk},
        {"person_id": UserFactory(vendor=VendorFactory()).pk},
        {"answer": "withdrawn", "answered_by_id": lead.pk, "answered_at": clock.now()},
    ]

    for each in wrong:
        with refused("a_lead_proposes_within_his_vendors_engagement"):
            door(row(mandate, lead, **each))
    door(row(mandate, lead))
    Engagement.objects.update(ended_at=clock.now(), ended_by=owner, end_reason="Over.")
    with refused("a_lead_proposes_within_his_vendors_engagement"):
        door(row(mandate, lead, username="other"))


@pytest.mark.parametrize("door", CHANGING)
def test_a_proposal_is_answered_once(door, mandate, lead, owner):
    proposal = workflows.propose(mandate, "reviewer", by=lead, **NEW)
    with refused("a_proposal_is_answered_once"):
        door(proposal, username="another")
    workflows.decline(again(proposal), by=owner, reason="No.")

    with refused("a_proposal_is_answered_once"):
        door(again(proposal), answer="withdrawn")


@pytest.mark.django_db(transaction=True)
def test_a_vendors_session_takes_back_its_own_proposals_only(committed):
    mandate, lead, vendor, owner = committed("mandate", "lead", "vendor", "owner")
    with transaction.atomic():
        bravo = VendorFactory(name="Bravo")
        proposal = workflows.propose(mandate, "reviewer", by=lead, **NEW)
    answer = {"answered_by": owner, "answered_at": clock.now()}

    with for_vendor(vendor), refused("a_vendors_session_takes_back_its_own_proposals_only"):
        Proposal.objects.filter(pk=proposal.pk).update(answer="declined", **answer)
    for scope in (for_vendor(bravo), for_nobody()):  # who sees no row of it changes none
        with scope, transaction.atomic():
            assert Proposal.objects.filter(pk=proposal.pk).update(answer="withdrawn", **answer) == 0
    with for_vendor(vendor), refused("permission denied"):
        Proposal.objects.filter(pk=proposal.pk).update(seat=None)
    with for_vendor(bravo), refused("a_lead_proposes_within_his_vendors_engagement", "row-level security"):
        row(mandate, lead, username="other").save()


def test_what_was_handed_to_whom_is_withdrawn_is_not_offered_to_him(send, refunds, vendor, vendor_reviewer, lead, owner):
    colleague = seated(refunds, "reviewer", owner, vendor)
    case = send()
    type(case).objects.filter(pk=case.pk).update(vendor=vendor)

    workflows.withdraw(vendor_reviewer, by=lead, reason="Left.")

    assert queues.next_case(again(vendor_reviewer)) is None and queues.next_case(colleague) == case
