"""The words of a policy: tiers, the three patterns, and the rules document that a published version freezes.

Plain values, decoded and checked by msgspec; `workflows/triggers.py` has the triggers, `routing.py` applies all of it.
"""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from workflows import money
from workflows.triggers import Tier, Trigger

RANK = {"low": 0, "medium": 1, "high": 2}
TIERS = tuple(RANK)
FLOOR, LOWEST_FLOOR = 0.05, 0.02  # the default sampling rate, and the least that any policy may ask for

Share = Annotated[float, Meta(ge=0, le=1)]
Rate = Annotated[float, Meta(ge=LOWEST_FLOOR, le=1)]
Minutes = Annotated[int, Meta(ge=1, le=60 * 24 * 366)]


class TierRule(Struct, forbid_unknown_fields=True, frozen=True):
    """How one tier is watched. `sampling`: straight through; `threshold`: by confidence; `approval`: never without a person."""

    pattern: Literal["sampling", "threshold", "approval"]
    threshold: Share | None = None
    below: Literal["review", "resolution"] = "review"
    review_first: bool = False
    sample_rate: Rate = FLOOR
    sampled: Literal["released", "held"] = "released"
    due_minutes: Minutes = 480

    def __post_init__(self):
        if self.pattern == "threshold" and self.threshold is None:
            raise ValueError("Threshold gating needs a threshold")


class AmountBand(Struct, forbid_unknown_fields=True, frozen=True):
    """From this amount on, in this currency, an action is at least of this tier."""

    currency: str
    amount: Decimal
    tier: Tier

    def __post_init__(self):
        if fault := money.fault(self.amount, self.currency):
            raise ValueError(fault)


class ActionFrom(Struct, forbid_unknown_fields=True, frozen=True):
    """Where in the output the action stands, so that whoever edits the output edits the action too. Empty: sent apart."""

    type: str = ""
    amount: str = ""
    currency: str = ""
    payee: str = ""


class Rules(Struct, forbid_unknown_fields=True, frozen=True):
    """Everything one policy version says, but for the schemas and the dial."""

    tiers: dict[Tier, TierRule]
    default_tier: Tier = "medium"
    action_tiers: dict[str, Tier] = field(default_factory=dict)
    amount_bands: list[AmountBand] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)
    action_from: ActionFrom = ActionFrom()
    scorecard: int | None = None
    marks_required: bool = False
    approvals: Annotated[int, Meta(ge=1, le=5)] = 1
    another_approver_takes_edits: bool = False
    no_action_needs_approval: bool = False
    grace_seconds: Annotated[int, Meta(ge=0, le=86400)] = 0
    lease_seconds: Annotated[int, Meta(ge=30, le=86400)] = 900

    def __post_init__(self):
        if absent := [tier for tier in TIERS if tier not in self.tiers]:
            raise ValueError(f"Say how these tiers are watched: {', '.join(absent)}")
