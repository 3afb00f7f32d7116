"""What each verb that a key may be given does, in a line: beside its box where a key is made."""

from django.utils.translation import gettext_lazy as _

from accounts.roles import VERBS, Role

OF_AN_INTEGRATION = sorted(VERBS[Role.INTEGRATION])  # what one that sends needs, and can use
TOLD = {
    "accept": _("The output may stand as it is."),
    "answer": _("Answer a request for information."),
    "approve": _("Approve exactly what stands."),
    "ask": _("Ask whoever owns the policy."),
    "attach": _("Keep a file with a case."),
    "claim": _("Take a case, keep it and give it back."),
    "comment": _("Say something about a case. It moves nothing."),
    "correct": _("Change what is wrong."),
    "escalate": _("Send it to somebody with more authority."),
    "extend": _("The approval may be given for longer. It approves nothing."),
    "go_on": _("What it waited for is there."),
    "hand_over": _("The same desk, somebody else."),
    "inquire": _("Ask somebody who knows; the case waits."),
    "no_action": _("Nothing is done, for a reason."),
    "own_answer": _("Answer before the AI's answer is shown."),
    "pause": _("It waits on the customer or another team."),
    "read": _("Read cases, why they are where they are, and wait for a decision."),
    "recall": _("Take it back from approval. Approvals given are void."),
    "receive": _("Send outputs, one or many."),
    "reject": _("It is not done."),
    "reopen": _("It was wrong after all: it goes to resolution, as rework."),
    "resolve": _("Settle the exception with an output."),
    "retract": _("Take back one's own approval while others are waited for."),
    "reveal": _("Show what is hidden, with a reason. It is noted."),
    "review_break_glass": _("Say whether it was right to break the glass."),
    "rework": _("Report what was corrected elsewhere after its release."),
    "send_back": _("One desk back. Approvals given are void."),
    "skip": _("Leave it to somebody else."),
    "snooze": _("Put it off until a time."),
    "undo": _("Take your decision back; what it changed is as before."),
    "withdraw": _("What was sent is not wanted any more."),
}
