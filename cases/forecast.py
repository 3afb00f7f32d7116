"""What will be late by the end of a shift: the queue worked in its order, at a measured pace. Pure.

One desk of one side is a queue and one server as fast as all its people together. The queue's order is the desk's: what
somebody holds, then by priority, then what is due soonest. At a pace of p cases a minute the server takes 1/p minutes for
each. Time is counted in business minutes of the side from now on, so that it stands while nobody is there.

A case is named where it is due before the shift ends, is not late yet, and would be done after it is due. Without
priorities this is the test of deadline feasibility: work due within any time must fit into it, and earliest due first is
the order that keeps all deadlines where any order does. What comes in meanwhile is not known: the forecast is the least.

The pace is the lowest that is known of three, so that it names rather too much than too little: decisions a minute over the
last hours; over the same hours of the days before, up to the end of the shift; and people present over the median of the
active time. A measured pace counts from `FEW` decisions on.
"""

import heapq
from collections.abc import Iterable
from typing import NamedTuple

FEW = 5


class Waits(NamedTuple):
    """A case in the queue, in minutes from now. `here`: when it comes back to the queue, for what is snoozed."""

    case: int
    due: float
    priority: int = 0
    here: float = 0.0
    held: bool = False

    @property
    def place(self):
        return not self.held, -self.priority, self.due, self.case


class Measured(NamedTuple):
    """How many decisions, in how many minutes that were open."""

    decisions: int
    minutes: float


def pace(recent: Measured, same_hours: Measured, people: int, median_seconds: float | None) -> float:
    """Cases a minute; nothing where nobody is there, or nothing is known."""
    known = [each.decisions / each.minutes for each in (recent, same_hours) if each.decisions >= FEW and each.minutes > 0]
    if median_seconds:
        known.append(people * 60 / median_seconds)
    return min(known, default=0.0) if people else 0.0


def late_by(queue: Iterable[Waits], at_pace: float, left: float) -> list[int]:
    """The cases that would become late within the `left` minutes of the shift, in the order in which they would be taken."""
    to_come = sorted(queue, key=lambda case: case.here)
    ready, late, time, place = [], [], 0.0, 0
    while ready or place < len(to_come):
        if not ready:
            time = max(time, to_come[place].here)
        while place < len(to_come) and to_come[place].here <= time:
            heapq.heappush(ready, (to_come[place].place, to_come[place]))
            place += 1
        case = heapq.heappop(ready)[1]
        time = time + 1 / at_pace if at_pace else float("inf")
        if 0 <= case.due <= left and time > case.due:
            late.append(case.case)
    return late
