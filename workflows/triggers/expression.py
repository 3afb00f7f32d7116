"""A trigger in CEL, the Common Expression Language, for what no ready-made trigger says."""

import re
from typing import Annotated, Literal

import cel
from msgspec import Meta

from workflows.triggers.base import Effect, Fires
from workflows.triggers.cel_bounds import checked
from workflows.triggers.cel_values import size_of, values_at

PROPOSED, CAME_IN = re.compile(r"\b(output|action)\b"), re.compile(r"\b(input|context)\b")


class Expression(Effect, tag="expression"):
    """Fires when the expression is true. What it asks for and is absent is missing: silent, or as `when_missing` says.

    Whatever else goes wrong (a division by zero, a text that should be a number, a case too large to be judged in time)
    fires: who wrote the expression meant to catch something.
    """

    expression: Annotated[str, Meta(min_length=1, max_length=2000)]
    when_missing: Literal["silent", "fires"] = "silent"

    @property
    def compares(self) -> bool:
        """Of what is proposed with what came in."""
        return bool(PROPOSED.search(self.expression) and CAME_IN.search(self.expression))

    def __post_init__(self):
        checked(self.expression, self.name)

    def prepare(self) -> Fires:
        expression, missing_fires = checked(self.expression, self.name), self.when_missing == "fires"
        shortcut = expression.shortcut or _only_cel_can_say
        paths = {place.name: ".".join(place.path) for place in expression.places}
        alone = paths["__0"] if expression.is_one_comparison else ""

        def misses(absent):
            return {"missing": absent, "says": f"“{self.name}” misses {absent}"} if missing_fires else None

        def fires(facts):
            try:
                answer = shortcut(facts)
                if answer is None:
                    values = values_at(facts, expression.places)
                    if alone and not values:
                        return misses(alone)  # as CEL would say, at more cost
                    if excess := expression.bounds.excess(*size_of(values)):
                        return {"failed": excess, "says": f"“{self.name}” cannot be judged: {excess}"}
                    answer = expression.program.execute(cel.Context(variables=values))
            except (KeyboardInterrupt, SystemExit, MemoryError):
                raise
            except BaseException as error:  # the library's panics are no Exception
                absent = _absent(error, paths)
                return misses(absent) if absent else _failed(self.name, error)
            if answer is True:
                return {"expression": self.expression, "says": f"“{self.name}” holds"}
            if answer is False:
                return None
            return {"failed": "not a yes or no", "says": f"“{self.name}” cannot be judged: it gives no yes or no"}

        return fires


def _only_cel_can_say(facts):
    return None


def _absent(error, paths: dict[str, str]) -> str:
    """The name that is not there; empty where something else went wrong."""
    if isinstance(error, KeyError):
        return str(error.args[0])
    if isinstance(error, IndexError):
        return "an item of a list"
    if isinstance(error, RuntimeError) and str(error).startswith("Undefined variable"):
        return paths.get(str(error).split("'")[1], "")
    return ""


def _failed(name, error) -> dict:
    words = {
        ZeroDivisionError: "it divides by zero",
        OverflowError: "a number is too large",
        TypeError: "a value is of another type than it expects",
    }
    why = next((said for kind, said in words.items() if isinstance(error, kind)), "a value is not what it expects")
    return {"failed": why, "detail": str(error)[:200], "says": f"“{name}” cannot be judged: {why}"}
