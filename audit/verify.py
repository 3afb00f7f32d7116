"""Was the ledger changed? Pure arithmetic over events and seals, for us and for whoever does not trust us.

This one file needs Python and `cryptography` and nothing of ours: copy it, and run `python verify.py EXPORT_DIR`.
One pass in the order of the chain checks each subject's numbers, links and hashes; each event's id and hash go to a
table on disk, from which the seals' roots are computed. So memory stays flat at any length.
"""

import argparse
import gzip
import json
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

quoted = json.JSONEncoder(ensure_ascii=False).encode  # as PostgreSQL's to_json(text)


class Event(NamedTuple):
    """An event as it is stored; `at` in microseconds since 1970, `body` the text of the stored jsonb."""

    id: int
    subject_type: str
    subject_id: int
    number: int
    at: int
    actor_id: int
    actor_name: str
    vendor_id: int | None
    request_id: str
    verb: str
    words: str | None
    words_salt: bytes | None
    words_digest: bytes | None
    body: str
    previous: bytes
    hash: bytes


class Seal(NamedTuple):
    """A signed statement over the events from `first_event` to `last_event`; `at` in microseconds since 1970."""

    number: int
    first_event: int
    last_event: int
    events: int
    root: bytes
    previous: bytes
    at: int
    signature: bytes = b""

    def text(self) -> bytes:
        """What is signed, and what the next seal's `previous` is the SHA-256 of."""
        count = f"{self.number} {self.first_event} {self.last_event} {self.events}"
        return f"seal {count} {self.root.hex()} {self.previous.hex() or '-'} {self.at}".encode()


class Fault(NamedTuple):
    kind: str  # changed, missing, order, words, seal, unreadable
    sentence: str


def event_hash(event: Event) -> bytes:
    """The same bytes as the trigger `history_is_chained` takes, in the same order."""
    vendor = "none" if event.vendor_id == 0 else event.vendor_id or 0  # the trigger writes in-house as 0: no vendor may be 0
    digest = event.words_digest.hex() if event.words_digest else "-"
    text = (
        f"{event.subject_type} {event.subject_id} {event.number} {event.at} {event.actor_id} {quoted(event.actor_name)} "
        f"{vendor} {quoted(event.request_id)} {event.verb} {digest} {event.body}"
    )
    return sha256((event.previous or b"") + text.encode()).digest()


class Merkle:
    """The root over hashes as they come (RFC 6962): a finished subtree is folded as soon as it has a sister."""

    def __init__(self, leaves: Iterable[bytes] = ()):
        self.count, self.peaks = 0, []
        for leaf in leaves:
            self.add(leaf)

    def add(self, leaf: bytes) -> None:
        node, sisters = sha256(b"\0" + leaf).digest(), self.count
        while sisters & 1:
            node, sisters = sha256(b"\1" + self.peaks.pop() + node).digest(), sisters >> 1
        self.peaks.append(node)
        self.count += 1

    def root(self) -> bytes:
        if not self.peaks:
            return sha256().digest()
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = sha256(b"\1" + peak + node).digest()
        return node


class Verification:
    """One run: `faults()` yields what is wrong; afterwards the counts say what was looked at."""

    def __init__(self, seals: Iterable[Seal], outside: list[Seal] | None = None, keys: Iterable[bytes] = ()):
        self.sealed, self.outside, self.keys = list(seals), outside, [Ed25519PublicKey.from_public_bytes(key) for key in keys]
        self.events = self.subjects = self.erased = self.unsealed = 0
        self.hashes = sqlite3.connect("")  # a temporary file of SQLite's own
        self.hashes.execute("CREATE TABLE hashes (id INTEGER, hash BLOB)")

    def faults(self, events: Iterable[Event]) -> Iterator[Fault]:
        yield from self._chains(events)
        self.hashes.execute("CREATE INDEX by_id ON hashes (id)")
        yield from self._seals()
        yield from self._outside()
        self.hashes.close()

    def _chains(self, events: Iterable[Event]) -> Iterator[Fault]:
        """Events come subject by subject, numbers rising; a type of subject comes only once."""
        before, finished, events = None, set(), iter(events)
        while batch := list(islice(events, 5000)):
            for event in batch:
                fault = flaw(event)
                if before is None or event.subject_id != before.subject_id or event.subject_type != before.subject_type:
                    self.subjects += 1
                    yield from misplaced_subject(before, event, finished)
                    before = None
                yield from misplaced(before, event)
                if fault:
                    yield fault
                self.erased += bool(event.words_digest and not event.words)
                before = event
            self.events += len(batch)
            self.hashes.executemany("INSERT INTO hashes VALUES (?, ?)", ((event.id, event.hash or b"") for event in batch))

    def _seals(self) -> Iterator[Fault]:
        before = None
        for seal in self.sealed:
            yield from (Fault("seal", sentence) for sentence in self._flaws_of(seal, before))
            before = seal
        last = before.last_event if before else 0
        self.unsealed = self._count("id > ?", last)
        if smuggled := self._count("id < ?", 1):
            yield Fault("seal", f"{counted(smuggled, 'event')} came in before the first id.")

    def _flaws_of(self, seal: Seal, before: Seal | None) -> Iterator[str]:
        number, first, previous = (
            (before.number, before.last_event + 1, sha256(before.text()).digest()) if before else (0, 1, b"")
        )
        if seal.number != number + 1:
            yield f"Seal {number + 1} is missing."
        elif (seal.first_event, seal.previous) != (first, previous):
            yield f"Seal {seal.number} does not follow the seal before."
        if not self._is_signed(seal):
            yield f"Seal {seal.number} is not signed by a key that we trust."
        rows = self.hashes.execute(
            "SELECT hash FROM hashes WHERE id BETWEEN ? AND ? ORDER BY id", (seal.first_event, seal.last_event)
        )
        found = Merkle(row[0] for row in rows)
        if found.count != seal.events:
            yield f"Seal {seal.number} covers {seal.events:,} events, and {found.count:,} are there."
        elif found.root() != seal.root:
            yield f"Seal {seal.number} covers other events than are there now: some were written anew or changed places."

    def _is_signed(self, seal: Seal) -> bool:
        return any(is_signed(seal, key) for key in self.keys)

    def _count(self, where: str, value: int) -> int:
        return self.hashes.execute(f"SELECT count(*) FROM hashes WHERE {where}", (value,)).fetchone()[0]

    def _outside(self) -> Iterator[Fault]:
        """The copy kept outside knows of every seal but the newest, which may not have been written there yet."""
        here, there = {seal.number: seal for seal in self.sealed}, {seal.number: seal for seal in self.outside or ()}
        for seal in self.outside or ():
            if seal.number not in here:
                yield Fault("seal", f"Seal {seal.number} is in the outside copy and not in the database.")
            elif seal != here[seal.number]:
                yield Fault("seal", f"Seal {seal.number} in the database is not the one in the outside copy.")
        for number in sorted(here.keys() - there.keys()):
            if there and number < max(there):
                yield Fault("seal", f"Seal {number} is in the database and not in the outside copy.")

    def notes(self) -> Iterator[str]:
        """What is no fault, and what the reader should know all the same."""
        if self.unsealed:
            yield f"{counted(self.unsealed, 'event')} not yet covered by a seal: the newest of them could be cut off unseen."
        if self.sealed and self.outside is None:
            yield "The outside copy of the seals is missing: the newest seals could be cut off unseen, with their events."
        elif late := len({seal.number for seal in self.sealed} - {seal.number for seal in self.outside or ()}):
            yield f"{counted(late, 'seal')} not yet in the outside copy: run seal_audit."
        if self.erased:
            yield f"{counted(self.erased, 'event')} had their words erased, as is allowed."

    def key_note(self) -> Iterator[str]:
        """For whoever was given no key by a way of his own."""
        for key in self.keys if self.sealed else ():
            yield f"Signed with the key {key.public_bytes_raw().hex()}: compare it with the one you were given."

    def result(self, faults: int) -> str:
        """The whole run in one sentence."""
        looked_at = (
            f"{counted(self.events, 'event')} of {counted(self.subjects, 'subject')} and {counted(len(self.sealed), 'seal')}"
        )
        return f"{looked_at} verified: {counted(faults, 'fault') + ' found' if faults else 'nothing was changed'}."


def flaw(event: Event) -> Fault | None:
    """What is wrong with this event by itself."""
    if event_hash(event) != event.hash:
        return Fault("changed", f"{name(event)} was changed.")
    if event.words and sha256((event.words_salt or b"") + event.words.encode()).digest() != event.words_digest:
        return Fault("words", f"The words of {name(event, 'event')} were changed.")
    return None


def misplaced(before: Event | None, event: Event) -> Iterator[Fault]:
    """What is wrong between this event and the one before it in the chain of its subject."""
    number = before.number if before else 0
    if event.number > number + 1:
        yield Fault("missing", missing(event, number + 1, event.number - 1))
    elif event.number <= number:
        yield Fault("order", f"{name(event)} is there twice.")
    elif event.previous != (before.hash if before else b""):
        yield Fault("order", f"{name(event)} does not follow the event before it.")


def misplaced_subject(before: Event | None, event: Event, finished: set[str]) -> Iterator[Fault]:
    """A subject told twice would be two histories, each whole."""
    if before and before.subject_type != event.subject_type:
        finished.add(before.subject_type)
    twice = event.subject_type in finished
    if twice or (before and before.subject_type == event.subject_type and event.subject_id <= before.subject_id):
        yield Fault("order", f"{event.subject_type} {event.subject_id} is there twice, or out of order.")


def is_signed(seal: Seal, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(seal.signature, seal.text())
    except InvalidSignature:
        return False
    return True


def name(event: Event, word: str = "Event") -> str:
    return f"{word} {event.number} of {event.subject_type} {event.subject_id}"


def missing(event: Event, first: int, last: int) -> str:
    """The gap before this event."""
    of = f"of {event.subject_type} {event.subject_id}"
    return f"Event {first} {of} is missing." if first == last else f"Events {first} to {last} {of} are missing."


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


# An export on disk: one JSON object a line, the fields of Event and Seal by name, bytes in hexadecimal

BYTES = {"words_salt", "words_digest", "previous", "hash", "root", "signature", "public_key"}


class Unreadable(ValueError):
    """A file of the export, or the outside copy, that nobody can read as what it claims to be."""


def as_line(fields: dict) -> str:
    plain = {key: value.hex() if isinstance(value, bytes) else value for key, value in fields.items()}
    return json.dumps(plain, ensure_ascii=False) + "\n"


def lines(path: Path) -> Iterator[dict]:
    """What `as_line` wrote, read one at a time."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", newline="\n") as file:
        for place, line in enumerate(file, 1):
            try:
                fields = json.loads(line)
                yield {
                    key: bytes.fromhex(value) if key in BYTES and value is not None else value for key, value in fields.items()
                }
            except (ValueError, AttributeError, TypeError) as error:
                raise Unreadable(f"Line {place} of {path.name} cannot be read.") from error


def read_events(path: Path) -> Iterator[Event]:
    for place, fields in enumerate(lines(path), 1):
        try:
            yield Event(**fields)
        except TypeError as error:
            raise Unreadable(f"Line {place} of {path.name} is no event.") from error


def read_seals(path: Path) -> tuple[list[Seal], set[bytes]]:
    """The seals, and the public keys named beside them; the keys are worth what the file's keeper is worth."""
    rows = list(lines(path))
    try:
        keys = {row.pop("public_key") for row in rows}
        return [Seal(**row) for row in rows], keys
    except (KeyError, TypeError) as error:
        raise Unreadable(f"{path.name} holds a line that is no seal.") from error


def options(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="verify.py", description="Verify an exported ledger: was anything changed?")
    parser.add_argument("export", type=Path, help="the folder that `manage.py verify_audit --export` wrote")
    parser.add_argument("--outside", type=Path, help="your own copy of the seals; else the one in the folder")
    parser.add_argument("--key", action="append", type=bytes.fromhex, help="a public key that you trust, in hexadecimal")
    return parser.parse_args(words)


def opened(chosen: argparse.Namespace) -> Verification:
    seals, keys = read_seals(chosen.export / "seals.jsonl")
    copy = chosen.outside or chosen.export / "outside.jsonl"
    outside, theirs = read_seals(copy) if chosen.outside or copy.exists() else (None, set())
    return Verification(seals, outside, chosen.key or theirs or keys)


def main(words: list[str] | None = None) -> int:
    chosen, found = options(words), 0
    try:
        run = opened(chosen)
        for fault in run.faults(read_events(chosen.export / "events.jsonl.gz")):
            print(fault.sentence)
            found += 1
    except (OSError, EOFError, ValueError, sqlite3.Error) as error:
        print(error if isinstance(error, Unreadable) else f"The export cannot be read: {error}")
        return 1
    print(*run.notes(), *([] if chosen.key else run.key_note()), run.result(found), sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
