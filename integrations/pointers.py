"""Where in a body something is wrong: JSON pointers, as URI fragments, from the ways our libraries say it."""

import re

MSGSPEC = re.compile(r"^(?P<said>.*?)(?: - at (?:`key` in )?`\$(?P<path>.*)`)?$", re.DOTALL)
STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
WHOLE = {"non_field_errors", "__all__"}


def pointer(steps) -> str:
    """`#/lines/0/amount`; `#` is the whole body."""
    return "#" + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


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
    """What msgspec says, and where: "Expected `int`, got `str` - at `$.lines[0].amount`"."""
    told = MSGSPEC.match(message)
    steps = [name or place.replace("...", "*") for name, place in STEP.findall(told["path"] or "")]
    return told["said"], pointer(steps)
