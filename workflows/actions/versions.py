"""A policy's versions: draft, edit, discard, sign, publish, roll back."""

import hashlib
import json

import msgspec
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import clock, trail
from audit.models import AuditEvent
from audit.moments import kept
from integrations.problems import Conflict
from workflows.actions.asking import deciding
from workflows.gaps import gaps
from workflows.models import Policy
from workflows.patterns import Rules
from workflows.routing import compile_policy


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
        draft = _locked(policy)
        if draft.published_at:
            raise Conflict(
                format_lazy(_("{draft} was published meanwhile and never changes. Begin a new draft from it."), draft=draft),
                "published",
            )
        if draft.discarded_at:
            raise Conflict(_discarded(draft), "discarded")
        if seen is not None and seen != as_seen(draft, changed):
            raise Conflict(
                format_lazy(
                    _("{last_edit} Nothing of yours is lost: look at it, then save again."), last_edit=_last_edit(draft)
                ),
                "edited_meanwhile",
            )
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


def discard(policy, *, by, reason) -> Policy:
    """Lay a draft aside: nobody edits, signs or publishes it any more. It keeps its number, its content and its replays."""
    with deciding(policy.workflow, "define", by=by) as workflow:
        policy = _still_a_draft(policy)
        if not reason.strip():
            raise ValidationError({"reason": _("Say why it is discarded.")})
        policy.discarded_at, policy.discarded_by, policy.discarded_because = clock.now(), by, reason
        policy.save(update_fields=DISCARDED)
        trail.record("policy.discard", by=by, subject=policy, words=reason, workflow=workflow.slug, version=policy.version)
    return policy


def restore(policy, *, by, reason="") -> Policy:
    """A discarded draft is a draft again, as it was, with the signature that stood under it."""
    with deciding(policy.workflow, "define", by=by) as workflow:
        policy = _locked(policy)
        if not policy.discarded_at:
            raise ValidationError(format_lazy(_("{policy} is not discarded."), policy=policy))
        policy.discarded_at, policy.discarded_by, policy.discarded_because = None, None, ""
        policy.save(update_fields=DISCARDED)
        trail.record("policy.restore", by=by, subject=policy, words=reason, workflow=workflow.slug, version=policy.version)
    return policy


DISCARDED = ["discarded_at", "discarded_by", "discarded_because"]
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
    who = (
        gettext("{actor_name} changed this draft at {at:%H:%M} (UTC)").format(actor_name=last.actor_name, at=last.at)
        if last
        else gettext("Somebody changed this draft")
    )
    return gettext("{who}, while you had it open.").format(who=who)


def sign(policy, *, by, reason="", digest=None) -> Policy:
    """A second owner has read exactly this content (`digest`, hex) and stands for it. Any later edit voids the signature."""
    with deciding(policy.workflow, "sign_policy", by=by) as workflow:
        policy = _still_a_draft(policy)
        if not workflow.two_people_publish:
            raise ValidationError(
                format_lazy(_("One person publishes in {workflow}, so no signature is needed."), workflow=workflow)
            )
        if digest is not None and digest != bytes(policy.digest).hex():
            raise ValidationError(_("Somebody edited this draft since you read it. Read it again, then sign."))
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
            raise ValidationError({"reason": _("Say why this version is published.")})
        if improvement:
            policy.improvement = improvement
        facts = _published(policy, workflow, by=by, reason=reason, effective_from=effective_from)
        trail.record("policy.publish", by=by, subject=policy, words=reason, **facts)
    return policy


def roll_back(to: Policy, *, by, reason, seen=None) -> Policy:
    """The old rules anew, as the next version: in force at once, or waiting for the second signature where two people publish.

    Those in force, too, where another version is to begin: then it never does.
    `seen` is the version in force that the difference was read against, as for `publish`.
    """
    with deciding(to.workflow, "publish_policy", by=by) as workflow:
        if not reason.strip():
            raise ValidationError({"reason": _("Say why it is rolled back.")})
        in_force = workflow.policy
        if not to.published_at:
            raise ValidationError(format_lazy(_("{to} was never published. Publish it instead."), to=to))
        if in_force and in_force.pk == to.pk and not to.later().exists():
            raise ValidationError(format_lazy(_("{to} is in force already."), to=to))
        if in_force and seen not in (None, in_force.version):
            raise _published_meanwhile(in_force, gettext("Read the difference again, then roll back."))
        content = {name: getattr(to, name) for name in ("rules", "input_schema", "output_schema")}
        policy = _next_version(workflow, reason=reason, rolls_back_to=to, **content)
        policy.refresh_from_db()
        facts = {"workflow": workflow.slug, "version": policy.version, "waits_for_a_signature": workflow.two_people_publish}
        if not workflow.two_people_publish:
            _published(policy, workflow, by=by, reason=reason)
        about = {"from": in_force and in_force.version, "to": to.version}
        trail.record("policy.roll_back", by=by, subject=policy, words=reason, **facts, **about)
    return policy


def _next_version(workflow, **content) -> Policy:
    last = Policy.objects.filter(workflow=workflow).order_by("-version").first()
    return Policy.objects.create(workflow=workflow, version=last.version + 1 if last else 1, **content)


def _locked(policy) -> Policy:
    people = ("published_by", "discarded_by")
    return Policy.objects.select_for_update(of=("self",)).select_related("workflow", *people).get(pk=policy.pk)


def _discarded(policy):
    return format_lazy(
        _("{discarded_by} discarded version {version} on {when}. Restore it first, or begin a new draft from it."),
        discarded_by=policy.discarded_by,
        version=policy.version,
        when=kept(policy.discarded_at),
    )


def no_draft(policy) -> str:
    """Why it is a draft no more; empty while it is one."""
    if policy.discarded_at:
        return _discarded(policy)
    if policy.published_at:
        return format_lazy(
            _("{policy} was published by {published_by} on {when}. Begin a new draft from it."),
            policy=policy,
            published_by=policy.published_by,
            when=kept(policy.published_at),
        )
    return ""


def _still_a_draft(policy) -> Policy:
    policy = _locked(policy)
    if why_not := no_draft(policy):
        raise ValidationError(why_not)
    return policy


def _nothing_newer(policy, seen):
    """Nobody published another version since this one was drafted, or since the difference was read."""
    last = policy.workflow.policies.published().select_related("published_by").order_by("-version").first()
    if last is None or (last.version < policy.version and seen in (None, last.version)):
        return
    raise _published_meanwhile(
        last,
        gettext("Begin a new draft from this one: it takes along what you wrote.")
        if last.version > policy.version
        else gettext("Read the difference again, then publish."),
    )


def _published_meanwhile(last, then) -> ValidationError:
    return ValidationError(
        format_lazy(
            _("{published_by} published version {version} on {when}. {then}"),
            published_by=last.published_by,
            version=last.version,
            when=kept(last.published_at),
            then=then,
        )
    )


def _published(policy, workflow, *, by, reason, effective_from=None) -> dict:
    """Make it so, where nothing stands against it; the facts for its event."""
    now, in_force = clock.now(), workflow.policy
    if effective_from is not None and effective_from <= now:
        raise ValidationError({"effective_from": _("This time is over. Name a later one, or leave it empty to begin at once.")})
    if wanting := gaps(workflow):
        raise ValidationError(wanting)
    check(policy.rules, policy.input_schema, policy.output_schema, workflow)
    if workflow.two_people_publish and not signed_for(policy, by):
        raise ValidationError(
            format_lazy(
                _("In {workflow} two people publish: another owner than you must sign exactly this content first."),
                workflow=workflow,
            )
        )
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
        raise ValidationError(_("Say why."))
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
        raise ValidationError(format_lazy(_("The policy cannot be read: {error}."), error=error)) from error
    named = {trigger.category for trigger in document.triggers} - {None, ""}
    known = set(workflow.categories.values_list("slug", flat=True))
    if unknown := sorted(named - known):
        raise ValidationError(
            format_lazy(
                _("No such exception category in {workflow}: {unknown}."), workflow=workflow, unknown=", ".join(unknown)
            )
        )
    return document
