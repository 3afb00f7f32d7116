"""The floor: the same rows by psycopg, in the fewest statements, in processes of their own. No Django here."""

import time
from dataclasses import dataclass

import psycopg


@dataclass
class Ran:
    """What one connection did: when, how long each statement took, and its CPU seconds."""

    began: float
    ended: float
    latencies: list[float]
    cpu: float


def run(url: str, statement: str, arguments: list[dict]) -> Ran:
    """Each in a transaction of its own, as the house."""
    with psycopg.connect(url, autocommit=True, options="-c role=hitl_house") as connection:
        connection.execute("SELECT 1")
        latencies, cpu, began = [], time.process_time(), time.monotonic()
        for one in arguments:
            started = time.monotonic()
            connection.execute(statement, one).fetchall()
            latencies.append(time.monotonic() - started)
        return Ran(began, time.monotonic(), latencies, time.process_time() - cpu)


CLAIM = """
WITH taken AS ({next}),
leased AS (UPDATE cases_case c SET claimed_by_id = %(user)s, claimed_until = %(until)s FROM taken WHERE c.id = taken.id
  RETURNING c.id, c.state)
INSERT INTO cases_claim (case_id, user_id, desk, since, until, ended_by)
SELECT id, %(user)s, state, %(now)s, %(until)s, '' FROM leased RETURNING case_id
"""

# The digest is the database's arithmetic over what stands after the edit.
CORRECT = """
WITH moved AS (
  UPDATE cases_case c SET state = 'closed', closed_as = 'corrected', closed_at = %(now)s, released_at = %(now)s, desk_since = NULL, due_at = NULL,
    revision = revision + 1, standing_output = %(output)s::jsonb, claimed_by_id = NULL, claimed_until = NULL
   FROM (SELECT id, coalesce(standing_output, output) AS before, workflow_id FROM cases_case WHERE id = %(case)s FOR UPDATE) old
  WHERE c.id = old.id AND c.state = 'review'
    AND EXISTS (SELECT FROM workflows_seat s WHERE s.workflow_id = old.workflow_id AND s.user_id = %(user)s AND s.role = 'reviewer'
      AND s.ended_at IS NULL)
  RETURNING c.id, c.digest, c.policy_id, c.ai_release_id, c.sender_id, c.external_id, c.action_type, c.amount, c.currency, c.payee,
    old.before),
unclaimed AS (UPDATE cases_claim SET ended_at = %(now)s, ended_by = 'correct' WHERE case_id = %(case)s AND ended_at IS NULL),
decided AS (
  INSERT INTO cases_decision (case_id, by_id, at, verb, desk, "to", output, before, digest, reason, reason_code, break_glass)
  SELECT id, %(user)s, %(now)s, 'correct', 'review', 'closed', %(output)s::jsonb, jsonb_build_object('output', NULL, 'action',
    jsonb_build_object('type', action_type, 'amount', amount::text, 'currency', currency, 'payee', payee)), digest, '', '', false FROM moved
  RETURNING id, case_id),
corrected AS (
  INSERT INTO cases_correction (decision_id, field, before, after, root_cause, is_new_value)
  SELECT d.id, 'label', m.before -> 'label', %(output)s::jsonb -> 'label', '', false FROM decided d JOIN moved m ON m.id = d.case_id),
released AS (INSERT INTO cases_release (case_id, number, digest, at) SELECT id, 1, digest, %(now)s FROM moved),
said AS (
  INSERT INTO audit_auditevent (subject_type, subject_id, actor_id, actor_name, request_id, verb, body, words)
  SELECT 'case', m.id, %(user)s, %(name)s, 'floor', s.verb, s.body, '' FROM moved m JOIN decided d ON d.case_id = m.id,
    LATERAL (VALUES (1, 'case.correct', jsonb_build_object('from', 'review', 'to', 'closed', 'policy', m.policy_id, 'ai_release',
      m.ai_release_id, 'decision', d.id)),
      (2, 'case.release', jsonb_build_object('number', 1, 'digest', encode(m.digest, 'hex')))) s(place, verb, body) ORDER BY s.place)
INSERT INTO integrations_outboxrow (case_id, number, recipient_id, event, payload, at)
SELECT id, e.number, sender_id, e.event, jsonb_build_object('external_id', external_id, 'workflow', 'bench', 'verb', 'correct',
  'closed_as', 'corrected', 'output', %(output)s::jsonb, 'action', NULL, 'reason', '', 'digest', encode(digest, 'hex'),
  'is_test', false), %(now)s
  FROM moved, (VALUES (1, 'case.decided'), (2, 'case.released')) e(number, event) RETURNING case_id
"""
