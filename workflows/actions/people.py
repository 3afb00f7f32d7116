"""Who does what: seats, limits, delegation, owners."""

from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy

from accounts.roles import Ownership, Role
from audit import clock, trail
from workflows import money
from workflows.actions.asking import deciding
from workflows.models import VENDOR_ROLES, ApprovalLimit, Delegation, Mandate, Owner, Seat
from workflows.permissions import may_lend


def seat(user, workflow, role, *, by, limits=(), title="") -> Seat:
    """Give a seat; `limits` are (action_type, currency, amount) for an approver's. Nobody gives himself an approver's."""
    with deciding(workflow, f"seat_{role}", by=by) as locked:
        if role == Role.APPROVER and user.pk == by.pk:
            raise PermissionDenied(
                gettext_lazy("Nobody gives himself an approver's seat. Ask another owner of risk or an administrator.")
            )
        if role == Role.APPROVER and not user.is_in_house:
            raise ValidationError(
                format_lazy(
                    gettext_lazy("{user} works for {vendor}. Only in-house people may approve."), user=user, vendor=user.vendor
                )
            )
        if role == Role.APPROVER and user.kind != user.Kind.PERSON:
            raise ValidationError(format_lazy(gettext_lazy("{user} is no person. Only people approve."), user=user))
        _check_the_mandate(user, locked, role)
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


def _check_the_mandate(user, workflow, role):
    """A vendor's people work where a live mandate names the role. The database says so too."""
    if user.is_in_house or role not in VENDOR_ROLES:
        return
    if (
        not Mandate.objects.at(clock.now())
        .filter(engagement__vendor=user.vendor, workflow=workflow, roles__contains=[role])
        .exists()
    ):
        raise ValidationError(
            format_lazy(
                gettext_lazy(
                    "{user} works for {vendor}, which has no mandate as {role} in {workflow}. Give it one in its engagement first."
                ),
                user=user,
                vendor=user.vendor,
                role=role,
                workflow=workflow,
            )
        )


def end_seat(given, *, by, reason=""):
    """From now on the seat opens nothing. The row stays: what somebody might do in March can be told in May."""
    with deciding(given.workflow, f"seat_{given.role}", by=by):
        seat = Seat.objects.select_for_update(of=("self",)).get(pk=given.pk)
        if seat.ended_at:
            raise ValidationError(
                format_lazy(gettext_lazy("This seat ended on {ended_at:%Y-%m-%d at %H:%M} UTC."), ended_at=seat.ended_at)
            )
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
            raise ValidationError(gettext_lazy("This seat has no such limit any more. Look at the workflow's page again."))
        facts = {"action_type": action_type, "currency": currency, "from": limit.amount, "to": None}
        trail.record("seat.remove_limit", by=by, subject=seat, words=reason, **facts)
        limit.delete()


@contextmanager
def _limiting(given, *, by):
    with deciding(given.workflow, "limit_approver", by=by):
        seat = Seat.objects.select_for_update(of=("self",)).get(pk=given.pk)
        if seat.user_id == by.pk:
            raise PermissionDenied(gettext_lazy("Nobody sets his own limit. Ask another owner of risk or an administrator."))
        if seat.role != Role.APPROVER or seat.ended_at:
            raise ValidationError(gettext_lazy("Only an approver's live seat has limits."))
        yield seat


def delegate(given, to, *, by, until, since=None, reason) -> Delegation:
    """Lend an approver's seat for a time: its holder does, or for him an administrator or the owner of risk."""
    with _lending(given, "delegate", by=by):
        if to.pk == by.pk != given.user_id:
            raise PermissionDenied(
                gettext_lazy("Nobody lends himself another's seat. Ask its holder, or another administrator.")
            )
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
                    "to": format_lazy(
                        gettext_lazy(
                            "{to} has delegated to {user} in that time, directly or through others. Authority never goes round."
                        ),
                        to=to,
                        user=given.user,
                    )
                }
            ) from refusal
        facts = {"seat": given.pk, "to": to.pk, "since": since, "until": until, "workflow": given.workflow.slug}
        trail.record("delegation.give", by=by, subject=made, words=made.reason, **facts)
    return made


def end_delegation(delegation, *, by, reason=""):
    """From now on it holds no more; what was approved under it stays approved."""
    with _lending(delegation.seat, "end_delegation", by=by):
        if not Delegation.objects.filter(pk=delegation.pk, ended_at=None).update(ended_at=clock.now()):
            raise ValidationError(gettext_lazy("This delegation is over already."))
        trail.record("delegation.end", by=by, subject=delegation, words=reason.strip(), to=delegation.to_id)


@contextmanager
def _lending(given, verb, *, by):
    """Ask whether `by` may lend this seat, and roll back and note the refusal where the answer is no."""
    try:
        with transaction.atomic():
            if not may_lend(by, given):
                raise PermissionDenied(
                    format_lazy(
                        gettext_lazy("Only {user}, an administrator or the owner of risk may {verb} here."),
                        user=given.user,
                        verb=verb.replace("_", " "),
                    )
                )
            yield
    except PermissionDenied as refusal:
        trail.refused(f"seat.{verb}", by=by, subject=given, why=refusal)
        raise


def _check_the_delegation(given, to, since, until, now, reason):
    if given.role != Role.APPROVER or given.ended_at:
        raise ValidationError(gettext_lazy("Only an approver's live seat can be delegated."))
    if to.pk == given.user_id:
        raise ValidationError({"to": gettext_lazy("Nobody delegates to himself. Choose somebody else.")})
    if not (to.is_in_house and to.is_active and to.kind == to.Kind.PERSON):
        raise ValidationError(
            {"to": format_lazy(gettext_lazy("{to} may not approve. Choose an active in-house person."), to=to)}
        )
    if until <= max(since, now):
        raise ValidationError({"until": gettext_lazy("A delegation ends after it begins, and in the future.")})
    if since < now - timedelta(minutes=5):
        raise ValidationError({"since": gettext_lazy("A delegation begins now or later. Leave it empty for now.")})
    if not reason.strip():
        raise ValidationError({"reason": gettext_lazy("Say why.")})


def own(workflow, of: Ownership, user, *, by) -> Owner:
    """Make `user` the one who answers for `of`; whoever did before no longer does. An owner hands on what he owns himself."""
    with deciding(workflow, f"name_owner_of_{of}", by=by) as locked:
        if not user.is_in_house:
            raise ValidationError(
                format_lazy(
                    gettext_lazy("{user} works for {vendor}. Only in-house people may own anything of a workflow."),
                    user=user,
                    vendor=user.vendor,
                )
            )
        if user.kind != user.Kind.PERSON:
            raise ValidationError(
                format_lazy(gettext_lazy("{user} is no person. Name somebody who can answer for it."), user=user)
            )
        held = locked.owners.filter(of=of).select_related("user").first()
        if user.pk == by.pk and held and held.user_id != by.pk and held.user.is_active:
            raise PermissionDenied(
                format_lazy(
                    gettext_lazy("{user} owns {of} of {workflow}. Nobody takes it for himself: let it be handed on."),
                    user=held.user,
                    of=of,
                    workflow=workflow,
                )
            )
        before = held and held.user_id
        owner, _ = Owner.objects.update_or_create(workflow=locked, of=of, defaults={"user": user})
        trail.record(
            "owner.name", by=by, subject=owner, workflow=locked.slug, of=of, user=user.pk, **{"from": before, "to": user.pk}
        )
    return owner
