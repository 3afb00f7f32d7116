"""The rules: what the business keeps in-house. Vendors read these rows where their work needs it, and change none."""

from workflows.models.calendars import Calendar, Holiday, Shift, hours_of
from workflows.models.engagements import VENDOR_ROLES, Engagement, Mandate, MaskedPattern
from workflows.models.people import ApprovalLimit, Delegation, Owner, Seat, Tenure
from workflows.models.policies import TIER_CHOICES, AIRelease, Policy, StratumRate, compiled_policy
from workflows.models.proposals import Proposal
from workflows.models.workflow import Dial, ExceptionCategory, PlaybookSection, Workflow, new_secret

__all__ = [
    "TIER_CHOICES",
    "VENDOR_ROLES",
    "AIRelease",
    "ApprovalLimit",
    "Calendar",
    "Delegation",
    "Dial",
    "Engagement",
    "ExceptionCategory",
    "Holiday",
    "Mandate",
    "MaskedPattern",
    "Owner",
    "PlaybookSection",
    "Policy",
    "Proposal",
    "Seat",
    "Shift",
    "StratumRate",
    "Tenure",
    "Workflow",
    "compiled_policy",
    "hours_of",
    "new_secret",
]
