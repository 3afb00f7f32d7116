"""A policy's rules, read out as sentences. Pure."""

from collections.abc import Iterator

import msgspec
from django.core.exceptions import ValidationError

from workflows import money
from workflows.patterns import TIERS, Chain, Rules, TierRule
from workflows.triggers.base import shown

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
    for segment, tier in rules.segment_tiers.items():
        yield f"The segment “{segment}” is of {tier} risk at least."
    for band in rules.amount_bands:
        yield f"From {money.readable(band.amount, band.currency)} on, an action is of {band.tier} risk at least."
    yield from _action_from(rules.action_from)
    for trigger in rules.triggers:
        yield f"Trigger “{trigger.name}”: {fires_when(trigger)}. It {effect(trigger)}."
    for each in rules.dues:
        yield f"At {each.desk}, {each.tier} risk is due in {duration(each.due_minutes * 60)}."
    if rules.snooze_boost != 1:
        yield f"What comes back from a snooze is more urgent by {rules.snooze_boost}."
    yield from _approval(rules)
    for reason in rules.reason_codes:
        verbs = listed([verb.replace("_", " ") for verb in reason.verbs], "or")
        yield f"A reason to choose for {verbs}: “{reason.label}”."
    if rules.scorecard is not None:
        yield f"Scorecard version {rules.scorecard} applies{'; every review must be marked' if rules.marks_required else ''}."
    if rules.blind_first:
        yield "A reviewer gives his own answer before the AI's is shown to him."
    if rules.grace_seconds:
        yield f"Whoever decided may undo it for {duration(rules.grace_seconds)}; then it takes effect."
    yield f"A claim lasts {duration(rules.lease_seconds)}."
    if rules.language_from:
        yield f"A case's language is read from {rules.language_from}: a vendor that works in some takes those only."


def _tier(rule: TierRule) -> str:
    due = f"Due in {duration(rule.due_minutes * 60)}."
    if rule.warn_minutes:
        due += f" Whoever works it is warned {duration(rule.warn_minutes * 60)} before."
    if rule.pattern == "approval":
        return f"never without an approval{', after a review' if rule.review_first else ''}. {due}"
    drawn = f"{_share(rule.sample_rate)} of what goes straight through is drawn for a look, {rule.sampled} meanwhile."
    if rule.sample_rates:
        drawn += f" {_by_segment(rule.sample_rates, _share)}."
    if rule.sample_floor is not None:
        drawn += f" Never less than {_share(rule.sample_floor)}."
    if rule.pattern == "sampling":
        return f"straight through. {drawn} {due}"
    fields = [f"{_share(least)} in {name}" for name, least in rule.field_thresholds.items()]
    asked = f"{_share(rule.threshold)} or more" + (f", and of {listed(fields)} too" if fields else "")
    segments = f" {_by_segment(rule.thresholds, _share)}." if rule.thresholds else ""
    return f"straight through at a confidence of {asked}, below it to {rule.below}.{segments} {drawn} {due}"


def _share(rate: float) -> str:
    return f"{rate:.4%}".rstrip("0%").rstrip(".") + " %"


def _by_segment(values: dict, reads) -> str:
    return listed([f"{reads(value)} in “{segment}”" for segment, value in values.items()])


def _action_from(source) -> Iterator[str]:
    read = [
        f"its {name} in {getattr(source, name)}" for name in ("type", "amount", "currency", "payee") if getattr(source, name)
    ]
    if read:
        yield f"The action is read from the output: {listed(read)}."


def _approval(rules: Rules) -> Iterator[str]:
    yield f"One approval is needed{', where no chain holds' if rules.chains else ''}."
    for chain in rules.chains:
        yield f"{_holds_for(chain)}: {_steps(chain)}."
    if rules.chains:
        yield "Of the chains that hold, the one with the most approvals is taken; every approval is another person's."
    yield f"An approval not given in {duration(rules.approval_minutes * 60)} goes to the owner of risk."
    if rules.another_approver_takes_edits:
        yield "What an approver edits always goes to another approver."
    if rules.no_action_needs_approval:
        yield "Closing a case without action needs an approval."


def _holds_for(chain: Chain) -> str:
    what = f"For the action “{chain.action_type}”" if chain.action_type else "For any action"
    if chain.amount is not None:
        what += f" from {money.readable(chain.amount, chain.currency)} on"
    elif chain.currency:
        what += f" in {chain.currency}"
    return what + (f" of {chain.tier} risk or higher" if chain.tier else "")


def _steps(chain: Chain) -> str:
    said = [
        f"{step.name} ({'one person' if step.people == 1 else f'{step.people} people'}{f', {step.title}' if step.title else ''})"
        for step in chain.steps
    ]
    return ", then ".join(said)


# triggers


def effect(trigger) -> str:
    """What a trigger does, as a phrase: “raises the risk to high and tags it “vip””."""
    says = {
        "raises": "raises the risk to {}",
        "desk": "sends it to {}",
        "category": "names it “{}”",
        "tag": "tags it “{}”",
    }
    does = [said.format(getattr(trigger, name)) for name, said in says.items() if getattr(trigger, name)]
    kind = trigger.__struct_config__.tag
    if kind in ("required_fields", "conflict", "duplicate"):
        does = ["holds it for resolution", *(phrase for phrase in does if not phrase.startswith("sends"))]
    return listed(does) or "is noted as a reason"


def fires_when(trigger) -> str:
    """When a trigger fires, as a clause: “fires when output.amount and context.total are not equal”."""
    return f"fires {CLAUSES[trigger.__struct_config__.tag](trigger)}"


def _conflict(t) -> str:
    slack = [f"{t.tolerance:g} (days for dates)"] if t.tolerance else []
    slack += [_share(t.tolerance_share)] if t.tolerance_share else []
    give = f", give or take {listed(slack, 'or')}" if slack else ""
    return f"unless {t.left} is {PLACES[t.must]} {t.right}{give}"


PLACES = {
    "equal": "equal to",
    "differ_from": "different from",
    "be_at_most": "at most",
    "be_at_least": "at least",
    "be_before": "before",
    "be_after": "after",
}


def _words(words: list[str], by_language: dict[str, list[str]], joined="or") -> str:
    said = [_quoted(words, joined)] if words else []
    said += [f"in {code}: {_quoted(of, joined)}" for code, of in by_language.items() if of]
    return "; ".join(said) or "nothing yet"


def _quoted(words: list[str], joined="or", most: int = 5) -> str:
    shown = [f"“{word}”" for word in words[:most]]
    return listed([*shown, f"{len(words) - most} more"] if len(words) > most else shown, joined)


def _language(t) -> str:
    return f" (the language is in {t.language_from})" if t.language_from else ""


def _action(t) -> str:
    what = "on any action with an amount" if t.on_money else f"on the action {_quoted(t.types)}" if t.types else "on any action"
    if t.amount is not None:
        return f"{what} from {money.readable(t.amount, t.currency)} on"
    return f"{what}{f' in {t.currency}' if t.currency else ''}"


def _protected(t) -> str:
    said = [f"for the customer or payee {_quoted(t.references)}"] if t.references else []
    said += [f"where {t.fact} is {_quoted([shown(value) for value in t.values])}"] if t.fact else []
    return listed(said, "or") or "for no account yet"


def _duplicate(t) -> str:
    same = {"action": "customer, action type and amount", "input": "input"}
    what = f"the same {same[t.same]}" if t.same in same else f"the same {same['action']}, or the same {same['input']},"
    return f"where {what} came before within {duration(t.days * 86400)}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


CLAUSES = {
    "required_fields": lambda t: f"when {listed(t.fields, 'or')} is missing",
    "conflict": _conflict,
    "duplicate": _duplicate,
    "low_confidence": lambda t: f"when the confidence{f' in {t.field}' if t.field else ''} is missing or below {t.below:g}",
    "ambiguous": lambda t: (
        f"when the best two alternatives are closer than {t.margin:g}"
        + (", or were not sent" if t.alternatives_required else "")
    ),
    "keywords": lambda t: f"when {t.within} has {_words(t.words, t.by_language)}{_language(t)}",
    "required_wording": lambda t: (
        f"unless {t.within} says {_words(t.phrases, t.by_language, 'and' if t.needs == 'all' else 'or')}{_language(t)}"
    ),
    "promises": lambda t: (
        f"when {t.within} promises a customer a {listed(list(t.of), 'or')}"
        + (f", or says {_quoted(t.words)}" if t.words else "")
    ),
    "protected_account": _protected,
    "action": _action,
    "field_is_one_of": lambda t: f"when {t.field} is {_quoted([shown(value) for value in t.values])}",
    "repeat_contact": lambda t: (
        f"when the same customer wrote {_times(t.contacts)} or more within the {duration(t.days * 86400)} before"
    ),
    "expression": lambda t: (
        f"when {t.expression} holds" + (", or something it asks for is missing" if t.when_missing == "fires" else "")
    ),
}


def listed(phrases: list[str], joined: str = "and") -> str:
    """“a, b and c”."""
    return f" {joined} ".join(filter(None, [", ".join(phrases[:-1]), *phrases[-1:]]))


def duration(seconds: int) -> str:
    """“8 hours”, “90 seconds”: in the largest unit that divides it."""
    name, size = next((name, size) for name, size in UNITS if seconds % size == 0 and (seconds or size == 1))
    number = seconds // size
    return f"{number} {name}{'' if number == 1 else 's'}"
