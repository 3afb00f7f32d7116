"""Every verb on a case, one short function each: called by admin, API and jobs. No other code changes state."""

from cases.actions.afterwards import hand_over, recall, reopen, rework, settle_case, undo, withdraw
from cases.actions.approving import approve, expire, extend, reject, review_break_glass, send_back
from cases.actions.deadlines import breach, warn
from cases.actions.pausing import go_on, pause, snooze, wake
from cases.actions.revealing import reveal
from cases.actions.working import accept, correct, escalate, no_action, resolve

__all__ = [
    "accept",
    "approve",
    "breach",
    "correct",
    "escalate",
    "expire",
    "extend",
    "go_on",
    "hand_over",
    "no_action",
    "pause",
    "recall",
    "reject",
    "reopen",
    "resolve",
    "reveal",
    "review_break_glass",
    "rework",
    "send_back",
    "settle_case",
    "snooze",
    "undo",
    "wake",
    "warn",
    "withdraw",
]
