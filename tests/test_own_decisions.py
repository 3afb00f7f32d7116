"""My decisions: what somebody decided himself, and what came of it, for his own eyes; of the cases no more than he may see."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from audit import clock
from cases import actions, own_decisions
from cases.intake import receive
from cases.models import Case, Decision
from tests import factories
from tests.conftest import acting_as, owners_address, seated
from tests.test_plans import outputs

pytestmark = pytest.mark.django_db

PAGE = reverse("admin:cases_own_decisions")
MONEY = {"type": "refund", "amount": Decimal(500), "currency": "EUR", "payee": "C-1042"}


@pytest.fixture
def rules():
    return {"action_tiers": {"refund": "high"}, "grace_seconds": 60}


def came_of(person) -> list[tuple[str, list[str]]]:
    """(what he did, what came of it), the newest first."""
    told, _ = own_decisions.page(person)
    return [(str(each.done), each.came) for each in told]


def shown(client, person) -> str:
    client.force_login(person)
    with acting_as(person):
        return client.get(PAGE).content.decode()


def asked(person, of=None, before=own_decisions.NEWEST, since=None, most=100):
    """The ids that the database tells this person's session."""
    with acting_as(person), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM own_decisions(%s, %s, %s, %s)", [(of or person).pk, before, since, most])
        return [row[0] for row in cursor.fetchall()]


@pytest.fixture
def theirs(send, vendor):
    def theirs(**more):
        case = send(**more)
        Case.objects.filter(pk=case.pk).update(vendor=vendor)
        return case

    return theirs


# The page


def test_ones_own_stand_there_the_newest_first_by_ones_own_clock(client, send, reviewer, refunds, owner):
    User.objects.filter(pk=reviewer.pk).update(time_zone="Asia/Tokyo")
    one, two, others = send(), send(), send()
    actions.accept(others.pk, by=seated(refunds, "reviewer", owner))
    actions.accept(one.pk, by=reviewer)
    actions.correct(two.pk, by=reviewer, output={"decision": "refuse"}, reason="Too late.", active_seconds=95)

    page = shown(client, User.objects.get(pk=reviewer.pk))

    assert page.index(two.external_id) < page.index(one.external_id) and others.external_id not in page
    assert reverse("admin:cases_case_change", args=[two.pk]) in page
    there = Decision.objects.get(case=two).at.astimezone(ZoneInfo("Asia/Tokyo"))
    for words in ("corrected", "Too late.", "1 min 35 s", f"{there:%Y, %H:%M}"):
        assert words in page


def test_it_is_led_to_from_my_desk_and_from_the_account(client, theirs, vendor_reviewer):
    actions.accept(theirs().pk, by=vendor_reviewer)
    client.force_login(vendor_reviewer)

    with acting_as(vendor_reviewer):
        desk = client.get(reverse("admin:index")).content.decode()

    assert desk.count(f'href="{PAGE}"') == 2 and "Today you decided one case" in desk


def test_who_has_decided_nothing_is_told_what_will_stand_there(client, stranger):
    page = shown(client, stranger)

    assert "You have decided nothing yet." in page and "In numbers" not in page


def test_it_is_read_page_by_page(client, send, reviewer, monkeypatch):
    monkeypatch.setattr("cases.paging.SIZE", 2)
    cases = [send() for _ in range(5)]
    for case in cases:
        actions.accept(case.pk, by=reviewer)

    read, after = [], ""
    while True:
        told, after = own_decisions.page(reviewer, after)
        read.append([each.reference for each in told])
        if not after:
            break

    names = [case.external_id for case in reversed(cases)]
    assert read == [names[:2], names[2:4], names[4:]]


@pytest.mark.parametrize("place", ["x", "-1", "9" * 20])
def test_a_place_that_is_none_is_said(client, reviewer, place):
    client.force_login(reviewer)

    answer = client.get(PAGE, {"after": place})

    assert answer.status_code == 400 and "no such place" in answer.content.decode()


def test_it_asks_as_much_for_many_as_for_one(client, theirs, vendor_reviewer, reviewer, send):
    def queries(person, case):
        actions.accept(case().pk, by=person)
        client.force_login(person)
        with acting_as(person):
            client.get(PAGE)
            with CaptureQueriesContext(connection) as one:
                client.get(PAGE)
        for _ in range(4):
            actions.accept(case().pk, by=person)
        with acting_as(person), CaptureQueriesContext(connection) as many:
            client.get(PAGE)
        return len(one), len(many)

    for person, case in ((reviewer, send), (vendor_reviewer, theirs)):
        one, many = queries(person, case)
        assert one == many <= 16


# What came of it


def test_what_stands_has_nothing_beside_it(send, reviewer):
    actions.accept(send().pk, by=reviewer)

    assert came_of(reviewer) == [("accepted", [])]


def test_what_he_took_back_is_told_once_and_the_next_one_stands(send, reviewer):
    case = send()
    actions.accept(case.pk, by=reviewer)
    actions.undo(case.pk, by=reviewer)
    actions.correct(case.pk, by=reviewer, output={"decision": "refuse"})

    assert came_of(reviewer) == [("corrected", []), ("accepted", ["Taken back by you"])]


def test_what_others_made_of_it_after_he_took_it_back_is_not_about_him(send, reviewer, refunds, owner):
    case = send()
    actions.accept(case.pk, by=reviewer)
    actions.undo(case.pk, by=reviewer)
    actions.correct(case.pk, by=seated(refunds, "reviewer", owner), output={"decision": "refuse"})

    assert came_of(reviewer) == [("accepted", ["Taken back by you"])]


def test_what_he_recalled_from_approval_is_taken_back(send, reviewer):
    case = send(action=MONEY)
    Case.objects.filter(pk=case.pk).update(state="review")
    actions.accept(case.pk, by=reviewer)
    actions.recall(case.pk, by=reviewer, reason="Wrong payee")

    assert came_of(reviewer) == [("accepted", ["Taken back by you"])]


@pytest.fixture
def resolved(send, resolver):
    case = send(confidence=0.1, action=MONEY)
    Case.objects.filter(pk=case.pk).update(state="resolution")
    actions.resolve(case.pk, by=resolver, reason="Owed")
    return case


def test_what_an_approver_sent_back_is_told_without_him_and_his_words(client, resolved, resolver, approver):
    actions.send_back(resolved.pk, by=approver, reason="Ask her first")

    assert came_of(resolver) == [("resolved", ["Sent back"])]
    page = shown(client, resolver)
    assert str(approver) not in page and "Ask her first" not in page


def test_what_was_rejected_is_decided_otherwise(resolved, resolver, approver):
    actions.reject(resolved.pk, by=approver, reason="Not owed")

    assert came_of(resolver) == [("resolved", ["Decided otherwise later"])]
    assert came_of(approver) == [("rejected", [])]


def test_what_was_approved_as_it_was_stands(resolved, resolver, approver):
    actions.approve(resolved.pk, by=approver)

    assert came_of(resolver) == [("resolved", [])]


def test_what_another_changed_and_took_back_again_stands(resolved, resolver, approver):
    actions.reject(resolved.pk, by=approver, reason="Not owed")
    actions.undo(resolved.pk, by=approver)

    assert came_of(resolver) == [("resolved", [])]
    assert came_of(approver) == [("rejected", ["Taken back by you"])]


def test_who_escalates_has_not_decided_it(send, reviewer, resolver):
    case = send()
    actions.escalate(case.pk, by=reviewer, reason="Unsure")
    actions.resolve(case.pk, by=resolver, output={"decision": "refuse"}, reason="No")

    assert came_of(reviewer) == [("escalated", [])]


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}}])
def test_what_was_reworked_after_it_took_effect(send, reviewer, resolver, owner):
    case, untouched = send(), send()
    for each in (case, untouched):
        actions.accept(each.pk, by=reviewer)
    actions.reopen(case.pk, by=owner, reason="She complained", place="customer")
    assert came_of(reviewer) == [("accepted", []), ("accepted", ["Case reworked later"])]

    actions.resolve(case.pk, by=resolver, output={"decision": "refuse"}, reason="No")
    assert came_of(reviewer)[1] == ("accepted", ["Decided otherwise later", "Case reworked later"])


# The sums


def test_the_sums_are_of_today_and_of_thirty_days(send, reviewer, resolver, owner, refunds):
    cases = [send() for _ in range(4)]
    for case, seconds in zip(cases, (10, 20, 60, None), strict=True):
        actions.accept(case.pk, by=reviewer, active_seconds=seconds)
    actions.undo(cases[0].pk, by=reviewer)
    actions.accept(cases[0].pk, by=reviewer, active_seconds=10)
    told = own_decisions.sums(reviewer)

    assert (told.today, told.cases_today, told.lately, told.stood) == (5, 4, 5, 4)
    assert (told.overturned, told.percent, told.timed, told.time) == (0, 0, 4, "15 s")
    with clock.moved(clock.now() + timedelta(days=2)):
        told = own_decisions.sums(reviewer)
        assert (told.today, told.lately) == (0, 5)
    with clock.moved(clock.now() + timedelta(days=31)):
        assert own_decisions.sums(reviewer).lately == 0


def test_the_share_is_of_what_he_did_not_take_back(resolved, send, resolver, approver):
    actions.reject(resolved.pk, by=approver, reason="Not owed")
    for taken_back in (True, False):
        case = send(confidence=0.1)
        Case.objects.filter(pk=case.pk).update(state="resolution")
        actions.resolve(case.pk, by=resolver, reason="Fine")
        if taken_back:
            actions.undo(case.pk, by=resolver)

    told = own_decisions.sums(resolver)

    assert (told.lately, told.stood, told.overturned, told.percent) == (3, 2, 1, 50)


# A vendor's person


def gone(theirs, vendor_reviewer, **more):
    """Corrected by the vendor's person to what must be approved: it is the house's from then on."""
    case = theirs(**more)
    with acting_as(vendor_reviewer):
        actions.correct(case.pk, by=vendor_reviewer, output={"decision": "secret"}, action=MONEY, reason="By C-1042")
        assert not Case.objects.filter(pk=case.pk).exists()
    return case


def test_a_case_that_is_gone_is_named_and_nothing_of_it_is_shown(client, theirs, vendor_reviewer):
    case = gone(theirs, vendor_reviewer, input={"text": "A parcel"})

    page = shown(client, vendor_reviewer)

    assert case.external_id in page and "By C-1042" in page and "corrected" in page
    assert reverse("admin:cases_case_change", args=[case.pk]) not in page
    for content in ("500", "secret", "A parcel", "Refund 500"):
        assert content not in page.partition("<tbody>")[2]


def test_what_the_house_did_with_it_is_told_without_who_and_what(client, theirs, vendor_reviewer, approver):
    case = gone(theirs, vendor_reviewer)
    actions.send_back(case.pk, by=approver, reason="The house says no")

    page = shown(client, vendor_reviewer)

    assert "Sent back" in page and "The house says no" not in page and str(approver) not in page


def test_what_is_his_to_see_still_has_its_link(client, theirs, vendor_reviewer):
    case = theirs()
    actions.accept(case.pk, by=vendor_reviewer)

    assert reverse("admin:cases_case_change", args=[case.pk]) in shown(client, vendor_reviewer)


def test_a_masked_value_in_the_name_or_in_his_words_stays_masked(client, theirs, vendor_reviewer):
    case = theirs(external_id="anna.keller@example.com")
    with acting_as(vendor_reviewer):
        actions.correct(case.pk, by=vendor_reviewer, output={"decision": "x"}, action=MONEY, reason="Wrote to otto@example.com")

    page = shown(client, vendor_reviewer)

    assert "anna.keller" not in page and "otto@" not in page and "Wrote to" in page


def test_the_database_tells_nobody_another_persons(theirs, send, refunds, owner, vendor, vendor_reviewer, reviewer):
    colleague = seated(refunds, "reviewer", owner, vendor)
    other = seated(refunds, "reviewer", owner, factories.VendorFactory(name="Bolt Support"))
    mine, hers, house = theirs(), theirs(), send()
    for case, person in ((mine, vendor_reviewer), (hers, colleague), (house, reviewer)):
        actions.accept(case.pk, by=person)
    own = Decision.objects.get(by=vendor_reviewer).pk

    assert asked(vendor_reviewer) == [own]
    for of in (colleague, other, reviewer):
        assert asked(vendor_reviewer, of) == []
    for person in (colleague, other, AnonymousUser()):
        assert asked(person, vendor_reviewer) == []
    assert asked(reviewer, vendor_reviewer) == [own]


def test_nor_what_he_decided_before_he_was_the_vendors(send, reviewer, vendor):
    actions.accept(send().pk, by=reviewer)
    assert len(asked(reviewer)) == 1

    User.objects.filter(pk=reviewer.pk).update(vendor=vendor)

    assert asked(User.objects.get(pk=reviewer.pk)) == []


def test_a_session_that_names_no_person_is_told_nothing(theirs, vendor, vendor_reviewer):
    actions.accept(theirs().pk, by=vendor_reviewer)

    with acting_as(vendor_reviewer), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('hitl.person', '', true)")
        cursor.execute("SELECT count(*) FROM own_decisions(%s, %s, NULL, 9)", [vendor_reviewer.pk, own_decisions.NEWEST])
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT count(*) FROM own_decisions(NULL, %s, NULL, 9)", [own_decisions.NEWEST])
        assert cursor.fetchone() == (0,)


# How it is found

DECIDED = """
INSERT INTO cases_decision (case_id, by_id, at, verb, desk, "to", digest, reason, reason_code, break_glass)
SELECT id, %s, now(), 'accept', 'review', 'closed', digest, '', '', false FROM cases_case ORDER BY id
"""
READ = """
SELECT sum(seq_tup_read), sum(idx_tup_fetch) FROM pg_stat_xact_user_tables
 WHERE relname IN ('cases_case', 'cases_decision', 'audit_auditevent', 'cases_rework')
"""


def rows_read() -> tuple[int, int]:
    """By this transaction: in scans of a whole table, and by an index."""
    with connection.cursor() as cursor:
        cursor.execute(READ)
        whole, indexed = cursor.fetchone()
        return int(whole), int(indexed)


TABLES = ("cases_case", "cases_decision", "audit_auditevent")


@pytest.mark.long
@pytest.mark.parametrize("empty", [(), TABLES[:1], TABLES[1:], TABLES], ids=" ".join)
def test_a_page_is_found_by_index_however_many_there_are(reviewer, integration, empty):
    """Of all that he decided a page's rows are read, from wherever in the list it begins; what is after it is not gone through.

    `empty`: the tables that the planner knows as empty, where of the others it knows nothing: of one row it may read all.
    """
    with psycopg.connect(owners_address(), autocommit=True) as owner:
        for table in empty:
            owner.execute(f"VACUUM {table}")
    for _ in range(6):  # so that the connection keeps the plan that it makes on empty tables
        assert asked(reviewer) == []
    receive([*outputs(0, 300)], by=integration)
    with connection.cursor() as cursor:
        cursor.execute(DECIDED, [reviewer.pk])
    middle = Decision.objects.order_by("-pk").values_list("pk", flat=True)[20]
    before = rows_read()

    found = asked(reviewer, before=middle, most=51)

    whole, indexed = (after - earlier for after, earlier in zip(rows_read(), before, strict=True))
    assert len(found) == 51 and found[0] < middle
    assert whole == 0 and indexed < 51 * 8
