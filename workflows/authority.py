"""What somebody may do, and who may do what in a workflow, as of any moment: in sentences, from rows that are ended and never deleted.

Limits, offices and employers are overwritten: what they were is worked out backwards from the audit log, change by change.
"""

from decimal import Decimal
from itertools import groupby

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.timezone import localtime

from accounts.models import Absence, ApiKey, Vendor
from accounts.roles import Office, Role
from audit.models import AuditEvent
from workflows import money
from workflows.models import Delegation, Engagement, Seat, Tenure

REMEMBERED = {"office": "office", "vendor": "vendor_id", "is_active": "is_active", "kind": "kind"}


def of_person(user, at) -> list[tuple[str, list[str]]]:
    """Headings with their sentences; a heading without any is left out."""
    told = [
        ("Who", who(user, at)),
        ("Owns", [_owning(each) for each in tenures(at).filter(user=user)] + standing_in(user, at)),
        ("Seats", [_seated(each, at) for each in seats(at).filter(user=user)]),
        ("Lent", [_lent(each) for each in delegations(at).filter(Q(to=user) | Q(seat__user=user))]),
        ("Away", [_away(each) for each in absences(at).filter(user=user)]),
        ("API keys", [_key(each) for each in keys(at).filter(user=user)]),
    ]
    return [(heading, sentences) for heading, sentences in told if sentences]


def of_workflow(workflow, at) -> list[tuple[str, list[str]]]:
    """Who could do what in it: owners, whoever acts for one who is away, and each role's people."""
    held = seats(at).filter(workflow=workflow).order_by("role", "user__username")
    owners = tenures(at).filter(workflow=workflow)
    told = [("Owners", [_owned(each) for each in owners] + _acting(owners, at))]
    for role, those in groupby(held, key=lambda seat: seat.role):
        told.append((f"{Role(role).label}s", [_holding(seat, at) for seat in those]))
    told.append(("Lent", [_lent(each) for each in delegations(at).filter(seat__workflow=workflow)]))
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


def when(moment) -> str:
    return date_format(localtime(moment), "j M Y, H:i")


def _span(since, ended_at) -> str:
    return f"since {when(since)}" + (f", until {when(ended_at)}" if ended_at else "")


def who(user, at) -> list[str]:
    if user.date_joined > at:
        return [f"{user} had no account yet. It was made on {when(user.date_joined)}."]
    facts = as_it_was(user, at)
    kind = {"person": "a person", "integration": "an integration", "machine": "the machine"}[facts["kind"]]
    vendor = Vendor.objects.filter(pk=facts["vendor"]).first()
    told = [f"{user} is {kind} of {vendor}." if vendor else f"{user} is {kind} of the house."]
    if facts["office"]:
        told += [f"Office: {Office(facts['office']).label.lower()}."]
    if not facts["is_active"]:
        told += ["The account is switched off: it opens nothing, whatever stands below."]
    contracts = Engagement.objects.at(at).filter(vendor=vendor) if vendor else ()
    return told + [
        f"{vendor} is engaged by “{each.name}” from {when(each.since)} until {when(each.ends)}." for each in contracts
    ]


def _owning(tenure) -> str:
    return f"Owner of {tenure.get_of_display().lower()} of {tenure.workflow}, {_span(tenure.since, tenure.ended_at)}."


def _owned(tenure) -> str:
    return f"{tenure.get_of_display()}: {tenure.user}, {_span(tenure.since, tenure.ended_at)}."


def standing_in(user, at) -> list[str]:
    """What he owned in the place of somebody who was away."""
    away = {each.user_id: each for each in absences(at).filter(stand_in=user)}
    return [
        f"Acts as owner of {each.get_of_display().lower()} of {each.workflow} for {each.user}, "
        f"who is away until {when(away[each.user_id].until)}."
        for each in tenures(at).filter(user__in=away)
    ]


def _acting(owners, at) -> list[str]:
    away = {each.user_id: each for each in absences(at).filter(user__in=[owner.user_id for owner in owners])}
    return [
        f"{owner.get_of_display()}: {owner.user} is away until {when(away[owner.user_id].until)}; "
        + (f"{away[owner.user_id].stand_in} acts." if away[owner.user_id].stand_in else "nobody stands in.")
        for owner in owners
        if owner.user_id in away
    ]


def _seated(seat, at) -> str:
    given = f", given by {seat.given_by}" if seat.given_by else ""
    return f"{_titled(seat)} in {seat.workflow}, {_span(seat.since, seat.ended_at)}{given}.{_up_to(seat, at)}"


def _holding(seat, at) -> str:
    away = " Away then." if absences(at).filter(user=seat.user_id).exists() else ""
    off = "" if as_it_was(seat.user, at)["is_active"] else " The account was switched off."
    return f"{seat.user}{seat.title and f' ({seat.title})'}, {_span(seat.since, seat.ended_at)}.{_up_to(seat, at)}{away}{off}"


def _titled(seat) -> str:
    return f"{seat.get_role_display()}{seat.title and f' ({seat.title})'}"


def _up_to(seat, at) -> str:
    """An approver's limits, and that he has none."""
    if seat.role != Role.APPROVER:
        return ""
    limits = sorted(limits_of(seat, at).items())
    said = [f"{money.readable(most, currency)}{kind and f' for {kind}'}" for (kind, currency), most in limits]
    return f" Approves up to {', '.join(said)}." if said else " No limit is set: it approves what has no amount."


def _lent(delegation) -> str:
    seat = delegation.seat
    until = min(delegation.until, delegation.ended_at or delegation.until)
    return f"{delegation.to} approves for {seat.user} in {seat.workflow}, from {when(delegation.since)} until {when(until)}, within {seat.user}’s limits."


def _away(absence) -> str:
    back = min(absence.until, absence.ended_at or absence.until)
    instead = f"{absence.stand_in} stands in" if absence.stand_in else "nobody stands in"
    return f"Away from {when(absence.since)} until {when(back)}; {instead}. Approves nothing meanwhile."


def _key(key) -> str:
    ends = min(filter(None, [key.revoked_at, key.expires_at]), default=None)
    verbs = ", ".join(verb.replace("_", " ") for verb in key.verbs)
    return f"“{key.name}” ({key.prefix}…, {key.mode}) opens at most: {verbs}; {_span(key.created_at, ends)}."
