"""The ledger as the verifier reads it: streamed from the database, and written to disk for verifiers elsewhere."""

import gzip
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from shutil import copyfile

from django.conf import settings
from django.db import connection

from audit import verify

MICROSECONDS = "(extract(epoch FROM at) * 1000000)::bigint"
EVENTS = f"""
SELECT id, subject_type, subject_id, number, {MICROSECONDS}, actor_id, actor_name, vendor_id, request_id, verb,
       words, words_salt, words_digest, body::text, previous, hash
  FROM audit_auditevent ORDER BY subject_type, subject_id, number
"""
SEALS = f"""
SELECT number, first_event, last_event, events, root, previous, {MICROSECONDS}, signature
  FROM audit_auditseal ORDER BY number
"""
README = """This is a ledger and the seals over it, as HITL Desk exported them. Verify it without HITL Desk:

    pip install cryptography
    python verify.py .

verify.py is a copy of audit/verify.py; use one from a source that you trust, and give it the public key and the copy
of the seals that you were given by another way: python verify.py . --key HEX --outside seals.jsonl
events.jsonl.gz holds what people typed: keep it as you would keep the cases themselves.
"""


def rows(query: str, *parameters) -> Iterator[tuple]:
    """Through a cursor of the server's, so that any number of rows takes the same memory."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, parameters)
        while batch := cursor.fetchmany(5000):
            yield from batch


def events() -> Iterator[verify.Event]:
    return map(verify.Event._make, rows(EVENTS))


def seals() -> list[verify.Seal]:
    with connection.cursor() as cursor:
        cursor.execute(SEALS)
        return [verify.Seal(*row) for row in cursor]


def count() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_auditevent")
        return cursor.fetchone()[0]


def outside_seals() -> list[verify.Seal] | None:
    """The copy kept outside the database; None where there is none."""
    path = Path(settings.SEAL_FILE)
    return verify.read_seals(path)[0] if path.exists() else None


def export(folder: Path, seals: Iterable[verify.Seal], public_key: bytes) -> None:
    """Everything but the events, which `exported` writes as they pass by."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "README.txt").write_text(README)
    (folder / "seals.jsonl").write_text("".join(seal_line(seal, public_key) for seal in seals))
    copyfile(verify.__file__, folder / "verify.py")
    (folder / "outside.jsonl").unlink(missing_ok=True)
    if Path(settings.SEAL_FILE).exists():
        copyfile(settings.SEAL_FILE, folder / "outside.jsonl")


def exported(folder: Path, events: Iterable[verify.Event]) -> Iterator[verify.Event]:
    with private(folder / "events.jsonl.gz") as file, gzip.open(file, "wt", compresslevel=1, encoding="utf-8") as zipped:
        for event in events:
            zipped.write(verify.as_line(event._asdict()))
            yield event


def seal_line(seal: verify.Seal, public_key: bytes) -> str:
    return verify.as_line({**seal._asdict(), "public_key": public_key})


def private(path: Path):
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
