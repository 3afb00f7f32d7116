"""How an allocation reads: the sentence, and to the house how each side stood and whether the facts say the same again. Pure."""

from typing import NamedTuple

from django.utils.translation import gettext

from audit.phrases import retold
from cases.allocation import SAID, Facts, Side, moment, read, replayed, why_not


class Stood(NamedTuple):
    """One side, as it was seen."""

    name: str
    share: str
    room: str
    there: str
    out: str  # what kept it from taking part; empty where nothing did
    has_it: bool


def told(kept: dict | None, *, to_the_house: bool) -> dict | None:
    """A vendor's people read why they have it, and nothing of the other sides."""
    if kept is None:
        return None
    if not to_the_house:
        return {"sentence": kept["sentence"]}
    if kept["rule"] in SAID:
        return {"sentence": kept["sentence"], "rule": kept["rule"], "sides": [], "again": None}
    facts, again = read(kept), replayed(kept)
    same = again is not None and (again.side, again.rule, again.sentence) == (kept["side"], kept["rule"], kept["sentence"])
    sides = [_stood(side, facts, kept["side"]) for side in facts.sides] if facts.desk != "approval" else []
    return {
        "sentence": kept["sentence"],
        "rule": kept["rule"],
        "sides": sides,
        "again": same,
        "asks": _asks(facts),
        "at": facts.at,
    }


def _stood(side: Side, facts: Facts, has_it: int) -> Stood:
    room = (
        gettext("no limit")
        if side.capacity is None
        else gettext("{max} of {capacity}").format(max=max(side.capacity - side.open, 0), capacity=side.capacity)
    )
    there = (
        gettext("{here} of {seats}").format(here=side.here, seats=side.seats)
        if side.there_from <= facts.at
        else gettext("from {moment}").format(moment=moment(side.there_from))
    )
    there = there if side.seats else gettext("nobody")
    return Stood(retold(side.name), f"{side.share:.4g} %", room, there, why_not(side, facts), side.vendor == has_it)


def _asks(facts: Facts) -> str:
    """What the case asked of whoever works it; empty where nothing."""
    language = facts.needs.language
    said = (
        []
        if language is None
        else [gettext("the language {language}").format(language=language) if language else gettext("an unnamed language")]
    )
    return " and ".join(
        [
            *said,
            *([gettext("one of the kinds {kinds}").format(kinds=", ".join(facts.needs.kinds))] if facts.needs.kinds else []),
        ]
    )
