"""Triggers: what makes one output special. Each says whether it fires and stores the facts it saw."""

from workflows.triggers.actions import ActionIs
from workflows.triggers.base import MISSING, Effect, Facts, Fires, Tier, folded_text, look, texts
from workflows.triggers.certainty import LowConfidence
from workflows.triggers.content import FieldIsOneOf, Keywords, RequiredFields

Trigger = RequiredFields | LowConfidence | Keywords | ActionIs | FieldIsOneOf

__all__ = ["MISSING", "Effect", "Facts", "Fires", "Tier", "Trigger", "folded_text", "look", "texts"]
