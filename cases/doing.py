"""What one can do with a case on its own page: which buttons it has, and whether the next case stands before them."""

from typing import Any, NamedTuple

from cases import verbs
from cases.states import DESKS
from cases.verbs import Verb

Buttons = list[tuple[str, Verb]]


class Doing(NamedTuple):
    """The buttons in their order; `others` are folded. `next_first`: nothing of this case is to be decided here now, so one goes on with the next."""

    main: Buttons
    others: Buttons
    claim: Verb | None
    give_back: Verb | None
    undo: Verb | None
    seconds_left: int  # to undo
    at_the_workbench: bool
    next_desk: str
    next_first: bool

    @property
    def any(self) -> bool:
        return bool(self.main or self.others or self.claim or self.give_back or self.undo or self.next_desk)


def doing(case, offered: Buttons, standing, last, user, now) -> Doing:
    """`last`: what was decided on it lastly, or None."""
    of = dict(offered)
    plain = [(name, verb) for name, verb in offered if not verb.at_once and name != "undo"]
    others = [(name, verb) for name, verb in plain if name not in verbs.FIRST]
    others = others if len(others) > 2 else []  # one or two are not worth folding
    left = int((case.settles_at - now).total_seconds()) if case.settles_at else 0
    return Doing(
        main=[each for each in plain if each not in others],
        others=others,
        claim=of.get("claim"),
        give_back=of.get("give_back"),
        undo=of.get("undo"),
        seconds_left=left,
        at_the_workbench=case.is_open and bool(offered),
        next_desk=next_desk(case, standing, last, user, now),
        next_first=not {verbs.MAIN.get(case.state), "own_answer"} & of.keys() or case.paused_since is not None,
    )


def next_desk(case, standing, last: Any, user, now) -> str:
    """The desk at which this person works: where he decided this case lastly, else where it stands, else the first at which he has a seat.

    None where he has none. What he holds he works on where it stands.
    """
    his = [desk for desk, role in DESKS.items() if role in standing.roles]
    decided_at = last.desk if last is not None and last.by_id == user.pk and case.held_by(now) != user.pk else ""
    return next((desk for desk in (decided_at, case.state) if desk in his), his[0] if his else "")
