"""What a CEL expression sees of a case: built once a case, only the names that some expression asks for.

Amounts are decimals and enter as doubles. Every amount this product takes (below 10¹², at most three decimals) has a double
of its own, the one that the same digits in an expression mean: `action.amount >= 499.99` is exact at the boundary. Sums and
products of amounts are doubles' sums: compare those with a margin.
"""

from dataclasses import dataclass, field

import cel
import msgspec

from workflows.triggers.base import REMEMBERED, Facts

MOST_BYTES = 256_000  # of one name's value as JSON; a case beyond is judged by no expression
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


@dataclass(slots=True)
class Values:
    """One case's context, filled as expressions ask, and how large each name's value is: bytes as JSON, values about."""

    context: cel.Context = field(default_factory=cel.Context)
    bytes: dict[str, int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)


def environment(facts: Facts, names: frozenset[str]) -> Values:
    """The case's values of these names. What is null at the top or in the action, or was not sent, is absent: missing, no error."""
    made = facts[REMEMBERED].get("cel")
    if made is None:
        made = facts[REMEMBERED]["cel"] = Values()
    for name in names:
        if name not in made.bytes:
            _add(made, name, facts.get(name))
    return made


def _add(made: Values, name: str, value) -> None:
    text = msgspec.json.encode(value)
    made.bytes[name], made.values[name] = len(text), text.count(b",") + 1
    if name == "action":
        value = {part: inner for part, inner in value.items() if inner is not None}
    if value is not None and len(text) <= MOST_BYTES:
        made.context.add_variable(name, value)
