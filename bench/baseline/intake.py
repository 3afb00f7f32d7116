"""Taking outputs in with the ORM, one row a table or `bulk_create` a table.

A trigger wants a release row for whatever is released, so a case is stored first, then its release, then `released_at`.
"""

import hashlib
import json
from datetime import timedelta

from django.core.serializers.json import DjangoJSONEncoder
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError

from audit.models import AuditEvent
from cases.chains import as_steps
from cases.facts import usable
from cases.intake import NOTHING_SENT
from cases.lookback import fingerprint
from cases.models import Case, Release
from integrations.models import OutboxRow
from workflows import routing
from workflows.models import AIRelease, Dial, Seat, StratumRate, compiled_policy


class Reused(APIException):
    status_code, default_detail = 409, "This id was used with another body."


class Rules:
    """A workflow as far as routing needs it, read once a request."""

    def __init__(self, slug, by):
        seat = Seat.objects.live().select_related("workflow").filter(workflow__slug=slug, user=by, role="integration").first()
        if seat is None:
            raise ValidationError(f"There is no workflow “{slug}” that you may send to.")
        self.workflow = seat.workflow
        self.policy = self.workflow.policy
        if self.policy is None:
            raise ValidationError(f"The workflow “{slug}” has no published policy yet.")
        rates = StratumRate.objects.filter(workflow=self.workflow)
        stopped = Dial.objects.filter(workflow=self.workflow, stopped_at__isnull=False).exists()
        self.dial = routing.Dial(stopped, {(rate.tier, rate.segment): rate.rate for rate in rates})
        self.categories = None

    def category(self, slug):
        if self.categories is None:
            self.categories = {category.slug: category for category in self.workflow.categories.all()}
        return self.categories.get(slug)


def check_sender(by):
    if by.kind != by.Kind.INTEGRATION or not by.is_in_house:
        raise PermissionDenied("Only an in-house integration may send outputs.")


def receive(item, *, by, now, request_id):
    """The case, and whether it is new."""
    check_sender(by)
    rules, digest = Rules(item["workflow"], by), digest_of(item)
    if known := Case.objects.filter(workflow=rules.workflow, external_id=item["external_id"]).first():
        return same(known, digest), False
    names = release_names(item)
    ai_release, _ = AIRelease.objects.get_or_create(**names)
    case, way = born(item, rules, ai_release, by=by, now=now, digest=digest)
    case.save(force_insert=True)
    if way.released:
        Release.objects.create(case=case, number=1, digest=case.digest, at=now)
        case.released_at = now
        case.save(update_fields=["released_at"])
        told(case, rules, now).save()
    said(case, by, request_id).save()
    return case, True


def receive_many(items, *, by, now, request_id):
    """Cases in order of the items, and the ids of the new ones; one `bulk_create` a table."""
    check_sender(by)
    rules = {slug: Rules(slug, by) for slug in {item["workflow"] for item in items}}
    releases = {}
    for names in {tuple(release_names(item).values()): release_names(item) for item in items}.values():
        releases[tuple(names.values())], _ = AIRelease.objects.get_or_create(**names)
    known = {}
    for one in rules.values():
        ids = [item["external_id"] for item in items]
        known |= {
            (one.workflow.slug, c.external_id): c for c in Case.objects.filter(workflow=one.workflow, external_id__in=ids)
        }
    cases, ways, new = [], [], []
    for item in items:
        key, digest = (item["workflow"], item["external_id"]), digest_of(item)
        if key in known:
            cases.append(same(known[key], digest))
            continue
        ai_release = releases[tuple(release_names(item).values())]
        case, way = born(item, rules[item["workflow"]], ai_release, by=by, now=now, digest=digest)
        known[key] = case
        cases.append(case)
        new.append(case)
        ways.append(way)
    Case.objects.bulk_create(new)
    released = [case for case, way in zip(new, ways, strict=True) if way.released]
    Release.objects.bulk_create(Release(case=case, number=1, digest=case.digest, at=now) for case in released)
    for case in released:
        case.released_at = now
    Case.objects.filter(pk__in=[case.pk for case in released]).update(released_at=now)
    OutboxRow.objects.bulk_create(told(case, rules[case.workflow.slug], now) for case in released)
    AuditEvent.objects.bulk_create(said(case, by, request_id) for case in new)
    return cases, {case.pk for case in new}


def digest_of(item):
    return hashlib.sha256(json.dumps(item, sort_keys=True, cls=DjangoJSONEncoder).encode()).digest()


def same(case, digest):
    if bytes(case.intake_digest) != digest:
        raise Reused()
    return case


def release_names(item):
    return {name: item.get(name) or "" for name in ("model_name", "model_version", "prompt_version")}


def born(item, rules, ai_release, *, by, now, digest):
    """The case, routed but not stored, and its Route."""
    policy, sent = compiled_policy(rules.policy.pk), item.get("action") or {}
    sent = {**NOTHING_SENT, **sent}
    action, conflicts = routing.action_in(item["output"], sent, policy.rules)
    confidences = {name: usable(value) for name, value in (item.get("confidences") or {}).items()}
    facts = {
        "input": item["input"],
        "output": item["output"],
        "context": item.get("context") or {},
        "action": action,
        "confidence": usable(item.get("confidence")),
        "confidences": confidences,
        "alternatives": item.get("alternatives"),
        "segment": item.get("segment") or "",
        "channel": item.get("channel") or "",
        "customer_reference": item.get("customer_reference") or "",
        "received_at": item.get("received_at") or now,
    }
    draw = routing.draw(rules.workflow.secret, item["external_id"])
    way = routing.route(facts, policy, rules.dial, draw=draw, conflicts=conflicts)
    closed = way.state == "closed"
    case = Case(
        workflow=rules.workflow,
        external_id=item["external_id"],
        sender=by,
        received_at=item.get("received_at") or now,
        intake_digest=digest,
        input=item["input"],
        context=item.get("context"),
        output=item["output"],
        sent_action=plain(sent) if sent != NOTHING_SENT else {},
        received_action=plain(action) if action["type"] or action["amount"] is not None else None,
        confidence=facts["confidence"],
        confidences=item.get("confidences") and confidences,
        alternatives=item.get("alternatives"),
        ai_release=ai_release,
        segment=facts["segment"],
        channel=facts["channel"],
        customer_reference=facts["customer_reference"],
        fingerprint=fingerprint(item["input"]),
        policy=rules.policy,
        tier=way.tier,
        requires_approval=way.requires_approval,
        approvals_needed=way.approvals,
        chain=as_steps(way.chain),
        born_released=way.released,
        routed={"to": way.state, "tier": way.tier, "released": way.released, "approvals": way.approvals},
        sentence=way.sentence,
        reasons=plain(way.reasons),
        tags=way.tags,
        category=rules.category(way.category) if way.category else None,
        probability=way.probability,
        draw=way.draw,
        sampled=way.sampled,
        state=way.state,
        desk_since=None if closed else now,
        due_at=None if closed else now + timedelta(minutes=policy.rules.tiers[way.tier].due_minutes),
        expires_at=now + timedelta(minutes=policy.rules.approval_minutes) if way.state == "approval" else None,
        action_type=action["type"],
        amount=action["amount"],
        currency=action["currency"],
        payee=action["payee"],
        closed_as="released" if closed else "",
        closed_at=now if closed else None,
    )
    return case, way


def plain(value):
    """Decimals as strings, for a JSONField."""
    return json.loads(json.dumps(value, cls=DjangoJSONEncoder))


def told(case, rules, now):
    payload = {
        "external_id": case.external_id,
        "workflow": rules.workflow.slug,
        "verb": "triage",
        "closed_as": "released",
        "output": case.output,
        "action": money_as_text(case.action) if case.action_type else None,
        "reason": case.sentence,
        "digest": bytes(case.digest).hex(),
        "is_test": False,
    }
    return OutboxRow(case_id=case.pk, number=1, recipient_id=case.sender_id, event="case.released", payload=payload, at=now)


def money_as_text(action):
    return {**action, "amount": action["amount"] if action["amount"] is None else f"{action['amount']:.3f}"}


def said(case, by, request_id):
    body = {
        "from": "intake",
        "to": case.state,
        "sentence": case.sentence,
        "policy": case.policy_id,
        "ai_release": case.ai_release_id,
        "released": case.released_at is not None,
    }
    return event(case, by, request_id, "case.received", body)


def event(case, by, request_id, verb, body, words=""):
    """Number, time and hashes are the trigger's."""
    return AuditEvent(
        subject_type="case",
        subject_id=case.pk,
        actor_id=by.pk,
        actor_name=str(by),
        vendor_id=by.vendor_id,
        request_id=request_id,
        verb=verb,
        body=body,
        words=words,
    )


def answer(case, new):
    released = case.released_at is not None
    return {
        "id": case.pk,
        "external_id": case.external_id,
        "status": "received" if new else "known",
        "verdict": "go" if released else "held",
        "desk": None if case.state == "closed" else case.state,
        "sentence": case.sentence,
        "reasons": case.reasons,
        "released_output": case.output if released else None,
    }
