"""What a workflow lacks before anything of it may be published: owners. And what it lacks to run well: seats and limits."""

from collections import Counter
from datetime import datetime
from difflib import get_close_matches

import msgspec
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Absence
from accounts.roles import Ownership, Role
from audit import clock
from audit.wording import within
from workflows import money
from workflows.filling import people_by_title, spelled, too_few
from workflows.models import Owner, Seat
from workflows.patterns import Rules, title_key
from workflows.weight import Grave

NEEDED = {
    Role.INTEGRATION: _("Nothing can send outputs: no integration has a seat."),
    Role.REVIEWER: _("Nobody reviews: no reviewer has a seat."),
    Role.RESOLVER: _("Nobody resolves exceptions: no resolver has a seat."),
    Role.APPROVER: _("Nobody approves: no approver has a seat."),
}


def gaps(workflow) -> list[str]:
    """Of the five owners, those that are missing, switched off or no longer in-house; each with who can close the gap."""
    named = {owner.of: owner.user for owner in Owner.objects.filter(workflow=workflow).select_related("user__vendor")}
    away = _away_alone(named.values())
    return [sentence for of in Ownership if (sentence := _gap(within(of.label), named.get(of), away))]


def _gap(kind, user, away) -> str:
    if user is None:
        return gettext("Nobody owns {kind}. An administrator can name one.").format(kind=kind)
    if not user.is_in_house:
        return gettext(
            "{user}, the owner of {kind}, works for {vendor}. An administrator can name one who is in-house."
        ).format(user=user, kind=kind, vendor=user.vendor)
    if until := away.get(user.pk):
        return gettext(
            "{user}, the owner of {kind}, is away until {until:%Y-%m-%d} and nobody stands in. Name somebody who does."
        ).format(user=user, kind=kind, until=until)
    if not user.is_active:
        return gettext("The account of {user}, the owner of {kind}, is switched off. An administrator can name one.").format(
            user=user, kind=kind
        )
    return ""


def _away_alone(users) -> dict[int, datetime]:
    """Of these people those who are away with nobody to act in their place, by id, and until when."""
    now_away = Absence.objects.at(clock.now())
    absences = now_away.filter(user__in=users).select_related("stand_in").order_by("since")
    latest = {absence.user_id: absence for absence in absences}
    away_too = set(now_away.filter(user__in=[each.stand_in_id for each in latest.values()]).values_list("user", flat=True))
    return {user: absence.until for user, absence in latest.items() if not _covered(absence, away_too)}


def _covered(absence, away) -> bool:
    stand_in = absence.stand_in
    return bool(stand_in and stand_in.is_active and stand_in.is_in_house and stand_in.pk not in away)


def warnings_in_force(workflow) -> list[str]:
    policy = workflow.policy
    return warnings(workflow, msgspec.convert(policy.rules, Rules, strict=False)) if policy else []


def warnings(workflow, rules: Rules) -> list[str]:
    """What would leave cases waiting for somebody who is not there. It keeps nobody from publishing."""
    seats = list(
        Seat.objects.live().filter(workflow=workflow, user__is_active=True).select_related("user").prefetch_related("limits")
    )
    filled = {seat.role for seat in seats}
    said = [sentence for role, sentence in NEEDED.items() if role not in filled]
    approvers = [seat for seat in seats if seat.role == Role.APPROVER]
    grave = _titles_of_nobody(approvers, rules) + _beyond_every_limit(approvers, rules) + too_few(approvers, rules)
    return said + [Grave(sentence) for sentence in grave]


def titles(workflow) -> list[str]:
    """Those that its approvers' seats have."""
    held = Seat.objects.live().filter(workflow=workflow, role=Role.APPROVER).exclude(title="")
    return [title for _key, title in sorted(spelled(held.order_by("title").values_list("title", flat=True)).items())]


def currencies_in_use(workflow) -> set[str]:
    """Those in which the rules in force name an amount."""
    policy = workflow.policy
    rules = msgspec.convert(policy.rules, Rules, strict=False) if policy else None
    return {each.currency for each in (*rules.amount_bands, *rules.chains)} if rules else set()


def _titles_of_nobody(approvers, rules) -> list[str]:
    """The titles that a chain asks for and too few approvers hold: what reaches such a step waits for ever."""
    held = Counter(title_key(seat.title) for seat in approvers)
    there = spelled(seat.title for seat in approvers)
    written = spelled(step.title for chain in rules.chains for step in chain.steps)
    asked = Counter()
    for chain in rules.chains:
        asked |= Counter({title: people for title, people in people_by_title(chain).items() if title})
    return [
        ngettext(
            "The chains ask for an approver with the title “{title}”, and {held}. Give a seat with that title.",
            "The chains ask for {people} approvers with the title “{title}”, and {held}. Give a seat with that title.",
            people,
        ).format(people=people, title=written[title], held=_held(held[title]))
        + _nearest(title, there)
        for title, people in asked.items()
        if held[title] < people
    ]


def _nearest(key, there) -> str:
    """The title that was perhaps meant."""
    near = get_close_matches(key, there.keys() - {key}, n=1)
    return gettext(" There is “{near}”: perhaps it was meant.").format(near=there[near[0]]) if near else ""


def _held(number) -> str:
    if not number:
        return gettext("nobody holds one")
    return ngettext("{number} holds one", "{number} hold one", number).format(number=number)


def _beyond_every_limit(seats, rules) -> list[str]:
    """In each currency that the rules name: up to where somebody may approve, if that is less than where the last band or chain begins."""
    begins = {}
    for each in (*rules.amount_bands, *rules.chains):
        if each.currency and each.amount is not None:
            begins[each.currency] = max(begins.get(each.currency, 0), each.amount)
    limits = {}
    for limit in (limit for seat in seats for limit in seat.limits.all()):
        limits[limit.currency] = max(limits.get(limit.currency, 0), limit.amount)
    return [
        gettext("Nobody may approve anything in {currency}: no approver has a limit in it.").format(currency=currency)
        if currency not in limits
        else gettext("Nobody may approve more than {readable}, and the rules go beyond it.").format(
            readable=money.readable(limits[currency], currency)
        )
        for currency, amount in sorted(begins.items())
        if limits.get(currency, -1) <= amount
    ]
