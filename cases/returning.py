"""Claims nobody may hold: whoever may no longer work a case does not keep it from others.

What takes access away stands to our left (an account is switched off, a seat is ended, somebody joins a vendor, an
engagement ends) and calls nothing here: it leaves its row, and this finds what follows from it, set-based, every few seconds.
"""

from django.db import connection, transaction

from audit import clock

# Why this person may not hold this case, in a word for the claim's history; null where he may. An approver's delegate holds
# what the seat that is lent to him may take. A colleague of the house may hold what is allocated to a vendor, never the reverse.
WHY = """
CASE WHEN NOT u.is_active THEN 'switched off'
     WHEN u.vendor_id IS NOT NULL AND u.vendor_id IS DISTINCT FROM c.vendor_id THEN 'other side'
     WHEN NOT EXISTS (SELECT FROM workflows_seat s WHERE s.user_id = u.id AND s.workflow_id = c.workflow_id AND s.ended_at IS NULL
         AND s.role = CASE c.state WHEN 'review' THEN 'reviewer' WHEN 'resolution' THEN 'resolver' WHEN 'approval' THEN 'approver' END)
       AND NOT (c.state = 'approval' AND EXISTS (SELECT FROM approvers_at(%(now)s) a
         WHERE a.workflow_id = c.workflow_id AND a.user_id = u.id)) THEN 'no seat'
     {more} END
"""
HELD = f"""
WITH lost AS MATERIALIZED (
  SELECT c.id, w.why FROM cases_case c JOIN accounts_user u ON u.id = c.claimed_by_id
    JOIN cases_claim l ON l.case_id = c.id AND l.ended_at IS NULL
   CROSS JOIN LATERAL (SELECT {WHY.format(more="WHEN u.signed_out_at >= l.since THEN 'signed out'")} AS why) w
   WHERE c.claimed_until > %(now)s AND w.why IS NOT NULL ORDER BY c.id FOR UPDATE OF c SKIP LOCKED),
ended AS (
  UPDATE cases_claim l SET ended_at = %(now)s, ended_by = lost.why FROM lost WHERE l.case_id = lost.id AND l.ended_at IS NULL)
UPDATE cases_case c SET claimed_by_id = NULL, claimed_until = NULL FROM lost WHERE c.id = lost.id
"""
ASSIGNED = f"""
WITH lost AS MATERIALIZED (
  SELECT c.id FROM cases_case c JOIN accounts_user u ON u.id = c.assigned_to_id
   WHERE c.assigned_to_id IS NOT NULL AND c.state <> 'closed' AND ({WHY.format(more="")}) IS NOT NULL
   ORDER BY c.id FOR UPDATE OF c SKIP LOCKED)
UPDATE cases_case c SET assigned_to_id = NULL FROM lost WHERE c.id = lost.id
"""


@transaction.atomic
def offer_what_nobody_may_hold() -> int:
    """End such claims and such assignments; the cases are anybody's at their desk again. How many claims it ended."""
    about = {"now": clock.now()}
    with connection.cursor() as cursor:
        cursor.execute(ASSIGNED, about)
        cursor.execute(HELD, about)
        return cursor.rowcount
