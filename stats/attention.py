"""Whether somebody who lets outputs pass unchanged still looks at them: his pace against the text, and what he let pass.

Pace alone convicts nobody: whoever knows his work is quick. What tells the two apart is what becomes of wrong outputs.
"""

from collections.abc import Sequence
from math import exp, log
from typing import NamedTuple

WORDS_A_MINUTE = (
    238  # silent reading of English prose, adults: Brysbaert 2019, J. Memory and Language 109, a mean of 190 studies
)
SIGNS_A_WORD = 6  # with the space; an assumption, stated on the page
SKIMMED = 3  # so many times quicker than reading is no reading any more (714 words a minute)
MOST_READ = 2000  # characters: of a longer text nobody is asked to have read more

WINDOW = 60  # decisions looked at, the newest
FEWEST = 10  # of which nothing is said of fewer
LOOKING, NOT_LOOKING = 0.8, 0.05  # of wrong outputs, the share that is changed by who looks at the least, and by who does not
BAR, BAR_AT_ANY_PACE = 20, 200
PRIOR_RATE, PRIOR_WEIGHT = 0.05, 20  # of how often others change an output, where few others decided


class Look(NamedTuple):
    """One decision. `seconds` from seeing to deciding, None where nothing measured it; `shown_wrong`: by somebody else, later, or planted."""

    characters: int
    seconds: float | None
    passed: bool
    shown_wrong: bool = False


class Attention(NamedTuple):
    """What a person's newest decisions tell."""

    decisions: int
    measured: int
    quick: int
    median_seconds: float | None
    median_reading: float
    passed: int
    streak: int
    shown_wrong: int
    missed: int
    base: float
    evidence: float

    @property
    def is_quick(self) -> bool:
        """Two of three decisions, of those that were measured, came sooner than the text can be skimmed."""
        return self.measured >= FEWEST and 3 * self.quick >= 2 * self.measured

    @property
    def is_reported(self) -> bool:
        """The evidence that wrong outputs pass him is beyond the bar; where his pace leaves time to look, beyond a far higher one."""
        bar = BAR if self.is_quick else BAR_AT_ANY_PACE
        return self.decisions >= FEWEST and self.evidence >= bar


def reading_seconds(characters: int) -> float:
    """How long the text takes to read: characters / (words a minute × signs a word / 60). At most `MOST_READ` of it is counted."""
    return min(characters, MOST_READ) * 60 / (WORDS_A_MINUTE * SIGNS_A_WORD)


def is_quick(look: Look) -> bool:
    """Sooner than the text can be skimmed."""
    return look.seconds is not None and look.seconds < reading_seconds(look.characters) / SKIMMED


def base_rate(changed: int, decisions: int) -> float:
    """How often other people at the same desk change an output: their share, drawn towards 5 % with the weight of 20 decisions.

    It stands for how often an output is wrong. Others miss some, so it is too small rather than too large, and errs for the person.
    """
    return (changed + PRIOR_RATE * PRIOR_WEIGHT) / (decisions + PRIOR_WEIGHT)


def weight_of(look: Look, base: float) -> float:
    """The natural logarithm of how many times likelier this decision is from somebody who does not look than from somebody who does.

    With w the chance that the output was wrong (1 where that was shown, else `base`), d₁ = 0.05 and d₀ = 0.8: passed unchanged
    (1 − w·d₁) / (1 − w·d₀), changed d₁ / d₀. Whoever changes more than d₀ of what is wrong has a mean of at most 1 for each.
    """
    if not look.passed:
        return log(NOT_LOOKING / LOOKING)
    wrong = 1.0 if look.shown_wrong else base
    return log((1 - wrong * NOT_LOOKING) / (1 - wrong * LOOKING))


def evidence(looks: Sequence[Look], base: float) -> float:
    """The product of those ratios over the newest `WINDOW` decisions.

    A likelihood ratio whose mean under “looks” is at most 1, so that by Ville's inequality (1939) at most one in `BAR` of those
    who look is ever beyond it in his first `WINDOW` decisions; beyond them the window moves, and the rates are simulated
    (tests/test_attention.py). Units: none. `looks` is oldest first.
    """
    return exp(sum(weight_of(look, base) for look in looks[-WINDOW:]))


def attention(looks: Sequence[Look], base: float) -> Attention:
    """What the newest decisions tell; oldest first."""
    looks = looks[-WINDOW:]
    measured = [look for look in looks if look.seconds is not None]
    shown_wrong = [look for look in looks if look.shown_wrong]
    return Attention(
        decisions=len(looks),
        measured=len(measured),
        quick=sum(map(is_quick, measured)),
        median_seconds=_median([look.seconds for look in measured]) if measured else None,
        median_reading=_median([reading_seconds(look.characters) for look in looks]) if looks else 0.0,
        passed=sum(look.passed for look in looks),
        streak=_streak(looks),
        shown_wrong=len(shown_wrong),
        missed=sum(look.passed for look in shown_wrong),
        base=base,
        evidence=evidence(looks, base),
    )


def _streak(looks) -> int:
    """How many passed unchanged since the last that was changed."""
    return next((count for count, look in enumerate(reversed(looks)) if not look.passed), len(looks))


def _median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
