"""What is stuck, and why: asked of the database as a whole, written down once a day for whoever owns the exceptions."""

from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Count, F, Q

from accounts.models import Absence
from audit.moments import kept
from cases.models import Case, Claim, Pause, Stuck
from cases.states import APPROVAL

OFTEN = 3  # so many expired claims at one desk, or snoozes of one case
A_WEEK = timedelta(days=7)
Why = Stuck.Why

# Whoever holds a live seat at the case's desk on its side: nobody at all, or everybody passed it on. At approval the alert of
# eligibility says more, so it is not asked here.
TAKERS = """
SELECT c.id, count(s.id) FROM cases_case c
 LEFT JOIN (workflows_seat s JOIN accounts_user u ON u.id = s.user_id AND u.is_active) ON s.workflow_id = c.workflow_id
   AND s.ended_at IS NULL AND u.vendor_id IS NOT DISTINCT FROM c.vendor_id
   AND s.role = CASE c.state WHEN 'review' THEN 'reviewer' WHEN 'resolution' THEN 'resolver' END
WHERE c.state IN ('review', 'resolution') AND c.paused_since IS NULL AND NOT c.is_test
GROUP BY c.id HAVING count(s.id) FILTER (WHERE NOT s.user_id = ANY(c.passed_by) AND NOT is_absent(s.user_id, %(now)s)) = 0
"""


def write(now) -> int:
    """Today's list, if it is not written yet: so many lines. Later on the same day it stays as it is."""
    today = now.date()
    if Stuck.objects.filter(day=today).exists():
        return 0
    with transaction.atomic():
        rows = [
            Stuck(
                day=today,
                case=case,
                workflow_id=case.workflow_id,
                desk=case.state,
                vendor_id=case.vendor_id,
                why=why,
                says=says,
            )
            for why, case, says in found(now)
        ]
        Stuck.objects.bulk_create(rows, batch_size=1000)
    return len(rows)


def found(now):
    """(why, case, sentence) of everything that is stuck at this moment."""
    cases = Case.objects.open().filter(is_test=False)
    for case in cases.overdue():
        yield Why.OVERDUE, case, f"It was due on {kept(case.due_at)}."
    for pause in _not_back(now):
        yield Why.NOT_BACK, pause.case, _not_back_says(pause)
    yield from _nobody(now, cases)
    for case in cases.filter(assigned_to__in=Absence.objects.at(now).values("user")).select_related("assigned_to"):
        yield Why.ABSENT, case, f"It is assigned to {case.assigned_to}, who is away."
    for case in cases.filter(pk__in=_expired_claims()):
        yield Why.CLAIMS, case, f"{OFTEN} claims or more ran out at this desk without a decision."
    often = Pause.objects.filter(kind=Pause.Kind.SNOOZE).values("case").annotate(times=Count("id")).filter(times__gte=OFTEN)
    for case in cases.filter(pk__in=often.values("case")):
        yield Why.SNOOZES, case, f"It was snoozed {OFTEN} times or more."
    for case in cases.filter(state=APPROVAL, expires_at__lte=now):
        yield Why.EXPIRED, case, f"The time to approve ran out on {kept(case.expires_at)}. The owner of risk decides."


def _not_back(now):
    """Waiting on somebody for longer than planned; or, where nothing was planned, for a week."""
    waits = Pause.objects.open().exclude(kind=Pause.Kind.SNOOZE).filter(case__is_test=False).select_related("case")
    return waits.filter(Q(until__lte=now) | Q(until=None, since__lte=now - A_WEEK))


def _not_back_says(pause) -> str:
    planned = f"planned until {kept(pause.until)}" if pause.until else "and nobody planned until when"
    return f"It has waited on {pause.on_whom} since {kept(pause.since)}, {planned}."


def _nobody(now, cases):
    with connection.cursor() as cursor:
        cursor.execute(TAKERS, {"now": now})
        seats = dict(cursor.fetchall())
    for case in cases.filter(pk__in=seats):
        if not seats[case.pk]:
            yield Why.NOBODY, case, f"Nobody on its side holds a seat at {case.state}."
        elif case.passed_by:
            yield Why.PASSED, case, "Everybody at this desk passed it on, or is away."
        else:
            yield Why.NOBODY, case, f"Everybody with a seat at {case.state} on its side is away."
    for case in cases.filter(state=APPROVAL, alerts__code="nobody_can_approve", alerts__settled_at=None):
        yield Why.NOBODY, case, "Too few people can approve it."


def _expired_claims():
    ran_out = Claim.objects.filter(ended_by="expired", since__gte=F("case__desk_since")).filter(~Q(case__state="closed"))
    return ran_out.values("case").annotate(times=Count("id")).filter(times__gte=OFTEN).values("case")
