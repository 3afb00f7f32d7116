"""What came before a case: other cases of the same customer, or with the same input but for case and spaces.

One rule for live intake and replay: earlier is what was taken in before (in the order of ids, and of a batch) and was received
within the window before (or, as senders' clocks differ and two may come at once, up to `SKEW` after); of these the newest
`MOST`, newest first. `Memory` keeps that rule without a database; `find` asks the database for a whole batch in one statement.
"""

import hashlib
import json
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import nlargest
from typing import Any

import msgspec
from django.db import connection

from cases.models import Case
from workflows.triggers import folded_text

MOST = 20
SKEW = timedelta(minutes=5)
DOORS = 256  # advisory locks in all: a batch of a thousand never fills the server's lock table

EARLIER = "SELECT * FROM earlier_cases(%s::jsonb, %s)"  # whoever they are allocated to; in migration 0016 of this app


def fingerprint(input: Any) -> int:
    """One number for inputs that differ in case, accents, spaces and the order of names only. Signed, 64 bits, never null."""
    text = folded_text(msgspec.json.encode(input, order="deterministic").decode())
    for escaped in ("\\n", "\\r", "\\t"):
        text = text.replace(escaped, " ")
    text = " ".join(text.split()).replace('" ', '"').replace(' "', '"')
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


class Memory:
    """Cases in the order in which they were taken in; tells what came before the next one. For a batch, and for replay.

    `case`: workflow_id, external_id, received_at, customer_reference, fingerprint, is_test, action {type, amount, currency},
    and `id` where there is one. What was withdrawn is not added.
    """

    def __init__(self):
        self.by_key = defaultdict(list)

    def add(self, case: dict) -> None:
        for key in _keys(case):
            self.by_key[key].append(case)

    def before(self, case: dict, days: int) -> list[dict]:
        """`facts["earlier"]` of the case, from what was added so far."""
        since, until = _window(case, days)
        found = {
            id(other): other
            for key in _keys(case)
            for other in self.by_key.get(key, ())
            if since <= other["received_at"] <= until and other["external_id"] != case["external_id"]
        }
        return newest([_earlier(case, other) for other in found.values()])


def newest(earlier: list[dict]) -> list[dict]:
    """The newest `MOST`, newest first; of equals the later taken in, a batch's own before what was stored."""
    placed = enumerate(earlier)
    last = nlargest(
        MOST, placed, key=lambda one: (one[1]["at"], float("inf") if one[1]["id"] is None else one[1]["id"], one[0])
    )
    return [case for _, case in last]


def _keys(case) -> list[tuple]:
    keys = [(case["workflow_id"], case["is_test"], case["fingerprint"])]
    if case["customer_reference"]:
        keys.append((case["workflow_id"], case["is_test"], case["customer_reference"]))
    return keys


def _window(case, days: int) -> tuple[datetime, datetime]:
    return case["received_at"] - timedelta(days=days), case["received_at"] + SKEW


def _earlier(case, other) -> dict:
    return {
        "id": other.get("id"),
        "external_id": other["external_id"],
        "at": other["received_at"],
        "same_customer": bool(case["customer_reference"]) and case["customer_reference"] == other["customer_reference"],
        "same_input": case["fingerprint"] == other["fingerprint"],
        **{name: other["action"][name] for name in ("type", "amount", "currency")},
    }


def before_each(cases: list[dict], days: list[int]) -> list[list[dict]]:
    """What came before each case of a batch: stored ones, and those before it in the batch.

    Takes locks on what the cases share until the transaction ends, so that two senders at once cannot both be first.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(door) FROM unnest(%s::bigint[]) door", [_doors(cases)])
    stored, batch, answers = find(cases, days), Memory(), []
    for case, window, found in zip(cases, days, stored, strict=True):
        known = {earlier["external_id"] for earlier in found}
        own = [earlier for earlier in batch.before(case, window) if earlier["external_id"] not in known]
        answers.append(newest([*found, *own]))
        batch.add(case)
    return answers


def _doors(cases) -> list[int]:
    """In ascending order, so that nobody waits for somebody who waits for him."""
    keys = {repr(key).encode() for case in cases for key in _keys(case)}
    return sorted({2**40 + hashlib.blake2b(key, digest_size=2).digest()[0] % DOORS for key in keys})


def find(cases: list[dict], days: list[int]) -> list[list[dict]]:
    """The stored cases before each, in one statement. A case's own id, where it has one, leaves out what came after it."""
    asked = [
        {
            "n": n,
            "workflow_id": case["workflow_id"],
            "external_id": case["external_id"],
            "customer": case["customer_reference"],
            "fingerprint": case["fingerprint"],
            "is_test": case["is_test"],
            "before": case.get("id"),
            "since": _window(case, window)[0].isoformat(),
            "until": _window(case, window)[1].isoformat(),
        }
        for n, (case, window) in enumerate(zip(cases, days, strict=True))
    ]
    found = [[] for _ in cases]
    with connection.cursor() as cursor:
        cursor.execute(EARLIER, [json.dumps(asked), MOST])
        for n, *row in cursor.fetchall():
            found[n].append(_from_row(*row))
    return [newest(earlier) for earlier in found]


def _from_row(pk, external_id, at: datetime, same_customer, same_input, kind, amount: Decimal | None, currency) -> dict:
    return {
        "id": pk,
        "external_id": external_id,
        "at": at,
        "same_customer": same_customer,
        "same_input": same_input,
        "type": kind,
        "amount": amount,
        "currency": currency,
    }


def before_those(pks: list[int], days: int) -> list[list[dict]]:
    """What came before each of these stored cases, in their order, in two statements."""
    facts = ("id", "workflow_id", "external_id", "received_at", "customer_reference", "fingerprint", "is_test")
    stored = {case["id"]: case for case in Case.objects.filter(pk__in=pks).values(*facts)}
    return find([stored[pk] for pk in pks], [days] * len(pks))


def before_a_try(item, workflow_id: int, days: int, now: datetime, *, like=None) -> list[dict]:
    """What would have come before an output that is only tried; `like` a stored case, what came before that one."""
    if not days:
        return []
    case = {"workflow_id": workflow_id, "external_id": item.external_id, "received_at": now, "is_test": False}
    about = {"customer_reference": item.customer_reference or "", "fingerprint": fingerprint(item.input)}
    itself = {"id": like.pk, "external_id": like.external_id, "is_test": like.is_test} if like else {}
    return find([case | about | itself], [days])[0]


def before(case, days: int) -> list[dict]:
    """What came before a stored case, as it was when it arrived (but for what was withdrawn since)."""
    facts = ("id", "workflow_id", "external_id", "received_at", "customer_reference", "fingerprint", "is_test")
    [found] = find([{name: getattr(case, name) for name in facts}], [days])
    return found
