"""What a CEL expression sees of a case: built once a case, only the names that some expression asks for.

Amounts are decimals and enter as doubles. Every amount this product takes (below 10¹², at most three decimals) has a double
of its own, the one that the same digits in an expression mean: `action.amount >= 499.99` is exact at the boundary. Sums and
products of amounts are doubles' sums: compare those with a margin.
"""

from dataclasses import dataclass, field

import cel
import msgspec

from workflows.triggers.base import Facts, remembered

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


@dataclass(slots=True)
class Values:
    """One case as expressions see it: how large each name's value is (bytes as JSON, values about), and the context.

    Both are filled as expressions ask, the context last: what is too large is never converted.
    """

    bytes: dict[str, int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    made: cel.Context = field(default_factory=cel.Context)

    def measure(self, facts: Facts, names: frozenset[str]) -> None:
        for name in names:
            if name not in self.bytes:
                text = msgspec.json.encode(facts.get(name))
                self.bytes[name], self.values[name] = len(text), text.count(b",") + 1

    def context(self, facts: Facts, names: frozenset[str]) -> cel.Context:
        """What is null at the top or in the action, or was not sent, is absent: missing, no error."""
        for name in names - self.known:
            value = facts.get(name)
            if name == "action":
                value = {part: inner for part, inner in value.items() if inner is not None}
            if value is not None:
                self.made.add_variable(name, value)
        self.known |= names
        return self.made


def values_of(facts: Facts) -> Values:
    """The case's one, shared by all expressions of the policy."""
    return remembered(facts, "cel", Values)
