"""The verbs on definitions: publish, stop, resume, set a rate, appoint. Each writes its one audit event."""

from contextlib import contextmanager

import msgspec
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction

from accounts.roles import Ownership, Role
from audit import clock, trail
from workflows.models import Delegation, Dial, ExceptionCategory, Owner, Policy, Seat, StratumRate, Workflow
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


def seat(user, workflow, role, *, by, limits=(), title="") -> Seat:
    """Give a seat; `limits` are (action_type, currency, amount) for an approver's."""
    if role == Role.APPROVER and not user.is_in_house:
        raise ValidationError(f"{user} works for {user.vendor}. Only in-house people may approve.")
    with transaction.atomic():
        given = Seat.objects.create(user=user, workflow=workflow, role=role, title=title if role == Role.APPROVER else "")
        for action_type, currency, amount in limits:
            given.limits.create(action_type=action_type, currency=currency, amount=amount)
        facts = {
            "user": user.pk,
            "workflow": workflow.slug,
            "role": role,
            "title": given.title,
            "limits": [list(map(str, x)) for x in limits],
        }
        trail.record("seat.give", by=by, subject=given, **facts)
    return given


def end_seat(given, *, by, reason=""):
    with transaction.atomic():
        given.ended_at = clock.now()
        given.save(update_fields=["ended_at"])
        trail.record("seat.end", by=by, subject=given, words=reason, user=given.user_id, role=given.role)


def delegate(given, to, *, by, until, since=None, reason) -> Delegation:
    """Lend an approver's seat for a time: its holder does, or for him an administrator or the owner of risk."""
    with _lending(given, "delegate", by=by):
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
    if not reason.strip():
        raise ValidationError({"reason": "Say why."})


def own(workflow, of: Ownership, user, *, by) -> Owner:
    """Make `user` the one who answers for `of`; whoever did before no longer does."""
    if not user.is_in_house:
        raise ValidationError(f"{user} works for {user.vendor}. Only in-house people may own anything of a workflow.")
    with transaction.atomic():
        owner, _ = Owner.objects.update_or_create(workflow=workflow, of=of, defaults={"user": user})
        trail.record("owner.name", by=by, subject=owner, workflow=workflow.slug, of=of, user=user.pk)
    return owner
