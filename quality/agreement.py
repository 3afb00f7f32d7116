"""How often people's own answers, given before the AI's was seen, agree with it."""

from typing import NamedTuple

from django.db.models import Count, Q

from accounts.models import User
from cases.models import OwnAnswer
from stats.intervals import wilson


class Agreement(NamedTuple):
    """One person's own answers in one workflow, or everybody's."""

    person: User | None
    answers: int
    agreed: int

    @property
    def told(self) -> str:
        low, high = wilson(self.agreed, self.answers)
        return f"{self.agreed / self.answers:.0%} ({low:.0%}–{high:.0%})"


def agreement(workflow) -> list[Agreement]:
    """Everybody together first, then each person; empty where nobody answered blind. Test cases do not count."""
    given = OwnAnswer.objects.filter(case__workflow=workflow, case__is_test=False)
    counted = given.order_by().values_list("by").annotate(answers=Count("pk"), agreed=Count("pk", filter=Q(differs=[])))
    rows = {by: (answers, agreed) for by, answers, agreed in counted}
    if not rows:
        return []
    people = User.objects.in_bulk(rows)
    each = sorted(
        (Agreement(people[by], *counts) for by, counts in rows.items() if by in people), key=lambda row: str(row.person)
    )
    return [Agreement(None, *map(sum, zip(*rows.values(), strict=True))), *each]
