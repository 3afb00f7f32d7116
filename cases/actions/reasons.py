"""What must be said with a verb: words, and where the policy lists them a code."""

from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from workflows.models import compiled_policy


def said(reason, field="reason"):
    if not (reason or "").strip():
        raise ValidationError({field: _("Say why.")})
    return reason


def give_reason_code(case, code):
    """The reason code that the policy's list for this verb has; where it has any, one must be chosen."""
    verb = case.story.verb
    listed = [each.code for each in compiled_policy(case.policy_id).rules.reason_codes if verb in each.verbs]
    if listed and code not in listed:
        raise ValidationError({"reason_code": format_lazy(_("Choose a reason code: {listed}."), listed=", ".join(listed))})
    if code and not listed:
        raise ValidationError(
            {
                "reason_code": format_lazy(
                    _("The policy lists no reason codes for “{verb}”. Leave it out."), verb=verb.replace("_", " ")
                )
            }
        )
    case.story.reason_code = code
