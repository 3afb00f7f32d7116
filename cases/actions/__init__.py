"""Every verb on a case, one short function each: called by admin, API and jobs. No other code changes state."""

from cases.actions.afterwards import hand_over, recall, reopen, rework, settle_case, undo, withdraw
from cases.actions.answering import own_answer
from cases.actions.approving import approve, expire, extend, reject, retract, review_break_glass, send_back
from cases.actions.attaching import attach, open_file, take_off
from cases.actions.deadlines import breach, warn
from cases.actions.inquiring import answer, give_link, inquire, revoke_link
from cases.actions.pausing import go_on, pause, snooze, wake
from cases.actions.revealing import reveal
from cases.actions.ruling import ask, rule, write_down
from cases.actions.talking import comment, mend
from cases.actions.working import accept, correct, escalate, no_action, resolve

__all__ = [
    "accept",
    "answer",
    "approve",
    "ask",
    "attach",
    "breach",
    "comment",
    "correct",
    "escalate",
    "expire",
    "extend",
    "give_link",
    "go_on",
    "hand_over",
    "inquire",
    "mend",
    "no_action",
    "open_file",
    "own_answer",
    "pause",
    "recall",
    "reject",
    "reopen",
    "resolve",
    "retract",
    "reveal",
    "review_break_glass",
    "revoke_link",
    "rework",
    "rule",
    "send_back",
    "settle_case",
    "snooze",
    "take_off",
    "undo",
    "wake",
    "warn",
    "withdraw",
    "write_down",
]
