"""Who may define: each verb asks, whoever calls it; a refusal is noted once; nobody serves himself."""

from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts import keys
from accounts.roles import OFFICE_VERBS, OWNER_VERBS, Ownership, Role
from audit.models import AuditEvent
from audit.trail import write_refusals
from tests import factories
from tests.conftest import seated
from tests.factories import TIERS, UserFactory
from tests.test_promises import ADDING, CHANGING, refused
from workflows import actions as workflows
from workflows.models import ApprovalLimit, Seat
from workflows.permissions import may

pytestmark = pytest.mark.django_db


@pytest.fixture
def five(refunds):
    """The five owners, five people; by what they own."""
    people = {of: UserFactory(username=f"owner of {of}") for of in Ownership.values}
    for of, person in people.items():
        workflows.own(refunds, of, person, by=factories.administrator())
    return people


def told(verb):
    return list(AuditEvent.objects.filter(verb=verb).order_by("id"))


# Who appoints: the table of accounts/roles.py, said in sentences

WHO = [
    # verb                          administrator, owners of …
    ("create", True, ""),
    ("define", True, "policy quality risk exceptions improvement"),
    ("seat_reviewer", True, "policy quality risk exceptions improvement"),
    ("seat_resolver", True, "policy quality risk exceptions improvement"),
    ("seat_improver", True, "policy quality risk exceptions improvement"),
    ("seat_approver", True, "risk"),
    ("limit_approver", True, "risk"),
    ("seat_integration", True, "policy"),
    ("name_owner_of_policy", True, "policy"),
    ("name_owner_of_risk", True, "risk"),
    ("publish_policy", False, "policy"),
    ("sign_policy", False, "policy quality risk exceptions improvement"),
    ("ask_two_people", False, "policy"),
    ("let_one_publish", False, "risk"),
    ("stop", False, "risk exceptions"),
    ("resume", False, "risk"),
    ("set_rate", False, "quality"),
    ("set_calendar", True, "exceptions"),
    ("set_staffed", True, "exceptions"),
    ("mandate", True, "policy quality risk exceptions improvement"),
]


@pytest.mark.parametrize(("verb", "an_administrator", "owners"), WHO, ids=[verb for verb, *_ in WHO])
def test_who_may_define(refunds, administrator, stranger, reviewer, vendor_reviewer, five, verb, an_administrator, owners):
    assert may(administrator, verb, refunds) == an_administrator
    assert {of for of, person in five.items() if may(person, verb, refunds)} == set(owners.split())
    assert not any(may(person, verb, refunds) for person in (stranger, reviewer, vendor_reviewer))


def test_every_verb_of_the_tables_is_spelled_once():
    said = {verb for verb, *_ in WHO} | {f"name_owner_of_{of}" for of in Ownership.values}

    assert set().union(*OWNER_VERBS.values(), *OFFICE_VERBS.values()) - said == {
        *("appoint", "reopen", "publish_scorecard", "extend", "break_glass", "comment", "answer", "attach"),
        *("rule", "publish_playbook"),  # tests/test_rulings.py
        "retract",  # tests/test_retraction.py
    }


def test_an_owner_of_one_workflow_owns_nothing_of_another(five, administrator):
    other = workflows.create("other", "Other", by=administrator)

    assert not any(may(person, verb, other) for person in five.values() for verb in ("define", "publish_policy", "stop"))


def test_who_is_switched_off_or_no_person_defines_nothing(refunds, owner, integration):
    owner.is_active = False
    integration.office = "administrator"

    assert not may(owner, "publish_policy", refunds)
    assert not may(integration, "define", refunds)


# Each verb asks, and notes the refusal


def verbs_on(workflow, seat, person):
    """Each verb on a definition, ready to be tried by anybody."""
    rules = {"tiers": TIERS}
    return {
        "create": lambda by: workflows.create("mine", "Mine", by=by),
        "draft": lambda by: workflows.draft(workflow, by=by, rules=rules),
        "publish": lambda by: workflows.publish(workflow.policies.first(), by=by, reason="x"),
        "sign": lambda by: workflows.sign(workflow.policies.first(), by=by),
        "roll_back": lambda by: workflows.roll_back(workflow.policies.first(), by=by, reason="x"),
        "discard": lambda by: workflows.discard(workflow.policies.first(), by=by, reason="x"),
        "restore": lambda by: workflows.restore(workflow.policies.first(), by=by, reason="x"),
        "ask_two_people": lambda by: workflows.ask_two_people(workflow, by=by, reason="x"),
        "let_one_publish": lambda by: workflows.let_one_publish(workflow, by=by, reason="x"),
        "stop": lambda by: workflows.stop(workflow, by=by, reason="x"),
        "resume": lambda by: workflows.resume(workflow, by=by, reason="x"),
        "set_rate": lambda by: workflows.set_rate(workflow, "low", 0.5, by=by),
        "seat": lambda by: workflows.seat(person, workflow, "reviewer", by=by),
        "seat of an approver": lambda by: workflows.seat(person, workflow, "approver", by=by),
        "end_seat": lambda by: workflows.end_seat(seat, by=by),
        "set_limit": lambda by: workflows.set_limit(seat, "", "EUR", 9, by=by),
        "remove_limit": lambda by: workflows.remove_limit(seat, "", "EUR", by=by),
        "own": lambda by: workflows.own(workflow, "policy", person, by=by),
        "change": lambda by: workflows.change(workflow, by=by, purpose="Mine"),
        "a key": lambda by: keys.make(person, by=by, name="k", verbs=["read"]),
    }


@pytest.mark.parametrize("who", ["stranger", "reviewer", "approver", "vendor_reviewer", "integration", "machine"])
def test_whoever_may_not_is_refused_by_the_verb_itself_and_it_is_noted_once(request, refunds, approver, who):
    by, seat = request.getfixturevalue(who), approver.seats.get()
    person = UserFactory()

    for name, verb in verbs_on(refunds, seat, person).items():
        before = AuditEvent.objects.count()
        with pytest.raises(PermissionDenied):
            verb(by)
        write_refusals()
        [event] = AuditEvent.objects.order_by("id")[before:]
        assert event.verb.endswith("_refused") and event.actor_id == by.pk and event.body["why"], name


def test_an_owner_hands_on_what_he_owns_and_no_more(refunds, five, stranger):
    workflows.own(refunds, "quality", stranger, by=five["quality"])

    assert refunds.owners.get(of="quality").user == stranger
    assert {"of": "quality", "from": five["quality"].pk, "to": stranger.pk}.items() <= told("owner.name")[-1].body.items()
    with pytest.raises(PermissionDenied):
        workflows.own(refunds, "policy", five["improvement"], by=five["improvement"])


def test_an_owner_is_a_person(refunds, integration):
    with pytest.raises(ValidationError, match="is no person"):
        workflows.own(refunds, "policy", integration, by=factories.administrator())


# Seats and limits


def test_nobody_gives_himself_an_approvers_seat(refunds, five):
    risk = five["risk"]

    with pytest.raises(PermissionDenied, match="Nobody gives himself"):
        workflows.seat(risk, refunds, Role.APPROVER, by=risk)

    for add in ADDING:
        with refused("nobody_gives_himself_an_approvers_seat"):
            add(Seat(user=risk, workflow=refunds, role="approver", given_by=risk))
    mine = workflows.seat(risk, refunds, Role.REVIEWER, by=risk)
    for change in CHANGING:
        with refused("a_seat_is_only_ended", "nobody_gives_himself_an_approvers_seat"):
            change(Seat.objects.get(pk=mine.pk), role="approver")


def test_nobody_sets_his_own_limit(refunds, five):
    risk = five["risk"]
    seat = workflows.seat(risk, refunds, Role.APPROVER, by=factories.administrator(), limits=[("", "EUR", 100)])

    for verb in (
        lambda: workflows.set_limit(seat, "", "EUR", 10**6, by=risk),
        lambda: workflows.remove_limit(seat, "", "EUR", by=risk),
    ):
        with pytest.raises(PermissionDenied, match="Nobody sets his own limit"):
            verb()

    for add in ADDING:
        with refused("nobody_sets_his_own_limit"):
            add(ApprovalLimit(seat=seat, currency="USD", amount=10**6, set_by=risk))
    for change in CHANGING:
        with refused("nobody_sets_his_own_limit"):
            change(seat.limits.get(), amount=10**6, set_by_id=risk.pk)


def test_limits_change_by_their_verbs_and_each_change_is_told(refunds, five):
    seat = seated(refunds, "approver", five["risk"], EUR=100).seats.get()

    workflows.set_limit(seat, "", "EUR", Decimal("250"), by=five["risk"], reason="More experience")
    workflows.set_limit(seat, "refund", "USD", Decimal("80"), by=five["risk"])
    workflows.remove_limit(seat, "refund", "USD", by=five["risk"])

    assert [(limit.currency, limit.amount) for limit in seat.limits.all()] == [("EUR", 250)]
    first, second = told("seat.set_limit")
    assert (first.body["from"], first.body["to"], first.words) == ("100.000", "250", "More experience")
    assert (second.body["from"], second.body["to"]) == (None, "80")
    assert told("seat.remove_limit")[0].body["from"] == "80.000"


@pytest.mark.parametrize(
    ("amount", "currency", "field"),
    [(Decimal(10), "XYZ", "currency"), (Decimal(-1), "EUR", "amount"), (Decimal("0.001"), "EUR", "amount")],
)
def test_a_limit_that_is_none_is_named_at_its_field(refunds, owner, approver, amount, currency, field):
    with pytest.raises(ValidationError) as fault:
        workflows.set_limit(approver.seats.get(), "", currency, amount, by=owner)

    assert list(fault.value.message_dict) == [field]


def test_a_seat_ends_once(refunds, owner, reviewer):
    seat = reviewer.seats.get()
    workflows.end_seat(seat, by=owner)

    with pytest.raises(ValidationError, match="This seat ended on"):
        workflows.end_seat(Seat.objects.get(pk=seat.pk), by=owner)

    assert len(told("seat.end")) == 1


# What is written about a workflow


def test_a_charter_is_changed_by_its_verb_with_what_stood_before(refunds, owner):
    workflows.change(refunds, by=owner, purpose="Pay back", name="Refunds")

    [event] = told("workflow.change")
    assert event.body == {"changed": {"purpose": ["", "Pay back"]}}


def test_nothing_changed_is_no_event(refunds, owner):
    workflows.change(refunds, by=owner, name=refunds.name)

    assert told("workflow.change") == []
