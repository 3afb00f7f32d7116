"""Claiming and correcting with the ORM: lock, check, create, save."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError

from bench.baseline.intake import event, money_as_text
from cases.chains import as_steps
from cases.corrections import differences
from cases.models import Case, Claim, Correction, Decision, Release
from integrations.models import OutboxRow
from workflows.models import Seat, compiled_policy
from workflows.patterns import RANK
from workflows.routing import Dial, action_in, route

DESKS = {"reviewer": "review", "resolver": "resolution"}


class Held(APIException):
    status_code, default_detail = 409, "Somebody else holds this case."


def next_case(user, desk=None):
    """Claim the most urgent case, or None."""
    now, mine = timezone.now(), Q(pk__in=[])
    for workflow_id, role in Seat.objects.live().filter(user=user, role__in=DESKS).values_list("workflow_id", "role"):
        if desk in (None, DESKS[role]):
            mine |= Q(workflow_id=workflow_id, state=DESKS[role])
    case = (
        Case.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("workflow", "category")
        .exclude(state="closed")
        .filter(mine, vendor=user.vendor_id)
        .filter(Q(claimed_until=None) | Q(claimed_until__lte=now), Q(assigned_to=None) | Q(assigned_to=user))
        .exclude(passed_by__contains=[user.pk])
        .order_by("-priority", "due_at", "id")
        .first()
    )
    if case is None:
        return None
    if case.claimed_by_id:
        case.claims.filter(ended_at=None).update(ended_at=now, ended_by="expired")
    case.claimed_by = user
    case.claimed_until = now + timedelta(seconds=compiled_policy(case.policy_id).rules.lease_seconds)
    case.save(update_fields=["claimed_by", "claimed_until"])
    Claim.objects.create(case=case, user=user, desk=case.state, since=now, until=case.claimed_until)
    return case


def correct(pk, *, by, request_id, output, reason="", root_causes=None, active_seconds=None):
    """Transition, decision, corrections, release, events and outbox rows."""
    now = timezone.now()
    case = Case.objects.select_for_update(of=("self",)).select_related("workflow", "category").get(pk=pk)
    check_may_correct(case, by, now)
    policy = compiled_policy(case.policy_id)
    if faults := [error.message for error in policy.output.iter_errors(output)]:
        raise ValidationError({"output": faults})
    changed, before = differences(case.standing, output), before_of(case)
    if not changed:
        raise ValidationError("Nothing was changed.")
    edit(case, output, policy)
    case.correct()
    case.claimed_by = case.claimed_until = None
    if case.state == "closed":
        case.closed_as, case.closed_at, case.desk_since, case.due_at = "corrected", now, None, None
    else:
        case.desk_since, case.due_at = now, now + timedelta(minutes=policy.rules.tiers[case.tier].due_minutes)
    case.save()
    case.refresh_from_db(fields=["digest"])
    case.claims.filter(ended_at=None).update(ended_at=now, ended_by="correct")
    decision = Decision.objects.create(
        case=case,
        by=by,
        vendor_id=by.vendor_id,
        at=now,
        verb="correct",
        desk="review",
        to=case.state,
        output=output,
        before=before,
        digest=case.digest,
        reason=reason,
        active_seconds=active_seconds,
    )
    causes = root_causes or {}
    Correction.objects.bulk_create(
        Correction(decision=decision, field=path, before=old, after=new, root_cause=causes.get(path, ""))
        for path, old, new in changed
    )
    body = {"from": "review", "to": case.state, "policy": case.policy_id, "ai_release": case.ai_release_id}
    event(case, by, request_id, "case.correct", {**body, "decision": decision.pk}, reason).save()
    if case.state == "closed":
        release(case, by, request_id, reason, now)
    return case


def check_may_correct(case, by, now):
    if not Seat.objects.live().filter(user=by, workflow=case.workflow, role="reviewer").exists():
        raise PermissionDenied("You need a seat as reviewer.")
    if case.held_by(now) not in (None, by.pk):
        raise Held()
    if case.state != "review":
        raise Held("The case is not at review any more.")


def before_of(case):
    action = {**case.action, "amount": None if case.amount is None else str(case.amount)}
    return {"output": case.standing_output, "action": action}


def edit(case, output, policy):
    """The new content, and the tier and approval it asks for, which only rise."""
    action, _ = action_in(output, case.action, policy.rules)
    case.standing_output, case.revision = output, case.revision + 1
    case.action_type, case.amount, case.currency, case.payee = action.values()
    facts = {
        "input": case.input,
        "output": output,
        "context": case.context or {},
        "action": action,
        "confidence": case.confidence,
        "confidences": case.confidences or {},
        "segment": case.segment,
    }
    anew = route(facts, policy, Dial(), draw=1.0)
    case.tier = max(case.tier, anew.tier, key=RANK.get)
    if anew.requires_approval:
        case.requires_approval, case.approvals_needed = True, max(case.approvals_needed, anew.chain.people)
        case.chain = as_steps(anew.chain)


def release(case, by, request_id, reason, now):
    number = case.releases.count() + 1
    payload = {
        "external_id": case.external_id,
        "workflow": case.workflow.slug,
        "verb": "correct",
        "closed_as": case.closed_as,
        "output": case.standing,
        "action": money_as_text(case.action) if case.action_type else None,
        "reason": reason,
        "digest": bytes(case.digest).hex(),
        "is_test": case.is_test,
    }
    Release.objects.create(case=case, number=number, digest=case.digest, at=now)
    event(case, by, request_id, "case.release", {"number": number, "digest": payload["digest"]}).save()
    told(case, "case.decided", payload, now)
    told(case, "case.released" if case.released_at is None else "case.corrected_after_release", payload, now)
    if case.released_at is None:
        case.released_at = now
        case.save(update_fields=["released_at"])


def told(case, kind, payload, now):
    last = OutboxRow.objects.filter(case_id=case.pk).order_by("-number").first()
    number = last.number + 1 if last else 1
    OutboxRow.objects.create(case_id=case.pk, number=number, recipient_id=case.sender_id, event=kind, payload=payload, at=now)
