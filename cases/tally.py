"""What a version would have made of past cases, counted beside what became of them. Pure: no database, no Django.

Half of it runs in processes of its own (`cases/replaying.py`), so all here goes over a pipe: structs and plain values.
"""

import json
from collections import Counter
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import Struct, field

from cases.facts import facts_of
from workflows.patterns import Rules
from workflows.routing import Compiled, Dial, Route, action_in, compile_policy, route
from workflows.triggers.history import Earlier

KEPT = 200  # changed cases that are shown one by one
STRAIGHT, SAMPLED, SAMPLED_HELD = "straight", "sampled", "sampled_held"  # the other ways are the desks
WAYS = (STRAIGHT, SAMPLED, SAMPLED_HELD, "review", "resolution", "approval")
BEFORE_APPROVAL = {STRAIGHT: [], SAMPLED: ["review"], SAMPLED_HELD: ["review"], "approval": []}  # elsewhere: the desk itself
NO_ACTION = {"type": "", "amount": None, "currency": "", "payee": ""}
DECODE = msgspec.json.Decoder().decode
CHANGED = ("corrected", "no_action", "rejected")  # closed as: a person said that it was not right as it was


class Draft(Struct, array_like=True):
    """A version of the rules, as a process is told of it; published or not, it is compiled anew for each replay."""

    rules: dict
    input_schema: dict
    output_schema: dict
    rates: list[tuple[str, str, float]] = []

    def compiled(self) -> Compiled:
        return compile_policy(msgspec.convert(self.rules, Rules, strict=False), self.input_schema, self.output_schema)

    def dial(self) -> Dial:
        """Never stopped: a replay asks what the rules say."""
        return Dial(False, {(tier, segment): rate for tier, segment, rate in self.rates})


class Past(Struct, array_like=True):
    """A case as it was received, routed and ended; JSON as the database's text, read where it is needed."""

    id: int
    input: str
    context: str | None
    output: str
    sent_action: str | None
    received_action: str | None
    confidence: float | None
    confidences: str | None
    alternatives: str | None
    segment: str
    channel: str
    customer_reference: str
    received_at: datetime
    draw: float
    sampled: bool
    sentence: str
    reasons: str
    routed: str
    closed_as: str
    was_edited: bool
    was_reworked: bool
    earlier: list[Earlier] = []


class Way(Struct):
    """Where a case went, or would go."""

    tier: str
    way: str
    approvals: int
    reason: str  # the name of what decided
    sentence: str

    @property
    def looked_at(self) -> bool:
        return self.way != STRAIGHT

    @property
    def looks(self) -> list[str]:
        """The desks at which somebody works it, as often as they do."""
        return BEFORE_APPROVAL.get(self.way, [self.way]) + ["approval"] * self.approvals


class Change(Struct):
    """One case that would take another way."""

    id: int
    was: Way
    now: Way


class Side(Struct):
    """The sums of one side: as it was, or under the version. Counters; over a pipe, dicts."""

    ways: dict[tuple[str, str], int] = field(default_factory=Counter)  # (tier, way)
    reasons: dict[str, int] = field(default_factory=Counter)  # what decided
    triggers: dict[str, int] = field(default_factory=Counter)  # that fired
    looks: dict[str, int] = field(default_factory=Counter)  # by desk
    approvals: int = 0  # cases that need one or more
    escapes: int = 0  # of what a person changed: would have gone, or did go, straight through

    def add(self, way: Way, fired: set[str], was_wrong: bool):
        self.ways[way.tier, way.way] += 1
        self.reasons[way.reason] += 1
        for name in fired:
            self.triggers[name] += 1
        for desk in way.looks:
            self.looks[desk] += 1
        self.approvals += way.approvals > 0
        self.escapes += was_wrong and not way.looked_at

    def join(self, other: "Side"):
        for name in ("ways", "reasons", "triggers", "looks"):
            getattr(self, name).update(getattr(other, name))
        self.approvals += other.approvals
        self.escapes += other.escapes


class Tally(Struct):
    """The sums of a replay, or of a part of one."""

    counted: int = 0
    was: Side = field(default_factory=Side)
    now: Side = field(default_factory=Side)
    wrong: int = 0  # a person changed or refused the output
    right: int = 0  # a person looked and let it stand
    looks_saved: int = 0  # of those let stand: nobody would look any more
    looks_added: int = 0  # went straight through, and somebody would look
    reworded: int = 0  # the same way for another reason
    changed: int = 0
    elsewhere: int = 0  # of those: not of another tier alone, but at another desk, or now at one or at none
    moves: dict[tuple[str, str, str, str, str], int] = field(default_factory=Counter)  # tier, way → tier, way, and the reason
    changes: list[Change] = []

    def add(self, past: Past, policy: Compiled, dial: Dial):
        anew = routed_again(past, policy, dial)
        reasons = DECODE(past.reasons)
        was, now = as_it_was(past, reasons), way_of(anew)
        wrong = past.closed_as in CHANGED or past.was_edited or past.was_reworked
        right = not wrong and past.closed_as == "released" and was.looked_at
        self.counted += 1
        self.was.add(was, fired(reasons), wrong)
        self.now.add(now, fired(anew.reasons), wrong)
        self.wrong += wrong
        self.right += right
        self.looks_saved += right and not now.looked_at
        self.looks_added += now.looked_at and not was.looked_at
        if (was.tier, was.way, was.approvals) != (now.tier, now.way, now.approvals):
            self._change(Change(past.id, was, now))
        elif was.reason != now.reason:
            self.reworded += 1

    def _change(self, change: Change):
        self.changed += 1
        was, now = change.was, change.now
        self.elsewhere += was.way != now.way
        self.moves[was.tier, was.way, now.tier, now.way, now.reason] += 1
        if len(self.changes) < KEPT:
            self.changes.append(change)

    def join(self, other: "Tally"):
        """Take in another part's sums."""
        self.was.join(other.was)
        self.now.join(other.now)
        for name in ("counted", "wrong", "right", "looks_saved", "looks_added", "reworded", "changed", "elsewhere"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.moves.update(other.moves)
        self.changes = sorted([*self.changes, *other.changes], key=lambda change: change.id)[:KEPT]

    def told(self) -> dict:
        """As JSON can keep it: what is counted by several words is a list of [words…, number], the most first."""
        sums = msgspec.structs.asdict(self) | {"was": _side(self.was), "now": _side(self.now)}
        moves = [[*words, n] for words, n in self.moves.most_common(100)]
        return msgspec.json.decode(msgspec.json.encode({**sums, "moves": moves}))


def _side(side: Side) -> dict:
    return {
        **msgspec.structs.asdict(side),
        "ways": [[tier, way, n] for (tier, way), n in sorted(side.ways.items())],
        "reasons": side.reasons.most_common(100),
        "triggers": side.triggers.most_common(),
    }


def routed_again(past: Past, policy: Compiled, dial: Dial) -> Route:
    """The route of a past case under this version, with its own draw."""
    output = DECODE(past.output)
    action, conflicts = action_in(output, _as_sent(past), policy.rules)
    facts = facts_of(
        input=DECODE(past.input),
        output=output,
        action=action,
        confidence=past.confidence,
        received_at=past.received_at,
        context=_read(past.context),
        confidences=_read(past.confidences),
        alternatives=_read(past.alternatives),
        segment=past.segment,
        channel=past.channel,
        customer_reference=past.customer_reference,
        earlier=past.earlier,
    )
    return route(facts, policy, dial, draw=past.draw, conflicts=conflicts)


def _as_sent(past: Past) -> dict:
    """The action as sent apart. Of cases from before that was kept, the action as it was read then."""
    sent = NO_ACTION | (_read(past.sent_action or past.received_action) or {})
    if sent["amount"] is not None:
        sent["amount"] = Decimal(str(sent["amount"]))
    return sent


def _read(text):
    return None if text is None else DECODE(text)


def as_it_was(past: Past, reasons: list[dict]) -> Way:
    born = DECODE(past.routed)
    way = _way(born["to"], past.sampled, born["released"])
    return Way(born["tier"], way, born["approvals"], deciding(past.sentence, reasons), past.sentence)


def way_of(anew: Route) -> Way:
    way = _way(anew.state, anew.sampled, anew.released)
    return Way(anew.tier, way, anew.approvals, deciding(anew.sentence, anew.reasons), anew.sentence)


def _way(to, sampled, released) -> str:
    if sampled:
        return SAMPLED if released else SAMPLED_HELD
    return STRAIGHT if to == "closed" else to


def deciding(sentence: str, reasons: list[dict]) -> str:
    """The name of the first reason whose words the sentence repeats; none held it where there is none."""
    for reason in reasons:
        if reason["says"] in sentence:
            return reason["name"]
    return "Straight through"


def fired(reasons: list[dict]) -> set[str]:
    return {reason["name"] for reason in reasons}


def document_of(draft: Draft) -> bytes:
    """The version's rules and schemas in one spelling, to tell whether two are the same."""
    return json.dumps([draft.rules, draft.input_schema, draft.output_schema], sort_keys=True).encode()
