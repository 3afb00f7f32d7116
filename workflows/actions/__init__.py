"""The verbs on definitions. Each asks `may` and writes its one audit event; the modules of this package are by subject."""

from workflows.actions.asking import deciding
from workflows.actions.charter import add, add_category, change, create, publish_section, remove
from workflows.actions.dial import resume, set_calendar, set_rate, stop
from workflows.actions.engagements import (
    change_engagement,
    change_mandate,
    end_engagement,
    end_mandate,
    engage,
    expire_engagement,
    mandate,
    set_staffed,
)
from workflows.actions.people import delegate, end_delegation, end_seat, own, remove_limit, seat, set_limit
from workflows.actions.proposals import accept, decline, may_answer, propose, take_back_proposal, withdraw
from workflows.actions.versions import (
    as_seen,
    ask_two_people,
    check,
    draft,
    edit_draft,
    let_one_publish,
    publish,
    roll_back,
    sign,
    signed_for,
)

__all__ = [
    "accept",
    "add",
    "add_category",
    "as_seen",
    "ask_two_people",
    "change",
    "change_engagement",
    "change_mandate",
    "check",
    "create",
    "deciding",
    "decline",
    "delegate",
    "draft",
    "edit_draft",
    "end_delegation",
    "end_engagement",
    "end_mandate",
    "end_seat",
    "engage",
    "expire_engagement",
    "let_one_publish",
    "mandate",
    "may_answer",
    "own",
    "propose",
    "publish",
    "publish_section",
    "remove",
    "remove_limit",
    "resume",
    "roll_back",
    "seat",
    "set_calendar",
    "set_limit",
    "set_rate",
    "set_staffed",
    "sign",
    "signed_for",
    "stop",
    "take_back_proposal",
    "withdraw",
]
