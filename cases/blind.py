"""Blind first: where the policy asks for it, a reviewer gives his own answer before the AI's is shown to him.

What is asked are the values that the output's schema names; what he leaves empty is not compared.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_noop

from cases.models.blind import OwnAnswer
from cases.prose import told
from cases.states import REVIEW
from workflows.models import compiled_policy

FIRST = gettext_noop("Give your own answer first. What the AI proposes, and why it came here, is shown then.")

LATER = gettext_noop("It is shown once you have given your own answer.")


def is_asked(case) -> bool:
    """Whether the case's policy asks for an own answer at the desk where it is. Without names in the schema there is nothing to ask."""
    return case.state == REVIEW and is_of_a_blind_policy(case)


def is_of_a_blind_policy(case) -> bool:
    """Whether somebody may have answered it before he saw the AI's."""
    policy = compiled_policy(case.policy_id)
    return policy.rules.blind_first and policy.names_fields


def is_owed(case, user) -> bool:
    """Whether this person owes the case his own answer still."""
    return is_asked(case) and not OwnAnswer.objects.filter(case=case.pk, by=user).exists()


def differing(answer: dict[str, Any], proposed: dict[str, Any]) -> list[str]:
    """The paths of what was answered and what the AI says otherwise, but for capitals and spaces. Pure."""
    return [path for path, value in leaves(answer) if not _same(value, _at(proposed, path))]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted path, value) of everything that was answered."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else str(name))
    else:
        yield path, value


def _at(value, path):
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _same(own, other) -> bool:
    if isinstance(own, str) and isinstance(other, str):
        return " ".join(own.split()).casefold() == " ".join(other.split()).casefold()
    return own == other and isinstance(own, bool) == isinstance(other, bool)


def compared(answers: Iterable, proposed: dict) -> list[tuple]:
    """(the answer's row, [(path, own, the AI's, whether they differ)]), as a page shows them."""
    return [
        (row, [(path, told(own), told(_at(proposed, path)), path in row.differs) for path, own in leaves(row.answer)])
        for row in answers
    ]
