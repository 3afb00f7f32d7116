"""A form that is sent again because its answer was lost: what its sender did already is told as done, and done once."""

import html
import re
from datetime import timedelta

import pytest
from django.urls import reverse

from audit import clock
from audit.models import AuditEvent
from cases import actions, queues
from cases.models import Case, Decision
from tests.conftest import acting_as, seated
from tests.desk import page

pytestmark = pytest.mark.django_db
CHAINED = {"action_tiers": {"refund": "high"}, "chains": [{"steps": [{"name": "Approval", "people": 2}]}]}
REFUND = {"type": "refund", "amount": 240, "currency": "EUR", "payee": "C-1042"}
DONE = re.compile(r"you did this already, at \d\d:\d\d\.")


def text(answer):
    return html.unescape(answer.content.decode())


@pytest.fixture
def typed(client, send, reviewer):
    """A claimed case before a reviewer, and the form as the page sends it."""
    case = queues.claim(send(0.5, output={"decision": "refund", "reply": "We will."}).pk, by=reviewer)
    client.force_login(reviewer)
    return case, {"revision": 1, "desk": "review", "output.decision": "refund", "output.reply": "We will."}


WAYS = {
    "accept": {},
    "correct": {"output.reply": "We cannot.", "root_cause": "Misread"},
    "escalate": {"escalate.reason": "To whom?"},
}


@pytest.mark.parametrize("verb", WAYS)
def test_sent_twice_it_is_done_once_and_goes_on_as_the_first_time(client, send, typed, verb):
    case, form = typed
    other = send(0.5)
    form |= {"verb": verb, "next": "1", **WAYS[verb]}

    first, second = (client.post(page(case), form) for _ in range(2))

    assert first.url == second.url == page(other)
    assert DONE.search(text(client.get(second.url)))
    assert [each.verb for each in Decision.objects.filter(case=case)] == [verb]


@pytest.mark.parametrize(
    "other",
    [
        {"verb": "escalate", "escalate.reason": "To whom?"},
        {"correct.reason": "He wrote."},
        {"output.reply": "No."},
        {"revision": 4},
        {"verb": "accept"},
    ],
)
def test_what_says_anything_else_is_a_conflict_and_keeps_what_was_typed(client, typed, other):
    case, form = typed
    form |= {"verb": "correct", "output.reply": "We cannot."}
    client.post(page(case), form)

    answer = client.post(page(case), form | other)

    assert answer.status_code == 409 and not DONE.search(text(answer))
    assert Decision.objects.filter(case=case).count() == 1


def test_what_was_reopened_since_is_a_conflict(client, typed, reviewer):
    case, form = typed
    client.post(page(case), form | {"verb": "correct", "output.reply": "We cannot."})

    actions.reopen(case.pk, by=reviewer, reason="It was wrong.")
    answer = client.post(page(case), form | {"verb": "correct", "output.reply": "We cannot."})

    assert answer.status_code == 409 and not DONE.search(text(answer))


def test_another_persons_decision_is_told_with_his_name(client, typed, reviewer, refunds, owner):
    case, form = typed
    other_reviewer = seated(refunds, "reviewer", owner)
    queues.give_back(case.pk, by=reviewer)
    actions.accept(case.pk, by=other_reviewer)

    answer = client.post(page(case), form | {"verb": "accept"})

    assert answer.status_code == 409 and f"accepted by {other_reviewer}" in text(answer)


@pytest.mark.parametrize("rules", [CHAINED])
def test_an_approval_of_several_is_given_once_and_taken_back_it_is_not_said_to_be_given(client, send, approver, other_approver):
    case = send(action=REFUND)
    client.force_login(approver)
    form = {"verb": "approve", "revision": 1, "desk": "approval"}
    first, second = (client.post(page(case, "approval"), form) for _ in range(2))

    assert (first.status_code, second.status_code) == (302, 302)
    assert DONE.search(text(client.get(second.url)))
    assert Decision.objects.filter(case=case).count() == 1
    actions.retract(case.pk, by=approver, reason="Too soon.")
    queues.claim(case.pk, by=other_approver)
    third = client.post(page(case, "approval"), form)
    assert third.status_code == 409 and not DONE.search(text(third))


def test_what_went_to_another_side_is_told_as_done_and_the_next_case_is_offered(client, send, vendor_reviewer):
    case = send(0.5, output={"decision": "refund"})
    Case.objects.filter(pk=case.pk).update(vendor=vendor_reviewer.vendor)
    with acting_as(vendor_reviewer):
        queues.claim(case.pk, by=vendor_reviewer)
    client.force_login(vendor_reviewer)
    form = {"verb": "escalate", "escalate.reason": "To whom?", "revision": 1, "desk": "review", "next": "1"}
    client.post(page(case), form)
    assert not Case.objects.visible_to(vendor_reviewer).filter(pk=case.pk).exists()

    same, else_ = (client.post(page(case), form | {"escalate.reason": words}) for words in ("To whom?", "By whom?"))

    assert same.status_code == 200 and DONE.search(text(same)) and reverse("admin:cases_case_next") in text(same)
    assert else_.status_code == 409 and not DONE.search(text(else_)) and "By whom?" in text(else_)
    assert Decision.objects.filter(case=case).count() == 1


PASSED = {
    "skip": {"skip.reason": "Whose is it?"},
    "snooze": {"snooze.reason": "They open at nine.", "snooze.until": "hour"},
    "hand_over": {"hand_over.reason": "She knows him."},
}


def events(case, verb):
    return AuditEvent.objects.filter(subject_type="case", subject_id=case.pk, verb=f"case.{verb}").count()


@pytest.mark.parametrize("is_taken", [False, True])
@pytest.mark.parametrize("verb", PASSED)
def test_passed_on_twice_it_is_passed_on_once_whoever_has_it_now(client, send, typed, refunds, owner, verb, is_taken):
    case, form = typed
    other, colleague = send(0.5), seated(refunds, "reviewer", owner)
    form |= {"verb": verb, "next": "1", **PASSED[verb]}

    first = client.post(page(case), form)
    if is_taken:
        queues.claim(case.pk, by=colleague)
    with clock.moved(clock.now() + timedelta(minutes=3)):
        second = client.post(page(case), form)

    assert first.url == second.url == page(other) and DONE.search(text(client.get(second.url)))
    assert events(case, verb) == 1


def test_handed_to_somebody_twice_he_is_told_once(client, typed, refunds, owner):
    case, form = typed
    colleague, other = seated(refunds, "reviewer", owner), seated(refunds, "reviewer", owner)
    form |= {"verb": "hand_over", **PASSED["hand_over"]}

    answers = [client.post(page(case), form | {"hand_over.to": person.pk}) for person in (colleague, colleague, other)]

    assert [answer.status_code for answer in answers] == [302] * 3
    assert events(case, "hand_over") == 2 and Case.objects.get(pk=case.pk).assigned_to == other


@pytest.mark.parametrize(
    ("verb", "otherwise"),
    [
        ("snooze", {"snooze.until": "tomorrow"}),
        ("snooze", {"snooze.until": "other", "snooze.until_other": "2027-01-01T09:00"}),
        ("snooze", {"snooze.reason": "They open at ten."}),
        ("snooze", {"desk": "resolution"}),
    ],
)
def test_who_puts_it_off_otherwise_is_told_that_he_did(client, typed, verb, otherwise):
    case, form = typed
    form |= {"verb": verb, **PASSED[verb]}
    client.post(page(case), form)

    answer = client.post(page(case), form | otherwise)

    assert answer.status_code == 409 and not DONE.search(text(answer)) and events(case, verb) == 1


@pytest.mark.parametrize("verb", ["skip", "hand_over"])
def test_who_took_it_up_again_may_pass_it_on_again(client, typed, reviewer, verb):
    case, form = typed
    form |= {"verb": verb, **PASSED[verb]}
    client.post(page(case), form)

    queues.claim(case.pk, by=reviewer)
    client.post(page(case), form)

    assert events(case, verb) == 2


def test_what_somebody_else_did_since_is_told(client, typed, refunds, owner):
    case, form = typed
    form |= {"verb": "hand_over", **PASSED["hand_over"]}
    client.post(page(case), form)

    actions.accept(case.pk, by=seated(refunds, "reviewer", owner))
    answer = client.post(page(case), form)

    assert answer.status_code == 409 and not DONE.search(text(answer))
