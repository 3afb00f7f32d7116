"""How long a case was worked on, waited for somebody to take it, and waited on somebody else: apart, in business hours. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from workflows.calendar import Hours, Pause, between


class Spent(NamedTuple):
    """Seconds. Together they are the business time from the beginning to the end."""

    active: float  # somebody held it
    waiting: float  # nobody did, and its clock ran
    paused: float  # its clock stood, whoever held it

    @property
    def total(self) -> float:
        return sum(self)

    def __add__(self, other):
        return Spent(*(one + more for one, more in zip(self, other, strict=True)))


NOTHING = Spent(0.0, 0.0, 0.0)


def spent(hours: Hours, begun: datetime, ended: datetime, held: Iterable[Pause], stood: Iterable[Pause]) -> Spent:
    """From `begun` to `ended`: `held` says from when to when somebody had it, `stood` when its clock stood. Standing counts first."""
    stood = list(stood)
    whole = between(hours, begun, ended)
    running = between(hours, begun, ended, stood)
    idle = between(hours, begun, ended, [*stood, *held])
    return Spent(60 * (running - idle), 60 * idle, 60 * (whole - running))


class Visit(NamedTuple):
    """One stay at one desk."""

    desk: str
    since: datetime
    until: datetime


def visits(born_at: str, begun: datetime, moves: Iterable[tuple[datetime, str]], now: datetime) -> list[Visit]:
    """Its stays at desks, from where it was born and where it went when; the last one up to now. Closed is no desk.

    A clock that was put back makes no stay of less than nothing.
    """
    places = [(begun, born_at)]
    for at, to in sorted(moves):
        if to != places[-1][1]:
            places.append((max(at, places[-1][0]), to))
    ends = [at for at, _ in places[1:]] + [max(now, places[-1][0])]
    return [Visit(desk, since, until) for (since, desk), until in zip(places, ends, strict=True) if desk != "closed"]
