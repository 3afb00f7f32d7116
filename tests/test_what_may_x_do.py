"""What somebody may do, and who may do what, as of any date: from rows that are ended, and backwards from the audit log."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import actions as people
from accounts import keys
from accounts.models import User
from hitlsite.scoped.owner import as_owner
from tests.conftest import seated
from tests.factories import UserFactory
from tests.test_promises import CHANGING, NOT_GRANTED, add_by_save, refused, sql
from workflows import actions as workflows
from workflows import authority
from workflows.models import Owner, Tenure

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def now():
    return timezone.now()


def told(thing, at=None):
    of = authority.of_person if isinstance(thing, User) else authority.of_workflow
    return {heading: " ".join(sentences) for heading, sentences in of(thing, at or now())}


def test_a_seat_is_told_with_its_limits_and_its_end(refunds, approver, owner):
    before = now()
    workflows.end_seat(approver.seats.get(), by=owner)

    assert "Approver in Refunds" in told(approver, before)["Seats"] and "until" in told(approver, before)["Seats"]
    assert "Approves up to 1,000.00 EUR." in told(approver, before)["Seats"]
    assert "Seats" not in told(approver) and "Approvers" not in told(refunds)
    assert str(approver) in told(refunds, before)["Approvers"]


def test_limits_are_what_they_were(approver, owner):
    seat = approver.seats.get()
    first = now()
    workflows.set_limit(seat, "", "EUR", Decimal(50), by=owner, reason="x")
    workflows.set_limit(seat, "refund", "USD", Decimal(7), by=owner, reason="x")
    second = now()
    workflows.remove_limit(seat, "", "EUR", by=owner, reason="x")
    workflows.remove_limit(seat, "refund", "USD", by=owner, reason="x")

    assert "Approves up to 1,000.00 EUR." in told(approver, first)["Seats"]
    assert "Approves up to 50.00 EUR, 7.00 USD for refund." in told(approver, second)["Seats"]
    assert "No limit is set" in told(approver)["Seats"]


def test_office_employer_and_the_account_are_what_they_were(client, administrator, stranger, vendor):
    page = reverse("admin:accounts_user_change", args=[stranger.pk])
    base = {"username": "stranger", "kind": "person", "time_zone": "UTC"}
    client.force_login(administrator)
    first = now()
    client.post(page, {**base, "office": "manager", "is_active": "on"})
    second = now()
    client.post(page, {**base, "office": "", "vendor": vendor.pk})

    assert told(User.objects.get(pk=stranger.pk), first)["Who"] == "stranger is a person of the house."
    assert told(User.objects.get(pk=stranger.pk), second)["Who"] == "stranger is a person of the house. Office: manager."
    assert "is a person of Acme Support. The account is switched off" in told(User.objects.get(pk=stranger.pk))["Who"]


def test_before_there_was_an_account_there_is_nothing(stranger):
    assert "had no account yet" in told(stranger, now() - 900 * DAY)["Who"]
    assert set(told(stranger, now() - 900 * DAY)) == {"Who"}


def test_an_owner_is_remembered_when_another_is_named(refunds, owner, administrator, stranger):
    before = now()
    workflows.own(refunds, "risk", stranger, by=administrator)

    assert "Owner of risk of Refunds" in told(owner, before)["Owns"] and "Owner of risk" not in told(owner)["Owns"]
    assert "Owner of risk of Refunds" in told(stranger)["Owns"]
    assert f"Risk: {owner}" in told(refunds, before)["Owners"] and "Risk: stranger" in told(refunds)["Owners"]
    assert Tenure.objects.filter(workflow=refunds, of="risk").count() == 2


def test_an_owner_who_joined_a_vendor_is_remembered(refunds, owner, vendor):
    before = now()
    User.objects.filter(pk=owner.pk).update(vendor=vendor)

    assert not Owner.objects.filter(user=owner).exists()
    assert told(owner, before)["Owns"].count("Owner of") == 5 and "Owns" not in told(owner)


def test_naming_the_same_owner_again_begins_no_new_time(refunds, owner, administrator):
    workflows.own(refunds, "risk", owner, by=administrator)

    assert Tenure.objects.filter(workflow=refunds, of="risk").count() == 1


def test_a_lent_seat_and_a_stand_in_are_told_on_both_sides(refunds, owner, approver, stranger):
    before = now()
    lent = workflows.delegate(approver.seats.get(), stranger, by=approver, until=now() + 5 * DAY, reason="Holidays.")
    people.be_absent(owner, by=owner, until=now() + DAY, stand_in=stranger)
    during = now()
    workflows.end_delegation(lent, by=approver)
    people.come_back(owner, by=owner)

    assert f"stranger approves for {approver} in Refunds" in told(stranger, during)["Lent"]
    assert told(approver, during)["Lent"] == told(refunds, during)["Lent"] == told(stranger, during)["Lent"]
    assert "Acts as owner of risk of Refunds for owner" in told(stranger, during)["Owns"]
    assert "Risk: owner is away" in told(refunds, during)["Owners"] and "stranger acts." in told(refunds, during)["Owners"]
    assert "stranger stands in" in told(owner, during)["Away"]
    for moment in (before, now()):
        assert set(told(stranger, moment)) <= {"Who"} and "Away" not in told(owner, moment)


def test_a_lent_seat_that_is_ended_lends_nothing(approver, stranger, owner):
    workflows.delegate(approver.seats.get(), stranger, by=approver, until=now() + 5 * DAY, reason="Holidays.")
    before = now()
    workflows.end_seat(approver.seats.get(), by=owner)

    assert "Lent" in told(stranger, before) and "Lent" not in told(stranger)


def test_keys_are_told_until_they_are_revoked(integration, administrator):
    before = now()
    key, _ = keys.make(integration, by=administrator, name="shop", verbs=["receive"])
    during = now()
    keys.revoke(key, by=administrator)

    assert "“shop”" in told(integration, during)["API keys"] and key.prefix in told(integration, during)["API keys"]
    assert "API keys" not in told(integration, before) and "API keys" not in told(integration)


def test_who_is_away_or_switched_off_is_said_beside_his_seat(refunds, approver, client, administrator):
    people.be_absent(approver, by=approver, until=now() + DAY)

    assert "Away then." in told(refunds)["Approvers"]


# The database's part


def test_nobody_writes_a_tenure_but_the_database(committed):
    refunds, stranger = committed("refunds", "stranger")
    with refused(NOT_GRANTED):
        add_by_save(Tenure(workflow=refunds, of="risk", user=stranger, since=now(), ended_at=now()))
    with refused(NOT_GRANTED):
        Tenure.objects.all().delete()
    for change in CHANGING:
        with refused(NOT_GRANTED):
            change(Tenure.objects.first(), user_id=stranger.pk)


def test_not_even_the_owner_of_the_tables_tells_a_tenure_anew(committed):
    committed("refunds")
    for values in ("since = now() - interval '1 day'", "user_id = user_id + 1", "\"of\" = 'another'"):
        with as_owner(), refused("a_tenure_is_only_ended"):
            sql(f"UPDATE workflows_tenure SET {values}")
    with as_owner():
        sql("UPDATE workflows_tenure SET ended_at = now()")
        with refused("a_tenure_is_only_ended"):
            sql("UPDATE workflows_tenure SET ended_at = NULL")


# The pages


def test_the_persons_page_leads_there_and_a_date_may_be_named(client, refunds, owner, approver):
    client.force_login(owner)
    workflows.end_seat(approver.seats.get(), by=owner)
    page = reverse("admin:workflows_person_may", args=[approver.pk])
    assert page in client.get(reverse("admin:accounts_user_change", args=[approver.pk])).content.decode()

    today = client.get(page).content.decode()
    early = client.get(page, {"at": f"{now() - timedelta(hours=1):%Y-%m-%d %H:%M}"}).content.decode()

    assert "is a person of the house" in today and "Approver in" not in today
    assert "had no account yet" in early
    assert client.get(page, {"at": "last March"}).status_code == 422


def test_the_workflows_page_leads_there(client, refunds, owner, approver):
    client.force_login(owner)
    page = reverse("admin:workflows_workflow_may", args=[refunds.pk])
    assert page in client.get(reverse("admin:workflows_workflow_change", args=[refunds.pk])).content.decode()

    shown = client.get(page).content.decode()

    assert "Approvers" in shown and "1,000.00 EUR" in shown and "Risk: owner" in shown


def test_who_is_away_stands_on_one_page_and_in_the_list(client, owner, approver, stranger, administrator):
    client.force_login(administrator)
    page = reverse("admin:accounts_user_away")
    assert "Nobody is away" in client.get(page).content.decode()

    people.be_absent(approver, by=approver, until=now() + DAY, stand_in=stranger, reason="Holidays.")
    people.be_absent(owner, by=owner, since=now() + DAY, until=now() + 2 * DAY)

    shown = client.get(page).content.decode()
    assert "away now" in shown and "stranger" in shown and "Holidays." in shown and str(owner) in shown
    listed = client.get(reverse("admin:accounts_user_changelist")).content.decode()
    assert "stranger stands in" in listed


def test_the_list_of_people_costs_no_more_with_more_of_them(client, administrator, refunds, owner):
    client.force_login(administrator)
    people.be_absent(owner, by=owner, until=now() + DAY, stand_in=administrator)
    client.get(reverse("admin:accounts_user_changelist"))

    def counted():
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("admin:accounts_user_changelist"))
        return len(queries)

    few = counted()
    for _ in range(5):
        people.be_absent(seated(refunds, "reviewer", owner), by=administrator, until=now() + DAY, stand_in=UserFactory())

    assert counted() == few
