"""What an approver is shown beside any form: the standard, how far his approval reaches, and whose step it is."""

from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from accounts.models import User
from cases import again, chains, standard
from cases.permissions import beyond_the_limit, seat_for, why_not
from cases.states import APPROVAL
from workflows import money


def named(*standings) -> dict[int, User]:
    """Who gave approvals and who lent seats, by id."""
    given = {person for each in standings for approval in each.given for person in approval.people}
    return User.objects.in_bulk(given | {seat.holder for each in standings for seat in each.seats})


def beside(case, user, standing, names) -> dict[str, Any]:
    """The standard, his limit, whose step it is, and what asks for his second factor."""
    reach = limit(case, user, standing, names)
    return {
        "standard": standard.of(case.workflow),
        "limit": reach,
        "beyond": is_beyond(reach, case, user, standing),
        "steps": steps(case, standing, names),
        "asks_again": again.minutes(case),
    }


class Limit(NamedTuple):
    """How far this person's approval reaches here, and what it is about; `most` is empty where he has none. `by`: who lent it."""

    most: str
    amount: str
    within: bool
    by: User | None = None


def limit(case, user, standing, names) -> Limit | None:
    """Of the seat by which he would approve, or of his first one where none reaches; None where no amount is at stake."""
    seat = seat_for("approve", case, standing, user) or next(iter(standing.seats), None)
    if case.amount is None or seat is None:
        return None
    most, amount = (money.readable(each, case.currency) for each in (seat.limit, case.amount))
    return Limit(most, amount, seat.within, names.get(seat.holder) if seat.delegation else None)


def is_beyond(reach, case, user, standing) -> bool:
    """Whether that limit is what keeps him from approving: then it is said where the reason stands, and nowhere else."""
    if reach is None or reach.within:
        return False
    return why_not(user, "approve", case, standing) in {beyond_the_limit(seat, case) for seat in standing.seats}


class Step(NamedTuple):
    """One step of the chain: whose it is, how many it asks for, and who gave it. `is_next`: it is its turn."""

    name: str
    title: str
    people: int
    given: list
    is_next: bool


def steps(case, standing, names) -> list[Step]:
    chain = case.chain or [{"name": _("Approval"), "title": "", "people": max(1, case.approvals_needed)}]
    next_one = chains.next_step(chain, standing.given) if case.state == APPROVAL else None
    return [
        Step(
            step["name"],
            step["title"],
            step["people"],
            [by_whom(each, names) for each in standing.given if each.step == number],
            number == next_one,
        )
        for number, step in enumerate(chain)
    ]


def by_whom(given, names) -> str:
    who, holder = names.get(given.by), names.get(given.holder)
    return _("%(who)s for %(holder)s") % {"who": who, "holder": holder} if holder and holder != who else str(who)
