"""What is due. Any number of workers may ask: each slot is started by one of them.

Catching up: slots that were missed (nobody was there, or the work before was still going on) run once, now; then the
old rhythm goes on.
"""

from datetime import datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from math import floor

from django.apps import apps
from django.db import transaction
from django.db.models import Exists, OuterRef

from audit import clock
from jobs.models import Job, Schedule
from jobs.queue import ALIVE, enqueue
from jobs.running import AWAY


def declared() -> dict[str, tuple[str, int]]:
    """Every app's SCHEDULES: name → (task, seconds)."""
    found = {}
    for app in apps.get_app_configs():
        if find_spec(f"{app.name}.jobs"):
            found |= getattr(import_module(f"{app.name}.jobs"), "SCHEDULES", {})
    return found


@transaction.atomic
def declare():
    """Make the table say what the code says; rhythm and history of what stays are kept."""
    wanted = declared()
    Schedule.objects.exclude(name__in=wanted).delete()
    rows = [Schedule(name=name, task=task, every_seconds=seconds) for name, (task, seconds) in sorted(wanted.items())]
    Schedule.objects.bulk_create(rows, update_conflicts=True, unique_fields=["name"], update_fields=["task", "every_seconds"])


def next_slot(due: datetime, every: int, now: datetime) -> datetime:
    """The first moment of the rhythm that is still to come."""
    missed = floor((now - due).total_seconds() / every)
    return due + timedelta(seconds=every * (max(missed, 0) + 1))


def tick():
    """Start whatever is due and not under way. One that cannot be started says so in its row; the others start."""
    now = clock.now()
    with transaction.atomic():
        due = list(waiting(now).values_list("pk", flat=True))
    for pk in due:
        try:
            start(pk, now)
        except AWAY:
            raise
        except Exception as error:
            flag(pk, now, error)


def waiting(now):
    under_way = Job.objects.filter(schedule=OuterRef("pk"), state__in=ALIVE)
    return Schedule.objects.filter(~Exists(under_way), next_due__lte=now)


@transaction.atomic
def start(pk, now):
    """Lock, look again, queue a job and move on to the next slot, all or nothing."""
    if Schedule.objects.select_for_update(skip_locked=True).filter(pk=pk).first() is None:
        return
    if schedule := waiting(now).filter(pk=pk).first():
        schedule.next_due = next_slot(schedule.next_due, schedule.every_seconds, now)
        schedule.save(update_fields=["next_due"])
        enqueue(schedule.task, schedule=schedule)


@transaction.atomic
def flag(pk, now, error):
    if schedule := Schedule.objects.select_for_update(skip_locked=True).filter(pk=pk).first():
        schedule.next_due = next_slot(schedule.next_due, schedule.every_seconds, now)
        schedule.last_error = f"{type(error).__name__}: {error}"[:500]
        schedule.save(update_fields=["next_due", "last_error"])
