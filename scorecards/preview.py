"""The card as the reviewer will see it, with the arithmetic of the marks tried on it. Nothing is kept."""

from scorecards import actions, scoring
from scorecards.scoring import Mark

NA = "na"


def page(scorecard, query) -> dict:
    """What the preview shows: the sections to mark, and, once something was marked, the score or what is wrong."""
    card = actions.as_card(scorecard)
    marks = {criterion.key: mark for criterion in card.criteria if (mark := _mark(criterion, query))}
    shown = {"sections": _sections(scorecard, query), "score": None, "faults": []}
    if marks:
        try:
            shown["score"] = scoring.score(card, marks)
        except scoring.BadMarks as error:
            shown["faults"] = error.sentences
    return shown


def _mark(criterion, query) -> Mark | None:
    """The mark asked for in the query: `mark.<key>` is an option's place or "na", `cause.<key>` a root cause."""
    asked, options = query.get(f"mark.{criterion.key}", ""), list(criterion.options)
    if asked == NA:
        return Mark(na=True)
    if not asked.isdecimal() or int(asked) >= len(options):
        return None
    option = options[int(asked)]
    failed = criterion.options[option] == 0
    return Mark(option, root_cause=query.get(f"cause.{criterion.key}", "") if failed else "")


def _sections(scorecard, query) -> list[dict]:
    """Sections and criteria in order, each criterion with what is chosen on it."""
    sections = scorecard.sections.prefetch_related("criteria__options", "criteria__root_causes")
    return [
        {"title": section.title, "criteria": [_shown(criterion, query) for criterion in section.criteria.all()]}
        for section in sections
    ]


def _shown(criterion, query) -> dict:
    return {
        "criterion": criterion,
        "marked": query.get(f"mark.{criterion.key}", ""),
        "cause": query.get(f"cause.{criterion.key}", ""),
        "options": [(str(place), option) for place, option in enumerate(criterion.options.all())],
        "root_causes": list(criterion.root_causes.all()),
    }
