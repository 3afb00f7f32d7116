"""The case and everything that happens to it. Callers never change state: `actions/` does, through `gate.py`."""

from cases.models.attachments import AttachedFile, Attachment
from cases.models.blind import OwnAnswer
from cases.models.case import Case, seen_workflows
from cases.models.clocks import Forecast, Pause, Stuck
from cases.models.inquiries import Inquiry
from cases.models.lists import Bulk, BulkRow, Findable, SavedView
from cases.models.notices import Digest, Wishes
from cases.models.oversight import Alert, BreakGlassReview
from cases.models.replays import Replay
from cases.models.reveals import Reveal
from cases.models.rulings import Example, Question, Ruling
from cases.models.story import Claim, Correction, Decision, Release, Retraction, Rework
from cases.models.talk import Comment, Notice
from cases.models.unfinished import Unfinished

__all__ = [
    "Alert",
    "AttachedFile",
    "Attachment",
    "BreakGlassReview",
    "Bulk",
    "BulkRow",
    "Case",
    "Claim",
    "Comment",
    "Correction",
    "Decision",
    "Digest",
    "Example",
    "Findable",
    "Forecast",
    "Inquiry",
    "Notice",
    "OwnAnswer",
    "Pause",
    "Question",
    "Release",
    "Replay",
    "Retraction",
    "Reveal",
    "Rework",
    "Ruling",
    "SavedView",
    "Stuck",
    "Unfinished",
    "Wishes",
    "seen_workflows",
]
