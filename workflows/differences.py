"""What differs between two versions of a policy, as sentences by subject. Pure: two documents in, words out.

Nothing differs silently: a field of the rules that has no words of its own here is named as it is written.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.terms import term
from workflows import money, reading
from workflows.patterns import TIERS, Chain, Rules
from workflows.terms import duration, listed, share


class Version(NamedTuple):
    """What a version says: the rules and what an input and an output look like."""

    rules: Rules
    input_schema: dict
    output_schema: dict

    @classmethod
    def of(cls, policy) -> "Version":
        """Of a stored policy. Raises ValueError where its rules cannot be read."""
        return cls(msgspec.convert(policy.rules, Rules, strict=False), policy.input_schema, policy.output_schema)


def differences(before: Version, after: Version) -> list[tuple[str, list[str]]]:
    """(subject, sentences) in the order of a policy's page, without the subjects in which nothing differs."""
    told = [(subject, list(compare(before.rules, after.rules))) for subject, compare in SUBJECTS.items()]
    told += [
        (
            WHAT_IT_CONTAINS[side],
            list(_schema(getattr(before, f"{side}_schema"), getattr(after, f"{side}_schema"))),
        )
        for side in ("input", "output")
    ]
    told = [(subject, sentences) for subject, sentences in told if sentences]
    return told or ([] if before == after else [(gettext("Order"), [gettext("The same rules stand in another order.")])])


# tiers and the risk map

TIER_WORDS = {
    "pattern": _("watched by"),
    "threshold": _("straight through from a confidence of"),
    "below": _("below the threshold it goes to"),
    "review_first": _("reviewed before the approval"),
    "sample_rate": _("drawn for a sampled look"),
    "sample_floor": _("never drawn less than"),
    "sampled": _("while a drawn case waits it is"),
    "due_minutes": _("due in"),
    "warn_minutes": _("warned before it is due by"),
}
BY_NAME = {
    "thresholds": _("straight through from a confidence of, in the segment"),
    "field_thresholds": _("confidence asked of the field"),
    "sample_rates": _("drawn for a sampled look, in the segment"),
}
WHAT_IT_CONTAINS = {"input": _("What the input contains"), "output": _("What the output contains")}
SHARES = {"sample_rate", "sample_rates", "sample_floor", "threshold", "thresholds", "field_thresholds"}


def _tiers(before, after):
    for tier in TIERS:
        old, new = before.tiers[tier], after.tiers[tier]
        for name in old.__struct_fields__:
            was, now = getattr(old, name), getattr(new, name)
            if name in BY_NAME:
                yield from _by_key(was, now, _of(tier, f"{BY_NAME[name]} “{{}}”"), _formed(name))
            else:
                yield from _one(_of(tier, TIER_WORDS.get(name, name)), was, now, _formed(name))


def _of(tier, what) -> str:
    text = gettext("{tier} risk: {rule}").format(tier=term(tier), rule=what)
    return text[:1].upper() + text[1:]


def _formed(name) -> Callable[[Any], str]:
    if name in SHARES:
        return lambda rate: _plain(rate) if rate is None else share(rate)
    if name.endswith("_minutes"):
        return lambda minutes: _plain(minutes) if minutes is None else duration(minutes * 60)
    return _plain


def _risk_map(before, after):
    yield from _one(gettext("Without anything that raises it, the risk is"), before.default_tier, after.default_tier)
    yield from _by_key(before.action_tiers, after.action_tiers, gettext("The risk of the action “{}”"))
    yield from _by_key(before.segment_tiers, after.segment_tiers, gettext("The risk of the segment “{}”"))
    was, now = ({(band.currency, band.amount): band.tier for band in rules.amount_bands} for rules in (before, after))
    for currency, tier in sorted({(band.currency, band.tier) for band in (*before.amount_bands, *after.amount_bands)}):
        gone, new = (
            [at for at in one if at[0] == currency and one[at] == tier and at not in other]
            for one, other in ((was, now), (now, was))
        )
        if len(gone) == len(new) == 1:
            begins, began = money.readable(new[0][1], currency), money.readable(gone[0][1], currency)
            yield gettext("{tier} risk begins at {begins}; it began at {began}.").format(
                tier=term(tier).capitalize(), begins=begins, began=began
            )
            was.pop(gone[0]), now.pop(new[0])
    yield from _by_key(_banded(was), _banded(now), gettext("The risk of an action from {} on"))


def _banded(bands):
    return {money.readable(amount, currency): tier for (currency, amount), tier in bands.items()}


# triggers


def _triggers(before, after):
    was, now = ({trigger.name: trigger for trigger in rules.triggers} for rules in (before, after))
    yield from (
        gettext("The trigger “{name}” is new: it {fires}, and {does}.").format(name=name, **_in_words(now[name]))
        for name in now
        if name not in was
    )
    yield from (
        gettext("The trigger “{name}” is gone. Before: it {fires}, and {does}.").format(name=name, **_in_words(was[name]))
        for name in was
        if name not in now
    )
    for name in was:
        if name in now:
            yield from _trigger(was[name], now[name])
    kept = [[name for name in one if name in other] for one, other in ((was, now), (now, was))]
    if kept[0] != kept[1]:
        yield gettext("The triggers are asked in another order: {now}.").format(now=", ".join(now))


def _trigger(was, now):
    about = gettext("The trigger “{was}”").format(was=was.name)
    if type(was) is not type(now):
        yield gettext("{about} is of another kind: it was {kind} and is now {kind_2}.").format(
            about=about, kind=_kind(was), kind_2=_kind(now)
        )
        return
    for name in was.__struct_fields__:
        yield from _one(f"{about}, {_words(name)}", getattr(was, name), getattr(now, name))


def _in_words(trigger) -> dict:
    return {"fires": reading.fires_when(trigger), "does": reading.effect(trigger)}


def _kind(trigger) -> str:
    return term(trigger.__struct_config__.tag)


# approvals and decisions


def _chains(before, after):
    was, now = ({_holds_for(chain): _steps(chain) for chain in rules.chains} for rules in (before, after))
    yield from _by_key(was, now, gettext("The approval of {}"))


def _holds_for(chain: Chain) -> str:
    said = [
        gettext("the action “{action_type}”").format(action_type=chain.action_type)
        if chain.action_type
        else gettext("any action")
    ]
    said += (
        [gettext("from {readable} on").format(readable=money.readable(chain.amount, chain.currency))]
        if chain.amount is not None
        else []
    )
    said += [gettext("in {currency}").format(currency=chain.currency)] if chain.currency and chain.amount is None else []
    return " ".join([*said, *([gettext("of {tier} risk").format(tier=term(chain.tier))] if chain.tier else [])])


def _steps(chain: Chain) -> str:
    each = [
        ", ".join(
            [
                step.name,
                *([gettext("{people} people").format(people=step.people)] if step.people > 1 else []),
                *([gettext("as {title}").format(title=step.title)] if step.title else []),
            ]
        )
        for step in chain.steps
    ]
    return gettext("; then ").join(each)


def _reason_codes(before, after):
    was, now = (
        {code.code: f"{code.label} ({listed([term(verb) for verb in code.verbs], 'or')})" for code in rules.reason_codes}
        for rules in (before, after)
    )
    yield from _by_key(was, now, gettext("The reason code “{}”"))


def _source(before, after):
    for name in before.action_from.__struct_fields__:
        yield from _one(
            gettext("The action's {name} is read from").format(name=term(name)),
            getattr(before.action_from, name),
            getattr(after.action_from, name),
        )


def _dues(before, after):
    was, now = (
        {
            gettext("{tier} risk at {desk}").format(tier=term(each.tier), desk=term(each.desk)): each.due_minutes
            for each in rules.dues
        }
        for rules in (before, after)
    )
    yield from _by_key(was, now, gettext("The due time of {}"), _formed("due_minutes"))


OTHERWISE = {
    "approval_minutes": _("An approval expires after"),
    "another_approver_takes_edits": _("What an approver edits always goes to another approver"),
    "no_action_needs_approval": _("Closing a case without action needs an approval"),
    "snooze_boost": _("What comes back from a snooze is more urgent by"),
    "grace_seconds": _("Whoever decided may undo it for"),
    "lease_seconds": _("A claim lasts"),
    "language_from": _("A case's language is read from"),
    "scorecard": _("The scorecard is version"),
    "marks_required": _("Every review must be marked"),
    "blind_first": _("A reviewer answers before the AI's answer is shown to him"),
}
TOLD_APART = {
    "tiers",
    "default_tier",
    "action_tiers",
    "amount_bands",
    "segment_tiers",
    "triggers",
    "chains",
    "reason_codes",
    "action_from",
    "dues",
}


def _the_rest(before, after):
    for name in before.__struct_fields__:
        if name not in TOLD_APART:
            formed = duration if name.endswith("_seconds") else _formed(name)
            yield from _one(OTHERWISE.get(name, _words(name)), getattr(before, name), getattr(after, name), formed)


SUBJECTS: dict[str, Callable[[Rules, Rules], Iterator[str]]] = {
    _("How each risk is watched"): _tiers,
    _("Risk map"): _risk_map,
    _("Triggers"): _triggers,
    _("Approvals"): _chains,
    _("Reason codes"): _reason_codes,
    _("Where the action stands"): _source,
    _("Due times of the desks"): _dues,
    _("Decisions and deadlines"): _the_rest,
}


# schemas


def _schema(before: dict, after: dict, at: str = "") -> Iterator[str]:
    """Field by field; a keyword that is no field is told where it stands."""
    was, now = (schema.get("properties", {}) if isinstance(schema, dict) else {} for schema in (before, after))
    yield from (
        gettext("The field “{at}{name}” is new: {field}.").format(at=at, name=name, field=_field(now[name]))
        for name in now
        if name not in was
    )
    yield from (gettext("The field “{at}{name}” is gone.").format(at=at, name=name) for name in was if name not in now)
    asked = [set(schema.get("required", [])) for schema in (before, after)]
    yield from (
        gettext("The field “{at}{name}” is now required.").format(at=at, name=name) for name in sorted(asked[1] - asked[0])
    )
    yield from (
        gettext("The field “{at}{name}” is no longer required.").format(at=at, name=name)
        for name in sorted(asked[0] - asked[1])
    )
    yield from _keywords(before, after, gettext("The field “{at}”").format(at=at[:-1]) if at else gettext("As a whole"))
    for name in was:
        if name in now and was[name] != now[name]:
            if isinstance(was[name], dict) and isinstance(now[name], dict):
                yield from _schema(was[name], now[name], f"{at}{name}.")
            else:
                yield from _one(gettext("The field “{at}{name}”").format(at=at, name=name), was[name], now[name])


def _keywords(before, after, about):
    for name in sorted({*before, *after} - {"properties", "required"}):
        yield from _one(f"{about}, {_words(name)}", before.get(name), after.get(name))


def _field(schema) -> str:
    if not isinstance(schema, dict):
        return _plain(schema)
    return (
        gettext("one of {plain}").format(plain=_plain(schema["enum"]))
        if "enum" in schema
        else _plain(schema.get("type", "anything"))
    )


# what the sentences share

LEADS = {"of", "for", "from", "than", "in", "by", "is", "to", "version", "after"}  # the value follows these without a colon


def _one(about: str, was, now, formed=None) -> Iterator[str]:
    """One value in place of another; of lists, what was added and what was taken away."""
    formed = formed or _plain
    if was == now:
        return
    if isinstance(was, list) and isinstance(now, list) and (added_or_gone := _members(was, now)):
        yield f"{about}: {added_or_gone}."
    elif isinstance(was, dict) and isinstance(now, dict):
        yield from _by_key(was, now, f"{about} “{{}}”", formed)
    elif isinstance(now, bool) and isinstance(was, bool):
        yield gettext("{about}: {now}, before {was}.").format(about=about, now=_plain(now), was=_plain(was))
    else:
        leads = about.rpartition(" ")[2] in LEADS
        said = gettext("{about} {now}, before {was}.") if leads else gettext("{about}: {now}, before {was}.")
        yield said.format(about=about, now=formed(now), was=formed(was))


def _members(was, now) -> str:
    added, gone = ([each for each in one if each not in other] for one, other in ((now, was), (was, now)))
    return "; ".join(
        [
            *([gettext("{plain} added").format(plain=_plain(added))] if added else []),
            *([gettext("{plain} taken away").format(plain=_plain(gone))] if gone else []),
        ]
    )


def _by_key(was: dict, now: dict, about: str, formed=None) -> Iterator[str]:
    formed = formed or _plain
    for key in (*was, *(key for key in now if key not in was)):
        if key not in was:
            yield gettext("{about} is new: {told}.").format(about=about.format(key), told=_told(now[key], formed))
        elif key not in now:
            yield gettext("{about} is gone; it was {told}.").format(about=about.format(key), told=_told(was[key], formed))
        else:
            yield from _one(about.format(key), was[key], now[key], formed)


def _told(value, formed):
    return _plain(value) if isinstance(value, list | dict) else formed(value)


def _plain(value) -> str:
    if value in (None, "", []) and value is not False:
        return gettext("nothing")
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, dict | msgspec.Struct):
        return msgspec.json.encode(value).decode()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")
