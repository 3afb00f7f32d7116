"""The arithmetic of a scorecard, as the quality owner would check it by hand."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorecards import scoring
from scorecards.scoring import BadMarks, Card, Mark

STEPS = {"Right": 100, "Minor slip": 60, "Wrong": 0}
CARD = Card(
    pass_mark=80,
    criteria=(
        scoring.Criterion("accuracy", "Accuracy", Decimal(3), STEPS, critical=True, root_causes=("Made up", "Misread")),
        scoring.Criterion("tone", "Tone", Decimal(1), STEPS, may_be_na=True),
        scoring.Criterion("notes", "Notes", Decimal("0.50"), STEPS, may_be_na=True),
    ),
)
RIGHT, SLIP, WRONG, NA = Mark("Right"), Mark("Minor slip"), Mark("Wrong"), Mark(na=True)


def marks(accuracy, tone=NA, notes=NA):
    return {"accuracy": accuracy, "tone": tone, "notes": notes}


@pytest.mark.parametrize(
    ("given_marks", "score", "passed"),
    [
        (marks(RIGHT, RIGHT, RIGHT), "100.00", True),
        (marks(RIGHT), "100.00", True),  # what is N/A is left out of both sums
        (marks(RIGHT, WRONG), "75.00", False),  # 300 / 4
        (marks(RIGHT, SLIP), "90.00", True),  # 360 / 4
        (marks(RIGHT, WRONG, RIGHT), "77.78", False),  # 350 / 4.5 = 77.777…
        (marks(SLIP, RIGHT, RIGHT), "73.33", False),  # 330 / 4.5
        (marks(RIGHT, NA, WRONG), "85.71", True),  # 300 / 3.5
        (marks(Mark("Wrong", root_cause="Misread"), RIGHT, RIGHT), "33.33", False),
    ],
)
def test_the_score_is_the_weighted_mean_of_what_was_marked(given_marks, score, passed):
    result = scoring.score(CARD, given_marks)

    assert (result.score, result.passed) == (Decimal(score), passed)


def test_a_failed_critical_criterion_fails_the_card_whatever_the_score():
    easy = Card(pass_mark=0, criteria=CARD.criteria)

    result = scoring.score(easy, marks(Mark("Wrong", root_cause="Made up"), RIGHT))

    assert result.failed_critical == ("accuracy",)
    assert not result.passed


def test_a_score_at_the_pass_mark_passes():
    assert scoring.score(Card(75, CARD.criteria), marks(RIGHT, WRONG)).passed


def test_where_all_is_na_there_is_no_score_and_the_card_passes():
    result = scoring.score(Card(80, CARD.criteria[1:]), {"tone": NA, "notes": NA})

    assert (result.score, result.passed, result.failed_critical) == (None, True, ())


@pytest.mark.parametrize(("mark", "passed"), [(RIGHT, True), (SLIP, True), (WRONG, False)])
def test_weights_of_zero_give_no_score_but_a_critical_one_still_fails(mark, passed):
    weightless = scoring.Criterion("safety", "Safety", Decimal(0), STEPS, critical=True)

    result = scoring.score(Card(80, (weightless,)), {"safety": mark})

    assert (result.score, result.passed) == (None, passed)


def test_the_arithmetic_is_told_line_by_line():
    result = scoring.score(CARD, marks(RIGHT, SLIP))

    assert [(line.label, line.mark, line.points, line.weight, line.earned) for line in result.lines] == [
        ("Accuracy", "Right", 100, 3, 300),
        ("Tone", "Minor slip", 60, 1, 60),
        ("Notes", "N/A", None, None, None),
    ]
    assert (result.earned, result.weight) == (360, 4)


@pytest.mark.parametrize(
    ("given_marks", "sentence"),
    [
        ({**marks(RIGHT), "speed": RIGHT}, "“speed” is not a criterion of this card."),
        ({"tone": NA, "notes": NA}, "Mark “Accuracy”."),
        (marks(Mark()), "Mark “Accuracy”."),
        (marks(Mark("Great")), "“Accuracy” has no option “Great”. Choose “Right”, “Minor slip” or “Wrong”."),
        (marks(NA), "“Accuracy” may not be N/A. Choose “Right”, “Minor slip” or “Wrong”."),
        (marks(RIGHT, Mark("Right", na=True)), "“Tone” is marked “Right” and N/A. Choose one of them."),
        (marks(WRONG), "“Accuracy” failed. Choose its root cause: “Made up” or “Misread”."),
        (marks(Mark("Wrong", root_cause="Bad luck")), "“Bad luck” is not a root cause of “Accuracy”."),
        (marks(RIGHT, Mark("Wrong", root_cause="Made up")), "“Made up” is not a root cause of “Tone”."),
    ],
)
def test_marks_that_do_not_fit_are_refused_with_a_sentence(given_marks, sentence):
    with pytest.raises(BadMarks) as refusal:
        scoring.score(CARD, given_marks)

    assert refusal.value.sentences == [sentence]


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(BadMarks) as refusal:
        scoring.score(CARD, {"speed": RIGHT, "accuracy": WRONG, "tone": Mark("Great")})

    assert len(refusal.value.sentences) == 4


@st.composite
def marked_cards(draw):
    """A card whose options are named by their points, marks on it, and one criterion that might have been marked higher."""
    weights = draw(st.lists(st.decimals(0, 9999, places=2), min_size=1, max_size=8))
    points = draw(st.lists(st.one_of(st.none(), st.integers(0, 100)), min_size=len(weights), max_size=len(weights)))
    options = {str(number): number for number in range(101)}
    criteria = tuple(scoring.Criterion(str(i), f"C{i}", weight, options, may_be_na=True) for i, weight in enumerate(weights))
    chosen = {str(i): Mark(na=True) if each is None else Mark(str(each)) for i, each in enumerate(points)}
    return Card(draw(st.integers(0, 100)), criteria), chosen, draw(st.sampled_from(sorted(chosen)))


@given(marked_cards(), st.integers(0, 100))
def test_a_score_lies_between_0_and_100_and_more_points_never_lower_it(marked, more):
    card, chosen, which = marked
    before = scoring.score(card, chosen)
    higher = Mark(na=True) if chosen[which].na else Mark(str(max(int(chosen[which].option), more)))

    after = scoring.score(card, {**chosen, which: higher})

    assert before.score is None or 0 <= before.score <= 100
    assert before.score is None or after.score >= before.score
    assert after.passed or not before.passed
