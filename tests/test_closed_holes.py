"""What an attack on the merged authority got through once. Each test failed before its hole was closed."""

import json
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from accounts import actions as people
from audit import acting, clock, trail
from audit.models import AuditEvent
from cases import actions
from cases.chains import as_steps
from cases.facts import facts_of
from cases.models import Case, Decision
from hitlsite.signin import needs_second_factor
from tests import factories
from tests.conftest import seated
from tests.factories import UserFactory
from tests.test_promises import (
    ADDING,
    CHANGING,
    OUT_OF_SIGHT,
    again,
    approval,
    for_nobody,
    for_vendor,
    refused,
    release_of,
    sql,
)
from workflows import actions as workflows
from workflows.models import ApprovalLimit, Delegation, Owner, Policy, Seat
from workflows.patterns import TIERS, Rules
from workflows.routing import Dial, chain_for, compile_policy, route

pytestmark = pytest.mark.django_db

REFUND = {"type": "refund", "amount": 240, "currency": "EUR", "payee": "C-1042"}
DAY = timedelta(days=1)


@pytest.fixture
def high(send):
    return send(action=REFUND)


def lent(approver, to, by=None, **more):
    return workflows.delegate(
        approver.seats.get(), to, by=by or approver, **{"until": clock.now() + DAY, "reason": "Away", **more}
    )


# Time


def test_no_decision_is_dated_back(high, approver, stranger):
    """Not to use a delegation that is over, nor to come before an expiry."""
    given = lent(approver, stranger)
    workflows.end_delegation(given, by=approver)

    for add in ADDING:
        with refused("no_decision_is_dated_back"):
            add(approval(high, stranger, delegation=given, at=given.since - timedelta(minutes=2)))
        with (
            refused("no_decision_is_dated_back"),
            clock.moved(timezone.now() - DAY),
        ):  # only the owner's moved clock is believed
            add(approval(high, approver, at=timezone.now() - DAY))


def test_no_release_is_dated_back(high, approver):
    approval(high, approver).save()
    for add in ADDING:
        with refused("no_release_is_dated_back"):
            add(release_of(high, at=timezone.now() - DAY))


def test_only_the_owner_of_risk_extends_an_approval(high, approver, owner):
    for change in CHANGING:
        for moment in (timezone.now() + 9 * DAY, timezone.now() - DAY, None):
            with refused("only_the_owner_of_risk_extends_an_approval"):
                change(again(high), expires_at=moment)
    until = timezone.now() + 9 * DAY
    trail.record("case.extend", by=approver, subject=high, until=until)
    with refused("only_the_owner_of_risk_extends_an_approval"):
        Case.objects.filter(pk=high.pk).update(expires_at=until)

    actions.extend(high.pk, by=owner, reason="A holiday", minutes=60 * 24 * 9)

    assert again(high).expires_at > until


@pytest.mark.parametrize("minutes", [0, -5, 5, 10**15])
def test_an_extension_gives_more_time_within_reason(high, owner, minutes):
    before = again(high).expires_at

    with pytest.raises(ValidationError):
        actions.extend(high.pk, by=owner, reason="Hurry", minutes=minutes)

    assert again(high).expires_at == before


# What the policy asks


def raised(case, **values):
    Case.objects.filter(pk=case.pk).update(revision=again(case).revision + 1, **values)
    return again(case)


def accepted(case, by):
    Decision(case=case, by=by, verb="accept", desk="review", to="closed", digest=case.digest, at=timezone.now()).save()


BAND = {"amount_bands": [{"currency": "EUR", "amount": "50.00", "tier": "high"}]}


@pytest.mark.parametrize("rules", [BAND, {"action_tiers": {"refund": "high"}}])
def test_an_amount_raised_past_the_verbs_is_not_released_unapproved(send, reviewer, rules):
    case = raised(send(confidence=0.1), action_type="refund", amount=99_999, currency="EUR")
    accepted(case, reviewer)

    for add in ADDING:
        with refused("no_release_has_fewer_approvals_than_its_policy_asks"):
            add(release_of(case))


CHAIN = {"steps": [{"name": "Lead"}, {"name": "Finance", "title": "finance"}], "amount": "200", "currency": "EUR"}


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "chains": [CHAIN]}])
def test_a_chain_rewritten_without_its_titles_releases_nothing(high, approver, other_approver):
    case = raised(high, chain=[{"name": "Approval", "people": 2, "title": ""}])
    approval(case, approver).save()
    approval(case, other_approver).save()

    for add in ADDING:
        with refused("no_release_has_fewer_approvals_than_its_policy_asks"):
            add(release_of(case))


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "chains": [CHAIN]}])
def test_a_chain_that_was_kept_from_before_an_edit_still_releases(high, approver, refunds, owner):
    """An edit to less leaves the longer chain: it is more than the policy asks, not less."""
    finance = UserFactory()
    workflows.seat(finance, refunds, "approver", by=owner, limits=[("", "EUR", 1000)], title="finance")

    actions.approve(high.pk, by=approver, action={"amount": Decimal(20)})
    actions.approve(high.pk, by=finance)

    assert again(high).released_at


AMOUNTS = st.sampled_from([None, *map(Decimal, ("0", "9.99", "10", "50.000", "200", "999999"))])
TYPES, MONEY, TIER = st.sampled_from(["", "refund", "waiver"]), st.sampled_from(["EUR", "USD"]), st.sampled_from(TIERS)
STEPS = st.lists(
    st.fixed_dictionaries({"name": st.just("A")}, optional={"people": st.integers(1, 3), "title": st.just("x")}),
    min_size=1,
    max_size=2,
)
CHAINS = st.fixed_dictionaries({"steps": STEPS}, optional={"action_type": TYPES, "tier": TIER, "currency": MONEY}).flatmap(
    lambda chain: AMOUNTS.map(
        lambda amount: {
            **chain,
            "amount": amount if amount is None else str(amount),
            **({"currency": "EUR"} if amount is not None else {}),
        }
    )
)
BANDS = st.fixed_dictionaries({"currency": MONEY, "amount": AMOUNTS.filter(bool).map(float), "tier": TIER})
RULES = st.fixed_dictionaries(
    {"tiers": st.just(factories.TIERS)},
    optional={
        "default_tier": TIER,
        "action_tiers": st.dictionaries(TYPES, TIER),
        "segment_tiers": st.dictionaries(st.sampled_from(["", "vip"]), TIER),
        "amount_bands": st.lists(BANDS, max_size=3),
        "chains": st.lists(CHAINS, max_size=4),
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RULES, TYPES, AMOUNTS, MONEY, st.sampled_from(["", "vip"]))
def test_the_database_asks_for_what_routing_asks_for(db, written, action_type, amount, currency, segment):
    rules = msgspec.convert(written, Rules, strict=False)
    action = {"type": action_type, "amount": amount, "currency": currency, "payee": ""}
    facts = facts_of(input={}, output={}, action=action, confidence=None, received_at=timezone.now(), segment=segment)
    way = route(facts, compile_policy(rules, {}, {}), Dial(), draw=1.0)

    [[tier]] = sql("SELECT tier_asked(%s, 'low', %s, %s, %s, %s)", Jsonb(written), segment, action_type, amount, currency)
    [[chain]] = sql("SELECT chain_asked(%s, %s, %s, %s, %s)", Jsonb(written), tier, action_type, amount, currency)

    assert tier == way.tier
    assert json.loads(chain) == as_steps(chain_for(action, tier, rules))


def test_what_says_it_was_born_released_is_not_where_its_policy_asks_for_an_approval(high):
    """A case written past intake, its tier and its need of an approval left out."""
    copied = "external_id, requires_approval, approvals_needed, chain, tier, born_released"
    rest = [
        field.column
        for field in Case._meta.local_concrete_fields
        if not field.generated and field.column not in ("id", *copied.split(", "))
    ]
    names = ", ".join(f'"{name}"' for name in rest)
    sql(
        f"INSERT INTO cases_case ({copied}, {names}) SELECT 'X-1', false, 0, '[]', 'low', true, {names} FROM cases_case WHERE id = %s",
        high.pk,
    )

    for add in ADDING:
        with refused("no_release_has_fewer_approvals_than_its_policy_asks"):
            add(release_of(Case.objects.get(external_id="X-1")))


# Seats, limits, delegations


def test_a_seat_is_only_ended(approver, stranger, owner, refunds):
    seat = approver.seats.get()
    values = [{"user_id": stranger.pk}, {"title": "finance"}, {"since": timezone.now() - 9 * DAY}, {"role": "reviewer"}]
    for change in CHANGING:
        for value in values:
            with refused("a_seat_is_only_ended"):
                change(Seat.objects.get(pk=seat.pk), **value)
    workflows.end_seat(seat, by=owner)
    for change in CHANGING:
        with refused("a_seat_is_only_ended"):
            change(Seat.objects.get(pk=seat.pk), ended_at=None)


def test_only_who_owns_the_risk_or_administers_appoints_approvers(approver, stranger, refunds, vendor_reviewer):
    limit = approver.seats.get().limits.get()
    for giver in (None, stranger, vendor_reviewer, approver):
        for add in ADDING:
            with refused("only_who_owns_the_risk_or_administers_seats_an_approver"):
                add(
                    Seat(
                        user=stranger if giver != stranger else UserFactory(), workflow=refunds, role="approver", given_by=giver
                    )
                )
            with refused("only_who_owns_the_risk_or_administers_sets_a_limit", "nobody_sets_his_own_limit"):
                add(ApprovalLimit(seat=limit.seat, currency="USD", amount=10**6, set_by=giver))
        for change in CHANGING:
            with refused("only_who_owns_the_risk_or_administers_sets_a_limit", "nobody_sets_his_own_limit"):
                change(ApprovalLimit.objects.get(), amount=10**6, set_by_id=giver and giver.pk)


def test_a_limit_is_a_number(approver, owner, refunds):
    """To the database NaN is above every amount."""
    with refused("a_limit_is_a_number"):
        sql("UPDATE workflows_approvallimit SET amount = 'NaN' WHERE seat_id = %s", approver.seats.get().pk)
    for currency, amount in (("EUR", "NaN"), ("EUR", "-1"), ("XXQ", "5")):
        with pytest.raises(ValidationError):
            workflows.seat(UserFactory(), refunds, "approver", by=owner, limits=[("", currency, Decimal(amount))])


def test_only_a_person_approves(refunds, owner, integration):
    with pytest.raises(ValidationError, match="Only people approve"):
        workflows.seat(integration, refunds, "approver", by=owner)
    for add in ADDING:
        with refused("only_a_person_approves"):
            add(Seat(user=integration, workflow=refunds, role="approver", given_by=owner))


def test_nobody_lends_himself_anothers_seat(approver, owner, high):
    """Who may lend it for its holder would else approve by it himself."""
    for person in (owner, factories.administrator()):
        with pytest.raises(PermissionDenied, match="Nobody lends himself"):
            lent(approver, person, by=person)
        for add in ADDING:
            with refused("nobody_lends_himself_anothers_seat"):
                add(Delegation(seat=approver.seats.get(), to=person, until=timezone.now() + DAY, reason="x", given_by=person))
    trail.write_refusals()
    assert AuditEvent.objects.filter(verb="seat.delegate_refused").count() == 2


def test_a_seat_is_lent_by_its_holder_or_who_appoints(approver, other_approver, stranger, vendor_reviewer):
    for giver in (other_approver, vendor_reviewer):
        for add in ADDING:
            with refused("a_seat_is_lent_by_its_holder_or_who_appoints"):
                add(Delegation(seat=approver.seats.get(), to=stranger, until=timezone.now() + DAY, reason="x", given_by=giver))


def test_a_delegation_does_not_begin_in_the_past(approver, stranger):
    with pytest.raises(ValidationError, match="begins now or later"):
        lent(approver, stranger, since=clock.now() - DAY)


# Owners, and who acts for them


def test_nobody_makes_himself_the_stand_in_of_another(refunds, owner):
    """Else an administrator could break the glass in the place of the owner of risk."""
    administrator = factories.administrator()

    with pytest.raises(PermissionDenied, match="Nobody makes himself"):
        people.be_absent(owner, by=administrator, until=clock.now() + DAY, stand_in=administrator)

    assert not owner.absences.exists()


def test_nobody_takes_for_himself_what_another_owns(refunds, owner):
    administrator = factories.administrator()

    with pytest.raises(PermissionDenied, match="Nobody takes it for himself"):
        workflows.own(refunds, "risk", administrator, by=administrator)

    owner.is_active = False
    owner.save()
    workflows.own(refunds, "risk", administrator, by=administrator)  # else a place with one administrator is stuck
    assert Owner.objects.get(of="risk").user == administrator


def test_whoever_acts_for_an_approver_or_an_owner_needs_the_second_factor(approver, owner, stranger):
    stand_in = UserFactory()
    assert not needs_second_factor(stranger) and not needs_second_factor(stand_in)

    lent(approver, stranger)
    people.be_absent(owner, by=owner, until=clock.now() + DAY, stand_in=stand_in)

    assert needs_second_factor(stranger) and needs_second_factor(stand_in)


def test_whoever_broke_the_glass_does_not_choose_its_reviewer(high, owner, stranger):
    """Not by going away and naming him his stand-in."""
    actions.approve(high.pk, by=owner, break_glass=True, reason="Nobody is here")
    people.be_absent(owner, by=owner, until=clock.now() + DAY, stand_in=stranger)

    with pytest.raises(PermissionDenied, match="You stand in for whoever broke this glass"):
        actions.review_break_glass(high.pk, by=stranger, verdict="kept")

    actions.review_break_glass(high.pk, by=UserFactory(office="auditor"), verdict="kept")


def test_a_maker_does_not_review_the_glass_that_was_broken_for_his_content(high, owner, approver):
    auditor, behind = UserFactory(office="auditor"), high.sender.answers_for
    Decision(case=high, by=auditor, verb="correct", desk="review", to="approval", digest=high.digest, at=timezone.now()).save()
    type(behind).objects.filter(pk=behind.pk).update(office="auditor")
    behind.refresh_from_db()
    actions.approve(high.pk, by=owner, break_glass=True, reason="Nobody is here")

    for person in (auditor, behind):
        with pytest.raises(PermissionDenied, match="You worked on this content yourself"):
            actions.review_break_glass(high.pk, by=person, verdict="kept")


# Versions


def test_a_draft_takes_no_signature_to_another_workflow(refunds, owner):
    other, second = factories.workflow("other", owner=owner), UserFactory()
    workflows.own(refunds, "quality", second, by=owner)
    workflows.ask_two_people(refunds, by=owner, reason="Care")
    draft = workflows.draft(refunds, by=owner, rules={"tiers": factories.TIERS})
    workflows.sign(draft, by=second)

    Policy.objects.filter(pk=draft.pk).update(workflow=other, version=9)

    assert Policy.objects.get(pk=draft.pk).signed_by is None


def test_no_version_is_published_in_the_past(refunds, owner):
    draft = workflows.draft(refunds, by=owner, rules={"tiers": factories.TIERS})
    for change in CHANGING:
        with refused("no_version_is_published_in_the_past", "a_policy_is_born_a_draft"):  # an upsert begins as an insert
            change(Policy.objects.get(pk=draft.pk), published_at=timezone.now() - DAY, published_by_id=owner.pk)


# Vendors


@pytest.mark.django_db(transaction=True)
def test_vendors_sessions_decide_for_their_own_people(committed):
    send, vendor, vendor_reviewer, reviewer, refunds, owner = committed(
        "send", "vendor", "vendor_reviewer", "reviewer", "refunds", "owner"
    )
    with transaction.atomic():
        case = send(confidence=0.1)
        elsewhere = seated(refunds, "reviewer", owner, factories.VendorFactory(name="Other"))
        Case.objects.filter(pk=case.pk).update(vendor=vendor)
    said, fresh = {"verb": "accept", "desk": "review", "step": None}, again(case)

    for add in ADDING:
        for by, of in ((reviewer, None), (reviewer, vendor.pk), (elsewhere, vendor.pk), (elsewhere, elsewhere.vendor_id)):
            for scope in (for_vendor(vendor), for_nobody()):
                with scope, refused("vendors_sessions_decide_for_their_own_people", OUT_OF_SIGHT):
                    add(approval(fresh, by, vendor_id=of, **said))
    with acting.scope(acting.on_behalf_of(vendor_reviewer)):
        actions.accept(case.pk, by=vendor_reviewer)
    assert again(case).closed_as == "released"


# The API


def test_the_next_case_of_a_workflow_where_one_has_two_seats_or_a_lent_one(
    client, key, refunds, owner, reviewer, send, approver, stranger
):
    workflows.seat(reviewer, refunds, "resolver", by=owner)
    lent(approver, stranger)
    send(confidence=0.1), send(action=REFUND)

    for person in (reviewer, stranger):
        answer = client.post("/api/v1/cases/next/", {"workflow": "refunds"}, content_type="application/json", **key(person))
        assert answer.status_code == 200, answer.content
