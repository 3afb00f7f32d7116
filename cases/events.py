"""What a webhook's `data` says: the shapes of the events, as the API's document shows them. A test holds what is sent against them."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from cases.intake import Desk
from cases.states import ClosedAs
from integrations.models import OutboxRow

Event = OutboxRow.Event
Number = Annotated[
    int,
    Meta(ge=1, description="Rises within the case. Events may arrive in any order: ignore a number below one you handled."),
]
Amount = Annotated[str, Meta(pattern=r"^\d+(\.\d+)?$", description="As text, so that no cent is lost on its way.")] | None


class ActionTold(Struct, forbid_unknown_fields=True, frozen=True):
    """The action that may take effect, or that a decision is about."""

    type: str
    amount: Amount
    currency: str
    payee: str


class AboutACase(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What every event of a case says."""

    case_id: int
    number: Number
    external_id: str
    workflow: str
    verb: str
    reason: str
    is_test: bool


class HeldTold(AboutACase, frozen=True, kw_only=True):
    """A person decides: `desk` says whose turn it is, `reason` why. There is no output: nothing may act."""

    desk: Desk


class DecidedTold(AboutACase, frozen=True, kw_only=True):
    """What was decided or released: with `case.released` the `output` and the `action` may take effect, with no other."""

    closed_as: Literal[tuple(ClosedAs.values)]
    output: dict[str, Any]
    action: ActionTold | None
    digest: str
    reason_code: str = ""


class WorkflowTold(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Somebody stopped or resumed a workflow in which you are seated."""

    workflow: str
    reason: str


class TriedTold(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An administrator tries the endpoint."""

    words: str


TOLD = {  # event → what its data is, and what it means
    Event.HELD: (HeldTold, "A person decides. Nothing may act."),
    Event.RELEASED: (DecidedTold, "The first release: `output` and `action` may take effect."),
    Event.CORRECTED: (DecidedTold, "A later release: what was released was wrong, `output` is what should have been."),
    Event.DECIDED: (DecidedTold, "A decision took effect; `closed_as` says which. It is not a permission to act."),
    Event.WITHDRAWN: (DecidedTold, "You withdrew it. Nothing may act."),
    Event.STOPPED: (WorkflowTold, "Somebody stopped a workflow: its outputs are answered `held` from now on."),
    Event.RESUMED: (WorkflowTold, "Somebody resumed a workflow that was stopped."),
    Event.TEST: (TriedTold, "An administrator tries the endpoint."),
}
