"""Two values held against each other: as numbers, as dates, or as folded text."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from workflows.triggers.wording import folded_text

NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,15})?")  # as a string; “1e999999” is text
EXACT = 2**53  # below it, the difference of two plain numbers has the right sign
LARGE = 10**30  # from here on, a number is compared as text
PLAIN = (float, int)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

# must → whether left, so far from right (left − right; numbers, or days), keeps to it
KEEPS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "equal": lambda apart, tolerance: abs(apart) <= tolerance,
    "differ_from": lambda apart, tolerance: abs(apart) > tolerance,
    "be_at_most": lambda apart, tolerance: apart <= tolerance,
    "be_at_least": lambda apart, tolerance: apart >= -tolerance,
    "be_before": lambda apart, tolerance: apart < tolerance or apart < 0,
    "be_after": lambda apart, tolerance: apart > -tolerance or apart > 0,
}


def at_odds(must: str, tolerance: float, share: float) -> Callable[[Any, Any], bool]:
    """Whether two values break the rule. Of the two tolerances the wider counts.

    What cannot be brought into an order (a text that must be before a number) breaks a rule that asks for one.
    """
    keeps, most, part = KEEPS[must], Decimal(repr(tolerance)), Decimal(repr(share))
    alike = not keeps(0, most)

    def odds(left, right) -> bool:
        if not part and type(left) in PLAIN and type(right) in PLAIN and abs(left) < EXACT and abs(right) < EXACT:
            if left == right:
                return alike
            if not most:
                return not keeps(left - right, 0)
        if (one := number(left)) is not None and (other := number(right)) is not None:
            return not keeps(one - other, max(most, part * abs(other)))
        if (apart := days_apart(left, right)) is not None:
            return not keeps(apart, most)
        if must in ("equal", "differ_from"):
            return (_text(left) == _text(right)) != (must == "equal")
        return True

    return odds


def number(value) -> Decimal | None:
    """The number a value is, numeric strings included; truth values are none."""
    if isinstance(value, str):
        return Decimal(value) if NUMBER.fullmatch(value := value.strip()) else None
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return Decimal(repr(value)) if abs(value) < LARGE else None
    return value if isinstance(value, Decimal) and value.is_finite() else None


def days_apart(left, right) -> Decimal | None:
    """How many days left is after right; None where one of them is no ISO date. With a mere date, times of day do not count."""
    one, other = _moment(left), _moment(right)
    if one is None or other is None:
        return None
    if isinstance(one, datetime) and isinstance(other, datetime):
        return Decimal(repr((one - other).total_seconds())) / 86400
    one, other = (moment.date() if isinstance(moment, datetime) else moment for moment in (one, other))
    return Decimal((one - other).days)


def _moment(value) -> date | datetime | None:
    if isinstance(value, str) and DATE.match(value):
        try:
            value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return value if isinstance(value, date) else None


def _text(value):
    """Text folded, true and false as JSON writes them; lists and objects are compared as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, dict | list) else " ".join(folded_text(str(value)).split())
