"""The desk, end to end: every verb by its page, refusals as sentences, and what was typed comes back."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.html import escape

from audit import clock
from cases import actions, queues
from cases.models import Case
from scorecards import actions as scorecards
from tests.conftest import seated
from tests.desk import asked as asking
from tests.desk import decide as post
from tests.desk import page
from tests.factories import policy

pytestmark = pytest.mark.django_db
REFUND = {"type": "refund", "amount": 240, "currency": "EUR", "payee": "C-1042"}


def again(case):
    return Case.objects.get(pk=case.pk)


def text(response):
    return response.content.decode()


# every verb


def test_accept(sign_in, send, reviewer):
    case = send()

    answer = post(sign_in(reviewer), case, "accept", follow=True)

    assert again(case).closed_as == "released"
    assert "is accepted. It is closed: released as the AI gave it." in text(answer)


def test_correct(sign_in, send, reviewer):
    case = send(output={"decision": "refund", "note": "kept"})

    post(sign_in(reviewer), case, "correct", **{"output.decision": "reject", "output.note": "kept", "root_cause": "Misread"})

    assert again(case).standing == {"decision": "reject", "note": "kept"}
    correction = case.decisions.get().corrections.get()
    assert (correction.field, correction.after, correction.root_cause) == ("decision", "reject", "Misread")


def test_escalate_resolve_and_send_back(sign_in, send, reviewer, resolver):
    case = send()
    post(sign_in(reviewer), case, "escalate", reason="Unclear", category="unclear-request")
    assert (again(case).state, again(case).category.slug) == ("resolution", "unclear-request")
    post(sign_in(resolver), case, "send_back", reason="Look again")
    assert again(case).state == "review"
    post(sign_in(reviewer), case, "escalate", reason="Still unclear")

    post(sign_in(resolver), case, "resolve", reason="Settled", **{"output.decision": "reject"})

    assert (again(case).closed_as, again(case).standing) == ("corrected", {"decision": "reject"})


def test_no_action(sign_in, send, reviewer, resolver):
    case = send()
    actions.escalate(case.pk, by=reviewer, reason="Spam")

    assert post(sign_in(resolver), case, "no_action", reason="Spam").status_code == 422
    post(sign_in(resolver), case, "no_action", reason="Spam", category="edge-case")

    assert again(case).closed_as == "no_action"
    told = sign_in(resolver).get(reverse("admin:cases_case_change", args=[case.pk])).content.decode()
    assert "Nothing of this is done: it was closed without action." in told and "and it stands" not in told


def test_approve_and_reject(sign_in, send, approver):
    good, bad = send(action=REFUND), send(action=REFUND)

    post(sign_in(approver), good, "approve")
    post(sign_in(approver), bad, "reject", reason="Not owed")

    assert (again(good).closed_as, again(bad).closed_as) == ("released", "rejected")


def test_edit_and_approve(sign_in, send, approver):
    lower, higher = send(action=REFUND), send(action=REFUND)
    action = {"action.type": "refund", "action.currency": "EUR", "action.payee": "C-1042", "output.decision": "refund"}

    post(sign_in(approver), lower, "edit", **action, **{"action.amount": "200"})
    answer = post(sign_in(approver), higher, "edit", follow=True, **action, **{"action.amount": "300"})

    assert (again(lower).closed_as, again(lower).amount) == ("corrected", 200)
    assert again(higher).state == "approval" and "another approver takes it" in text(answer)
    assert "You worked on this content yourself" in text(sign_in(approver).get(page(higher, "change")))


def test_hand_over_to_somebody_with_the_seat(sign_in, send, reviewer, refunds, owner, approver):
    other, case = seated(refunds, "reviewer", owner), send()

    shown = text(sign_in(reviewer).get(asking(case, "hand_over")))
    post(sign_in(reviewer), case, "hand_over", reason="Lunch", to=other.pk)

    assert f'value="{other.pk}"' in shown and f'value="{approver.pk}"' not in shown and f'value="{reviewer.pk}"' not in shown
    assert again(case).assigned_to == other


def test_recall(sign_in, send, reviewer, resolver):
    case = send()
    actions.escalate(case.pk, by=reviewer, reason="Unclear")
    actions.escalate(case.pk, by=resolver, reason="Too big")

    post(sign_in(resolver), case, "recall", reason="I know now")

    assert again(case).state == "resolution"


@pytest.mark.parametrize("rules", [{"grace_seconds": 60}])
def test_undo_while_there_is_time(sign_in, send, reviewer, rules):
    case = send()
    answer = post(sign_in(reviewer), case, "accept", follow=True)
    assert asking(case, "undo") in text(answer) and "It takes effect at" in text(answer)
    assert 'data-over="It has taken effect."' in answer.content.decode()

    post(sign_in(reviewer), case, "undo")

    assert again(case).state == "review"


def test_undo_too_late(sign_in, send, reviewer):
    case = send()
    post(sign_in(reviewer), case, "accept")

    answer = sign_in(reviewer).get(asking(case, "undo"))

    assert answer.status_code == 409 and "The time to undo is over" in text(answer)


def test_reopen_as_rework(sign_in, send, reviewer):
    case = send()
    actions.accept(case.pk, by=reviewer)

    post(sign_in(reviewer), case, "reopen", reason="Complaint", place="customer", severity="major", minutes="12")

    assert (again(case).state, again(case).reworks.get().severity) == ("resolution", "major")


def test_claim_give_back_and_skip(sign_in, send, reviewer):
    case, client = send(), sign_in(reviewer)
    client.post(page(case, "claim"))
    assert again(case).claimed_by == reviewer and "You hold it" in text(client.get(page(case, "change")))
    client.post(page(case, "give_back"))
    assert again(case).claimed_by is None

    post(client, case, "skip", reason="Not my language")

    assert again(case).passed_by == [reviewer.pk]


def test_an_approver_claims_too(sign_in, send, approver):
    case = send(action=REFUND)

    assert "is yours. You hold it until" in text(sign_in(approver).post(page(case, "claim"), follow=True))


def test_a_vendors_person_is_offered_no_way_back_to_what_he_no_longer_sees(sign_in, send, vendor_reviewer):
    case, client = send(), sign_in(vendor_reviewer)
    Case.objects.filter(pk=case.pk).update(vendor=vendor_reviewer.vendor)

    shown = text(post(client, case, "accept", follow=True))

    assert f"{case} is accepted." in shown and page(case, "change") not in shown


# the desk


def test_next_case_claims_it_and_says_so_when_none_waits(sign_in, send, reviewer):
    case, client = send(), sign_in(reviewer)
    take = reverse("admin:cases_case_next")
    assert client.get(take).status_code == 405

    assert client.post(take, {"desk": "review"}).url == page(case, "work")
    queues.skip(case.pk, by=reviewer, reason="No")
    assert "Nothing waits for you at review." in text(client.post(take, {"desk": "review"}, follow=True))
    assert "There is no desk" in text(client.post(take, {"desk": "kitchen"}, follow=True))


def test_decide_and_next(sign_in, send, reviewer):
    first, second = send(), send()

    answer = post(sign_in(reviewer), first, "accept", next="1")

    assert answer.url == page(second, "work") and again(second).claimed_by == reviewer


def test_the_start_page_counts_what_waits(sign_in, send, reviewer, resolver, stranger):
    send()

    assert "waits, for" in text(sign_in(reviewer).get(reverse("admin:index")))
    assert "Nothing waits for you. New cases appear here by themselves." in text(sign_in(resolver).get(reverse("admin:index")))
    assert "You hold no seat at a desk." in text(sign_in(stranger).get(reverse("admin:index")))


def test_a_case_tells_its_story(sign_in, send, reviewer):
    case = send(input={"text": "<script>alert(1)</script>"}, context={"orders": [{"id": 7}]}, confidence=0.5)
    actions.correct(case.pk, by=reviewer, output={"decision": "reject"}, reason="Not owed")

    shown = text(sign_in(reviewer).get(page(case, "change")))

    assert escape("<script>alert(1)</script>") in shown and "<script>alert(1)" not in shown
    assert "Corrected by" in shown and "Not owed" in shown and "<del>" in shown and "confidence 0.5" in shown


def test_times_are_in_the_persons_zone(sign_in, send, reviewer):
    reviewer.time_zone = "Asia/Tokyo"
    reviewer.save()

    assert "Times in Asia/Tokyo." in text(sign_in(reviewer).get(page(send(), "change")))


# refusals


def test_a_refusal_is_a_sentence_and_what_was_typed_comes_back(sign_in, send, reviewer):
    case, client = send(), sign_in(reviewer)

    unsaid = post(client, case, "escalate", reason=" ")
    unchanged = post(client, case, "correct", reason="I typed this", **{"output.decision": "refund"})

    assert unsaid.status_code == 422 and "Say why." in text(unsaid)
    assert unchanged.status_code == 422 and "Nothing was changed." in text(unchanged) and "I typed this" in text(unchanged)


def test_who_may_not_is_told_why(sign_in, send, approver):
    case = send()

    asked, done = sign_in(approver).get(asking(case, "accept")), post(sign_in(approver), case, "accept")

    assert (asked.status_code, done.status_code) == (403, 403)
    assert "To accept here you need a seat as reviewer" in text(asked) and "you need a seat" in text(done)


@pytest.mark.parametrize("output_schema", [{"type": "object", "properties": {"decision": {"type": "string", "minLength": 5}}}])
def test_a_broken_schema_is_said_at_its_field(sign_in, send, reviewer, output_schema):
    case = send()

    answer = post(sign_in(reviewer), case, "correct", reason="Typed", **{"output.decision": "no"})

    form = answer.context["form"]
    assert answer.status_code == 422 and "shorter than 5" in form.errors["output.decision"][0]
    assert form["output.decision"].value() == "no" and form["correct.reason"].value() == "Typed"


def test_the_second_click_is_told_what_happened(sign_in, send, reviewer):
    case, client = send(), sign_in(reviewer)
    revision = case.revision
    post(client, case, "accept", revision=revision)

    second = post(client, case, "accept", revision=revision)

    assert second.status_code == 409 and "The case is closed now" in text(second)
    assert case.decisions.count() == 1


def test_a_vendors_second_click_is_told_so_too(sign_in, send, vendor_reviewer):
    case, client = send(), sign_in(vendor_reviewer)
    Case.objects.filter(pk=case.pk).update(vendor=vendor_reviewer.vendor)
    post(client, case, "accept")

    second = post(client, case, "accept", reason="My words")

    assert second.status_code == 409 and "The case is closed now" in text(second) and "My words" in text(second)
    assert client.get(page(case, "change")).status_code == 404


def test_an_approval_is_of_what_its_reader_saw(sign_in, send, approver, other_approver):
    case = send(action=REFUND)
    actions.approve(case.pk, by=other_approver, action={"amount": Decimal(300)})

    answer = post(sign_in(approver), case, "approve", revision=case.revision, reason="Fine")

    assert answer.status_code == 409 and "The content changed while you looked at it." in text(answer)
    assert again(case).state == "approval" and 'value="2"' in text(answer)


def test_somebody_elses_claim_is_respected(sign_in, send, reviewer, refunds, owner):
    case, other = send(), seated(refunds, "reviewer", owner)
    queues.claim(case.pk, by=other)

    shown, done = sign_in(reviewer).get(page(case, "change")), post(sign_in(reviewer), case, "accept")

    assert "holds this case" in text(shown) and asking(case, "accept") not in text(shown)
    assert done.status_code == 409


def test_what_cannot_be_stored_is_a_sentence(sign_in, send, reviewer):
    case = send(output={"decision": "refund", "lines": [{}]})

    for lines in ('["\\ud800"]', '["\\u0000"]', "[1e999]"):
        answer = post(sign_in(reviewer), case, "correct", **{"output.decision": "refund", "output.lines": lines})
        assert answer.status_code == 422 and lines in answer.context["form"]["output.lines"].value()


def test_a_probe_of_one_case_by_another_desk_is_404(sign_in, send, vendor_reviewer, client):
    case = send()
    Case.objects.filter(pk=case.pk).update(vendor=None)  # the house's own

    assert sign_in(vendor_reviewer).get(page(case, "change")).status_code == 404
    assert post(sign_in(vendor_reviewer), case, "accept").status_code == 404
    assert client.get(reverse("admin:cases_case_change", args=[2**63])).status_code == 404


# marks


@pytest.fixture
def marked(refunds, owner):
    card = scorecards.publish(scorecards.ready_made(refunds, by=owner), by=owner, reason="First")
    return policy(refunds, owner, rules={"scorecard": card.version})


def test_accept_with_marks(sign_in, send, reviewer, marked):
    case = send()
    form = sign_in(reviewer).get(asking(case, "accept")).context["form"]
    best = {name: field.initial for name, field in form.fields.items() if name.startswith("mark.")}
    assert best["mark.accuracy"] == "Right"

    failed = post(sign_in(reviewer), case, "accept", **{**best, "mark.accuracy": "Wrong", "cause.accuracy": "Made up"})
    post(sign_in(reviewer), case, "accept", **best)

    assert failed.status_code == 422 and "This output cannot be accepted." in text(failed)
    assert case.decisions.get().evaluation.score == 100


# how much it asks of the database


def test_a_cases_page_asks_few_questions(sign_in, send, reviewer, resolver, django_assert_max_num_queries):
    case = send()
    for _ in range(3):
        actions.escalate(case.pk, by=reviewer, reason="Unclear")
        actions.send_back(case.pk, by=resolver, reason="Look again")
    actions.correct(case.pk, by=reviewer, output={"decision": "reject"})
    client = sign_in(reviewer)
    client.get(page(case, "change"))

    with django_assert_max_num_queries(24):
        assert client.get(page(case, "change")).status_code == 200


def test_overdue_is_told(sign_in, send, reviewer):
    case = send()
    Case.objects.filter(pk=case.pk).update(due_at=clock.now() - timedelta(hours=3))

    assert "3\xa0hours late" in text(sign_in(reviewer).get(reverse("admin:cases_case_desk", args=["review"])))
