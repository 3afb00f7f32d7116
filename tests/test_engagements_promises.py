"""What the database itself says of engagements: shares, periods, ends, and who writes them."""

from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Event, Thread

import pytest
from django.db import IntegrityError, connection, transaction

from audit import acting, clock
from tests import factories
from tests.conftest import HOUSE, seated
from tests.factories import EngagementFactory, MandateFactory, UserFactory, VendorFactory
from tests.test_promises import ADDING, CHANGING, for_nobody, for_vendor, refused
from workflows import actions as workflows
from workflows.models import Engagement, Mandate, Seat

pytestmark = pytest.mark.django_db

A_DAY = timedelta(days=1)


@pytest.fixture
def mandate(refunds, vendor):
    return MandateFactory(engagement__vendor=vendor, workflow=refunds, share=60)


def values(row, **other):
    return {f.attname: getattr(row, f.attname) for f in row._meta.local_concrete_fields if not f.primary_key} | other


@pytest.mark.parametrize("door", ADDING)
def test_shares_of_a_workflow_are_never_more_than_the_whole(door, mandate):
    bravo = EngagementFactory()

    with refused("shares_of_a_workflow_are_never_more_than_the_whole"):
        door(Mandate(**values(mandate, engagement_id=bravo.pk, share=41)))
    door(Mandate(**values(mandate, engagement_id=bravo.pk, share=40)))

    assert Mandate.objects.count() == 2


@pytest.mark.parametrize("door", CHANGING)
def test_a_share_does_not_grow_beyond_the_whole(door, mandate):
    other = MandateFactory(workflow=mandate.workflow, share=40)

    with refused("shares_of_a_workflow_are_never_more_than_the_whole"):
        door(other, share=41)


def test_one_statement_shifts_the_shares(mandate):
    MandateFactory(workflow=mandate.workflow, share=40)

    with connection.cursor() as cursor:
        cursor.execute("UPDATE workflows_mandate SET share = 100 - share")

    assert sorted(Mandate.objects.values_list("share", flat=True)) == [40, 60]


def test_shares_of_other_times_and_workflows_do_not_count(mandate):
    after = EngagementFactory(since=mandate.engagement.until)
    MandateFactory(workflow=mandate.workflow, engagement=after, share=100)
    MandateFactory(workflow=factories.workflow("invoices"), engagement=mandate.engagement, share=100)

    with refused("shares_of_a_workflow_are_never_more_than_the_whole"):
        Engagement.objects.filter(pk=after.pk).update(since=after.since - A_DAY)


def test_three_periods_that_never_meet_all_at_once(mandate):
    """60 percent all year; 40 in the first half and 40 in the second: never more than the whole."""
    half = mandate.engagement.since + timedelta(days=180)
    first = EngagementFactory(since=mandate.engagement.since, until=half)
    MandateFactory(workflow=mandate.workflow, engagement=first, share=40)
    MandateFactory(workflow=mandate.workflow, engagement=EngagementFactory(since=half), share=40)

    with refused("shares_of_a_workflow_are_never_more_than_the_whole"):
        Engagement.objects.filter(pk=first.pk).update(until=half + A_DAY)


def test_what_ended_early_frees_its_share(mandate, owner):
    Engagement.objects.update(ended_at=clock.now(), ended_by=owner, end_reason="Enough.")

    assert MandateFactory(workflow=mandate.workflow, engagement__since=clock.now(), share=100).pk


@pytest.mark.django_db(transaction=True)
def test_two_shares_at_once_are_never_more_than_the_whole(committed):
    [refunds] = committed("refunds")
    engagements = [EngagementFactory(), EngagementFactory()]
    together, refusals = Barrier(2), []

    def mandated(engagement):
        with acting.scope(HOUSE):
            try:
                with transaction.atomic():
                    together.wait()
                    Mandate.objects.create(
                        engagement=engagement, workflow=refunds, roles=["reviewer"], share=60, price=1, currency="EUR"
                    )
            except IntegrityError as refusal:
                refusals.append(str(refusal))
        connection.close()

    threads = [Thread(target=mandated, args=[each]) for each in engagements]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with transaction.atomic():
        assert Mandate.objects.count() == 1
    [refusal] = refusals
    assert "shares of a workflow are never more than the whole" in refusal


def test_a_vendor_has_one_live_mandate_per_workflow(mandate, vendor):
    second = EngagementFactory(vendor=vendor, since=mandate.engagement.until - A_DAY)

    with refused("a_vendor_has_one_live_mandate_per_workflow"):
        MandateFactory(workflow=mandate.workflow, engagement=second)
    Engagement.objects.filter(pk=second.pk).update(since=mandate.engagement.until)
    MandateFactory(workflow=mandate.workflow, engagement=second)

    with refused("a_vendor_has_one_live_mandate_per_workflow"):
        Engagement.objects.filter(pk=second.pk).update(since=second.since)


def test_after_a_mandate_ended_the_vendor_may_get_another(mandate):
    Mandate.objects.update(ended_at=clock.now())

    assert MandateFactory(workflow=mandate.workflow, engagement__vendor=mandate.vendor, engagement__since=clock.now()).pk


@pytest.mark.parametrize("door", CHANGING)
def test_what_has_ended_never_changes(door, mandate, owner):
    Mandate.objects.update(ended_at=clock.now())
    Engagement.objects.update(ended_at=clock.now(), ended_by=owner, end_reason="Enough.")
    mandate.refresh_from_db()
    mandate.engagement.refresh_from_db()

    with refused("an_ended_engagement_never_changes"):
        door(mandate.engagement, until=clock.now() + A_DAY)
    with refused("an_ended_mandate_never_changes"):
        door(mandate, price=Decimal(2))


@pytest.mark.parametrize("door", CHANGING)
def test_an_engagement_and_its_mandates_stay_where_they_are(door, mandate):
    with refused("an_engagement_stays_with_its_vendor"):
        door(mandate.engagement, vendor_id=VendorFactory().pk)
    with refused("a_mandate_stays_in_its_engagement_and_workflow"):
        door(mandate, workflow_id=factories.workflow("invoices").pk)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"roles": ["reviewer", "approver"]}, "a_mandate_never_approves_nor_owns"),
        ({"roles": []}, "a_mandate_never_approves_nor_owns"),
        ({"share": 101, "most_share": 101}, "a_share_lies_within_its_bounds"),
        ({"share": 10, "least_share": 20}, "a_share_lies_within_its_bounds"),
        ({"price": Decimal(-1)}, "a_price_is_a_number"),
        ({"currency": "€"}, "a_price_has_a_currency"),
        ({"masked_patterns": ["passport"]}, "only_known_patterns_are_masked"),
        ({"answer_percent": 0}, "a_service_level_can_be_met"),
    ],
)
def test_a_mandate_that_cannot_be(wrong, sentence, mandate):
    with pytest.raises(Exception, match=sentence), transaction.atomic():
        MandateFactory(workflow=mandate.workflow, **wrong)


def test_no_price_is_not_a_number(mandate):
    with refused("a_price_is_a_number"), connection.cursor() as cursor:
        cursor.execute("UPDATE workflows_mandate SET price = 'NaN'")


# Seats


@pytest.mark.parametrize("door", ADDING)
def test_a_vendors_seat_is_within_its_engagement(door, mandate, owner, vendor):
    Mandate.objects.update(roles=["reviewer"])
    given = {"user_id": UserFactory(vendor=vendor).pk, "workflow_id": mandate.workflow_id, "given_by_id": owner.pk}

    with refused("a_vendors_seat_is_within_its_engagement"):
        door(Seat(**given, role="resolver"))
    with refused("a_vendors_seat_is_within_its_engagement"):
        door(Seat(**{**given, "workflow_id": factories.workflow("invoices").pk}, role="reviewer"))
    with refused("a_vendors_seat_is_within_its_engagement"):
        door(Seat(**{**given, "user_id": UserFactory(vendor=VendorFactory()).pk}, role="reviewer"))
    door(Seat(**given, role="reviewer"))

    Engagement.objects.update(ended_at=clock.now(), ended_by=owner, end_reason="Enough.")
    Seat.objects.filter(user=given["user_id"]).update(ended_at=clock.now())
    with refused("a_vendors_seat_is_within_its_engagement"):
        door(Seat(**given, role="reviewer"))


@pytest.mark.django_db(transaction=True)
def test_a_seat_given_while_the_contract_ends_is_not_kept(committed):
    refunds, owner, vendor = committed("refunds", "owner", "vendor")
    with transaction.atomic():
        given, person = MandateFactory(engagement__vendor=vendor, workflow=refunds), UserFactory(vendor=vendor)
    seated, refusals = Event(), []

    def ends():
        with acting.scope(HOUSE):
            try:
                workflows.end_engagement(given.engagement, by=owner, reason="Enough.")
            except Exception as refusal:
                refusals.append(refusal)
        connection.close()

    with transaction.atomic():
        workflows.seat(person, refunds, "reviewer", by=owner)
        thread = Thread(target=ends)
        thread.start()
        seated.wait(0.3)  # it waits for the seat
        assert thread.is_alive()
    thread.join()

    with transaction.atomic():
        assert refusals == [] and not person.seats.live().exists()


@pytest.mark.django_db(transaction=True)
def test_a_vendors_session_ends_its_own_peoples_seats_only(committed):
    refunds, owner, vendor, ours = committed("refunds", "owner", "vendor", "vendor_reviewer")
    with transaction.atomic():
        theirs = seated(refunds, "reviewer", owner, VendorFactory(name="Bravo"))
        house = seated(refunds, "reviewer", owner)

    with for_vendor(vendor), transaction.atomic():
        assert Seat.objects.filter(user=ours).update(ended_at=clock.now()) == 1
    for person in (theirs, house):
        with for_vendor(vendor), refused("a_vendors_session_ends_its_own_peoples_seats_only"):
            Seat.objects.filter(user=person).update(ended_at=clock.now())
    with for_nobody(), refused("a_vendors_session_ends_its_own_peoples_seats_only"):
        Seat.objects.filter(user=house).update(ended_at=clock.now())


def test_who_joins_a_vendor_or_another_begins_there_without_a_seat(refunds, owner, vendor, reviewer, vendor_reviewer):
    bravo = VendorFactory(name="Bravo")
    factories.mandated(bravo, refunds)

    for person, to in ((reviewer, vendor), (vendor_reviewer, bravo)):
        type(person).objects.filter(pk=person.pk).update(vendor=to)
        assert not person.seats.live().exists()
