"""Triggers on what came before: the same thing again, or the same customer again. Intake looks back and sends `earlier` along."""

from typing import Annotated, Literal

from msgspec import Meta

from workflows.triggers.base import Days, Effect


class Duplicate(Effect, tag="duplicate"):
    """Fires when a case within `days` had the same customer, action type and amount, or the same input but for case and spaces."""

    same: Literal["action", "input", "either"] = "either"
    days: Days = 30


class RepeatContact(Effect, tag="repeat_contact"):
    """Fires when the same customer sent at least `contacts` cases within the `days` before."""

    days: Days = 7
    contacts: Annotated[int, Meta(ge=1, le=20)] = 1
