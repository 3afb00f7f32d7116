"""What must be said with a verb: words, and where the policy lists them a code."""

from django.core.exceptions import ValidationError

from workflows.models import compiled_policy


def said(reason, field="reason"):
    if not (reason or "").strip():
        raise ValidationError({field: "Say why."})
    return reason


def give_reason_code(case, code):
    """The reason code that the policy's list for this verb has; where it has any, one must be chosen."""
    verb = case.story.verb
    listed = [each.code for each in compiled_policy(case.policy_id).rules.reason_codes if verb in each.verbs]
    if listed and code not in listed:
        raise ValidationError({"reason_code": f"Choose a reason code: {', '.join(listed)}."})
    if code and not listed:
        raise ValidationError(
            {"reason_code": f"The policy lists no reason codes for “{verb.replace('_', ' ')}”. Leave it out."}
        )
    case.story.reason_code = code
