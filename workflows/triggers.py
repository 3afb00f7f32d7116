"""Triggers: what makes one output special. Each says whether it fires and stores the facts it saw.

`prepare()` does once, per policy version and process, what need not be done per case; it returns `fires(facts)`,
which gives the facts seen (a small dict with `says`, a phrase) or None.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from workflows import money

Tier = Literal["low", "medium", "high"]
Facts = dict[str, Any]  # input, output, context, action {type, amount, currency, payee}, confidence, confidences, segment
Fires = Callable[[Facts], dict | None]
MISSING = object()


class Effect(Struct, forbid_unknown_fields=True, frozen=True, tag_field="kind", kw_only=True):
    """What a trigger does when it fires: raise the tier, send to a desk, name the exception's category, add a tag."""

    name: Annotated[str, Meta(min_length=1, max_length=80)]
    raises: Tier | None = None
    desk: Literal["review", "resolution"] | None = None
    category: str | None = None
    tag: str | None = None


class RequiredFields(Effect, tag="required_fields"):
    """Fires when one of the fields is absent, null or blank."""

    fields: Annotated[list[str], Meta(min_length=1)]

    def prepare(self) -> Fires:
        paths = [(path, path.split(".")) for path in self.fields]

        def fires(facts):
            absent = [path for path, parts in paths if _is_blank(look(facts, parts))]
            return {"absent": absent, "says": f"{_listed(absent)} missing"} if absent else None

        return fires


class LowConfidence(Effect, tag="low_confidence"):
    """Fires when the confidence, or that of one field, is missing or below `below`."""

    below: Annotated[float, Meta(ge=0, le=1)]
    field: str = ""

    def prepare(self) -> Fires:
        name, below, of = self.field, self.below, f" in {self.field}" if self.field else ""

        def fires(facts):
            seen = facts["confidences"].get(name) if name else facts["confidence"]
            if seen is None:
                return {"confidence": None, "says": f"no confidence{of} was given"}
            if seen < below:
                return {"confidence": seen, "below": below, "says": f"confidence{of} {seen:.2f} is below {below:.2f}"}
            return None

        return fires


class Keywords(Effect, tag="keywords"):
    """Fires when one of the words or phrases stands in the text, whole, whatever its case and accents."""

    words: Annotated[list[Annotated[str, Meta(min_length=1, max_length=100)]], Meta(min_length=1, max_length=2000)]
    within: str = "input"

    def prepare(self) -> Fires:
        parts = self.within.split(".")
        folded = sorted({folded_text(word).strip() for word in self.words} - {""}, key=len, reverse=True)
        matcher = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, folded)) or '(?!)'})(?!\w)")

        def fires(facts):
            for text in texts(look(facts, parts)):
                if found := matcher.search(folded_text(text)):
                    return {"word": found[0], "says": f"“{found[0]}” is a risk word"}
            return None

        return fires


class ActionIs(Effect, tag="action"):
    """Fires on an action of one of these types (any type where none is named), from an amount on where one is named."""

    types: list[str] = []
    currency: str = ""
    amount: Decimal | None = None

    def __post_init__(self):
        if fault := money.fault(self.amount, self.currency):
            raise ValueError(fault)

    def prepare(self) -> Fires:
        types, currency, least = frozenset(self.types), self.currency, self.amount

        def fires(facts):
            action = facts["action"]
            if not action["type"] or (types and action["type"] not in types):
                return None
            if currency and action["currency"] != currency:
                return None
            if least is not None and (action["amount"] is None or action["amount"] < least):
                return None
            return {"type": action["type"], "amount": action["amount"], "says": f"the action is “{action['type']}”"}

        return fires


class FieldIsOneOf(Effect, tag="field_is_one_of"):
    """Fires when the field has one of these values."""

    field: str
    values: Annotated[list[str | int | bool], Meta(min_length=1)]

    def prepare(self) -> Fires:
        parts, values = self.field.split("."), {str(value) for value in self.values}
        name = parts[-1]

        def fires(facts):
            seen = look(facts, parts)
            if isinstance(seen, str | int | float) and str(seen) in values:
                return {"field": self.field, "value": seen, "says": f"{name} is “{seen}”"}
            return None

        return fires


Trigger = RequiredFields | LowConfidence | Keywords | ActionIs | FieldIsOneOf


def look(facts: Facts, parts: list[str]):
    """The value at a dotted path, MISSING where there is none."""
    value: Any = facts
    for part in parts:
        if not isinstance(value, dict) or part not in value:
            return MISSING
        value = value[part]
    return value


def texts(value) -> Iterator[str]:
    """Every string inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def folded_text(text: str) -> str:
    """Lower case without accents: “Más” and “mas” are one word."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def _is_blank(value) -> bool:
    return value is MISSING or value is None or (isinstance(value, str) and not value.strip())


def _listed(names: list[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"
