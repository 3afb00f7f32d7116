"""Promise T1: whoever changes the ledger, with all the rights of its owner, is found out."""

import gzip
import json
import random
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from audit import acting, ledger, seal, trail, verify
from audit.models import AuditEvent, AuditSeal
from hitlsite.scoped.owner import as_owner
from tests.test_audit import ADA, faults, fill, sql, subject

pytestmark = pytest.mark.django_db(transaction=True)
EDITS = {
    "subject_id": "subject_id + 1000",
    "number": "number + 1000",
    "at": "at + interval '1 microsecond'",
    "actor_id": "actor_id + 1",
    "actor_name": "actor_name || ' '",
    "vendor_id": "CASE WHEN vendor_id IS NULL THEN 0 END",
    "request_id": "''",
    "verb": "'case.reject'",
    "body": """body || '{"to": "approval"}'""",
    "words": "words || '!'",
    "words_salt": "'x'",
    "words_digest": "sha256('x')",
    "previous": "sha256('x')",
    "hash": "sha256('x')",
}


@pytest.fixture(autouse=True)
def seal_file(settings, tmp_path):
    settings.SEAL_FILE = tmp_path / "outside" / "seals.jsonl"
    return settings.SEAL_FILE


@pytest.fixture
def sealed():
    """120 events under two seals, and six not sealed yet."""
    for first, last in ((1, 70), (71, 120)):
        fill(first, last)
        seal.seal()
    fill(121, 126)


@contextmanager
def as_tamperer():
    """The owner with the triggers switched off; what is done is undone at the end."""
    with acting.scope(acting.NOBODY), as_owner(), transaction.atomic():
        sql("ALTER TABLE audit_auditevent DISABLE TRIGGER USER; ALTER TABLE audit_auditseal DISABLE TRIGGER USER")
        sql("ALTER TABLE audit_auditevent DROP CONSTRAINT one_event_per_number")
        yield
        transaction.set_rollback(True)


def sealed_events(chance, count=1):
    return chance.sample(list(AuditEvent.objects.exclude(words="").order_by("id")[:50]), count)


def edit(chance):
    (event,), (column, value) = sealed_events(chance), chance.choice(list(EDITS.items()))
    sql(f"UPDATE audit_auditevent SET {column} = {value} WHERE id = %s", [event.pk])


def delete(chance):
    (event,) = sealed_events(chance)
    whole = chance.random() < 0.3
    sql(f"DELETE FROM audit_auditevent WHERE {'subject_id' if whole else 'id'} = %s", [event.subject_id if whole else event.pk])


def swap(chance):
    one, other = sealed_events(chance, 2)
    columns = chance.choice(["id", "body, words", "subject_type, subject_id, number"])
    if columns == "id":
        sql("UPDATE audit_auditevent SET id = -id WHERE id IN (%s, %s)", [one.pk, other.pk])
        sql("UPDATE audit_auditevent SET id = %s + id + %s WHERE id < 0", [one.pk, other.pk])
    else:
        sql(
            f"UPDATE audit_auditevent a SET ({columns}) = (SELECT {columns} FROM audit_auditevent b "
            "WHERE b.id <> a.id AND b.id = ANY(%(ids)s)) WHERE a.id = ANY(%(ids)s)",
            {"ids": [one.pk, other.pk]},
        )


def rehash(chance):
    """A lie told properly: every hash of the subject is computed anew."""
    (event,) = sealed_events(chance)
    sql("UPDATE audit_auditevent SET actor_name = 'Eve', body = '{}' WHERE id = %s", [event.pk])
    before = b""
    for row in [e for e in ledger.events() if (e.subject_type, e.subject_id) == (event.subject_type, event.subject_id)]:
        row = row._replace(previous=before)
        before = verify.event_hash(row)
        sql("UPDATE audit_auditevent SET previous = %s, hash = %s WHERE id = %s", [row.previous, before, row.id])


def cut_tail(chance):
    """The newest events go, and perhaps the seals that speak of them."""
    last = chance.choice(list(AuditSeal.objects.all())).last_event
    sql("DELETE FROM audit_auditevent WHERE id >= %s", [last - chance.randrange(20)])
    if chance.random() < 0.5:
        sql("DELETE FROM audit_auditseal WHERE last_event >= %s", [last])


@pytest.mark.parametrize("rounds", [8, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("tamper", [edit, delete, swap, rehash, cut_tail])
def test_tampering_as_the_owner_is_detected(sealed, tamper, rounds):
    for seed in range(rounds):
        with as_tamperer():
            tamper(random.Random(seed))

            assert faults(), f"{tamper.__name__} with seed {seed} went unseen."


@pytest.mark.long
@pytest.mark.parametrize("column", EDITS)
def test_an_edit_of_any_column_is_detected_by_the_chain_alone(column):
    fill()
    with as_tamperer():
        sql(f"UPDATE audit_auditevent SET {column} = {EDITS[column]} WHERE number = 2 AND words <> '' AND vendor_id IS NULL")

        assert faults()


def test_one_event_hashed_anew_no_longer_fits_the_next():
    fill()
    with as_tamperer():
        sql("UPDATE audit_auditevent SET actor_name = 'Eve' WHERE subject_type = 'case' AND subject_id = 1 AND number = 2")
        lie = next(event for event in ledger.events() if event.actor_name == "Eve")
        sql("UPDATE audit_auditevent SET hash = %s WHERE id = %s", [verify.event_hash(lie), lie.id])

        assert faults() == ["Event 3 of case 1 does not follow the event before it."]


def test_a_seal_says_how_many_events_are_gone(sealed):
    with as_tamperer():
        sql("DELETE FROM audit_auditevent WHERE id = (SELECT last_event FROM audit_auditseal WHERE number = 1)")

        assert "Seal 1 covers 70 events, and 69 are there." in faults()


LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]


@pytest.mark.parametrize(
    "leaves, root",
    [
        (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ],
)
def test_roots_are_those_of_certificate_transparency(leaves, root):
    """RFC 6962, with the values that its implementations share."""
    assert verify.Merkle(map(bytes.fromhex, LEAVES[:leaves])).root().hex() == root


def test_only_the_seal_catches_a_rehashed_chain(sealed):
    with as_tamperer():
        rehash(random.Random(1))

        assert all(sentence.startswith("Seal ") for sentence in faults())


def test_only_the_outside_copy_catches_a_cut_tail_with_its_seals(sealed):
    with as_tamperer():
        last = AuditSeal.objects.get(number=1).last_event
        sql("DELETE FROM audit_auditevent WHERE id > %s", [last])
        sql("DELETE FROM audit_auditseal WHERE number > 1")

        assert faults(outside=False) == []
        assert faults() == ["Seal 2 is in the outside copy and not in the database."]


def test_seals_made_anew_with_another_key_are_detected(sealed, settings, seal_file):
    settings.SEAL_KEY, mine = "another", settings.SEAL_KEY
    with as_tamperer():
        sql("DELETE FROM audit_auditseal")
        seal._next_seal.__wrapped__(AuditEvent.objects.latest("id").pk)
        settings.SEAL_KEY = mine

        found = faults()

    assert "Seal 1 is not signed by a key that we trust." in found
    assert "Seal 1 in the database is not the one in the outside copy." in found


def test_an_event_slipped_into_a_sealed_range_is_detected(sealed):
    with as_tamperer():
        sql("DELETE FROM audit_auditevent WHERE id = 1 + (SELECT last_event FROM audit_auditseal WHERE number = 2)")
        sql("UPDATE audit_auditevent SET id = 0 WHERE id = (SELECT max(id) FROM audit_auditevent)")

        assert "1 event came in before the first id." in faults()


def test_erased_words_leave_the_chain_whole(sealed):
    with as_tamperer():
        sql("UPDATE audit_auditevent SET words = '', words_salt = NULL")

        run = verify.Verification(ledger.seals(), ledger.outside_seals(), [seal.public_key()])
        assert list(run.faults(ledger.events())) == []
        assert run.erased == 63


def test_words_put_where_there_were_none_are_detected(sealed):
    with as_tamperer():
        sql("UPDATE audit_auditevent SET words = 'I never said that.' WHERE words = '' AND number = 1 AND subject_id = 1")

        assert faults() == ["The words of event 1 of case 1 were changed."]


def verified(*options):
    said = StringIO()
    try:
        call_command("verify_audit", *options, stdout=said)
    except SystemExit as end:
        return end.code, said.getvalue().splitlines()
    return 0, said.getvalue().splitlines()


def test_the_untouched_ledger_verifies(sealed):
    code, said = verified()

    assert code == 0
    assert said[-1] == "126 events of 12 subjects and 2 seals verified: nothing was changed."
    assert said[0].startswith("6 events not yet covered by a seal")


def test_the_command_tells_each_fault_and_exits_with_one(sealed):
    with as_tamperer():
        sql("DELETE FROM audit_auditevent WHERE subject_type = 'case' AND subject_id = 1 AND number = 3")

        code, said = verified()

    assert code == 1
    assert said[0] == "Event 3 of case 1 is missing."
    assert said[-1].endswith("2 faults found.")


def test_a_missing_outside_copy_is_said(sealed, seal_file):
    seal_file.unlink()

    code, said = verified()

    assert code == 0
    assert any(line.startswith("The outside copy of the seals is missing") for line in said)


def test_a_damaged_outside_copy_is_refused(sealed, seal_file):
    seal_file.write_text("not a seal\n")

    with pytest.raises(CommandError, match=r"Line 1 of seals.jsonl cannot be read."):
        call_command("verify_audit")


@pytest.mark.long
@pytest.mark.parametrize("tamper", [None, edit, delete, swap, rehash, cut_tail])
def test_the_verifier_without_django_agrees_with_the_command(sealed, tmp_path, tamper):
    with as_tamperer():
        if tamper:
            tamper(random.Random(3))
        code, said = verified("--export", str(tmp_path / "export"))

    run = offline(tmp_path / "export", "--key", seal.public_key().hex())

    assert (run.returncode, run.stdout.splitlines()) == (code, said)
    assert code == bool(tamper)


OFFLINE = "import runpy, sys; sys.modules['django'] = None; runpy.run_path('verify.py', run_name='__main__')"


def offline(folder, *options, script=OFFLINE):
    """In a Python that sees neither our code (-I) nor Django (made impossible to import)."""
    command = [sys.executable, "-I", "-c", script, ".", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    "damage", [lambda text: text[:-9], lambda text: text.replace(b'"number"', b'"nr"', 1), lambda text: b"[1]\n" + text]
)
def test_an_export_that_cannot_be_read_is_refused(sealed, tmp_path, damage):
    verified("--export", str(tmp_path / "export"))
    path = tmp_path / "export" / "events.jsonl.gz"
    path.write_bytes(gzip.compress(damage(gzip.decompress(path.read_bytes()))))

    run = offline(tmp_path / "export")

    assert run.returncode == 1
    assert run.stdout.splitlines()[-1].endswith(("cannot be read.", "is no event."))


def test_a_subject_told_twice_is_detected(sealed, tmp_path):
    events = list(ledger.events())
    again = [event for event in events if event.subject_id == 1 and event.subject_type == "case"]

    run = verify.Verification(())

    assert "case 1 is there twice, or out of order." in [fault.sentence for fault in run.faults(events + again)]


def test_an_empty_ledger_verifies_and_is_not_sealed(seal_file):
    assert seal.seal() is None
    assert verified() == (0, ["0 events of 0 subjects and 0 seals verified: nothing was changed."])
    assert not seal_file.exists()


def test_nothing_new_makes_no_seal(sealed):
    assert seal.seal().events == 6
    assert seal.seal() is None


def test_the_outside_file_is_private_and_catches_up_after_a_crash(sealed, seal_file):
    whole = seal_file.read_text()
    seal_file.write_text(whole[:-30])  # the second line was cut off halfway

    seal.write_outside()

    assert seal_file.read_text() == whole
    assert seal_file.stat().st_mode & 0o777 == 0o600
    assert [json.loads(line)["number"] for line in whole.splitlines()] == [1, 2]


def test_two_sealers_at_once_make_one_seal():
    fill()
    start, made = threading.Barrier(4), []

    def work():
        start.wait()
        try:
            made.append(seal.seal())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert len(made) == 4
    assert [found.number for found in made if found] == [1]
    assert faults() == []


def test_a_seal_waits_for_those_who_are_still_writing(monkeypatch):
    monkeypatch.setattr(seal, "PATIENCE", "100ms")
    written, done = threading.Event(), threading.Event()

    def write():
        with acting.scope(seal.HOUSE), transaction.atomic():
            trail.record("policy.draft", by=ADA, subject=subject())
            written.set()
            done.wait(30)
        connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    written.wait(30)
    try:
        with pytest.raises(seal.NotSettled, match="nothing was sealed"):
            seal.seal()
    finally:
        done.set()
        writer.join()
    assert seal.seal().events == 1


@pytest.mark.slow
def test_a_million_events_are_verified_in_a_minute_and_in_flat_memory(tmp_path, seal_file):
    for first in range(1, 1_000_000, 5000):  # one transaction holds a lock for every subject it writes about
        fill(first, first + 4999, 300_000)
    seal.seal()
    call_command("verify_audit", "--no-progress", "--export", str(tmp_path / "export"))

    began = time.monotonic()
    code, said = verified("--no-progress")
    took = time.monotonic() - began

    assert (code, took < 60) == (0, True), f"{took:.0f} s: {said}"
    run = offline(tmp_path / "export", script=f"try:\n    {OFFLINE}\nfinally:\n    print(open('/proc/self/status').read())")
    peak = int(run.stdout.partition("VmHWM:")[2].split()[0])
    assert (run.returncode, peak < 100_000) == (0, True), f"{peak:,} kB: {run.stderr}"
