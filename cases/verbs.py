"""The verbs as people press them: label, form and what is said when it is done."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ownership
from cases import actions, blind, queues
from cases.forms import (
    Action,
    Category,
    Glass,
    Marks,
    Measured,
    MoreTime,
    OnWhom,
    Output,
    OwnAnswer,
    Part,
    Place,
    Reason,
    ReasonCode,
    RestsOn,
    RootCause,
    Ticks,
    To,
    Until,
    Verdict,
    Which,
)
from cases.gate import what_happened
from cases.permissions import why_not
from cases.states import APPROVAL, CLOSED, MOVES, OPEN, RESOLUTION, REVIEW, State
from cases.talk.parts import Ask


@dataclass(frozen=True)
class Verb:
    """One button. `name` is the verb that `why_not` knows; `at_once`: the case's page has the whole form."""

    name: str
    label: str
    act: Callable
    done: str
    says: str
    parts: tuple[Part, ...] = ()
    icon: str = ""
    variant: str = "default"
    at_once: bool = False
    stays: bool = False  # the case stays this person's, so no next one is offered
    keeps: bool = False  # what he changed in the fields, and it does not take along, waits for him


OPTIONAL = Reason(required=False)
VERBS = {
    "own_answer": Verb(
        "own_answer", _("My answer"), actions.own_answer, _("answered"),
        _("What would you answer? The AI's answer is shown then, beside yours. What may stay empty is not compared then."),
        (OwnAnswer(),), "edit_note", "primary", stays=True,
    ),
    "accept": Verb(
        "accept", _("Accept"), actions.accept, _("accepted"), _("The output may stand as it is."),
        (Marks(best=True), OPTIONAL), "check", "primary",
    ),
    "correct": Verb(
        "correct", _("Correct"), actions.correct, _("corrected"), _("Change what is wrong. What you leave stays exactly as it is."),
        (Output(), Action(), RootCause(), Marks(), OPTIONAL), "edit",
    ),
    "resolve": Verb(
        "resolve", _("Resolve"), actions.resolve, _("resolved"), _("Settle the exception with the output as it stands; change what is wrong."),
        (Output(), Action(), RootCause(), Category(), RestsOn(), Reason()), "task_alt", "primary",
    ),
    "no_action": Verb(
        "no_action", _("No action"), actions.no_action, _("closed without action"), _("Nothing is done, for a reason."),
        (Category(required=True), ReasonCode("no_action"), Reason()), "block",
    ),
    "approve": Verb(
        "approve", _("Approve"), actions.approve, _("approved"), _("Your approval holds for exactly what stands here."),
        (Ticks(), ReasonCode("approve"), OPTIONAL), "verified", "primary",
    ),
    "edit": Verb(
        "approve", _("Edit and approve"), actions.approve, _("edited and approved"),
        _("Change what is wrong and approve it so. If you raise the amount, the payee or the risk, another approver takes it."),
        (Ticks(), Output(), Action(), ReasonCode("approve"), OPTIONAL), "edit",
    ),
    "reject": Verb(
        "reject", _("Reject"), actions.reject, _("rejected"), _("It is not done."),
        (Ticks(), ReasonCode("reject"), Reason()), "cancel", "danger",
    ),
    "escalate": Verb(
        "escalate", _("Escalate"), actions.escalate, _("escalated"), _("It goes to resolution, where somebody with more authority decides. If you work there too, you get it only when nothing else waits."),
        (Category(), ReasonCode("escalate"), Reason()), "arrow_upward",
    ),
    "send_back": Verb(
        "send_back", _("Send back"), actions.send_back, _("sent back"), _("One desk back. Approvals given are void."),
        (Ticks(), ReasonCode("send_back"), Reason()), "undo",
    ),
    "break_glass": Verb(
        "break_glass", _("Break the glass"), actions.approve, _("approved by breaking the glass"),
        _("You take the next step beyond a limit, for an absent approver or after the expiry. Another person reviews it within a working day."),
        (Ticks(), Glass(), ReasonCode("approve"), Reason()), "emergency_home", "danger", stays=True,
    ),
    "extend": Verb(
        "extend", _("Extend"), actions.extend, _("given more time"), _("The approval may be given for longer. It approves nothing."),
        (MoreTime(), Reason()), "more_time", stays=True,
    ),
    "review_break_glass": Verb(
        "review_break_glass", _("Review the broken glass"), actions.review_break_glass, _("reviewed"),
        _("Say whether it was right to break the glass. It changes nothing of what was approved."), (Verdict(),), "fact_check", stays=True,
    ),
    "hand_over": Verb(
        "hand_over", _("Hand over"), actions.hand_over, _("handed over"),
        _("The same desk, somebody else. It does not come back to you."), (To(), Reason()), "swap_horiz",
    ),
    "pause": Verb(
        "pause", _("Pause"), actions.pause, _("paused"),
        _("It waits on the customer or another team. Its clock stands and it is offered to nobody until somebody says that it goes on."),
        (OnWhom(), Until(required=False), Reason()), "pause_circle", keeps=True,
    ),
    "inquire": Verb(
        "inquire", _("Ask for information"), actions.inquire, _("waiting for an answer"),
        _("Ask somebody who knows. Its clock stands and it is offered to nobody until the last of its questions is answered."),
        (Ask(), Until(required=False, rare=True)), "contact_support", keeps=True,
    ),
    "snooze": Verb(
        "snooze", _("Snooze"), actions.snooze, _("snoozed"),
        _("Put it off. Its clock stands; it comes back by itself, more urgent than now."),
        (Until(), Reason()), "snooze", keeps=True,
    ),
    "go_on": Verb(
        "go_on", _("Go on"), actions.go_on, _("going on"),
        _("What it waited for is there. It is due as much later as its clock stood."),
        (Which(), OPTIONAL), "play_circle", stays=True, keeps=True,
    ),
    "reveal": Verb(
        "reveal", _("Reveal"), actions.reveal, _("revealed to you"),
        _("Show what is hidden from you, for as long as you hold the case. It is noted with your name and reason, and whoever owns the quality"
        " and the risk here reads it."),
        (Place(), Reason(help_text=_("Why you cannot decide without it."))), "visibility", stays=True,
    ),
    "ask": Verb(
        "ask", _("Ask for a ruling"), actions.ask, _("asked about, and the owner of policy hears of it"),
        _("Ask whoever owns the policy. The answer comes back to the case and to your desk; you can go on with the case meanwhile."),
        (Reason(label=_("What is not clear?"), help_text=_("It stays in the case's story, with your name.")),), "help", stays=True, keeps=True,
    ),
    "retract": Verb(
        "retract", _("Take back my approval"), actions.retract, _("without your approval again"),
        _("Your approval counts no longer, and its step is to be given again. What others gave before it stands."),
        (Reason(),), "undo", stays=True,
    ),
    "recall": Verb(
        "recall", _("Recall"), actions.recall, _("recalled"), _("Take it back from approval. Approvals given are void."),
        (Reason(),), "keyboard_return", stays=True,
    ),
    "undo": Verb(
        "undo", _("Undo"), actions.undo, _("undone"), _("Take your decision back; what it changed is as before."),
        (OPTIONAL,), "undo", "primary", stays=True,
    ),
    "reopen": Verb(
        "reopen", _("Reopen"), actions.reopen, _("reopened"), _("It was wrong after all: it goes to resolution, as rework."),
        (Measured(), Reason()), "restart_alt", stays=True,
    ),
    "claim": Verb(
        "claim", _("Take it"), queues.claim, _("yours"), _("It is yours until you decide or the lease runs out."),
        icon="lock", at_once=True, stays=True,
    ),
    "give_back": Verb(
        "give_back", _("Give back"), queues.give_back, _("back on the desk"), _("Anybody at the desk may take it, you included."),
        icon="lock_open", at_once=True,
    ),
    "skip": Verb(
        "skip", _("Skip"), queues.skip, _("left to somebody else"), _("Leave it to somebody else. It is not offered to you again at this desk."),
        (Reason(),), "skip_next",
    ),
}  # fmt: skip
DONE = {**{verb.name: verb.done for verb in reversed(VERBS.values())}, "edit": "edited"}  # of a decision, by its verb
AT = {  # what a verb says elsewhere than where it is at home
    (RESOLUTION, "escalate"): replace(
        VERBS["escalate"], says=_("It goes to approval, to whoever may decide more than you. Say what is to be decided.")
    ),
}
LATE = {  # what a verb says of a case that is late already, or was before it was paused
    "pause": replace(
        VERBS["pause"],
        says=_(
            "It waits on the customer or another team, and is offered to nobody until somebody says that it goes on."
            " It is late already, and waiting does not change that."
        ),
    ),
    "inquire": replace(
        VERBS["inquire"],
        says=_(
            "Ask somebody who knows. It is offered to nobody until the last of its questions is answered."
            " It is late already, and waiting does not change that."
        ),
    ),
    "snooze": replace(
        VERBS["snooze"],
        says=_(
            "Put it off. It comes back by itself, more urgent than now. It is late already, and waiting does not change that."
        ),
    ),
    "go_on": replace(
        VERBS["go_on"], says=_("What it waited for is there. It was late before it waited, and is late from then on.")
    ),
}
MAIN = {"review": "accept", "resolution": "resolve", "approval": "approve"}
# Of the buttons: those that move the case on.
FIRST = ("own_answer", "accept", "correct", "resolve", "no_action", "approve", "edit", "reject", "escalate", "send_back")
AFTER_HIS_OWN = ("accept", "correct")  # where the policy asks for an own answer first
CLAIMS = ("claim", "give_back", "skip")
PAUSES = ("pause", "inquire", "snooze", "go_on")
PLACES = {  # of the verbs that are no moves of their own: where they are possible
    **dict.fromkeys((*CLAIMS, *PAUSES, "ask"), OPEN),
    "reveal": (REVIEW, RESOLUTION),
    "own_answer": (REVIEW,),
    "break_glass": (APPROVAL,),
    "extend": (APPROVAL,),
    "review_break_glass": tuple(State.values),
}


def not_now(case, name, user, now) -> str:
    """Why the verb is not one for this moment, whoever asks; empty where it is."""
    holder = case.held_by(now)
    if case.state not in _places(name):
        return what_happened(case)
    if name in ("own_answer", *AFTER_HIS_OWN) and (why := _not_blind_now(case, name, user)):
        return why
    if name == "review_break_glass" and not _broken(case).exists():
        return gettext("No broken glass of this case waits for a review.")
    if name in ("approve", "edit") and case.has_expired(now):
        return gettext("The time to approve is over. The owner of risk decides now.")
    if name not in ("extend", "review_break_glass") and case.state != CLOSED and holder and holder != user.pk:
        return gettext("{claimed_by} holds this case. You may look at it, and decide when the lease is over.").format(
            claimed_by=case.claimed_by
        )
    if name in ("claim", "give_back") and (holder == user.pk) is (name == "claim"):
        return gettext("You hold this case already.") if holder else gettext("You do not hold this case.")
    if name == "reveal" and holder != user.pk:
        return gettext("Claim the case first. What is revealed is shown while you hold it.")
    if name == "go_on" and case.paused_since is None:
        return gettext("Its clock runs already: nothing of it is paused.")
    if name == "snooze" and case.paused_since and case.pauses.open().filter(kind="snooze").exists():
        return gettext("It is snoozed already. Let it go on first.")
    if name == "undo" and not (case.settles_at and case.settles_at > now):
        return gettext("The time to undo is over: the decision has taken effect.")
    if name == "reopen" and case.settles_at:
        return gettext("The decision has not taken effect yet. Whoever decided can undo it.")
    return ""


def _not_blind_now(case, name, user) -> str:
    """Why, where the policy asks for an own answer first."""
    if name == "own_answer" and not blind.is_asked(case):
        return gettext("The policy shows the AI's answer at once here; no own answer is asked for.")
    owed = blind.is_owed(case, user)
    if name == "own_answer":
        return "" if owed else gettext("You gave your own answer already.")
    return gettext(blind.FIRST) if owed else ""


def _places(name):
    return PLACES[name] if name in PLACES else MOVES[VERBS[name].name]


def _broken(case):
    """The decisions by broken glass that nobody has reviewed."""
    return case.decisions.filter(break_glass=True, glass_review__reviewed_at=None)


def refusal(case, name, user, standing) -> str:
    """Why this person may not; giving back asks only whether he holds it."""
    if why := "" if name == "give_back" else why_not(user, VERBS[name].name, case, standing):
        return why
    if name in ("reject", "send_back") and standing.expired and Ownership.RISK not in standing.ownerships:
        return gettext("The time to approve is over. The owner of risk decides now.")
    if name == "reveal" and user.is_in_house:
        return gettext("Nothing is hidden from the house.")
    if name == "review_break_glass" and _broken(case).filter(by=user).exists():
        return gettext("You broke this glass yourself, so somebody else must review it.")
    return ""


def offered(case, user, standing, now, among=tuple(VERBS)) -> list[tuple[str, Verb]]:
    """The buttons of a case's page: which of those verbs are possible now, to this person."""
    return [
        (name, LATE[name] if name in LATE and case.is_late(now) else AT.get((case.state, name), VERBS[name]))
        for name in among
        if case.state in _places(name) and not refusal(case, name, user, standing) and not not_now(case, name, user, now)
    ]


def why_not_the_main_verb(case, user, standing, now) -> str:
    """Why the desk's own verb is not offered; empty on a closed case and where it is."""
    name = MAIN.get(case.state)
    return (refusal(case, name, user, standing) or not_now(case, name, user, now)) if name else ""
