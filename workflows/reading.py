"""A policy's rules, read out as sentences. Pure."""

from collections.abc import Iterator

import msgspec
from django.core.exceptions import ValidationError

from workflows import money
from workflows.patterns import TIERS, Chain, Rules, TierRule

UNITS = [("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)]


def read(rules: dict) -> list[str]:
    """Every rule as a sentence; one sentence saying what is wrong where they cannot be read."""
    try:
        return list(_sentences(msgspec.convert(rules, Rules, strict=False)))
    except (msgspec.ValidationError, ValidationError) as fault:
        return [f"The rules cannot be read yet: {fault}."]


def _sentences(rules: Rules) -> Iterator[str]:
    for tier in TIERS:
        yield f"{tier.capitalize()} risk: {_tier(rules.tiers[tier])}"
    yield f"An output is of {rules.default_tier} risk, unless something raises it."
    for kind, tier in rules.action_tiers.items():
        yield f"The action “{kind}” is of {tier} risk."
    for band in rules.amount_bands:
        yield f"From {money.readable(band.amount, band.currency)} on, an action is of {band.tier} risk at least."
    for trigger in rules.triggers:
        yield _trigger(trigger)
    yield from _approval(rules)
    if rules.scorecard is not None:
        yield f"Scorecard version {rules.scorecard} applies{'; every review must be marked' if rules.marks_required else ''}."
    if rules.grace_seconds:
        yield f"Whoever decided may undo it for {duration(rules.grace_seconds)}; then it takes effect."
    yield f"A claim lasts {duration(rules.lease_seconds)}."


def _tier(rule: TierRule) -> str:
    due = f"Due in {duration(rule.due_minutes * 60)}."
    share = f"{rule.sample_rate:.4%}".rstrip("0%").rstrip(".")
    drawn = f"{share} % of what goes straight through is drawn for a look, {rule.sampled} meanwhile."
    if rule.pattern == "approval":
        return f"never without an approval{', after a review' if rule.review_first else ''}. {due}"
    if rule.pattern == "threshold":
        return f"straight through at a confidence of {rule.threshold:g} or more, below it to {rule.below}. {drawn} {due}"
    return f"straight through. {drawn} {due}"


def _trigger(trigger) -> str:
    facts = msgspec.to_builtins(trigger)
    effects = {
        "raises": "raises the risk to {}",
        "desk": "sends it to {}",
        "category": "names it “{}”",
        "tag": "tags it “{}”",
    }
    does = [said.format(facts[name]) for name, said in effects.items() if facts.get(name)]
    about = {
        name: value
        for name, value in facts.items()
        if name not in ("kind", "name", *effects) and value not in ("", None, [], {})
    }
    seen = "; ".join(f"{name}: {', '.join(map(str, v)) if isinstance(v, list) else v}" for name, v in about.items())
    kind = facts["kind"].replace("_", " ")
    return f"Trigger “{trigger.name}” ({kind}{f'; {seen}' if seen else ''}): {', '.join(does) or 'is noted as a reason'}."


def _approval(rules: Rules) -> Iterator[str]:
    for chain in rules.chains:
        yield _chain(chain)
    yield "Where no chain says otherwise, one approval is needed."
    yield f"An approval is given within {duration(rules.approval_minutes * 60)}; then the owner of risk decides."
    if rules.another_approver_takes_edits:
        yield "What an approver edits always goes to another approver."
    if rules.no_action_needs_approval:
        yield "Closing a case without action needs an approval."


def _chain(chain: Chain) -> str:
    about = [chain.tier and f"of {chain.tier} risk", chain.action_type and f"of the type “{chain.action_type}”"]
    about += [f"from {money.readable(chain.amount, chain.currency)} on" if chain.amount is not None else chain.currency]
    steps = [f"{step.name} ({_people(step)})" for step in chain.steps]
    return f"Approval of an action {' '.join(filter(None, about)) or 'of any kind'}: {', then '.join(steps)}."


def _people(step) -> str:
    people = "one person" if step.people == 1 else f"{step.people} different people"
    return f"{people} with the title “{step.title}”" if step.title else people


def duration(seconds: int) -> str:
    """“8 hours”, “90 seconds”: in the largest unit that divides it."""
    name, size = next((name, size) for name, size in UNITS if seconds % size == 0 and (seconds or size == 1))
    number = seconds // size
    return f"{number} {name}{'' if number == 1 else 's'}"
