"""What can never happen, tried through every door: ORM, update(), bulk and raw SQL; for the house, for a vendor, for nobody."""

import re
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from threading import Event, Thread

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import User
from audit import acting, clock
from audit.models import AuditEvent, AuditSeal
from cases import actions, jobs, queues
from cases.models import Case, Claim, Correction, Decision, Release, Rework
from hitlsite.scoped.owner import as_owner
from integrations.problems import Conflict
from scorecards import actions as scorecards
from scorecards.models import Criterion, Evaluation, Option, RootCause, Scorecard, Section
from tests import factories
from tests.conftest import HOUSE, seated
from tests.factories import TWO
from workflows import actions as workflows
from workflows.models import (
    AIRelease,
    ApprovalLimit,
    Dial,
    ExceptionCategory,
    Owner,
    PlaybookSection,
    Policy,
    Seat,
    StratumRate,
)

pytestmark = pytest.mark.django_db

REFUND = {"type": "refund", "amount": 240, "currency": "EUR", "payee": "C-1042"}
NOT_GRANTED = "permission denied"
OUT_OF_SIGHT = "violates row-level security policy"


@contextmanager
def refused(*sentences):
    """The database says one of these sentences, and nothing of the block stays."""
    said = "|".join(re.escape(form) for name in sentences for form in (name, name.replace("_", " ")))
    with pytest.raises((DatabaseError, psycopg.Error), match=said), transaction.atomic():
        yield


def sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def again(case):
    return Case.objects.get(pk=case.pk)


# The doors by which a row is changed, and those by which one is added


def by_save(row, **values):
    vars(row).update(values)
    row.save()


def by_update(row, **values):
    type(row).objects.filter(pk=row.pk).update(**values)


def by_bulk_update(row, **values):
    vars(row).update(values)
    type(row).objects.bulk_update([row], list(values))


def by_upsert(row, **values):
    fields = {field.attname: field.name for field in row._meta.fields}
    vars(row).update(values)
    names = [fields[name] for name in values]
    type(row).objects.bulk_create([row], update_conflicts=True, unique_fields=["id"], update_fields=names)


def by_sql(row, **values):
    sets = ", ".join(f'"{name}" = %s' for name in values)
    fields = {field.attname: field for field in row._meta.fields}
    kept = [fields[name].get_db_prep_save(value, connection) for name, value in values.items()]
    sql(f'UPDATE "{row._meta.db_table}" SET {sets} WHERE id = %s', *kept, row.pk)


def add_by_save(row):
    row.save()


def add_by_bulk_create(row):
    type(row).objects.bulk_create([row])


def add_by_sql(row):
    fields = [field for field in row._meta.local_concrete_fields if not field.primary_key and not field.generated]
    kept = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    names = ", ".join(f'"{field.column}"' for field in fields)
    sql(f'INSERT INTO "{row._meta.db_table}" ({names}) VALUES ({", ".join(["%s"] * len(fields))})', *kept)


CHANGING = [by_save, by_update, by_bulk_update, by_upsert, by_sql]
ADDING = [add_by_save, add_by_bulk_create, add_by_sql]


def for_vendor(vendor):
    return acting.scope(acting.Acting(person_id=0, vendor_id=vendor.pk))


def for_nobody():
    return acting.scope(acting.NOBODY)


@contextmanager
def without_triggers(*tables):
    """As the owner, with these tables' triggers asleep: what only somebody with the owner's password can do."""
    try:
        with as_owner(), transaction.atomic():
            for table in tables:
                sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            yield
    finally:
        with as_owner():
            for table in tables:
                sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def approval(case, by, **more):
    said = {
        "verb": "approve",
        "desk": "approval",
        "to": "closed",
        "digest": case.digest,
        "at": timezone.now(),
        "step": 0,
        **more,
    }
    return Decision(case=case, by=by, **said)


def release_of(case, **more):
    return Release(case=case, **{"number": 1, "digest": case.digest, "at": timezone.now(), **more})


@pytest.fixture
def high(send):
    return send(action=REFUND)


# A case: what never changes, and what only rises

RECEIVED = {
    "workflow_id": 999,
    "external_id": "another",
    "sender_id": 999,
    "received_at": timezone.now(),
    "intake_digest": b"another",
    "input": {"another": 1},
    "context": {"another": 1},
    "output": {"decision": "another"},
    "received_action": {"type": "another"},
    "confidence": 0.99,
    "confidences": {"decision": 0.99},
    "alternatives": ["another"],
    "fingerprint": 7,
    "ai_release_id": 999,
    "segment": "another",
    "channel": "another",
    "customer_reference": "another",
    "is_test": True,
    "is_probe": True,
    "policy_id": 999,
    "sentence": "Another.",
    "reasons": [{"says": "another"}],
    "probability": 0.0,
    "draw": 0.0,
    "sampled": True,
}
CONTENT = {
    "standing_output": {"decision": "another"},
    "action_type": "another",
    "amount": 1,
    "currency": "USD",
    "payee": "another",
    "proposes_no_action": True,
}
NEVER = [
    *[({name: value}, "what_was_received_never_changes") for name, value in RECEIVED.items()],
    *[({name: value}, "an_edit_is_a_new_revision") for name, value in CONTENT.items()],
    ({"tier": "medium"}, "tier_and_required_approval_never_fall"),
    ({"requires_approval": False}, "tier_and_required_approval_never_fall"),
    ({"approvals_needed": 0}, "tier_and_required_approval_never_fall", "a_required_approval_needs_somebody"),
    ({"revision": 0}, "tier_and_required_approval_never_fall"),
    ({"tier": "grave"}, "a_tier_is_low_medium_or_high"),
    ({"due_at": None}, "every_open_case_has_a_due_time"),
    ({"released_at": timezone.now()}, "released_means_a_release_row"),
    ({"closed_as": "released"}, "a_closed_case_says_how_it_ended"),
    ({"state": "closed"}, "a_closed_case_says_how_it_ended"),
    ({"state": "intake"}, "state_moves_only_along_the_table", "cases_are_born_routed"),
    ({"state": "elsewhere"}, "state_moves_only_along_the_table", "cases_are_born_routed"),
]


@pytest.mark.parametrize(("values", "sentences"), [(v, s) for v, *s in NEVER], ids=[next(iter(v)) for v, *_ in NEVER])
def test_of_a_case_it_never_changes(high, values, sentences):
    for change in CHANGING:
        with refused(*sentences):
            change(again(high), **values)

    assert Case.objects.filter(pk=high.pk, revision=1, released_at=None).exists()


def test_a_case_is_never_deleted(committed):
    (high,) = committed("high")

    with refused(NOT_GRANTED):
        again(high).delete()
    with refused(NOT_GRANTED):
        Case.objects.filter(pk=high.pk).delete()
    with refused(NOT_GRANTED):
        sql("DELETE FROM cases_case")
    with refused(NOT_GRANTED):
        sql("TRUNCATE cases_case CASCADE")
    with as_owner(), refused("a_case_is_never_deleted"):
        sql("DELETE FROM cases_case")


def test_one_case_per_workflow_and_external_id(high):
    for add in ADDING:
        twin = again(high)
        twin.pk, twin._state.adding = None, True
        with refused("one_case_per_workflow_and_external_id"):
            add(twin)


def test_a_case_is_not_born_released(high):
    for add in ADDING:
        twin = again(high)
        twin.pk, twin._state.adding, twin.external_id, twin.released_at = None, True, "twin", timezone.now()
        with refused("released_at_birth_means_a_release_row"):
            add(twin)


def test_a_case_is_routed_by_a_published_policy_of_its_workflow(high, refunds, owner):
    tiers = {"tiers": factories.TIERS}
    draft = workflows.draft(refunds, by=owner, rules=tiers).pk
    elsewhere = factories.workflow("elsewhere", owner=owner).policy.pk
    gone = 999_999_999

    for wrong in ({"policy_id": draft}, {"policy_id": elsewhere}, {"sender_id": gone}, {"ai_release_id": gone}):
        for add in ADDING:
            twin = again(high)
            twin.pk, twin._state.adding, twin.external_id = None, True, "twin"
            for name, value in wrong.items():
                setattr(twin, name, value)
            with refused("a_case_is_routed_by_a_published_policy_of_its_workflow"):
                add(twin)


def test_released_at_is_set_once(send, reviewer):
    case = send()
    actions.accept(case.pk, by=reviewer)

    for change in CHANGING:
        for another in (None, timezone.now()):
            with refused("released_at_is_set_once"):
                change(again(case), released_at=another)


def test_one_live_claim_per_case(send, reviewer, resolver):
    case = queues.claim(send().pk, by=reviewer)

    for add in ADDING:
        with refused("one_live_claim_per_case"):
            add(Claim(case=case, user=resolver, desk="review", since=timezone.now(), until=timezone.now()))
    with refused(NOT_GRANTED):
        case.claims.all().delete()


# A release: never of high risk unapproved, never of a probe, always of what stands


def test_high_risk_is_never_released_unapproved(high, approver):
    for add in ADDING:
        with refused("high_risk_is_never_released_unapproved"):
            add(release_of(high))
    with (
        refused("COPY FROM not supported with row-level security"),
        connection.cursor() as cursor,
        cursor.copy("COPY cases_release (case_id, number, digest, at) FROM STDIN") as copy,
    ):
        copy.write_row([high.pk, 1, bytes(high.digest), timezone.now()])
    with refused("high_risk_is_never_released_unapproved"):
        sql(
            "WITH r AS (INSERT INTO cases_release (case_id, number, digest, at) SELECT id, 1, digest, now() FROM cases_case "
            "RETURNING case_id, at) UPDATE cases_case SET released_at = r.at FROM r WHERE id = case_id"
        )


def test_a_decision_forged_into_the_case_alone_releases_nothing_when_it_settles(high, approver, machine):
    Decision.objects.bulk_create([approval(high, approver, verb="send_back", desk="resolution")])
    closed = {"state": "closed", "closed_as": "released", "closed_at": timezone.now(), "settles_at": timezone.now()}
    Case.objects.filter(pk=high.pk).update(**closed)

    with refused("high_risk_is_never_released_unapproved"):
        actions.settle_case(high.pk, by=machine)


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "grace_seconds": 60}])
def test_what_the_database_refuses_to_release_holds_up_nothing_else(send, approver, other_approver, vendor, machine, rules):
    bad, good = send(action=REFUND), send(action=REFUND)
    actions.approve(bad.pk, by=approver)
    actions.approve(good.pk, by=other_approver)
    User.objects.filter(pk=approver.pk).update(vendor=vendor)

    with clock.moved(timezone.now() + timedelta(seconds=61)):
        jobs.settle_due()

    assert again(bad).released_at is None and again(good).released_at


def test_an_approval_over_another_content_releases_nothing(high, approver):
    Decision.objects.bulk_create([approval(high, approver)])
    Case.objects.filter(pk=high.pk).update(amount=250, revision=2)
    edited = again(high)

    for add in ADDING:
        with refused("high_risk_is_never_released_unapproved"):
            add(release_of(edited))
        with refused("a_release_is_of_what_stands"):
            add(release_of(edited, digest=high.digest))


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "chains": TWO}])
def test_half_a_chain_of_approvals_releases_nothing(high, approver, rules):
    actions.approve(high.pk, by=approver)
    assert again(high).state == "approval"

    with refused("high_risk_is_never_released_unapproved"):
        add_by_sql(release_of(high))
    with refused("each_approval_is_another_persons"):
        add_by_sql(approval(high, approver))
    with pytest.raises(PermissionDenied, match="approved this content already"):
        actions.approve(high.pk, by=approver)


def test_who_makes_something_of_it_after_approving_it_approved_nothing(high, approver):
    approval(high, approver).save()
    approval(high, approver, verb="resolve", desk="resolution").save()

    for add in ADDING:
        with refused("high_risk_is_never_released_unapproved"):
            add(release_of(high))


def test_a_release_is_of_a_case(send):
    nobodys = 999_999_999

    for add in ADDING:
        release = release_of(send())
        release.case_id = nobodys
        with refused("a_release_is_of_a_case"):
            add(release)
    with refused("a_release_is_of_a_case"):
        sql("INSERT INTO cases_release (case_id, number, digest, at) VALUES (%s, 1, 'x', now())", nobodys)


def test_a_release_is_of_what_stands(send):
    case = send()

    for add in ADDING:
        with refused("a_release_is_of_what_stands"):
            add(release_of(case, digest=b"another"))


def test_no_action_is_never_released(send):
    case = send()
    Case.objects.filter(pk=case.pk).update(proposes_no_action=True, revision=2)

    with refused("a_release_is_of_what_stands"):
        add_by_sql(release_of(again(case)))


@pytest.fixture
def probe(send):
    """Made as quality control will: a case like any other, but for the mark it is born with."""
    made = send()
    made.pk, made._state.adding, made.external_id, made.is_probe = None, True, "probe", True
    made.save()
    return made


def test_a_probe_is_never_released(probe):
    for add in ADDING:
        with refused("a_probe_is_never_released"):
            add(release_of(again(probe)))


def test_a_reviewed_probe_closes_and_releases_nothing(probe, reviewer):
    actions.accept(probe.pk, by=reviewer)

    assert (again(probe).state, again(probe).released_at, again(probe).releases.count()) == ("closed", None, 0)


# An approval: in-house, with a seat, within its limit, of what stands, by nobody who made it


def test_an_approval_binds_to_what_stands(high, approver):
    for add in ADDING:
        with refused("an_approval_binds_to_what_stands"):
            add(approval(high, approver, digest=b"another"))


def test_a_case_is_approved_at_the_approval_desk_only(send, approver):
    case = send()

    for add in ADDING:
        with refused("an_approval_binds_to_what_stands"):
            add(approval(case, approver))


def test_an_approval_is_within_the_seats_limit(send, approver, refunds, owner):
    beyond, foreign = (send(action={**REFUND, **more}) for more in ({"amount": 1001}, {"currency": "USD"}))
    other_kind = seated(refunds, "approver", owner)
    workflows.end_seat(other_kind.seats.get(), by=owner)
    workflows.seat(other_kind, refunds, "approver", by=owner, limits=[("credit", "EUR", 1000)])

    for add in ADDING:
        for case, by in ((beyond, approver), (foreign, approver), (send(action=REFUND), other_kind)):
            with refused("an_approval_is_within_the_seats_limit"):
                add(approval(case, by))


def test_without_an_approvers_seat_nobody_decides_an_approval(high, reviewer, resolver, owner, stranger, approver):
    approver.seats.update(ended_at=timezone.now())

    for person in (reviewer, resolver, owner, stranger, approver):
        for verb in ("approve", "reject", "edit", "send_back"):
            for add in ADDING:
                with refused("only_in_house_approves", "an_approval_is_within_the_seats_limit"):
                    add(approval(high, person, verb=verb))


def test_maker_is_not_checker(send, refunds, owner, integration):
    maker = seated(refunds, "reviewer", owner)
    workflows.seat(maker, refunds, "approver", by=owner, limits=[("", "EUR", 1000)])
    workflows.seat(integration.answers_for, refunds, "approver", by=owner, limits=[("", "EUR", 1000)])
    User.objects.filter(pk__in=[maker.pk, integration.answers_for_id]).update(is_superuser=True)
    case = send(action=REFUND)
    Decision.objects.create(**vars_of(approval(case, maker, verb="correct", desk="review")))

    for person in (maker, integration.answers_for):
        for verb in ("approve", "reject"):
            for add in ADDING:
                with refused("maker_is_not_checker"):
                    add(approval(case, person, verb=verb))
        with pytest.raises(PermissionDenied, match="somebody else must approve"):
            actions.approve(case.pk, by=User.objects.get(pk=person.pk))


def vars_of(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.local_concrete_fields if not field.primary_key}


@pytest.mark.parametrize("verb", ["accept", "correct", "escalate", "resolve", "no_action", "edit"])
def test_whoever_made_it_never_checks_it(high, approver, verb):
    Decision.objects.create(**vars_of(approval(high, approver, verb=verb, desk="approval")))

    with refused("maker_is_not_checker"):
        add_by_sql(approval(high, approver))
    with pytest.raises(PermissionDenied, match="worked on this content yourself"):
        actions.approve(high.pk, by=approver)


def test_an_approver_whose_edit_went_to_another_does_not_take_it_himself(high, approver, other_approver):
    actions.approve(high.pk, by=approver, action={"amount": Decimal(300)})

    for verb in ("approve", "reject"):
        with refused("maker_is_not_checker"):
            add_by_sql(approval(again(high), approver, verb=verb))
        with pytest.raises(PermissionDenied, match="worked on this content yourself"):
            getattr(actions, verb)(high.pk, by=approver, reason="Mine")
    actions.approve(high.pk, by=other_approver)
    assert again(high).closed_as == "corrected"


def test_being_a_superuser_approves_nothing(high, stranger):
    User.objects.filter(pk=stranger.pk).update(is_superuser=True)

    with pytest.raises(PermissionDenied):
        actions.approve(high.pk, by=User.objects.get(pk=stranger.pk))


# Only in-house approves and owns


def test_a_vendors_user_gets_no_approvers_seat_and_no_ownership(vendor_reviewer, refunds, owner):
    person = vendor_reviewer
    for add in ADDING:
        with refused("only_in_house_approves"):
            add(Seat(user=person, workflow=refunds, role="approver"))
        Owner.objects.filter(of="risk").delete()
        with refused("only_in_house_owns"):
            add(Owner(user=person, workflow=refunds, of="risk"))
    for change in CHANGING:
        with refused("a_seat_is_only_ended"):
            change(person.seats.get(), role="approver")
        with refused("only_in_house_owns"):
            change(Owner.objects.get(of="policy"), user_id=person.pk)
    with pytest.raises(ValidationError, match="in-house"):
        workflows.seat(person, refunds, "approver", by=factories.administrator())
    with pytest.raises(ValidationError, match="in-house"):
        workflows.own(refunds, "risk", person, by=factories.administrator())


@pytest.mark.parametrize("change", CHANGING, ids=lambda door: door.__name__)
def test_who_joins_a_vendor_leaves_the_houses_seats(approver, refunds, owner, vendor, high, change):
    workflows.own(refunds, "risk", approver, by=owner)

    change(User.objects.get(pk=approver.pk), vendor_id=vendor.pk)

    assert not approver.seats.live().exists() and not approver.ownerships.exists()
    with refused("only_in_house_approves"):
        add_by_sql(approval(high, approver, verb="reject"))
    with pytest.raises(PermissionDenied):
        actions.approve(high.pk, by=User.objects.get(pk=approver.pk))


def test_an_approval_by_somebody_who_has_joined_a_vendor_since_releases_nothing(high, approver, vendor):
    Decision.objects.bulk_create([approval(high, approver)])
    User.objects.filter(pk=approver.pk).update(vendor=vendor)

    with refused("high_risk_is_never_released_unapproved"):
        add_by_sql(release_of(high))


def test_a_seat_given_while_its_user_joins_a_vendor_is_not_kept(committed):
    refunds, owner, vendor, stranger = committed("refunds", "owner", "vendor", "stranger")
    given, joined = Event(), []

    def join():
        with acting.scope(HOUSE), transaction.atomic():
            given.wait(10)
            User.objects.filter(pk=stranger.pk).update(vendor=vendor)
        joined.append(True)
        connection.close()

    thread = Thread(target=join)
    thread.start()
    with transaction.atomic():
        workflows.seat(stranger, refunds, "approver", by=owner)
        given.set()
        thread.join(0.5)
    thread.join(10)

    assert joined and not Seat.objects.live().filter(user=stranger).exists()


def test_a_vendors_approval_forced_in_by_the_owner_releases_nothing(committed):
    high, vendor_reviewer, refunds = committed("high", "vendor_reviewer", "refunds")
    with without_triggers("workflows_seat", "workflows_approvallimit", "cases_decision", "cases_case"):
        seat = Seat.objects.create(user=vendor_reviewer, workflow=refunds, role="approver")
        ApprovalLimit.objects.create(seat=seat, currency="EUR", amount=1000)
        Case.objects.filter(pk=high.pk).update(vendor=vendor_reviewer.vendor)

    with pytest.raises(PermissionDenied, match="Only in-house people may approve"):
        actions.approve(high.pk, by=vendor_reviewer)
    for scope in (acting.scope(HOUSE), for_vendor(vendor_reviewer.vendor), for_nobody()):
        with scope, refused("only_in_house_approves"):
            add_by_sql(approval(high, vendor_reviewer))
    with without_triggers("cases_decision"):
        Decision.objects.bulk_create([approval(high, vendor_reviewer)])
    for add in ADDING:
        with refused("high_risk_is_never_released_unapproved"):
            add(release_of(high))
    assert again(high).released_at is None and Release.objects.count() == 0


def test_nobody_signs_an_approval_in_an_approvers_name_while_acting_for_a_vendor_or_nobody(committed):
    high, approver, vendor = committed("high", "approver", "vendor")

    for scope in (for_vendor, lambda _: for_nobody()):
        for verb in ("approve", "reject", "edit"):
            for add in ADDING:
                with scope(vendor), refused("only_in_house_approves"):
                    add(approval(high, approver, verb=verb))
    assert not Decision.objects.exists()


def test_a_vendors_person_cannot_leave_his_vendor_nor_become_more(committed):
    (person,) = committed("vendor_reviewer")
    more = [
        {"vendor_id": None},
        {"office": "administrator"},
        {"is_superuser": True},
        {"kind": "machine"},
        {"username": "owner"},
    ]

    for values in [*more, {"is_active": False}, {"is_staff": False}, {"answers_for_id": person.pk}]:
        for scope in (for_vendor(person.vendor), for_nobody()):
            with scope:
                for change in CHANGING:
                    with refused("only_the_house_says_who_somebody_is", NOT_GRANTED):
                        change(User.objects.get(pk=person.pk), **values)
    with for_nobody(), refused(NOT_GRANTED):
        add_by_save(User(username="another"))


# A4: an edit, a send-back or a recall after an approval voids it


def once_approved(send, resolver, approver, reviewer):
    case = send()
    actions.escalate(case.pk, by=reviewer, reason="Unclear")
    actions.escalate(case.pk, by=resolver, reason="Too big")
    actions.approve(case.pk, by=approver)
    case = again(case)
    assert case.state == "approval"
    return case


def edited(case, by, resolver):
    actions.approve(
        case.pk, by=by, output={"decision": "half"}, action={"type": "refund", "amount": Decimal(9), "currency": "EUR"}
    )


def sent_back(case, by, resolver):
    actions.send_back(case.pk, by=by, reason="Look again")
    actions.resolve(case.pk, by=resolver, reason="It is right", output=case.standing)


def recalled(case, by, resolver):
    actions.recall(case.pk, by=resolver, reason="One more look")
    actions.resolve(case.pk, by=resolver, reason="It is right", output=case.standing)


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "chains": TWO}])
@pytest.mark.parametrize("voided", [edited, sent_back, recalled])
def test_an_approval_is_void_after(send, resolver, approver, other_approver, reviewer, refunds, owner, rules, voided):
    case = once_approved(send, resolver, approver, reviewer)

    voided(case, other_approver, resolver)

    left = again(case)
    assert (left.state, left.released_at) == ("approval", None) and left.revision > case.revision
    assert not left.decisions.filter(verb="approve", digest=left.digest).exists()
    with refused("high_risk_is_never_released_unapproved"):
        add_by_sql(release_of(left))
    with refused("an_approval_binds_to_what_stands"):
        add_by_sql(approval(left, seated(refunds, "approver", owner, EUR=1000), digest=case.digest))
    actions.approve(case.pk, by=approver)
    assert again(case).state == "approval"


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "grace_seconds": 60}])
def test_an_undone_approval_is_void(high, approver, other_approver, machine, rules):
    actions.approve(high.pk, by=approver)
    actions.undo(high.pk, by=approver)

    with refused("high_risk_is_never_released_unapproved"):
        add_by_sql(release_of(again(high)))


@pytest.mark.parametrize("rules", [{"no_action_needs_approval": True, "grace_seconds": 60}])
def test_an_undone_approval_of_no_action_still_proposes_no_action(send, reviewer, resolver, approver, rules):
    case = send()
    actions.escalate(case.pk, by=reviewer, reason="Spam")
    actions.no_action(case.pk, by=resolver, reason="Spam", category="edge-case")
    actions.approve(case.pk, by=approver)

    actions.undo(case.pk, by=approver)

    assert (again(case).state, again(case).proposes_no_action) == ("approval", True)
    actions.approve(case.pk, by=approver)
    assert again(case).closed_as == "no_action"


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "chains": TWO}])
def test_whoever_sent_it_recalls_it_also_after_a_first_approval(send, resolver, approver, reviewer, rules):
    case = once_approved(send, resolver, approver, reviewer)

    with pytest.raises(PermissionDenied, match="Only whoever sent it"):
        actions.recall(case.pk, by=reviewer, reason="Not mine")
    actions.recall(case.pk, by=resolver, reason="Mine")

    assert again(case).state == "resolution"


def test_a_recall_that_comes_too_late_hears_what_happened(send, resolver, approver, reviewer):
    case = send()
    actions.escalate(case.pk, by=reviewer, reason="Unclear")
    actions.escalate(case.pk, by=resolver, reason="Too big")
    actions.approve(case.pk, by=approver)

    with pytest.raises(Conflict, match=f"approved by {approver}"):
        actions.recall(case.pk, by=resolver, reason="Mine")


# What is published, and what is history


@pytest.fixture
def card(refunds, owner):
    return scorecards.publish(scorecards.ready_made(refunds, by=owner), by=owner, reason="Good enough")


def test_a_published_policy_never_changes(refunds):
    policy = refunds.policy

    for values in ({"rules": {}}, {"version": 7}, {"published_at": None}, {"reason": "?"}, {"output_schema": {"x": 1}}):
        for change in CHANGING:
            with refused("published_policy_and_scorecard_never_change", "a_policy_is_born_a_draft"):
                change(Policy.objects.get(pk=policy.pk), **values)
    with refused("published_policy_and_scorecard_never_change"):
        sql("DELETE FROM workflows_policy WHERE id = %s", policy.pk)
    for add in ADDING:
        with refused("a_policy_is_born_a_draft"):
            add(Policy(workflow=refunds, version=9, published_at=timezone.now(), published_by_id=policy.published_by_id))


@pytest.mark.parametrize(
    ("part", "values"),
    [
        (Scorecard, {"pass_mark": 1}),
        (Scorecard, {"published_at": None}),
        (Section, {"title": "Another"}),
        (Criterion, {"weight": 0}),
        (Criterion, {"critical": False}),
        (Option, {"points": 1}),
        (RootCause, {"label": "Another"}),
    ],
)
def test_a_published_scorecard_never_changes(card, part, values):
    for change in CHANGING:
        with refused("published_policy_and_scorecard_never_change", "a_scorecard_is_born_a_draft"):
            change(part.objects.first(), **values)
    with refused("published_policy_and_scorecard_never_change"):
        sql(f"DELETE FROM {part._meta.db_table}")


@pytest.mark.parametrize("part", [Section, Criterion, Option, RootCause])
def test_nothing_is_added_to_a_published_scorecard(card, part):
    for add in ADDING:
        more = part.objects.first()
        more.pk, more._state.adding, more.key, more.label = None, True, "another", "Another"
        with refused("published_policy_and_scorecard_never_change"):
            add(more)


HISTORY = [AuditEvent, AuditSeal, Decision, Correction, Evaluation, Release, Rework, AIRelease]


@pytest.fixture
def story(send, reviewer, resolver, integration, card, owner):
    """A row of each kind of history."""
    case = send()
    actions.correct(case.pk, by=reviewer, output={"decision": "reject"})
    actions.reopen(case.pk, by=integration, reason="Wrong after all", place="support")
    scorecards.evaluate(
        card, {each.key: scorecards.scoring.Mark(each.options.first().label) for each in _criteria(card)}, by=owner
    )
    AuditSeal.objects.create(number=1, first_event=1, last_event=1, events=1, root=b"", previous=b"", signature=b"")
    return case


def _criteria(card):
    return Criterion.objects.filter(section__scorecard=card)


@pytest.mark.parametrize("kind", HISTORY)
def test_history_is_append_only_for_the_application(story, kind):
    field = next(field.attname for field in kind._meta.local_concrete_fields if not field.primary_key)
    row = kind.objects.first()

    for change in CHANGING:
        with refused(NOT_GRANTED):
            change(kind.objects.first(), **{field: getattr(row, field)})
    for statement in ("DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET id = id"):
        with refused(NOT_GRANTED):
            sql(statement.format(kind._meta.db_table))
    with refused(NOT_GRANTED):
        kind.objects.all()._raw_delete(kind.objects.db)


def test_history_is_append_only_even_for_the_owner(committed):
    committed("story")

    with as_owner():
        for kind in HISTORY:
            for statement in ("DELETE FROM {}", "UPDATE {} SET id = id"):
                with refused("history_is_append_only"):
                    sql(statement.format(kind._meta.db_table))


def test_nobody_but_the_house_appends_a_seal_or_an_ai_release(committed):
    (vendor,) = committed("vendor")

    for scope in (for_vendor(vendor), for_nobody()):
        with scope:
            with refused(NOT_GRANTED):
                add_by_sql(AuditSeal(number=1, first_event=1, last_event=1, events=1, root=b"", previous=b"", signature=b""))
            with refused(NOT_GRANTED):
                add_by_sql(AIRelease(model_name="forged"))


# Who may define

HOUSES_OWN = [
    *("workflows_workflow", "workflows_policy", "workflows_dial", "workflows_stratumrate", "workflows_seat"),
    *("integrations_webhookendpoint", "cases_replay"),
    *("workflows_delegation", "accounts_absence", "cases_alert", "cases_breakglassreview"),
    *("workflows_approvallimit", "workflows_owner", "workflows_exceptioncategory", "workflows_playbooksection"),
    *("workflows_calendar", "workflows_shift", "workflows_holiday"),
    *("scorecards_scorecard", "scorecards_section", "scorecards_criterion", "scorecards_option", "scorecards_rootcause"),
    *("accounts_vendor", "accounts_apikey", "accounts_user_groups", "accounts_user_user_permissions"),
    *("auth_group", "auth_group_permissions", "auth_permission", "django_content_type"),
]


def test_what_the_house_defines_neither_vendors_nor_nobody_write(committed):
    (vendor,) = committed("vendor")

    for scope in (lambda: for_vendor(vendor), for_nobody):
        for table in HOUSES_OWN:
            for statement in (
                "INSERT INTO {} DEFAULT VALUES",
                "UPDATE {} SET id = id",
                "DELETE FROM {}",
                "TRUNCATE {} CASCADE",
            ):
                with scope(), refused(NOT_GRANTED):
                    sql(statement.format(table))


def test_every_definition_is_on_the_list():
    written = {model._meta.db_table for model in (Policy, Dial, StratumRate, Seat, ApprovalLimit, Owner, ExceptionCategory)}

    assert written | {PlaybookSection._meta.db_table, Group._meta.db_table} <= set(HOUSES_OWN)


FORBIDDEN = [
    "CREATE TEMP TABLE cases_decision (case_id bigint, by_id bigint, verb text, digest bytea, vendor_id bigint)",
    "CREATE TEMP VIEW accounts_user AS SELECT 1 AS id",
    "CREATE TABLE mine (id int)",
    "CREATE TABLE public.mine (id int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'",
    "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "ALTER TABLE cases_case DISABLE TRIGGER ALL",
    "ALTER TABLE cases_case DROP CONSTRAINT every_open_case_has_a_due_time",
    "ALTER TABLE cases_case OWNER TO hitl_app",
    "DROP TRIGGER state_moves_only_along_the_table ON cases_case",
    "DROP TABLE cases_case CASCADE",
    "CREATE TRIGGER mine BEFORE INSERT ON cases_case FOR EACH ROW EXECUTE FUNCTION refuse()",
    "CREATE RULE mine AS ON INSERT TO cases_release DO INSTEAD NOTHING",
    "DROP FUNCTION refuse() CASCADE",
    "SET session_replication_role = replica",
    "SET ROLE hitl_owner",
    "SET SESSION AUTHORIZATION hitl_owner",
    "CREATE ROLE mine",
    "ALTER ROLE hitl_app BYPASSRLS",
    "COPY cases_case TO PROGRAM 'cat'",
    "COPY cases_case TO '/tmp/mine'",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_read_file('/etc/passwd')",
]


@pytest.mark.parametrize("scope", [for_nobody, lambda: acting.scope(HOUSE)], ids=["nobody", "house"])
def test_the_application_redefines_nothing(committed, scope):
    committed()

    for statement in FORBIDDEN:
        with scope(), refused("permission denied", "must be owner", "must be able to SET ROLE", "must be member"):
            sql(statement)


def test_a_temporary_table_fools_no_trigger(committed):
    _, approver = committed("high", "approver")
    columns = "(id bigint, case_id bigint, by_id bigint, verb text, digest bytea, vendor_id bigint, output jsonb)"

    with as_owner(), refused("high_risk_is_never_released_unapproved"):
        sql(f"CREATE TEMP TABLE cases_decision {columns}")
        sql("SET LOCAL search_path = pg_temp, public")
        sql("INSERT INTO pg_temp.cases_decision SELECT 1, id, %s, 'approve', digest, NULL, NULL FROM cases_case", approver.pk)
        sql("INSERT INTO cases_release (case_id, number, digest, at) SELECT id, 1, digest, now() FROM cases_case")


# The list of what the database itself refuses

SENTENCES = {
    "accounts_absence": {"an_absence_is_only_ended", "only_in_house_stands_in"},
    "accounts_user": {
        "only_the_house_says_who_somebody_is",
        "who_joins_a_vendor_leaves_the_houses_seats",
        "revoked_access_ends_every_session",
        "a_stranger_changes_no_account",
        "a_vendors_session_changes_its_own_people_only",
    },
    "socialaccount_socialaccount": {"a_stranger_changes_no_identity", "only_the_house_unlinks_an_identity"},
    "mfa_authenticator": {
        "a_stranger_sets_up_no_second_factor",
        "a_stranger_changes_no_second_factor",
    },
    "audit_auditevent": {"history_is_append_only", "history_is_chained", "history_is_numbered"},
    "audit_auditseal": {"history_is_append_only"},
    "workflows_airelease": {"history_is_append_only"},
    "workflows_owner": {"only_in_house_owns", "every_owner_is_remembered", "every_change_of_owner_is_remembered"},
    "workflows_tenure": {"a_tenure_is_only_ended"},
    "workflows_policy": {
        "no_version_is_published_in_the_past",
        "a_policy_is_born_a_draft",
        "published_policy_and_scorecard_never_change",
        "only_the_owner_of_policy_publishes",
        "two_people_publish_where_the_workflow_asks",
        "the_signature_is_over_what_is_published",
        "an_edit_voids_the_signature",
        "only_an_owner_or_administrator_discards_a_draft",
        "a_discarded_draft_is_only_restored",
        "a_discarded_draft_keeps_its_number",
    },
    "workflows_approvallimit": {"nobody_sets_his_own_limit", "only_who_owns_the_risk_or_administers_sets_a_limit"},
    "workflows_seat": {
        "a_vendors_seat_is_within_its_engagement",
        "a_vendors_session_ends_its_own_peoples_seats_only",
        "only_in_house_approves",
        "a_seat_is_only_ended",
        "only_a_person_approves",
        "only_who_owns_the_risk_or_administers_seats_an_approver",
    },
    "workflows_delegation": {
        "a_seat_is_lent_by_its_holder_or_who_appoints",
        "a_delegation_is_only_ended",
        "delegations_never_go_round",
        "nobody_delegates_to_himself",
        "only_in_house_delegates",
    },
    "workflows_engagement": {
        "a_vendor_has_one_live_mandate_per_workflow",
        "an_ended_engagement_never_changes",
        "an_engagement_stays_with_its_vendor",
        "shares_of_a_workflow_are_never_more_than_the_whole",
    },
    "workflows_mandate": {
        "a_mandate_stays_in_its_engagement_and_workflow",
        "a_vendor_has_one_live_mandate_per_workflow",
        "an_ended_mandate_never_changes",
        "shares_of_a_workflow_are_never_more_than_the_whole",
    },
    "workflows_proposal": {
        "a_lead_proposes_within_his_vendors_engagement",
        "a_proposal_is_answered_once",
        "a_vendors_session_takes_back_its_own_proposals_only",
    },
    "workflows_shift": {"shifts_of_a_calendar_do_not_overlap"},
    "scorecards_scorecard": {"a_scorecard_is_born_a_draft", "published_policy_and_scorecard_never_change"},
    "scorecards_section": {"published_policy_and_scorecard_never_change"},
    "scorecards_criterion": {"published_policy_and_scorecard_never_change"},
    "scorecards_option": {"published_policy_and_scorecard_never_change"},
    "scorecards_rootcause": {"published_policy_and_scorecard_never_change"},
    "scorecards_evaluation": {"history_is_append_only"},
    "cases_case": {
        "cases_are_born_routed",
        "a_vendor_gets_work_under_a_live_mandate_only",
        "a_vendor_is_born_work_under_a_live_mandate_only",
        "a_clock_goes_on_when_the_last_pause_has_ended",
        "state_moves_only_along_the_table",
        "what_was_released_is_reopened_only_as_rework",
        "what_was_received_never_changes",
        "how_it_was_sent_and_routed_never_changes",
        "tier_and_required_approval_never_fall",
        "an_edit_is_a_new_revision",
        "released_at_is_set_once",
        "released_means_a_release_row",
        "released_at_birth_means_a_release_row",
        "a_case_is_routed_by_a_published_policy_of_its_workflow",
        "a_case_is_never_deleted",
        "a_changed_chain_is_a_new_revision",
        "how_it_was_born_never_changes",
        "only_the_owner_of_risk_extends_an_approval",
    },
    "cases_decision": {
        "history_is_append_only",
        "only_in_house_approves",
        "only_in_house_approves_for_the_house",
        "maker_is_not_checker",
        "an_approval_is_within_the_seats_limit",
        "an_approval_binds_to_what_stands",
        "an_approval_takes_its_step_of_the_chain",
        "an_approval_is_given_anew_once_it_was_retracted",
        "an_approver_and_his_delegate_are_one",
        "an_expired_approval_is_not_given",
        "an_absent_person_approves_nothing",
        "only_the_owner_of_risk_breaks_glass",
        "a_broken_glass_asks_for_a_review",
        "no_decision_is_dated_back",
        "who_reviews_blind_answers_first",
        "vendors_sessions_decide_for_their_own_people",
    },
    "cases_pause": {
        "a_pause_is_of_an_open_case_whose_clock_stands",
        "what_a_pause_says_never_changes",
        "a_pause_is_never_deleted",
    },
    "cases_comment": {"history_is_append_only", "only_its_writer_mends_a_comment"},
    "cases_inquiry": {
        "what_an_inquiry_asks_never_changes",
        "an_inquiry_is_answered_once",
        "an_inquiry_is_never_deleted",
        "an_inquiry_waits_by_a_pause_of_its_case",
        "what_is_no_longer_asked_is_not_answered",
    },
    "cases_notice": {"what_a_notice_says_never_changes", "a_notice_is_in_one_mail"},
    "cases_digest": {"a_mail_is_sent_once"},
    "cases_attachment": {"what_was_attached_never_changes", "an_attachment_is_never_deleted"},
    "cases_attachedfile": {
        "an_attached_file_never_changes",
        "an_attached_file_is_what_its_line_says",
        "a_file_goes_only_when_it_is_taken_off",
    },
    "cases_stuck": {"history_is_append_only"},
    "cases_forecast": {"history_is_append_only"},
    "cases_correction": {"history_is_append_only", "vendors_sessions_correct_under_their_own_decisions"},
    "cases_alert": {"an_alert_is_only_settled"},
    "cases_breakglassreview": {"a_broken_glass_is_reviewed_once", "nobody_reviews_the_glass_he_broke"},
    "cases_release": {
        "history_is_append_only",
        "high_risk_is_never_released_unapproved",
        "a_release_is_of_a_case",
        "a_release_is_of_what_stands",
        "a_probe_is_never_released",
        "what_was_held_is_released_by_a_decision",
        "no_release_is_dated_back",
        "no_release_has_fewer_approvals_than_its_policy_asks",
    },
    "cases_rework": {"history_is_append_only"},
    "cases_question": {"history_is_append_only", "no_question_is_dated_back"},
    "cases_ruling": {"history_is_append_only", "no_ruling_is_dated_back", "only_the_owner_of_policy_rules"},
    "improvements_flag": {"history_is_append_only"},
    "cases_ownanswer": {
        "history_is_append_only",
        "no_own_answer_is_dated_back",
        "an_own_answer_comes_before_the_decision",
    },
    "cases_retraction": {
        "history_is_append_only",
        "no_retraction_is_dated_back",
        "an_approval_is_retracted_by_whoever_gave_it",
        "an_approval_is_retracted_while_it_waits_for_others",
    },
    "cases_reveal": {
        "history_is_append_only",
        "no_reveal_is_dated_back",
        "only_who_holds_a_case_has_it_revealed",
        "reveals_stay_within_the_budget",
    },
    "cases_replay": {"a_finished_replay_never_changes", "what_a_replay_is_about_never_changes", "a_replay_is_never_deleted"},
}


def test_the_database_has_exactly_these_triggers_and_all_are_awake():
    found = {}
    for table, name, awake in sql("SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal"):
        found.setdefault(table, set()).add(name)
        assert awake == "O", f"{name} on {table} sleeps"

    assert found == SENTENCES


def test_every_function_of_ours_has_a_pinned_search_path():
    unpinned = sql(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f' AND prosqlbody IS NULL"
        " AND NOT coalesce(proconfig::text LIKE '%%search_path=%%', false)"
    )

    assert unpinned == []


def test_the_application_owns_nothing_and_no_role_of_its_passes_over_rules():
    owned = sql("SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) IN ('hitl_app', 'hitl_house')")
    able = sql(
        "SELECT rolname FROM pg_roles WHERE rolname IN ('hitl_app', 'hitl_house') AND (rolsuper OR rolbypassrls OR rolcreaterole)"
    )

    assert owned == able == []
