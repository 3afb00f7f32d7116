"""The verbs on definitions: draft, sign, publish, roll back, stop, resume, set a rate, appoint. Each asks `may` and writes its one audit event."""

import hashlib
import json
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import msgspec
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts.roles import Ownership, Role
from audit import clock, trail
from audit.models import AuditEvent
from integrations.problems import Conflict
from workflows import money
from workflows.gaps import gaps
from workflows.models import (
    ApprovalLimit,
    Delegation,
    Dial,
    ExceptionCategory,
    Owner,
    PlaybookSection,
    Policy,
    Seat,
    StratumRate,
    Workflow,
)
from workflows.patterns import Rules
from workflows.permissions import may, may_lend
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


# the workflow and what stands around it


def create(slug, name, *, by, **charter) -> Workflow:
    """A new workflow with its dial and the ready-made exception categories. An administrator makes it and names its owners."""
    if not may(by, "create"):
        why = f"{by} may not create a workflow. Ask an administrator."
        trail.refused("workflow.create", by=by, subject=by, why=why, slug=slug)
        raise PermissionDenied(why)
    with transaction.atomic():
        workflow = Workflow.objects.create(slug=slug, name=name, **charter)
        Dial.objects.create(workflow=workflow)
        ExceptionCategory.objects.bulk_create(
            ExceptionCategory(workflow=workflow, slug=slug, label=label) for slug, label in ExceptionCategory.READY_MADE.items()
        )
        trail.record("workflow.create", by=by, subject=workflow, slug=slug)
    return workflow


def change(thing, *, by, **fields):
    """Other words in a charter, an exception category or a section of the playbook: one event, with each field's before and after."""
    with deciding(_workflow_of(thing), "define", by=by):
        stored = type(thing).objects.select_for_update().get(pk=thing.pk)
        changed = {name: [getattr(stored, name), value] for name, value in fields.items() if getattr(stored, name) != value}
        for name, (_, value) in changed.items():
            setattr(stored, name, value)
            setattr(thing, name, value)
        if changed:
            stored.save(update_fields=list(changed))
            trail.record(f"{_noun(thing)}.change", by=by, subject=stored, changed=changed)
    return thing


def add(thing, *, by):
    """A new exception category or section of the playbook."""
    with deciding(thing.workflow, "define", by=by):
        thing.save()
        trail.record(f"{_noun(thing)}.add", by=by, subject=thing, workflow=thing.workflow.slug, named=str(thing))
    return thing


def remove(section: PlaybookSection, *, by):
    """A section of the playbook goes; its last words stay in the history."""
    with deciding(section.workflow, "define", by=by):
        facts = {"workflow": section.workflow.slug, "title": section.title, "text": section.text}
        trail.record("playbook.remove", by=by, subject=section, **facts)
        section.delete()


def _workflow_of(thing):
    return thing if isinstance(thing, Workflow) else thing.workflow


def _noun(thing) -> str:
    return {Workflow: "workflow", ExceptionCategory: "category", PlaybookSection: "playbook"}[type(thing)]


# versions


def draft(workflow, *, by, rules, input_schema=None, output_schema=None, reason="", improvement="") -> Policy:
    """The next version, unpublished. Raises ValidationError with what is wrong in the rules or schemas."""
    with deciding(workflow, "define", by=by) as locked:
        check(rules, input_schema or {}, output_schema or {}, locked)
        content = {"rules": rules, "input_schema": input_schema or {}, "output_schema": output_schema or {}}
        policy = _next_version(locked, reason=reason, improvement=improvement, **content)
        trail.record("policy.draft", by=by, subject=policy, words=reason, workflow=locked.slug, version=policy.version)
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


def _next_version(workflow, **content) -> Policy:
    last = Policy.objects.filter(workflow=workflow).order_by("-version").first()
    return Policy.objects.create(workflow=workflow, version=last.version + 1 if last else 1, **content)


def sign(policy, *, by, reason="", digest=None) -> Policy:
    """A second owner has read exactly this content (`digest`, hex) and stands for it. Any later edit voids the signature."""
    with deciding(policy.workflow, "sign_policy", by=by) as workflow:
        policy = _still_a_draft(policy)
        if not workflow.two_people_publish:
            raise ValidationError(f"One person publishes in {workflow}, so no signature is needed.")
        if digest is not None and digest != bytes(policy.digest).hex():
            raise ValidationError("Somebody edited this draft since you read it. Read it again, then sign.")
        policy.signed_at, policy.signed_by, policy.signed_digest = clock.now(), by, bytes(policy.digest)
        policy.save(update_fields=["signed_at", "signed_by", "signed_digest"])
        facts = {"workflow": workflow.slug, "version": policy.version, "digest": bytes(policy.digest).hex()}
        trail.record("policy.sign", by=by, subject=policy, words=reason, **facts)
    return policy


def publish(policy, *, by, reason, improvement="", effective_from=None, seen=None) -> Policy:
    """From now (or `effective_from`) on new cases are routed by this version; cases in flight keep theirs.

    `seen` is the version that the difference was read against (0: none): where somebody published another one since, it is
    refused, for nobody has read what this would undo.
    """
    with deciding(policy.workflow, "publish_policy", by=by) as workflow:
        policy = _still_a_draft(policy)
        _nothing_newer(policy, seen)
        if not reason.strip():
            raise ValidationError({"reason": "Say why this version is published."})
        if improvement:
            policy.improvement = improvement
        facts = _published(policy, workflow, by=by, reason=reason, effective_from=effective_from)
        trail.record("policy.publish", by=by, subject=policy, words=reason, **facts)
    return policy


def roll_back(to: Policy, *, by, reason) -> Policy:
    """The old rules anew, as the next version: in force at once, or waiting for the second signature where two people publish."""
    with deciding(to.workflow, "publish_policy", by=by) as workflow:
        if not reason.strip():
            raise ValidationError({"reason": "Say why it is rolled back."})
        in_force = workflow.policy
        if not to.published_at:
            raise ValidationError(f"{to} was never published. Publish it instead.")
        if in_force and in_force.pk == to.pk:
            raise ValidationError(f"{to} is in force already.")
        content = {name: getattr(to, name) for name in ("rules", "input_schema", "output_schema")}
        policy = _next_version(workflow, reason=reason, rolls_back_to=to, **content)
        policy.refresh_from_db()
        facts = {"workflow": workflow.slug, "version": policy.version, "waits_for_a_signature": workflow.two_people_publish}
        if not workflow.two_people_publish:
            _published(policy, workflow, by=by, reason=reason)
        about = {"from": in_force and in_force.version, "to": to.version}
        trail.record("policy.roll_back", by=by, subject=policy, words=reason, **facts, **about)
    return policy


def _still_a_draft(policy) -> Policy:
    policy = Policy.objects.select_for_update(of=("self",)).select_related("workflow", "published_by").get(pk=policy.pk)
    if policy.published_at:
        when = f"{policy.published_at:%Y-%m-%d at %H:%M} UTC"
        raise ValidationError(f"{policy} was published by {policy.published_by} on {when}. Begin a new draft from it.")
    return policy


def _nothing_newer(policy, seen):
    """Nobody published another version since this one was drafted, or since the difference was read."""
    last = policy.workflow.policies.published().select_related("published_by").order_by("-version").first()
    if last is None or (last.version < policy.version and seen in (None, last.version)):
        return
    when = f"{last.published_at:%Y-%m-%d at %H:%M} UTC"
    then = "Begin a new draft from it." if last.version > policy.version else "Read the difference again, then publish."
    raise ValidationError(f"{last.published_by} published version {last.version} on {when}. {then}")


def _published(policy, workflow, *, by, reason, effective_from=None) -> dict:
    """Make it so, where nothing stands against it; the facts for its event."""
    now, in_force = clock.now(), workflow.policy
    if effective_from is not None and effective_from <= now:
        raise ValidationError({"effective_from": "This time is over. Name a later one, or leave it empty to begin at once."})
    if wanting := gaps(workflow):
        raise ValidationError(wanting)
    check(policy.rules, policy.input_schema, policy.output_schema, workflow)
    if workflow.two_people_publish and not signed_for(policy, by):
        raise ValidationError(f"In {workflow} two people publish: another owner than you must sign exactly this content first.")
    policy.published_at, policy.published_by, policy.reason = now, by, reason
    policy.effective_from = effective_from
    policy.save(update_fields=["published_at", "published_by", "reason", "improvement", "effective_from"])
    return {
        "workflow": workflow.slug,
        "version": policy.version,
        "from": in_force and in_force.version,
        "to": policy.version,
        "effective_from": effective_from,
        "signed_by": policy.signed_by_id,
        "improvement": policy.improvement,
        "digest": bytes(policy.digest).hex(),
    }


def signed_for(policy, publisher) -> bool:
    """Whether somebody else has signed exactly what stands there now."""
    over_this = policy.signed_digest is not None and bytes(policy.signed_digest) == bytes(policy.digest)
    return over_this and policy.signed_by_id != publisher.pk


def ask_two_people(workflow, *, by, reason):
    """From now on a version is published only with a second owner's signature."""
    _how_many_publish(workflow, "ask_two_people", True, by=by, reason=reason)


def let_one_publish(workflow, *, by, reason):
    """The owner of policy publishes alone again. The owner of risk decides that, not whoever publishes."""
    _how_many_publish(workflow, "let_one_publish", False, by=by, reason=reason)


def _how_many_publish(workflow, verb, two, *, by, reason):
    if not reason.strip():
        raise ValidationError("Say why.")
    with deciding(workflow, verb, by=by) as locked:
        before, locked.two_people_publish = locked.two_people_publish, two
        locked.save(update_fields=["two_people_publish"])
        trail.record(f"workflow.{verb}", by=by, subject=locked, words=reason, **{"from": before, "to": two})


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


# the dial


def stop(workflow, *, by, reason):
    """Nothing is released without a person until somebody who owns the risk resumes."""
    _turn(workflow, "stop", by=by, reason=reason, stopped_at=clock.now(), stop_reason=reason)


def resume(workflow, *, by, reason):
    _turn(workflow, "resume", by=by, reason=reason, stopped_at=None, stop_reason="")


def _turn(workflow, verb, *, by, reason, **dial):
    if not reason.strip():
        raise ValidationError("Say why.")
    with deciding(workflow, verb, by=by):
        before = Dial.objects.get(workflow=workflow)
        Dial.objects.filter(workflow=workflow).update(**dial)
        facts = {"from": before.stopped_at, "to": dial["stopped_at"]}
        trail.record(f"workflow.{verb}", by=by, subject=workflow, words=reason, **facts)


def set_rate(workflow, tier, rate, *, by, segment="", reason=""):
    """The sampling rate of one stratum, from the next case on."""
    with deciding(workflow, "set_rate", by=by):
        before = (
            StratumRate.objects.filter(workflow=workflow, tier=tier, segment=segment).values_list("rate", flat=True).first()
        )
        StratumRate.objects.update_or_create(workflow=workflow, tier=tier, segment=segment, defaults={"rate": rate})
        facts = {"tier": tier, "segment": segment, "from": before, "to": rate}
        trail.record("workflow.set_rate", by=by, subject=workflow, words=reason, **facts)


# who does what


def seat(user, workflow, role, *, by, limits=(), title="") -> Seat:
    """Give a seat; `limits` are (action_type, currency, amount) for an approver's. Nobody gives himself an approver's."""
    with deciding(workflow, f"seat_{role}", by=by) as locked:
        if role == Role.APPROVER and user.pk == by.pk:
            raise PermissionDenied("Nobody gives himself an approver's seat. Ask another owner of risk or an administrator.")
        if role == Role.APPROVER and not user.is_in_house:
            raise ValidationError(f"{user} works for {user.vendor}. Only in-house people may approve.")
        if role == Role.APPROVER and user.kind != user.Kind.PERSON:
            raise ValidationError(f"{user} is no person. Only people approve.")
        if faults := [fault for _, currency, amount in limits if (fault := money.fault(Decimal(amount), currency))]:
            raise ValidationError({"limits": faults})
        given = Seat.objects.create(
            user=user, workflow=locked, role=role, title=title if role == Role.APPROVER else "", given_by=by
        )
        for action_type, currency, amount in limits:
            given.limits.create(action_type=action_type, currency=currency, amount=amount, set_by=by)
        told = {"title": given.title, "limits": [list(map(str, x)) for x in limits]}
        facts = {"user": user.pk, "workflow": locked.slug, "role": role, **told}
        trail.record("seat.give", by=by, subject=given, **facts)
    return given


def end_seat(given, *, by, reason=""):
    """From now on the seat opens nothing. The row stays: what somebody might do in March can be told in May."""
    with deciding(given.workflow, f"seat_{given.role}", by=by):
        seat = Seat.objects.select_for_update(of=("self",)).get(pk=given.pk)
        if seat.ended_at:
            raise ValidationError(f"This seat ended on {seat.ended_at:%Y-%m-%d at %H:%M} UTC.")
        given.ended_at = seat.ended_at = clock.now()
        seat.save(update_fields=["ended_at"])
        trail.record("seat.end", by=by, subject=seat, words=reason, user=seat.user_id, role=seat.role)


def set_limit(given, action_type, currency, amount, *, by, reason="") -> ApprovalLimit:
    """Up to which amount this seat approves, in one currency, for one type of action or (empty) for all."""
    with _limiting(given, by=by) as seat:
        if fault := money.fault(amount, currency):
            raise ValidationError({"amount" if currency in money.currencies() else "currency": fault})
        key = {"action_type": action_type, "currency": currency}
        before = seat.limits.filter(**key).values_list("amount", flat=True).first()
        limit, _ = seat.limits.update_or_create(**key, defaults={"amount": amount, "set_by": by})
        trail.record("seat.set_limit", by=by, subject=seat, words=reason, **key, **{"from": before, "to": amount})
    return limit


def remove_limit(given, action_type, currency, *, by, reason=""):
    """In this currency, and for this type of action, the seat approves nothing any more by a limit of its own."""
    with _limiting(given, by=by) as seat:
        limit = seat.limits.filter(action_type=action_type, currency=currency).first()
        if limit is None:
            raise ValidationError("This seat has no such limit any more. Look at the workflow's page again.")
        facts = {"action_type": action_type, "currency": currency, "from": limit.amount, "to": None}
        trail.record("seat.remove_limit", by=by, subject=seat, words=reason, **facts)
        limit.delete()


@contextmanager
def _limiting(given, *, by):
    with deciding(given.workflow, "limit_approver", by=by):
        seat = Seat.objects.select_for_update(of=("self",)).get(pk=given.pk)
        if seat.user_id == by.pk:
            raise PermissionDenied("Nobody sets his own limit. Ask another owner of risk or an administrator.")
        if seat.role != Role.APPROVER or seat.ended_at:
            raise ValidationError("Only an approver's live seat has limits.")
        yield seat


def delegate(given, to, *, by, until, since=None, reason) -> Delegation:
    """Lend an approver's seat for a time: its holder does, or for him an administrator or the owner of risk."""
    with _lending(given, "delegate", by=by):
        if to.pk == by.pk != given.user_id:
            raise PermissionDenied("Nobody lends himself another's seat. Ask its holder, or another administrator.")
        now = clock.now()
        since = since or now
        _check_the_delegation(given, to, since, until, now, reason)
        try:
            with transaction.atomic():
                made = Delegation.objects.create(
                    seat=given, to=to, since=since, until=until, reason=reason.strip(), given_by=by
                )
        except IntegrityError as refusal:
            if "never go round" not in str(refusal):
                raise
            raise ValidationError(
                {
                    "to": f"{to} has delegated to {given.user} in that time, directly or through others. Authority never goes round."
                }
            ) from refusal
        facts = {"seat": given.pk, "to": to.pk, "since": since, "until": until, "workflow": given.workflow.slug}
        trail.record("delegation.give", by=by, subject=made, words=made.reason, **facts)
    return made


def end_delegation(delegation, *, by, reason=""):
    """From now on it holds no more; what was approved under it stays approved."""
    with _lending(delegation.seat, "end_delegation", by=by):
        if not Delegation.objects.filter(pk=delegation.pk, ended_at=None).update(ended_at=clock.now()):
            raise ValidationError("This delegation is over already.")
        trail.record("delegation.end", by=by, subject=delegation, words=reason.strip(), to=delegation.to_id)


@contextmanager
def _lending(given, verb, *, by):
    """Ask whether `by` may lend this seat, and roll back and note the refusal where the answer is no."""
    try:
        with transaction.atomic():
            if not may_lend(by, given):
                raise PermissionDenied(
                    f"Only {given.user}, an administrator or the owner of risk may {verb.replace('_', ' ')} here."
                )
            yield
    except PermissionDenied as refusal:
        trail.refused(f"seat.{verb}", by=by, subject=given, why=str(refusal))
        raise


def _check_the_delegation(given, to, since, until, now, reason):
    if given.role != Role.APPROVER or given.ended_at:
        raise ValidationError("Only an approver's live seat can be delegated.")
    if to.pk == given.user_id:
        raise ValidationError({"to": "Nobody delegates to himself. Choose somebody else."})
    if not (to.is_in_house and to.is_active and to.kind == to.Kind.PERSON):
        raise ValidationError({"to": f"{to} may not approve. Choose an active in-house person."})
    if until <= max(since, now):
        raise ValidationError({"until": "A delegation ends after it begins, and in the future."})
    if since < now - timedelta(minutes=5):
        raise ValidationError({"since": "A delegation begins now or later. Leave it empty for now."})
    if not reason.strip():
        raise ValidationError({"reason": "Say why."})


def own(workflow, of: Ownership, user, *, by) -> Owner:
    """Make `user` the one who answers for `of`; whoever did before no longer does. An owner hands on what he owns himself."""
    with deciding(workflow, f"name_owner_of_{of}", by=by) as locked:
        if not user.is_in_house:
            raise ValidationError(f"{user} works for {user.vendor}. Only in-house people may own anything of a workflow.")
        if user.kind != user.Kind.PERSON:
            raise ValidationError(f"{user} is no person. Name somebody who can answer for it.")
        held = locked.owners.filter(of=of).select_related("user").first()
        if user.pk == by.pk and held and held.user_id != by.pk and held.user.is_active:
            raise PermissionDenied(f"{held.user} owns {of} of {workflow}. Nobody takes it for himself: let it be handed on.")
        before = held and held.user_id
        owner, _ = Owner.objects.update_or_create(workflow=locked, of=of, defaults={"user": user})
        trail.record(
            "owner.name", by=by, subject=owner, workflow=locked.slug, of=of, user=user.pk, **{"from": before, "to": user.pk}
        )
    return owner
