"""A clock that stands: waiting on the customer or another team, snoozing, and going on, by verb, page and REST."""

import html
from datetime import UTC, datetime, time, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from audit import clock
from audit.models import AuditEvent
from cases import actions, jobs, queues
from cases.models import Case, Claim, Pause
from integrations.problems import Conflict
from tests import factories
from tests.conftest import seated
from tests.desk import decide, page
from workflows import actions as workflows
from workflows import calendars

pytestmark = pytest.mark.django_db
MORNING = datetime(2036, 6, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def at():
    """Move the clock to so many hours after the morning."""

    def at(hours):
        return clock.moved(MORNING + hours * HOUR)

    return at


@pytest.fixture
def case(send, at):
    """At review since the morning, due in eight hours."""
    with at(0):
        return send(confidence=0.1)


def now(case):
    return Case.objects.get(pk=case.pk)


def wait(case, by, on="customer", whom="Mrs Gray", **more):
    return actions.pause(case.pk, by=by, on=on, whom=whom, reason="Asked for the receipt.", **more)


def last_event(case):
    return AuditEvent.objects.filter(subject_type="case", subject_id=case.pk).last()


# what a pause does


def test_what_waits_is_offered_to_nobody_and_due_as_much_later(case, reviewer, at):
    with at(2):
        wait(case, reviewer)
        assert queues.next_case(reviewer) is None
    with at(5):
        actions.go_on(case.pk, by=reviewer)

        assert now(case).due_at == MORNING + 11 * HOUR
        assert queues.next_case(reviewer).pk == case.pk


def test_with_several_pauses_it_goes_on_with_the_last(case, reviewer, at):
    with at(1):
        wait(case, reviewer)
    with at(2):
        wait(case, reviewer, on="team", whom="Finance")
        customer = case.pauses.first()
    with at(3):
        actions.go_on(case.pk, by=reviewer, pause=customer.pk)
        assert now(case).paused_since == MORNING + 1 * HOUR
    with at(6):
        actions.go_on(case.pk, by=reviewer)

    assert (now(case).paused_since, now(case).due_at) == (None, MORNING + 13 * HOUR)


def test_what_was_late_before_it_waited_stays_late(case, reviewer, at):
    with at(9):
        wait(case, reviewer)
        assert not Case.objects.overdue().exists()
    with at(12):
        actions.go_on(case.pk, by=reviewer)

        assert now(case).due_at == MORNING + 8 * HOUR
        assert Case.objects.overdue().exists()


STANDS, LATE = "Its clock stands", "It is late already, and waiting does not change that."


@pytest.mark.parametrize("verb", ["pause", "inquire", "snooze"])
@pytest.mark.parametrize(("hours", "late"), [(7, False), (9, True)])
def test_a_verb_says_before_that_waiting_changes_nothing_of_what_is_late_already(client, case, reviewer, at, verb, hours, late):
    client.force_login(reviewer)
    with at(hours):
        form = client.get(page(case)).context["form"]

    says = str(form.verbs[verb].says)
    assert (STANDS in says, LATE in says) == (not late, late)


@pytest.mark.parametrize(("hours", "late"), [(7, False), (9, True)])
def test_while_it_waits_its_pages_say_how_late_it_was_already(client, case, reviewer, at, hours, late):
    client.force_login(reviewer)
    with at(hours):
        wait(case, reviewer)
    with at(12):
        story, bench = client.get(page(case, "change")), client.get(page(case))

    later = "It will be due as much later as it waited." in story.text
    assert (
        "It was 1 hour late already when its clock was stopped" in html.unescape(story.text.replace("\xa0", " ")),
        later,
    ) == (late, not late)
    for shown in (story, bench):
        assert ("1 hour late when it was paused" in shown.text.replace("\xa0", " ")) is late
    says = str(bench.context["form"].verbs["go_on"].says)
    assert ("It was late before it waited" in says, "due as much later" in says) == (late, not late)


def test_pausing_gives_the_claim_back(case, reviewer, at):
    with at(0):
        queues.claim(case.pk, by=reviewer)
        wait(case, reviewer)

    assert (now(case).claimed_by, Claim.objects.get().ended_by) == (None, "pause")


def test_who_decides_waits_for_nobody(case, reviewer, at):
    with at(1):
        wait(case, reviewer)
    with at(2):
        actions.accept(case.pk, by=reviewer)

    pause = Pause.objects.get()
    assert (pause.ended_at, pause.ended_by, pause.ended_with) == (MORNING + 2 * HOUR, reviewer, "accept")
    assert last_event(case).verb == "case.release" and now(case).paused_since is None


def test_a_first_approval_of_two_lets_it_go_on_at_the_same_desk(refunds, owner, send, approver, at):
    factories.policy(refunds, owner, rules={"chains": factories.TWO, "action_tiers": {"refund": "high"}})
    with at(0):
        case = send(action={"type": "refund", "amount": 40, "currency": "EUR"})
        wait(case, approver, on="team", whom="Finance")
    with at(3):
        actions.approve(case.pk, by=approver)

    assert (now(case).state, now(case).paused_since, now(case).due_at) == ("approval", None, MORNING + 11 * HOUR)


def test_handing_over_what_waits_lets_it_wait(case, reviewer, at):
    with at(1):
        wait(case, reviewer)
        actions.hand_over(case.pk, by=reviewer, reason="My shift ends.")

    assert now(case).paused_since == MORNING + 1 * HOUR


def test_an_approvals_own_time_runs_on(send, approver, at):
    with at(0):
        case = send(action={"type": "refund", "amount": 40, "currency": "EUR"})
        expires = case.expires_at
        wait(case, approver)
    with at(5):
        actions.go_on(case.pk, by=approver)

    assert now(case).expires_at == expires


def test_a_calendar_that_changes_meanwhile_counts_when_it_goes_on(case, reviewer, refunds, administrator, at):
    with at(2):
        wait(case, reviewer)
    shifts = [(day, time(9), time(17)) for day in range(5)]
    office = calendars.define(None, by=administrator, name="Office", time_zone="UTC", shifts=shifts, holidays=[])
    workflows.set_calendar(refunds, office, by=administrator)
    with at(3):
        assert now(case).due_at == MORNING + 8 * HOUR

        actions.go_on(case.pk, by=reviewer)

    assert now(case).due_at == MORNING + 25 * HOUR  # one of its eight hours is left for tomorrow


def test_an_imported_case_is_due_and_waits_from_its_import_on(send, reviewer, at):
    with at(0):
        case = send(confidence=0.1, received_at="2026-01-05T09:00:00Z")
        wait(case, reviewer)
    with at(1):
        actions.go_on(case.pk, by=reviewer)

    assert (now(case).desk_since, now(case).due_at) == (MORNING, MORNING + 9 * HOUR)


def test_a_claim_that_ran_out_brings_it_back_to_the_queue_and_stands_in_its_story(client, send, reviewer):
    case = send(confidence=0.1)
    queues.claim(case.pk, by=reviewer)
    with clock.moved(clock.now() + 1 * HOUR):
        jobs.end_expired_claims()
        assert queues.next_case(reviewer).pk == case.pk
    client.force_login(reviewer)

    shown = client.get(reverse("admin:cases_case_change", args=[case.pk])).content.decode()

    assert f"{reviewer}&#x27;s claim ran out" in shown


# snoozing


def test_a_snooze_comes_back_by_itself_and_more_urgent(case, reviewer, at):
    with at(1):
        actions.snooze(case.pk, by=reviewer, reason="The shop opens at noon.", until=MORNING + 3 * HOUR)
    with at(2.9):
        jobs.wake_the_snoozed()
        assert now(case).paused_since is not None
    with at(4):
        jobs.wake_the_snoozed()
        jobs.wake_the_snoozed()

    assert (now(case).paused_since, now(case).priority, now(case).due_at) == (None, 1, MORNING + 11 * HOUR)
    assert AuditEvent.objects.filter(subject_id=case.pk, verb="case.wake").count() == 1


def test_a_snooze_ended_by_hand_is_more_urgent_too(refunds, owner, send, reviewer, at):
    factories.policy(refunds, owner, rules={"snooze_boost": 5})
    with at(1):
        case = send(confidence=0.1)
        actions.snooze(case.pk, by=reviewer, reason="x", until=MORNING + 3 * HOUR)
        actions.go_on(case.pk, by=reviewer)

    assert now(case).priority == 5


def test_a_snooze_that_is_over_leaves_it_waiting_on_whom_it_waits(case, reviewer, at):
    with at(1):
        wait(case, reviewer)
        actions.snooze(case.pk, by=reviewer, reason="x", until=MORNING + 2 * HOUR)
    with at(3):
        jobs.wake_the_snoozed()

    assert now(case).paused_since == MORNING + 1 * HOUR


# who and when not


def test_a_stranger_pauses_nothing(case, stranger, at):
    with at(1), pytest.raises(PermissionDenied):
        wait(case, stranger)


def test_a_vendor_pauses_its_own_sides_work_only(case, vendor, vendor_reviewer, at):
    with at(1), pytest.raises(PermissionDenied, match="not allocated to your side"):
        wait(case, vendor_reviewer)

    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    with at(1):
        wait(case, vendor_reviewer)
        actions.go_on(case.pk, by=vendor_reviewer)


def test_what_another_holds_is_his_to_snooze(case, reviewer, refunds, owner, at):
    other = seated(refunds, "reviewer", owner)
    with at(1):
        queues.claim(case.pk, by=other)
        with pytest.raises(Conflict, match="holds this case"):
            actions.snooze(case.pk, by=reviewer, reason="x", until=MORNING + 3 * HOUR)


@pytest.mark.parametrize(
    ("until", "says"),
    [
        (MORNING, "past"),
        (MORNING + timedelta(days=91), "within 90 days"),
        (datetime(2036, 6, 3, 9, 0), "time zone"),
        (None, "until when"),
    ],
)
def test_a_snooze_ends_within_ninety_days_from_now(case, reviewer, at, until, says):
    with at(1), pytest.raises(ValidationError, match=says):
        actions.snooze(case.pk, by=reviewer, reason="x", until=until)


def test_nothing_is_snoozed_twice(case, reviewer, at):
    with at(1):
        actions.snooze(case.pk, by=reviewer, reason="x", until=MORNING + 3 * HOUR)
        with pytest.raises(Conflict, match="snoozed it already"):
            actions.snooze(case.pk, by=reviewer, reason="x", until=MORNING + 4 * HOUR)


def test_nothing_goes_on_twice(case, reviewer, at):
    with at(1):
        wait(case, reviewer)
        actions.go_on(case.pk, by=reviewer)
        with pytest.raises(Conflict, match="nothing of it is paused"):
            actions.go_on(case.pk, by=reviewer)


def test_what_is_closed_is_not_paused(case, reviewer, at):
    with at(1):
        actions.accept(case.pk, by=reviewer)
        with pytest.raises(Conflict, match="closed"):
            wait(case, reviewer)


def test_one_says_on_whom_it_waits_and_why(case, reviewer, at):
    with at(1):
        with pytest.raises(ValidationError, match="Say on whom"):
            wait(case, reviewer, on="nobody")
        with pytest.raises(ValidationError, match="Say why"):
            wait(case, reviewer, whom=" ")


def test_a_clock_that_is_put_back_ends_a_pause_no_earlier_than_it_began(case, reviewer, at):
    with at(5):
        wait(case, reviewer)
    with at(4):
        actions.go_on(case.pk, by=reviewer)

    assert Pause.objects.get().ended_at == MORNING + 5 * HOUR
    assert now(case).due_at == MORNING + 8 * HOUR


# the promises


def refused(sentence, statement, *about):
    with pytest.raises(IntegrityError, match=sentence), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, about)


ANOTHER = """INSERT INTO cases_pause (case_id, kind, on_whom, desk, reason, by_id, since, until, ended_with)
 VALUES (%s, %s, 'X', 'review', 'x', %s, now(), now() + %s::interval, '')"""


def test_a_pause_is_of_an_open_case_whose_clock_stands(case, reviewer):
    refused("a pause is of an open case whose clock stands", ANOTHER, case.pk, "team", reviewer.pk, "1 day")


def test_a_pause_is_planned_for_ninety_days_at_most_and_one_snooze_is_open(case, reviewer, at):
    with at(1):
        actions.snooze(case.pk, by=reviewer, reason="x", until=MORNING + 3 * HOUR)

    refused("a_pause_is_planned_for_90_days_at_most", ANOTHER, case.pk, "team", reviewer.pk, "91 days")
    refused("one_open_snooze_per_case", ANOTHER, case.pk, "snooze", reviewer.pk, "1 day")


def test_a_clock_goes_on_when_the_last_pause_has_ended(case, reviewer, at):
    with at(1):
        wait(case, reviewer)

    refused("a clock goes on when the last pause has ended", "UPDATE cases_case SET paused_since = NULL WHERE id = %s", case.pk)
    refused("what a pause says never changes", "UPDATE cases_pause SET reason = 'y' WHERE case_id = %s", case.pk)


def test_a_pause_ends_once(case, reviewer, at):
    with at(1):
        wait(case, reviewer)
        actions.go_on(case.pk, by=reviewer)

    refused("what a pause says never changes", "UPDATE cases_pause SET ended_at = NULL WHERE case_id = %s", case.pk)


# over REST and in the admin


@pytest.fixture
def post(client, key, reviewer):
    header = key(reviewer)

    def post(case, verb, **body):
        return client.post(f"/api/v1/cases/{case.pk}/{verb}/", body, content_type="application/json", **header)

    return post


def test_over_rest_it_waits_and_goes_on(send, post, client):
    case = send(confidence=0.1)

    paused = post(case, "pause", on="customer", whom="Mrs Gray", reason="Asked.")
    again = post(case, "go-on")
    twice = post(case, "go-on")

    assert (paused.status_code, again.status_code, twice.status_code) == (200, 200, 409)
    assert paused.json()["paused_since"] and twice.json()["code"] == "not_paused"


def test_over_rest_a_vendors_person_pauses_as_the_vendor(client, key, send, vendor, vendor_reviewer):
    case = send(confidence=0.1)
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    body = {"on": "customer", "whom": "Mrs Gray", "reason": "Asked."}

    for verb, said in (("pause", body), ("go-on", {})):
        answer = client.post(f"/api/v1/cases/{case.pk}/{verb}/", said, content_type="application/json", **key(vendor_reviewer))
        assert answer.status_code == 200, answer.content

    assert Pause.objects.get().ended_by == vendor_reviewer


def test_over_rest_a_snooze_into_the_past_is_told_at_its_field(send, post):
    answer = post(send(confidence=0.1), "snooze", reason="x", until="2020-01-01T09:00:00Z")

    assert answer.status_code == 422 and "That moment is past" in answer.content.decode()


def test_the_page_snoozes_until_tomorrow_and_says_so(client, reviewer, send):
    case = send(confidence=0.1)
    client.force_login(reviewer)

    decide(client, case, "snooze", until="tomorrow", reason="Closed today.")

    shown = client.get(reverse("admin:cases_case_change", args=[case.pk])).content.decode()
    assert Pause.objects.get().until.hour == 9
    assert "Snoozed" in shown and "Closed today." in shown and "Go on" in shown


def test_of_two_moments_none_is_taken_for_the_other(client, reviewer, send):
    case, day = send(confidence=0.1), (clock.now() + timedelta(days=3)).date()
    client.force_login(reviewer)

    refused = decide(client, case, "snooze", until="tomorrow", until_other=f"{day}T09:30", reason="Closed today.")

    assert refused.status_code == 422 and "Two moments are named" in refused.content.decode()
    assert not Pause.objects.exists()


def test_the_page_takes_another_time_by_the_persons_own_clock(client, reviewer, send):
    reviewer.time_zone = "Asia/Kolkata"
    reviewer.save()
    case, day = send(confidence=0.1), (clock.now() + timedelta(days=3)).date()
    client.force_login(reviewer)

    decide(client, case, "pause", on="team", whom="Finance", until="other", until_other=f"{day}T09:30", reason="x")

    assert Pause.objects.get().until == datetime(day.year, day.month, day.day, 4, 0, tzinfo=UTC)


def test_the_desks_list_shows_on_whom_it_waits(client, reviewer, send):
    case = send(confidence=0.1)
    wait(case, reviewer)
    client.force_login(reviewer)

    assert "Mrs Gray" in client.get(reverse("admin:cases_case_desk", args=["review"])).content.decode()


def test_on_the_customer_it_waits_by_his_name_in_the_case(client, reviewer, send):
    case = queues.claim(send(confidence=0.1, customer_reference="C-7").pk, by=reviewer)
    client.force_login(reviewer)

    refused = decide(client, case, "pause", on="team", reason="Asked.")
    decide(client, case, "pause", on="customer", reason="Asked.")

    assert refused.status_code == 422 and "Say on whom." in refused.content.decode()
    assert case.pauses.get().on_whom == "C-7"


def test_a_masked_customer_is_offered_to_nobody_as_a_name(client, vendor, vendor_reviewer, send):
    case = send(confidence=0.1, customer_reference="anna.keller@example.com")
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    client.force_login(vendor_reviewer)

    refused = decide(client, case, "pause", on="customer", reason="Asked.")

    assert refused.status_code == 422 and "data-customer" not in refused.content.decode()
