"""What the policy may look at in one output: made here for live intake, for a replay and for a try, so that all three agree. Pure."""

import re
from datetime import UTC, datetime
from typing import Any

from workflows.triggers import Facts

LIKE_A_NUMBER = re.compile(r"[-+]?\d[\d.,e+-]{0,11} ?%?", re.ASCII)


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
    """The facts of one output; `action` as `action_in` gave it. `unusable`: what came as a confidence and is none; "" is the whole's."""
    given = [("", confidence), *(confidences or {}).items()]
    return {
        "input": input,
        "output": output,
        "context": context or {},
        "action": action,
        "confidence": usable(confidence),
        "confidences": {name: usable(value) for name, value in (confidences or {}).items()},
        "unusable": {name: told for name, value in given if (told := unusable(value))},
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


def unusable(confidence) -> str:
    """What came in place of a confidence, as a sentence quotes it; empty where one or nothing came.

    Only what reads like a number is quoted: a sentence is kept, and read by people who see no personal data.
    """
    if confidence is None or usable(confidence) is not None:
        return ""
    if isinstance(confidence, bool) or not isinstance(confidence, str | int | float):
        return "what came"
    text = confidence if isinstance(confidence, str) else f"{confidence:.6g}" if abs(confidence) < 1e12 else ""
    return f"“{text}”" if LIKE_A_NUMBER.fullmatch(text) else "what came"
