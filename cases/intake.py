"""Cases are born routed: a set-based verb of its own, the one place beside the gate that writes a case's story.

`routed()` decides in plain Python what becomes of each output; `stored()` writes a thousand of them in one statement:
cases, releases, outbox rows and audit events, with every trigger watching. One and many go the same way. Where a policy asks
what came before, looking back, routing and storing are one transaction, in `stored()`.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from msgspec import UNSET, Meta, Struct, UnsetType

from audit import acting, clock, trail
from cases import lookback, sides
from cases.chains import as_steps
from cases.facts import facts_of
from integrations import pointers
from workflows import money
from workflows.calendar import Hours, add
from workflows.models import Workflow, compiled_policy, hours_of
from workflows.routing import Compiled, Dial, action_in, draw, route

MOST_AT_ONCE = 1000
SKEW = timedelta(minutes=5)  # how far a sender's clock may run ahead
ASSUMED = ("sent_action", "chain", "reasons", "tags")  # empty where a row does not say
MAYBE_NULL = ("context", "received_action", "confidence", "confidences", "alternatives", "expires_at", "due_at", "amount")
NOTHING_SENT = {"type": "", "amount": None, "currency": "", "payee": ""}
EARLIEST = datetime.fromisoformat("2000-01-01T00:00:00+00:00")

Short = Annotated[str, Meta(max_length=60)]
Name = Annotated[str, Meta(max_length=120)]
Reference = Annotated[str, Meta(max_length=200)]


class ProposedAction(Struct, forbid_unknown_fields=True, frozen=True):
    """What the AI would do: “refund 240.00 EUR to C-1042”."""

    type: Short = ""
    amount: Decimal | None = None
    currency: Annotated[str, Meta(max_length=3)] = ""
    payee: Reference = ""


# Anything is taken in: what is no confidence never lowers the scrutiny, and the sentence says so.
CONFIDENCE = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
Confidence = Annotated[
    Any,
    Meta(
        description="How sure the AI is of the whole output: a number from 0 to 1. Anything else, such as “97%” or 97, is taken in and"
        " counts as none; where a threshold asks for one the output is then held.",
        extra_json_schema=CONFIDENCE,
    ),
]
Confidences = Annotated[
    dict[str, Annotated[Any, Meta(extra_json_schema=CONFIDENCE)]],
    Meta(description="How sure it is of each field, by the field's name in the output; each a number from 0 to 1."),
]
Alternatives = Annotated[
    list[Any],
    Meta(
        description="What else the AI would have answered, each with how likely it is: a number from 0 to 1, or an object with that as `confidence`, `score` or `probability`."
    ),
]


class Intake(Struct, forbid_unknown_fields=True, frozen=True):
    """One AI output, as it comes in over REST or in a line of an import."""

    workflow: Short
    external_id: Annotated[str, Meta(min_length=1, max_length=200)]
    input: dict[str, Any]
    output: dict[str, Any]
    context: dict[str, Any] | None = None
    action: ProposedAction | None = None
    confidence: Confidence = None
    confidences: Confidences | None = None
    alternatives: Alternatives | None = None
    segment: Short | None = None
    channel: Short | None = None
    customer_reference: Reference | None = None
    model_name: Name | None = None
    model_version: Name | None = None
    prompt_version: Name | None = None
    received_at: datetime | None = None


class Fault(Struct, frozen=True):
    """What is wrong in the body, and where: a JSON pointer as a URI fragment, of which `#` is the whole body."""

    pointer: str
    detail: str


Status = Annotated[
    Literal["received", "known", "refused"],
    Meta(description="`known`: the same id and body came before. `refused`, in a batch only: this output was not taken in."),
]
Verdict = Annotated[
    Literal["go", "held", "refused"],
    Meta(
        description="`go`: `released_output` may take effect. `held`: nothing may, until a person has decided."
        " `refused`, in a batch only: nothing may, and nobody will look at it."
    ),
]
Desk = Literal["review", "resolution", "approval"]


class Answer(Struct, frozen=True, kw_only=True):
    """What an intake tells the caller at once: `go` (with the output that may act) or `held`, and why.

    In a batch each has its `index`, from 0, and what is `refused` its `code`, `detail` and `errors`.
    """

    id: int | UnsetType = UNSET
    index: int | UnsetType = UNSET
    external_id: str  # as it was sent; empty where none was, or no text
    status: Status
    verdict: Verdict
    desk: Desk | None = None
    sentence: str = ""
    reasons: list[dict[str, Any]] = []
    released_output: dict[str, Any] | None = None
    code: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    errors: list[Fault] | UnsetType = UNSET

    def as_item(self, index) -> "Answer":
        """As one of a batch: with its place, from which its pointers go on."""
        errors = self.errors or []
        placed = [Fault(f"#/cases/{index}{fault.pointer[1:]}", fault.detail) for fault in errors]
        return msgspec.structs.replace(self, index=index, errors=placed or UNSET)


class Refusal(ValueError):
    """Why one item is not taken, and where in it; the others of its batch are."""

    def __init__(self, code, detail, at="#", external_id=""):
        super().__init__(detail)
        self.code, self.detail, self.at, self.external_id = code, detail, at, external_id


class Named(Struct):
    """Of an item that does not fit, what it calls itself."""

    external_id: Any = ""


def decoded(text: bytes) -> Intake | Refusal:
    """One output of many, as JSON: decoded, or the reason why not."""
    try:
        return msgspec.json.decode(text, type=Intake)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        said, at = pointers.of_msgspec(str(error))
        return Refusal("invalid", f"{pointers.placed(at, said)}.", at, _own_name(text))
    except RecursionError:
        return Refusal("nested_too_deeply", "The output is nested too deeply.")


def _own_name(text: bytes) -> str:
    try:
        sent = msgspec.json.decode(text, type=Named).external_id
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    return sent if isinstance(sent, str) else ""


RULES_IN_FORCE = """
SELECT w.slug, w.id, w.secret, d.stopped_at IS NOT NULL,
  (SELECT p.id FROM workflows_policy p WHERE p.workflow_id = w.id AND p.published_at IS NOT NULL
    AND (p.effective_from IS NULL OR p.effective_from <= %s) ORDER BY p.version DESC LIMIT 1),
  (SELECT json_agg(json_build_array(r.tier, r.segment, r.rate)) FROM workflows_stratumrate r WHERE r.workflow_id = w.id), w.calendar_id,
  is_outsourced(w.id, %s)
 FROM workflows_seat s JOIN workflows_workflow w ON w.id = s.workflow_id LEFT JOIN workflows_dial d ON d.workflow_id = w.id
 WHERE s.user_id = %s AND s.role = 'integration' AND s.ended_at IS NULL AND w.slug = ANY(%s)
"""

AI_RELEASES = """
INSERT INTO workflows_airelease (model_name, model_version, prompt_version, first_seen_at)
SELECT DISTINCT x.model_name, x.model_version, x.prompt_version, %(now)s::timestamptz
  FROM jsonb_to_recordset(%(releases)s::jsonb) AS x(model_name text, model_version text, prompt_version text)
 WHERE NOT EXISTS (SELECT FROM workflows_airelease r WHERE (r.model_name, r.model_version, r.prompt_version)
   = (x.model_name, x.model_version, x.prompt_version))
ON CONFLICT DO NOTHING
"""

RECEIVE = """
WITH received AS (
  INSERT INTO cases_case (workflow_id, external_id, sender_id, received_at, intake_digest, input, context, output, sent_action, received_action,
    confidence, confidences, alternatives, ai_release_id, segment, channel, customer_reference, fingerprint, is_test, is_probe,
    policy_id, tier, requires_approval, approvals_needed, chain, expires_at, born_released, sentence, reasons, tags, category_id,
    probability, draw, sampled, routed,
    state, vendor_id, allocation, passed_by, priority, desk_since, due_at, revision, action_type, amount, currency, payee, proposes_no_action,
    closed_as, closed_at, released_at)
  SELECT x.workflow_id, x.external_id, %(sender)s, x.received_at, decode(x.intake_digest, 'hex'), x.input, x.context, x.output,
    coalesce(x.sent_action, '{}'), x.received_action, x.confidence, x.confidences, x.alternatives, r.id, x.segment, x.channel, x.customer_reference, x.fingerprint, %(is_test)s, false,
    x.policy_id, x.tier, x.requires_approval, x.approvals_needed, coalesce(x.chain, '[]'), x.expires_at, x.released, x.sentence,
    coalesce(x.reasons, '[]'), coalesce(x.tags, '{}'),
    CASE WHEN x.category <> '' THEN (SELECT k.id FROM workflows_exceptioncategory k WHERE k.workflow_id = x.workflow_id AND k.slug = x.category) END,
    x.probability, x.draw, x.sampled,
    jsonb_build_object('to', x.state, 'tier', x.tier, 'released', x.released, 'approvals', x.approvals_needed), x.state, x.vendor_id, x.allocation, '{}', 0,
    CASE WHEN x.state <> 'closed' THEN %(now)s::timestamptz END, x.due_at, 1, x.action_type, x.amount, x.currency, x.payee, false,
    CASE WHEN x.state = 'closed' THEN 'released' ELSE '' END, CASE WHEN x.state = 'closed' THEN %(now)s::timestamptz END,
    CASE WHEN x.released THEN %(now)s::timestamptz END
  FROM ROWS FROM (json_to_recordset(%(items)s::json) AS (workflow_id bigint, external_id text, received_at timestamptz, intake_digest text,
    input jsonb, context jsonb, output jsonb, sent_action jsonb, received_action jsonb, confidence float8, confidences jsonb, alternatives jsonb,
    model_name text, model_version text, prompt_version text, segment text, channel text, customer_reference text, fingerprint bigint, policy_id bigint,
    tier text, requires_approval boolean, approvals_needed smallint, chain jsonb, expires_at timestamptz, sentence text, reasons jsonb, tags text[], category text,
    probability float8, draw float8, sampled boolean, state text, due_at timestamptz, action_type text, amount numeric,
    currency text, payee text, released boolean, vendor_id bigint, allocation jsonb)) WITH ORDINALITY AS x
  JOIN workflows_airelease r ON (r.model_name, r.model_version, r.prompt_version) = (x.model_name, x.model_version, x.prompt_version)
 WHERE NOT (x.released AND x.workflow_id = ANY (ARRAY(SELECT workflow_id FROM workflows_dial WHERE stopped_at IS NOT NULL)))
  ORDER BY x.ordinality
  ON CONFLICT (workflow_id, external_id) DO NOTHING
  RETURNING id, workflow_id, external_id, state, sentence, policy_id, ai_release_id, digest, output, action_type, amount, currency,
    payee, released_at, vendor_id, allocation),
released AS (
  INSERT INTO cases_release (case_id, number, digest, at) SELECT id, 1, digest, released_at FROM received WHERE released_at IS NOT NULL),
told AS (
  INSERT INTO integrations_outboxrow (case_id, number, recipient_id, event, payload, at)
  SELECT c.id, 1, %(sender)s, 'case.released', jsonb_build_object('external_id', c.external_id, 'workflow', w.slug, 'verb', 'triage',
    'closed_as', 'released', 'output', c.output, 'action', CASE WHEN c.action_type <> '' THEN jsonb_build_object('type', c.action_type,
      'amount', c.amount::text, 'currency', c.currency, 'payee', c.payee) END,
    'reason', c.sentence, 'digest', encode(c.digest, 'hex'), 'is_test', %(is_test)s), %(now)s
  FROM received c JOIN workflows_workflow w ON w.id = c.workflow_id WHERE c.released_at IS NOT NULL
  UNION ALL SELECT c.id, 1, %(sender)s, 'case.held', jsonb_build_object('external_id', c.external_id, 'workflow', w.slug, 'verb', 'triage',
    'desk', c.state, 'reason', c.sentence, 'is_test', %(is_test)s), %(now)s
  FROM received c JOIN workflows_workflow w ON w.id = c.workflow_id WHERE c.released_at IS NULL AND EXISTS (SELECT FROM integrations_webhookendpoint e
    WHERE e.user_id = %(sender)s AND e.enabled AND (e.events = '{}' OR 'case.held' = ANY (e.events)))),
said AS (
  INSERT INTO audit_auditevent (subject_type, subject_id, actor_id, actor_name, vendor_id, request_id, verb, body, words)
  SELECT 'case', id, %(sender)s, %(name)s, NULL, %(request)s, 'case.received', CASE WHEN allocation IS NULL THEN body
      ELSE body || jsonb_build_object('to_vendor', vendor_id, 'allocated', allocation->>'sentence') END, ''
    FROM received, LATERAL (SELECT jsonb_build_object('from', 'intake', 'to', state, 'sentence', sentence, 'policy', policy_id,
      'ai_release', ai_release_id, 'released', released_at IS NOT NULL) AS body) x)
SELECT workflow_id, external_id, id FROM received
"""

KNOWN = """
SELECT c.workflow_id, c.external_id, c.id, encode(c.intake_digest, 'hex'), c.state, c.sentence, c.reasons,
  EXISTS (SELECT FROM cases_release r WHERE r.case_id = c.id AND r.digest = c.digest), coalesce(c.standing_output, c.output)
 FROM cases_case c JOIN jsonb_to_recordset(%s::jsonb) AS x(workflow_id bigint, external_id text)
   ON c.workflow_id = x.workflow_id AND c.external_id = x.external_id
"""


def receive(items: list[Intake | Refusal], *, by, is_test=False) -> list[Answer]:
    """Take in outputs: each is routed and stored, or known already, or refused for a reason; never a part of one."""
    return stored(routed(items, by=by), by=by, is_test=is_test)


def may_receive(by):
    """An in-house integration sends; a vendor's system reads only."""
    if by.kind != by.Kind.INTEGRATION or not by.is_in_house:
        why = "Only an in-house integration may send outputs."
        trail.refused("case.receive", by=by, subject=by, why=why)
        raise PermissionDenied(why)


def routed(items: list[Intake | Refusal], *, by) -> list["dict | Waiting | Refusal"]:
    """What becomes of each item: a row ready to store, or a Refusal. Reads the rules in force once for all of them.

    An item whose policy looks back stays Waiting: `stored` routes it.
    """
    may_receive(by)
    now = clock.now()
    wanted = {item.workflow for item in items if isinstance(item, Intake) and "\0" not in item.workflow}
    in_force = _rules_in_force(by, wanted) if wanted else {}
    return [item if isinstance(item, Refusal) else _row_or_refusal(item, in_force, now) for item in items]


def stored(rows: list["dict | Waiting | Refusal"], *, by, is_test=False) -> list[Answer]:
    """Write the rows in one transaction and answer for each, in order."""
    with transaction.atomic():
        rows = _looked_back(rows, is_test)
        first = {}
        for row in rows:
            if isinstance(row, dict):
                first.setdefault((row["workflow_id"], row["external_id"]), row)
        _allocate(first.values())
        new, known = _insert(list(first.values()), by, is_test) if first else ({}, {})
    return [_answer(row, first, new, known) for row in rows]


def _looked_back(rows, is_test) -> list[dict | Refusal]:
    """The rows, those that waited routed with what came before them."""
    waiting = [row for row in rows if isinstance(row, Waiting)]
    if not waiting:
        return rows
    cases = [{**one.row, "action": one.facts["action"], "is_test": is_test} for one in waiting]
    before = lookback.before_each(cases, [one.policy.looks_back for one in waiting])
    for one, earlier in zip(waiting, before, strict=True):
        one.facts["earlier"] = earlier
    return [_routed(row) if isinstance(row, Waiting) else row for row in rows]


def _allocate(rows):
    """Whose each is that waits at a desk: asked only of workflows with a live mandate, once for all of them."""
    waiting = [row for row in rows if "lot" in row and row["state"] != "closed"]
    if not waiting:
        return
    desks = sides.Desks({row["workflow_id"] for row in waiting}, clock.now())
    for row in waiting:
        lot, needs = row["lot"]
        kept = desks.allocate(row["workflow_id"], row["state"], lot=lot, needs=needs)
        row |= {"vendor_id": kept["side"] or None, "allocation": kept}


def _rules_in_force(by, slugs):
    now = clock.now()
    with connection.planned_once() as cursor:
        cursor.execute(RULES_IN_FORCE, [now, now, by.pk, list(slugs)])
        return {
            slug: (
                pk,
                secret,
                policy,
                Dial(stopped, {(tier, segment): rate for tier, segment, rate in _json(rates) or ()}),
                hours_of(calendar),
                outsourced,
            )
            for slug, pk, secret, stopped, policy, rates, calendar, outsourced in cursor.fetchall()
        }


def _json(value):
    return json.loads(value) if isinstance(value, str) else value


def _row_or_refusal(item, in_force, now):
    try:
        return _row(item, in_force, now)
    except Refusal as refusal:
        refusal.external_id = item.external_id
        return refusal


@dataclass(slots=True)
class Waiting:
    """An item read and checked, with all that routing needs of it."""

    row: dict
    facts: dict
    conflicts: list[str]
    policy: Compiled
    dial: Dial
    hours: Hours
    draw: float
    now: datetime
    lot: float | None  # among the sides; none where there is but the house


def _row(item: Intake, in_force, now) -> dict | Waiting:
    """One output, routed: the row that `RECEIVE` stores."""
    waiting = _read(item, in_force, now)
    return waiting if waiting.policy.looks_back else _routed(waiting)


def _read(item: Intake, in_force, now) -> Waiting:
    """What was received, as it is stored, and as routing sees it. Raises Refusal."""
    if item.workflow not in in_force:
        raise Refusal("unknown_workflow", f"There is no workflow “{item.workflow}” that you may send to.", "#/workflow")
    workflow_id, secret, policy_id, dial, hours, outsourced = in_force[item.workflow]
    if policy_id is None:
        says = f"The workflow “{item.workflow}” has no published policy yet, so nothing can be routed."
        raise Refusal("no_policy", says, "#/workflow")
    policy = compiled_policy(policy_id)
    whole = msgspec.json.encode(item, order="deterministic")
    if b"\\u0000" in whole and (steps := _nul_in(msgspec.to_builtins(item))) is not None:
        raise Refusal(
            "nul_character", "The text has a NUL character (U+0000), which cannot be stored.", pointers.pointer(steps)
        )
    sent = sent_action(item)
    action, conflicts = action_in(item.output, sent, policy.rules)
    received_at = _received_at(item, now)
    facts = facts_of(
        input=item.input,
        output=item.output,
        action=action,
        confidence=item.confidence,
        received_at=received_at,
        context=item.context,
        confidences=item.confidences,
        alternatives=item.alternatives,
        segment=item.segment,
        channel=item.channel,
        customer_reference=item.customer_reference,
    )
    row = {
        "workflow_id": workflow_id,
        "external_id": item.external_id,
        "received_at": received_at,
        "intake_digest": hashlib.sha256(whole).hexdigest(),
        "input": item.input,
        "context": item.context,
        "output": item.output,
        "sent_action": sent if sent != NOTHING_SENT else {},
        "received_action": action if action["type"] or action["amount"] is not None else None,
        "confidence": facts["confidence"],
        "confidences": item.confidences and facts["confidences"],
        "alternatives": item.alternatives,
        "model_name": item.model_name or "",
        "model_version": item.model_version or "",
        "prompt_version": item.prompt_version or "",
        "segment": facts["segment"],
        "channel": facts["channel"],
        "customer_reference": facts["customer_reference"],
        "fingerprint": lookback.fingerprint(item.input),
        "policy_id": policy_id,
        "action_type": action["type"],
        "amount": action["amount"],
        "currency": action["currency"],
        "payee": action["payee"],
    }
    lot = sides.lot_of(secret, item.external_id) if outsourced else None
    return Waiting(row, facts, conflicts, policy, dial, hours, draw(secret, item.external_id), now, lot)


def _routed(waiting: Waiting) -> dict:
    """The row with what the policy says of it."""
    policy = waiting.policy
    way = route(waiting.facts, policy, waiting.dial, draw=waiting.draw, conflicts=waiting.conflicts)
    if waiting.lot is not None:
        needs = sides.needs_of(waiting.facts, policy.rules, category=way.category, tags=way.tags)
        waiting.row["lot"] = waiting.lot, needs
    return waiting.row | {
        "tier": way.tier,
        "requires_approval": way.requires_approval,
        "approvals_needed": way.approvals,
        "chain": as_steps(way.chain),
        "expires_at": add(waiting.hours, waiting.now, policy.rules.approval_minutes) if way.state == "approval" else None,
        "sentence": way.sentence,
        "reasons": way.reasons,
        "tags": way.tags,
        "category": way.category,
        "probability": way.probability,
        "draw": way.draw,
        "sampled": way.sampled,
        "state": way.state,
        "due_at": None
        if way.state == "closed"
        else add(waiting.hours, waiting.now, policy.rules.due_minutes(way.tier, way.state)),
        "released": way.released,
    }


def sent_action(item) -> dict:
    action = item.action or ProposedAction()
    if says := money.fault(action.amount, action.currency):
        raise Refusal("bad_amount", says, "#/action/amount")
    if action.amount is not None and not action.type:
        raise Refusal("bad_action", "An action with an amount needs its type, such as “refund”.", "#/action/type")
    return {"type": action.type, "amount": action.amount, "currency": action.currency, "payee": action.payee}


def _received_at(item, now):
    if item.received_at is None:
        return now
    if item.received_at.tzinfo is None:
        raise Refusal("bad_time", "received_at needs a time zone, such as 2026-06-01T07:16:59Z.", "#/received_at")
    if not EARLIEST <= item.received_at <= now + SKEW:
        raise Refusal("bad_time", "received_at is before the year 2000 or in the future.", "#/received_at")
    return item.received_at


def _nul_in(value, steps=()) -> tuple | None:
    """Where the first NUL is; of a field's name, in what holds the field."""
    if isinstance(value, str):
        return steps if "\x00" in value else None
    if isinstance(value, dict):
        if any("\x00" in name for name in value):
            return steps
        inner = value.items()
    else:
        inner = enumerate(value) if isinstance(value, list) else ()
    found = (_nul_in(each, (*steps, step)) for step, each in inner)
    return next((place for place in found if place is not None), None)


def _insert(rows, by, is_test):
    """New ids by (workflow, external_id), and what is known of those that were there before."""
    now = clock.now()
    releases = {(row["model_name"], row["model_version"], row["prompt_version"]) for row in rows}
    named = [dict(zip(("model_name", "model_version", "prompt_version"), release, strict=True)) for release in releases]
    with connection.planned_once() as cursor:
        cursor.execute(AI_RELEASES, {"releases": json.dumps(named), "now": now})
        about = {"sender": by.pk, "name": str(by), "request": acting.current().request_id, "is_test": is_test, "now": now}
        new, known = _received(cursor, rows, about)
        if stopped := [row for row in rows if _key(row) not in new and _key(row) not in known]:
            for row in stopped:
                _hold(row, now)
            _allocate(stopped)
            held, lost = _received(cursor, stopped, about)
            new, known = new | held, known | lost
        return new, known


def _received(cursor, rows, about):
    """Store them: the new ones' ids, and what is known of those that were there before.

    In neither is what was to be released of a workflow that somebody stopped since it was routed: nothing is stored of it.
    """
    cursor.execute(RECEIVE, {"items": msgspec.json.encode([*map(_lean, rows)]).decode(), **about})
    new = {(workflow, external): pk for workflow, external, pk in cursor.fetchall()}
    gone = [row for row in rows if _key(row) not in new]
    return new, _known(cursor, gone) if gone else {}


def _lean(row) -> dict:
    """Without what the statement knows to be nothing: to read a row costs the database as much as to store it."""
    lean = row.copy()
    lean.pop("lot", None)
    for name in ASSUMED:
        if not lean[name]:
            del lean[name]
    for name in MAYBE_NULL:
        if lean[name] is None:
            del lean[name]
    return lean


def _key(row):
    return row["workflow_id"], row["external_id"]


def _hold(row, now):
    """What went straight through waits for a person, as `route` has it where the workflow is stopped."""
    why = "the workflow is stopped"
    due = compiled_policy(row["policy_id"]).rules.due_minutes(row["tier"], "review")
    row["reasons"] = [*row["reasons"], {"name": "Stop switch", "kind": "stop", "says": why}]
    row |= {"state": "review", "released": False, "sampled": False, "probability": 1.0}
    hours = hours_of(Workflow.objects.values_list("calendar", flat=True).get(pk=row["workflow_id"]))
    row |= {"sentence": f"Held for review: {why}.", "due_at": add(hours, now, due)}


def _known(cursor, rows):
    asked = [{"workflow_id": row["workflow_id"], "external_id": row["external_id"]} for row in rows]
    cursor.execute(KNOWN, [json.dumps(asked)])
    return {(row[0], row[1]): row[2:] for row in cursor.fetchall()}


def _answer(row, first, new, known) -> Answer:
    if isinstance(row, Refusal):
        return _refused(row)
    key = row["workflow_id"], row["external_id"]
    if key in new:
        if row is not first[key] and row["intake_digest"] != first[key]["intake_digest"]:
            return _conflict(row, new[key])
        return _told(first[key], new[key], "received" if row is first[key] else "known")
    pk, digest, state, sentence, reasons, stands_released, output = known[key]
    if digest != row["intake_digest"]:
        return _conflict(row, pk)
    seen = {
        "state": state,
        "sentence": sentence,
        "reasons": _json(reasons),
        "released": stands_released,
        "output": _json(output),
    }
    return _told({**row, **seen}, pk, "known")


def _told(row, pk, status) -> Answer:
    return Answer(
        id=pk,
        external_id=row["external_id"],
        status=status,
        verdict="go" if row["released"] else "held",
        desk=None if row["state"] == "closed" else row["state"],
        sentence=row["sentence"],
        reasons=row["reasons"],
        released_output=row["output"] if row["released"] else None,
    )


def _conflict(row, pk) -> Answer:
    detail = (
        f"The id “{row['external_id']}” was used in this workflow with another body (case {pk}). Another output needs an id"
        " of its own. What is not wanted any more is withdrawn; what was wrong after its release is reported as a rework."
    )
    return _refused(Refusal("external_id_reused", detail, "#/external_id", row["external_id"]), id=pk)


def _refused(refusal, **more) -> Answer:
    return Answer(
        external_id=refusal.external_id,
        status="refused",
        verdict="refused",
        code=refusal.code,
        detail=refusal.detail,
        errors=[Fault(refusal.at, refusal.detail)],
        **more,
    )
