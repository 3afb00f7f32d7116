"""What a vendor holds and no mandate covers comes back to the house: at the end of a contract at once, else within seconds."""

from django.db import connection, transaction

from accounts.models import User
from audit import acting, clock
from cases.allocation import SAID
from workflows import actions as workflows
from workflows.models import Engagement

# Beside the gate, set-based: nothing moves and nothing is decided; each case has the event that the gate would have written.
TAKE_BACK = """
WITH taken AS MATERIALIZED (
  SELECT c.id, c.state, c.policy_id, c.ai_release_id, c.claimed_by_id, c.vendor_id, v.name FROM cases_case c
    JOIN accounts_vendor v ON v.id = c.vendor_id
   WHERE c.vendor_id IS NOT NULL AND c.state <> 'closed' AND (%(vendor)s::bigint IS NULL OR c.vendor_id = %(vendor)s)
     AND NOT EXISTS (SELECT FROM workflows_mandate m JOIN workflows_engagement e ON e.id = m.engagement_id
       WHERE e.vendor_id = c.vendor_id AND m.workflow_id = c.workflow_id AND (%(roles)s::jsonb ->> c.state) = ANY(m.roles)
         AND e.since <= %(now)s AND %(now)s < least(e.until, e.ended_at, m.ended_at))
   ORDER BY c.id FOR UPDATE OF c {wait}),
ended AS (
  UPDATE cases_claim l SET ended_at = %(now)s, ended_by = 'taken back' FROM taken WHERE l.case_id = taken.id AND l.ended_at IS NULL),
told AS (
  INSERT INTO audit_auditevent (subject_type, subject_id, actor_id, actor_name, vendor_id, request_id, verb, body, words)
  SELECT 'case', id, %(by)s, %(name)s, %(side)s, %(request)s, 'case.take_back', jsonb_build_object('from', state, 'to', state,
    'policy', policy_id, 'ai_release', ai_release_id, 'vendor', name, 'claimed_by', claimed_by_id), %(words)s FROM taken)
UPDATE cases_case c SET vendor_id = NULL, assigned_to_id = NULL, claimed_by_id = NULL, claimed_until = NULL,
    allocation = jsonb_strip_nulls(jsonb_build_object('desk', c.state, 'at', %(now)s, 'side', 0, 'rule', 'ended',
      'sentence', format(%(ended)s, taken.name), 'lot', c.allocation->'lot'))
  FROM taken WHERE c.id = taken.id
"""
ROLES = '{"review": "reviewer", "resolution": "resolver"}'


@transaction.atomic
def end_engagement(engagement, *, by, reason) -> int:
    """End the contract early and take its open cases back, in one. How many came back."""
    ended = workflows.end_engagement(engagement, by=by, reason=reason)
    return _take_back(by=by, words=ended.end_reason, vendor=ended.vendor_id)


@transaction.atomic
def end_mandate(given, *, by, reason) -> int:
    """End what covers one workflow and take its open cases back, in one. How many came back."""
    ended = workflows.end_mandate(given, by=by, reason=reason)
    return _take_back(by=by, words=reason.strip(), vendor=ended.vendor.pk)


@transaction.atomic
def change_mandate(given, *, by, reason="", **terms) -> int:
    """Change it and take back what it no longer covers, in one. How many came back."""
    changed = workflows.change_mandate(given, by=by, reason=reason, **terms)
    return _take_back(by=by, words=reason, vendor=changed.vendor.pk)


def end_what_is_over() -> int:
    """Contracts whose period is over end, and what no mandate covers comes back. How many cases did."""
    machine, now = User.objects.machine(), clock.now()
    with transaction.atomic():
        over = list(Engagement.objects.filter(until__lte=now, ended_at=None).order_by("pk").values_list("pk", flat=True))
    for pk in over:
        with transaction.atomic():
            workflows.expire_engagement(Engagement.objects.get(pk=pk), by=machine)
            _take_back(by=machine, words="The contract period is over.")
    with transaction.atomic():
        return _take_back(by=machine, words="No mandate covers it.", wait="SKIP LOCKED")


def _take_back(*, by, words, vendor=None, wait="") -> int:
    about = {"vendor": vendor, "roles": ROLES, "now": clock.now(), "words": words, "request": acting.current().request_id}
    with connection.cursor() as cursor:
        about["ended"] = SAID["ended"].format(name="%s")
        cursor.execute(TAKE_BACK.format(wait=wait), {**about, "by": by.pk, "name": str(by), "side": by.vendor_id})
        return cursor.rowcount
