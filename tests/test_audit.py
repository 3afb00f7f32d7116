"""Promise T2: the ledger is append-only, numbered and chained by the database; and how it reads."""

import threading
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from audit import acting, clock, ledger, seal, trail, verify
from audit.models import AuditEvent
from hitlsite.scoped.owner import as_owner

FILL = """
INSERT INTO audit_auditevent (subject_type, subject_id, actor_id, actor_name, vendor_id, request_id, verb, body, words)
SELECT CASE WHEN n %% 3 = 0 THEN 'policy' ELSE 'case' END, n %% %s, 7, 'Ada "the" Löw' || chr(10), nullif(n %% 4, 0), md5(n::text),
       'case.accept', jsonb_build_object('to', 'closed', 'n', n, 'ß', '"\\'), CASE WHEN n %% 2 = 0 THEN 'wörds ' || n ELSE '' END
  FROM generate_series(%s::int, %s::int) n
"""
BARE = "INSERT INTO audit_auditevent ({0}subject_type, subject_id, actor_id, actor_name, request_id, verb, body, words) VALUES ({1}'policy', 1, 7, 'Ada', '', 'policy.draft', '{{}}', '')"


class Person:
    pk, vendor_id = 7, None

    def __str__(self):
        return "Ada"


ADA = Person()


def subject(name="policy", pk=1):
    return SimpleNamespace(pk=pk, _meta=SimpleNamespace(model_name=name))


def sql(statement, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def fill(first=1, last=60, subjects=12):
    sql(FILL, [subjects, first, last])


def faults(outside=True):
    copy = ledger.outside_seals() if outside else None
    run = verify.Verification(ledger.seals(), copy, [seal.public_key()])
    return [fault.sentence for fault in run.faults(ledger.events())]


@pytest.fixture
def event(db):
    trail.record("policy.draft", by=ADA, subject=subject())
    return AuditEvent.objects.get()


REFUSED = [
    "UPDATE audit_auditevent SET words = 'x'",
    "UPDATE audit_auditevent SET words = 'x' WHERE false",
    "DELETE FROM audit_auditevent",
    "TRUNCATE audit_auditevent",
    "SELECT * FROM audit_auditevent FOR UPDATE",
    "INSERT INTO audit_auditevent SELECT * FROM audit_auditevent ON CONFLICT (id) DO UPDATE SET words = 'x'",
    "ALTER TABLE audit_auditevent DISABLE TRIGGER ALL",
    "ALTER TABLE audit_auditevent DISABLE TRIGGER history_is_chained",
    "ALTER TABLE audit_auditevent ADD COLUMN x int",
    "ALTER TABLE audit_auditevent OWNER TO CURRENT_USER",
    "DROP TRIGGER history_is_append_only ON audit_auditevent",
    "DROP TABLE audit_auditevent",
    "DROP FUNCTION chain_the_event CASCADE",
    "CREATE OR REPLACE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE RULE mine AS ON INSERT TO audit_auditevent DO INSTEAD NOTHING",
    "CREATE TRIGGER a_mine BEFORE INSERT ON audit_auditevent FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "SET session_replication_role = replica",
    "SET LOCAL session_replication_role = 'replica'",
    "SELECT set_config('session_replication_role', 'replica', true)",
    "SET ROLE hitl_owner",
    "SET SESSION AUTHORIZATION hitl_owner",
    "SELECT setval('audit_auditevent_id_seq', 1)",
    "ALTER SEQUENCE audit_auditevent_id_seq RESTART",
    "CREATE TABLE mine (n int)",
    "CREATE SCHEMA mine",
    "CREATE TEMP TABLE audit_auditevent (n int)",
    "CREATE TEMP VIEW audit_auditevent AS SELECT 1",
    "CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'",
    "UPDATE audit_auditseal SET events = 0",
    "DELETE FROM audit_auditseal",
    "TRUNCATE audit_auditseal",
    "DROP TABLE audit_auditseal",
]


@pytest.mark.parametrize("role", ["hitl_app", "hitl_house"])
@pytest.mark.parametrize("statement", REFUSED)
def test_the_application_cannot_change_the_ledger_nor_what_guards_it(event, statement, role):
    sql(f"SET LOCAL ROLE {role}")

    with (
        pytest.raises(DatabaseError, match=r"permission denied|must be owner|must be member|history is append only"),
        transaction.atomic(),
    ):
        sql(statement)


def test_only_the_house_adds_seals(db):
    sql("SET LOCAL ROLE hitl_app")

    with pytest.raises(DatabaseError, match="permission denied"):
        sql("INSERT INTO audit_auditseal VALUES (1, 1, 1, 1, 1, '', '', now(), '')")


@pytest.mark.parametrize("statement", ["UPDATE audit_auditevent SET words = 'x'", "DELETE FROM audit_auditevent"])
@pytest.mark.django_db(transaction=True)
def test_even_the_owner_is_refused_while_the_triggers_are_on(statement):
    fill(last=2)

    with acting.scope(acting.NOBODY), as_owner(), pytest.raises(DatabaseError, match="history is append only"):
        sql(statement)


@pytest.mark.parametrize(
    "column, forged",
    [
        ("id", 999_999_999),
        ("number", 40),
        ("at", datetime(2001, 1, 1, tzinfo=timezone.get_default_timezone())),
        ("previous", b"x" * 32),
        ("hash", b"x" * 32),
        ("words_salt", b"x" * 16),
        ("words_digest", b"x" * 32),
    ],
)
def test_nobody_can_forge_what_the_database_gives(event, column, forged):
    sql(BARE.format(f"{column}, ", "%s, "), [forged])

    forged_event = AuditEvent.objects.latest("number")
    assert getattr(forged_event, column) != forged
    assert (forged_event.number, forged_event.previous) == (2, event.hash)
    assert abs(forged_event.at - timezone.now()) < timedelta(minutes=1)
    assert faults() == []


def test_a_moved_clock_is_not_believed_of_the_application(db, monday):
    sql("SELECT set_config('hitl.clock', %s, true)", [monday.isoformat()])

    trail.record("policy.draft", by=ADA, subject=subject())

    assert abs(AuditEvent.objects.get().at - timezone.now()) < timedelta(minutes=1)


@pytest.mark.django_db(transaction=True)
def test_a_moved_clock_is_believed_of_the_owner(monday):
    with as_owner(), clock.moved(monday), transaction.atomic():
        trail.record("policy.draft", by=ADA, subject=subject())

    assert AuditEvent.objects.get().at == monday


@pytest.mark.django_db(transaction=True)
def test_events_written_at_once_about_one_subject_get_consecutive_numbers():
    start = threading.Barrier(4)

    def write():
        start.wait()
        try:
            with acting.scope(seal.HOUSE):
                for _ in range(10):
                    trail.record("policy.draft", by=ADA, subject=subject())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert list(AuditEvent.objects.values_list("number", flat=True)) == list(range(1, 41))
    assert faults() == []


def test_a_refusal_is_written_after_the_rollback(db):
    with pytest.raises(PermissionError), transaction.atomic():
        trail.refused("case.approve", by=ADA, subject=subject("case", 17), why="A vendor cannot approve.")
        raise PermissionError

    trail.write_refusals()

    event = AuditEvent.objects.get()
    assert (event.verb, event.body) == ("case.approve_refused", {"why": "A vendor cannot approve."})


def test_a_refusal_is_written_once(db):
    trail.refused("case.approve", by=ADA, subject=subject("case", 17), why="A vendor cannot approve.")

    trail.write_refusals()
    trail.write_refusals()

    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize(
    "verb, body, words, prose",
    [
        ("case.accept", {}, "", "was accepted by Ada"),
        ("case.send_back", {"to": "resolution"}, "unclear", "was sent back to resolution by Ada – “unclear”"),
        ("case.approve_refused", {"why": "Over your limit."}, "", "refused Ada's attempt to approve: Over your limit."),
        ("policy.publish", {}, "", "was published by Ada"),
        ("scorecard.draft_anew", {}, "", "scorecard draft anew by Ada"),
        ("case.escalate", {"to": "resolution", "actor": "Eve"}, "{to}", "was escalated to resolution by Ada – “{to}”"),
    ],
)
def test_an_event_reads_as_a_sentence(verb, body, words, prose):
    assert trail.sentence(AuditEvent(verb=verb, body=body, words=words, actor_name="Ada")) == prose
