"""Whether an expression can be judged at all: tried on made-up values of the kinds that the schemas name.

CEL finds a text compared with a number only when it happens, and then the trigger fires, on every case. Only what fails on
every kind of sample is told; a fact without a kind (all of the context) is left out, and what asks for it is not judged here.
"""

from itertools import product

import cel

from workflows.triggers.base import MISSING
from workflows.triggers.cel_bounds import checked
from workflows.triggers.cel_values import values_at

NO_BOOL, MISFIT = "no_bool", "misfit"
ELSEWHERE = frozenset(["$ref", "anyOf", "oneOf", "allOf"])
ACTION = {"type": "a", "amount": 1.0, "currency": "EUR", "payee": "a"}
OF_A_CASE = {"confidence": 0.5, "segment": "a", "channel": "a", "customer_reference": "a"}


def fault(expression: str, trigger: str, schemas: dict[str, dict]) -> str:
    """Why no case can be judged by it: `NO_BOOL`, `MISFIT`; empty where one could."""
    taken = checked(expression, trigger)
    found = set()
    for number, truth in product((1.0, 1), (True, False)):
        facts = {"action": ACTION, **OF_A_CASE}
        for side, schema in schemas.items():
            if (sample := _sample(schema, number, truth)) is not MISSING:
                facts[side] = sample
        found.add(_tried(taken, facts))
    return "" if "" in found else min(found)


def _tried(taken, facts) -> str:
    try:
        answer = taken.program.execute(cel.Context(variables=values_at(facts, taken.places)))
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except TypeError as error:
        return MISFIT if str(error).startswith("No such overload") else ""
    except BaseException:  # the library's panics are no Exception; something is missing, or this value is not what it expects
        return ""
    return "" if isinstance(answer, bool) else NO_BOOL


def _sample(schema, number, truth):
    """A value that the schema would take; MISSING where it does not say of which kind."""
    if not isinstance(schema, dict) or schema.keys() & ELSEWHERE:
        return MISSING
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    kinds = schema.get("type", "object" if "properties" in schema else None)
    kinds = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind != "null"]
    kind = kinds[0] if len(kinds) == 1 else None
    if kind == "object":
        inner = schema.get("properties")
        tried = {name: _sample(each, number, truth) for name, each in inner.items()} if isinstance(inner, dict) else {}
        return {name: value for name, value in tried.items() if value is not MISSING}
    if kind == "array":
        return [item] if (item := _sample(schema.get("items"), number, truth)) is not MISSING else MISSING
    return {"string": "a", "number": number, "integer": 1, "boolean": truth}.get(kind, MISSING)
