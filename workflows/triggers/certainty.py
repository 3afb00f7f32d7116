"""Triggers on how sure the AI was."""

from typing import Annotated, Any

from msgspec import Meta

from workflows.triggers.base import Effect, Fires, Share

NUMBERS = (int, float)
SCORES = ("confidence", "score", "probability")  # where an alternative may carry its own


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
                return {"confidence": seen, "below": below, "says": f"confidence{of} {seen:.4g} is below {below:.4g}"}
            return None

        return fires


class Ambiguous(Effect, tag="ambiguous"):
    """Fires when the best two alternatives are closer than `margin`; where asked, also when fewer than two were sent.

    What the AI proposes counts as one of them with its own confidence, whether or not it also stands in the list. It fires,
    too, where another is likelier than that, or where it has none to be compared with: to be less sure is never safer.
    """

    margin: Annotated[float, Meta(gt=0, le=1)]
    alternatives_required: bool = False

    def prepare(self) -> Fires:
        margin, required = self.margin, self.alternatives_required

        def fires(facts):
            if not required and _is_far_ahead(facts, margin):
                return None
            own, others = _scores(facts)
            scores = sorted(others if own is None else [own, *others], reverse=True)[:2]
            if required and len(scores) < 2:
                return {"best": scores, "says": "fewer than two alternatives were given"}
            if not others or (own is not None and round(own - max(others), 9) >= margin):
                return None
            return {"best": scores, "says": _says(own, scores, margin)}

        return fires


def _says(own: float | None, scores: list[float], margin: float) -> str:
    if len(scores) == 2 and round(scores[0] - scores[1], 9) < margin:
        return f"the best two alternatives ({scores[0]:.4g} and {scores[1]:.4g}) are closer than {margin:.4g}"
    if own is None:
        return f"there is an alternative ({scores[0]:.4g}), and no confidence of what is proposed"
    return f"an alternative ({scores[0]:.4g}) is likelier than what is proposed ({own:.4g})"


def _is_far_ahead(facts, margin) -> bool:
    """Whether the proposed one leaves every alternative behind, so that none need be compared with the output."""
    own = facts["confidence"]
    for alternative in facts.get("alternatives") or ():
        score = _score(alternative)
        if score is not None and (own is None or round(own - score, 9) < margin):
            return False
    return True


def _scores(facts) -> tuple[float | None, list[float]]:
    """The confidence of what is proposed, and that of every other alternative."""
    own, others = facts["confidence"], []
    for alternative in facts.get("alternatives") or ():
        score = _score(alternative)
        if score is None:
            continue
        if _is_proposed(alternative, facts["output"]):
            own = score if own is None else own
        else:
            others.append(score)
    return own, others


def _score(alternative: Any) -> float | None:
    for score in map(alternative.get, SCORES) if isinstance(alternative, dict) else [alternative]:
        if isinstance(score, NUMBERS) and not isinstance(score, bool) and 0 <= score <= 1:
            return score
    return None


def _is_proposed(alternative: Any, output) -> bool:
    """Whether the alternative is the output itself: under `output`, or because all it says stands in the output, where it names a field of it in that."""
    if not isinstance(alternative, dict) or not isinstance(output, dict):
        return False
    if "output" in alternative:
        return alternative["output"] == output
    said = {name: value for name, value in alternative.items() if name not in SCORES}
    return bool(said) and all(
        output[name] == value if name in output else value in output.values() for name, value in said.items()
    )
