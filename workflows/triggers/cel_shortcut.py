"""The plain half of most expressions, without CEL: “action.amount > 500 && segment == 'business'” is false at a glance.

To hand one value to CEL costs more than to compare it here. A shortcut only ever says that an expression is false, and only
where CEL would say so, too: it joins plain comparisons by &&, and the values are texts, or numbers. All else is CEL's.
"""

import operator
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from workflows.triggers.base import MISSING, Facts
from workflows.triggers.cel_values import Place

COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
TEXT = r"'[^'\\\n]*'|\"[^\"\\\n]*\""
NUMBER = r"-?\d{1,15}(?:\.\d{1,15})?"
PLACE = r"__\d+"
COMPARISON = re.compile(rf"\s*({PLACE})\s*(==|!=|<=|>=|<|>)\s*({PLACE}|{NUMBER}|{TEXT})\s*")
WHETHER = re.compile(rf"\s*(!?)\s*({PLACE})\s*")
MOST_PARTS, LONG = 20, 2000  # beyond, the bounds of a case's size are asked, too
EXACT = 2**53  # whole numbers from here on have no double of their own

# A part of an expression: true, false, or None where only CEL can say.
Part = Callable[[dict[str, Any]], bool | None]


def shortcut(flat: str, places: tuple[Place, ...]) -> Callable[[Facts], bool] | None:
    """Tells of a case whether the expression is surely false; None where the expression is not plain."""
    parts: list[Part] = []
    while match := COMPARISON.match(flat) or WHETHER.match(flat):
        rest = flat[match.end() :]
        if rest and not rest.startswith("&&"):
            return None
        parts.append(_comparison(*match.groups()) if match.re is COMPARISON else _whether(*match.groups()))
        flat = rest[2:]
        if not flat and len(parts) <= MOST_PARTS:
            return _surely_false(parts, places)
    return None


def _surely_false(parts: list[Part], places: tuple[Place, ...]) -> Callable[[Facts], bool]:
    """All values are read first: where one is absent or in something that is no object, CEL's door knows what to say."""
    paths = [(place.name, place.path[:-1], place.path[-1], place.asks_whether) for place in places]

    def surely_false(facts):
        values = {}
        try:
            for name, above, last, asks_whether in paths:
                inside: Any = facts
                for part in above:
                    inside = inside[part]
                value = inside.get(last, MISSING)
                values[name] = value is not MISSING if asks_whether and value is not None else value
        except (KeyError, TypeError, AttributeError):
            return False
        for part in parts:
            if (holds := part(values)) is not True:
                return holds is False
        return False

    return surely_false


def _whether(negated: str, name: str) -> Part:
    wanted = not negated

    def holds(values):
        value = values[name]
        return value is wanted if type(value) is bool else None

    return holds


def _comparison(name: str, sign: str, right: str) -> Part:
    compare, of_texts = COMPARE[sign], sign in ("==", "!=")
    literal = None if right.startswith("__") else right[1:-1] if right[0] in "'\"" else _number(right)

    def holds(values):
        one, other = values[name], values[right] if literal is None else literal
        if type(one) is str and type(other) is str:
            return compare(one, other) if of_texts and len(one) + len(other) < LONG else None
        one, other = _as_double(one), _as_double(other)
        return None if one is None or other is None else compare(one, other)

    return holds


def _number(written: str) -> int | float:
    return float(written) if "." in written else int(written)


def _as_double(value) -> float | None:
    """As CEL takes it; None for what is no number, or has no double of its own."""
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value) if -EXACT < value < EXACT else None
    return float(value) if type(value) is Decimal else None
