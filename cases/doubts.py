"""What contradicts the decision: asked about once, and never refused, for it may be meant.

Marks that say otherwise, of which with a script the page says so while somebody works, and names in the form what it said; a text
that still has the figure that was changed; another payee than the one that stood; an action that no rule of the policy names; and a rule of the policy that holds two values against
each other, and did not fire before. What was not told before, the form comes back with once. What the verb refuses is told first: a question is about a decision
that could stand, so it is asked when the verb is done, and undoes it.
"""

import re
from decimal import Decimal
from typing import Any

from cases.actions.content import at_odds
from cases.forms import Action, Marks, Output
from cases.seen import reasons_of, said, whole
from cases.titles import Titles
from scorecards import scoring
from workflows.models import compiled_policy
from workflows.triggers.wording import texts

UNMARKED = "unmarked"  # the content was changed, and every mark stands as it was preset: all was right
ACCEPTED = "accepted"  # a mark says that something was wrong, and the answer may stand as it is


CHANGING = ("correct", "resolve", "edit")  # verbs that change figures and texts


class Doubted(Exception):
    """Which question is to be asked, and about what; raised within the verb's transaction."""

    def __init__(self, question, about):
        super().__init__(question, about)
        self.question, self.about = question, about


def asked(form, name, chosen, done):
    """`done`: the case after the verb. Raises Doubted where something is to be asked before this verb may stand, and was not asked already."""
    of_marks = {"correct": _unmarked, "accept": _accepted}.get(name)
    if of_marks:
        _once("doubt", of_marks(form, chosen), form)
    if name in CHANGING:
        _once("payee", _another_payee(form, done), form)
        _once("action_type", _unknown_action(form, done), form)
        _once("figure", _still_said(form, chosen), form)
        _once("rule", _broken_rule(form, done), form)


def _once(question, about, form):
    if about and about != form.data.get(question):
        raise Doubted(question, about)


def _another_payee(form, done) -> str:
    """To whom it goes now, where it was to go to somebody else; as its reader reads it, who may see neither."""
    before = whole(form.case).payee
    return str(said(form.case, done.payee)) if before and done.payee and done.payee != before else ""


def _unknown_action(form, done) -> str:
    """What is to be done now and was not before, where it is neither what came in nor an action that the policy's rules name."""
    known = {*compiled_policy(done.policy_id).rules.action_types, (done.received_action or {}).get("type")} - {None, ""}
    is_new = done.action_type and done.action_type != whole(form.case).action_type
    return str(said(form.case, done.action_type)) if known and is_new and done.action_type not in known else ""


def _still_said(form, chosen) -> str:
    """A figure that was changed, and that a text of the output still says; as it says it."""
    told = texts(chosen.arguments().get("output"))
    for field in form.changed_data:
        for written in _written(form.fields[field].initial):
            if any(re.search(rf"(?<![\w.,-]){re.escape(written)}(?![.,]?\d)", text) for text in told):
                return written
    return ""


def _broken_rule(form, done) -> str:
    """What such a rule says of the changed content; of several the first."""
    titles = Titles(form.case)
    for reason in reasons_of(form.case, at_odds(done)):
        name, says = reason["name"], titles.says(reason)
        return says if name in says else f"“{name}”: {says}"
    return ""


def _written(figure: Any) -> list[str]:
    """How people write it: 1,253.14 and 1.253,14, with the thousands apart and without. Small whole ones may be anything."""
    if isinstance(figure, bool) or not isinstance(figure, int | float | Decimal) or abs(figure) < 1:
        return []
    english = [
        f"{figure:,.2f}",
        f"{figure:.2f}",
        *([f"{figure:,.0f}", f"{figure:.0f}"] if figure == int(figure) >= 100 else []),
    ]
    return list(dict.fromkeys([*english, *(each.translate(str.maketrans(",.", ".,")) for each in english)]))


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
