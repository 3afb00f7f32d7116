"""Marks that contradict the decision: asked about once, and never refused, for it may be meant.

With a script the page says it while somebody works, and names what it said in the form; without one the form comes back once.
What the verb refuses is told first: a question is about a decision that could stand, so it is asked when the verb is done, and undoes it.
"""

from cases.forms import Action, Marks, Output
from scorecards import scoring

UNMARKED = "unmarked"  # the content was changed, and every mark stands as it was preset: all was right
ACCEPTED = "accepted"  # a mark says that something was wrong, and the answer may stand as it is


class Doubted(Exception):
    """Which question is to be asked; raised within the verb's transaction."""


def asked(form, name, chosen):
    """Raises Doubted where something is to be asked before this verb may stand, and was not asked already."""
    asks = {"correct": _unmarked, "accept": _accepted}.get(name)
    doubt = asks(form, chosen) if asks else ""
    if doubt and doubt != form.data.get("doubt"):
        raise Doubted(doubt)


def _unmarked(form, chosen) -> str:
    content = {field for kind in (Output, Action) for field in form.shared[kind]}
    preset = [field for field in form.shared[Marks] if form.fields[field].initial]
    return UNMARKED if preset and not form.is_marked() and content & set(form.changed_data) else ""


def _accepted(form, chosen) -> str:
    """Of a card that passes; one that does not, the verb refuses."""
    card, marks = Marks().card(form.case), chosen.arguments().get("marks")
    try:
        score = scoring.score(card, marks) if card and marks else None
    except scoring.BadMarks:
        return ""
    return ACCEPTED if score and score.passed and any(line.points == 0 for line in score.lines) else ""
