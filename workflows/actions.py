"""The verbs on definitions: publish, stop, resume, set a rate, appoint. Each writes its one audit event."""

import hashlib
import json
from contextlib import contextmanager

import msgspec
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.text import slugify

from accounts.roles import Ownership, Role
from audit import clock, trail
from audit.models import AuditEvent
from integrations.problems import Conflict
from workflows.models import Dial, ExceptionCategory, Owner, Policy, Seat, StratumRate, Workflow
from workflows.patterns import Rules
from workflows.permissions import may
from workflows.routing import compile_policy


@contextmanager
def deciding(workflow, verb, *, by):
    """Lock the workflow, ask `may`, and roll back and note the refusal where the answer is no."""
    try:
        with transaction.atomic():
            locked = Workflow.objects.select_for_update().get(pk=workflow.pk)
            if not may(by, verb, locked):
                raise PermissionDenied(f"{by} may not {verb.replace('_', ' ')} in {workflow}.")
            yield locked
    except PermissionDenied as refusal:
        trail.refused(f"workflow.{verb}", by=by, subject=workflow, why=str(refusal))
        raise


def create(slug, name, *, by, **charter) -> Workflow:
    """A new workflow with its dial and the ready-made exception categories."""
    with transaction.atomic():
        workflow = Workflow.objects.create(slug=slug, name=name, **charter)
        Dial.objects.create(workflow=workflow)
        ExceptionCategory.objects.bulk_create(
            ExceptionCategory(workflow=workflow, slug=slug, label=label) for slug, label in ExceptionCategory.READY_MADE.items()
        )
        trail.record("workflow.create", by=by, subject=workflow, slug=slug)
    return workflow


def draft(workflow, *, by, rules, input_schema=None, output_schema=None, reason="") -> Policy:
    """The next version, unpublished. Raises ValidationError with what is wrong in the rules or schemas."""
    check(rules, input_schema or {}, output_schema or {}, workflow)
    with transaction.atomic():
        Workflow.objects.select_for_update().get(pk=workflow.pk)
        last = Policy.objects.filter(workflow=workflow).order_by("-version").first()
        policy = Policy.objects.create(
            workflow=workflow,
            version=last.version + 1 if last else 1,
            rules=rules,
            input_schema=input_schema or {},
            output_schema=output_schema or {},
            reason=reason,
        )
        trail.record("policy.draft", by=by, subject=policy, workflow=workflow.slug, version=policy.version)
    return policy


def edit_draft(policy, *, by, seen=None, **changed) -> Policy:
    """Write what `changed` names into a draft: fields of its rules or its own (schemas, reason, rules); None takes a rule away.

    `seen` is what `as_seen` said of the same names when the form was shown: what somebody else wrote since is not
    written over. Raises ValidationError where the whole would be no policy, Conflict where it is not as it was seen.
    """
    with deciding(policy.workflow, "define", by=by) as workflow:
        draft = Policy.objects.select_for_update().select_related("workflow").get(pk=policy.pk)
        if draft.published_at:
            raise Conflict(f"{draft} was published meanwhile and never changes. Begin a new draft from it.", "published")
        if seen is not None and seen != as_seen(draft, changed):
            raise Conflict(f"{_last_edit(draft)} Nothing of yours is lost: look at it, then save again.", "edited_meanwhile")
        before = {name: _named(draft, name) for name in changed}
        own = {name: value for name, value in changed.items() if name in OF_THE_POLICY}
        rules = {**own.pop("rules", draft.rules), **{name: changed[name] for name in changed if name not in OF_THE_POLICY}}
        draft.rules = {name: value for name, value in rules.items() if value is not None}
        for name, value in own.items():
            setattr(draft, name, value)
        check(draft.rules, draft.input_schema, draft.output_schema, workflow)
        draft.save(update_fields=sorted(OF_THE_POLICY))
        draft.refresh_from_db(fields=sorted(OF_THE_POLICY))
        if differs := {name: was for name, was in before.items() if was != _named(draft, name)}:
            told = {name: _told(was, _named(draft, name)) for name, was in differs.items()}
            trail.record("policy.edit", by=by, subject=draft, workflow=workflow.slug, version=draft.version, changed=told)
    return draft


OF_THE_POLICY = {"rules", "input_schema", "output_schema", "reason"}


def as_seen(policy, names) -> str:
    """A digest of these parts of a policy."""
    parts = {name: _named(policy, name) for name in names}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def _named(policy, name):
    return getattr(policy, name) if name in OF_THE_POLICY else policy.rules.get(name)


def _told(was, now) -> dict:
    """For the audit event: plain values as they are, lists and documents as a digest, for they may name customers."""
    plain = str | int | float | bool | None
    return {
        side: value if isinstance(value, plain) else hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
        for side, value in (("from", was), ("to", now))
    }


def _last_edit(draft) -> str:
    last = AuditEvent.objects.filter(subject_type="policy", subject_id=draft.pk, verb="policy.edit").order_by("number").last()
    who = f"{last.actor_name} changed this draft at {last.at:%H:%M} (UTC)" if last else "Somebody changed this draft"
    return f"{who}, while you had it open."


def add_category(workflow, label, *, by) -> ExceptionCategory:
    """A category of the workflow, found by its label or made."""
    slug = slugify(label)[:60]
    if not slug:
        raise ValidationError({"new_category": "Name the category with letters or digits."})
    with deciding(workflow, "define", by=by):
        category, made = ExceptionCategory.objects.get_or_create(workflow=workflow, slug=slug, defaults={"label": label})
        if made:
            trail.record("category.add", by=by, subject=category, workflow=workflow.slug, slug=slug)
    return category


def publish(policy, *, by, reason) -> Policy:
    """From now on new cases are routed by this version; cases in flight keep theirs."""
    with deciding(policy.workflow, "publish_policy", by=by):
        policy = Policy.objects.select_for_update().get(pk=policy.pk)
        if policy.published_at:
            raise ValidationError(f"{policy} was published on {policy.published_at:%Y-%m-%d}. Publish a new draft instead.")
        if not reason.strip():
            raise ValidationError("Say why this version is published.")
        check(policy.rules, policy.input_schema, policy.output_schema, policy.workflow)
        policy.published_at, policy.published_by, policy.reason = clock.now(), by, reason
        policy.save(update_fields=["published_at", "published_by", "reason"])
        trail.record(
            "policy.publish", by=by, subject=policy, words=reason, workflow=policy.workflow.slug, version=policy.version
        )
    return policy


def check(rules, input_schema, output_schema, workflow) -> Rules:
    """The rules as a document that routing can apply. Raises ValidationError saying where and what is wrong."""
    try:
        document = msgspec.convert(rules, Rules, strict=False)
        compile_policy(document, input_schema, output_schema)
    except ValueError as error:  # msgspec's and the schema library's errors are ValueErrors
        raise ValidationError(f"The policy cannot be read: {error}.") from error
    named = {trigger.category for trigger in document.triggers} - {None, ""}
    known = set(workflow.categories.values_list("slug", flat=True))
    if unknown := sorted(named - known):
        raise ValidationError(f"No such exception category in {workflow}: {', '.join(unknown)}.")
    return document


def stop(workflow, *, by, reason):
    """Nothing is released without a person until somebody who owns the risk resumes."""
    _turn(workflow, "stop", by=by, reason=reason, stopped_at=clock.now(), stop_reason=reason)


def resume(workflow, *, by, reason):
    _turn(workflow, "resume", by=by, reason=reason, stopped_at=None, stop_reason="")


def _turn(workflow, verb, *, by, reason, **dial):
    if not reason.strip():
        raise ValidationError("Say why.")
    with deciding(workflow, verb, by=by):
        Dial.objects.filter(workflow=workflow).update(**dial)
        trail.record(f"workflow.{verb}", by=by, subject=workflow, words=reason)


def set_rate(workflow, tier, rate, *, by, segment="", reason=""):
    """The sampling rate of one stratum, from the next case on."""
    with deciding(workflow, "set_rate", by=by):
        before = (
            StratumRate.objects.filter(workflow=workflow, tier=tier, segment=segment).values_list("rate", flat=True).first()
        )
        StratumRate.objects.update_or_create(workflow=workflow, tier=tier, segment=segment, defaults={"rate": rate})
        facts = {"tier": tier, "segment": segment, "from": before, "to": rate}
        trail.record("workflow.set_rate", by=by, subject=workflow, words=reason, **facts)


def seat(user, workflow, role, *, by, limits=()) -> Seat:
    """Give a seat; `limits` are (action_type, currency, amount) for an approver's."""
    if role == Role.APPROVER and not user.is_in_house:
        raise ValidationError(f"{user} works for {user.vendor}. Only in-house people may approve.")
    with transaction.atomic():
        given = Seat.objects.create(user=user, workflow=workflow, role=role)
        for action_type, currency, amount in limits:
            given.limits.create(action_type=action_type, currency=currency, amount=amount)
        facts = {"user": user.pk, "workflow": workflow.slug, "role": role, "limits": [list(map(str, x)) for x in limits]}
        trail.record("seat.give", by=by, subject=given, **facts)
    return given


def end_seat(given, *, by, reason=""):
    with transaction.atomic():
        given.ended_at = clock.now()
        given.save(update_fields=["ended_at"])
        trail.record("seat.end", by=by, subject=given, words=reason, user=given.user_id, role=given.role)


def own(workflow, of: Ownership, user, *, by) -> Owner:
    """Make `user` the one who answers for `of`; whoever did before no longer does."""
    if not user.is_in_house:
        raise ValidationError(f"{user} works for {user.vendor}. Only in-house people may own anything of a workflow.")
    with transaction.atomic():
        owner, _ = Owner.objects.update_or_create(workflow=workflow, of=of, defaults={"user": user})
        trail.record("owner.name", by=by, subject=owner, workflow=workflow.slug, of=of, user=user.pk)
    return owner
