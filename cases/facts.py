"""What the policy may look at in one output: made here for live intake, for a replay and for a try, so that all three agree. Pure."""

from datetime import UTC, datetime
from typing import Any

from workflows.triggers import Facts


def facts_of(
    *,
    input: Any,
    output: Any,
    action: dict,
    confidence: Any,
    received_at: datetime,
    context: dict | None = None,
    confidences: dict | None = None,
    alternatives: list | None = None,
    segment: str | None = "",
    channel: str | None = "",
    customer_reference: str | None = "",
    earlier: list[dict] = (),
) -> Facts:
    """The facts of one output; `action` as `action_in` gave it."""
    return {
        "input": input,
        "output": output,
        "context": context or {},
        "action": action,
        "confidence": usable(confidence),
        "confidences": {name: usable(value) for name, value in (confidences or {}).items()},
        "alternatives": alternatives or [],
        "segment": segment or "",
        "channel": channel or "",
        "customer_reference": customer_reference or "",
        "received_at": received_at.astimezone(UTC),
        "earlier": list(earlier),
    }


def usable(confidence) -> float | None:
    """A confidence in 0…1; anything else is no confidence, and no confidence never lowers the scrutiny."""
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        return None
    return float(confidence)
