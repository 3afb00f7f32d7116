"""The verbs on definitions. Each asks `may` and writes its one audit event; the modules of this package are by subject."""

from workflows.actions.asking import deciding
from workflows.actions.charter import add, add_category, change, create, remove
from workflows.actions.dial import resume, set_calendar, set_rate, stop
from workflows.actions.people import delegate, end_delegation, end_seat, own, remove_limit, seat, set_limit
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
    "add",
    "add_category",
    "as_seen",
    "ask_two_people",
    "change",
    "check",
    "create",
    "deciding",
    "delegate",
    "draft",
    "edit_draft",
    "end_delegation",
    "end_seat",
    "let_one_publish",
    "own",
    "publish",
    "remove",
    "remove_limit",
    "resume",
    "roll_back",
    "seat",
    "set_calendar",
    "set_limit",
    "set_rate",
    "sign",
    "signed_for",
    "stop",
]
