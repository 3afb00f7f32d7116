"""Triggers on how sure the AI was."""

from typing import Annotated

from msgspec import Meta

from workflows.triggers.base import Effect, Fires, Share


class LowConfidence(Effect, tag="low_confidence"):
    """Fires when the confidence, or that of one field, is missing or below `below`."""

    below: Share
    field: str = ""

    def prepare(self) -> Fires:
        name, below, of = self.field, self.below, f" in {self.field}" if self.field else ""

        def fires(facts):
            seen = facts["confidences"].get(name) if name else facts["confidence"]
            if seen is None:
                return {"confidence": None, "says": f"no confidence{of} was given"}
            if seen < below:
                return {"confidence": seen, "below": below, "says": f"confidence{of} {seen:.2f} is below {below:.2f}"}
            return None

        return fires


class Ambiguous(Effect, tag="ambiguous"):
    """Fires when the best two alternatives are closer than `margin`; where asked, also when fewer than two were sent."""

    margin: Annotated[float, Meta(gt=0, le=1)]
    alternatives_required: bool = False
