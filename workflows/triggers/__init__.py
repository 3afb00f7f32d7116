"""Triggers: what makes one output special. Each says whether it fires and stores the facts it saw."""

from workflows.triggers.actions import ActionIs, ProtectedAccount
from workflows.triggers.base import MISSING, REMEMBERED, Effect, Facts, Fires, Tier, look
from workflows.triggers.certainty import Ambiguous, LowConfidence
from workflows.triggers.content import Conflict, FieldIsOneOf, Keywords, Promises, RequiredFields, RequiredWording
from workflows.triggers.expression import Expression
from workflows.triggers.history import Duplicate, RepeatContact
from workflows.triggers.wording import Heard, folded_text, texts

Trigger = (
    RequiredFields
    | Conflict
    | Duplicate
    | LowConfidence
    | Ambiguous
    | Keywords
    | RequiredWording
    | Promises
    | ProtectedAccount
    | ActionIs
    | FieldIsOneOf
    | RepeatContact
    | Expression
)

__all__ = ["MISSING", "REMEMBERED", "Effect", "Facts", "Fires", "Heard", "Tier", "Trigger", "folded_text", "look", "texts"]
