"""The life of a case, verb by verb."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from audit import clock
from audit.models import AuditEvent
from cases import actions, queues
from cases.models import Case
from integrations.models import OutboxRow
from integrations.problems import Conflict
from tests.conftest import seated
from workflows import actions as workflows


def again(case):
    return Case.objects.get(pk=case.pk)


def events(case):
    return list(AuditEvent.objects.filter(subject_type="case", subject_id=case.pk).values_list("verb", flat=True))


def told(case):
    return list(OutboxRow.objects.filter(case_id=case.pk).values_list("event", flat=True))


def test_a_confident_output_goes_straight_through(send):
    case = send(confidence=0.97)

    assert case.state == "closed" or case.sampled
    assert case.released_at and case.releases.count() == 1
    assert told(case) == ["case.released"]


def test_an_unsure_output_is_held_for_review_and_released_as_accepted(send, reviewer):
    case = send(confidence=0.5)
    assert (case.state, case.released_at) == ("review", None)

    actions.accept(case.pk, by=reviewer)

    case = again(case)
    assert (case.state, case.closed_as) == ("closed", "released")
    assert case.releases.get().digest == case.digest
    assert events(case) == ["case.received", "case.accept", "case.release"]
    assert told(case) == ["case.decided", "case.released"]


def test_a_correction_is_kept_field_by_field(send, reviewer):
    case = send(output={"decision": "refund", "note": "x"})

    actions.correct(case.pk, by=reviewer, output={"decision": "reject"}, root_causes={"decision": "model"})

    case = again(case)
    assert case.closed_as == "corrected" and case.standing == {"decision": "reject"} and case.output["decision"] == "refund"
    kept = {(c.field, c.before, c.after, c.root_cause) for c in case.decisions.get().corrections.all()}
    assert kept == {("decision", "refund", "reject", "model"), ("note", "x", None, "")}


def test_a_correction_that_changes_nothing_is_refused(send, reviewer):
    case = send()

    with pytest.raises(ValidationError, match="Nothing was changed"):
        actions.correct(case.pk, by=reviewer, output=case.output)


def test_a_correction_must_fit_the_schema(send, reviewer):
    case = send()

    with pytest.raises(ValidationError) as error:
        actions.correct(case.pk, by=reviewer, output={"decision": 7})
    assert "output.decision" in error.value.message_dict


def test_high_risk_goes_to_approval_and_one_approval_releases_it(send, approver):
    case = send(action={"type": "refund", "amount": 240, "currency": "EUR", "payee": "C-1042"})
    assert (case.state, case.tier, case.requires_approval) == ("approval", "high", True)
    assert case.action_sentence == "Refund 240.00 EUR to C-1042"

    actions.approve(case.pk, by=approver)

    assert again(case).closed_as == "released" and again(case).released_at


def test_an_approver_within_his_limit_only(send, approver):
    case = send(action={"type": "refund", "amount": Decimal("1000.01"), "currency": "EUR"})

    with pytest.raises(PermissionDenied, match="limit"):
        actions.approve(case.pk, by=approver)
    assert AuditEvent.objects.filter(verb="case.approve_refused").count() == 0  # still inside the test's transaction


def test_a_lower_edit_stands_with_the_approval_a_higher_one_needs_another_approver(send, approver, other_approver):
    action = {"type": "refund", "amount": 240, "currency": "EUR"}
    lower, higher = send(action=action), send(action=action)

    actions.approve(lower.pk, by=approver, action={"amount": Decimal("200")})
    actions.approve(higher.pk, by=approver, action={"amount": Decimal("300")})

    assert (again(lower).closed_as, again(lower).amount) == ("corrected", 200)
    assert (again(higher).state, again(higher).released_at) == ("approval", None)
    with pytest.raises(PermissionDenied, match="worked on this content yourself"):
        actions.approve(higher.pk, by=approver)
    actions.approve(higher.pk, by=other_approver)
    assert again(higher).closed_as == "corrected"


BANDS = {
    "amount_bands": [{"currency": "EUR", "amount": 1000, "tier": "high"}],
    "action_from": {"amount": "amount", "currency": "currency"},
}


@pytest.mark.parametrize("rules", [BANDS])
def test_a_vendors_correction_that_raises_the_amount_needs_an_approval(send, vendor_reviewer, rules):
    case = send(output={"decision": "refund", "amount": 50, "currency": "EUR"}, action={"type": "refund"})
    assert (case.state, case.amount, case.requires_approval) == ("review", 50, False)
    Case.objects.filter(pk=case.pk).update(vendor=vendor_reviewer.vendor)

    actions.correct(case.pk, by=vendor_reviewer, output={"decision": "refund", "amount": 5000, "currency": "EUR"})

    case = again(case)
    assert (case.state, case.requires_approval, case.tier, case.released_at) == ("approval", True, "high", None)


def test_escalate_resolve_send_back_and_recall(send, reviewer, resolver):
    case = send()
    actions.escalate(case.pk, by=reviewer, reason="Unclear", category="unclear-request")
    assert (again(case).state, again(case).category.slug) == ("resolution", "unclear-request")
    actions.send_back(case.pk, by=resolver, reason="Look again")
    assert again(case).state == "review"
    actions.escalate(case.pk, by=reviewer, reason="Still unclear")
    actions.escalate(case.pk, by=resolver, reason="Too big for me")
    assert (again(case).state, again(case).requires_approval) == ("approval", True)
    actions.recall(case.pk, by=resolver, reason="I know now")
    assert again(case).state == "resolution"
    actions.resolve(case.pk, by=resolver, reason="Done", output={"decision": "reject"})
    assert again(case).state == "approval"  # what once needed an approval needs it for good


def test_no_action_closes_without_a_release(send, reviewer, resolver):
    case = send()
    actions.escalate(case.pk, by=reviewer, reason="Spam")

    actions.no_action(case.pk, by=resolver, reason="Spam", category="edge-case", new_values={"decision": "spam"})

    case = again(case)
    assert (case.closed_as, case.released_at) == ("no_action", None)
    assert case.decisions.last().corrections.get().is_new_value


def test_reject_and_withdraw_release_nothing(send, approver, integration, stranger):
    rejected, withdrawn = send(action={"type": "refund"}), send()

    actions.reject(rejected.pk, by=approver, reason="Not owed")
    actions.withdraw(withdrawn.pk, by=integration)

    assert (again(rejected).closed_as, again(withdrawn).closed_as) == ("rejected", "withdrawn")
    assert told(withdrawn) == ["case.withdrawn"]
    assert again(rejected).released_at is again(withdrawn).released_at is None


def test_skip_and_hand_over_never_offer_it_to_the_same_person(send, reviewer, refunds, owner):
    other = seated(refunds, "reviewer", owner)
    case = send()
    assert queues.next_case(reviewer).pk == case.pk
    queues.skip(case.pk, by=reviewer, reason="Not my language")
    assert queues.next_case(reviewer) is None
    assert queues.next_case(other).pk == case.pk
    third = seated(refunds, "reviewer", owner)

    actions.hand_over(case.pk, by=other, reason="Lunch", to=third.pk)

    assert queues.next_case(other) is None
    assert queues.next_case(third).pk == case.pk
    with pytest.raises(ValidationError, match="passed this case on"):
        actions.hand_over(case.pk, by=third, reason="No", to=other.pk)


def test_a_claim_bars_everybody_else_until_it_runs_out(send, reviewer, refunds, owner):
    other = seated(refunds, "reviewer", owner)
    case = send()
    queues.claim(case.pk, by=reviewer)

    with pytest.raises(Conflict, match="holds this case"):
        actions.accept(case.pk, by=other)
    with clock.moved(clock.now() + timedelta(hours=1)):
        with pytest.raises(Conflict, match="lease"):
            queues.heartbeat(case.pk, by=reviewer)
        assert queues.next_case(other).pk == case.pk
        actions.accept(case.pk, by=other)
    assert list(case.claims.order_by("id").values_list("ended_by", flat=True)) == ["expired", "accept"]


def test_what_one_escalated_oneself_is_offered_last(send, reviewer, resolver, refunds, owner):
    workflows.seat(reviewer, refunds, "resolver", by=owner)
    own, others, waiting = send(), send(), send()
    actions.escalate(own.pk, by=reviewer, reason="Unclear")
    actions.escalate(others.pk, by=seated(refunds, "reviewer", owner), reason="Unclear")

    offered = [queues.next_case(reviewer).pk for _ in range(3)]

    assert set(offered[:2]) == {others.pk, waiting.pk} and offered[2] == own.pk
    queues.give_back(own.pk, by=reviewer)
    assert queues.next_case(resolver).pk == own.pk


def test_what_was_handed_to_him_by_name_waits_behind_nothing(send, reviewer, resolver, refunds, owner):
    workflows.seat(reviewer, refunds, "resolver", by=owner)
    own, others = send(), send()
    actions.escalate(own.pk, by=reviewer, reason="Unclear")
    actions.escalate(others.pk, by=seated(refunds, "reviewer", owner), reason="Unclear")
    actions.hand_over(own.pk, by=resolver, reason="You know it best", to=reviewer.pk)

    assert queues.next_case(reviewer).pk == own.pk


@pytest.mark.parametrize("rules", [{"grace_seconds": 60}])
def test_within_the_grace_window_the_decider_may_undo(send, reviewer, stranger, machine, integration, rules):
    case = send()
    actions.correct(case.pk, by=reviewer, output={"decision": "reject"})
    assert (again(case).state, again(case).released_at, told(case)) == ("closed", None, [])

    actions.undo(case.pk, by=reviewer)

    case = again(case)
    assert (case.state, case.standing) == ("review", {"decision": "refund"})
    actions.accept(case.pk, by=reviewer, reason="Right after all.")
    with clock.moved(clock.now() + timedelta(seconds=61)):
        with pytest.raises(Conflict, match="over"):
            actions.undo(case.pk, by=reviewer)
        actions.settle_case(case.pk, by=machine)
    assert told(case) == ["case.decided", "case.released"]
    assert OutboxRow.objects.filter(case_id=case.pk, payload__reason="Right after all.", payload__verb="accept").count() == 2


@pytest.mark.parametrize("rules", [{"grace_seconds": 60}])
def test_what_is_undone_is_as_late_as_it_was(send, reviewer, rules):
    case = send()
    due, since = case.due_at, case.desk_since
    with clock.moved(due + timedelta(hours=1)):
        actions.accept(case.pk, by=reviewer)
        assert again(case).due_at is None
        actions.undo(case.pk, by=reviewer)

    case = again(case)
    assert case.desk_since == since and abs(case.due_at - due) < timedelta(seconds=1)


@pytest.mark.parametrize("rules", [{"grace_seconds": 60, "action_tiers": {"refund": "high"}}])
def test_an_undone_approval_expires_when_it_was_to(send, approver, owner, rules):
    high = send(action={"type": "refund", "amount": 240, "currency": "EUR"})
    actions.extend(high.pk, by=owner, reason="The bank is closed.", minutes=5000)
    until = again(high).expires_at

    actions.approve(high.pk, by=approver)
    actions.undo(high.pk, by=approver)

    assert (again(high).state, again(high).expires_at) == ("approval", until) and until > high.expires_at


def test_a_sampled_look_after_release_that_corrects_is_a_rework(refunds, owner, send, reviewer):
    for tier in ("low", "medium", "high"):
        workflows.set_rate(refunds, tier, 1.0, by=owner)
    case = send(confidence=0.99)
    assert (case.state, case.sampled, case.probability) == ("review", True, 1.0) and case.released_at

    actions.correct(case.pk, by=reviewer, output={"decision": "reject"})

    case = again(case)
    assert case.closed_as == "corrected" and case.releases.count() == 2
    assert case.reworks.get().place == "sampled_review"
    assert told(case) == ["case.released", "case.decided", "case.corrected_after_release"]


def test_a_sampled_look_that_agrees_releases_nothing_again(refunds, owner, send, reviewer):
    workflows.set_rate(refunds, "medium", 1.0, by=owner)
    case = send(confidence=0.99)

    actions.accept(case.pk, by=reviewer)

    assert again(case).closed_as == "released" and again(case).releases.count() == 1
    assert told(case) == ["case.released", "case.decided"]


def test_reopen_is_rework_and_its_resolution_a_correction_after_release(send, reviewer, resolver, integration):
    case = send()
    actions.accept(case.pk, by=reviewer)

    actions.reopen(case.pk, by=integration, reason="Customer complained", place="support", minutes=12)
    assert (again(case).state, again(case).reworks.get().minutes) == ("resolution", 12)
    actions.resolve(case.pk, by=resolver, reason="Right now", output={"decision": "reject"})

    assert again(case).releases.count() == 2
    assert told(case)[-1] == "case.corrected_after_release"


def test_too_late_names_what_happened(send, reviewer, refunds, owner):
    other = seated(refunds, "reviewer", owner)
    case = send()
    actions.accept(case.pk, by=other)

    with pytest.raises(Conflict, match=r"closed now: it was (released|accepted)"):
        actions.accept(case.pk, by=reviewer)


def test_a_vendors_case_that_leaves_its_desks_comes_to_the_house(send, reviewer, vendor_reviewer, resolver, approver):
    case = send()
    actions.hand_over(case.pk, by=reviewer, reason="Volume", to=vendor_reviewer.pk)
    assert queues.next_case(vendor_reviewer).pk == case.pk

    actions.escalate(case.pk, by=vendor_reviewer, reason="Unclear")

    assert again(case).vendor is None
    assert queues.next_case(resolver).pk == case.pk
    actions.escalate(case.pk, by=resolver, reason="Too big for me")
    assert queues.next_case(approver).pk == case.pk


@pytest.mark.parametrize("rules", [{"grace_seconds": 60, "action_tiers": {"refund": "high"}}])
def test_a_look_after_release_takes_effect_at_once_and_has_no_undo(refunds, owner, send, reviewer, rules):
    workflows.set_rate(refunds, "medium", 1.0, by=owner)
    case = send(confidence=0.99)

    actions.correct(case.pk, by=reviewer, output={"decision": "reject"})

    assert (again(case).settles_at, again(case).releases.count()) == (None, 2)
    with pytest.raises(Conflict, match="The time to undo is over"):
        actions.undo(case.pk, by=reviewer)


def test_reopening_what_was_never_released_is_no_rework(send, approver, integration):
    case = send(action={"type": "refund"})
    actions.reject(case.pk, by=approver, reason="Not owed")

    actions.reopen(case.pk, by=integration, reason="It is owed after all")

    assert (again(case).state, case.reworks.count()) == ("resolution", 0)


def test_an_approval_may_name_what_it_saw(send, approver, resolver):
    case = send(action={"type": "refund", "amount": 5, "currency": "EUR"})
    seen = bytes(case.digest).hex()
    actions.send_back(case.pk, by=approver, reason="Check it.")
    actions.resolve(case.pk, by=resolver, reason="Checked.", action={"amount": Decimal(6)})

    with pytest.raises(Conflict, match="changed since you saw it"):
        actions.approve(case.pk, by=approver, digest=seen)
    actions.approve(case.pk, by=approver, digest=bytes(again(case).digest).hex())


def test_an_amount_that_somebody_wrote_with_an_exponent_is_told_in_figures(send, reviewer):
    case = send(action={"type": "note", "amount": 5, "currency": "EUR"})

    decided = actions.correct(case.pk, by=reviewer, output=case.output, action={"amount": Decimal("1E3")})

    assert {row.payload["action"]["amount"] for row in OutboxRow.objects.filter(event="case.released")} == {"1000"}
    assert (str(decided.amount), decided.decisions.get().corrections.get().after) == ("1000", "1000")
