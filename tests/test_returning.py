"""A5: whoever lost the right to work a case holds it no longer, and the case is offered to others."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils import timezone

from accounts import signin
from accounts.models import User
from audit import acting
from cases import gate, jobs, queues, returning
from cases.models import Case, Claim
from jobs.models import Job, Schedule
from jobs.running import run
from jobs.schedules import declare, tick
from tests.conftest import HOUSE, seated
from tests.desk import decide
from tests.factories import VendorFactory, mandated
from workflows import actions as workflows

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def switched_off(person, owner, administrator):
    User.objects.filter(pk=person.pk).update(is_active=False)


def his_seat_ended(person, owner, administrator):
    workflows.end_seat(person.seats.live().get(), by=owner)


def moved_to_a_vendor(person, owner, administrator):
    User.objects.filter(pk=person.pk).update(vendor=VendorFactory(name="Another vendor"))


def signed_out_for_good(person, owner, administrator):
    signin.end_sessions(person, by=administrator, reason="He left.")


ENDINGS = {
    switched_off: "switched off",
    his_seat_ended: "no seat",
    moved_to_a_vendor: "other side",
    signed_out_for_good: "signed out",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_claim_ends_with_the_right_to_it_and_the_case_is_offered_again(send, refunds, reviewer, owner, administrator, ending):
    colleague, case = seated(refunds, "reviewer", owner), send()
    queues.claim(case.pk, by=reviewer)

    ending(reviewer, owner, administrator)
    jobs.offer_what_nobody_may_hold()

    assert Claim.objects.get(case=case).ended_by == ENDINGS[ending]
    assert queues.next_case(colleague) == case


@pytest.mark.parametrize("ending", [switched_off, his_seat_ended, moved_to_a_vendor])
def test_what_was_handed_to_him_is_anybodys(send, refunds, reviewer, owner, administrator, ending):
    colleague, case = seated(refunds, "reviewer", owner), send()
    Case.objects.filter(pk=case.pk).update(assigned_to=reviewer)

    ending(reviewer, owner, administrator)
    jobs.offer_what_nobody_may_hold()

    assert queues.next_case(colleague) == case


@pytest.mark.parametrize("side", ["to another vendor", "to the house"])
def test_a_vendors_person_moves_and_takes_no_case_along(send, refunds, vendor, vendor_reviewer, owner, side):
    colleague, case = seated(refunds, "reviewer", owner, vendor), send()
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    queues.claim(case.pk, by=vendor_reviewer)

    to = VendorFactory(name="Another vendor") if side == "to another vendor" else None
    User.objects.filter(pk=vendor_reviewer.pk).update(vendor=to)
    jobs.offer_what_nobody_may_hold()

    ended = "other side" if to else ""  # the house's people may work what is allocated to a vendor
    assert Claim.objects.get(case=case).ended_by == ended
    assert queues.next_case(colleague) == (case if to else None)


def test_at_the_end_of_the_contract_the_vendors_people_hold_nothing(
    send, refunds, vendor, vendor_reviewer, reviewer, administrator
):
    case = send()
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    queues.claim(case.pk, by=vendor_reviewer)

    workflows.end_engagement(vendor.engagements.get(), by=administrator, reason="The contract is over.")
    jobs.offer_what_nobody_may_hold()

    assert Claim.objects.get(case=case).ended_by == "no seat"
    assert User.objects.get(pk=vendor_reviewer.pk).signed_out_at


def test_the_approver_who_joins_a_vendor_loses_seat_and_case_at_once(send, approver, other_approver):
    case = send(action={"type": "refund", "amount": 5, "currency": "EUR", "payee": "C-1"})
    queues.claim(case.pk, by=approver)

    moved_to_a_vendor(approver, None, None)
    with pytest.raises(PermissionDenied):
        queues.heartbeat(case.pk, by=User.objects.get(pk=approver.pk))
    jobs.offer_what_nobody_may_hold()

    assert not approver.seats.live().exists()
    assert queues.next_case(other_approver) == case


def test_a_delegate_holds_as_long_as_the_seat_is_lent(send, approver, stranger):
    case = send(action={"type": "refund", "amount": 5, "currency": "EUR", "payee": "C-1"})
    lent = workflows.delegate(approver.seats.get(), stranger, by=approver, until=timezone.now() + DAY, reason="Holidays.")
    queues.claim(case.pk, by=stranger)
    assert returning.offer_what_nobody_may_hold() == 0

    workflows.end_delegation(lent, by=approver)

    assert returning.offer_what_nobody_may_hold() == 1
    assert Claim.objects.get(case=case).ended_by == "no seat"


def test_who_may_hold_it_keeps_it(send, refunds, vendor, vendor_reviewer, reviewer, resolver):
    mine, theirs, assigned = send(), send(), send()
    Case.objects.filter(pk=theirs.pk).update(vendor=vendor)
    Case.objects.filter(pk=assigned.pk).update(assigned_to=reviewer)
    queues.claim(mine.pk, by=reviewer)
    queues.claim(theirs.pk, by=vendor_reviewer)

    assert returning.offer_what_nobody_may_hold() == 0

    assert Claim.objects.filter(ended_at=None).count() == 2
    assert Case.objects.get(pk=assigned.pk).assigned_to == reviewer


def test_who_signs_in_again_claims_again_and_keeps_that(send, reviewer, administrator):
    case = send()
    queues.claim(case.pk, by=reviewer)
    signin.end_sessions(reviewer, by=administrator)
    returning.offer_what_nobody_may_hold()

    queues.claim(case.pk, by=reviewer)

    assert returning.offer_what_nobody_may_hold() == 0


def test_a_seat_at_another_desk_holds_nothing_here(send, refunds, reviewer, owner):
    workflows.seat(reviewer, refunds, "resolver", by=owner)
    case = send()
    queues.claim(case.pk, by=reviewer)

    workflows.end_seat(reviewer.seats.get(role="reviewer"), by=owner)

    assert returning.offer_what_nobody_may_hold() == 1


def elsewhere(work):
    """On a connection of its own, as the house."""

    def done():
        try:
            with acting.scope(HOUSE):
                return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(done).result(timeout=20)


def test_a_case_that_somebody_has_locked_does_not_hold_up_the_others(committed):
    reviewer, send = committed("reviewer", "send")
    with transaction.atomic():
        cases = [send(), send()]
    for case in cases:
        queues.claim(case.pk, by=reviewer)
    with transaction.atomic():
        User.objects.filter(pk=reviewer.pk).update(is_active=False)

    with transaction.atomic():
        gate.locked(cases[0].pk)
        assert elsewhere(returning.offer_what_nobody_may_hold) == 1
    assert returning.offer_what_nobody_may_hold() == 1


def test_the_worker_does_it_every_few_seconds(send, refunds, reviewer, owner):  # A5: within 60 s
    case = send()
    queues.claim(case.pk, by=reviewer)
    workflows.end_seat(reviewer.seats.get(), by=owner)
    declare()
    schedule = Schedule.objects.get(name="offer what nobody may hold")
    assert schedule.every_seconds <= 10
    Schedule.objects.exclude(pk=schedule.pk).delete()

    tick()
    run(Job.objects.get().pk)

    assert Claim.objects.get(case=case).ended_by == "no seat"
    assert not Schedule.objects.get().last_error


def test_what_was_typed_into_a_lost_case_comes_back(client, send, refunds, vendor, vendor_reviewer):
    case = send()
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    queues.claim(case.pk, by=vendor_reviewer)
    client.force_login(vendor_reviewer)
    another = VendorFactory(name="Another vendor")
    mandated(another, refunds)
    Case.objects.filter(pk=case.pk).update(vendor=another)
    returning.offer_what_nobody_may_hold()

    typed = {"output.decision": '"refuse"', "mark.tone-and-clarity": "Curt", "reason": "The amount is wrong."}
    page = decide(client, case, "correct", **typed)

    told = page.content.decode()
    assert page.status_code == 409
    assert [told.index(f"<dd>{value}</dd>") for value in ("The amount is wrong.", "refuse", "Curt")] == sorted(
        told.index(f"<dt>{name}</dt>") + len(f"<dt>{name}</dt>") for name in ("Reason", "Decision", "Mark: Tone and clarity")
    )
