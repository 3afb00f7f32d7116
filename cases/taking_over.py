"""Work that waits on one side while another is there for it: taken over, set-based, with one event a case.

Three reasons, each a rule of `allocation.py`: it has waited longer than another side leaves cases to; whoever has it is not
there before it is due; whoever has it has nobody at the desk any more. And what a vendor has without a mandate goes back to
the house: at once where the mandate was ended, here where its period is over. What a person handed over stays where it is.
"""

import json
from datetime import timedelta

import msgspec
from django.db import connection, transaction
from django.db.models import Q

from accounts.models import User
from audit import acting, clock
from cases.allocation import HOUSE, Facts, Side, relieves, take_over, why_not
from cases.models import Case
from cases.sides import Desks, lot_of_case, needs_of_case
from cases.states import RESOLUTION, REVIEW

STAYS = ("handed", "returned")  # where people said whose it is
MOVED = """
WITH moved AS (
  UPDATE cases_case c SET vendor_id = x.vendor_id, allocation = x.allocation
    FROM jsonb_to_recordset(%(cases)s) AS x (id bigint, before bigint, vendor_id bigint, allocation jsonb)
   WHERE c.id = x.id RETURNING c.id, c.state, c.policy_id, c.ai_release_id, x.before, c.vendor_id, c.allocation)
INSERT INTO audit_auditevent (subject_type, subject_id, actor_id, actor_name, vendor_id, request_id, verb, body, words)
SELECT 'case', id, %(by)s, %(name)s, NULL, %(request)s, 'case.reallocate', jsonb_build_object('from', state, 'to', state,
    'policy', policy_id, 'ai_release', ai_release_id, 'from_vendor', before, 'to_vendor', vendor_id, 'allocated', allocation->>'sentence'), ''
  FROM moved
"""
OUTSOURCED = "SELECT DISTINCT workflow_id FROM mandates_at(%s)"


@transaction.atomic
def sweep(*, by: User, limit=500) -> int:
    """Give what waits on a side to another that is there for it; how many cases."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(OUTSOURCED, [now])
        workflows = [pk for (pk,) in cursor.fetchall()]
    if not workflows:
        return 0
    desks = Desks(workflows, now)
    moved = [
        each
        for workflow_id in workflows
        for desk in (REVIEW, RESOLUTION)
        for swept, waiting in _waiting(desks.sides(workflow_id, desk), workflow_id, desk, now)
        for case in waiting[:limit]
        if (each := _taken(case, swept, desks, now))
    ]
    if moved:
        _write(moved, by)
    return len(moved)


def _waiting(sides: list[Side], workflow_id, desk, now):
    """(reason, cases): what has waited too long for somebody who would take it; what a side that is not there has left."""
    seen = Facts(desk, now, 0.0, tuple(sides))
    at_desk = Case.objects.filter(workflow=workflow_id, state=desk, claimed_by=None, assigned_to=None, paused_since=None)
    at_desk = (
        at_desk.exclude(allocation__rule__in=STAYS).select_related("category").select_for_update(skip_locked=True, of=("self",))
    )
    there = [side for side in sides if not why_not(side, seen)]
    if peaks := [side.peak_minutes for side in there if relieves(side, sides)]:
        since = now - timedelta(minutes=min(peaks))
        yield "queue", at_desk.exclude(allocation__rule="relieved").filter(desk_since__lt=since).order_by("desk_since", "id")
    for side in sides if there else ():
        if not side.seats or side.there_from > now:
            left = Q() if not side.seats else Q(due_at__lte=side.there_from)
            yield "shift", at_desk.filter(left, vendor=side.vendor or None).order_by("due_at", "id")


def _taken(case, swept, desks, now) -> dict | None:
    """The case with its new side; None where nobody takes it."""
    waited = (now - (case.desk_since or case.received_at)).total_seconds() / 60
    sides, had = tuple(desks.sides(case.workflow_id, case.state)), case.vendor_id or HOUSE
    facts = Facts(case.state, now, lot_of_case(case), sides, needs_of_case(case), had, swept, round(waited, 1))
    if answer := take_over(facts):
        kept = desks.give(case.workflow_id, facts, answer)
        return {"id": case.pk, "before": case.vendor_id, "vendor_id": answer.vendor_id, "allocation": kept}
    return None


def _write(moved, by):
    about = {"by": by.pk, "name": str(by), "request": acting.current().request_id}
    with connection.cursor() as cursor:
        cursor.execute(MOVED, {**about, "cases": json.dumps(msgspec.to_builtins(moved))})
