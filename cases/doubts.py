"""Marks that contradict the decision: asked about once, and never refused, for it may be meant.

With a script the page says it while somebody works, and names what it said in the form; without one the form comes back once.
"""

from cases.forms import Action, Marks, Output
from scorecards import scoring

UNMARKED = "unmarked"  # the content was changed, and every mark stands as it was preset: all was right
ACCEPTED = "accepted"  # a mark says that something was wrong, and the answer may stand as it is


def of(form, name, chosen) -> str:
    """What is to be asked before this verb is done; empty where nothing is, or where it was asked already.

    What the verb itself refuses is not asked about: `chosen`, its own form, must be right first.
    """
    asks = {"correct": _unmarked, "accept": _accepted}.get(name)
    if asks is None or form.data.get("revision") != str(form.case.revision) or not chosen.is_valid():
        return ""
    doubt = asks(form, chosen)
    return doubt if doubt != form.data.get("doubt") else ""


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
