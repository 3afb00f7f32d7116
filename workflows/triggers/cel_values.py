"""What a CEL expression sees of a case: the values at the paths it names, and nothing else of it.

`context.order.total` enters as one value under a name of its own, so that a case is not converted whole for every expression
(a nested object costs more than all the rest). Amounts are decimals and enter as doubles. Every amount this product takes
(below 10¹², at most three decimals) has a double of its own, the one that the same digits in an expression mean:
`action.amount >= 499.99` is exact at the boundary. Sums and products of amounts are doubles' sums: compare those with a margin.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from workflows.triggers.base import MISSING, Facts

MOST_BYTES = 256_000  # of the values an expression asks for, as JSON; a case beyond is judged by no expression
NAMES = frozenset(
    [
        "input",
        "output",
        "context",
        "action",
        "confidence",
        "confidences",
        "segment",
        "channel",
        "customer_reference",
        "received_at",
    ]
)


@dataclass(frozen=True, slots=True)
class Place:
    """A path that stands in an expression, and the name that stands for it in the compiled one."""

    name: str
    path: tuple[str, ...]
    asks_whether: bool = False  # has(path): true or false, as long as what it should be in is there


class WrongKind(TypeError):
    """A path leads through something that is no object."""


def values_at(facts: Facts, places: tuple[Place, ...]) -> dict[str, Any]:
    """The values by name. What was not sent, and what is null at the top or in the action, is left out: missing, no error."""
    found = {}
    for place in places:
        inside: Any = facts
        for part in place.path[:-1]:
            inside = inside.get(part)
            if not isinstance(inside, dict):
                if inside is not None:
                    raise WrongKind(f"{'.'.join(place.path)}: {part} is no object")
                break
        else:
            value = inside.get(place.path[-1], MISSING)
            if value is None and (inside is facts or inside is facts["action"]):
                value = MISSING
            if place.asks_whether:
                found[place.name] = value is not MISSING
            elif value is not MISSING:
                found[place.name] = _sent(value) if value is facts["action"] else value
    return found


def _sent(action: dict) -> dict:
    return {name: value for name, value in action.items() if value is not None}


def size_of(found: dict[str, Any]) -> tuple[int, int]:
    """Bytes as JSON, about, and how many values."""
    size = count = 0
    for value in found.values():
        if isinstance(value, dict | list):
            text = msgspec.json.encode(value)
            size, count = size + len(text), count + text.count(b",") + 1
        else:
            size, count = size + (len(value) if isinstance(value, str) else 8), count + 1
    return size, count
