"""Who may approve what: chains, limits, delegation, absence, expiry, broken glass, reason codes, and nobody at all."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts import actions as people
from accounts.models import Absence, User
from audit import clock
from audit.models import AuditEvent
from cases import actions, jobs, queues, shapes
from cases.models import Alert, BreakGlassReview, Case, Claim, Decision
from integrations.models import OutboxRow
from integrations.problems import Conflict
from tests import factories
from tests.conftest import seated
from tests.desk import decide
from tests.factories import UserFactory
from tests.test_promises import ADDING, CHANGING, add_by_sql, again, approval, refused, release_of
from workflows import actions as workflows
from workflows.models import Delegation

pytestmark = pytest.mark.django_db

REFUND = {"type": "refund", "amount": 240, "currency": "EUR", "payee": "C-1042"}
LEAD_THEN_FINANCE = [
    {"steps": [{"name": "Team lead"}, {"name": "Finance", "title": "finance"}], "amount": 200, "currency": "EUR"}
]
CHAINED = {"action_tiers": {"refund": "high"}, "chains": LEAD_THEN_FINANCE}
DAY = timedelta(days=1)


@pytest.fixture
def high(send):
    return send(action=REFUND)


@pytest.fixture
def financier(refunds, owner):
    person = UserFactory(username="financier")
    workflows.seat(person, refunds, "approver", by=owner, limits=[("", "EUR", 1000)], title="finance")
    return person


@pytest.fixture
def delegate(db):
    return UserFactory(username="delegate")


def lent(approver, to, by=None, **more):
    said = {"until": clock.now() + DAY, "reason": "A week off", **more}
    return workflows.delegate(approver.seats.get(role="approver"), to, by=by or approver, **said)


def events(subject):
    return list(
        AuditEvent.objects.filter(subject_id=subject.pk, subject_type=subject._meta.model_name).values_list("verb", flat=True)
    )


# Chains


@pytest.mark.parametrize("rules", [CHAINED])
def test_a_chain_is_taken_in_order_each_step_by_its_title(high, approver, other_approver, financier, rules):
    assert [step["name"] for step in high.chain] == ["Team lead", "Finance"] and high.approvals_needed == 2

    actions.approve(high.pk, by=approver)
    with pytest.raises(PermissionDenied, match="“Finance”, is for approvers with the title “finance”"):
        actions.approve(high.pk, by=other_approver)
    actions.approve(high.pk, by=financier)

    assert again(high).released_at
    assert list(high.decisions.values_list("step", "by__username")) == [(0, approver.username), (1, "financier")]


@pytest.mark.parametrize("rules", [CHAINED])
def test_the_database_takes_the_steps_in_order_too(high, approver, other_approver, financier, rules):
    for add in ADDING:
        for by, step in ((financier, 1), (approver, None), (approver, 2), (approver, -1)):
            with refused("an_approval_takes_its_step_of_the_chain", "step_check"):
                add(approval(high, by, step=step))
    approval(high, approver).save()
    for add in ADDING:
        with refused("an_approval_takes_its_step_of_the_chain"):
            add(approval(high, other_approver, step=1))
        with refused("an_approval_takes_its_step_of_the_chain"):
            add(approval(high, other_approver, step=0))
        with refused("high_risk_is_never_released_unapproved"):
            add(release_of(high))
    approval(high, financier, step=1).save()
    release_of(high).save()


@pytest.mark.parametrize("rules", [CHAINED])
def test_an_edit_that_leads_to_a_longer_chain_voids_what_was_approved(send, approver, other_approver, financier, rules):
    case = send(action={**REFUND, "amount": 150})
    assert again(case).approvals_needed == 1

    actions.approve(case.pk, by=approver, action={"amount": Decimal(300)})

    assert (again(case).state, again(case).approvals_needed, len(again(case).chain)) == ("approval", 2, 2)
    actions.approve(case.pk, by=other_approver)
    actions.approve(case.pk, by=financier)
    assert again(case).closed_as == "corrected"


@pytest.mark.parametrize("rules", [CHAINED])
def test_a_changed_chain_is_a_new_revision_and_as_long_as_it_says(high, rules):
    for change in CHANGING:
        with refused("a_changed_chain_is_a_new_revision", "as_many_approvals_as_the_chain_says"):
            change(again(high), chain=[{"name": "Approval", "people": 2, "title": ""}])
        with refused("as_many_approvals_as_the_chain_says"):
            change(again(high), chain=[], revision=2)
        with refused("how_it_was_born_never_changes"):
            change(again(high), born_released=True)


def test_what_was_held_is_released_by_a_decision(send, reviewer):
    held, sampled = send(), send()

    for add in ADDING:
        with refused("what_was_held_is_released_by_a_decision"):
            add(release_of(held))
    Case.objects.filter(pk=held.pk).update(state="closed", closed_as="released", closed_at=timezone.now())
    with refused("what_was_held_is_released_by_a_decision"):
        add_by_sql(release_of(held))
    actions.accept(sampled.pk, by=reviewer)
    assert again(sampled).released_at


# Limits


def test_the_limit_for_the_very_type_of_action_comes_first(send, refunds, owner):
    careful = UserFactory()
    workflows.seat(careful, refunds, "approver", by=owner, limits=[("", "EUR", 1000), ("refund", "EUR", 100)])
    generous = UserFactory()
    workflows.seat(generous, refunds, "approver", by=owner, limits=[("", "EUR", 10), ("refund", "EUR", 500)])
    case = send(action=REFUND)

    assert queues.next_case(careful, desk="approval") is None
    with pytest.raises(PermissionDenied, match=r"limit is 100.00 EUR; this is about 240.00 EUR"):
        actions.approve(case.pk, by=careful)
    for add in ADDING:
        with refused("an_approval_is_within_the_seats_limit"):
            add(approval(case, careful))
    assert queues.next_case(generous, desk="approval") == case
    actions.approve(case.pk, by=generous)
    assert again(case).released_at


# Delegation


def test_a_delegate_approves_for_the_holder_within_his_limit(send, approver, delegate):
    case, beyond = send(action=REFUND), send(action={**REFUND, "amount": 1001})
    given = lent(approver, delegate)

    with pytest.raises(PermissionDenied, match=r"limit of whoever delegated to you is 1,000.00 EUR"):
        actions.approve(beyond.pk, by=delegate)
    assert queues.next_case(delegate, desk="approval") == case
    actions.approve(case.pk, by=delegate)

    assert case.decisions.get().delegation == given
    assert f"was approved by delegate for {approver}" in [sentence for _, sentence in shapes.sentences(shapes.story(case))]
    assert Case.objects.visible_to(delegate).filter(pk=beyond.pk).exists()


def test_a_delegation_holds_between_its_dates_and_until_it_is_ended(high, approver, delegate):
    given = lent(approver, delegate, since=clock.now() + timedelta(hours=1))

    with pytest.raises(PermissionDenied):
        actions.approve(high.pk, by=delegate)
    with refused("only_in_house_approves"):
        add_by_sql(approval(high, delegate, delegation=given))
    with clock.moved(timezone.now() + timedelta(hours=2)):
        workflows.end_delegation(given, by=approver)
        with pytest.raises(PermissionDenied):
            actions.approve(high.pk, by=delegate)
        with refused("only_in_house_approves"):
            add_by_sql(approval(high, delegate, delegation=given, at=clock.now() + timedelta(minutes=1)))
    assert events(given) == ["delegation.give", "delegation.end"]


def test_whoever_delegates_and_who_may(approver, delegate, stranger, owner, vendor_reviewer):
    for to, why in ((approver, "Nobody delegates to himself"), (vendor_reviewer, "Choose an active in-house person")):
        with pytest.raises(ValidationError, match=why):
            lent(approver, to)
    with pytest.raises(PermissionDenied, match="Only"):
        lent(approver, delegate, by=stranger)
    lent(approver, delegate, by=owner)  # who owns the risk


def test_the_database_knows_who_delegates_to_whom(approver, other_approver, delegate, vendor_reviewer, reviewer, owner):
    def to(person, holder=approver, role="approver", **more):
        said = {"until": timezone.now() + DAY, "reason": "x", "given_by": owner, **more}
        return Delegation(seat=holder.seats.get(role=role), to=person, **said)

    lent(approver, other_approver)
    for add in ADDING:
        with refused("nobody_delegates_to_himself", "delegations_never_go_round"):
            add(to(approver))
        for wrong in (to(vendor_reviewer), to(delegate, reviewer, "reviewer")):
            with refused("only_in_house_delegates"):
                add(wrong)
        with refused("delegations_never_go_round"):
            add(to(approver, other_approver))
        with refused("a_delegation_ends_after_it_begins"):
            add(to(delegate, until=timezone.now() - DAY))
    for change in CHANGING:
        for values in ({"to_id": delegate.pk}, {"until": timezone.now() + 9 * DAY}):
            with refused("a_delegation_is_only_ended"):
                change(Delegation.objects.get(), **values)
    with refused("permission denied"):
        Delegation.objects.all()._raw_delete("default")


def test_delegations_never_go_round_through_a_third(approver, other_approver, financier):
    lent(approver, other_approver)
    lent(other_approver, financier)

    with pytest.raises(ValidationError, match="Authority never goes round"):
        lent(financier, approver)


@pytest.mark.parametrize(
    "rules", [{"action_tiers": {"refund": "high"}, "chains": [{"steps": [{"name": "Approval", "people": 2}]}]}]
)
def test_an_approver_and_his_delegate_are_one(high, approver, delegate, rules):
    given = lent(approver, delegate)
    actions.approve(high.pk, by=approver)

    with pytest.raises(PermissionDenied, match="approved this content already"):
        actions.approve(high.pk, by=delegate)
    for add in ADDING:
        with refused("an_approver_and_his_delegate_are_one"):
            add(approval(high, delegate, delegation=given))


def test_what_the_delegator_made_his_delegate_does_not_check(high, approver, delegate):
    given = lent(approver, delegate)
    Decision.objects.bulk_create([approval(high, approver, verb="resolve", desk="resolution")])

    assert queues.next_case(delegate, desk="approval") is None
    for verb in ("approve", "reject"):
        with pytest.raises(PermissionDenied, match="Whoever delegated to you worked on this"):
            getattr(actions, verb)(high.pk, by=delegate, reason="For him")
        for add in ADDING:
            with refused("maker_is_not_checker"):
                add(approval(high, delegate, delegation=given, verb=verb))


@pytest.mark.parametrize("leaver", ["approver", "delegate"])
def test_who_joins_a_vendor_loses_what_was_delegated(request, high, approver, delegate, vendor, leaver):
    given = lent(approver, delegate)

    User.objects.filter(pk=request.getfixturevalue(leaver).pk).update(vendor=vendor)

    assert Delegation.objects.get(pk=given.pk).ended_at
    with refused("only_in_house_approves"):
        add_by_sql(approval(high, User.objects.get(pk=delegate.pk), delegation=given, at=timezone.now()))


# Absence


def test_who_is_away_approves_nothing_until_he_is_back(high, approver):
    people.be_absent(approver, by=approver, until=clock.now() + DAY)

    assert queues.next_case(approver) is None
    with pytest.raises(PermissionDenied, match=r"You are marked absent until .* Say that you are back first"):
        actions.approve(high.pk, by=approver)
    for add in ADDING:
        with refused("an_absent_person_approves_nothing"):
            add(approval(high, approver))
    people.come_back(approver, by=approver)
    actions.approve(high.pk, by=approver)
    assert events(approver) == ["user.be_absent", "user.come_back"]


def test_an_absence_ends_by_itself_on_the_return_date(high, approver):
    people.be_absent(approver, by=approver, until=clock.now() + DAY)

    with clock.moved(timezone.now() + DAY + timedelta(minutes=1)):
        actions.approve(high.pk, by=approver)


def test_what_the_absent_hold_is_offered_to_others(send, reviewer, refunds, owner):
    other, case = seated(refunds, "reviewer", owner), send()
    queues.claim(case.pk, by=reviewer)
    handed = send()
    Case.objects.filter(pk=handed.pk).update(assigned_to=reviewer)

    people.be_absent(reviewer, by=reviewer, until=clock.now() + DAY)
    jobs.end_expired_claims()

    assert Claim.objects.get(case=case).ended_by == "absent"
    assert {queues.next_case(other), queues.next_case(other)} == {case, handed}
    with pytest.raises(ValidationError, match="is away"):
        actions.hand_over(case.pk, by=other, reason="Yours", to=reviewer.pk)


def test_only_oneself_or_an_administrator_says_who_is_away(approver, stranger):
    with pytest.raises(PermissionDenied, match=r"Only .* or an administrator"):
        people.be_absent(approver, by=stranger, until=clock.now() + DAY)

    people.be_absent(approver, by=UserFactory(office="administrator"), until=clock.now() + DAY)
    assert events(approver) == ["user.be_absent"]


def test_the_database_knows_who_stands_in(approver, delegate, vendor_reviewer):
    until = timezone.now() + DAY
    for add in ADDING:
        with refused("only_in_house_stands_in"):
            add(Absence(user=approver, until=until, stand_in=vendor_reviewer))
        with refused("nobody_stands_in_for_himself"):
            add(Absence(user=approver, until=until, stand_in=approver))
    away = Absence.objects.create(user=approver, until=until)
    for change in CHANGING:
        for values in ({"until": until + DAY}, {"stand_in_id": delegate.pk}, {"user_id": delegate.pk}):
            with refused("an_absence_is_only_ended"):
                change(Absence.objects.get(pk=away.pk), **values)


def test_an_absent_owners_stand_in_owns_for_him(refunds, owner, delegate, high):
    with pytest.raises(PermissionDenied):
        workflows.stop(refunds, by=delegate, reason="Wrong answers")
    people.be_absent(owner, by=owner, until=clock.now() + DAY, stand_in=delegate)

    workflows.stop(refunds, by=delegate, reason="Wrong answers")
    actions.extend(high.pk, by=delegate, reason="He is away", minutes=4320)
    actions.approve(high.pk, by=delegate, break_glass=True, reason="He is away")

    assert again(high).released_at


# Expiry


def after_expiry(case):
    return clock.moved(again(case).expires_at + timedelta(seconds=1))


def test_an_expired_approval_is_the_owner_of_risks(high, approver, owner):
    with after_expiry(high):
        jobs.expire_approvals()
        jobs.expire_approvals()
        assert queues.next_case(approver, desk="approval") is None
        for verb in ("approve", "reject", "send_back"):
            with pytest.raises(Conflict, match="owner, who owns the risk, decides now"):
                getattr(actions, verb)(high.pk, by=approver, reason="Late")
        for add in ADDING:
            with refused("an_expired_approval_is_not_given"):
                add(approval(high, approver, at=clock.now()))

        assert events(high).count("case.expire") == 1 and again(high).state == "approval"
        [alert] = Alert.objects.open().visible_to(owner, clock.now())
        assert alert.code == "approval_expired"
        actions.extend(high.pk, by=owner, reason="It was a holiday", minutes=60)
        assert not Alert.objects.open().exists()
        actions.approve(high.pk, by=approver)
    assert again(high).released_at


@pytest.mark.parametrize("verb", ["reject", "send_back"])
def test_the_owner_of_risk_rejects_or_sends_back_what_expired_and_not_before(high, owner, verb):
    with pytest.raises(PermissionDenied, match="you need a seat as approver"):
        getattr(actions, verb)(high.pk, by=owner, reason="No")
    with refused("only_in_house_approves"):
        add_by_sql(approval(high, owner, verb=verb))

    with after_expiry(high):
        getattr(actions, verb)(high.pk, by=owner, reason="No")

    assert again(high).state == {"reject": "closed", "send_back": "resolution"}[verb]
    assert again(high).expires_at is None


def test_only_the_owner_of_risk_extends(high, approver, stranger):
    for person in (approver, stranger):
        with pytest.raises(PermissionDenied, match="Only the owner of risk"):
            actions.extend(high.pk, by=person, reason="More time", minutes=5)


# Breaking the glass


def test_the_owner_of_risk_breaks_the_glass_and_another_reviews_it(send, owner, approver, stranger):
    case = send(action={**REFUND, "amount": 5000})

    with pytest.raises(ValidationError, match="Say why"):
        actions.approve(case.pk, by=owner, break_glass=True)
    actions.approve(case.pk, by=owner, break_glass=True, reason="Nobody else may")

    assert again(case).released_at and "case.break_glass" in events(case)
    review = BreakGlassReview.objects.get()
    assert review.due_at > clock.now() and review.due_at.isoweekday() <= 6
    for person, why in ((owner, "You broke this glass yourself"), (stranger, "reviewed by an owner")):
        with pytest.raises(PermissionDenied, match=why):
            actions.review_break_glass(case.pk, by=person, verdict="kept")
    actions.review_break_glass(case.pk, by=UserFactory(office="auditor"), verdict="objected", note="He might have waited")
    assert BreakGlassReview.objects.get().verdict == "objected"
    with pytest.raises(Conflict):
        actions.review_break_glass(case.pk, by=UserFactory(office="auditor"), verdict="kept")


@pytest.mark.parametrize("rules", [CHAINED])
def test_breaking_the_glass_takes_one_step_and_skips_none(high, owner, approver, rules):
    actions.approve(high.pk, by=owner, break_glass=True, reason="The lead is away")

    assert again(high).state == "approval"
    with pytest.raises(PermissionDenied, match="approved this content already"):
        actions.approve(high.pk, by=owner, break_glass=True, reason="Finance, too")
    with refused("high_risk_is_never_released_unapproved"):
        add_by_sql(release_of(high))


def test_the_database_knows_who_breaks_glass(high, owner, approver, refunds):
    workflows.own(refunds, "risk", approver, by=owner)
    broken = {"break_glass": True, "reason": "Now"}
    for add in ADDING:
        with refused("only_the_owner_of_risk_breaks_glass", "only_in_house_approves"):
            add(approval(high, owner, **broken))
        with refused("who_breaks_glass_approves_and_says_why"):
            add(approval(high, approver, break_glass=True))
    Decision.objects.bulk_create([approval(high, approver, verb="resolve", desk="resolution")])
    for add in ADDING:
        with refused("maker_is_not_checker"):
            add(approval(high, approver, **broken))
    with pytest.raises(PermissionDenied, match="worked on this content yourself"):
        actions.approve(high.pk, by=approver, **broken)


def test_nobody_breaks_the_glass_in_the_place_of_somebody_who_worked_on_it(high, owner, refunds, stranger):
    maker = UserFactory(username="maker")
    workflows.own(refunds, "risk", maker, by=owner)
    people.be_absent(maker, by=maker, until=clock.now() + DAY, stand_in=stranger)
    Decision.objects.bulk_create([approval(high, maker, verb="resolve", desk="resolution", step=None)])

    with pytest.raises(PermissionDenied, match="stand in for somebody who worked on this content"):
        actions.approve(high.pk, by=stranger, break_glass=True, reason="Now")
    for add in ADDING:
        with refused("only_the_owner_of_risk_breaks_glass"):
            add(approval(high, stranger, break_glass=True, reason="Now"))

    workflows.own(refunds, "risk", stranger, by=factories.administrator())
    actions.approve(high.pk, by=stranger, break_glass=True, reason="Now")


def test_nobody_breaks_the_glass_in_the_place_of_whoever_is_behind_the_sender(high, owner, refunds, stranger):
    behind = high.sender.answers_for
    workflows.own(refunds, "risk", behind, by=owner)
    people.be_absent(behind, by=behind, until=clock.now() + DAY, stand_in=stranger)

    with pytest.raises(PermissionDenied, match="stand in for somebody who worked on this content"):
        actions.approve(high.pk, by=stranger, break_glass=True, reason="Now")
    for add in ADDING:
        with refused("only_the_owner_of_risk_breaks_glass"):
            add(approval(high, stranger, break_glass=True, reason="Now"))


def test_the_database_knows_who_reviews_a_broken_glass(high, owner, approver, vendor_reviewer):
    actions.approve(high.pk, by=owner, break_glass=True, reason="Now")
    said = {"reviewed_at": timezone.now(), "verdict": "kept"}
    for change in CHANGING:
        for person in (owner, vendor_reviewer):
            with refused("nobody_reviews_the_glass_he_broke"):
                change(BreakGlassReview.objects.get(), reviewed_by_id=person.pk, **said)
        with refused("a_broken_glass_is_reviewed_once"):
            change(BreakGlassReview.objects.get(), due_at=timezone.now() + 9 * DAY)
    BreakGlassReview.objects.update(reviewed_by=approver, **said)
    for change in CHANGING:
        with refused("a_broken_glass_is_reviewed_once"):
            change(BreakGlassReview.objects.get(), verdict="objected")


def test_a_broken_glass_that_nobody_reviewed_is_told(high, owner):
    actions.approve(high.pk, by=owner, break_glass=True, reason="Now")

    with clock.moved(clock.now() + 4 * DAY):
        jobs.remind_of_broken_glass()
        jobs.remind_of_broken_glass()

    assert Alert.objects.get().code == "review_overdue"


# Nobody can


def test_what_nobody_can_approve_is_named_within_a_minute_and_settled_when_somebody_can(send, refunds, owner, approver):
    fine, beyond = send(action=REFUND), send(action={**REFUND, "amount": 5000})
    assert jobs.SCHEDULES["name what nobody can approve"][1] <= 40

    jobs.name_what_nobody_can_approve()
    jobs.name_what_nobody_can_approve()

    [alert] = Alert.objects.open().visible_to(owner, clock.now())
    assert alert.case == beyond and "1 limited below 5,000.00 EUR" in alert.says
    assert events(beyond).count("case.alert") == 1 and "case.alert" not in events(fine)
    seated(refunds, "approver", owner, EUR=9000)
    jobs.name_what_nobody_can_approve()
    assert not Alert.objects.open().exists()


def _away(person, case):
    people.be_absent(person, by=person, until=clock.now() + DAY)


def _maker(person, case):
    Decision.objects.bulk_create([approval(case, person, verb="resolve", desk="resolution")])


def _left(person, case):
    person.seats.update(ended_at=timezone.now())


@pytest.mark.parametrize(
    ("gone", "says"), [(_away, "1 away"), (_maker, "1 worked on it"), (_left, "nobody holds an approver's seat")]
)
def test_why_nobody_can_approve_is_said(high, approver, gone, says):
    gone(approver, high)

    jobs.name_what_nobody_can_approve()

    assert says in Alert.objects.get().says


@pytest.mark.parametrize("rules", [CHAINED])
def test_a_chain_that_lacks_one_of_its_people_is_named(high, approver, other_approver, refunds, owner, rules):
    jobs.name_what_nobody_can_approve()
    assert "2 people, among them with the title “finance”" in Alert.objects.get().says

    workflows.seat(UserFactory(), refunds, "approver", by=owner, limits=[("", "EUR", 1000)], title="finance")
    jobs.name_what_nobody_can_approve()
    assert not Alert.objects.open().exists()


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "grace_seconds": 60}])
def test_what_may_not_take_effect_is_told_to_the_owner_of_risk(high, approver, vendor, rules):
    actions.approve(high.pk, by=approver)
    User.objects.filter(pk=approver.pk).update(vendor=vendor)

    with clock.moved(timezone.now() + timedelta(seconds=61)):
        jobs.settle_due()

    assert "high risk is never released unapproved" in Alert.objects.get(code="not_released").says


def test_an_alert_is_only_settled(high, owner):
    Alert.objects.create(case=high, to="risk", code="approval_expired", says="x", raised_at=timezone.now())

    for change in CHANGING:
        with refused("an_alert_is_only_settled"):
            change(Alert.objects.get(), raised_at=timezone.now() + DAY)
    with refused("permission denied"):
        Alert.objects.all()._raw_delete("default")


# Reason codes

CODES = [
    {"code": "owed", "label": "It is owed", "verbs": ["approve"]},
    {"code": "fraud", "label": "Fraud", "verbs": ["reject"]},
]


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "reason_codes": CODES}])
def test_where_the_policy_lists_reasons_one_is_chosen_kept_and_told(high, approver, rules):
    for given in ({}, {"reason_code": "fraud"}):
        with pytest.raises(ValidationError, match="Choose a reason code: owed"):
            actions.approve(high.pk, by=approver, **given)

    actions.approve(high.pk, by=approver, reason_code="owed")

    assert high.decisions.get().reason_code == "owed"
    assert OutboxRow.objects.filter(case_id=high.pk, event="case.decided").get().payload["reason_code"] == "owed"


def test_where_it_lists_none_none_is_taken(high, approver):
    with pytest.raises(ValidationError, match="lists no reason codes"):
        actions.approve(high.pk, by=approver, reason_code="owed")


# The pages


def test_a_seat_is_delegated_and_an_absence_said_from_their_pages(client, approver, delegate):
    seat = approver.seats.get()
    client.force_login(approver)
    until = (timezone.now() + 9 * DAY).strftime("%Y-%m-%d %H:%M")

    wrong = client.post(
        f"/admin/workflows/workflow/seats/{seat.pk}/delegate/",
        {"to": delegate.pk, "until": "2020-01-01 10:00", "reason": "A week off"},
    )
    client.post(
        f"/admin/workflows/workflow/seats/{seat.pk}/delegate/", {"to": delegate.pk, "until": until, "reason": "A week off"}
    )
    client.post(f"/admin/accounts/user/{approver.pk}/absent/", {"until": until, "stand_in": delegate.pk})

    assert wrong.status_code == 422 and "A week off" in wrong.content.decode()
    assert Delegation.objects.get().to == delegate and Absence.objects.get().stand_in == delegate
    client.post(f"/admin/accounts/user/{approver.pk}/back/")
    assert not Absence.objects.not_over(clock.now()).exists()


def test_the_owner_of_risk_sees_what_needs_him_and_extends_it_there(client, high, owner):
    with after_expiry(high):
        jobs.expire_approvals()
    client.force_login(owner)

    assert "What needs you" in client.get("/admin/").content.decode()
    assert "The time to approve ran out" in client.get(f"/admin/cases/case/{high.pk}/change/").content.decode()
    decide(client, high, "extend", minutes=4320, reason="A holiday")
    decide(client, high, "break_glass", reason="Nobody is here")
    assert again(high).released_at


def test_over_rest(client, key, high, owner, approver):
    manager = UserFactory(office="manager")
    keys = {person: key(person) for person in (owner, approver, manager)}

    def post(verb, person, body):
        return client.post(f"/api/v1/cases/{high.pk}/{verb}/", body, content_type="application/json", **keys[person])

    assert post("extend", approver, {"reason": "More", "minutes": 5}).status_code == 403
    assert post("extend", owner, {"reason": "More", "minutes": 4320}).status_code == 200
    assert post("approve", owner, {"break_glass": True}).status_code == 422
    assert post("approve", owner, {"break_glass": True, "reason": "Now"}).json()["closed_as"] == "released"
    assert post("review-break-glass", owner, {"verdict": "kept"}).status_code == 403
    assert post("review-break-glass", manager, {"verdict": "kept"}).status_code == 200
