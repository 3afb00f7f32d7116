"""Seals: signed statements over every event so far, kept in the database and in a file outside it.

What is sealed cannot be changed any more without notice, not even by the database's owner, who can compute
hashes anew but cannot sign.
"""

import fcntl
import os
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from audit import acting, clock, ledger, verify
from audit.models import AuditSeal

HOUSE = acting.Acting(in_house=True)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PATIENCE = "5s"  # longer than any request writes; meanwhile new writers wait behind us
HASHES = "SELECT hash FROM audit_auditevent WHERE id BETWEEN %s AND %s ORDER BY id"


class NotSettled(RuntimeError):
    """Somebody is writing one long transaction, and we would make everybody else wait for it."""


def seal() -> AuditSeal | None:
    """Make the next seal, where there is something new, and write down outside what is not there yet."""
    with acting.scope(HOUSE):
        made = _next_seal(_settled())
        write_outside()
    return made


def _settled() -> int:
    try:
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
            cursor.execute("SELECT settled_audit_events()")
            return cursor.fetchone()[0]
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        raise NotSettled("Somebody has been writing for longer than five seconds: nothing was sealed; try again.") from error


@transaction.atomic(durable=True)
def _next_seal(last: int) -> AuditSeal | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('audit'), hashtext('seal'))")
    before = (ledger.seals() or [None])[-1]
    first = before.last_event + 1 if before else 1
    found = verify.Merkle(row[0] for row in ledger.rows(HASHES, first, last))
    return _write(before, first, last, found) if found.count else None


def _write(before: verify.Seal | None, first: int, last: int, found: verify.Merkle) -> AuditSeal:
    at = clock.now()
    number, previous = (before.number + 1, sha256(before.text()).digest()) if before else (1, b"")
    unsigned = verify.Seal(number, first, last, found.count, found.root(), previous, (at - EPOCH) // timedelta(microseconds=1))
    signed = unsigned._replace(signature=_key().sign(unsigned.text()))
    return AuditSeal.objects.create(**{**signed._asdict(), "at": at})


def write_outside() -> None:
    """Append the seals that the outside file does not have yet: after each seal, and after a crash between the two."""
    path = Path(settings.SEAL_FILE)
    seals = ledger.seals()
    if not seals:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _cut_half_a_line(file)
        known = max((seal.number for seal in verify.read_seals(path)[0]), default=0)
        file.write("".join(ledger.seal_line(seal, public_key()) for seal in seals if seal.number > known).encode())
        file.flush()
        os.fsync(file.fileno())


def _cut_half_a_line(file) -> None:
    """A crash while writing leaves half a line at the end; its seal is in the database and is written again."""
    file.truncate(file.read().rfind(b"\n") + 1)
    file.seek(0, os.SEEK_END)


def public_key() -> bytes:
    """The half that anybody may have: it verifies seals and makes none."""
    return _key().public_key().public_bytes_raw()


def _key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(settings.SEAL_KEY.encode()).digest())
