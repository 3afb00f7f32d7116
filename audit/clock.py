"""What time it is. The demo's history is made through the real verbs under a moved clock; everybody else has the real one."""

from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.db import connection
from django.utils import timezone

_moved: ContextVar[datetime | None] = ContextVar("moved", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC. The database believes a moved one only from its owner."""
    return _moved.get() or timezone.now()


def midnight(moment: datetime) -> datetime:
    """When the day of that moment began, by the clock of whoever we act for."""
    return timezone.localtime(moment).replace(hour=0, minute=0, second=0, microsecond=0)


def of_the_database() -> datetime:
    """One clock for all hosts, whatever theirs say: for what several of them must agree on."""
    if is_moved():
        return now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def is_moved() -> bool:
    return _moved.get() is not None


@contextmanager
def moved(to: datetime):
    """Inside the block it is `to`. Enter it outside any transaction: the database is told at BEGIN."""
    token = _moved.set(to)
    try:
        yield
    finally:
        _moved.reset(token)
