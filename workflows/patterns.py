"""The words of a policy: tiers, the three patterns, and the rules document that a published version freezes.

Plain values, decoded and checked by msgspec; `workflows/triggers/` has the triggers, `routing.py` applies all of it.
"""

from decimal import Decimal
from typing import Annotated, Literal

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from msgspec import Meta, Struct, field

from workflows import money
from workflows.triggers import Tier, Trigger
from workflows.triggers.base import Share

RANK = {"low": 0, "medium": 1, "high": 2}
TIERS = tuple(RANK)
FLOOR, LOWEST_FLOOR = 0.05, 0.02  # the default sampling rate, and the least that any policy may ask for

Rate = Annotated[float, Meta(ge=LOWEST_FLOOR, le=1)]
Minutes = Annotated[int, Meta(ge=1, le=60 * 24 * 366)]
Segment = Annotated[str, Meta(max_length=60)]
ActionType = Annotated[str, Meta(max_length=60)]
Desk = Literal["review", "resolution", "approval"]
Label = Annotated[str, Meta(min_length=1, max_length=60)]


class TierRule(Struct, forbid_unknown_fields=True, frozen=True):
    """How one tier is watched. `sampling`: straight through; `threshold`: by confidence; `approval`: never without a person."""

    pattern: Literal["sampling", "threshold", "approval"]
    threshold: Share | None = None
    thresholds: dict[Segment, Share] = field(default_factory=dict)  # for one segment, in place of `threshold`
    field_thresholds: dict[str, Share] = field(default_factory=dict)  # each named field's own confidence must reach this too
    below: Literal["review", "resolution"] = "review"
    review_first: bool = False
    sample_rate: Rate = FLOOR
    sample_rates: dict[Segment, Rate] = field(default_factory=dict)  # for one segment, in place of `sample_rate`
    sample_floor: Rate | None = (
        None  # no dial turns the rate below it; unnamed: the default floor, or the rate where that is less
    )
    sampled: Literal["released", "held"] = "released"
    due_minutes: Minutes = 480
    warn_minutes: Minutes | None = None  # before it is due, whoever works it is warned; unnamed: nobody

    def __post_init__(self):
        if self.pattern == "threshold" and self.threshold is None:
            raise ValueError(_("Threshold gating needs a threshold"))


class DueAt(Struct, forbid_unknown_fields=True, frozen=True):
    """How soon a case of one tier is due at one desk, in place of what the tier says."""

    tier: Tier
    desk: Desk
    due_minutes: Minutes


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


def title_key(title: str) -> str:
    """By this a step's title and a seat's are compared. One character after the other, as the database's function of that name does it."""
    return "".join(map(str.lower, title.strip(" ")))


class Step(Struct, forbid_unknown_fields=True, frozen=True):
    """One step of a chain: so many people, each another one; of those approvers whose seat has this title, where one is named."""

    name: Label
    people: Annotated[int, Meta(ge=1, le=5)] = 1
    title: Annotated[str, Meta(max_length=60)] = ""


class Chain(Struct, forbid_unknown_fields=True, frozen=True):
    """The approvals an action needs, in order. It holds for what it names: an action type, an amount from, a tier or a higher one; unnamed: any.

    Of the chains that hold, the one that asks for the most approvals is taken; of equals, the later in the list.
    """

    steps: Annotated[list[Step], Meta(min_length=1, max_length=5)]
    action_type: ActionType = ""
    currency: str = ""
    amount: Decimal | None = None
    tier: Tier | None = None

    def __post_init__(self):
        if fault := money.fault(self.amount, self.currency):
            raise ValueError(fault)

    @property
    def people(self) -> int:
        """How many approvals it asks for, in all its steps."""
        return sum(step.people for step in self.steps)


ONE_APPROVAL = Chain(steps=[Step(name="Approval")])  # where no chain of the policy holds


class ReasonCode(Struct, forbid_unknown_fields=True, frozen=True):
    """A reason to choose from, for the verbs it is offered at. Where a verb has any, one must be chosen."""

    code: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9-]*$")]
    label: Annotated[str, Meta(min_length=1, max_length=120)]
    verbs: Annotated[list[Literal["approve", "reject", "send_back", "no_action", "escalate"]], Meta(min_length=1)]


class Rules(Struct, forbid_unknown_fields=True, frozen=True):
    """Everything one policy version says, but for the schemas and the dial."""

    tiers: dict[Tier, TierRule]
    default_tier: Tier = "medium"
    action_tiers: dict[ActionType, Tier] = field(default_factory=dict)
    amount_bands: list[AmountBand] = field(default_factory=list)
    segment_tiers: dict[Segment, Tier] = field(default_factory=dict)
    triggers: list[Trigger] = field(default_factory=list)
    action_from: ActionFrom = ActionFrom()
    scorecard: int | None = None
    marks_required: bool = False
    blind_first: bool = False  # a reviewer gives his own answer before the AI's is shown to him
    chains: list[Chain] = field(default_factory=list)
    dues: list[DueAt] = field(default_factory=list)
    snooze_boost: Annotated[int, Meta(ge=0, le=9)] = 1  # so much more urgent is what comes back from a snooze
    approval_minutes: Minutes = 2880  # then it expires, to the owner of risk
    reason_codes: list[ReasonCode] = field(default_factory=list)
    another_approver_takes_edits: bool = False
    no_action_needs_approval: bool = False
    grace_seconds: Annotated[int, Meta(ge=0, le=86400)] = 0
    lease_seconds: Annotated[int, Meta(ge=30, le=86400)] = 900
    language_from: Annotated[str, Meta(max_length=200)] = ""  # path of a case's language, for vendors that work in some only

    def __post_init__(self):
        if absent := [tier for tier in TIERS if tier not in self.tiers]:
            raise ValueError(format_lazy(_("Say how these tiers are watched: {absent}"), absent=", ".join(absent)))
        names = [trigger.name for trigger in self.triggers]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(format_lazy(_("Two triggers are named “{twice}”; give each a name of its own"), twice=twice[0]))
        places = [(each.tier, each.desk) for each in self.dues]
        if twice := [place for place in places if places.count(place) > 1]:
            raise ValueError(
                format_lazy(
                    _("When {twice} risk is due at {twice_2} is said twice; say it once"),
                    twice=twice[0][0],
                    twice_2=twice[0][1],
                )
            )

    @property
    def action_types(self) -> list[str]:
        """The actions that some rule names."""
        return sorted({*self.action_tiers, *(chain.action_type for chain in self.chains)} - {""})

    @property
    def segments(self) -> set[str]:
        """The segments that some rule names."""
        return {*self.segment_tiers, *(name for rule in self.tiers.values() for name in (*rule.thresholds, *rule.sample_rates))}

    def reason(self, code) -> str:
        """What a reason code is called; the code itself, where the policy knows none of that name."""
        return next((each.label for each in self.reason_codes if each.code == code), code)

    def due_minutes(self, tier, desk) -> int:
        """How soon a case of this tier is due at this desk."""
        for each in self.dues:
            if each.tier == tier and each.desk == desk:
                return each.due_minutes
        return self.tiers[tier].due_minutes
