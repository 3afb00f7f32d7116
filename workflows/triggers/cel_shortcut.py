"""Most expressions, without CEL: “action.amount > 500 && segment == 'business'” is answered at a glance.

To hand one value to CEL costs more than to compare it here. A shortcut answers only where CEL would give the same answer for
sure: plain comparisons of texts or numbers, also of a field of every item in a list, sizes of texts and what stands in them,
joined by && and ||. All else is CEL's.
"""

import operator
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from workflows.triggers.base import MISSING, Facts
from workflows.triggers.cel_values import Place, size_of

COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
STANDS = {"contains": operator.contains, "startsWith": str.startswith, "endsWith": str.endswith}
TEXT = r"'[^'\\\n]*'|\"[^\"\\\n]*\""
NUMBER = r"-?\d{1,15}(?:\.\d{1,15})?"
PLACE = r"__\d+"
SIGN = r"\s*(==|!=|<=|>=|<|>)\s*"
COMPARISON = re.compile(rf"\s*({PLACE}){SIGN}({PLACE}|{NUMBER}|{TEXT})\s*")
ONE = re.compile(rf"\s*__0{SIGN}({NUMBER}|{TEXT})\s*")
LENGTH = re.compile(rf"\s*size\(({PLACE})\){SIGN}(\d{{1,15}})\s*")
WITHIN = re.compile(rf"\s*(!?)\s*({PLACE})\.(contains|startsWith|endsWith)\(({TEXT})\)\s*")
EXISTS = re.compile(rf"\s*({PLACE})\.exists\((\w+),\s*\2\.(\w+){SIGN}({NUMBER}|{TEXT})\)\s*")
WHETHER = re.compile(rf"\s*(!?)\s*({PLACE})\s*")
MOST_PARTS, LONG = 20, 6000  # two values a part: within these, and without lists and objects, no case is too large
SIZED = frozenset([str, list, dict])
EXACT = 2**53  # whole numbers from here on have no double of their own

# A part of an expression: true, false, or None where only CEL can say.
Part = Callable[[dict[str, Any]], bool | None]
# Why a case of so many bytes and values is too large for the expression; empty where it is not.
Excess = Callable[[int, int], str]


def shortcut(flat: str, places: tuple[Place, ...], excess: Excess) -> Callable[[Facts], bool | None] | None:
    """Answers a case like a part does; None where the expression is not plain."""
    either: list[list[Part]] = [[]]  # parts that && joins, each list joined to the next by ||
    while match := next(filter(None, (form.match(flat) for form in FORMS)), None):
        either[-1].append(FORMS[match.re](*match.groups()))
        joint, flat = flat[match.end() :][:2], flat[match.end() :][2:]
        if joint == "||":
            either.append([])
        elif joint != "&&":
            return _whole(either, places, excess) if not joint and sum(map(len, either)) <= MOST_PARTS else None
    return None


def _whole(either: list[list[Part]], places: tuple[Place, ...], excess: Excess) -> Callable[[Facts], bool | None]:
    """All values are read first: where one is absent or in something that is no object, CEL's door knows what to say."""
    paths = [(place.name, place.path[:-1], place.path[-1], place.asks_whether) for place in places]

    def holds(facts):
        values, measured = {}, True
        try:
            for name, above, last, asks_whether in paths:
                inside: Any = facts
                for part in above:
                    inside = inside[part]
                value = inside.get(last, MISSING)
                values[name] = value = value is not MISSING if asks_whether and value is not None else value
                if type(value) in SIZED and (type(value) is not str or len(value) > LONG):
                    measured = False
        except (KeyError, TypeError, AttributeError):
            return None
        if not measured and excess(*size_of(values)):
            return None
        for parts in either:
            for part in parts:
                if (answer := part(values)) is not True:
                    break
            if answer is not False:
                return answer
        return False

    return holds


def _whether(negated: str, name: str) -> Part:
    wanted = not negated

    def holds(values):
        value = values[name]
        return value is wanted if type(value) is bool else None

    return holds


def _within(negated: str, name: str, how: str, quoted: str) -> Part:
    wanted, literal, stands = not negated, quoted[1:-1], STANDS[how]

    def holds(values):
        value = values[name]
        return stands(value, literal) is wanted if type(value) is str else None

    return holds


def _exists(name: str, _: str, field: str, sign: str, right: str) -> Part:
    """Never true: which item it is that counts is left to CEL."""
    of_one = _comparison("one", sign, right)

    def holds(values):
        items = values[name]
        if type(items) is not list:
            return None
        for item in items:
            if type(item) is not dict or field not in item or of_one({"one": item[field]}) is not False:
                return None
        return False

    return holds


def _length(name: str, sign: str, number: str) -> Part:
    compare, least = COMPARE[sign], int(number)

    def holds(values):
        value = values[name]
        return compare(len(value.encode()), least) if type(value) is str else None

    return holds


def _comparison(name: str, sign: str, right: str) -> Part:
    if right.startswith("__"):
        return _with_another(name, sign, right)
    return _with_text(name, sign, right[1:-1]) if right[0] in "'\"" else _with_number(name, COMPARE[sign], float(right))


def _with_text(name: str, sign: str, text: str) -> Part:
    """Which text comes before which is left to CEL."""
    compare, of_texts = COMPARE[sign], sign in ("==", "!=")

    def holds(values):
        value = values[name]
        return compare(value, text) if of_texts and type(value) is str else None

    return holds


def _with_number(name: str, compare: Callable, number: float) -> Part:
    def holds(values):
        value = _as_double(values[name])
        return None if value is None else compare(value, number)

    return holds


def _with_another(name: str, sign: str, right: str) -> Part:
    compare, of_texts = COMPARE[sign], sign in ("==", "!=")

    def holds(values):
        one, other = values[name], values[right]
        if type(one) is str and type(other) is str:
            return compare(one, other) if of_texts else None
        one, other = _as_double(one), _as_double(other)
        return None if one is None or other is None else compare(one, other)

    return holds


def _as_double(value) -> float | None:
    """As CEL takes it; None for what is no number, or has no double of its own."""
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value) if -EXACT < value < EXACT else None
    return float(value) if type(value) is Decimal else None


# The forms that a part may have. What another form begins with stands last.
FORMS = {COMPARISON: _comparison, LENGTH: _length, WITHIN: _within, EXISTS: _exists, WHETHER: _whether}
