"""Where in a body something is wrong: JSON pointers, as URI fragments, from the ways our libraries say it; and what would be right."""

import re

from msgspec import inspect

MSGSPEC = re.compile(r"^(?P<said>.*?)(?: - at (?:`key` in )?`\$(?P<path>.*)`)?$", re.DOTALL)
STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
FIELD = re.compile(r"^Object (?:missing required|contains unknown) field `(.+)`$")
BYTE = re.compile(r"\(byte (\d+)\)")
WHOLE = {"non_field_errors", "__all__"}
IN_FULL = {"Invalid RFC3339 encoded datetime": "Expected a time with its zone, such as 2026-06-01T07:16:59Z"}
AROUND = 30  # bytes of a malformed body, shown on either side of the one that does not fit


def pointer(steps) -> str:
    """`#/lines/0/amount`; `#` is the whole body."""
    return "#" + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def placed(pointer, said) -> str:
    """One error as a sentence that names its place, once."""
    if FIELD.match(said):
        pointer = pointer.rpartition("/")[0]
    return f"{pointer[2:]}: {said}" if len(pointer) > 1 else said


def flatten(errors, steps=()):
    """Pairs of pointer and message out of the nested dicts and lists of DRF and Django."""
    if isinstance(errors, dict):
        for name, inner in errors.items():
            yield from flatten(inner, steps if name in WHOLE else (*steps, name))
    elif isinstance(errors, list):
        for place, inner in enumerate(errors):
            yield from flatten(inner, (*steps, place) if isinstance(inner, dict | list) else steps)
    else:
        yield pointer(steps), errors


def of_msgspec(message) -> tuple[str, str]:
    """What msgspec says, and where: "Expected `int`, got `str` - at `$.lines[0].amount`".

    A field that is missing, or that nobody knows, is itself the place.
    """
    said, steps = _told(message)
    if named := FIELD.match(said):
        steps.append(named[1])
    return IN_FULL.get(said, said), pointer(steps)


def _told(message) -> tuple[str, list[str]]:
    told = MSGSPEC.match(message)
    return told["said"], [name or place.replace("...", "*") for name, place in STEP.findall(told["path"] or "")]


def with_choices(message, kind) -> str:
    """The same message of msgspec's about a body of that kind, with what may stand where a value is not one of the allowed."""
    said, steps = _told(message)
    if not said.startswith("Invalid enum value"):
        return message
    allowed = ", ".join(f"“{choice}”" for choice in _choices(inspect.type_info(kind), steps))
    return message.replace(said, f"{said}. Say one of {allowed}", 1)


def _choices(kind, steps) -> list:
    """What the literals at that place of a type are."""
    if isinstance(kind, inspect.UnionType):
        return [choice for each in kind.types for choice in _choices(each, steps)]
    if isinstance(kind, inspect.LiteralType):
        return list(kind.values)
    if isinstance(kind, inspect.StructType) and steps:
        return [choice for each in kind.fields if each.encode_name == steps[0] for choice in _choices(each.type, steps[1:])]
    if isinstance(kind, inspect.ListType) and steps:
        return _choices(kind.item_type, steps[1:])
    return []


def with_what_stands_there(message, body: bytes) -> str:
    """What msgspec says of a malformed body, with the text around the byte that it names."""
    if not (named := BYTE.search(message)):
        return message
    byte = int(named[1])
    around = body[max(0, byte - AROUND) : byte + AROUND].decode("utf-8", "replace")
    return f"{message}, in “{around}”"
