"""Who works a case: the house or which vendor. The table is the specification; the rest says that the product does so."""

import hashlib
import hmac
import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from cases.allocation import HOUSE, Facts, Needs, Side, allocate, as_stored, replayed, why_not

ACME, BRIGHT = 7, 9
NAMES = {HOUSE: "In-house", ACME: "Acme", BRIGHT: "Bright"}
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
LATER, MUCH_LATER = NOW + timedelta(hours=3), NOW + timedelta(hours=9)
SHARES = {HOUSE: 50, ACME: 30, BRIGHT: 20}


def race(lot, shares):
    """Who wins by lot, written a second time from the specification: exponential clocks, the first to ring has it."""

    def rings(side):
        number = int.from_bytes(hmac.new(b"whose lot", f"{lot!r} {side}".encode(), hashlib.sha256).digest()[:7], "big")
        return -math.log((number + 0.5) / 2**56) / shares[side]

    return min(shares, key=rings)


LOTS = {side: next(n / 1000 for n in range(1000) if race(n / 1000, SHARES) == side) for side in SHARES}


def facts(*, desk="review", lot=ACME, at=NOW, had=None, needs=None, **changes):
    """Three sides on shift with room, but for what is said of each; `lot` names who would win it among all three."""
    usual = {"seats": 2, "here": 2, "there_from": NOW}
    sides = tuple(
        Side(
            vendor=side,
            name=NAMES[side],
            **{"share": SHARES[side], **usual, **changes.get(NAMES[side].lower().replace("-", "_"), {})},
        )
        for side in SHARES
    )
    return Facts(desk, at, LOTS[lot], sides, Needs(**(needs or {})), had)


OFF = {"there_from": LATER}
AWAY = {"here": 0, "there_from": LATER}
NO_SEAT = {"seats": 0, "here": 0}
FULL = {"capacity": 5, "open": 5}
SPANISH, GERMAN = {"languages": ("es",)}, {"languages": ("de", "fr")}
BY_LOT = "{}, by lot: its share is {} %."
ALONE = "{}, the only side on shift with room."
NEXT = "{}: nobody with room is on shift, and it begins next, Mon 1 Jun 2026, {}:00 UTC."
BEYOND = "{}, beyond its capacity of 5: nobody else can take it."
KEPT = "{}, which had this case before and is on shift."
UNFIT = "In-house: nobody with a seat at this desk takes this language and kind of work."

# what is so → whose it is, and the sentence
TABLE = {
    # shares
    "all are there and the lot is the house's": ({"lot": HOUSE}, HOUSE, BY_LOT.format("In-house", 50)),
    "all are there and the lot is Acme's": ({"lot": ACME}, ACME, BY_LOT.format("Acme", 30)),
    "all are there and the lot is Bright's": ({"lot": BRIGHT}, BRIGHT, BY_LOT.format("Bright", 20)),
    "the house has no share left": ({"lot": HOUSE, "in_house": {"share": 0}, "bright": NO_SEAT}, ACME, BY_LOT.format("Acme", 30)),
    "whoever has no share has it where nobody else is there": ({"in_house": {**OFF}, "acme": {"share": 0}, "bright": OFF}, ACME, ALONE.format("Acme")),
    "nobody has a share: all alike": ({"in_house": {"share": 0}, "acme": {"share": 0}, "bright": NO_SEAT}, None, None),
    "a share of a fraction is told": ({"acme": {"share": 33.25}}, ACME, BY_LOT.format("Acme", 33.25)),
    # roles
    "an approval is the house's, whatever the lot": ({"desk": "approval", "lot": ACME}, HOUSE, "In-house: every approval is the house's."),
    "an approval is the house's where it is off shift, too": ({"desk": "approval", "in_house": OFF}, HOUSE, "In-house: every approval is the house's."),
    "an approval is the house's where a vendor had it": ({"desk": "approval", "had": ACME}, HOUSE, "In-house: every approval is the house's."),
    "resolution goes by lot, too": ({"desk": "resolution", "lot": BRIGHT}, BRIGHT, BY_LOT.format("Bright", 20)),
    "without a seat at the desk a vendor takes no part": ({"lot": ACME, "acme": NO_SEAT, "bright": NO_SEAT}, HOUSE, ALONE.format("In-house")),
    "without a seat of the house a vendor has all": ({"lot": HOUSE, "in_house": NO_SEAT, "bright": NO_SEAT}, ACME, ALONE.format("Acme")),
    "nobody anywhere has a seat": ({"in_house": NO_SEAT, "acme": NO_SEAT, "bright": NO_SEAT}, HOUSE, "In-house: nobody holds a seat at this desk. Give one."),
    # coverage
    "off shift, Acme takes no part": ({"lot": ACME, "acme": OFF, "bright": OFF}, HOUSE, ALONE.format("In-house")),
    "by night the vendor on shift has it": ({"lot": HOUSE, "in_house": OFF, "bright": OFF}, ACME, ALONE.format("Acme")),
    "two on shift share the third's": ({"lot": HOUSE, "in_house": OFF}, None, None),
    "a shift that begins this very moment is on": ({"lot": ACME, "acme": {"there_from": NOW}}, ACME, BY_LOT.format("Acme", 30)),
    "nobody is on shift: whoever begins next": ({"lot": HOUSE, "in_house": {"there_from": MUCH_LATER}, "acme": {"there_from": MUCH_LATER}, "bright": OFF}, BRIGHT, NEXT.format("Bright", 12)),
    "nobody is on shift and two begin at once: the house": ({"lot": ACME, "in_house": OFF, "acme": OFF, "bright": OFF}, HOUSE, NEXT.format("In-house", 12)),
    "nobody is on shift and two begin at once: the house with the smaller share, too": ({"lot": ACME, "in_house": {**OFF, "share": 10}, "acme": OFF, "bright": NO_SEAT}, HOUSE, NEXT.format("In-house", 12)),
    "nobody is on shift and two vendors begin at once: the larger share": ({"lot": BRIGHT, "in_house": {"there_from": MUCH_LATER}, "acme": OFF, "bright": OFF}, ACME, NEXT.format("Acme", 12)),
    "nobody is on shift: what the lot says does not matter": ({"lot": BRIGHT, "in_house": OFF, "acme": {"there_from": MUCH_LATER}, "bright": {"there_from": MUCH_LATER}}, HOUSE, NEXT.format("In-house", 12)),
    # absence
    "everybody of Acme is away": ({"lot": ACME, "acme": AWAY, "bright": OFF}, HOUSE, ALONE.format("In-house")),
    "somebody of Acme is away, another is there": ({"lot": ACME, "acme": {"here": 1}}, ACME, BY_LOT.format("Acme", 30)),
    "everybody is away: whoever is back first": ({"in_house": {"here": 0, "there_from": MUCH_LATER}, "acme": AWAY, "bright": NO_SEAT}, ACME, NEXT.format("Acme", 12)),
    # capacity
    "one place is left": ({"lot": ACME, "acme": {"capacity": 5, "open": 4}}, ACME, BY_LOT.format("Acme", 30)),
    "beyond its capacity it goes to whoever is on shift": ({"lot": ACME, "acme": FULL, "bright": OFF}, HOUSE, ALONE.format("In-house")),
    "more than its capacity is none either": ({"lot": ACME, "acme": {"capacity": 5, "open": 9}, "bright": OFF}, HOUSE, ALONE.format("In-house")),
    "a capacity of nothing is none": ({"lot": ACME, "acme": {"capacity": 0}, "bright": OFF}, HOUSE, ALONE.format("In-house")),
    "full, and the house is off shift: the house still, which has room": ({"in_house": OFF, "acme": FULL, "bright": NO_SEAT}, HOUSE, NEXT.format("In-house", 12)),
    "full, and nobody else has a seat: beyond its capacity": ({"in_house": NO_SEAT, "acme": FULL, "bright": NO_SEAT}, ACME, BEYOND.format("Acme")),
    "all are full: whoever is on shift": ({"in_house": NO_SEAT, "acme": FULL, "bright": {**FULL, **OFF}}, ACME, BEYOND.format("Acme")),
    "all are full and off shift: whoever begins next": ({"in_house": NO_SEAT, "acme": {**FULL, "there_from": MUCH_LATER}, "bright": {**FULL, **OFF}}, BRIGHT, BEYOND.format("Bright")),
    # languages and skills
    "who names no language takes every one": ({"needs": {"language": "fi"}}, ACME, BY_LOT.format("Acme", 30)),
    "the case's language is one of Acme's": ({"needs": {"language": "es"}, "acme": SPANISH}, ACME, BY_LOT.format("Acme", 30)),
    "a country's kind of a language is that language": ({"needs": {"language": "es-MX"}, "acme": SPANISH}, ACME, BY_LOT.format("Acme", 30)),
    "the case's language is none of Acme's": ({"needs": {"language": "it"}, "acme": SPANISH, "bright": GERMAN}, HOUSE, ALONE.format("In-house")),
    "a case that does not say its language is for those who take all": ({"needs": {"language": ""}, "acme": SPANISH, "bright": GERMAN}, HOUSE, ALONE.format("In-house")),
    "where the policy asks for no language, none is needed": ({"acme": SPANISH, "bright": GERMAN}, ACME, BY_LOT.format("Acme", 30)),
    "a tag is one of Acme's skills": ({"needs": {"kinds": ("retail", "card")}, "acme": {"skills": ("card", "loan")}}, ACME, BY_LOT.format("Acme", 30)),
    "nothing of the case is one of Acme's skills": ({"needs": {"kinds": ("retail",)}, "acme": {"skills": ("card",)}, "bright": OFF}, HOUSE, ALONE.format("In-house")),
    "a language that only the house has waits for it": ({"needs": {"language": "it"}, "in_house": OFF, "acme": SPANISH, "bright": GERMAN}, HOUSE, NEXT.format("In-house", 12)),
    "nobody with a seat takes it": ({"needs": {"language": "it"}, "in_house": NO_SEAT, "acme": SPANISH, "bright": GERMAN}, HOUSE, UNFIT),
    # peaks
    "cases wait longer than Acme leaves them to": ({"lot": HOUSE, "acme": {"peak_minutes": 60}, "in_house": {"waiting": 95.4}}, ACME, "Acme: cases have waited here for 95 minutes, and above 60 it takes more than its share."),
    "just as long is not longer": ({"lot": HOUSE, "acme": {"peak_minutes": 60}, "in_house": {"waiting": 60}}, HOUSE, BY_LOT.format("In-house", 50)),
    "its own cases wait longer: it relieves nobody": ({"lot": HOUSE, "acme": {"peak_minutes": 60, "waiting": 61}, "in_house": {"waiting": 95}}, HOUSE, BY_LOT.format("In-house", 50)),
    "in a peak, too, not beyond its capacity": ({"lot": HOUSE, "acme": {"peak_minutes": 60, **FULL}, "in_house": {"waiting": 95}}, HOUSE, BY_LOT.format("In-house", 50)),
    "in a peak, too, not off shift": ({"lot": HOUSE, "acme": {"peak_minutes": 60, **OFF}, "in_house": {"waiting": 95}}, HOUSE, BY_LOT.format("In-house", 50)),
    # who had it
    "whoever had it keeps it, whatever the lot": ({"lot": HOUSE, "had": ACME}, ACME, KEPT.format("Acme")),
    "the house keeps it, too": ({"lot": ACME, "had": HOUSE}, HOUSE, KEPT.format("In-house")),
    "whoever had it is off shift": ({"lot": HOUSE, "had": ACME, "acme": OFF, "bright": OFF}, HOUSE, ALONE.format("In-house")),
    "whoever had it is full": ({"lot": HOUSE, "had": ACME, "acme": FULL, "bright": OFF}, HOUSE, ALONE.format("In-house")),
    "whoever had it has no seat at this desk": ({"lot": HOUSE, "had": ACME, "acme": NO_SEAT, "bright": OFF}, HOUSE, ALONE.format("In-house")),
    "whoever had it is no side any more": ({"lot": HOUSE, "had": 99}, HOUSE, BY_LOT.format("In-house", 50)),
    "whoever had it keeps it in a peak": ({"lot": HOUSE, "had": BRIGHT, "acme": {"peak_minutes": 60}, "in_house": {"waiting": 95}}, BRIGHT, KEPT.format("Bright")),
}  # fmt: skip


@pytest.mark.parametrize("what", TABLE)
def test_whose_a_case_is(what):
    so, side, sentence = TABLE[what]
    seen = facts(**so)

    answer = allocate(seen)

    if side is not None:
        assert (answer.side, answer.sentence) == (side, sentence)
    else:
        there = {each.vendor: each.share or 1 for each in seen.sides if not why_not(each, seen)}
        assert len(there) == 2 and answer.side == race(seen.lot, there) and answer.rule == "lot"


@pytest.mark.parametrize("what", TABLE)
def test_what_a_case_keeps_gives_the_same_answer_again(what):
    seen = facts(**TABLE[what][0])
    answer = allocate(seen)

    assert replayed(as_stored(seen, answer)) == answer


def test_the_table_is_long_enough_and_knows_every_rule():
    rules = {allocate(facts(**so)).rule for so, _, _ in TABLE.values()}

    assert len(TABLE) >= 40 and rules == {"approval", "kept", "peak", "alone", "lot", "next", "beyond", "unfit", "nobody"}


LEFT_OUT = {
    "nobody holds a seat at this desk": NO_SEAT,
    "off shift until Mon 1 Jun 2026, 12:00 UTC": OFF,
    "everybody away until Mon 1 Jun 2026, 12:00 UTC": AWAY,
    "at its capacity of 5": FULL,
    "does not work in it": SPANISH,
    "does not take this kind of work": {"skills": ("card",)},
    "": {},
}


@pytest.mark.parametrize("why", LEFT_OUT)
def test_of_every_side_is_told_what_kept_it_out(why):
    seen = facts(acme=LEFT_OUT[why], needs={"language": "it"} if LEFT_OUT[why] is SPANISH else {})

    assert why_not(seen.sides[1], seen) == why


# shares, and what a side that drops out moves


def many(**so):
    """Whose each of 20,000 cases is."""
    random = Random(1)
    seen = facts(**so)
    return [allocate(Facts(seen.desk, seen.at, random.random(), seen.sides)).side for _ in range(20_000)]


def within_the_random_error(count, of, share, errors=4.5):
    return abs(count - of * share) <= errors * math.sqrt(of * share * (1 - share))


def test_shares_are_as_agreed_within_the_random_error():
    counts = Counter(many())

    assert all(within_the_random_error(counts[side], 20_000, share / 100) for side, share in SHARES.items())


@pytest.mark.long
@pytest.mark.parametrize("gone", ["in_house", "acme", "bright"])
def test_a_side_that_drops_out_moves_its_own_cases_only_and_to_the_others_by_their_shares(gone):
    whose = next(side for side, name in NAMES.items() if name.lower().replace("-", "_") == gone)
    before, after = many(), many(**{gone: OFF})

    moved = Counter(now for was, now in zip(before, after, strict=True) if was == whose)
    left = {side: share for side, share in SHARES.items() if side != whose}

    assert all(was == now for was, now in zip(before, after, strict=True) if was != whose)
    assert all(within_the_random_error(moved[side], moved.total(), share / sum(left.values())) for side, share in left.items())


def test_a_share_that_grows_takes_from_the_others_and_moves_nothing_between_them():
    before, after = many(), many(acme={"share": 60})

    assert {now for was, now in zip(before, after, strict=True) if was != now} == {ACME}


# intake
