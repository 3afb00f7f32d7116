"""Which side works a case at a desk: the house or a vendor. Pure: facts of the sides × needs × lot → Allocation.

Precedence, as in docs/allocation.md: an approval is the house's; then, of the sides that hold a seat at the desk and take
this kind of work, those on shift with room; whoever decided here before keeps it; whoever relieves a long queue takes it;
else the lot says who, by shares. Where nobody is on shift, whoever begins next. Some side is always named.

The lot is the case's own, at every desk: each side's clock is set by the lot and the side, runs as fast as its share is
large, and the first to ring has the case. So a side that drops out leaves the others' cases where they are, and its own go
to the others in proportion to their shares; where shares change, no more cases move than must.
"""

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from math import log
from typing import Literal

import msgspec
from msgspec import Struct

from cases.states import APPROVAL

HOUSE = 0  # in place of a vendor's id
KEY = b"whose lot"


class Side(Struct, frozen=True, omit_defaults=True):
    """What is seen of one side at a desk, at one moment."""

    vendor: int
    name: str
    share: float  # of a hundred
    seats: int  # people with a seat for this desk
    here: int  # of them, not away
    there_from: datetime  # when somebody is next there; up to now: somebody is
    capacity: int | None = None  # open cases at once, over all desks
    open: int = 0
    languages: tuple[str, ...] = ()  # none named: every one
    skills: tuple[str, ...] = ()
    peak_minutes: int | None = None  # it takes more than its share where others' cases wait longer
    waiting: float = 0.0  # minutes, of the case that has waited longest with it, unclaimed

    @property
    def has_room(self) -> bool:
        return self.capacity is None or self.open < self.capacity


class Needs(Struct, frozen=True, omit_defaults=True):
    """What the case asks of whoever works it."""

    language: str | None = None  # None: the policy does not ask; "": it does, and the case does not say
    kinds: tuple[str, ...] = ()  # its segment, category and tags


class Facts(Struct, frozen=True, omit_defaults=True):
    """All that an allocation rests on; kept on the case with its answer."""

    desk: str
    at: datetime
    lot: float
    sides: tuple[Side, ...]
    needs: Needs = Needs()
    had: int | None = None  # the side that has it: to keep it where it may, or, in a sweep, to be relieved of it
    swept: Literal["", "queue", "shift"] = (
        ""  # not a new case at the desk: one that has waited long, or that a shift left behind
    )
    waited: float = 0.0  # minutes


class Allocation(Struct, frozen=True):
    """The answer: a side, the rule that named it, and a sentence."""

    side: int
    rule: str
    sentence: str

    @property
    def vendor_id(self) -> int | None:
        return self.side or None


# rule → its sentence. None names another side than the one that gets the case: a vendor may read them.
RULES = {
    "approval": "{it.name}: every approval is the house's.",
    "kept": "{it.name}, which had this case before and is on shift.",
    "peak": "{it.name}: cases have waited here for {it.longest} minutes, and above {it.peak} it takes more than its share.",
    "alone": "{it.name}, the only side on shift with room.",
    "lot": "{it.name}, by lot: its share is {it.share} %.",
    "next": "{it.name}: nobody with room is on shift, and it begins next, {it.begins}.",
    "beyond": "{it.name}, beyond its capacity of {it.capacity}: nobody else can take it.",
    "unfit": "{it.name}: nobody with a seat at this desk takes this language and kind of work.",
    "nobody": "{it.name}: nobody holds a seat at this desk. Give one.",
    "relieved": "{it.name}: it waited {it.waited} minutes elsewhere, and above {it.peak} {it.name} takes it over.",
    "left": "{it.name}: whoever had it is not there before {it.returns}, and it is due by then.",
    "deserted": "{it.name}: whoever had it has nobody at this desk any more.",
}
# what people and mandates say, with no facts to work it out from
SAID = {
    "handed": "{name}: somebody handed it over, with a reason.",
    "returned": "{name}: whoever decided took it back.",
    "ended": "In-house: the mandate of {name} does not cover it any more.",
}


def allocate(facts: Facts) -> Allocation:
    """Some side, always. The first of the rules that names one decides."""
    if facts.desk == APPROVAL:
        return _said("approval", _house(facts), facts)
    seated = [side for side in facts.sides if side.seats]
    fitting = [side for side in seated if not _misfit(side, facts.needs)]
    with_room = [side for side in fitting if side.has_room]
    ready = [side for side in with_room if side.there_from <= facts.at]
    if ready:
        return _among(ready, facts)
    if with_room:
        return _said("next", _first_there(with_room), facts)
    if fitting:
        there = [side for side in fitting if side.there_from <= facts.at]
        return _said("beyond", drawn(there, facts.lot) if there else _first_there(fitting), facts)
    return _said("unfit" if seated else "nobody", _house(facts), facts)


def take_over(facts: Facts) -> Allocation | None:
    """Who takes over what waits with another side: whoever takes more above an age, or is there while that side is not."""
    others = [side for side in facts.sides if side.vendor != facts.had and not why_not(side, facts)]
    if facts.swept == "queue":
        others = [side for side in others if relieves(side, facts.sides) and side.peak_minutes < facts.waited]
    if not others:
        return None
    had = _before(facts)
    rule = "relieved" if facts.swept == "queue" else "left" if had and had.seats else "deserted"
    return _said(rule, drawn(others, facts.lot), facts)


def said(rule: str, desk: str, at: datetime, *, side: Side, lot: float | None) -> dict:
    """What the case keeps where people said whose it is."""
    kept = {
        "desk": desk,
        "at": at.isoformat(),
        "side": side.vendor,
        "rule": rule,
        "sentence": SAID[rule].format(name=side.name),
    }
    return kept if lot is None else {**kept, "lot": lot}


def replayed(stored: dict) -> Allocation | None:
    """The same again, from what a case keeps. None: it was said, and not worked out."""
    if stored["rule"] in SAID:
        return None
    facts = read(stored)
    return take_over(facts) if facts.swept else allocate(facts)


def as_stored(facts: Facts, answer: Allocation) -> dict:
    """What the case keeps: the facts and the answer in one."""
    return {**msgspec.to_builtins(facts), **msgspec.to_builtins(answer)}


def drawn(sides: Sequence[Side], lot: float) -> Side:
    """The side whose clock rings first. A share of nothing takes part only where nobody has more."""
    if len(sides) == 1:
        return sides[0]
    with_share = [side for side in sides if side.share > 0] or sides
    return min(with_share, key=lambda side: (rings(lot, side.vendor, side.share or 1.0), side.vendor))


def rings(lot: float, vendor: int, share: float) -> float:
    """When this side's clock rings for this case: exponential, at the rate of its share."""
    number = int.from_bytes(hmac.digest(KEY, f"{lot!r} {vendor}".encode(), "sha256")[:7], "big")
    return -log((number + 0.5) / 2**56) / share


def _among(ready, facts):
    """Of the sides on shift with room: who had it, who relieves, else by lot."""
    for side in ready:
        if side.vendor == facts.had:
            return _said("kept", side, facts)
    if len(ready) == 1:
        return _said("alone", ready[0], facts)
    if relieving := [side for side in ready if relieves(side, facts.sides)]:
        return _said("peak", drawn(relieving, facts.lot), facts)
    return _said("lot", drawn(ready, facts.lot), facts)


def relieves(side: Side, sides: Sequence[Side]) -> bool:
    """Whether the others' cases wait longer than this side leaves them to, and its own do not."""
    peak = side.peak_minutes
    return peak is not None and side.waiting <= peak < _longest_elsewhere(side, sides)


def _longest_elsewhere(side, sides):
    return max((other.waiting for other in sides if other.vendor != side.vendor), default=0.0)


def _first_there(sides):
    """Who begins next; of those at once the house, then the larger share."""
    return min(sides, key=lambda side: (side.there_from, side.vendor != HOUSE, -side.share, side.vendor))


def _before(facts):
    return next((side for side in facts.sides if side.vendor == facts.had), None)


def _house(facts):
    return next(side for side in facts.sides if side.vendor == HOUSE)


def _said(rule, side, facts):
    return Allocation(side.vendor, rule, RULES[rule].format(it=_Told(side, facts)))


class _Told:
    """What the sentences name, worked out where one does."""

    def __init__(self, side, facts):
        self.side, self.facts, self.name = side, facts, side.name

    capacity = property(lambda self: self.side.capacity)
    peak = property(lambda self: self.side.peak_minutes)
    share = property(lambda self: f"{self.side.share:.4g}")
    begins = property(lambda self: moment(self.side.there_from))
    waited = property(lambda self: f"{self.facts.waited:.0f}")
    returns = property(lambda self: moment(_before(self.facts).there_from))
    longest = property(lambda self: f"{_longest_elsewhere(self.side, self.facts.sides):.0f}")


def moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%a %-d %b %Y, %H:%M} UTC"


# What is asked of a side


def _misfit(side: Side, needs: Needs) -> str:
    """Why it does not take this kind of work; empty where it does."""
    if side.languages and needs.language is not None and primary(needs.language) not in map(primary, side.languages):
        return f"does not work in {needs.language}" if needs.language else "works in named languages, and the case names none"
    if side.skills and not set(side.skills) & set(needs.kinds):
        return "does not take this kind of work"
    return ""


def primary(language: str) -> str:
    """“de-AT” is German."""
    return language.strip().lower().replace("_", "-").partition("-")[0]


def why_not(side: Side, facts: Facts) -> str:
    """What kept a side from taking part in the lot; empty where nothing did."""
    if facts.desk == APPROVAL:
        return "" if side.vendor == HOUSE else "never approves"
    if not side.seats:
        return "nobody holds a seat at this desk"
    if misfit := _misfit(side, facts.needs):
        return misfit
    if not side.has_room:
        return f"at its capacity of {side.capacity}"
    if side.there_from > facts.at:
        return f"{'off shift' if side.here else 'everybody away'} until {moment(side.there_from)}"
    return ""


def read(stored: dict) -> Facts:
    return msgspec.convert(stored, Facts, strict=False)
