"""Triggers to begin from. Each opens the form filled in; nothing is written before it is saved."""

READY_MADE = [
    {
        "kind": "keywords",
        "name": "Legal threat",
        "words": ["lawyer", "attorney", "court", "sue", "legal action", "ombudsman", "regulator"],
        "raises": "high",
        "tag": "legal",
    },
    {"kind": "low_confidence", "name": "The AI is unsure", "below": 0.6, "desk": "resolution", "category": "unclear-request"},
    {"kind": "action", "name": "Much money", "amount": "500", "currency": "EUR", "raises": "high", "tag": "money"},
]


def ready_made(position: int | None) -> dict:
    """The one at that place; empty where there is none."""
    return READY_MADE[position] if position is not None and position < len(READY_MADE) else {}
