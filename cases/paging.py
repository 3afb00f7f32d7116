"""A page of a list of cases that may be very long, by keyset: whatever the depth, no row before it is read.

A list of all cases has the newest first. Where few fit its filters, the rows in between would have to be read to find them; so it
looks back in windows of ids, each wider than the last as far as its patience allows, until the page is full or that is over. Then it
says how far it looked, and the next page goes on from there. A desk has the most urgent first: of each workflow the first of an index, merged.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from time import monotonic

from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

SIZE = 50
WINDOW = 10_000  # ids; each is wider than the one before it
WIDER = 4
PATIENCE = 0.05  # seconds
COUNTED = 1_000


@dataclass(frozen=True)
class Page:
    """The ids of a page, in order; from where the next one goes on, and whether it only paused for breath."""

    ids: list[int]
    after: str = ""  # empty: that was the last
    looked_back_to: int | None = None  # the id at which patience was over


class BadPlace(ValueError):
    """The address names no place in the list."""


def newest(cases, *, after="", size=SIZE, patience=PATIENCE, led=False, at_once=False, ids=("pk",)) -> Page:
    """The newest first; `after`: the id before which to go on.

    `led`: an index of what they have in common leads through them. It is by id downwards, as `id * -1`: by the id itself the planner
    would rather read all newer cases by the primary key, which it believes to meet one of them soon. `at_once`: they are known by their
    ids, so there is nothing to look back over. `ids`: every column that holds the id; a join is told of each window on both its sides, for
    the planner does not conclude that one from the other.
    """
    top = number(after) if after else (_newest_id(cases) + 1)
    began, width, found = monotonic(), top if at_once else WINDOW, []
    while True:
        floor, asked = max(top - width, 0), monotonic()
        found += _between(cases, floor, top, led, ids)[: size + 1 - len(found)]
        if len(found) > size:
            return Page(found[:size], str(found[size - 1]))
        if not floor:
            return Page(found)
        now = monotonic()
        left, took = patience - (now - began), now - asked
        if left < 0:
            return Page(found, str(floor), floor)
        fits = int(width * left / took)  # as many as it may look through before its patience is over, going by the last
        top, width = floor, min(width * (WIDER**2 if led else WIDER), max(fits, WINDOW))


def _between(cases, floor, top, led, ids):
    if led:
        backwards = cases.alias(age=F("pk") * -1).filter(age__gt=-top, age__lte=-floor)
        return backwards.order_by("age").values_list("pk", flat=True)
    window = {f"{name}__{end}": at for name in ids for end, at in (("lt", top), ("gte", floor))}
    return cases.filter(**window).order_by("-pk").values_list("pk", flat=True)


def _newest_id(cases):
    return cases.model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def number(text) -> int:
    if not (text.isdecimal() and len(text) < 19):
        raise BadPlace(_("There is no such place in the list. Begin at its top."))
    return int(text)


def most_urgent(cases, workflows, *, after="", size=SIZE) -> Page:
    """The most urgent first; `after`: priority, due time and id of the last one read. `workflows`: those it looks in."""
    parts = [part for pk in workflows for part in _from(cases.filter(workflow=pk), after)]
    if not parts:
        return Page([])
    parts = [part.order_by("-priority", "due_at", "pk").values_list("priority", "due_at", "pk")[: size + 1] for part in parts]
    merged = reduce(lambda one, other: one.union(other, all=True), parts)
    found = sorted(merged, key=lambda row: (-row[0], row[1], row[2]))
    return Page([pk for *_, pk in found[:size]], place(*found[size - 1]) if len(found) > size else "")


def _from(cases, after) -> list:
    """What comes after that place, in parts that an index answers each."""
    if not after:
        return [cases]
    priority, due_at, pk = _place(after)
    same = cases.filter(Q(due_at__gt=due_at) | Q(pk__gt=pk), priority=priority, due_at__gte=due_at)
    return [same, cases.filter(priority__lt=priority)]


def place(priority, due_at, pk) -> str:
    return f"{priority}_{due_at.timestamp():.6f}_{pk}"


def _place(text):
    try:
        priority, due_at, pk = text.split("_")
        return int(priority), datetime.fromtimestamp(float(due_at)).astimezone(), number(pk)
    except (ValueError, OverflowError, OSError) as error:
        raise BadPlace(_("There is no such place in the list. Begin at its top.")) from error


def place_of(case, by_urgency) -> str:
    """Where in its list this case stands."""
    if not by_urgency:
        return str(case.pk)
    return place(case.priority, case.due_at, case.pk) if case.due_at else ""


def counted(cases, *, first=None, led=False, ids=("pk",)) -> tuple[int, bool]:
    """How many there are, and whether that is all of them: no more than `COUNTED`, and within a window of ids from the list's `first`."""
    near = _between(cases, first - WINDOW + 1, first + 1, led, ids) if first else cases.order_by().values_list("pk")
    found = len(near[: COUNTED + 1])
    return min(found, COUNTED), found <= COUNTED and (first or 0) <= WINDOW
