"""Who sees which rows, asked of the database itself: the second wall, under the ORM and behind every forgotten filter."""

import hashlib
import os
import random
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from threading import Thread
from urllib.parse import urlsplit

import psycopg
import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, connection, transaction
from django.db.models import ForeignKey
from django.urls import reverse
from django.utils import timezone

from accounts.models import Absence, User, Vendor
from audit import acting, clock, trail
from audit.models import AuditEvent
from cases import actions, finding, queues
from cases.models import (
    Alert,
    AttachedFile,
    Attachment,
    BreakGlassReview,
    Bulk,
    BulkRow,
    Case,
    Comment,
    Correction,
    Decision,
    Digest,
    Forecast,
    Inquiry,
    Notice,
    OwnAnswer,
    Pause,
    Question,
    Release,
    Replay,
    SavedView,
    Stuck,
    Unfinished,
    Wishes,
)
from hitlsite import postgres
from improvements.models import Finding, Flag
from integrations.models import Delivery, IdempotencyKey, OutboxRow, WebhookEndpoint
from integrations.problems import Conflict
from scorecards import actions as scorecards
from scorecards.models import Evaluation
from tests import factories
from tests.conftest import acting_as, keys, seated
from tests.desk import asked, decide
from workflows import actions as workflows
from workflows.models import Proposal

NOBODY = AnonymousUser()
READ_BEFORE_ANYBODY_ACTS = {"accounts_user", "accounts_apikey"}  # sign-in, and the look-up of a key
TRIED_ELSEWHERE = {
    "cases_reveal",
    "cases_ruling",
    "cases_example",
    "cases_retraction",
}  # on a live claim; by the owner of policy or an approver only
EVERYBODY_SEES_THE_HOUSE = {"accounts_user", "accounts_absence"}
REFUND = {"type": "refund", "amount": 240, "currency": "EUR", "payee": "C-1042"}
ONE_STEP = [{"name": "Approval", "people": 1, "title": ""}]


def sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def guarded() -> list[str]:
    """The tables whose rows not everybody sees."""
    return [table for (table,) in sql("SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity ORDER BY relname")]


def leads_to(model, goal, known=()):
    """Whether a row of it hangs, over any number of others, from one of `goal`; through people it would be everything."""
    fields = [field for field in model._meta.local_fields if isinstance(field, ForeignKey)]
    near = {field.related_model for field in fields} - {User, *known}
    return goal in near or any(leads_to(other, goal, {*known, model, *near}) for other in near)


def hangs_from_somebodys(model) -> bool:
    named = {field.attname for field in model._meta.local_fields} & {"case_id", "vendor_id", "decision_id"}
    return bool(named) or model in (Case, Vendor) or leads_to(model, Case) or leads_to(model, Vendor)


def test_whatever_hangs_from_a_case_or_a_vendor_has_a_policy(db):
    theirs = {model._meta.db_table for model in apps.get_models(include_auto_created=True) if hangs_from_somebodys(model)}

    assert theirs - set(guarded()) == set()


def test_the_policies_bind_the_owner_too_and_are_given_by_role(db):
    found = sql("SELECT c.relname, c.relforcerowsecurity, array_agg(p.polname::text ORDER BY p.polname) FROM pg_class c JOIN pg_policy p"
                " ON p.polrelid = c.oid WHERE c.relrowsecurity GROUP BY 1, 2")  # fmt: skip

    names = ["the_house_sees_every_row", "the_owner_sees_every_row", "vendors_see_only_their_rows"]
    assert [row for row in found if row[1:] != (True, names)] == []
    assert len(found) == len(guarded())


def test_every_promise_looks_with_its_owners_eyes(db):
    """One that sees no rows would pass without a word."""
    blind = sql(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prorettype = 'trigger'::regtype AND NOT prosecdef"
    )

    assert blind == []


@pytest.fixture
def other_vendor(db):
    return factories.VendorFactory(name="Bolt Support")


@pytest.fixture
def other_vendor_reviewer(refunds, owner, other_vendor):
    return seated(refunds, "reviewer", owner, other_vendor)


@pytest.fixture
def output_schema():
    return {"type": "object", "required": ["decision"], "properties": {"decision": {"type": "string"}}}


def given_to(vendor, case) -> Case:
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    return Case.objects.get(pk=case.pk)


@pytest.fixture
def both(send, refunds, owner, vendor_reviewer, other_vendor_reviewer, administrator, integration, approver):
    """Of everything one of each vendor's, and one of the house's."""
    workflows.set_limit(approver.seats.get(), "refund", "EUR", Decimal(500), by=owner)
    workflows.delegate(
        approver.seats.get(), factories.UserFactory(), by=approver, until=clock.now() + timedelta(1), reason="Away"
    )
    card = scorecards.ready_made(refunds, by=owner)
    for person in (vendor_reviewer, other_vendor_reviewer, owner):
        case = given_to(person.vendor, send())
        if person.vendor:
            queues.claim(case.pk, by=person)
            actions.correct(case.pk, by=person, output={"decision": "refuse"}, reason=f"By {person}")
        waiting = given_to(person.vendor, send(output={"decision": person.username}))
        beside(case, waiting, person, card, administrator)
    return vendor_reviewer, other_vendor_reviewer


def beside(case, waiting, person, card, administrator):
    """What hangs from a case, a person or a vendor beside what the verbs have left, written down plainly."""
    now, day = timezone.now(), timedelta(days=1)
    row, _ = OutboxRow.objects.get_or_create(case_id=case.pk, number=1, defaults={"recipient_id": 1, "payload": {}})
    endpoint = WebhookEndpoint.objects.create(user=case.sender, url=f"https://example.com/{case.pk}")
    Delivery.objects.create(row=row, endpoint=endpoint)
    Alert.objects.create(case=case, to="risk", code="approval_expired", says="Expired", raised_at=now)
    Case.objects.filter(pk=waiting.pk).update(paused_since=now)
    pause = Pause.objects.create(case=waiting, kind="team", on_whom="Finance", desk="review", by=person, since=now)
    at = {"workflow": case.workflow, "vendor": person.vendor, "desk": "review", "says": "Late"}
    Stuck.objects.create(case=waiting, day=now, why="overdue", **at)
    Forecast.objects.create(at=now, shift_ends=now, waiting=1, late=1, pace=1, **at)
    Inquiry.objects.create(case=waiting, pause=pause, by=person, vendor_id=person.vendor_id, question="Why?")
    file = {"name": "a.txt", "kind": "text/plain", "size": 1, "digest": hashlib.sha256(b"x").digest()}
    made = Attachment.objects.create(case=waiting, by=person, vendor_id=person.vendor_id, at=now, **file)
    AttachedFile.objects.create(attachment=made, content=b"x")
    Digest.objects.create(to=person, slot=now, made_at=now)
    Wishes.objects.create(user=person)
    Comment.objects.create(case=waiting, by=person, vendor_id=person.vendor_id, at=now, text="Look")
    Notice.objects.create(to=person, kind="mention", case=waiting, by=person, at=now)
    case.reworks.create(by=person, at=now, place="support")
    written = {"by": person, "vendor_id": person.vendor_id, "at": now}
    OwnAnswer.objects.create(case=waiting, answer={"decision": "refuse"}, differs=[], **written)
    Question.objects.create(case=waiting, words="Why?", **written)
    pattern = {
        "workflow": case.workflow,
        "title": "Again",
        "opened_by": person,
        "opened_at": now,
        "vendor_id": person.vendor_id,
    }
    Flag.objects.create(finding=Finding.objects.create(**pattern), case=waiting, **written)
    SavedView.objects.create(owner=person, name="Mine")
    Unfinished.objects.create(case=waiting, by=person, revision=1, desk="review", typed={})
    BulkRow.objects.create(bulk=Bulk.objects.create(by=person, verb="escalate"), case=case, revision=1)
    finding.note_new()
    for decision in case.decisions.all():
        BreakGlassReview.objects.create(decision=decision, due_at=now)
    Replay.objects.create(policy=case.policy, since=now - day, until=now, asked_by=administrator)
    Evaluation.objects.create(scorecard=card, by=person, marks={}, passed=True)
    IdempotencyKey.objects.create(user=person, key="k", request_digest=b"", status=200, body=b"")
    Absence.objects.create(user=person, since=now, until=now + day)
    keys.make(person, by=administrator, name="k", verbs=["read"])
    if person.vendor:
        given, lead = factories.mandated(person.vendor, case.workflow), factories.lead(person.vendor)
        Proposal.objects.create(mandate=given, role="improver", person=person, username=person.username, proposed_by=lead)


def rows_seen_by(user) -> dict[str, set[int]]:
    with acting_as(user):
        return {table: {pk for (pk,) in sql(f"SELECT id FROM {table}")} for table in guarded()}


def test_nobody_sees_a_row(both, owner):
    house, nobody = rows_seen_by(owner), rows_seen_by(NOBODY)

    assert {table for table, rows in house.items() if not rows} <= TRIED_ELSEWHERE
    assert {table for table, rows in nobody.items() if rows} == READ_BEFORE_ANYBODY_ACTS


def test_each_vendor_sees_its_own_rows_and_none_of_the_others(both, owner):
    one, other = both

    mine, theirs, house = rows_seen_by(one), rows_seen_by(other), rows_seen_by(owner)

    shared = {table for table in mine if mine[table] & theirs[table]}
    assert shared <= EVERYBODY_SEES_THE_HOUSE
    for table in ("cases_case", "cases_decision", "cases_correction", "cases_claim", "cases_release", "cases_rework", "audit_auditevent",
                  "integrations_outboxrow", "integrations_idempotencykey", "scorecards_evaluation", "workflows_mandate", "workflows_proposal", "accounts_vendor", "accounts_apikey",
                  "cases_comment", "cases_inquiry", "cases_notice",
                  "cases_attachment", "cases_attachedfile", "cases_digest", "cases_wishes",
                  "cases_findable", "cases_savedview", "cases_bulk", "cases_bulkrow", "cases_unfinished"):  # fmt: skip
        assert mine[table] and theirs[table], table
        assert mine[table] | theirs[table] <= house[table]
    for table in ("workflows_approvallimit", "workflows_delegation"):  # what the house may sign is the house's
        assert house[table] and not mine[table], table
    with acting_as(one):
        assert not User.objects.filter(vendor=other.vendor).exists() and User.objects.filter(vendor=None).exists()


def test_a_session_changes_no_row_that_it_does_not_see(both, send):
    one, other = both
    theirs = Case.objects.filter(vendor=other.vendor).first()

    for user in (one, NOBODY):
        with acting_as(user):
            assert Case.objects.filter(pk=theirs.pk).update(priority=9) == 0
            assert sql("UPDATE cases_claim SET ended_by = '' WHERE case_id = %s", theirs.pk) == 0


ADDED = {  # what a vendor's session tries to add to another vendor's case
    "cases_claim": "INSERT INTO cases_claim (case_id, user_id, desk, since, until, ended_by) VALUES (%(case)s, %(me)s, 'review', now(), now(), '')",
    "cases_release": "INSERT INTO cases_release (case_id, number, digest, at) VALUES (%(case)s, 9, '', now())",
    "cases_rework": "INSERT INTO cases_rework (case_id, by_id, at, place, severity, currency, reason)"
    " VALUES (%(case)s, %(me)s, now(), 'support', 'minor', '', '')",
    "integrations_outboxrow": "INSERT INTO integrations_outboxrow (case_id, number, recipient_id, event, payload, at)"
    " VALUES (%(case)s, 9, 1, 'case.released', '{}', now())",
    "cases_decision": "INSERT INTO cases_decision (case_id, by_id, vendor_id, at, verb, desk, \"to\", digest, reason, reason_code, break_glass)"
    " VALUES (%(case)s, %(me)s, %(vendor)s, now(), 'accept', 'review', 'closed', '', '', '', false)",
    "cases_correction": "INSERT INTO cases_correction (decision_id, field, root_cause, is_new_value) VALUES (%(decision)s, 'x', '', false)",
    "audit_auditevent": "INSERT INTO audit_auditevent (subject_type, subject_id, actor_id, actor_name, vendor_id, request_id, verb, body, words)"
    " VALUES ('case', %(case)s, 1, 'x', %(other)s, '', 'case.accept', '{}', '')",
    "cases_alert": "INSERT INTO cases_alert (case_id, \"to\", code, says, raised_at) VALUES (%(case)s, 'risk', 'x', '', now())",
}  # fmt: skip


@pytest.mark.parametrize("table", ADDED)
@pytest.mark.parametrize("who", ["vendor", "nobody"])
def test_nothing_is_added_to_what_is_another_vendors(both, table, who):
    one, other = both
    decision = Decision.objects.filter(vendor_id=other.vendor_id).first()
    about = {"case": decision.case_id, "decision": decision.pk, "me": one.pk, "vendor": one.vendor_id, "other": other.vendor_id}

    with (
        pytest.raises(DatabaseError, match=r"row-level security|permission denied|their own decisions"),
        refusing(one, who) as cursor,
    ):
        cursor.execute(ADDED[table], about)


@contextmanager
def refusing(vendors_person, who):
    with acting_as(vendors_person if who == "vendor" else NOBODY), connection.cursor() as cursor:
        yield cursor


# A vendor's work goes on


@pytest.fixture
def rules():
    return {"action_tiers": {"refund": "high"}, "amount_bands": [{"currency": "EUR", "amount": 1000, "tier": "high"}]}


@pytest.fixture
def theirs(send, vendor_reviewer):
    return given_to(vendor_reviewer.vendor, send())


def test_claiming_and_deciding(theirs, vendor_reviewer):
    with acting_as(vendor_reviewer):
        assert queues.next_case(vendor_reviewer).pk == theirs.pk
        actions.correct(theirs.pk, by=vendor_reviewer, output={"decision": "refuse"}, root_causes={"decision": "Model"})

    case = Case.objects.get(pk=theirs.pk)
    assert (case.state, case.vendor_id) == ("closed", vendor_reviewer.vendor_id)
    assert case.released_at and OutboxRow.objects.filter(case_id=case.pk).count() == 2
    assert Correction.objects.get().decision.by == vendor_reviewer


def test_what_goes_to_approval_leaves_their_sight(theirs, vendor_reviewer, approver):
    with acting_as(vendor_reviewer):
        actions.correct(theirs.pk, by=vendor_reviewer, output={"decision": "refund"}, action={**REFUND, "amount": Decimal(500)})
        assert not Case.objects.filter(pk=theirs.pk).exists()
        assert Decision.objects.get().verb == "correct"  # his own stays

    case = Case.objects.get(pk=theirs.pk)
    assert (case.state, case.vendor_id, case.requires_approval) == ("approval", None, True)
    actions.approve(case.pk, by=approver)


def test_what_they_hand_to_the_house_leaves_their_sight(theirs, vendor_reviewer, reviewer):
    with acting_as(vendor_reviewer):
        actions.hand_over(theirs.pk, by=vendor_reviewer, to=reviewer.pk, reason="Not ours")

    assert Case.objects.get(pk=theirs.pk).vendor_id is None


@pytest.mark.parametrize("rules", [{"grace_seconds": 60}])
def test_whoever_decided_sees_it_and_undoes_it_while_he_can(client, theirs, refunds, owner, machine, vendor_reviewer):
    colleague = seated(refunds, "reviewer", owner, vendor_reviewer.vendor)
    page, undo = reverse("admin:cases_case_change", args=[theirs.pk]), asked(theirs, "undo")
    actions.accept(theirs.pk, by=vendor_reviewer)

    for person, status in ((colleague, 404), (vendor_reviewer, 200)):
        client.force_login(person)
        with acting_as(person):
            assert (client.get(page).status_code, client.get(undo).status_code) == (status, status)
    with acting_as(vendor_reviewer):
        assert decide(client, theirs, "undo", reason="Too quick").status_code == 302
    assert Case.objects.get(pk=theirs.pk).state == "review"

    actions.accept(theirs.pk, by=vendor_reviewer)
    with clock.moved(clock.now() + timedelta(seconds=61)):
        assert not Case.objects.visible_to(vendor_reviewer).filter(pk=theirs.pk).exists()


def test_only_whose_case_it_is_passes_it_on(theirs, other_vendor_reviewer):
    for user in (other_vendor_reviewer, NOBODY):
        with pytest.raises(DatabaseError, match="Only whose case it is"), acting_as(user):
            sql("SELECT pass_on(%s, NULL)", theirs.pk)


def test_an_attempt_at_anothers_case_is_noted_and_it_does_not_exist(theirs, other_vendor_reviewer):
    with acting_as(other_vendor_reviewer):
        with pytest.raises(Case.DoesNotExist):
            actions.accept(theirs.pk, by=other_vendor_reviewer)
        trail.write_refusals()

    noted = AuditEvent.objects.get(subject_type="case", subject_id=theirs.pk, verb="case.accept_refused")
    assert (noted.actor_id, noted.vendor_id, noted.number) == (other_vendor_reviewer.pk, other_vendor_reviewer.vendor_id, 2)


def test_an_attempt_at_what_is_not_there_at_all_is_not(vendor_reviewer):
    with acting_as(vendor_reviewer):
        with pytest.raises(Case.DoesNotExist):
            actions.accept(2**40, by=vendor_reviewer)
        trail.write_refusals()

    assert not AuditEvent.objects.filter(verb="case.accept_refused").exists()


def test_a_lost_race_is_told_as_before(theirs, vendor_reviewer, owner, refunds):
    colleague = seated(refunds, "reviewer", owner, vendor_reviewer.vendor)
    with acting_as(colleague):
        actions.accept(theirs.pk, by=colleague)

    with pytest.raises(Conflict, match=f"it was accepted by {colleague}"), acting_as(vendor_reviewer):
        actions.accept(theirs.pk, by=vendor_reviewer)


def test_promises_hold_in_a_vendors_session(theirs, vendor_reviewer):
    """Each looks at rows of other tables: one that saw none would let it pass."""
    digest = bytes(theirs.digest)
    tries = {
        "what was held is released by a decision": ("INSERT INTO cases_release (case_id, number, digest, at) VALUES (%s, 1, %s, now())", digest),
        "released means a release row": ("UPDATE cases_case SET released_at = now() WHERE id = %s",),
        "vendors sessions decide for their own people": (
            "INSERT INTO cases_decision (case_id, by_id, vendor_id, at, verb, desk, \"to\", digest, reason, reason_code, break_glass)"
            " SELECT %s, u.id, current_setting('hitl.vendor')::bigint, now(), 'accept', 'review', 'closed', '', '', '', false"
            " FROM accounts_user u WHERE u.vendor_id IS NULL LIMIT 1",),
        "tier and required approval never fall": ("UPDATE cases_case SET tier = 'low' WHERE id = %s",),
    }  # fmt: skip
    for sentence, (statement, *more) in tries.items():
        with pytest.raises(DatabaseError, match=sentence), acting_as(vendor_reviewer):
            sql(statement, theirs.pk, *more)


def test_high_risk_is_not_released_by_a_vendors_session(send, vendor_reviewer):
    case = send()
    Case.objects.filter(pk=case.pk).update(requires_approval=True, approvals_needed=1, chain=ONE_STEP)
    case = given_to(vendor_reviewer.vendor, case)
    with pytest.raises(DatabaseError, match="high risk is never released unapproved"), acting_as(vendor_reviewer):
        Release.objects.create(case=case, number=1, digest=case.digest, at=timezone.now())


# Connections that are used by everybody in turn


def seen_by(who) -> tuple:
    """One piece of work on a connection that others use before and after: the cases seen, and what stays on it."""
    with acting.scope(who), transaction.atomic():
        seen = set(Case.objects.values_list("pk", flat=True))
    with acting.scope(acting.NOBODY):
        [stays] = sql(
            "SELECT current_user::text, coalesce(current_setting('hitl.vendor', true), ''), (SELECT count(*) FROM cases_case)"
        )
    return seen, stays


def leaks_of(checkouts, expected) -> list:
    """What differs from what each should see, over so many pieces of work in a mixed order on two connections."""
    drawn, leaks, done = random.Random(7), [], []
    order = [drawn.choice(list(expected)) for _ in range(checkouts)]

    def work(mine):
        for who in mine:
            if (found := seen_by(who)) != (expected[who], ("hitl_app", "", 0)):
                leaks.append((who, found))
            done.append(who)
        connection.close()

    threads = [Thread(target=work, args=(order[n::2],)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == checkouts
    return leaks


@pytest.fixture
def pooled(committed, vendor, other_vendor):
    """Who acts, and what he is to see: a case of each vendor's, and one of the house's."""
    send, one, other = committed("send", "vendor_reviewer", "other_vendor_reviewer")
    with transaction.atomic():
        cases = [given_to(person and person.vendor, send()).pk for person in (one, other, None)]
    return {
        acting.on_behalf_of(one, "r"): {cases[0]},
        acting.on_behalf_of(other, "r"): {cases[1]},
        acting.Acting(in_house=True): set(cases),
        acting.NOBODY: set(),
    }


def test_a_statement_that_is_planned_once_shows_each_his_own_rows(pooled):
    """The plan outlives the transaction; what it was made for does not."""
    ids = sorted(set().union(*pooled.values()))

    for who, seen in [*pooled.items()] * 8:
        with acting.scope(who), transaction.atomic(), connection.planned_once() as cursor:
            cursor.execute("SELECT id FROM cases_case WHERE id = ANY(%s)", [ids])
            assert {pk for (pk,) in cursor.fetchall()} == seen

    plans = sql(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT id FROM cases_case %%'"
    )
    assert len(plans) == 1 and sum(plans[0]) == 32 and plans[0][0]


@pytest.mark.long
def test_a_server_that_went_away_is_told_of_also_where_a_statement_is_planned_once():
    """Whoever catches a broken connection must find one, whichever cursor he asked for."""
    asks = """
import django
django.setup()
from django.db import OperationalError, connection
connection.ensure_connection()
connection.connection.close()
connection.health_check_enabled, connection.health_check_done = True, False
connection.settings_dict["NAME"] = "nowhere"
try:
    connection.planned_once()
except OperationalError:
    print("told")
"""
    known = {**os.environ, "DJANGO_SETTINGS_MODULE": "hitlsite.settings"}
    done = subprocess.run([sys.executable, "-c", asks], env=known, capture_output=True, text=True)
    assert (done.stdout, done.stderr[-500:]) == ("told\n", "")


@pytest.mark.long
@pytest.mark.parametrize("said, kept", [("0", 0), ("1", 1)])
def test_a_pooler_that_knows_no_prepared_statements_is_spared_them(said, kept):
    asks = """
from django.db import connection
import django
django.setup()
with connection.planned_once() as cursor:
    cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", ["%pg_prepared%"])
    print("kept", cursor.fetchone()[0])
"""
    known = {**os.environ, "DJANGO_SETTINGS_MODULE": "hitlsite.settings", "HITLDESK_PREPARE": said}
    done = subprocess.run([sys.executable, "-c", asks], env=known, capture_output=True, text=True, check=True)
    assert f"kept {kept}" in done.stdout


def test_two_connections_keep_nothing_of_whoever_had_them_before(pooled):
    assert leaks_of(200, pooled) == []


@pytest.mark.slow
def test_two_thousand_uses_of_two_connections_leak_nothing(pooled):
    assert leaks_of(2000, pooled) == []


def test_outside_a_transaction_nobody_sees_a_row_and_whoever_acts_has_one_of_his_own(pooled):
    for who, seen in pooled.items():
        with acting.scope(who):
            assert set(Case.objects.values_list("pk", flat=True)) == seen
    with acting.scope(acting.NOBODY):
        assert sql("SELECT current_user::text, coalesce(current_setting('hitl.vendor', true), '')") == [("hitl_app", "")]


def test_whoever_acted_is_forgotten_when_his_work_breaks(vendor_reviewer):
    before = acting.current()

    with pytest.raises(ZeroDivisionError), acting_as(vendor_reviewer):
        assert acting.current().vendor_id == vendor_reviewer.vendor_id
        1 / 0  # noqa: B018

    assert acting.current() == before
    assert sql("SELECT current_user::text, current_setting('hitl.vendor', true)") == [("hitl_house", "")]


ALONE = """
from tests import factories
from audit import acting
from django.db import transaction
from cases.intake import Intake, receive
from cases.models import Case
from workflows import actions as workflows
import msgspec
with acting.scope(acting.Acting(in_house=True)), transaction.atomic():
    owner = factories.UserFactory(username="owner")
    refunds = factories.workflow("refunds", owner=owner)
    robot = factories.IntegrationFactory(answers_for=owner)
    workflows.seat(robot, refunds, "integration", by=owner)
    item = {"workflow": "refunds", "external_id": "1", "input": {}, "output": {"decision": "refund"}}
    receive([msgspec.convert(item, Intake)], by=robot)
with acting.scope(acting.Acting(in_house=True)):
    print("seen", Case.objects.count())
"""


@pytest.mark.slow
def test_one_role_alone_is_not_locked_out(db, settings):
    """DATABASE_URL alone, on a server that knows the other roles and with an owner who may not pass over policies."""
    if not settings.EMBEDDED:
        pytest.skip("It makes a role, as the embedded server's superuser.")
    url = urlsplit(postgres.url("hitl_super", "postgres"))
    with psycopg.connect(url.geturl(), autocommit=True) as server:
        server.execute("CREATE ROLE alone LOGIN PASSWORD 'alone'")
        server.execute("CREATE DATABASE alone OWNER alone")
    try:
        here = {
            **os.environ,
            "DATABASE_URL": postgres.url("hitl_super", "alone").replace(url.username, "alone").replace(url.password, "alone"),
        }
        here |= {"DATABASE_OWNER_URL": ""}
        told = [subprocess.run([sys.executable, "manage.py", *words], env=here, cwd=settings.BASE_DIR, capture_output=True, text=True)
                for words in (["migrate", "-v0"], ["check"], ["shell", "-c", ALONE])]  # fmt: skip
        assert [each.returncode for each in told] == [0, 0, 0], [each.stderr[-1000:] for each in told]
        assert "hitlsite.W001" in told[1].stderr and "seen 1" in told[2].stdout
    finally:
        with psycopg.connect(url.geturl(), autocommit=True) as server:
            server.execute("DROP DATABASE alone WITH (FORCE)")
            server.execute("DROP ROLE alone")
