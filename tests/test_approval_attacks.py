"""Every door × every wrong person × before and after an edit: refused, and told once.

The verb's own doors (shell, REST, admin) write exactly one event of the refusal. Where the case does not exist for the
person, the admin says so (404) before any verb is asked, and writes none. The doors of rows (ORM, bulk, SQL) meet the
database itself, which rolls the transaction back: nothing can be written there, and nothing is.
"""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from accounts import actions as people
from accounts.models import User
from audit import clock, trail
from audit.models import AuditEvent
from cases import actions
from cases.intake import decoded
from cases.models import Case, Decision, Retraction
from tests.conftest import seated
from tests.desk import decide
from tests.factories import TWO, UserFactory
from tests.test_promises import add_by_bulk_create, add_by_save, add_by_sql, again, approval, refused, release_of
from workflows import actions as workflows

pytestmark = pytest.mark.django_db

REFUND = {"type": "refund", "amount": 240, "currency": "EUR", "payee": "C-1042"}
DAY = timedelta(days=1)


class World:
    def __init__(self, refunds, owner, vendor, case):
        self.refunds, self.owner, self.vendor, self.case = refunds, owner, vendor, case

    def approver(self, **limits):
        return seated(self.refunds, "approver", self.owner, **(limits or {"EUR": 1000}))

    def made(self, person, verb="correct", desk="review"):
        Decision.objects.bulk_create([approval(again(self.case), person, verb=verb, desk=desk, step=None)])


# The wrong people: each makes one, and gives back (the person, the delegation he would use)


def vendors(world):
    """He does not even get it: an approval is never a vendor's."""
    with pytest.raises(IntegrityError, match="a vendor gets work"), transaction.atomic():
        Case.objects.filter(pk=world.case.pk).update(vendor=world.vendor)
    return seated(world.refunds, "reviewer", world.owner, world.vendor), None


def maker(world):
    person = world.approver()
    workflows.seat(person, world.refunds, "reviewer", by=world.owner)
    world.made(person)
    return person, None


def editor(world):
    person = world.approver()
    world.made(person, "edit", "approval")
    return person, None


def resolver(world):
    person = seated(world.refunds, "resolver", world.owner)
    world.made(person, "resolve", "resolution")
    return person, None


def delegate_of_a_maker(world):
    holder, person = world.approver(), UserFactory()
    world.made(holder, "resolve", "resolution")
    given = workflows.delegate(holder.seats.get(), person, by=holder, until=clock.now() + DAY, reason="Away")
    return person, given


def over_his_limit(world):
    return world.approver(EUR=100), None


def limited_in_another_currency(world):
    return world.approver(USD=100_000), None


def absent(world):
    person = world.approver()
    people.be_absent(person, by=person, until=clock.now() + DAY)
    return person, None


def revoked(world):
    person = world.approver()
    workflows.end_seat(person.seats.get(), by=world.owner)
    return person, None


def delegate_whose_delegation_is_over(world):
    holder, person = world.approver(), UserFactory()
    given = workflows.delegate(holder.seats.get(), person, by=holder, until=clock.now() + DAY, reason="Away")
    workflows.end_delegation(given, by=holder)
    return person, given


def behind_the_sender(world):
    person = world.case.sender.answers_for
    workflows.seat(person, world.refunds, "approver", by=world.owner, limits=[("", "EUR", 1000)])
    return person, None


def superuser(world):
    person = UserFactory(is_superuser=True, office="administrator")
    return person, None


WRONG = [
    *(vendors, maker, editor, resolver, delegate_of_a_maker, over_his_limit, limited_in_another_currency, absent, revoked),
    *(delegate_whose_delegation_is_over, behind_the_sender, superuser),
]
UNSEEN = (revoked, delegate_whose_delegation_is_over, superuser)  # for whom the case does not exist


# The doors: each tries once; the verb's doors give back how many events of a refusal there must be


def by_shell(case, person, lent, **_):
    with pytest.raises(PermissionDenied):
        actions.approve(case.pk, by=person)
    trail.write_refusals()
    return 1


def by_rest(case, person, lent, client, key, **_):
    body = json.dumps({"digest": bytes(case.digest).hex()})
    answer = client.post(f"/api/v1/cases/{case.pk}/approve/", body, content_type="application/json", **key(person))
    assert answer.status_code in (403, 404), answer.content
    return 1


def by_admin(case, person, lent, client, wrong, **_):
    client.force_login(person)
    answer = decide(client, case, "approve")
    client.logout()
    unseen = wrong in UNSEEN or wrong is vendors
    assert answer.status_code == (404 if unseen else 403)
    return 0 if unseen else 1


def by_import(case, person, lent, **_):
    """A line of an import says what came in; it cannot say who approved what."""
    line = {"workflow": "refunds", "external_id": case.external_id, "input": {}, "output": {}, "decisions": [{"by": person.pk}]}
    assert "unknown field" in decoded(json.dumps(line).encode()).detail
    return 0


def by_row(add):
    def door(case, person, lent, **_):
        with refused(
            *("only_in_house_approves", "maker_is_not_checker", "an_approval_is_within_the_seats_limit"),
            *("an_absent_person_approves_nothing", "an_approval_takes_its_step_of_the_chain"),
        ):
            add(approval(case, person, delegation=lent))
        with refused("high_risk_is_never_released_unapproved"):
            add(release_of(case))
        return 0

    door.__name__ = add.__name__
    return door


def by_update(case, person, lent, **_):
    with refused("released_means_a_release_row"):
        Case.objects.filter(pk=case.pk).update(
            state="closed", closed_as="released", closed_at=clock.now(), released_at=clock.now(), requires_approval=True
        )
    with refused("tier_and_required_approval_never_fall"):
        Case.objects.filter(pk=case.pk).update(requires_approval=False)
    return 0


DOORS = [
    *(by_shell, by_rest, by_admin, by_import, by_update),
    *(by_row(add) for add in (add_by_save, add_by_bulk_create, add_by_sql)),
]


def edited(case, other):
    """Somebody else's edit that went to another approver: all that follows is about the new content."""
    actions.approve(case.pk, by=other, action={"amount": Decimal(300)})


@pytest.mark.parametrize("after_an_edit", [False, True], ids=["as received", "after an edit"])
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_a_wrong_person_approves_through_no_door(
    send, refunds, owner, vendor, other_approver, client, key, wrong, door, after_an_edit
):
    case = send(action=REFUND)
    if after_an_edit:
        edited(case, other_approver)
    person, lent = wrong(World(refunds, owner, vendor, case))
    person = User.objects.get(pk=person.pk)

    expected = door(again(case), person, lent, client=client, key=key, wrong=wrong)

    told = AuditEvent.objects.filter(subject_type="case", subject_id=case.pk, verb__endswith="_refused", actor_id=person.pk)
    assert told.count() == expected
    assert (again(case).state, again(case).released_at) == ("approval", None)
    assert not case.decisions.filter(verb="approve").exists()


@pytest.mark.parametrize("after_an_edit", [False, True], ids=["as received", "after an edit"])
def test_the_right_person_does(send, other_approver, approver, after_an_edit):
    """So that the table above does not pass because nobody can."""
    case = send(action=REFUND)
    if after_an_edit:
        edited(case, other_approver)

    actions.approve(case.pk, by=approver, digest=bytes(again(case).digest).hex())

    assert again(case).released_at


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "chains": TWO}])
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_a_wrong_person_takes_nobodys_approval_back(send, refunds, owner, vendor, other_approver, client, key, wrong, rules):
    case = send(action=REFUND)
    actions.approve(case.pk, by=other_approver)
    given, person = case.decisions.get(), wrong(World(refunds, owner, vendor, case))[0]
    person = User.objects.get(pk=person.pk)

    with pytest.raises(PermissionDenied):
        actions.retract(case.pk, by=person, reason="Mine")
    body, address = json.dumps({"reason": "Mine"}), f"/api/v1/cases/{case.pk}/retract/"
    assert client.post(address, body, content_type="application/json", **key(person)).status_code in (403, 404)
    client.force_login(person)
    assert decide(client, case, "retract", reason="Mine").status_code in (403, 404)
    for add in (add_by_save, add_by_bulk_create, add_by_sql):
        with refused("an_approval_is_retracted_by_whoever_gave_it"):
            add(Retraction(decision=given, by=person, at=clock.now()))

    assert not Retraction.objects.exists()
