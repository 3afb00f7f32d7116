"""Triggers on what came before: the same thing again, or the same customer again. Intake looks back and sends `earlier` along."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal, TypedDict

from msgspec import Meta

from workflows.triggers.base import Days, Effect, Facts, Fires


class Earlier(TypedDict):
    """A case that came before, as `facts["earlier"]` has it, newest first."""

    id: int | None  # None: of the same batch, not stored yet
    external_id: str
    at: datetime
    same_customer: bool
    same_input: bool
    type: str
    amount: Decimal | None
    currency: str


class Duplicate(Effect, tag="duplicate"):
    """Fires when a case within `days` had the same customer, action type and amount, or the same input but for case and spaces."""

    same: Literal["action", "input", "either"] = "either"
    days: Days = 30

    def prepare(self) -> Fires:
        by_action, by_input = self.same != "input", self.same != "action"

        def fires(facts):
            action = facts["action"]
            for case in _within(facts, self.days):
                if by_input and case["same_input"]:
                    what = "the same input"
                elif by_action and case["same_customer"] and _same_action(case, action):
                    what = "the same customer and action"
                else:
                    continue
                return {**_named(case), "says": f"a case with {what} came {_ago(facts, case)} before ({case['external_id']})"}
            return None

        return fires


class RepeatContact(Effect, tag="repeat_contact"):
    """Fires when the same customer sent at least `contacts` cases within the `days` before."""

    days: Days = 7
    contacts: Annotated[int, Meta(ge=1, le=20)] = 1

    def prepare(self) -> Fires:
        days, contacts = self.days, self.contacts

        def fires(facts):
            before = [case for case in _within(facts, days) if case["same_customer"]]
            if len(before) < contacts:
                return None
            times = "once" if len(before) == 1 else f"{len(before)} times"
            window = "day" if days == 1 else f"{days} days"
            says = f"the customer wrote {times} within the {window} before"
            return {"contacts": len(before), "cases": [case["external_id"] for case in before], "says": says}

        return fires


def _within(facts: Facts, days: int) -> list[dict]:
    if not (earlier := facts.get("earlier")):
        return []
    since = facts["received_at"] - timedelta(days=days)
    return [case for case in earlier if case["at"] >= since]


def _same_action(case, action) -> bool:
    same = (case["type"], case["currency"]) == (action["type"], action["currency"]) and case["amount"] == action["amount"]
    return bool(action["type"]) and same


def _named(case) -> dict:
    return {"case": case["id"], "external_id": case["external_id"], "at": case["at"].isoformat()}


def _ago(facts, case) -> str:
    seconds = (facts["received_at"] - case["at"]).total_seconds()
    for name, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {name}{'' if number == 1 else 's'}"
    return "moments"
