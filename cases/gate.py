"""The one gate: lock, ask, let the caller move the case, write the story, save the move. All of it or nothing.

No other code does any of these, except `intake.receive` (cases are born routed, set-based) and `queues` (a claim moves nothing).
"""

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django_fsm import TransitionNotAllowed

from accounts.models import User
from accounts.roles import Role
from audit import acting, clock, trail
from audit.models import AuditEvent
from audit.wording import in_english
from cases import pauses, sides
from cases.chains import Given, next_step
from cases.models import Case, Correction
from cases.permissions import ANOTHERS, Authority, Standing, seat_for, why_not
from cases.seen import refused_as_seen
from cases.states import APPROVAL, CHECKING, CLOSED, DESKS, MAKING, MOVES, ClosedAs
from cases.talk import notices
from integrations import outbox
from integrations.models import OutboxRow
from integrations.problems import Conflict
from workflows.calendar import add
from workflows.models import compiled_policy, hours_of

FACTS = """
SELECT ARRAY(SELECT role FROM workflows_seat WHERE workflow_id = {workflow} AND user_id = {user} AND ended_at IS NULL),
  ARRAY(SELECT "of" FROM owners_acting({now}) WHERE workflow_id = {workflow} AND user_id = {user}),
  (SELECT jsonb_agg(jsonb_build_array(a.holder_id, a.delegation_id, a.title, a.most, a.within) ORDER BY a.delegation_id NULLS FIRST)
    FROM authority_to_approve({workflow}, {action_type}, {amount}, {currency}, {user}, {now}) a),
  (SELECT max(least(until, ended_at)) FROM accounts_absence
    WHERE user_id = {user} AND since <= {now} AND {now} < least(until, ended_at)),
  ARRAY(SELECT DISTINCT by_id FROM cases_decision WHERE case_id = {case} AND (verb = ANY({making}) OR output IS NOT NULL)),
  (SELECT answers_for_id FROM accounts_user WHERE id = {sender}),
  (SELECT jsonb_agg(jsonb_build_array(step, by_id, holder_id) ORDER BY id) FROM valid_approvals({case}, {digest})),
  EXISTS (SELECT FROM cases_decision WHERE case_id = {case} AND before IS NOT NULL
     AND at > (SELECT max(at) FROM cases_release WHERE case_id = {case})),
  (SELECT to_jsonb(d) FROM (SELECT by_id, vendor_id, verb, desk, "to", at, before, reason, reason_code, desk_since, expires_at
    FROM cases_decision
    WHERE case_id = {case} ORDER BY id DESC LIMIT 1) d),
  (SELECT to_jsonb(d) FROM (SELECT by_id, vendor_id, desk FROM cases_decision
    WHERE case_id = {case} AND "to" = 'approval' AND desk <> 'approval' ORDER BY id DESC LIMIT 1) d)
"""
ASKED = ("workflow", "case", "action_type", "amount", "currency", "sender", "digest")  # of the case
OF_A_ROW = {**dict.fromkeys(ASKED), "workflow": "workflow_id", "case": "id", "sender": "sender_id"}
WHO = {name: f"%({name})s" for name in ("user", "making", "now")}
STANDING = FACTS.format(**WHO, **{name: f"%({name})s" for name in ASKED})
STANDINGS = f"""
SELECT c.id, f.* FROM cases_case c CROSS JOIN LATERAL (
{FACTS.format(**WHO, **{name: f"c.{column or name}" for name, column in OF_A_ROW.items()})}) f WHERE c.id = ANY(%(cases)s)
"""
CONTENT = """
UPDATE cases_case SET revision = %(revision)s, standing_output = %(standing)s, action_type = %(type)s, amount = %(amount)s,
  currency = %(currency)s, payee = %(payee)s, proposes_no_action = %(no_action)s, chain = %(chain)s, approvals_needed = %(needed)s
 WHERE id = %(case)s RETURNING digest
"""
DECIDE = """
WITH decided AS (
  INSERT INTO cases_decision (case_id, by_id, vendor_id, at, verb, desk, "to", output, before, digest, reason, reason_code, step, anew,
    delegation_id, break_glass, category_id, evaluation_id, active_seconds, section_id, ruling_id, standard,
    desk_since, expires_at)
  VALUES (%(case)s, %(by)s, %(vendor)s, %(at)s, %(verb)s, %(desk)s, %(to)s, %(output)s, %(before)s, %(digest)s, %(reason)s,
    %(reason_code)s, %(step)s,
    CASE WHEN %(approves)s THEN (SELECT count(*) FROM cases_retraction t JOIN cases_decision d ON d.id = t.decision_id
      WHERE d.case_id = %(case)s AND d.by_id = %(by)s AND d.digest = %(digest)s) ELSE 0 END,
    %(delegation)s, %(break_glass)s, %(category)s, %(evaluation)s, %(active_seconds)s, %(section)s, %(ruling)s, %(standard)s,
    %(desk_since)s, %(expires_at)s)
  RETURNING id),
corrected AS (
  INSERT INTO cases_correction (decision_id, field, before, after, root_cause, is_new_value)
  SELECT d.id, x.field, x.before, x.after, x.root_cause, x.is_new_value FROM decided d, ROWS FROM (jsonb_to_recordset(%(corrections)s)
    AS (field text, before jsonb, after jsonb, root_cause text, is_new_value boolean)) WITH ORDINALITY x ORDER BY x.ordinality)
SELECT id FROM decided
"""
END_CLAIM = "UPDATE cases_claim SET ended_at = %s, ended_by = %s WHERE case_id = %s AND ended_at IS NULL"
RELEASE = """
INSERT INTO cases_release (case_id, number, digest, at)
SELECT %(case)s, coalesce(max(number), 0) + 1, %(digest)s, %(at)s FROM cases_release WHERE case_id = %(case)s RETURNING number
"""
FOLLOWS = ("case.settle", "case.release")  # from a decision: whoever came too late is told of the decision
DECIDING = {*MAKING, *CHECKING} & MOVES.keys()
MOVE = [
    *(
        "state",
        "tier",
        "requires_approval",
        "approvals_needed",
        "chain",
        "expires_at",
        "category_id",
        "vendor_id",
        "assigned_to_id",
        "passed_by",
    ),
    *(
        "claimed_by_id",
        "claimed_until",
        "desk_since",
        "due_at",
        "paused_since",
        "closed_as",
        "closed_at",
        "settles_at",
        "released_at",
        "revision",
    ),
]
MOVED, MOVED_TO_A_SIDE = (
    f"UPDATE cases_case SET {', '.join(f'{name} = %({name})s' for name in names)} WHERE id = %(case)s"
    for names in (MOVE, [*MOVE, "allocation"])
)
PASS_ON = "SELECT pass_on(%s, %s)"


@dataclass(slots=True)
class Story:
    """What a verb says beside the move: the caller fills it in, the gate writes it down."""

    verb: str
    by: User
    reason: str
    desk: str
    now: Any
    decides: bool = True
    output: Any = None  # what stands after an edit
    before: dict | None = None  # what stood before it
    voids: bool = False  # a new revision: the content changed, or approvals given no longer count
    corrections: list[Correction] = field(default_factory=list)
    evaluation: Any = None
    active_seconds: int | None = None
    section: int | None = None  # of the playbook, or a ruling, on which it rests
    ruling: int | None = None
    standard: list[dict] | None = None  # its points, ticked or not
    reason_code: str = ""
    step: int | None = None  # of the chain, for an approval
    seat: Authority | None = None  # by which he decides at approval
    breaks_glass: bool = False
    stood: tuple | None = None  # since when it was at the desk and until when it was to approve, where a decision is undone
    settles: bool = False
    allocated: dict | None = None  # whose it is at another desk, and why, where there is a choice
    facts: dict = field(default_factory=dict)


@contextmanager
def asking(case_id, verb, *, by, why=why_not):
    """Lock the case and ask whether `by` may; a refusal is rolled back and noted. Raises PermissionDenied."""
    case = None
    try:
        with transaction.atomic():
            case = locked(case_id)
            case.standing_facts = standing(case, by)
            if refusal := why(by, verb, case, case.standing_facts):
                raise PermissionDenied(refusal)
            with refused_as_seen(case, by):
                yield case
    except PermissionDenied as refusal:
        if case is not None:
            trail.refused(f"case.{verb}", by=by, subject=case, why=refusal)
        raise
    except Case.DoesNotExist:
        if case is None and case_id < 2**63 and _is_anothers(case_id):
            trail.refused(f"case.{verb}", by=by, subject=Case(pk=case_id), why=ANOTHERS)
        raise


def _is_anothers(case_id) -> bool:
    """Whether it is there, and not for whoever is acting: to him it does not exist, and in its story his attempt stands."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT there_is_a_case(%s)", [case_id])
        return cursor.fetchone()[0]


@contextmanager
def changing(case_id, verb, *, by, reason=""):
    """Open a transaction around one verb on one case; see the module's first lines. Raises PermissionDenied, Conflict."""
    case = None
    try:
        with asking(case_id, verb, by=by) as case:
            if by.kind == by.Kind.PERSON and case.state in DESKS:  # what the sender and the machine do goes on
                nobody_else_holds(case, by)
            if verb in DECIDING and case.state not in MOVES[verb]:  # before anybody looks at what was typed
                raise TransitionNotAllowed(f"Nobody can {verb} at {case.state}.")
            case.story = Story(verb, by, reason.strip(), case.state, clock.now())
            yield case
            _write(case)
            _save_the_move(case)
    except TransitionNotAllowed as error:
        with refused_as_seen(case, by):
            raise Conflict(what_happened(case), code="not_from_here", state=case.state) from error


def locked(case_id) -> Case:
    """The case, its row locked until the transaction ends."""
    return Case.objects.one(case_id, locked=True)


def standing(case, by) -> Standing:
    """The facts about `by` and `case` that `why_not` asks for: one statement, after the lock, so that it sees what the lock waited for."""
    now = clock.now()
    about = {"workflow": case.workflow_id, "case": case.pk, "sender": case.sender_id, "digest": case.digest}
    about |= {"action_type": case.action_type, "amount": case.amount, "currency": case.currency}
    with connection.planned_once() as cursor:
        cursor.execute(STANDING, {**about, **_who(by, now)})
        return _standing(cursor.fetchone(), case, now)


def standings(cases, by) -> dict[int, Standing]:
    """The same of many cases, for a page that lists them; nothing is locked, so a verb asks again."""
    now, by_id = clock.now(), {case.pk: case for case in cases}
    with connection.planned_once() as cursor:
        cursor.execute(STANDINGS, {"cases": list(by_id), **_who(by, now)})
        return {pk: _standing(facts, by_id[pk], now) for pk, *facts in cursor.fetchall()}


def _who(by, now):
    return {"user": by.pk, "making": list(MAKING), "now": now}


def _standing(facts, case, now) -> Standing:
    roles, ownerships, authority, absent, makers, behind, given, edited, last, sent = facts
    seats = [Authority(*each) for each in _json(authority) or ()]
    return Standing(
        set(roles) | ({Role.APPROVER} if seats else set()),
        set(ownerships),
        seats,
        absent,
        set(makers),
        behind,
        [Given(*each) for each in _json(given) or ()],
        case.has_expired(now),
        edited,
        last=_json(last) or {},
        sent=_json(sent) or {},
    )


def _json(value):
    return json.loads(value, parse_float=Decimal) if isinstance(value, str) else value


def what_happened(case) -> str:
    """For whoever came too late: the state, and the last thing that happened, with its actor and time."""
    return _happened(case, last_event(case.pk))


def last_event(case_id) -> AuditEvent | None:
    """The last thing that happened to a case; no refusal, and not what follows from a decision by itself."""
    events = AuditEvent.objects.filter(subject_type="case", subject_id=case_id).exclude(verb__endswith="_refused")
    return events.exclude(verb__in=FOLLOWS).last()


def _happened(case, event) -> str:
    """In English, as kept sentences are: whoever shows it tells it in the reader's language and zone. Why it went to a side is left out."""
    if event:
        event.body = {name: fact for name, fact in event.body.items() if name != "allocated"}
    with in_english():
        told = f": it {trail.sentence(event)} at {event.at:%H:%M:%S} UTC on {event.at:%Y-%m-%d}" if event else ""
        where = "closed" if case.state == CLOSED else f"at {case.get_state_display().lower()}"
    return f"The case is {where} now{told}."


BECAME = "SELECT external_id, state, verb, actor_name, vendor_id, at, body FROM what_became_of(%s, %s)"


def what_became_of(case_id, person) -> tuple[Case, str, int | None] | None:
    """For whoever held it or decided on it, also when it is another side's now: its name, what happened, and the decision by which."""
    with connection.cursor() as cursor:
        cursor.execute(BECAME, [case_id, person.pk])
        found = cursor.fetchone()
    if found is None:
        return None
    external_id, state, verb, *about, body = found
    case = Case(pk=case_id, external_id=external_id, state=state)
    names = ("actor_name", "vendor_id", "at")
    event = verb and AuditEvent(verb=verb, body=_json(body), **dict(zip(names, about, strict=True)))
    return case, _happened(case, event), event and event.body.get("decision")


def nobody_else_holds(case, by):
    """A live lease of somebody else is a conflict that names him."""
    holder = case.held_by(clock.now())
    if holder and holder != by.pk:
        name = User.objects.filter(pk=holder).first() or acting.SOMEBODY
        until = f"{case.claimed_until:%H:%M:%S} UTC"
        raise Conflict(
            f"{name} holds this case until {until}.", code="claimed_by_another", by=str(name), until=case.claimed_until
        )


def _write(case):
    """The story first: the content that stands, the decision over it, what was released, the event, the outbox."""
    story = case.story
    if story.voids:
        case.revision += 1
        case.digest = _renewed(case)
    decision = _decision(case) if story.decides else None
    _leave_the_desk(case)
    notices.tell_of_the_move(case)
    trail.record(
        "case.break_glass" if story.breaks_glass else f"case.{story.verb}",
        by=story.by,
        subject=case,
        words=story.reason,
        **move(case, story.desk),
        **({"decision": decision} if decision else {}),
        **({"reason_code": story.reason_code} if story.reason_code else {}),
        **({"for": story.seat.holder} if story.seat and story.seat.delegation else {}),
        **story.facts,
    )
    if story.settles:
        settle(case)


def _renewed(case) -> bytes:
    """Store the content that stands now; its digest."""
    content = {"type": case.action_type, "amount": case.amount, "currency": case.currency, "payee": case.payee}
    about = {"case": case.pk, "revision": case.revision, "no_action": case.proposes_no_action}
    about |= {"chain": json.dumps(case.chain), "needed": case.approvals_needed}
    [digest] = _returned(CONTENT, {**content, **about, "standing": _as_json(case.standing_output)})
    return digest


def _sign(case):
    """At approval: by which seat, and for an approval which step of the chain it takes."""
    story, facts = case.story, case.standing_facts
    if story.desk == APPROVAL and not story.breaks_glass:
        story.seat = seat_for(story.verb, case, facts, story.by)
    if story.verb == "approve":
        story.step = next_step(case.chain, facts.given)


def _decision(case) -> int:
    """The decision's id; its corrections are stored with it."""
    story = case.story
    _sign(case)
    corrections = [
        {name: getattr(correction, name) for name in ("field", "before", "after", "root_cause", "is_new_value")}
        for correction in story.corrections
    ]
    [decision] = _returned(
        DECIDE,
        {
            "case": case.pk,
            "by": story.by.pk,
            "vendor": story.by.vendor_id,
            "at": story.now,
            "verb": story.verb,
            "desk": story.desk,
            "to": case.state,
            "output": _as_json(story.output),
            "before": _as_json(story.before),
            "digest": case.digest,
            "reason": story.reason,
            "reason_code": story.reason_code,
            "step": story.step,
            "approves": story.verb == "approve",
            "delegation": story.seat and story.seat.delegation,
            "break_glass": story.breaks_glass,
            "category": case.category_id if story.verb in ("no_action", "resolve", "escalate") else None,
            "evaluation": story.evaluation and story.evaluation.pk,
            "active_seconds": story.active_seconds,
            "section": story.section,
            "ruling": story.ruling,
            "standard": _as_json(story.standard),
            "desk_since": case.desk_since,
            "expires_at": case.expires_at,
            "corrections": json.dumps(corrections),
        },
    )
    return decision


def _as_json(value):
    return None if value is None else json.dumps(value)


def _returned(statement, about):
    """The one row that a statement returns. By SQL: one ORM call for each row written made a verb twice as dear."""
    with connection.planned_once() as cursor:
        cursor.execute(statement, about)
        return cursor.fetchone()


def end_claim(case, how, *, at):
    """The live claim, if any, is over."""
    with connection.planned_once() as cursor:
        cursor.execute(END_CLAIM, [at, how, case.pk])


def _save_the_move(case):
    """Where a vendor's person sends the case to another side, its row leaves his sight last: no policy lets an UPDATE do that."""
    by, moved = case.story.by, {name: getattr(case, name) for name in MOVE}
    leaves = by.vendor_id is not None and case.vendor_id != by.vendor_id
    moved |= {"vendor_id": by.vendor_id} if leaves else {}
    with connection.planned_once() as cursor:
        about = {"case": case.pk, **moved, "chain": json.dumps(case.chain)}
        if case.story.allocated:
            cursor.execute(MOVED_TO_A_SIDE, {**about, "allocation": json.dumps(case.story.allocated)})
        else:
            cursor.execute(MOVED, about)
        if leaves:
            cursor.execute(PASS_ON, [case.pk, case.vendor_id])


def _leave_the_desk(case):
    """Whoever held the case no longer does; another desk starts afresh."""
    story = case.story
    if case.claimed_by_id:
        end_claim(case, story.verb, at=story.now)
        case.claimed_by = case.claimed_until = None
    if case.paused_since and (case.state != story.desk or story.decides):  # whoever decides waits for nobody
        ended = pauses.end(case, by=story.by, verb=story.verb, at=story.now)
        story.facts |= {"pauses": [pause.pk for pause in ended]}
    if case.state != story.desk:
        case.assigned_to, case.passed_by = None, []
        _find_a_side(case)
        if case.state == CLOSED:
            case.desk_since = case.due_at = case.expires_at = None
        else:
            _begin_at_a_desk(case)


def _begin_at_a_desk(case):
    """Its clocks start; where a decision is undone, they go on as if it had not been."""
    story, rules = case.story, compiled_policy(case.policy_id).rules
    case.closed_as, case.closed_at, case.settles_at = "", None, None
    if story.stood:
        case.desk_since, case.expires_at = story.stood
        case.due_at = pauses.due_at(case)
    else:
        hours = hours_of(case.workflow.calendar_id)
        case.desk_since = story.now
        case.expires_at = add(hours, story.now, rules.approval_minutes) if case.state == APPROVAL else None
        case.due_at = add(hours, story.now, rules.due_minutes(case.tier, case.state))


def _find_a_side(case):
    """Whose it is at the desk it came to. What is closed stays with whoever closed it."""
    story = case.story
    if case.state != CLOSED and (kept := sides.at_another_desk(case, story)):
        story.allocated = kept
        story.facts |= {"to_vendor": case.vendor_id, "allocated": kept["sentence"]}


def move(case, desk) -> dict:
    """What every event about a case says: from which desk to which, under which policy, of which AI release."""
    return {"from": desk, "to": case.state, "policy": case.policy_id, "ai_release": case.ai_release_id}


def settle(case):
    """The close takes effect: an output that acts is released, and the sender hears of it, in this transaction."""
    case.settles_at = None
    acts = case.closed_as in (ClosedAs.RELEASED, ClosedAs.CORRECTED) and not case.is_probe
    anew = case.released_at is None or case.story.before is not None or case.standing_facts.edited_since_release
    events = [OutboxRow.Event.WITHDRAWN if case.closed_as == ClosedAs.WITHDRAWN else OutboxRow.Event.DECIDED]
    if acts and anew:
        events.append(OutboxRow.Event.RELEASED if case.released_at is None else OutboxRow.Event.CORRECTED)
        release(case)
    outbox.announce(*events, case_id=case.pk, recipient_id=case.sender_id, at=case.story.now, **told_of(case))


def release(case):
    """One release row of what stands; the first also says so on the case."""
    [number] = _returned(RELEASE, {"case": case.pk, "digest": case.digest, "at": case.story.now})
    trail.record("case.release", by=case.story.by, subject=case, number=number, digest=bytes(case.digest).hex())
    if case.released_at is None:
        case.released_at = case.story.now


def told_of(case) -> dict:
    """What the sender hears of a case; when the grace window is over, of the decision it was for."""
    decided = (
        case.standing_facts.last
        if case.story.verb == "settle"
        else {"verb": case.story.verb, "reason": case.story.reason, "reason_code": case.story.reason_code}
    )
    return {
        "external_id": case.external_id,
        "workflow": case.workflow.slug,
        "verb": decided["verb"],
        "closed_as": case.closed_as,
        "output": case.standing,
        "action": case.action if case.action_type else None,
        "reason": decided["reason"],
        "reason_code": decided.get("reason_code", ""),
        "digest": bytes(case.digest).hex(),
        "is_test": case.is_test,
    }
