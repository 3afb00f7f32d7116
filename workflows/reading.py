"""A policy's rules, read out as sentences. Pure."""

from collections.abc import Iterator

import msgspec
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from audit.terms import term
from workflows import money
from workflows.patterns import TIERS, Chain, Rules, TierRule
from workflows.terms import duration, listed, share
from workflows.triggers.base import shown


def read(rules: dict) -> list[str]:
    """Every rule as a sentence; one sentence saying what is wrong where they cannot be read."""
    try:
        return list(_sentences(msgspec.convert(rules, Rules, strict=False)))
    except (msgspec.ValidationError, ValidationError) as fault:
        return [gettext("The rules cannot be read yet: {fault}.").format(fault=fault)]


def _sentences(rules: Rules) -> Iterator[str]:
    for tier in TIERS:
        yield _capital(gettext("{tier} risk: {rule}").format(tier=term(tier), rule=_tier(rules.tiers[tier])))
    yield gettext("An output is of {default_tier} risk, unless something raises it.").format(
        default_tier=term(rules.default_tier)
    )
    for kind, tier in rules.action_tiers.items():
        yield gettext("The action “{kind}” is of {tier} risk.").format(kind=kind, tier=term(tier))
    for segment, tier in rules.segment_tiers.items():
        yield gettext("The segment “{segment}” is of {tier} risk at least.").format(segment=segment, tier=term(tier))
    for band in rules.amount_bands:
        yield gettext("From {readable} on, an action is of {tier} risk at least.").format(
            readable=money.readable(band.amount, band.currency), tier=term(band.tier)
        )
    yield from _action_from(rules.action_from)
    for trigger in rules.triggers:
        yield gettext("Trigger “{trigger}”: {fires_when}. It {effect}.").format(
            trigger=trigger.name, fires_when=fires_when(trigger), effect=effect(trigger)
        )
    for each in rules.dues:
        yield gettext("At {desk}, {tier} risk is due in {duration}.").format(
            desk=term(each.desk), tier=term(each.tier), duration=duration(each.due_minutes * 60)
        )
    if rules.snooze_boost != 1:
        yield gettext("What comes back from a snooze is more urgent by {snooze_boost}.").format(snooze_boost=rules.snooze_boost)
    yield from _approval(rules)
    for reason in rules.reason_codes:
        verbs = listed([term(verb) for verb in reason.verbs], "or")
        yield gettext("A reason to choose for {verbs}: “{reason}”.").format(verbs=verbs, reason=reason.label)
    if rules.scorecard is not None:
        yield (
            gettext("Scorecard version {version} applies; every review must be marked.")
            if rules.marks_required
            else gettext("Scorecard version {version} applies.")
        ).format(version=rules.scorecard)
    if rules.blind_first:
        yield gettext("A reviewer gives his own answer before the AI's is shown to him.")
    if rules.grace_seconds:
        yield gettext("Whoever decided may undo it for {duration}; then it takes effect.").format(
            duration=duration(rules.grace_seconds)
        )
    yield gettext("A claim lasts {duration}.").format(duration=duration(rules.lease_seconds))
    if rules.language_from:
        yield gettext("A case's language is read from {language_from}: a vendor that works in some takes those only.").format(
            language_from=rules.language_from
        )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _tier(rule: TierRule) -> str:
    due = gettext("Due in {duration}.").format(duration=duration(rule.due_minutes * 60))
    if rule.warn_minutes:
        due += " " + gettext("Whoever works it is warned {duration} before.").format(duration=duration(rule.warn_minutes * 60))
    if rule.pattern == "approval":
        how = (
            gettext("never without an approval, after a review.")
            if rule.review_first
            else gettext("never without an approval.")
        )
        return f"{how} {due}"
    drawn = gettext("{share} of what goes straight through is drawn for a look, {sampled} meanwhile.").format(
        share=share(rule.sample_rate), sampled=term(rule.sampled)
    )
    if rule.sample_rates:
        drawn += f" {_by_segment(rule.sample_rates, share)}."
    if rule.sample_floor is not None:
        drawn += " " + gettext("Never less than {share}.").format(share=share(rule.sample_floor))
    if rule.pattern == "sampling":
        return " ".join([gettext("straight through."), drawn, due])
    fields = [
        gettext("{share} in {name}").format(share=share(least), name=name) for name, least in rule.field_thresholds.items()
    ]
    asked = gettext("{share} or more").format(share=share(rule.threshold)) + (
        gettext(", and of {listed} too").format(listed=listed(fields)) if fields else ""
    )
    segments = f" {_by_segment(rule.thresholds, share)}." if rule.thresholds else ""
    how = gettext("straight through at a confidence of {asked}, below it to {below}.")
    return f"{how.format(asked=asked, below=term(rule.below))}{segments} {drawn} {due}"


def _by_segment(values: dict, reads) -> str:
    return listed(
        [gettext("{reads} in “{segment}”").format(reads=reads(value), segment=segment) for segment, value in values.items()]
    )


def _action_from(source) -> Iterator[str]:
    read = [
        gettext("its {name} in {path}").format(name=term(name), path=getattr(source, name))
        for name in ("type", "amount", "currency", "payee")
        if getattr(source, name)
    ]
    if read:
        yield gettext("The action is read from the output: {listed}.").format(listed=listed(read))


def _approval(rules: Rules) -> Iterator[str]:
    yield gettext("One approval is needed, where no chain holds.") if rules.chains else gettext("One approval is needed.")
    for chain in rules.chains:
        yield of_a_chain(chain)
    if rules.chains:
        yield gettext("Of the chains that hold, the one with the most approvals is taken; every approval is another person's.")
    yield gettext("An approval not given in {duration} goes to the owner of risk.").format(
        duration=duration(rules.approval_minutes * 60)
    )
    if rules.another_approver_takes_edits:
        yield gettext("What an approver edits always goes to another approver.")
    if rules.no_action_needs_approval:
        yield gettext("Closing a case without action needs an approval.")


def of_a_chain(chain: Chain) -> str:
    return f"{_holds_for(chain)}: {_steps(chain)}."


def _holds_for(chain: Chain) -> str:
    what = (
        gettext("For the action “{action_type}”").format(action_type=chain.action_type)
        if chain.action_type
        else gettext("For any action")
    )
    if chain.amount is not None:
        what += gettext(" from {readable} on").format(readable=money.readable(chain.amount, chain.currency))
    elif chain.currency:
        what += gettext(" in {currency}").format(currency=chain.currency)
    return what + (gettext(" of {tier} risk or higher").format(tier=term(chain.tier)) if chain.tier else "")


def _steps(chain: Chain) -> str:
    return gettext(", then ").join(_step(step) for step in chain.steps)


def _step(step) -> str:
    people = ngettext("one person", "{people} people", step.people).format(people=step.people)
    return f"{step.name} ({', '.join(filter(None, [people, step.title]))})"


# triggers


def effect(trigger) -> str:
    """What a trigger does, as a phrase: “raises the risk to high and tags it “vip””."""
    says = {
        "raises": gettext("raises the risk to {}"),
        "desk": gettext("sends it to {}"),
        "category": gettext("names it “{}”"),
        "tag": gettext("tags it “{}”"),
    }
    holds = trigger.__struct_config__.tag in ("required_fields", "conflict", "duplicate")
    asked = [(said, getattr(trigger, name)) for name, said in says.items() if not (holds and name == "desk")]
    does = [gettext("holds it for resolution")] * holds + [said.format(term(value)) for said, value in asked if value]
    return listed(does) or gettext("is noted as a reason")


def fires_when(trigger) -> str:
    """When a trigger fires, as a clause: “fires when output.amount and context.total are not equal”."""
    return gettext("fires {when}").format(when=CLAUSES[trigger.__struct_config__.tag](trigger))


def _conflict(t) -> str:
    slack = [gettext("{tolerance:g} (days for dates)").format(tolerance=t.tolerance)] if t.tolerance else []
    slack += [share(t.tolerance_share)] if t.tolerance_share else []
    give = gettext(", give or take {listed}").format(listed=listed(slack, "or")) if slack else ""
    return gettext("unless {left} is {place} {right}{give}").format(left=t.left, place=PLACES[t.must], right=t.right, give=give)


PLACES = {
    "equal": _("equal to"),
    "differ_from": _("different from"),
    "be_at_most": _("at most"),
    "be_at_least": _("at least"),
    "be_before": _("before"),
    "be_after": _("after"),
}


def _words(words: list[str], by_language: dict[str, list[str]], joined="or") -> str:
    said = [_quoted(words, joined)] if words else []
    said += [gettext("in {code}: {of}").format(code=code, of=_quoted(of, joined)) for code, of in by_language.items() if of]
    return "; ".join(said) or gettext("nothing yet")


def _quoted(words: list[str], joined="or", most: int = 5) -> str:
    shown = [f"“{word}”" for word in words[:most]]
    return listed([*shown, gettext("{number} more").format(number=len(words) - most)] if len(words) > most else shown, joined)


def _language(t) -> str:
    return gettext(" (the language is in {language_from})").format(language_from=t.language_from) if t.language_from else ""


def _action(t) -> str:
    what = (
        gettext("on any action with an amount")
        if t.on_money
        else gettext("on the action {types}").format(types=_quoted(t.types))
        if t.types
        else gettext("on any action")
    )
    if t.amount is not None:
        return gettext("{what} from {readable} on").format(what=what, readable=money.readable(t.amount, t.currency))
    return gettext("{what} in {currency}").format(what=what, currency=t.currency) if t.currency else what


def _protected(t) -> str:
    said = [gettext("for the customer or payee {references}").format(references=_quoted(t.references))] if t.references else []
    said += (
        [gettext("where {fact} is {values}").format(fact=t.fact, values=_quoted([shown(value) for value in t.values]))]
        if t.fact
        else []
    )
    return listed(said, "or") or gettext("for no account yet")


def _duplicate(t) -> str:
    same = {"action": gettext("customer, action type and amount"), "input": term("input")}
    what = (
        gettext("the same {same}").format(same=same[t.same])
        if t.same in same
        else gettext("the same {same}, or the same {same_2},").format(same=same["action"], same_2=same["input"])
    )
    return gettext("where {what} came before within {duration}").format(what=what, duration=duration(t.days * 86400))


def _times(number: int) -> str:
    return ngettext("once", "{number} times", number).format(number=number)


CLAUSES = {
    "required_fields": lambda t: gettext("when {listed} is missing").format(listed=listed(t.fields, "or")),
    "conflict": _conflict,
    "duplicate": _duplicate,
    "low_confidence": lambda t: (
        gettext("when the confidence in {field} is missing or below {below}")
        if t.field
        else gettext("when the confidence is missing or below {below}")
    ).format(field=t.field, below=share(t.below)),
    "ambiguous": lambda t: (
        gettext("when the best two alternatives are closer than {margin:g} points of per cent").format(
            margin=round(t.margin * 100, 2)
        )
        + (gettext(", or were not sent") if t.alternatives_required else "")
    ),
    "keywords": lambda t: gettext("when {within} has {words}{language}").format(
        within=t.within, words=_words(t.words, t.by_language), language=_language(t)
    ),
    "required_wording": lambda t: gettext("unless {within} says {words}{language}").format(
        within=t.within,
        words=_words(t.phrases, t.by_language, "and" if t.needs == "all" else "or"),
        language=_language(t),
    ),
    "promises": lambda t: (
        gettext("when {within} promises a customer a {listed}").format(
            within=t.within, listed=listed([term(each) for each in t.of], "or")
        )
        + (gettext(", or says {words}").format(words=_quoted(t.words)) if t.words else "")
    ),
    "protected_account": _protected,
    "action": _action,
    "field_is_one_of": lambda t: gettext("when {field} is {values}").format(
        field=t.field, values=_quoted([shown(value) for value in t.values])
    ),
    "repeat_contact": lambda t: gettext("when the same customer wrote {times} or more within the {duration} before").format(
        times=_times(t.contacts), duration=duration(t.days * 86400)
    ),
    "expression": lambda t: (
        gettext("when {expression} holds").format(expression=t.expression)
        + (gettext(", or something it asks for is missing") if t.when_missing == "fires" else "")
    ),
}
