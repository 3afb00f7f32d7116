"""Which states and moves exist. A state says whose turn it is, nothing else. docs/lifecycle.md is checked against this table."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from accounts.roles import Role


class State(TextChoices):
    INTAKE = "intake", _("Intake")
    REVIEW = "review", _("Review")
    RESOLUTION = "resolution", _("Resolution")
    APPROVAL = "approval", _("Approval")
    CLOSED = "closed", _("Closed")


class ClosedAs(TextChoices):
    RELEASED = "released", _("Released as the AI gave it")
    CORRECTED = "corrected", _("Corrected")
    NO_ACTION = "no_action", _("No action")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


INTAKE, REVIEW, RESOLUTION, APPROVAL, CLOSED = State.values
DESKS = {REVIEW: Role.REVIEWER, RESOLUTION: Role.RESOLVER, APPROVAL: Role.APPROVER}  # the desk → whose it is
OPEN = tuple(DESKS)
BORN = (REVIEW, RESOLUTION, APPROVAL, CLOSED)  # where triage may put a case; none is stored before triage

# verb → {from: where it may lead}
MOVES: dict[str, dict[str, tuple[str, ...]]] = {
    "triage": {INTAKE: BORN},
    "accept": {REVIEW: (APPROVAL, CLOSED)},
    "correct": {REVIEW: (APPROVAL, CLOSED)},
    "escalate": {REVIEW: (RESOLUTION,), RESOLUTION: (APPROVAL,)},
    "send_back": {APPROVAL: (RESOLUTION,), RESOLUTION: (REVIEW,)},
    "resolve": {RESOLUTION: (APPROVAL, CLOSED)},
    "no_action": {RESOLUTION: (APPROVAL, CLOSED)},
    "approve": {APPROVAL: (APPROVAL, CLOSED)},
    "retract": {APPROVAL: (APPROVAL,)},
    "reject": {APPROVAL: (CLOSED,)},
    "recall": {APPROVAL: (REVIEW, RESOLUTION)},
    "hand_over": {REVIEW: (REVIEW,), RESOLUTION: (RESOLUTION,)},
    "withdraw": {REVIEW: (CLOSED,), RESOLUTION: (CLOSED,), APPROVAL: (CLOSED,)},
    "undo": {CLOSED: OPEN},
    "reopen": {CLOSED: (RESOLUTION,)},
}
LEGAL = {(here, there) for moves in MOVES.values() for here, ends in moves.items() for there in ends if here != there}

# Who did one of these touched the content, and can never be its checker.
MAKING = ("accept", "correct", "escalate", "resolve", "no_action", "edit")
CHECKING = ("approve", "reject")
