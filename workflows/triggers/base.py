"""What every trigger shares: its effect, the way to a value, and how words are compared.

`prepare()` does once, per policy version and process, what need not be done per case; it returns `fires(facts)`,
which gives the facts seen (a small dict with `says`, a phrase) or None.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Tier = Literal["low", "medium", "high"]
# input, output, context, action {type, amount, currency, payee}, confidence, confidences, alternatives, segment, channel,
# customer_reference, received_at, and `earlier`: the cases of the same customer or the same input that came before
# (newest first, each: id, external_id, at, same_customer, same_input, type, amount, currency)
Facts = dict[str, Any]
Fires = Callable[[Facts], dict | None]
MISSING = object()
SIMPLE = (str, int, float)
REMEMBERED = (
    object()
)  # the key under which one case's facts keep what several triggers work out of them; `route` gives each its own

Name = Annotated[str, Meta(min_length=1, max_length=80)]
Path = Annotated[str, Meta(min_length=1, max_length=200)]
Word = Annotated[str, Meta(min_length=1, max_length=100)]
Words = Annotated[list[Word], Meta(max_length=2000)]
Days = Annotated[int, Meta(ge=1, le=366)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Effect(Struct, forbid_unknown_fields=True, frozen=True, tag_field="kind", kw_only=True):
    """What a trigger does when it fires: raise the tier, send to a desk, name the exception's category, add a tag."""

    name: Name
    raises: Tier | None = None
    desk: Literal["review", "resolution"] | None = None
    category: str | None = None
    tag: str | None = None

    @property
    def compares(self) -> bool:
        """Whether it holds two values against each other, so that whoever changes one may be at odds with the other."""
        return False

    @property
    def clues(self) -> frozenset[str]:
        """Words of which one stands under `within` whenever it fires: where none does, it need not be asked. None: it always is."""
        return frozenset()


def look(facts: Facts, parts: list[str]):
    """The value at a dotted path, MISSING where there is none."""
    value: Any = facts
    try:
        for part in parts:
            value = value[part]
    except (KeyError, TypeError):  # absent, or within something that is no object
        return MISSING
    return value


def is_blank(value) -> bool:
    return value is MISSING or value is None or (isinstance(value, str) and not value.strip())


def shown(value, limit: int = 60) -> str:
    """A value as a reason names it: short, and as JSON writes it."""
    text = {True: "true", False: "false"}.get(value, "") if isinstance(value, bool) else str(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def listed(names: list[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"
