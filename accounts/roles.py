"""The table: which role may do which verb, and which are the house's alone. `cases/permissions.py` combines it with seats."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """What a seat (person × workflow × role) is for."""

    REVIEWER = "reviewer", _("Reviewer")
    RESOLVER = "resolver", _("Resolver")
    APPROVER = "approver", _("Approver")
    IMPROVER = "improver", _("Improver")
    INTEGRATION = "integration", _("Integration")


class Ownership(TextChoices):
    """The five accountabilities of a workflow, each one named in-house person."""

    POLICY = "policy", _("Policy")
    QUALITY = "quality", _("Quality")
    RISK = "risk", _("Risk")
    EXCEPTIONS = "exceptions", _("Exceptions")
    IMPROVEMENT = "improvement", _("Improvement")


class Office(TextChoices):
    """What somebody is beside his seats."""

    NONE = "", _("None")
    MANAGER = "manager", _("Manager")
    AUDITOR = "auditor", _("Auditor")
    ADMINISTRATOR = "administrator", _("Administrator")
    VENDOR_LEAD = "vendor_lead", _("Vendor lead")


AT_EVERY_DESK = {"claim", "skip", "pause", "snooze", "go_on", "inquire", "ask", "flag"}
WHEREVER_IT_IS = {
    "comment",
    "answer",
    "attach",
}  # whoever works in the workflow or answers for it, whatever desk the case is at
VERBS = {
    Role.REVIEWER: {"reveal", "own_answer", "accept", "correct", "escalate", "hand_over", "recall", "undo", "reopen"}
    | AT_EVERY_DESK
    | WHEREVER_IT_IS,
    Role.RESOLVER: {"reveal", "resolve", "no_action", "escalate", "send_back", "hand_over", "recall", "undo"}
    | AT_EVERY_DESK
    | WHEREVER_IT_IS,
    Role.APPROVER: {"approve", "retract", "reject", "send_back", "undo"} | AT_EVERY_DESK | WHEREVER_IT_IS,
    Role.IMPROVER: WHEREVER_IT_IS,
    Role.INTEGRATION: {"receive", "read", "withdraw", "reopen", "rework"},
}
OWNER_VERBS = {
    Ownership.POLICY: {
        "publish_policy",
        "publish_playbook",
        "rule",
        "ask_two_people",
        "seat_integration",
        "name_owner_of_policy",
    },
    Ownership.QUALITY: {"reopen", "publish_scorecard", "set_rate", "name_owner_of_quality"},
    Ownership.RISK: {
        "stop",
        "resume",
        "let_one_publish",
        "seat_approver",
        "limit_approver",
        "name_owner_of_risk",
        "extend",
        "break_glass",
        "retract",
    },
    Ownership.EXCEPTIONS: {"stop", "set_calendar", "set_staffed", "name_owner_of_exceptions"},
    Ownership.IMPROVEMENT: {"name_owner_of_improvement"},
}
OWNER_VERBS = {of: verbs | WHEREVER_IT_IS for of, verbs in OWNER_VERBS.items()}
EVERY_OWNERS = {"define", "appoint", "mandate", "sign_policy", "seat_reviewer", "seat_resolver", "seat_improver"}
OFFICE_VERBS = {  # on definitions; an administrator appoints and drafts, and neither publishes nor turns anything
    Office.ADMINISTRATOR: {
        *("create", "define", "appoint", "mandate", "limit_approver", "set_calendar", "set_staffed"),
        *(f"seat_{role}" for role in Role.values),
        *(f"name_owner_of_{of}" for of in Ownership.values),
    },
}
AFTER_EXPIRY = {"reject", "send_back"}  # what the owner of risk may do beside, once an approval has expired
MACHINE_VERBS = {"triage", "settle", "expire", "wake", "warn", "breach", "answer"}

IN_HOUSE_ONLY = {Role.APPROVER, Office.MANAGER, Office.AUDITOR, Office.ADMINISTRATOR}

ON_PAGES_ONLY = {"flag"}
KEY_VERBS = sorted(set().union(*VERBS.values(), {"read", "extend", "review_break_glass"}) - ON_PAGES_ONLY)
