"""What is due. Any number of workers may ask: each slot is started by one of them.

Catching up: each schedule says what becomes of slots that were missed (nobody was there, or the work before was still
going on): `Schedule.CatchUp`. Then the old rhythm goes on. Hosts may disagree about the time, so the database's counts.
Where that is set back, a slot further ahead than the rhythm allows is no slot: the rhythm begins again from now.
"""

from datetime import datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from math import floor

from django.apps import apps
from django.db import transaction
from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, Value

from audit import clock, logs
from jobs.models import Job, Schedule
from jobs.queue import ALIVE, enqueue
from jobs.running import AWAY

LATE = timedelta(minutes=1)  # a slot later than that was missed
JUMPED = timedelta(minutes=1)  # a slot so much further ahead than the rhythm allows: the clock was set back
INTERVAL = ExpressionWrapper(F("every_seconds") * Value(timedelta(seconds=1)), DurationField())


def declared() -> dict[str, dict]:
    """Every app's SCHEDULES: name → (task, seconds), or (task, seconds, how it catches up) where that is not “once”."""
    found = {}
    for app in apps.get_app_configs():
        if find_spec(f"{app.name}.jobs"):
            found |= getattr(import_module(f"{app.name}.jobs"), "SCHEDULES", {})
    return {name: dict(zip(DECLARED, (*said, Schedule.CatchUp.ONCE), strict=False)) for name, said in found.items()}


DECLARED = ("task", "every_seconds", "catch_up")


@transaction.atomic
def declare():
    """Make the table say what the code says; rhythm and history of what stays are kept."""
    wanted = declared()
    Schedule.objects.exclude(name__in=wanted).delete()
    rows = [Schedule(name=name, **said) for name, said in sorted(wanted.items())]
    Schedule.objects.bulk_create(rows, update_conflicts=True, unique_fields=["name"], update_fields=DECLARED)


def next_slot(due: datetime, every: int, now: datetime) -> datetime:
    """The first moment of the rhythm that is still to come, even where `due` lies further ahead than that."""
    return due + timedelta(seconds=every * (floor((now - due).total_seconds() / every) + 1))


def tick():
    """Start whatever is due and not under way. One that cannot be started says so in its row; the others start."""
    with transaction.atomic():
        now = clock.of_the_database()
        due = list(waiting(now).values_list("pk", flat=True))
    for pk in due:
        try:
            start(pk, now)
        except AWAY:
            raise
        except Exception as error:
            flag(pk, now, error)


def waiting(now):
    """Due, or so far ahead that the clock must have been set back."""
    under_way = Job.objects.filter(schedule=OuterRef("pk"), state__in=ALIVE)
    lost = Q(next_due__gt=INTERVAL + Value(now + JUMPED))
    return Schedule.objects.filter(~Exists(under_way), Q(next_due__lte=now) | lost)


@transaction.atomic
def start(pk, now):
    """Lock, look again, queue a job and move on to the next slot, all or nothing."""
    if Schedule.objects.select_for_update(skip_locked=True).filter(pk=pk).first() is None:
        return
    if schedule := waiting(now).filter(pk=pk).first():
        due, schedule.next_due = schedule.next_due, next_slot(schedule.next_due, schedule.every_seconds, now)
        schedule.save(update_fields=["next_due"])
        if is_to_run(schedule, due, now):
            enqueue(schedule.task, schedule=schedule)


def is_to_run(schedule, due, now) -> bool:
    """Not what is not due yet, after a clock was set back; nor what is missed, where missed slots are left out."""
    return due <= now and (schedule.catch_up != Schedule.CatchUp.SKIP or now - due <= LATE)


@transaction.atomic
def flag(pk, now, error):
    if schedule := Schedule.objects.select_for_update(skip_locked=True).filter(pk=pk).first():
        schedule.next_due = next_slot(schedule.next_due, schedule.every_seconds, now)
        schedule.last_error = logs.in_short(error)[:500]
        schedule.save(update_fields=["next_due", "last_error"])
