"""Whether the chains of a policy can be filled where they begin, by the seats and limits that there are. Pure.

What a waiting case is told of by `cases/eligibility.py`, told before publishing. Absences pass, and are not looked at.
"""

from collections import Counter
from collections.abc import Iterator

from django.utils.translation import gettext, ngettext

from workflows import money
from workflows.patterns import TIERS, Chain, Rules, title_key
from workflows.routing import chain_for
from workflows.terms import listed


def too_few(seats, rules: Rules) -> list[str]:
    """The chains that nobody could fill at some amount where they hold. A title too few hold, and an amount beyond every limit, are told elsewhere."""
    found = []
    for chain, action in _where_they_begin(rules):
        able = [seat for seat in seats if _reaches(seat, action)]
        if not fills(able, chain) and titles_are_held(seats, chain) and any(_comes_near(seat, action) for seat in seats):
            found.append(_told(chain, action, seats, able))
    return list(dict.fromkeys(found))


def people_by_title(chain: Chain) -> Counter:
    """How many it asks for of each title, by its key; those of no title under the empty one."""
    people = Counter()
    for step in chain.steps:
        people[title_key(step.title)] += step.people
    return people


def titles_are_held(seats, chain: Chain) -> bool:
    held = Counter(title_key(seat.title) for seat in seats)
    return all(held[title] >= people for title, people in people_by_title(chain).items() if title)


def spelled(titles) -> dict[str, str]:
    """How each title is written where it stands first, by its key; without those that are none."""
    found = {}
    for title in titles:
        if key := title_key(title):
            found.setdefault(key, title.strip())
    return found


def fills(seats, chain: Chain) -> bool:
    """Whether so many people are there, each in one step only."""
    return titles_are_held(seats, chain) and len(seats) >= chain.people


def _where_they_begin(rules: Rules) -> Iterator[tuple[Chain, dict]]:
    """Each chain with the actions at its own amount, and at those of the bands above it, where it is the one that is taken."""
    for each in rules.chains:
        bands = {band.amount for band in rules.amount_bands if each.currency and band.currency == each.currency}
        edges = {each.amount} | {amount for amount in bands if each.amount is None or amount > each.amount}
        for amount in sorted(edges, key=lambda edge: -1 if edge is None else edge):
            action = {"type": each.action_type, "currency": each.currency, "amount": amount}
            if any(rules.tiers[tier].pattern == "approval" and chain_for(action, tier, rules) is each for tier in TIERS):
                yield each, action


def _reaches(seat, action) -> bool:
    """Whether the seat's limit reaches the action: that for its very type, else that for all types."""
    if action["amount"] is None:
        return True
    limits = {limit.action_type: limit.amount for limit in seat.limits.all() if limit.currency == action["currency"]}
    most = limits.get(action["type"], limits.get(""))
    return most is not None and most >= action["amount"]


def _comes_near(seat, action) -> bool:
    """Whether any of its limits in that currency reaches, whatever for."""
    if action["amount"] is None:
        return True
    return any(limit.currency == action["currency"] and limit.amount >= action["amount"] for limit in seat.limits.all())


def _told(chain, action, seats, able) -> str:
    asked = ngettext("the chain asks for {people} person", "the chain asks for {people} people", chain.people)
    asked = asked.format(people=chain.people)
    if titles := [f"“{title}”" for title in spelled(step.title for step in chain.steps).values()]:
        asked = gettext("{asked}, among them with the title {titles}").format(asked=asked, titles=listed(titles))
    what = gettext("“{action}”").format(action=action["type"]) if action["type"] else gettext("any action")
    if action["amount"] is not None:
        readable = money.readable(action["amount"], action["currency"])
        what = gettext("{what} from {readable} on").format(what=what, readable=readable)
    if not (limited := [_named(seat) for seat in seats if seat not in able]):
        return gettext("Too few can approve {what}. Approvers: {number}; {asked}. Give a seat.").format(
            what=what, number=len(seats), asked=asked
        )
    return gettext(
        "Too few can approve {what}. Approvers: {number}; limited below that: {limited}; {asked}. Give a seat or a limit."
    ).format(what=what, number=len(seats), limited=listed(limited), asked=asked)


def _named(seat) -> str:
    return f"{seat.user} ({seat.title})" if seat.title else str(seat.user)
