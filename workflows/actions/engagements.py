"""What vendors are engaged for: contracts, mandates and their ends. Who ends one takes its open cases back by `cases/ending.py`."""

from contextlib import contextmanager

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import sessions
from accounts.models import User
from accounts.permissions import administers
from audit import clock, trail
from workflows import money
from workflows.actions.asking import deciding
from workflows.models import VENDOR_ROLES, Engagement, Mandate, Owner, Seat

OF_THE_CONTRACT = ("name", "since", "until", "coverage")
TERMS = tuple(
    field.name for field in Mandate._meta.concrete_fields if field.name not in ("id", "engagement", "workflow", "ended_at")
)
# what the database refuses → the field it stands at, and a sentence
REFUSED = {
    "an_engagement_ends_after_it_begins": ("until", _("A contract ends after it begins.")),
    "a_mandate_never_approves_nor_owns": (
        "roles",
        _("A vendor reviews, resolves or proposes improvements: name one of them at least."),
    ),
    "a_share_lies_within_its_bounds": (
        "share",
        _("The share lies between the least and the most of it, and within 100 percent."),
    ),
    "a_price_is_a_number": ("price", _("A price is zero or more.")),
    "a_price_has_a_currency": ("currency", _("Name the currency by its three letters, such as EUR.")),
    "a_service_level_can_be_met": (
        "answer_percent",
        _("A service level is a minute at least, for 1 to 100 percent of the cases."),
    ),
    "only_known_patterns_are_masked": ("masked_patterns", _("Only card, iban, email and phone are known.")),
    "a_vendor_has_one_live_mandate_per_workflow": (
        "workflow",
        _("In that time the vendor has a mandate for this workflow already. Change that one, or end it first."),
    ),
}


def may_engage(user, engagement=None) -> bool:
    """Administrators; and owners: of any workflow for a new contract, else of something in every workflow that it covers."""
    if not (user.is_active and user.is_in_house and user.kind == User.Kind.PERSON):
        return False
    if administers(user):
        return True
    covered = set(engagement.mandates.filter(ended_at=None).values_list("workflow", flat=True)) if engagement else set()
    owned = set(Owner.objects.acting_as(user, clock.now()).values_list("workflow", flat=True))
    return bool(owned) and covered <= owned


def engage(vendor, *, by, name, since, until, coverage=None) -> Engagement:
    """A contract with a vendor. It covers nothing until it is given a mandate."""
    with _engaging(None, "add", by=by, about=vendor):
        made = Engagement(vendor=vendor, name=name, since=since, until=until, coverage=coverage)
        _check_the_contract(made)
        _save(made)
        trail.record("engagement.add", by=by, subject=made, vendor=vendor.name, since=since, until=until)
    return made


def change_engagement(engagement, *, by, reason="", **terms) -> Engagement:
    """Other terms of the contract: one event, with each one's before and after."""
    with _engaging(engagement, "change", by=by, about=engagement) as stored:
        if changed := _changed(stored, terms, OF_THE_CONTRACT):
            _check_the_contract(stored)
            _save(stored)
            trail.record("engagement.change", by=by, subject=stored, words=reason, changed=changed)
    return stored


def mandate(engagement, workflow, *, by, **terms) -> Mandate:
    """What the vendor covers in one workflow, from now on while the contract holds."""
    with deciding(workflow, "mandate", by=by) as locked:
        engagement = _still_holding(engagement)
        made = Mandate(engagement=engagement, workflow=locked, **terms)
        _check_the_terms(made)
        _save(made)
        facts = {"workflow": locked.slug, "vendor": engagement.vendor.name, "engagement": engagement.pk}
        trail.record("mandate.add", by=by, subject=made, **facts, terms={name: _told(getattr(made, name)) for name in TERMS})
    return made


def change_mandate(given, *, by, reason="", **terms) -> Mandate:
    """Other terms: one event, with each one's before and after. Seats of a role that is no longer in it end."""
    with deciding(given.workflow, "mandate", by=by):
        stored = _locked(given)
        if changed := _changed(stored, terms, TERMS):
            _check_the_terms(stored)
            _save(stored)
            trail.record("mandate.change", by=by, subject=stored, words=reason, changed=changed)
            _end_seats(stored.vendor, [stored.workflow_id], by=by, reason="Not in the mandate any more.", but=stored.roles)
    return stored


def end_mandate(given, *, by, reason) -> Mandate:
    """The vendor covers this workflow no more; its people's seats there end."""
    with deciding(given.workflow, "mandate", by=by):
        stored = _locked(given)
        stored.ended_at = clock.now()
        stored.save(update_fields=["ended_at"])
        facts = {"workflow": stored.workflow.slug, "vendor": stored.vendor.name}
        trail.record("mandate.end", by=by, subject=stored, words=_because(reason), **facts)
        _end_seats(stored.vendor, [stored.workflow_id], by=by, reason=reason)
    return stored


def end_engagement(engagement, *, by, reason) -> Engagement:
    """The contract is over, early: the seats within it end, and whoever holds none any more is signed out."""
    with _engaging(engagement, "end", by=by, about=engagement) as stored:
        _end(stored, clock.now(), by=by, reason=_because(reason))
    return stored


def expire_engagement(engagement, *, by) -> Engagement:
    """The contract period is over: the same, by the machine."""
    if by.kind != User.Kind.MACHINE:
        why = format_lazy(_("{by} may not expire a contract. End it early instead."), by=by)
        trail.refused("engagement.expire", by=by, subject=engagement, why=why)
        raise PermissionDenied(why)
    with transaction.atomic():
        stored = _still_holding(engagement)
        if stored.until > clock.now():
            raise ValidationError(
                format_lazy(_("{stored} holds until {until:%Y-%m-%d %H:%M} UTC."), stored=stored, until=stored.until)
            )
        _end(stored, stored.until, by=by, reason="The contract period is over.", verb="expire")
    return stored


def set_staffed(workflow, calendar, *, by, reason=""):
    """The hours in which the house's own people work here. None: around the clock."""
    with deciding(workflow, "set_staffed", by=by) as locked:
        _check_it_opens(calendar, "calendar")
        before, locked.staffed = locked.staffed, calendar
        locked.save(update_fields=["staffed"])
        facts = {"from": before and before.name, "to": calendar and calendar.name}
        trail.record("workflow.set_staffed", by=by, subject=locked, words=reason, **facts)


@contextmanager
def _engaging(engagement, verb, *, by, about):
    """Lock the contract, ask, and roll back and note the refusal where the answer is no."""
    try:
        with transaction.atomic():
            stored = _still_holding(engagement) if engagement else None
            if not may_engage(by, stored):
                raise PermissionDenied(
                    format_lazy(
                        _("{by} may not {verb} a contract. Ask an administrator or an owner of its workflows."),
                        by=by,
                        verb=verb,
                    )
                )
            yield stored
    except PermissionDenied as refusal:
        trail.refused(f"engagement.{verb}", by=by, subject=about, why=refusal)
        raise


def _still_holding(engagement) -> Engagement:
    stored = Engagement.objects.select_for_update(of=("self",)).select_related("vendor", "ended_by").get(pk=engagement.pk)
    if stored.ended_at:
        raise ValidationError(
            format_lazy(
                _("{ended_by} ended {stored} on {ended_at:%Y-%m-%d at %H:%M} UTC: {end_reason}"),
                ended_by=stored.ended_by,
                stored=stored,
                ended_at=stored.ended_at,
                end_reason=stored.end_reason,
            )
        )
    return stored


def _locked(given) -> Mandate:
    """The mandate, while it and its contract hold. Contracts are locked before mandates, as at their end."""
    _still_holding(given.engagement)
    stored = Mandate.objects.select_for_update(of=("self",)).select_related("engagement__vendor", "workflow").get(pk=given.pk)
    if stored.ended_at:
        raise ValidationError(
            format_lazy(_("{stored} ended on {ended_at:%Y-%m-%d at %H:%M} UTC."), stored=stored, ended_at=stored.ended_at)
        )
    return stored


def _end(stored, at, *, by, reason, verb="end"):
    stored.ended_at, stored.ended_by, stored.end_reason = at, by, reason
    stored.save(update_fields=["ended_at", "ended_by", "end_reason"])
    trail.record(
        f"engagement.{verb}", by=by, subject=stored, words=reason if verb == "end" else "", vendor=stored.vendor.name, at=at
    )
    workflows = stored.mandates.filter(ended_at=None).values_list("workflow", flat=True)
    still = Mandate.objects.at(clock.now()).filter(engagement__vendor=stored.vendor).values("workflow")
    _end_seats(stored.vendor, list(workflows.exclude(workflow__in=still)), by=by, reason=reason)


def _end_seats(vendor, workflows, *, by, reason, but=()):
    """The seats of the vendor's people there, but those of some roles; whoever holds none any more is signed out everywhere."""
    seats = Seat.objects.live().filter(user__vendor=vendor, workflow__in=workflows, role__in=set(VENDOR_ROLES) - set(but))
    for seat in seats.select_for_update(of=("self",)).select_related("user"):
        seat.ended_at = clock.now()
        seat.save(update_fields=["ended_at"])
        trail.record("seat.end", by=by, subject=seat, words=reason, user=seat.user_id, role=seat.role)
        sign_out_who_has_no_seat(seat.user, by=by, reason=reason)


def sign_out_who_has_no_seat(person, *, by, reason):
    """Sessions of whoever can work nowhere any more end; a vendor's lead looks on."""
    if not person.office and not person.seats.live().exists():
        sessions.end_all(person, by=by, reason=reason)


def _because(reason) -> str:
    if not (reason or "").strip():
        raise ValidationError({"reason": _("Say why.")})
    return reason.strip()


def _changed(stored, terms, known) -> dict:
    """Write them into the row; what differs, with before and after as history tells it."""
    if unknown := terms.keys() - set(known):
        raise TypeError(format_lazy(_("No such terms: {sorted}."), sorted=", ".join(sorted(unknown))))
    before = {name: getattr(stored, name) for name in terms}
    for name, value in terms.items():
        setattr(stored, name, value)
    return {name: [_told(was), _told(terms[name])] for name, was in before.items() if was != terms[name]}


def _told(value):
    return str(value) if value is not None and not isinstance(value, int | list) else value


def _check_the_contract(row):
    row.clean_fields(exclude=["vendor", "ended_by", "coverage"])
    if row.until <= clock.now():
        raise ValidationError({"until": _("This time is over. A contract ends in the future.")})
    _check_it_opens(row.coverage, "coverage")


def _check_it_opens(calendar, name):
    if calendar is not None and not calendar.shifts.exists():
        raise ValidationError(
            {
                name: format_lazy(
                    _("{calendar} never opens. Give it shifts first, or choose none for around the clock."), calendar=calendar
                )
            }
        )


def _check_the_terms(row):
    row.clean_fields(exclude=["engagement", "workflow"])
    if fault := money.fault(None, row.currency):
        raise ValidationError({"currency": fault})
    if blank := [path for path in row.masked_fields if not all(part.strip() for part in path.split("."))]:
        raise ValidationError(
            {"masked_fields": format_lazy(_("“{blank}” is no path. Write it like input.customer.email."), blank=blank[0])}
        )


def _save(row):
    """What the database refuses is said at its field, in a sentence."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as refusal:
        broken = getattr(getattr(refusal.__cause__, "diag", None), "constraint_name", None)
        if broken == "shares_of_a_workflow_are_never_more_than_the_whole":
            raise ValidationError({"share" if isinstance(row, Mandate) else "since": _too_much(row)}) from refusal
        if broken not in REFUSED:
            raise
        field, sentence = REFUSED[broken]
        raise ValidationError({field: sentence}) from refusal


def _too_much(row) -> str:
    """Who has which share of what the row would be too much for."""
    touched = [row.workflow_id] if isinstance(row, Mandate) else row.mandates.values_list("workflow", flat=True)
    others = Mandate.objects.filter(workflow__in=touched, ended_at=None, engagement__ended_at=None).exclude(pk=row.pk)
    if isinstance(row, Engagement):
        others = others.exclude(engagement=row)
    given = ", ".join(
        gettext("{vendor} has {share} % of {workflow}").format(vendor=each.vendor, share=each.share, workflow=each.workflow)
        for each in others.select_related("engagement__vendor", "workflow")
    )
    return gettext("At some time the vendors' shares would be more than the whole: {given}. Lower one of them first.").format(
        given=given
    )
