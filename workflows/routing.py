"""Which desk, and why. Pure: facts × policy × dial × draw → Route; no database, no clock, no chance of its own.

Precedence, as in docs/lifecycle.md: what the output is risks first (tier, approval), for every case; then one rule
chooses the desk; then sampling, the stop switch. Every reason is kept in words with the facts it saw.
"""

import hmac
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import jsonschema_rs

from workflows import money
from workflows.patterns import ONE_APPROVAL, RANK, Chain, Rules, Tier, TierRule
from workflows.triggers import MISSING, Facts, Fires, Trigger, look


@dataclass(frozen=True, slots=True)
class Dial:
    """What may turn between two cases of one policy version: the stop switch and the rates that differ from the policy's."""

    stopped: bool = False
    rates: dict[tuple[str, str], float] = field(default_factory=dict)  # (tier, segment or "") → rate


@dataclass(slots=True)
class Compiled:
    """One policy version, ready to route: validators and triggers prepared once."""

    rules: Rules
    input: Any
    output: Any
    triggers: list[tuple[Trigger, Fires]]
    scorecard: int | None


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


def compile_policy(rules: Rules, input_schema: dict, output_schema: dict) -> Compiled:
    """Validators and triggers made ready. Raises ValueError where a schema is no JSON Schema."""
    return Compiled(
        rules,
        jsonschema_rs.validator_for(input_schema or {}, validate_formats=True),
        jsonschema_rs.validator_for(output_schema or {}, validate_formats=True),
        [(trigger, trigger.prepare()) for trigger in rules.triggers],
        rules.scorecard,
    )


def draw(secret: bytes, external_id: str) -> float:
    """The case's lot in [0, 1): the same at every retry and replay, and nobody without the secret can shop for a lucky one."""
    return int.from_bytes(hmac.digest(bytes(secret), external_id.encode(), "sha256")[:7], "big") / 2**56


def action_in(output: Any, sent: dict, rules: Rules) -> tuple[dict, list[str]]:
    """The action that this output proposes, and what is in conflict between the output and the action sent apart."""
    action, conflicts = dict(sent), []
    for name in ("type", "amount", "currency", "payee"):
        path = getattr(rules.action_from, name)
        value = look(output, path.split(".")) if path else MISSING
        if value is MISSING or value is None or isinstance(value, bool | dict | list):
            continue
        value = _amount(value) if name == "amount" else str(value)
        if action[name] not in ("", None) and action[name] != value:
            conflicts.append(f"the action's {name} is “{action[name]}”, the output's “{value}”")
        action[name] = value
    if says := money.fault(action["amount"], action["currency"]):
        conflicts.append(says.rstrip("."))
        action["amount"] = None
        if action["currency"] not in money.currencies():
            action["currency"] = ""
    return action, conflicts


def route(facts: Facts, policy: Compiled, dial: Dial, *, draw: float, conflicts: list[str] = ()) -> Route:
    """Route one output. `facts["action"]` is what `action_in` gave; `draw` in [0, 1); `conflicts` phrases, if any."""
    rules = policy.rules
    reasons = [*_schema_faults(facts, policy), *_conflicts(conflicts)]
    category = reasons[0]["category"] if reasons else ""
    broken, desk, tags = bool(reasons), None, []
    tier, tier_reason = _risk_of_the_action(facts["action"], rules)
    for trigger, fires in policy.triggers:
        if (seen := fires(facts)) is None:
            continue
        reasons.append({"name": trigger.name, "kind": trigger.__struct_config__.tag, **seen})
        category = category or trigger.category or ("missing-data" if "absent" in seen else "")
        broken = broken or "absent" in seen
        if trigger.raises and RANK[trigger.raises] > RANK[tier]:
            tier, tier_reason = trigger.raises, seen["says"]
        if trigger.desk and desk != "resolution":
            desk = trigger.desk
        if trigger.tag:
            tags.append(trigger.tag)
    rule = rules.tiers[tier]
    requires_approval = rule.pattern == "approval"
    state, why = _desk(facts, rule, tier, requires_approval, broken, desk, reasons, tier_reason)
    rate = _rate(rule, tier, facts["segment"], dial)
    sampled = state == "closed" and draw < rate
    if state == "closed" and dial.stopped:
        state, why, sampled, rate = "review", "the workflow is stopped", False, 1.0
        reasons.append({"name": "Stop switch", "kind": "stop", "says": why})
    elif state != "closed":
        rate = 1.0
        if not broken and not desk:
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
        sentence=_sentence(state, why, sampled, held, rate, tier),
        reasons=reasons,
        category=category,
        tags=tags,
        chain=chain_for(facts["action"], tier, rules) if requires_approval else None,
    )


def chain_for(action: dict, tier: Tier, rules: Rules) -> Chain:
    """The chain of approvals that an action of this tier needs; one approval where none of the policy's holds."""
    taken = ONE_APPROVAL
    for chain in rules.chains:
        if _holds(chain, action, tier) and (taken is ONE_APPROVAL or chain.people >= taken.people):
            taken = chain
    return taken


def _holds(chain: Chain, action: dict, tier: Tier) -> bool:
    if chain.tier not in (None, tier) or chain.action_type not in ("", action["type"]):
        return False
    if chain.currency and chain.currency != action["currency"]:
        return False
    return chain.amount is None or (action["amount"] is not None and action["amount"] >= chain.amount)


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


def _risk_of_the_action(action: dict, rules: Rules) -> tuple[Tier, str]:
    """The highest of the default tier, the action type's and the amount's band; and what made it so."""
    tier, why = rules.default_tier, ""
    kind = rules.action_tiers.get(action["type"]) if action["type"] else None
    if kind and RANK[kind] > RANK[tier]:
        tier, why = kind, f"the action is “{action['type']}”"
    if action["amount"] is not None:
        for band in rules.amount_bands:
            if band.currency == action["currency"] and action["amount"] >= band.amount and RANK[band.tier] > RANK[tier]:
                amount, least = (money.readable(x, band.currency) for x in (action["amount"], band.amount))
                tier, why = band.tier, f"{amount} is at or above {least}"
    return tier, why


def _desk(facts, rule: TierRule, tier, requires_approval, broken, desk, reasons, tier_reason) -> tuple[str, str]:
    """The one rule that chooses the desk, and its reason as a phrase."""
    if broken:
        return "resolution", next(r["says"] for r in reasons if r["kind"] in ("schema", "conflict") or "absent" in r)
    if requires_approval:
        why = f"{tier} risk needs an approval" + (f": {tier_reason}" if tier_reason else "")
        return ("review" if rule.review_first or desk == "review" else desk or "approval"), why
    if desk:
        return desk, next(reason["says"] for reason in reasons)
    if rule.pattern == "threshold":
        return _by_confidence(facts["confidence"], rule, tier)
    return "closed", f"{tier} risk goes straight through"


def _by_confidence(confidence, rule: TierRule, tier) -> tuple[str, str]:
    if confidence is None:
        return rule.below, "no usable confidence was given"
    if confidence >= rule.threshold:
        return "closed", f"confidence {confidence:.4g} is at or above {rule.threshold:.4g} ({tier} risk)"
    return rule.below, f"confidence {confidence:.4g} is below {rule.threshold:.4g} ({tier} risk)"


def _rate(rule: TierRule, tier, segment, dial: Dial) -> float:
    own = dial.rates.get((tier, segment), dial.rates.get((tier, "")))
    return max(own if own is not None else rule.sample_rate, 0.02)


def _sentence(state, why, sampled, held, rate, tier) -> str:
    if sampled:
        what = "Held" if held else "Released"
        return f"{what} and drawn for a sampled look (rate {rate:.4g}): {why}."
    return f"{'Straight through' if state == 'closed' else f'Held for {state}'}: {why}."


def _amount(value):
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal("NaN")


def _short(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
