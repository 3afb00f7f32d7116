"""What somebody may do, and who may do what in a workflow, as of any moment: in sentences, from rows that are ended and never deleted.

Limits, offices and employers are overwritten: what they were is worked out backwards from the audit log, change by change.
"""

from decimal import Decimal
from itertools import groupby

from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Absence, ApiKey, Vendor
from accounts.roles import Office, Role
from audit.models import AuditEvent
from audit.moments import when
from audit.wording import within
from workflows import money
from workflows.models import Delegation, Engagement, Seat, Tenure

IN_PLURAL = {
    Role.REVIEWER: _("Reviewers"),
    Role.RESOLVER: _("Resolvers"),
    Role.APPROVER: _("Approvers"),
    Role.IMPROVER: _("Improvers"),
    Role.INTEGRATION: _("Integrations"),
}
REMEMBERED = {"office": "office", "vendor": "vendor_id", "is_active": "is_active", "kind": "kind"}


def of_person(user, at) -> list[tuple[str, list[str]]]:
    """Headings with their sentences; a heading without any is left out."""
    told = [
        (gettext("Who"), who(user, at)),
        (gettext("Owns"), [_owning(each) for each in tenures(at).filter(user=user)] + standing_in(user, at)),
        (gettext("Seats"), [_seated(each, at) for each in seats(at).filter(user=user)]),
        (gettext("Lent"), [_lent(each) for each in delegations(at).filter(Q(to=user) | Q(seat__user=user))]),
        (gettext("Away"), [_away(each) for each in absences(at).filter(user=user)]),
        (gettext("API keys"), [_key(each) for each in keys(at).filter(user=user)]),
    ]
    return [(heading, sentences) for heading, sentences in told if sentences]


def of_workflow(workflow, at) -> list[tuple[str, list[str]]]:
    """Who could do what in it: owners, whoever acts for one who is away, and each role's people."""
    held = seats(at).filter(workflow=workflow).order_by("role", "user__username")
    owners = tenures(at).filter(workflow=workflow)
    told = [(gettext("Owners"), [_owned(each) for each in owners] + _acting(owners, at))]
    for role, those in groupby(held, key=lambda seat: seat.role):
        told.append((IN_PLURAL[role], [_holding(seat, at) for seat in those]))
    told.append((gettext("Lent"), [_lent(each) for each in delegations(at).filter(seat__workflow=workflow)]))
    return [(heading, sentences) for heading, sentences in told if sentences]


# What held at that moment


def _holds(at):
    return Q(ended_at=None) | Q(ended_at__gt=at)


def seats(at):
    return Seat.objects.filter(_holds(at), since__lte=at).select_related("user", "workflow", "given_by")


def tenures(at):
    return Tenure.objects.at(at).select_related("user", "workflow")


def delegations(at):
    """A lent seat is worth what the seat is: it ends with it."""
    live = Delegation.objects.filter(_holds(at), since__lte=at, until__gt=at)
    live = live.filter(Q(seat__ended_at=None) | Q(seat__ended_at__gt=at))
    return live.select_related("to", "seat__user", "seat__workflow")


def absences(at):
    return Absence.objects.at(at).select_related("user", "stand_in")


def keys(at):
    live = Q(revoked_at=None) | Q(revoked_at__gt=at)
    return ApiKey.objects.filter(live, Q(expires_at=None) | Q(expires_at__gt=at), created_at__lte=at)


def as_it_was(user, at) -> dict:
    """Office, employer, kind, and whether the account was on: what they are now, with every later change taken back."""
    facts = {name: getattr(user, attribute) for name, attribute in REMEMBERED.items()}
    later = AuditEvent.objects.filter(subject_type="user", subject_id=user.pk, verb="user.change", at__gt=at)
    for event in later.order_by("-number"):
        changed = event.body.get("changed")
        for name, change in changed.items() if isinstance(changed, dict) else ():
            if name in facts and isinstance(change, list):
                facts[name] = change[0]
    return facts


def limits_of(seat, at) -> dict[tuple[str, str], Decimal]:
    """(action type, currency) → up to which amount the seat approved then."""
    limits = {(limit.action_type, limit.currency): limit.amount for limit in seat.limits.all()}
    later = AuditEvent.objects.filter(
        subject_type="seat", subject_id=seat.pk, verb__in=["seat.set_limit", "seat.remove_limit"], at__gt=at
    )
    for event in later.order_by("-number"):
        about, before = (event.body["action_type"], event.body["currency"]), event.body["from"]
        if before is None:
            limits.pop(about, None)
        else:
            limits[about] = Decimal(str(before))
    return limits


# In sentences


def _span(since, ended_at) -> str:
    return gettext("since {when}").format(when=when(since)) + (
        gettext(", until {when}").format(when=when(ended_at)) if ended_at else ""
    )


def who(user, at) -> list[str]:
    if user.date_joined > at:
        return [gettext("{user} had no account yet. It was made on {when}.").format(user=user, when=when(user.date_joined))]
    facts = as_it_was(user, at)
    kind = {"person": gettext("a person"), "integration": gettext("an integration"), "machine": gettext("the machine")}[
        facts["kind"]
    ]
    vendor = Vendor.objects.filter(pk=facts["vendor"]).first()
    told = [
        gettext("{user} is {kind} of {vendor}.").format(user=user, kind=kind, vendor=vendor)
        if vendor
        else gettext("{user} is {kind} of the house.").format(user=user, kind=kind)
    ]
    if facts["office"]:
        told += [gettext("Office: {office}.").format(office=within(Office(facts["office"]).label))]
    if not facts["is_active"]:
        told += [gettext("The account is switched off: it opens nothing, whatever stands below.")]
    contracts = Engagement.objects.at(at).filter(vendor=vendor) if vendor else ()
    return told + [
        gettext("{vendor} is engaged by “{each}” from {when} until {when_2}.").format(
            vendor=vendor, each=each.name, when=when(each.since), when_2=when(each.ends)
        )
        for each in contracts
    ]


def _owning(tenure) -> str:
    return gettext("Owner of {of} of {workflow}, {span}.").format(
        of=within(tenure.get_of_display()), workflow=tenure.workflow, span=_span(tenure.since, tenure.ended_at)
    )


def _owned(tenure) -> str:
    return f"{tenure.get_of_display()}: {tenure.user}, {_span(tenure.since, tenure.ended_at)}."


def standing_in(user, at) -> list[str]:
    """What he owned in the place of somebody who was away."""
    away = {each.user_id: each for each in absences(at).filter(stand_in=user)}
    return [
        gettext("Acts as owner of {of} of {workflow} for {user}, who is away until {when}.").format(
            of=within(each.get_of_display()), workflow=each.workflow, user=each.user, when=when(away[each.user_id].until)
        )
        for each in tenures(at).filter(user__in=away)
    ]


def _acting(owners, at) -> list[str]:
    away = {each.user_id: each for each in absences(at).filter(user__in=[owner.user_id for owner in owners])}
    return [
        gettext("{of}: {user} is away until {when}; ").format(
            of=owner.get_of_display(), user=owner.user, when=when(away[owner.user_id].until)
        )
        + (f"{away[owner.user_id].stand_in} acts." if away[owner.user_id].stand_in else gettext("nobody stands in."))
        for owner in owners
        if owner.user_id in away
    ]


def _seated(seat, at) -> str:
    given = gettext(", given by {given_by}").format(given_by=seat.given_by) if seat.given_by else ""
    return gettext("{titled} in {workflow}, {span}{given}.{up_to}").format(
        titled=_titled(seat), workflow=seat.workflow, span=_span(seat.since, seat.ended_at), given=given, up_to=_up_to(seat, at)
    )


def _holding(seat, at) -> str:
    away = gettext(" Away then.") if absences(at).filter(user=seat.user_id).exists() else ""
    off = "" if as_it_was(seat.user, at)["is_active"] else gettext(" The account was switched off.")
    return f"{seat.user}{seat.title and f' ({seat.title})'}, {_span(seat.since, seat.ended_at)}.{_up_to(seat, at)}{away}{off}"


def _titled(seat) -> str:
    return f"{seat.get_role_display()}{seat.title and f' ({seat.title})'}"


def _up_to(seat, at) -> str:
    """An approver's limits, and that he has none."""
    if seat.role != Role.APPROVER:
        return ""
    limits = sorted(limits_of(seat, at).items())
    said = [f"{money.readable(most, currency)}{kind and f' for {kind}'}" for (kind, currency), most in limits]
    return (
        gettext(" Approves up to {said}.").format(said=", ".join(said))
        if said
        else gettext(" No limit is set: it approves what has no amount.")
    )


def _lent(delegation) -> str:
    seat = delegation.seat
    until = min(delegation.until, delegation.ended_at or delegation.until)
    return gettext("{to} approves for {user} in {workflow}, from {when} until {when_2}, within {user}’s limits.").format(
        to=delegation.to, user=seat.user, workflow=seat.workflow, when=when(delegation.since), when_2=when(until)
    )


def _away(absence) -> str:
    back = min(absence.until, absence.ended_at or absence.until)
    instead = (
        gettext("{stand_in} stands in").format(stand_in=absence.stand_in) if absence.stand_in else gettext("nobody stands in")
    )
    return gettext("Away from {when} until {when_2}; {instead}. Approves nothing meanwhile.").format(
        when=when(absence.since), when_2=when(back), instead=instead
    )


def _key(key) -> str:
    ends = min(filter(None, [key.revoked_at, key.expires_at]), default=None)
    verbs = ", ".join(verb.replace("_", " ") for verb in key.verbs)
    return gettext("“{key}” ({prefix}…, {mode}) opens at most: {verbs}; {span}.").format(
        key=key.name, prefix=key.prefix, mode=key.mode, verbs=verbs, span=_span(key.created_at, ends)
    )
