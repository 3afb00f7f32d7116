"""How values read on a page: nested values as nested lists, two versions side by side, times as distances. Pure."""

import sys
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.translation import gettext, gettext_lazy, pgettext

TOLD_OF = ("name", "kind", "says")
PLAIN = {True: gettext_lazy("yes"), False: gettext_lazy("no")}


MOST_VALUES, MOST_SIGNS = 500, 20_000  # of one value on a page; the rest stands on a page of its own


SHORT = 40  # characters that a heading has room for


class Told(NamedTuple):
    """One value: a text, or rows of (name, Told), or points; and how many signs, rows or points more there are."""

    text: str = ""
    rows: list | None = None
    points: list | None = None
    more: int = 0


class Compared(NamedTuple):
    """One value of the output, as the AI proposed it and as it stands."""

    path: str
    before: Told | None
    after: Told | None
    changed: bool
    name: str


class _Room:
    """How much of a value there is room for still."""

    def __init__(self, values, signs):
        self.values, self.signs = values, signs

    def told(self, value) -> Told:
        if isinstance(value, dict) and value:
            rows = [(named(name), self.told(inner)) for name, inner in value.items() if self.values > 0]
            return Told(rows=rows, more=len(value) - len(rows))
        if isinstance(value, list) and value:
            points = [self.told(inner) for inner in value if self.values > 0]
            return Told(points=points, more=len(value) - len(points))
        self.values -= 1
        return self._text(called(None if value in ({}, []) else value))

    def _text(self, text) -> Told:
        shown = text[: max(self.signs, 0)]
        self.signs -= len(shown)
        return Told(shown, more=len(text) - len(shown))


def called(value: Any) -> str:
    """A plain value in words."""
    if isinstance(value, bool):
        return str(PLAIN[value])
    return gettext("none") if value is None else str(value)


def told(value: Any, *, whole: bool = False) -> Told:
    """The value as a page shows it: of a very large one its beginning, or all of it where `whole` is asked for."""
    return _Room(float("inf"), sys.maxsize).told(value) if whole else _Room(MOST_VALUES, MOST_SIGNS).told(value)


def is_cut(value: Told | None) -> bool:
    """Whether there is more of it than is shown."""
    if value is None:
        return False
    return bool(value.more) or any(map(is_cut, [*(inner for _, inner in value.rows or ()), *(value.points or ())]))


def adds(name: str, fact: Any) -> bool:
    """Whether a fact that a reason saw says anything beside its sentence."""
    return name not in TOLD_OF and fact not in ("", None, [], {})


def line(value: Any) -> str:
    """The value in one line."""
    return _in_one_line(told(value))


def _in_one_line(value: Told) -> str:
    if value.rows:
        return ", ".join(f"{name}: {_in_one_line(inner)}" for name, inner in value.rows)
    return ", ".join(map(_in_one_line, value.points)) if value.points else str(value.text)


def named(name: Any) -> str:
    """“order_id” reads “Order id”."""
    text = str(name).replace("_", " ")
    return text[:1].upper() + text[1:]


def steps(path: str) -> str:
    """A path as it is read: “customer.given_name” is “Customer: Given name”."""
    return ": ".join(map(named, path.split(".")))


def compared(
    before: dict, after: dict, first: list[str] = (), titled: Callable[[str, str], str] = lambda path, name: name
) -> list[Compared]:
    """Every value of both, marked where they differ: those first, then the paths in `first`. None: absent there."""
    left, right = dict(_leaves(before)), dict(_leaves(after))
    places = {path: place for place, path in enumerate(first)}
    lines = [
        Compared(path, _maybe(left, path), _maybe(right, path), _differ(left, right, path), titled(path, steps(path)))
        for path in dict.fromkeys([*left, *right])
    ]
    return sorted(lines, key=lambda line: (not line.changed, places.get(line.path, len(places))))


def gist(output: dict, first: list[str], titled: Callable[[str, str], str] = lambda path, name: name) -> str:
    """What the output comes to, where there is no action that says it: of the values required the first short one, “Queue: cards”."""
    for path in first:
        text = told(output[path]).text if path in output else ""
        if 0 < len(text) <= SHORT:
            return f"{titled(path, steps(path))}: {text}"
    return ""


def _differ(left, right, path):
    return path not in left or path not in right or repr(left[path]) != repr(right[path])


def _maybe(side, path):
    return told(side[path]) if path in side else None


def _leaves(value, path=""):
    if isinstance(value, dict) and (value or not path):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    else:
        yield path, value


def amount(text: Any) -> Any:
    """“42.000” reads 42."""
    try:
        return f"{Decimal(text).normalize():f}"
    except (InvalidOperation, TypeError):
        return text


def distance(moment: datetime, now: datetime) -> str:
    """“in 2 hours”, “3 hours late”."""
    if moment >= now:
        return gettext("in {distance}").format(distance=timesince(now, moment, depth=1))
    return gettext("{distance} late").format(distance=timesince(moment, now, depth=1))


def due(moment: datetime, now: datetime) -> str:
    """“due in 2 hours”, “3 hours late”."""
    far = distance(moment, now)
    return gettext("due {distance}").format(distance=far) if moment >= now else far


def to_approve(ends: datetime, now: datetime) -> str:
    """“the time to approve ends in 2 hours”, “the time to approve ran out 3 hours ago”."""
    if ends > now:
        return gettext("the time to approve ends in {distance}").format(distance=timesince(now, ends, depth=1))
    return gettext("the time to approve ran out {distance} ago").format(distance=timesince(ends, now, depth=1))


def paused(pause) -> str:
    """“Snoozed until 3 Jun, 09:00”, “Waiting on the customer: Mrs Gray”."""
    if pause.kind != "snooze":
        return str(pause)
    until = date_format(timezone.localtime(pause.until), "j M, H:i")
    return gettext("{pause} until {until}").format(pause=pause, until=until)


def length(seconds: float) -> str:
    """“2 h 5 min”, “40 s”; a dash for nothing."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    said = (
        [f"{hours} h"] * bool(hours)
        + [f"{minutes} min"] * bool(minutes)
        + [f"{rest} s"] * bool(rest and not hours and minutes < 10)
    )
    return " ".join(said) or "–"


def began(sentence: str) -> str:
    """An event's sentence, as the beginning of a line: “was accepted by Ana” → “Accepted by Ana”."""
    said = sentence.removeprefix(pgettext("how a sentence about a case begins", "was "))
    return said[:1].upper() + said[1:]
