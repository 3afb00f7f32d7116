"""What is seen of the sides of a desk when a case is allocated: one statement for any number of workflows, and none at all
where no mandate is live. A batch sees them once and counts on by itself, so that capacities hold within it.

Two batches at once do not see each other: a capacity may be overshot by what is in flight at that moment, never by more.
"""

import json
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cases.allocation import HOUSE, Allocation, Facts, Needs, Side, allocate, as_stored, said
from cases.states import APPROVAL, DESKS
from workflows.calendar import ALWAYS, Hours, Shift, next_open
from workflows.models import compiled_policy
from workflows.patterns import Rules
from workflows.routing import draw
from workflows.triggers import look

SIDES = "SELECT * FROM sides_of(%s, %s)"
IN_HOUSE = "In-house"
TAKING_BACK = ("undo", "recall")


class Desks:
    """The sides of every desk of some workflows at one moment; what is allocated counts at once."""

    def __init__(self, workflow_ids, now: datetime):
        self.now, self._sides = now, {}
        if not workflow_ids:  # an approval is the house's, whatever else is seen
            return
        with connection.planned_once() as cursor:
            cursor.execute(SIDES, [list(workflow_ids), now])
            for workflow_id, desk, hours, *seen in cursor.fetchall():
                self._sides.setdefault((workflow_id, desk), []).append(_side(hours, seen, now))

    def sides(self, workflow_id, desk) -> list[Side]:
        return self._sides.get((workflow_id, desk)) or [the_house(self.now)]

    def side(self, case, vendor: int) -> Side | None:
        return next((side for side in self.sides(case.workflow_id, case.state) if side.vendor == vendor), None)

    def allocate(self, workflow_id, desk, *, lot, needs=Needs(), had=None) -> dict:
        """Whose the case is, as the case keeps it."""
        facts = Facts(desk, self.now, lot, tuple(self.sides(workflow_id, desk)), needs, had)
        return self.give(workflow_id, facts, allocate(facts))

    def give(self, workflow_id, facts: Facts, answer: Allocation) -> dict:
        """One case more is open with that side, at all its desks in this workflow."""
        kept = as_stored(facts, answer)
        for desk in DESKS if answer.side else ():
            sides = self._sides.get((workflow_id, desk), [])
            for place, side in enumerate(sides):
                if side.vendor == answer.side and side.capacity is not None:
                    sides[place] = msgspec.structs.replace(side, open=side.open + 1)
        return kept


def _side(hours, seen, now) -> Side:
    vendor, name, share, seats, here, back, capacity, open_, languages, skills, peak, waiting = seen
    return Side(
        vendor or HOUSE,
        name or IN_HOUSE,
        share,
        seats,
        here,
        next_open(_hours(hours), now if here or back is None else max(now, back)),
        capacity,
        open_,
        tuple(languages or ()),
        tuple(skills or ()),
        peak,
        round(float(waiting or 0), 1),
    )


def the_house(now) -> Side:
    """Where nothing needs to be seen: an approval is the house's."""
    return Side(HOUSE, IN_HOUSE, 100, 0, 0, now)


@lru_cache(maxsize=256)
def _hours(told: str | None) -> Hours:
    """A calendar as the statement tells it; none, or one that never opens, is around the clock."""
    if told is None:
        return ALWAYS
    zone, shifts, days = json.loads(told)
    special: dict[str, list] = {}
    for day, opens, closes in days:
        special.setdefault(day, []).extend([] if opens is None else [(opens, closes)])
    read = [(msgspec.convert(day, type=date), tuple(map(_shift, spans))) for day, spans in special.items()]
    return Hours.made_of(zone, [(weekday, _shift(span)) for weekday, *span in shifts], read) if shifts else ALWAYS


def _shift(span) -> Shift:
    return msgspec.convert({"opens": span[0], "closes": span[1]}, Shift)


# Of a case


def lot_of(secret: bytes, external_id: str) -> float:
    """The case's lot among the sides, the same at every desk and another than its lot among the sampled."""
    return draw(secret, f"allocation {external_id}")


def needs_of(facts: dict[str, Any], rules: Rules, *, category="", tags=()) -> Needs:
    """Its language, where the policy says where that stands; and what kind of work it is: segment, type of action, category, tags."""
    language = None
    if rules.language_from:
        found = look(facts, rules.language_from.split("."))
        language = found.strip()[:35] if isinstance(found, str) else ""
    return Needs(language, tuple(filter(None, (facts["segment"], facts["action"]["type"], category, *tags))))


def needs_of_case(case) -> Needs:
    facts = {"input": case.input, "output": case.standing, "context": case.context or {}, "action": case.action}
    facts |= {"segment": case.segment, "channel": case.channel, "customer_reference": case.customer_reference}
    category = case.category.slug if case.category_id else ""
    return needs_of(facts, compiled_policy(case.policy_id).rules, category=category, tags=case.tags)


def known_lot(case) -> float | None:
    return (case.allocation or {}).get("lot")


def lot_of_case(case) -> float:
    """As kept; of a case that never was allocated, from the secret, which a vendor's session need not read."""
    lot = known_lot(case)
    return lot_of(case.workflow.secret, case.external_id) if lot is None else lot


def at_another_desk(case, story) -> dict | None:
    """Give a case that came to a desk to its side, and say why; None where there is but the house, which then has it.

    Whoever takes back what he decided has it again. Where somebody decided at this desk before, his side keeps it if it can;
    at a desk that is new to the case the vendor that has it.
    """
    had, case.vendor_id = case.vendor_id, None
    if not case.is_outsourced:
        return None
    desks = Desks([] if case.state == APPROVAL else [case.workflow_id], story.now)
    if story.verb in TAKING_BACK and (side := desks.side(case, story.by.vendor_id or HOUSE)):
        kept = said("returned", case.state, story.now, side=side, lot=known_lot(case))
    else:
        before = _decided_here(case)
        had = had if before is None else before
        kept = desks.allocate(case.workflow_id, case.state, lot=lot_of_case(case), needs=needs_of_case(case), had=had)
    case.vendor_id, case.allocation = kept["side"] or None, kept
    return kept


def _decided_here(case) -> int | None:
    """The side of whoever decided at this desk, of the last decisions that the gate knows."""
    for decision in (case.standing_facts.last, case.standing_facts.sent):
        if decision and decision["desk"] == case.state:
            return decision["vendor_id"] or HOUSE
    return None


def hand_to(case, vendor: int, story) -> None:
    """Another side of the same desk takes it, because somebody said so: the house always, a vendor with a mandate and people there."""
    side = Desks([case.workflow_id], story.now).side(case, vendor)
    if side is None or (vendor != HOUSE and not side.seats):
        raise ValidationError(
            {
                "side": format_lazy(
                    _("That side has no mandate or nobody at {state} here."), state=case.get_state_display().lower()
                )
            }
        )
    if story.by.vendor_id and vendor != HOUSE:
        raise ValidationError({"side": _("Your side's work goes to your own people or back to the house.")})
    case.vendor_id = vendor or None
    case.allocation = story.allocated = said("handed", case.state, story.now, side=side, lot=known_lot(case))
    story.facts |= {"to_vendor": case.vendor_id, "allocated": case.allocation["sentence"]}
