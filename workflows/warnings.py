"""What is odd in a policy before it is published: rules that nothing reaches, and rules that speak against each other. Pure.

Each warning is a sentence that says what to do. A policy with warnings can be published: its owner may have a reason.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import combinations, pairwise

from django.utils.translation import gettext

from audit.terms import term
from workflows import money
from workflows.patterns import FLOOR, RANK, TIERS, Chain, Rules
from workflows.schemas import properties
from workflows.terms import duration, listed, share
from workflows.triggers import cel_kinds
from workflows.triggers.cel_bounds import checked
from workflows.triggers.cel_values import NAMES
from workflows.triggers.wording import Phrases, Text
from workflows.weight import Grave

DESKS = ("review", "resolution", "approval")
SCRUTINY = {"sampling": 0, "threshold": 1, "approval": 2}
DECIDES = ("required_fields", "conflict", "duplicate")  # these hold a case whatever else they do
OF_A_CASE = NAMES | {"alternatives"}
ACTION = ("type", "amount", "currency", "payee")
PATHS = ("left", "right", "within", "field", "fact", "language_from")  # of triggers: where they look


def warnings(rules: Rules, schemas: dict[str, dict] | None = None) -> list[str]:
    """All that is odd. `schemas`: the JSON Schemas by side, "input" and "output"; a side unnamed is not looked at."""
    found = [
        *_tiers(rules),
        *_parts_of_tiers(rules),
        *_raises(rules),
        *_bands(rules),
        *_thresholds(rules),
        *_rates(rules),
        *_triggers(rules),
        *_fields(rules, schemas or {}),
        *_expressions(rules, schemas or {}),
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
            how = (
                gettext("Lower the default tier")
                if below
                else gettext("Name an action, a segment, an amount or a trigger that raises to it")
            )
            yield gettext("Nothing is ever of {tier} risk. {how}, or leave it so.").format(tier=term(tier), how=how)
    if "high" in reached and rules.tiers["high"].pattern == "sampling":
        yield Grave(
            gettext(
                "High risk goes straight through: nobody looks before it takes effect. Give the high tier the pattern approval, or threshold."
            )
        )
    for lower, higher in combinations(TIERS, 2):
        one, other = rules.tiers[lower], rules.tiers[higher]
        if SCRUTINY[other.pattern] < SCRUTINY[one.pattern]:
            yield Grave(
                gettext(
                    "The {higher} tier is watched less ({pattern}) than the {lower} tier ({pattern_2}). Give the {higher} tier the pattern {pattern_2} or a stricter one."
                ).format(higher=term(higher), pattern=term(other.pattern), lower=term(lower), pattern_2=term(one.pattern))
            )
        elif one.pattern == other.pattern == "threshold" and other.threshold < one.threshold:
            yield (
                gettext(
                    "The {higher} tier goes straight through at a lower confidence ({threshold}) than the {lower} tier ({threshold_2}). Raise its threshold."
                ).format(
                    higher=term(higher), threshold=share(other.threshold), lower=term(lower), threshold_2=share(one.threshold)
                )
            )
        elif other.pattern != "approval" and other.sample_rate < one.sample_rate:
            yield (
                gettext(
                    "The {higher} tier is sampled less ({sample_rate}) than the {lower} tier ({sample_rate_2}). Raise its sampling rate."
                ).format(
                    higher=term(higher),
                    sample_rate=share(other.sample_rate),
                    lower=term(lower),
                    sample_rate_2=share(one.sample_rate),
                )
            )


def _parts_of_tiers(rules: Rules) -> Iterator[str]:
    """A higher tier that is watched less than a lower one in one segment, in one field, or once it is drawn for a look."""
    for lower, higher in combinations(TIERS, 2):
        one, other = rules.tiers[lower], rules.tiers[higher]
        if "approval" in (one.pattern, other.pattern):
            continue
        named = {"lower": term(lower), "higher": term(higher)}
        if one.pattern == other.pattern == "threshold":
            for segment, least, less in _fallen(one.thresholds, one.threshold, other.thresholds, other.threshold):
                yield gettext(
                    "In the segment “{segment}” the {higher} tier goes straight through at a lower confidence ({less}) than the {lower} tier ({least}). Raise its threshold there."
                ).format(segment=segment, less=share(less), least=share(least), **named)
            for name, least, less in _fallen(one.field_thresholds, 0, other.field_thresholds, 0):
                yield gettext(
                    "The {higher} tier asks less of {name} ({less}) than the {lower} tier ({least}). Raise its threshold for that field."
                ).format(name=name, less=share(less), least=share(least), **named)
        for segment, least, less in _fallen(one.sample_rates, one.sample_rate, other.sample_rates, other.sample_rate):
            yield gettext(
                "In the segment “{segment}” the {higher} tier is sampled less ({less}) than the {lower} tier ({least}). Raise its sampling rate there."
            ).format(segment=segment, less=share(less), least=share(least), **named)
        if (one.sampled, other.sampled) == ("held", "released"):
            yield gettext(
                "What is drawn for a look is held in the {lower} tier and released in the {higher} tier. Hold it in both."
            ).format(**named)


def _fallen(lower: dict, of_lower: float, higher: dict, of_higher: float) -> Iterator[tuple[str, float, float]]:
    """Each name for which the higher tier asks for less, with what either asks for."""
    for name in sorted({*lower, *higher}):
        least, less = lower.get(name, of_lower), higher.get(name, of_higher)
        if less < least:
            yield name, least, less


def _raises(rules: Rules) -> Iterator[str]:
    """What can never raise above the default tier."""
    named = [(gettext("The action “{kind}”").format(kind=kind), tier) for kind, tier in rules.action_tiers.items()]
    named += [
        (gettext("The segment “{segment}”").format(segment=segment), tier) for segment, tier in rules.segment_tiers.items()
    ]
    named += [
        (gettext("The band from {readable} on").format(readable=money.readable(band.amount, band.currency)), band.tier)
        for band in rules.amount_bands
    ]
    named += [(_raising(trigger), trigger.raises) for trigger in rules.triggers if trigger.raises]
    for what, tier in named:
        if RANK[tier] <= RANK[rules.default_tier]:
            yield (
                gettext(
                    "{what} changes nothing: every output is of {default_tier} risk at least. Lower the default tier, or raise this one."
                ).format(what=what, default_tier=term(rules.default_tier))
            )


def _raising(trigger) -> str:
    """What of the trigger does nothing where its raising does not: all of it, or that alone."""
    does_more = trigger.desk or trigger.category or trigger.tag or trigger.__struct_config__.tag in DECIDES
    said = gettext("Raising the risk by trigger “{trigger}”") if does_more else gettext("Trigger “{trigger}”")
    return said.format(trigger=trigger.name)


def _bands(rules: Rules) -> Iterator[str]:
    """A band behind a lower one of its currency that is as strict."""
    for band in rules.amount_bands:
        for other in rules.amount_bands:
            lower = other.amount < band.amount or (other.amount == band.amount and other is not band)
            if other.currency == band.currency and lower and RANK[other.tier] >= RANK[band.tier]:
                one, two = (money.readable(each.amount, each.currency) for each in (band, other))
                yield (
                    gettext(
                        "The band from {one} on ({tier} risk) changes nothing: the one from {two} on is of {tier_2} risk already. Remove one of them."
                    ).format(one=one, tier=term(band.tier), two=two, tier_2=term(other.tier))
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
                gettext(
                    "The threshold of the {tier} tier ({threshold}) decides nothing: trigger “{trigger}” holds all below {below}. Raise the threshold, or lower the trigger's."
                ).format(tier=term(tier), threshold=share(rule.threshold), trigger=trigger.name, below=share(trigger.below))
            )
        for name, least in rule.field_thresholds.items():
            for trigger in holding:
                if trigger.field == name and trigger.below > least:
                    yield (
                        gettext(
                            "The threshold of {name} in the {tier} tier ({least}) decides nothing: trigger “{trigger}” holds all below {below}. Raise the threshold, or lower the trigger's."
                        ).format(
                            name=name, tier=term(tier), least=share(least), trigger=trigger.name, below=share(trigger.below)
                        )
                    )


def _rates(rules: Rules) -> Iterator[str]:
    for tier in TIERS:
        rule = rules.tiers[tier]
        if rule.pattern == "approval":
            if rule.sample_rate != FLOOR or rule.sample_rates or rule.thresholds or rule.field_thresholds:
                yield gettext(
                    "The sampling rates and thresholds of the {tier} tier do nothing: a person sees every output. Remove them."
                ).format(tier=term(tier))
            continue
        for rate in {rule.sample_rate, *rule.sample_rates.values()}:
            if rule.sample_floor is not None and rate < rule.sample_floor:
                yield (
                    gettext(
                        "The {tier} tier's sampling rate {rate} is below its floor {sample_floor}, which holds. Raise the rate or lower the floor."
                    ).format(tier=term(tier), rate=share(rate), sample_floor=share(rule.sample_floor))
                )


def _triggers(rules: Rules) -> Iterator[str]:
    for trigger in rules.triggers:
        kind = trigger.__struct_config__.tag
        if kind not in DECIDES and not (trigger.raises or trigger.desk or trigger.category or trigger.tag):
            yield gettext(
                "Trigger “{trigger}” does nothing when it fires. Let it raise the risk, send to a desk, or add a tag."
            ).format(trigger=trigger.name)
        if kind in DECIDES and trigger.desk == "review":
            yield gettext(
                "Trigger “{trigger}” sends to review, but goes to resolution as every exception does. Leave its desk out."
            ).format(trigger=trigger.name)
        if kind in ("keywords", "required_wording") and not _has_words(trigger):
            yield gettext("Trigger “{trigger}” has no words, so it never fires. Give it some, or remove it.").format(
                trigger=trigger.name
            )
        if kind == "protected_account" and not (trigger.references or trigger.fact):
            yield gettext(
                "Trigger “{trigger}” names no account and no fact, so it never fires. Give it a list, or a fact to look at."
            ).format(trigger=trigger.name)
        if kind == "action" and trigger.on_money and trigger.types:
            yield gettext(
                "Trigger “{trigger}” fires on any amount, whatever its action types say. Leave the types out, or “on money”."
            ).format(trigger=trigger.name)
        if getattr(trigger, "language_from", "") and not trigger.by_language:
            yield gettext("Trigger “{trigger}” looks for a language but has no words for any. Add words by language.").format(
                trigger=trigger.name
            )


def _has_words(trigger) -> bool:
    return bool(getattr(trigger, "words", None) or getattr(trigger, "phrases", None) or any(trigger.by_language.values()))


def _fields(rules: Rules, schemas) -> Iterator[str]:
    """A field that no case has, or that the schema says cannot be there."""
    for who, path in _looked_at(rules):
        side, *parts = path.split(".")
        if side not in OF_A_CASE or (side == "action" and parts and parts[0] not in ACTION):
            yield Grave(
                gettext(
                    "{who} looks at {path}, which no case has: paths begin with input., output., context. or action., and facts sent along begin with context. Write {meant}."
                ).format(who=who, path=path, meant=_meant(path, schemas))
            )
        elif side in schemas and not _known(schemas[side], parts):
            yield Grave(_not_in_the_schema(who, path, side, schemas[side]))
    for name in ACTION:
        path = getattr(rules.action_from, name)
        if path and "output" in schemas and not _known(schemas["output"], path.split(".")):
            yield Grave(
                gettext(
                    "The action's {name} is read from {path}, which the output's schema does not have. Correct the path, or the schema."
                ).format(name=name, path=path)
            )


def _looked_at(rules: Rules) -> Iterator[tuple[str, str]]:
    """Who looks where: every path that the rules name, with what names it."""
    for trigger in rules.triggers:
        who, kind = gettext("Trigger “{trigger}”").format(trigger=trigger.name), trigger.__struct_config__.tag
        if kind == "low_confidence":
            paths = [trigger.field and f"output.{trigger.field}"]
        elif kind == "expression":
            paths = [".".join(place.path) for place in checked(trigger.expression, trigger.name).places]
        else:
            paths = [getattr(trigger, name, "") for name in PATHS] + list(getattr(trigger, "fields", ()))
        yield from ((who, path) for path in paths if path)
    for tier in TIERS:
        who = gettext("The {tier} tier's threshold for a single field").format(tier=term(tier))
        yield from ((who, f"output.{name}") for name in rules.tiers[tier].field_thresholds)
    if rules.language_from:
        yield gettext("A case's language"), rules.language_from


def _not_in_the_schema(who, path, side, schema) -> str:
    within, _, last = path.rpartition(".")
    beside = [name for place, _, name in (f"{side}.{each}".rpartition(".") for each in properties(schema)) if place == within]
    near = get_close_matches(last, beside, n=1)
    if near:
        return gettext(
            "{who} looks at {path}, which the {side}'s schema does not have (perhaps {meant} is meant). Correct the path, or the schema."
        ).format(who=who, path=path, side=term(side), meant=f"{within}.{near[0]}")
    return gettext("{who} looks at {path}, which the {side}'s schema does not have. Correct the path, or the schema.").format(
        who=who, path=path, side=term(side)
    )


def _meant(path, schemas) -> str:
    """What to write in place of a path that no case has."""
    if path.startswith("action."):
        return " / ".join(f"action.{name}" for name in ACTION)
    for side in ("output", "input"):
        if path in properties(schemas.get(side)):
            return f"{side}.{path}"
    return f"context.{path}"


def _expressions(rules: Rules, schemas) -> Iterator[str]:
    """An expression that no case can be judged by: it fails closed, so it fires on all of them. And one that no confidence silences."""
    whys = {
        cel_kinds.NO_BOOL: gettext("it gives no yes or no"),
        cel_kinds.MISFIT: gettext("it compares or joins values of different kinds, such as a text with a number"),
    }
    for trigger in rules.triggers:
        if trigger.__struct_config__.tag != "expression":
            continue
        asked = {place.path for place in checked(trigger.expression, trigger.name).places}
        if trigger.when_missing == "silent" and ("confidence",) in asked:
            yield gettext(
                "Trigger “{trigger}” looks at the confidence and stays silent where none was given: what comes without one passes more easily than what is unsure. Let it fire when something is missing."
            ).format(trigger=trigger.name)
        if fault := cel_kinds.fault(trigger.expression, trigger.name, schemas):
            yield Grave(
                gettext(
                    "Trigger “{trigger}” can never be judged: {why}. It would fire on every case. Correct the expression."
                ).format(trigger=trigger.name, why=whys[fault])
            )


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
                        gettext(
                            "Trigger “{required}” asks for “{phrase}”, and trigger “{risk}” fires on “{found}” in it. Take the word out of one of them."
                        ).format(required=required.name, phrase=phrase, risk=risk.name, found=found)
                    )


def _chains(rules: Rules) -> Iterator[str]:
    """Chains that no band leads to, that never apply, or that ask for fewer people the more is at stake."""
    if rules.chains and not any(rule.pattern == "approval" for rule in rules.tiers.values()):
        yield gettext("There are approval chains, but no tier needs an approval. Give a tier the pattern approval.")
    bands = {band.currency for band in rules.amount_bands}
    for currency in sorted({chain.currency for chain in rules.chains if chain.currency} - bands):
        yield gettext(
            "There is an approval chain for {currency} but no amount band in {currency}. Add a band, or remove the chain."
        ).format(currency=currency)
    for chain in rules.chains:
        tier = chain.tier
        if tier and all(rules.tiers[t].pattern != "approval" for t in TIERS if RANK[t] >= RANK[tier]):
            yield gettext("The chain “{named}” is for {tier} risk, which needs no approval. Choose another tier.").format(
                named=_named(chain), tier=term(tier)
            )
    for lower, higher in _comparable(rules.chains):
        if _asked(higher) < _asked(lower):
            yield (
                gettext(
                    "The chain from {readable} on asks for fewer approvals than the one from {readable_2} on, which is taken instead. Give it {asked} or more."
                ).format(
                    readable=money.readable(higher.amount, higher.currency),
                    readable_2=money.readable(lower.amount, lower.currency),
                    asked=_asked(lower),
                )
            )


def _clocks(rules: Rules) -> Iterator[str]:
    """A warning that comes at once, an approval that expires before it is due, and a higher risk that has more time."""
    for tier in TIERS:
        warned, soonest = rules.tiers[tier].warn_minutes, min(rules.due_minutes(tier, desk) for desk in DESKS)
        if warned and warned >= soonest:
            yield (
                gettext(
                    "The {tier} tier is warned {duration} before it is due, and has {duration_2} at most at some desk: the warning comes at once. Warn later."
                ).format(tier=term(tier), duration=duration(warned * 60), duration_2=duration(soonest * 60))
            )
        if (due := rules.due_minutes(tier, "approval")) > rules.approval_minutes:
            yield (
                gettext(
                    "An approval of {tier} risk expires after {duration}, before it is due in {duration_2}. Let it be due sooner, or expire later."
                ).format(tier=term(tier), duration=duration(rules.approval_minutes * 60), duration_2=duration(due * 60))
            )
    for lower, higher in combinations(TIERS, 2):
        later = [desk for desk in DESKS if rules.due_minutes(higher, desk) > rules.due_minutes(lower, desk)]
        if later:
            yield gettext(
                "The {higher} tier has more time than the {lower} tier at {listed}. Give it less, or the other more."
            ).format(higher=term(higher), lower=term(lower), listed=listed(later))


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
