"""Which waiting cases nobody can approve, and why: asked of the database as a whole, every few seconds.

A case is named while it is open and requires approval and some step of its chain that is not filled has fewer eligible
people left than it needs. Eligible: not away, within the limit, of the step's title, and nobody who touched the content.
"""

from django.db import connection

from workflows import money
from workflows.filling import spelled

UNTOUCHED = """
  NOT EXISTS (SELECT FROM cases_decision d WHERE d.case_id = c.id AND d.by_id IN (m.user_id, m.holder_id)
    AND (d.output IS NOT NULL OR d.verb IN ('accept', 'correct', 'escalate', 'resolve', 'no_action', 'edit')))
  AND NOT EXISTS (SELECT FROM accounts_user u WHERE u.id = c.sender_id AND u.answers_for_id IN (m.user_id, m.holder_id))
"""
# `may`: everybody with a seat to sign by, and his limit for each kind of action that waits. Most cases leave at the first
# question: one approval, no title, and somebody is there. The steps are summed by title, and once over all of them: a
# person takes one step only, with whichever of his own and his lent titles.
NOBODY = f"""
WITH kinds AS MATERIALIZED (
  SELECT DISTINCT workflow_id, action_type, currency FROM cases_case WHERE state <> 'closed' AND requires_approval),
may AS MATERIALIZED (
  SELECT k.*, a.user_id, a.holder_id, title_key(a.title) AS title, limit_of(a.seat_id, k.action_type, k.currency) AS most
    FROM kinds k JOIN approvers_at(%(now)s) a ON a.workflow_id = k.workflow_id)
SELECT c.id FROM cases_case c
 WHERE c.state <> 'closed' AND c.requires_approval
   AND NOT (c.approvals_needed = 1 AND c.chain->0->>'title' = '' AND EXISTS (
     SELECT FROM may m WHERE m.workflow_id = c.workflow_id AND m.action_type = c.action_type AND m.currency = c.currency
       AND (c.amount IS NULL OR m.most >= c.amount) AND {UNTOUCHED}))
   AND EXISTS (
     SELECT FROM (
       SELECT sum((step->>'people')::integer
           - (SELECT count(*) FROM valid_approvals(c.id, c.digest) v WHERE v.step = number - 1)) AS open,
           array_agg(coalesce(title_key(step->>'title'), '')) FILTER (WHERE (step->>'people')::integer
             > (SELECT count(*) FROM valid_approvals(c.id, c.digest) v WHERE v.step = number - 1)) AS titles
         FROM jsonb_array_elements(c.chain) WITH ORDINALITY x(step, number)
        GROUP BY GROUPING SETS ((title_key(step->>'title')), ())) s
      WHERE s.open > (
        SELECT least(count(DISTINCT m.holder_id), count(DISTINCT m.user_id)) FROM may m
         WHERE m.workflow_id = c.workflow_id AND m.action_type = c.action_type AND m.currency = c.currency
           AND (c.amount IS NULL OR m.most >= c.amount) AND s.titles && ARRAY['', m.title]
           AND NOT EXISTS (SELECT FROM valid_approvals(c.id, c.digest) v
             WHERE v.by_id IN (m.user_id, m.holder_id) OR v.holder_id IN (m.user_id, m.holder_id))
           AND {UNTOUCHED}))
"""
WHY = f"""
SELECT count(*), count(*) FILTER (WHERE is_absent(m.user_id, %(now)s)),
  count(*) FILTER (WHERE c.amount IS NOT NULL AND coalesce(limit_of(m.seat_id, c.action_type, c.currency), -1) < c.amount),
  count(*) FILTER (WHERE NOT ({UNTOUCHED}))
 FROM cases_case c JOIN (
   SELECT s.workflow_id, s.id AS seat_id, s.user_id, s.user_id AS holder_id FROM workflows_seat s JOIN accounts_user u ON u.id = s.user_id
    WHERE s.role = 'approver' AND s.ended_at IS NULL AND u.is_active) m ON m.workflow_id = c.workflow_id
WHERE c.id = %(case)s
"""


def without_an_approver(now) -> set[int]:
    """The ids of the open cases that nobody can approve as things are."""
    with connection.cursor() as cursor:
        cursor.execute(NOBODY, {"now": now})
        return {pk for (pk,) in cursor.fetchall()}


def why_nobody(case, now) -> str:
    """In a sentence: how many approvers there are, and what stands in the way of each kind of them."""
    with connection.cursor() as cursor:
        cursor.execute(WHY, {"case": case.pk, "now": now})
        seats, away, limited, makers = cursor.fetchone()
    if not seats:
        return f"Nobody can approve it: nobody holds an approver's seat in {case.workflow}. Give one, or break the glass."
    about = money.readable(case.amount, case.currency)
    found = [(away, "away"), (limited, f"limited below {about}"), (makers, "worked on it or stand behind its sender")]
    said = [f"{count} {words}" for count, words in found if count]
    wanted = sorted(spelled(step["title"] for step in case.chain).values())
    said += [
        f"its chain asks for {case.approvals_needed} {'person' if case.approvals_needed == 1 else 'people'}"
        + (f", among them with the title {' and '.join(f'“{title}”' for title in wanted)}" if wanted else "")
    ]
    people = "1 approver" if seats == 1 else f"{seats} approvers"
    return f"Too few can approve it. Of {people}: {'; '.join(said)}. Give a seat or a limit, delegate, or break the glass."
