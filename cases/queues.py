"""The desks: who gets which case next. A claim is an exclusive lease; it moves nothing and decides nothing."""

from contextlib import contextmanager
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import Absence
from audit import clock, trail
from cases.gate import asking, end_claim, move, nobody_else_holds, what_happened
from cases.models import Case, Claim
from cases.states import DESKS, OPEN
from integrations.problems import Conflict
from workflows.models import compiled_policy

FREE = """
     AND c.vendor_id IS NOT DISTINCT FROM %(vendor)s
     AND c.paused_since IS NULL
     AND (c.claimed_until IS NULL OR c.claimed_until <= %(now)s)
     AND (c.assigned_to_id IS NULL OR c.assigned_to_id = %(user)s)
     AND NOT %(user)s = ANY(c.passed_by)"""
ESCALATED_HIMSELF = """
c.assigned_to_id IS NULL
     AND EXISTS (SELECT FROM cases_decision d WHERE d.case_id = c.id AND d.by_id = %(user)s AND d.verb = 'escalate' AND d.desk = 'review')"""
MOST_URGENT = "ORDER BY c.priority DESC, c.due_at, c.id LIMIT 1 FOR UPDATE OF c SKIP LOCKED"
SEATS = """
SELECT workflow_id, role FROM workflows_seat
   WHERE user_id = %(user)s AND ended_at IS NULL AND role IN ('reviewer', 'resolver', 'approver')
  UNION SELECT l.workflow_id, l.role FROM workflows_delegation g JOIN workflows_seat l ON l.id = g.seat_id
   WHERE g.to_id = %(user)s AND g.ended_at IS NULL"""
HERE = """
 WHERE (%(desk)s::text IS NULL OR s.role = %(role)s) AND (%(workflow)s::bigint IS NULL OR s.workflow_id = %(workflow)s)
   AND NOT is_absent(%(user)s, %(now)s)"""
FIRST_OF_ALL = "ORDER BY first.priority DESC, first.due_at, first.id LIMIT 1"
# For each of the person's seats the first free case of its desk, skipping what another is just taking; then the first of those.
# An approver is not offered what he made himself, what is beyond his limit, another title's step, nor what has expired; a
# delegate also what the seat that is lent to him may take. Who is away is offered nothing, and nobody what is paused.
NEXT = f"""
SELECT first.id FROM ({SEATS}) s
 CROSS JOIN LATERAL (
  SELECT c.id, c.priority, c.due_at FROM cases_case c
   WHERE c.workflow_id = s.workflow_id
     AND c.state = CASE s.role WHEN 'reviewer' THEN 'review' WHEN 'resolver' THEN 'resolution' WHEN 'approver' THEN 'approval' END
     AND c.state <> 'closed' {FREE}
     AND NOT (s.role = 'resolver' AND {ESCALATED_HIMSELF})
     AND (s.role <> 'approver' OR (
       (c.expires_at IS NULL OR c.expires_at > %(now)s)
       AND NOT EXISTS (SELECT FROM cases_decision d WHERE d.case_id = c.id AND d.by_id = %(user)s)
       AND NOT EXISTS (SELECT FROM accounts_user u WHERE u.id = c.sender_id AND u.answers_for_id = %(user)s)
       AND EXISTS (SELECT FROM authority_to_approve(c.workflow_id, c.action_type, c.amount, c.currency, %(user)s, %(now)s) a
         WHERE a.within
           AND (a.delegation_id IS NULL
             OR NOT EXISTS (SELECT FROM cases_decision d WHERE d.case_id = c.id AND d.by_id = a.holder_id)
            AND NOT EXISTS (SELECT FROM accounts_user u WHERE u.id = c.sender_id AND u.answers_for_id = a.holder_id))
           AND (NOT c.chain @? '$[*] ? (@.title != "")' OR (
             SELECT title_key(step->>'title') IN ('', title_key(a.title)) FROM jsonb_array_elements(c.chain) WITH ORDINALITY x(step, number)
              WHERE (step->>'people')::integer > (SELECT count(*) FROM valid_approvals(c.id, c.digest) v WHERE v.step = number - 1)
              ORDER BY number LIMIT 1)))))
   {MOST_URGENT}) first {HERE}
 {FIRST_OF_ALL}
"""
# What he escalated himself is for another pair of eyes: it is looked for only where nothing else waits.
OWN = f"""
SELECT first.id FROM ({SEATS}) s
 CROSS JOIN LATERAL (
  SELECT c.id, c.priority, c.due_at FROM cases_case c
   WHERE c.workflow_id = s.workflow_id AND c.state = 'resolution' {FREE}
     AND {ESCALATED_HIMSELF}
   {MOST_URGENT}) first {HERE} AND s.role = 'resolver'
 {FIRST_OF_ALL}
"""
LEASE = """
WITH claimed AS (UPDATE cases_case SET claimed_by_id = %(user)s, claimed_until = %(until)s WHERE id = %(case)s)
INSERT INTO cases_claim (case_id, user_id, desk, since, until, ended_by)
VALUES (%(case)s, %(user)s, %(desk)s, %(now)s, %(until)s, '')
"""


def next_case(user, *, desk=None, workflow_id=None) -> Case | None:
    """Claim the most urgent case that `user` may work, at one desk and workflow or at any of his; None when there is none."""
    if desk is not None and desk not in DESKS:
        raise ValidationError(
            {"desk": format_lazy(_("There is no desk “{desk}”. The desks are {OPEN}."), desk=desk, OPEN=", ".join(OPEN))}
        )
    now = clock.now()
    about = {"user": user.pk, "vendor": user.vendor_id, "now": now}
    asked = {**about, "desk": desk, "role": DESKS.get(desk), "workflow": workflow_id}
    with transaction.atomic():
        found = _first(NEXT, asked) or _first(OWN, asked)
        return _lease(Case.objects.one(found[0]), user, now) if found else None


def _first(statement, asked) -> tuple[int] | None:
    with connection.planned_once() as cursor:
        cursor.execute(statement, asked)
        return cursor.fetchone()


def held_by(user, *, desk=None) -> Case | None:
    """The most urgent case in this person's hands, at one desk or any."""
    mine = Case.objects.visible_to(user).filter(claimed_by=user, claimed_until__gt=clock.now())
    return mine.filter(state__in=[desk] if desk else OPEN).order_by("-priority", "due_at", "id").first()


def claim(case_id, *, by) -> Case:
    """Claim this very case. Claiming one's own again extends the lease; somebody else's live lease is a conflict."""
    with _at_a_desk(case_id, "claim", by) as case:
        nobody_else_holds(case, by)
        now = clock.now()
        return _extend(case, now) if case.held_by(now) else _lease(case, by, now)


def heartbeat(case_id, *, by) -> Case:
    """Still at it: the lease runs anew. A lease that is gone is a conflict; what was typed can still be decided if nobody took it."""
    with asking(case_id, "claim", by=by) as case:
        now = clock.now()
        if case.held_by(now) != by.pk:
            raise Conflict(_("Your lease on this case is over. Claim it again to go on."), code="lease_over")
        return _extend(case, now)


def give_back(case_id, *, by) -> Case:
    """Put it back on the desk, for anybody, oneself included."""
    with asking(case_id, "claim", by=by) as case:
        if case.claimed_by_id != by.pk:
            raise Conflict(_("You do not hold this case."), code="lease_over")
        return _free(case, "given back")


def skip(case_id, *, by, reason) -> Case:
    """Leave it to somebody else, with a reason; it is not offered to `by` again at this desk."""
    if not (reason or "").strip():
        raise ValidationError({"reason": _("Say why.")})
    with _at_a_desk(case_id, "skip", by) as case:
        case.passed_by = [*case.passed_by, by.pk]
        trail.record("case.skip", by=by, subject=case, words=reason.strip(), **move(case, case.state))
        return _free(case, "skipped")


def end_expired_claims(*, limit=500) -> int:
    """Leases that ran out are over in the history too; the cases were free again from that moment on."""
    now = clock.now()
    with transaction.atomic():
        over = list(
            Case.objects.select_for_update(skip_locked=True, of=("self",)).filter(claimed_until__lte=now).order_by("id")[:limit]
        )
        Claim.objects.filter(case__in=over, ended_at=None).update(ended_at=now, ended_by="expired")
        Case.objects.filter(pk__in=[case.pk for case in over]).update(claimed_by=None, claimed_until=None)
    return len(over)


def offer_what_the_absent_hold() -> int:
    """Whoever went away holds nothing: his claims end, and what was handed to him is anybody's at the desk."""
    now = clock.now()
    away = list(Absence.objects.at(now).values_list("user", flat=True))
    held = Case.objects.open().filter(Q(claimed_by__in=away, claimed_until__gt=now) | Q(assigned_to__in=away))
    with transaction.atomic():
        cases = [case.pk for case in held.select_for_update(skip_locked=True, of=("self",)).order_by("id")] if away else []
        Claim.objects.filter(case__in=cases, user__in=away, ended_at=None).update(ended_at=now, ended_by="absent")
        Case.objects.filter(pk__in=cases, claimed_by__in=away).update(claimed_by=None, claimed_until=None)
        Case.objects.filter(pk__in=cases, assigned_to__in=away).update(assigned_to=None)
    return len(cases)


@contextmanager
def _at_a_desk(case_id, verb, by):
    """As the gate asks, for a case that still waits at a desk."""
    with asking(case_id, verb, by=by) as case:
        if case.state not in OPEN:
            raise Conflict(what_happened(case), code="not_from_here", state=case.state)
        yield case


def _lease(case, user, now) -> Case:
    until = now + timedelta(seconds=compiled_policy(case.policy_id).rules.lease_seconds)
    if case.claimed_by_id:
        end_claim(case, "expired", at=now)
    with connection.planned_once() as cursor:
        cursor.execute(LEASE, {"case": case.pk, "user": user.pk, "desk": case.state, "now": now, "until": until})
    case.claimed_by, case.claimed_until = user, until
    return case


def _extend(case, now) -> Case:
    case.claimed_until = now + timedelta(seconds=compiled_policy(case.policy_id).rules.lease_seconds)
    case.claims.filter(ended_at=None).update(until=case.claimed_until)
    case.save(update_fields=["claimed_until"])
    return case


def _free(case, why) -> Case:
    end_claim(case, why, at=clock.now())
    case.claimed_by = case.claimed_until = None
    case.save(update_fields=["claimed_by", "claimed_until", "passed_by"])
    return case
