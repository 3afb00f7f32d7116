"""Which desk, and why. Pure: facts × policy × dial × draw → Route; no database, no clock, no chance of its own.

Precedence, as in docs/lifecycle.md: what the output is risks first (tier, approval), for every case; then one rule
chooses the desk; then sampling, the stop switch. Every reason is kept in words with the facts it saw.
"""

import hmac
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import jsonschema_rs

from workflows import money
from workflows.patterns import FLOOR, LOWEST_FLOOR, ONE_APPROVAL, RANK, Chain, Rules, Tier, TierRule
from workflows.triggers import MISSING, REMEMBERED, Facts, Fires, Heard, Trigger, look
from workflows.triggers.wording import widest, words_at

# What makes an output an exception, whatever its tier: the kind of reason → the category it has where its trigger names none.
EXCEPTIONS = {
    "schema": "formatting",
    "required_fields": "missing-data",
    "conflict": "policy-conflict",
    "duplicate": "duplicate",
}
LOOKING_BACK = ("duplicate", "repeat_contact")
NO_TEXT = (bool, dict, list)
READING = ("keywords", "promises")  # look for words under a path


@dataclass(frozen=True, slots=True)
class Dial:
    """What may turn between two cases of one policy version: the stop switch and the rates that differ from the policy's."""

    stopped: bool = False
    rates: dict[tuple[str, str], float] = field(default_factory=dict)  # (tier, segment or "") → rate


class Ready(NamedTuple):
    """A trigger made ready. One with clues is asked only of a case with one of them under its path."""

    trigger: Trigger
    fires: Fires
    path: str
    clues: frozenset[str]


@dataclass(slots=True)
class Compiled:
    """One policy version, ready to route: validators and triggers prepared once."""

    rules: Rules
    input: Any
    output: Any
    triggers: list[Ready]
    scorecard: int | None
    looks_back: int = 0  # days: the longest that a trigger on earlier cases asks for; 0 where none does
    read: frozenset[str] = frozenset()  # the paths at which triggers have clues
    widest: dict[str, str] = field(default_factory=dict)  # of the paths whose words are looked for
    types: dict[str, list[str]] = field(default_factory=dict)  # that the policy names, by how they read without capitals
    segments: dict[str, list[str]] = field(default_factory=dict)  # so, too
    names_fields: bool = False  # the output's schema does: then there is something to answer before the AI's is seen
    input_schema: dict = field(default_factory=dict)  # as they were given, for whoever calls fields by their titles
    output_schema: dict = field(default_factory=dict)


@dataclass(slots=True)
class Route:
    """What the policy says of one output."""

    state: str  # review, resolution, approval or closed
    released: bool  # it may take effect now
    tier: Tier
    requires_approval: bool
    probability: float  # that a person looks at it, before the draw was known
    draw: float
    sampled: bool
    sentence: str
    reasons: list[dict]  # each: name, kind, says, and the facts it saw
    category: str = ""
    tags: list[str] = field(default_factory=list)
    chain: Chain | None = None  # the approvals it needs; None where it needs none

    @property
    def counted_as(self) -> str:
        """Straight through or held, before the sampling draw."""
        return "straight" if self.state == "closed" or self.sampled else "held"

    @property
    def approvals(self) -> int:
        """How many it needs."""
        return self.chain.people if self.chain else 0


def compile_policy(rules: Rules, input_schema: dict, output_schema: dict) -> Compiled:
    """Validators and triggers made ready. Raises ValueError where a schema is no JSON Schema."""
    return Compiled(
        rules,
        jsonschema_rs.validator_for(input_schema or {}, validate_formats=True),
        jsonschema_rs.validator_for(output_schema or {}, validate_formats=True),
        triggers := [_ready(trigger) for trigger in rules.triggers],
        rules.scorecard,
        max((trigger.days for trigger in rules.triggers if kind_of(trigger) in LOOKING_BACK), default=0),
        frozenset(each.path for each in triggers if each.clues),
        widest(trigger.within for trigger in rules.triggers if kind_of(trigger) in READING),
        _by_plain(rules.action_types + [name for each in rules.triggers if kind_of(each) == "action" for name in each.types]),
        _by_plain(rules.segments),
        isinstance(named := (output_schema or {}).get("properties"), dict) and bool(named),
        input_schema or {},
        output_schema or {},
    )


def _by_plain(names) -> dict[str, list[str]]:
    plain = {}
    for name in names:
        plain.setdefault(_without_capitals(name), []).append(name)
    return plain


def _without_capitals(name: str) -> str:
    return name.strip().casefold()


def _ready(trigger: Trigger) -> Ready:
    clues = trigger.clues
    return Ready(trigger, trigger.prepare(), trigger.within if clues else "", clues)


def kind_of(trigger: Trigger) -> str:
    return trigger.__struct_config__.tag


def draw(secret: bytes, external_id: str) -> float:
    """The case's lot in [0, 1): the same at every retry and replay, and nobody without the secret can shop for a lucky one."""
    return int.from_bytes(hmac.digest(bytes(secret), external_id.encode(), "sha256")[:7], "big") / 2**56


def action_in(output: Any, sent: dict, rules: Rules) -> tuple[dict, list[str]]:
    """The action that this output proposes, and what is in conflict between the output and the action sent apart."""
    action, conflicts = dict(sent), []
    for name in ("type", "amount", "currency", "payee"):
        path = getattr(rules.action_from, name)
        if not path:
            continue
        value = look(output, path.split("."))
        if value is MISSING or value is None or (isinstance(value, NO_TEXT) and name != "amount"):
            continue
        value = _amount(value) if name == "amount" else str(value)
        if action[name] not in ("", None) and action[name] != value:
            conflicts.append(f"the action's {name} is “{action[name]}”, the output's “{value}”")
        action[name] = value
    if says := money.fault(action["amount"], action["currency"]):
        conflicts.append(says.rstrip("."))
        if sent["amount"] is not None and money.fault(sent["amount"], sent["currency"]) is None:
            action |= {"amount": sent["amount"], "currency": sent["currency"]}  # no risk falls by what cannot be read
        else:
            action["amount"] = None
            if action["currency"] not in money.currencies():
                action["currency"] = ""
    if action["amount"] is not None:
        action["amount"] = _plain(action["amount"])
    return action, conflicts


def route(facts: Facts, policy: Compiled, dial: Dial, *, draw: float, conflicts: list[str] = ()) -> Route:
    """Route one output. `facts["action"]` is what `action_in` gave; `draw` in [0, 1); `conflicts` phrases, if any."""
    rules, facts = policy.rules, {**facts, REMEMBERED: Heard(policy.widest)}
    reasons = [*_schema_faults(facts, policy), *_conflicts([*conflicts, *_otherwise_spelt(facts, policy)])]
    fired = _fired(facts, policy)
    reasons += [reason for _, reason in fired]
    tier, tier_reason = _risk(facts, rules, fired)
    rule = rules.tiers[tier]
    requires_approval = rule.pattern == "approval"
    state, why, decider = _desk(facts, rule, tier, requires_approval, reasons, fired, tier_reason)
    rate = _rate(rule, tier, facts["segment"], dial)
    sampled = state == "closed" and draw < rate
    if state == "closed" and dial.stopped:
        state, why, sampled, rate = "review", "the workflow is stopped", False, 1.0
        reasons.append({"name": "Stop switch", "kind": "stop", "says": why})
    elif state != "closed":
        rate = 1.0
        if decider is None or (requires_approval and decider["kind"] not in EXCEPTIONS):
            reasons.append({"name": rule.pattern.capitalize(), "kind": rule.pattern, "says": why})
    held = state != "closed" or (sampled and rule.sampled == "held")
    return Route(
        state="review" if sampled else state,
        released=not held,
        tier=tier,
        requires_approval=requires_approval,
        probability=rate,
        draw=draw,
        sampled=sampled,
        sentence=_sentence(state, why, sampled, held, rate),
        reasons=reasons,
        category=_category(decider, fired),
        tags=list(dict.fromkeys(trigger.tag for trigger, _ in fired if trigger.tag)),
        chain=chain_for(facts["action"], tier, rules) if requires_approval else None,
    )


def chain_for(action: dict, tier: Tier, rules: Rules) -> Chain:
    """The approvals that this action needs at this tier, one where no chain of the policy holds. A chain that names a tier holds for any higher one too."""
    taken = ONE_APPROVAL
    for chain in rules.chains:
        if _holds(chain, action, tier) and (taken is ONE_APPROVAL or chain.people >= taken.people):
            taken = chain
    return taken


def _holds(chain: Chain, action: dict, tier: Tier) -> bool:
    if chain.action_type and chain.action_type != action["type"]:
        return False
    if chain.currency and chain.currency != action["currency"]:
        return False
    if chain.amount is not None and (action["amount"] is None or action["amount"] < chain.amount):
        return False
    return chain.tier is None or RANK[tier] >= RANK[chain.tier]


def _fired(facts: Facts, policy: Compiled) -> list[tuple[Trigger, dict]]:
    """The triggers that fire, in the policy's order, each with its reason. What one says keeps no other from being asked."""
    said = {path: words_at(facts, path) for path in policy.read}
    return [
        (trigger, {"name": trigger.name, "kind": kind_of(trigger), **seen})
        for trigger, fires, path, clues in policy.triggers
        if not (clues and clues.isdisjoint(said[path])) and (seen := fires(facts)) is not None
    ]


def at_odds_anew(policy: Compiled, before: Facts, after: Facts) -> list[dict]:
    """Of the triggers that hold two values against each other, the reasons of those that fire after a change and did not before it."""
    before, after = ({**facts, REMEMBERED: Heard(policy.widest)} for facts in (before, after))
    return [
        {"name": trigger.name, "kind": kind_of(trigger), **seen}
        for trigger, fires, *_ in policy.triggers
        if trigger.compares and (seen := fires(after)) is not None and fires(before) is None
    ]


def _schema_faults(facts: Facts, policy: Compiled) -> list[dict]:
    """One reason per side whose schema is broken: cheap test first, the words only where it fails."""
    faults = []
    for side, validator in (("input", policy.input), ("output", policy.output)):
        if not validator.is_valid(facts[side]):
            error = next(iter(validator.iter_errors(facts[side])))
            where = ".".join(map(str, [side, *error.instance_path]))
            missing = "required property" in error.message
            faults.append(
                {
                    "name": "Schema",
                    "kind": "schema",
                    "at": where,
                    "says": f"{where} breaks the schema ({_short(error.message)})",
                    "category": "missing-data" if missing else "formatting",
                }
            )
    return faults


def _conflicts(conflicts) -> list[dict]:
    return [{"name": "Conflict", "kind": "conflict", "says": _short(says), "category": "policy-conflict"} for says in conflicts]


def _otherwise_spelt(facts: Facts, policy: Compiled):
    """A rule on “refund” is not for “Refund”: whoever wrote it meant both, so such an output goes past no rule unseen."""
    for what, said, known in (
        ("action", facts["action"]["type"], policy.types),
        ("segment", facts["segment"], policy.segments),
    ):
        if said and said not in (spelt := known.get(_without_capitals(said), (said,))):
            yield f"the {what} is “{said}”, and the policy writes “{spelt[0]}”"


def _risk(facts: Facts, rules: Rules, fired) -> tuple[Tier, str]:
    """The highest of the default tier, the segment's, the action type's, the amount's band and the triggers'; what made it so."""
    tier, action = rules.default_tier, facts["action"]
    raising = [(rules.segment_tiers.get(facts["segment"]), "the segment is “{}”".format, facts["segment"])]
    if action["type"]:
        raising.append((rules.action_tiers.get(action["type"]), "the action is “{}”".format, action["type"]))
    if action["amount"] is not None:
        for band in rules.amount_bands:
            if band.currency == action["currency"] and action["amount"] >= band.amount:
                raising.append((band.tier, _at_or_above, action, band))
    for trigger, reason in fired:
        raising.append((trigger.raises, str, reason["says"]))
    words = None
    for raised, *saying in raising:
        if raised and RANK[raised] > RANK[tier]:
            tier, words = raised, saying
    return tier, words[0](*words[1:]) if words else ""


def _at_or_above(action: dict, band) -> str:
    amount, least = (money.readable(x, band.currency) for x in (action["amount"], band.amount))
    return f"{amount} is at or above {least}"


def _desk(facts, rule: TierRule, tier, requires_approval, reasons, fired, tier_reason) -> tuple[str, str, dict | None]:
    """The one rule that chooses the desk, its reason as a phrase, and the reason that decided, where it was not the tier's rule."""
    if broken := next((reason for reason in reasons if reason["kind"] in EXCEPTIONS), None):
        return "resolution", broken["says"], broken
    desk, sender = _sent_to(fired)
    if requires_approval:
        why = f"{tier} risk needs an approval" + (f": {tier_reason}" if tier_reason else "")
        return ("review" if rule.review_first or desk == "review" else desk or "approval"), why, sender
    if desk:
        return desk, sender["says"], sender
    if rule.pattern == "threshold":
        return *_by_confidence(facts, rule, tier), None
    return "closed", f"{tier} risk goes straight through", None


def _sent_to(fired) -> tuple[str | None, dict | None]:
    """The desk that triggers ask for, and the reason of the first that does. Resolution goes before review."""
    for desk in ("resolution", "review"):
        for trigger, reason in fired:
            if trigger.desk == desk:
                return desk, reason
    return None, None


def _by_confidence(facts, rule: TierRule, tier) -> tuple[str, str]:
    confidence, threshold = facts["confidence"], rule.thresholds.get(facts["segment"], rule.threshold)
    if confidence is None:
        return rule.below, "no usable confidence was given"
    if confidence < threshold:
        return rule.below, f"confidence {confidence:.4g} is below {threshold:.4g} ({tier} risk)"
    for name, least in rule.field_thresholds.items():
        own = facts["confidences"].get(name)
        if own is None:
            return rule.below, f"no usable confidence in {name} was given"
        if own < least:
            return rule.below, f"confidence in {name} {own:.4g} is below {least:.4g} ({tier} risk)"
    return "closed", f"confidence {confidence:.4g} is at or above {threshold:.4g} ({tier} risk)"


def _category(decider: dict | None, fired) -> str:
    """What kind of exception it is: the deciding reason's own, else the first that a trigger names."""
    named = {id(reason): trigger.category for trigger, reason in fired if trigger.category}
    if decider is not None and decider["kind"] in EXCEPTIONS:
        return named.get(id(decider)) or decider.get("category") or EXCEPTIONS[decider["kind"]]
    return named.get(id(decider)) or next(iter(named.values()), "")


def _rate(rule: TierRule, tier, segment, dial: Dial) -> float:
    """The stratum's rate: the dial's own for this segment, the policy's for it, the dial's for the tier, the policy's.

    Never under the floor that the policy names; where it names none, under the default floor or the policy's own rate.
    """
    own = rule.sample_rates.get(segment)
    rate = rule.sample_rate if own is None else own
    turned = dial.rates.get((tier, segment), dial.rates.get((tier, "")) if own is None else None)
    return max(rate if turned is None else turned, floor_of(rule, rate))


def floor_of(rule: TierRule, rate: float) -> float:
    """The least that a dial may turn a stratum to, whose rate by the policy is `rate`."""
    return max(min(FLOOR, rate) if rule.sample_floor is None else rule.sample_floor, LOWEST_FLOOR)


def _sentence(state, why, sampled, held, rate) -> str:
    if sampled:
        what = "Held" if held else "Released"
        return f"{what} and drawn for a sampled look (rate {rate:.4g}): {why}."
    return f"{'Straight through' if state == 'closed' else f'Held for {state}'}: {why}."


def _amount(value) -> Decimal:
    """NaN for what is none; of the two that Decimal knows, the one that can be compared."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return Decimal("NaN")
    return amount if amount.is_finite() else Decimal("NaN")


def _plain(amount: Decimal) -> Decimal:
    """1E+3 is read by nobody: 1000. Nothing is 0, though somebody wrote it with a million places."""
    return Decimal(f"{amount:f}") if amount else Decimal(0)


def _short(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
