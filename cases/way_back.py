"""Whether a decision can be taken back, and for how long: said in few words before it is made."""

from django.utils.translation import gettext

from cases.actions.closing import seconds_to_undo
from cases.chains import is_complete_with_one_more
from cases.states import APPROVAL, CLOSED
from workflows.models import compiled_policy
from workflows.terms import duration

OTHERS = "others"  # to whoever else has to approve it


def of_each(case, names, standing) -> dict[str, str]:
    """For those of these verbs that decide the case; the others leave it undecided."""
    said = {name: _said(case, _leads_to(case, name, standing)) for name in names}
    return {name: words for name, words in said.items() if words}


def _leads_to(case, name, standing) -> str:
    """Where the case is then, if what stands does not change; empty where the verb does not decide it."""
    rules = compiled_policy(case.policy_id).rules
    match name:
        case "accept" | "correct" | "resolve":
            return case.after_decision()
        case "no_action":
            return APPROVAL if rules.no_action_needs_approval else CLOSED
        case "approve" | "break_glass":
            return CLOSED if is_complete_with_one_more(case.chain, standing.given) else OTHERS
        case "edit":
            return CLOSED if is_complete_with_one_more(case.chain, standing.given) else ""
        case "reject":
            return CLOSED
    return ""


def _said(case, leads_to) -> str:
    if leads_to == APPROVAL and case.vendor_id:  # whoever works for a vendor does not see it there
        return gettext("It goes to the house for its approval: there is no undo.")
    if leads_to == APPROVAL:
        return gettext("It goes to approval first: until it is approved you can recall it.")
    if leads_to == OTHERS:
        return gettext("It needs more approvals: until the next step is given you can take yours back.")
    if not leads_to:
        return ""
    if grace := seconds_to_undo(case):
        return gettext("You can undo it for {time}.").format(time=duration(grace))
    return gettext("It takes effect at once: there is no undo.")
