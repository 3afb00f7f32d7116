"""What marks are worth: plain values in, plain values out. No database, no clock."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that is marked. `options`: label → points (0 to 100; 0 is a failure). `weight` is a plain number, no unit."""

    key: str
    label: str
    weight: Decimal
    options: Mapping[str, int]
    critical: bool = False
    may_be_na: bool = False
    root_causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """A scorecard as scoring sees it. `pass_mark` in per cent."""

    pass_mark: int
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """What was chosen for one criterion: an option's label, or N/A."""

    option: str | None = None
    na: bool = False
    root_cause: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the arithmetic: points × weight = earned; all three None where the criterion was N/A."""

    key: str
    label: str
    mark: str
    points: int | None = None
    weight: Decimal | None = None
    earned: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """`score` in per cent with two decimals, None where nothing with a weight was marked. `lines` in the card's order."""

    score: Decimal | None
    passed: bool
    failed_critical: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def earned(self) -> Decimal:
        """Σ weight · points, in per cent times weight."""
        return sum((line.earned for line in self.lines if line.points is not None), Decimal(0))

    @property
    def weight(self) -> Decimal:
        """Σ weight of what was marked."""
        return sum((line.weight for line in self.lines if line.points is not None), Decimal(0))


class BadMarks(ValueError):
    """The marks do not fit the card. `sentences` says everything that is wrong, at once."""

    def __init__(self, sentences: list[str]):
        super().__init__(" ".join(sentences))
        self.sentences = sentences


def score(card: Card, marks: Mapping[str, Mark]) -> Score:
    """Score `marks` (criterion key → Mark) on `card`. Raises BadMarks where they do not fit.

    score = Σ weight · points / Σ weight over the criteria that are not N/A, in per cent, rounded half up to two decimals.
    It is None where that Σ weight is 0: all was N/A, or what was marked weighs nothing.
    passed = no critical criterion has 0 points, and the rounded score is None or at least the pass mark.
    """
    if wrong := list(faults(card, marks)):
        raise BadMarks(wrong)
    lines = tuple(_line(criterion, marks[criterion.key]) for criterion in card.criteria)
    failed = tuple(c.key for c, line in zip(card.criteria, lines, strict=True) if c.critical and line.points == 0)
    per_cent = _per_cent(lines)
    return Score(per_cent, not failed and (per_cent is None or per_cent >= card.pass_mark), failed, lines)


def _line(criterion: Criterion, mark: Mark) -> Line:
    if mark.na:
        return Line(criterion.key, criterion.label, "N/A")
    points = criterion.options[mark.option]
    return Line(criterion.key, criterion.label, mark.option, points, criterion.weight, criterion.weight * points)


def _per_cent(lines: tuple[Line, ...]) -> Decimal | None:
    marked = [line for line in lines if line.points is not None]
    weight = sum(line.weight for line in marked)
    return (sum(line.earned for line in marked) / weight).quantize(CENT, ROUND_HALF_UP) if weight else None


def faults(card: Card, marks: Mapping[str, Mark]) -> Iterator[str]:
    """Everything that is wrong with the marks, a sentence each; nothing where they fit."""
    known = {criterion.key for criterion in card.criteria}
    for key in marks:
        if key not in known:
            yield gettext("“{key}” is not a criterion of this card.").format(key=key[:60])
    for criterion in card.criteria:
        yield from _faults_of_one(criterion, marks.get(criterion.key))


def _faults_of_one(criterion: Criterion, mark: Mark | None) -> Iterator[str]:
    if mark is None or (mark.option is None and not mark.na):
        yield gettext("Mark “{criterion}”.").format(criterion=criterion.label)
    elif mark.na and mark.option is not None:
        yield gettext("“{criterion}” is marked “{option}” and N/A. Choose one of them.").format(
            criterion=criterion.label, option=mark.option[:80]
        )
    elif mark.na and not criterion.may_be_na:
        yield gettext("“{criterion}” may not be N/A. Choose {listed}.").format(
            criterion=criterion.label, listed=_listed(criterion.options)
        )
    elif not mark.na and mark.option not in criterion.options:
        yield gettext("“{criterion}” has no option “{option}”. Choose {listed}.").format(
            criterion=criterion.label, option=mark.option[:80], listed=_listed(criterion.options)
        )
    elif mark.root_cause and mark.root_cause not in criterion.root_causes:
        yield gettext("“{root_cause}” is not a root cause of “{criterion}”.").format(
            root_cause=mark.root_cause[:120], criterion=criterion.label
        )
    elif not mark.na and not mark.root_cause and criterion.root_causes and criterion.options[mark.option] == 0:
        yield gettext("“{criterion}” failed. Choose its root cause: {listed}.").format(
            criterion=criterion.label, listed=_listed(criterion.root_causes)
        )


def _listed(labels) -> str:
    quoted = [f"“{label}”" for label in labels]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), *quoted[-1:]]))
