"""How much waits at the desks of a person: one statement for all of them, each number counted no further than anybody reads.

What is counted is what the queues give: cases of his side, in the workflows where he sits or a seat is lent to him.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from audit import clock

COUNTED = 999  # a badge need not be exact beyond what anybody works through
HOUSE = "c.vendor_id IS NULL"
HANDED = "c.assigned_to_id <> %(user)s AND (c.claimed_until IS NULL OR c.claimed_until <= %(now)s)"  # to somebody else
RUNNING = "c.paused_since IS NULL"  # no clock of it stands


@dataclass(frozen=True, slots=True)
class Waiting:
    """One desk, as its own people see it. Beyond `COUNTED` a number only says that there are more."""

    waiting: int
    paused: int
    late: int
    soon: int  # warned of, because they are due soon
    held: int  # in other hands, or handed to them
    vendors: int  # more, that a vendor has; nought for a vendor's people
    oldest: datetime | None  # since when the one that came first has waited


def at_desks(user, desks: dict[str, list[int]]) -> dict[str, Waiting]:
    """Of each of his desks (name → the ids of the workflows where he sits there) all that its card says."""
    return {desk: Waiting(*seen) for desk, *seen in _asked(user, desks, _all_of)}


def counts(user, desks: dict[str, list[int]]) -> dict[str, int]:
    """How many cases wait at each of his desks, and no more than that: for the badges."""
    return dict(_asked(user, desks, lambda desk, side: [_counted(f"{_at(desk)} AND {side} AND {RUNNING}")]))


def told(count: int) -> str:
    return str(count) if count <= COUNTED else f"{COUNTED}+"


def _asked(user, desks, columns) -> list[tuple]:
    if not desks:
        return []
    side = HOUSE if user.vendor_id is None else "c.vendor_id = %(vendor)s"
    each = (f"SELECT '{desk}', {', '.join(columns(desk, side))}" for desk in desks)
    with connection.planned_once() as cursor:
        cursor.execute(" UNION ALL ".join(each), {**desks, "vendor": user.vendor_id, "user": user.pk, "now": clock.now()})
        return cursor.fetchall()


def _all_of(desk, side) -> list[str]:
    here = f"{_at(desk)} AND {side}"
    running = f"{here} AND {RUNNING}"
    return [
        _counted(running),
        _counted(f"{here} AND c.id IN (SELECT p.case_id FROM cases_pause p WHERE p.ended_at IS NULL)"),
        _counted(f"{running} AND c.due_at < %(now)s"),
        _counted(
            f"{here} AND c.id IN (SELECT a.case_id FROM cases_alert a WHERE a.code = 'due_soon' AND a.settled_at IS NULL)"
        ),
        f"{_counted(f'{here} AND c.claimed_until > %(now)s AND c.claimed_by_id <> %(user)s')} + {_counted(f'{here} AND {HANDED}')}",
        _counted(f"{_at(desk)} AND c.vendor_id IS NOT NULL") if side == HOUSE else "0",
        f"""(SELECT min(first.desk_since) FROM unnest(%({desk})s::bigint[]) AS sits(workflow_id), LATERAL (
          SELECT c.desk_since FROM cases_case c
           WHERE c.state = '{desk}' AND c.workflow_id = sits.workflow_id AND {side} AND {RUNNING}
           ORDER BY c.desk_since LIMIT 1) first)""",
    ]


def _at(desk) -> str:
    return f"c.state = '{desk}' AND c.workflow_id = ANY(%({desk})s::bigint[])"


def _counted(where: str) -> str:
    return f"(SELECT count(*) FROM (SELECT FROM cases_case c WHERE {where} LIMIT {COUNTED + 1}) counted)"
