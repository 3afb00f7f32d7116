"""The demo is made by the real verbs: the ledger verifies, every part of the rules has happened, and work is waiting for everybody."""

from collections import Counter

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Absence, User
from audit import clock
from audit.models import AuditEvent
from cases.models import (
    Alert,
    BreakGlassReview,
    Case,
    Decision,
    Inquiry,
    Notice,
    OwnAnswer,
    Pause,
    Question,
    Release,
    Replay,
    Ruling,
    Stuck,
)
from cases.trigger_log import NOT_TRIGGERS
from improvements.models import Finding
from workflows.models import Calendar, Delegation, Engagement, Mandate, Policy, Workflow

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.long
def test_the_demo_keeps_every_promise_and_shows_every_part_of_the_rules(capsys):
    call_command("demo")

    call_command("verify_audit", "--no-progress")
    work_is_waiting_for_everybody()
    no_high_risk_went_unapproved()
    the_past_is_eight_weeks_long()
    every_workflow_has_two_versions_and_refunds_a_draft_with_its_replay()
    every_trigger_fires_now_and_then_and_none_too_often()
    a_chain_was_taken_with_a_lent_seat()
    an_absent_owner_has_a_stand_in()
    a_glass_was_broken_and_reviewed()
    the_owner_of_risk_hears_what_nobody_can_approve_and_what_expired()
    assert Calendar.objects.get(workflows__isnull=False).workflows.get().slug == "invoice-capture"
    two_vendors_work_within_their_engagements()
    some_wait_some_are_late_and_the_list_says_so()
    somebody_is_asked_and_rita_has_heard_of_it()
    what_was_flagged_asked_and_answered_blind_is_there_to_be_seen()
    with pytest.raises(CommandError, match="empty database only"):
        call_command("demo")
    assert "hd_live_" in capsys.readouterr().out


def work_is_waiting_for_everybody():
    assert {"review", "resolution", "approval", "closed"} == set(Case.objects.values_list("state", flat=True))
    assert set(Case.objects.open().values_list("vendor__name", flat=True)) == {None, "Lisbon Support", "Manila Assist"}
    ours = Counter(Case.objects.open().filter(vendor=None).values_list("state", flat=True))
    assert ours["review"] > 2 and ours["resolution"] > 2, ours  # at whatever hour somebody looks at it first


def somebody_is_asked_and_rita_has_heard_of_it():
    asked = Inquiry.objects.open().get()
    assert asked.has_link(clock.now()) and asked.case.comments.get().kind == "note"
    assert list(Notice.objects.unread().filter(case=asked.case).values_list("to__username", flat=True)) == ["rita"]


def what_was_flagged_asked_and_answered_blind_is_there_to_be_seen():
    assert Finding.objects.open().get().flags.count() == 2
    assert Question.objects.open().count() == 1
    assert Ruling.objects.get().example.section.is_draft
    assert OwnAnswer.objects.filter(differs=[]).exists() and OwnAnswer.objects.exclude(differs=[]).exists()


def two_vendors_work_within_their_engagements():
    held = Engagement.objects.at(clock.now())
    assert {(each.vendor.name, each.coverage.time_zone) for each in held} == {
        ("Lisbon Support", "Europe/Lisbon"),
        ("Manila Assist", "Asia/Manila"),
    }
    assert Mandate.objects.at(clock.now()).count() == 6
    assert set(User.objects.filter(office="vendor_lead").values_list("vendor__name", flat=True)) == {
        "Lisbon Support",
        "Manila Assist",
    }


def no_high_risk_went_unapproved():
    assert not Release.objects.filter(case__requires_approval=True).exclude(case__decisions__verb="approve").exists()


def the_past_is_eight_weeks_long():
    first = AuditEvent.objects.filter(verb="case.received").order_by("at").first()
    assert (Case.objects.order_by("received_at").last().received_at - first.at).days > 50


def every_workflow_has_two_versions_and_refunds_a_draft_with_its_replay():
    for workflow in Workflow.objects.all():
        versions = workflow.policies.published().order_by("version")
        assert [version.version for version in versions] == [1, 2]
        assert len({version.reason for version in versions}) == 2
        assert Case.objects.filter(policy=versions[1]).count() > 30
    draft = Policy.objects.get(published_at=None)
    made = Replay.objects.get()
    assert (draft.workflow.slug, made.policy) == ("refunds", draft)
    assert made.finished_at and made.counted > 30 and made.result["changed"]


def every_trigger_fires_now_and_then_and_none_too_often():
    for workflow in Workflow.objects.all():
        version = workflow.policy
        cases = list(Case.objects.filter(policy=version))
        fired = Counter(name for case in cases for name in {r["name"] for r in case.reasons if r["kind"] not in NOT_TRIGGERS})
        assert set(fired) == {trigger["name"] for trigger in version.rules["triggers"]}
        assert max(fired.values()) <= 0.15 * len(cases)


def a_chain_was_taken_with_a_lent_seat():
    lent = Delegation.objects.get()
    step = Decision.objects.get(delegation=lent)
    assert (step.by.username, step.step) == ("frieda", 1)
    assert step.case.closed_as == "released"


def an_absent_owner_has_a_stand_in():
    away = Absence.objects.at(clock.now()).get()
    assert (away.user.username, away.stand_in.username) == ("marc", "olga")


def a_glass_was_broken_and_reviewed():
    review = BreakGlassReview.objects.get()
    assert (review.decision.by.username, review.reviewed_by.username, review.verdict) == ("rosa", "audrey", "kept")


def some_wait_some_are_late_and_the_list_says_so():
    assert sorted(Pause.objects.open().values_list("kind", flat=True)) == ["customer", "snooze", "team", "team"]
    assert Case.objects.open().filter(priority__gt=0).exists()
    assert Alert.objects.open().filter(to="exceptions", code="overdue").exists()
    assert {"overdue", "not_back", "expired"} <= set(Stuck.objects.values_list("why", flat=True))


def the_owner_of_risk_hears_what_nobody_can_approve_and_what_expired():
    open_ = Alert.objects.open().filter(to="risk")
    assert sorted(open_.values_list("code", flat=True)) == ["approval_expired", "nobody_can_approve"]
