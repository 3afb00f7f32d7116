"""What is odd in a policy before it is published: rules that nothing reaches, and rules that speak against each other. Pure.

Each warning is a sentence that says what to do. A policy with warnings can be published: its owner may have a reason.
"""

from collections.abc import Iterator
from itertools import combinations, pairwise

from workflows import money
from workflows.patterns import FLOOR, RANK, TIERS, Chain, Rules
from workflows.reading import duration, listed
from workflows.triggers.wording import Phrases, Text

DESKS = ("review", "resolution", "approval")
SCRUTINY = {"sampling": 0, "threshold": 1, "approval": 2}
DECIDES = ("required_fields", "conflict", "duplicate")  # these hold a case whatever else they do
PATHS = ("left", "right", "within", "field", "fact", "language_from")  # of triggers: where they look


def warnings(rules: Rules, schemas: dict[str, dict] | None = None) -> list[str]:
    """All that is odd. `schemas`: the JSON Schemas by side, "input" and "output"; a side unnamed is not looked at."""
    found = [
        *_tiers(rules),
        *_raises(rules),
        *_bands(rules),
        *_thresholds(rules),
        *_rates(rules),
        *_triggers(rules),
        *_fields(rules, schemas or {}),
        *_wordings(rules),
        *_chains(rules),
        *_clocks(rules),
    ]
    return list(dict.fromkeys(found))


def _tiers(rules: Rules) -> Iterator[str]:
    """A tier that nothing leads to, and a higher tier that is watched less than a lower one."""
    reached = {rules.default_tier, *rules.action_tiers.values(), *rules.segment_tiers.values()}
    reached |= {band.tier for band in rules.amount_bands} | {trigger.raises for trigger in rules.triggers if trigger.raises}
    for tier in TIERS:
        if tier not in reached:
            below = RANK[tier] < RANK[rules.default_tier]
            how = "Lower the default tier" if below else "Name an action, a segment, an amount or a trigger that raises to it"
            yield f"Nothing is ever of {tier} risk. {how}, or leave it so."
    for lower, higher in combinations(TIERS, 2):
        one, other = rules.tiers[lower], rules.tiers[higher]
        if SCRUTINY[other.pattern] < SCRUTINY[one.pattern]:
            yield (
                f"The {higher} tier is watched less ({other.pattern}) than the {lower} tier ({one.pattern}). "
                f"Give the {higher} tier the pattern {one.pattern} or a stricter one."
            )
        elif one.pattern == other.pattern == "threshold" and other.threshold < one.threshold:
            yield (
                f"The {higher} tier goes straight through at a lower confidence ({other.threshold:g}) than the {lower} tier "
                f"({one.threshold:g}). Raise its threshold."
            )
        elif other.pattern != "approval" and other.sample_rate < one.sample_rate:
            yield (
                f"The {higher} tier is sampled less ({other.sample_rate:g}) than the {lower} tier ({one.sample_rate:g}). "
                "Raise its sampling rate."
            )


def _raises(rules: Rules) -> Iterator[str]:
    """What can never raise above the default tier."""
    named = [(f"The action “{kind}”", tier) for kind, tier in rules.action_tiers.items()]
    named += [(f"The segment “{segment}”", tier) for segment, tier in rules.segment_tiers.items()]
    named += [(f"The band from {money.readable(band.amount, band.currency)} on", band.tier) for band in rules.amount_bands]
    named += [(f"Trigger “{trigger.name}”", trigger.raises) for trigger in rules.triggers if trigger.raises]
    for what, tier in named:
        if RANK[tier] <= RANK[rules.default_tier]:
            yield (
                f"{what} changes nothing: every output is of {rules.default_tier} risk at least. "
                "Lower the default tier, or raise this one."
            )


def _bands(rules: Rules) -> Iterator[str]:
    """A band behind a lower one of its currency that is as strict."""
    for band in rules.amount_bands:
        for other in rules.amount_bands:
            lower = other.amount < band.amount or (other.amount == band.amount and other is not band)
            if other.currency == band.currency and lower and RANK[other.tier] >= RANK[band.tier]:
                one, two = (money.readable(each.amount, each.currency) for each in (band, other))
                yield (
                    f"The band from {one} on ({band.tier} risk) changes nothing: the one from {two} on is of {other.tier} "
                    "risk already. Remove one of them."
                )
                break


def _thresholds(rules: Rules) -> Iterator[str]:
    """A threshold below which a trigger holds the case anyway."""
    holding = [one for one in rules.triggers if one.__struct_config__.tag == "low_confidence" and one.desk]
    for tier in TIERS:
        rule = rules.tiers[tier]
        if rule.pattern != "threshold":
            continue
        lowest = [trigger for trigger in holding if not trigger.field and trigger.below > rule.threshold]
        for trigger in lowest:
            yield (
                f"The threshold of the {tier} tier ({rule.threshold:g}) decides nothing: trigger “{trigger.name}” holds all below "
                f"{trigger.below:g}. Raise the threshold, or lower the trigger's."
            )
        for name, least in rule.field_thresholds.items():
            for trigger in holding:
                if trigger.field == name and trigger.below > least:
                    yield (
                        f"The threshold of {name} in the {tier} tier ({least:g}) decides nothing: trigger “{trigger.name}” holds all "
                        f"below {trigger.below:g}. Raise the threshold, or lower the trigger's."
                    )


def _rates(rules: Rules) -> Iterator[str]:
    for tier in TIERS:
        rule = rules.tiers[tier]
        if rule.pattern == "approval":
            if rule.sample_rate != FLOOR or rule.sample_rates or rule.thresholds or rule.field_thresholds:
                yield f"The sampling rates and thresholds of the {tier} tier do nothing: a person sees every output. Remove them."
            continue
        for rate in {rule.sample_rate, *rule.sample_rates.values()}:
            if rule.sample_floor is not None and rate < rule.sample_floor:
                yield (
                    f"The {tier} tier's sampling rate {rate:g} is below its floor {rule.sample_floor:g}, which holds. "
                    "Raise the rate or lower the floor."
                )


def _triggers(rules: Rules) -> Iterator[str]:
    for trigger in rules.triggers:
        kind = trigger.__struct_config__.tag
        if kind not in DECIDES and not (trigger.raises or trigger.desk or trigger.category or trigger.tag):
            yield f"Trigger “{trigger.name}” does nothing when it fires. Let it raise the risk, send to a desk, or add a tag."
        if kind in DECIDES and trigger.desk == "review":
            yield f"Trigger “{trigger.name}” sends to review, but goes to resolution as every exception does. Leave its desk out."
        if kind in ("keywords", "required_wording") and not _has_words(trigger):
            yield f"Trigger “{trigger.name}” has no words, so it never fires. Give it some, or remove it."
        if kind == "protected_account" and not (trigger.references or trigger.fact):
            yield f"Trigger “{trigger.name}” names no account and no fact, so it never fires. Give it a list, or a fact to look at."
        if kind == "action" and trigger.on_money and trigger.types:
            yield f"Trigger “{trigger.name}” fires on any amount, whatever its action types say. Leave the types out, or “on money”."
        if getattr(trigger, "language_from", "") and not trigger.by_language:
            yield f"Trigger “{trigger.name}” looks for a language but has no words for any. Add words by language."


def _has_words(trigger) -> bool:
    return bool(getattr(trigger, "words", None) or getattr(trigger, "phrases", None) or any(trigger.by_language.values()))


def _fields(rules: Rules, schemas) -> Iterator[str]:
    """A field that the schema says cannot be there."""
    for trigger in rules.triggers:
        paths = [getattr(trigger, name, "") for name in PATHS] + list(getattr(trigger, "fields", ()))
        for path in filter(None, paths):
            side, *parts = path.split(".")
            if trigger.__struct_config__.tag == "low_confidence":
                side, parts = "output", path.split(".")
            if side in schemas and not _known(schemas[side], parts):
                yield f"Trigger “{trigger.name}” looks at {path}, which the {side}'s schema does not have. Correct the path, or the schema."
    for name in ("type", "amount", "currency", "payee"):
        path = getattr(rules.action_from, name)
        if path and "output" in schemas and not _known(schemas["output"], path.split(".")):
            yield f"The action's {name} is read from {path}, which the output's schema does not have. Correct the path, or the schema."


def _known(schema, parts) -> bool:
    """Whether the schema may have a value there. A schema that names no properties, or refers elsewhere, may have anything."""
    for part in parts:
        if not isinstance(schema, dict) or "properties" not in schema or {"$ref", "anyOf", "oneOf", "allOf"} & schema.keys():
            return True
        if part not in schema["properties"]:
            return "patternProperties" in schema
        schema = schema["properties"][part]
    return True


def _wordings(rules: Rules) -> Iterator[str]:
    """Wording that must stand where another trigger holds whatever says it."""
    wanted = [one for one in rules.triggers if one.__struct_config__.tag == "required_wording"]
    refused = [one for one in rules.triggers if one.__struct_config__.tag == "keywords" and (one.desk or one.raises)]
    for required in wanted:
        for risk in refused:
            if not (required.within + ".").startswith(risk.within + ".") and not (risk.within + ".").startswith(
                required.within + "."
            ):
                continue
            words = Phrases([*risk.words, *(word for words in risk.by_language.values() for word in words)])
            for phrase in [*required.phrases, *(one for phrases in required.by_language.values() for one in phrases)]:
                if found := words.first_in(Text(phrase)):
                    yield (
                        f"Trigger “{required.name}” asks for “{phrase}”, and trigger “{risk.name}” fires on “{found}” in it. "
                        "Take the word out of one of them."
                    )


def _chains(rules: Rules) -> Iterator[str]:
    """Chains that no band leads to, that never apply, or that ask for fewer people the more is at stake."""
    if rules.chains and not any(rule.pattern == "approval" for rule in rules.tiers.values()):
        yield "There are approval chains, but no tier needs an approval. Give a tier the pattern approval."
    bands = {band.currency for band in rules.amount_bands}
    for currency in sorted({chain.currency for chain in rules.chains if chain.currency} - bands):
        yield f"There is an approval chain for {currency} but no amount band in {currency}. Add a band, or remove the chain."
    for chain in rules.chains:
        tier = chain.tier
        if tier and all(rules.tiers[t].pattern != "approval" for t in TIERS if RANK[t] >= RANK[tier]):
            yield f"The chain “{_named(chain)}” is for {tier} risk, which needs no approval. Choose another tier."
    for lower, higher in _comparable(rules.chains):
        if _asked(higher) < _asked(lower):
            yield (
                f"The chain from {money.readable(higher.amount, higher.currency)} on asks for fewer approvals than the one from "
                f"{money.readable(lower.amount, lower.currency)} on, which is taken instead. Give it {_asked(lower)} or more."
            )


def _clocks(rules: Rules) -> Iterator[str]:
    """A warning that comes at once, an approval that expires before it is due, and a higher risk that has more time."""
    for tier in TIERS:
        warned, soonest = rules.tiers[tier].warn_minutes, min(rules.due_minutes(tier, desk) for desk in DESKS)
        if warned and warned >= soonest:
            yield (
                f"The {tier} tier is warned {duration(warned * 60)} before it is due, and has {duration(soonest * 60)} at most at some "
                "desk: the warning comes at once. Warn later."
            )
        if (due := rules.due_minutes(tier, "approval")) > rules.approval_minutes:
            yield (
                f"An approval of {tier} risk expires after {duration(rules.approval_minutes * 60)}, before it is due in "
                f"{duration(due * 60)}. Let it be due sooner, or expire later."
            )
    for lower, higher in combinations(TIERS, 2):
        later = [desk for desk in DESKS if rules.due_minutes(higher, desk) > rules.due_minutes(lower, desk)]
        if later:
            yield f"The {higher} tier has more time than the {lower} tier at {listed(later)}. Give it less, or the other more."


def _comparable(chains: list[Chain]) -> Iterator[tuple[Chain, Chain]]:
    """Neighbours by amount among chains for the same action, currency and tier."""
    priced = [chain for chain in chains if chain.amount is not None]
    groups = {(chain.action_type, chain.currency, chain.tier) for chain in priced}
    for group in sorted(groups, key=str):
        same = [chain for chain in priced if (chain.action_type, chain.currency, chain.tier) == group]
        yield from pairwise(sorted(same, key=lambda chain: chain.amount))


def _asked(chain: Chain) -> int:
    return sum(step.people for step in chain.steps)


def _named(chain: Chain) -> str:
    return ", then ".join(step.name for step in chain.steps)
