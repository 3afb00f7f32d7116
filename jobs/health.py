"""How work goes: the age of the oldest job that is due, and who is there to do it. For people a page, for monitors an address."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse

from audit import acting, clock
from jobs import running
from jobs.models import Worker

THERE = timedelta(seconds=30)  # a worker writes every five that it is there
FORGOTTEN = timedelta(hours=1)  # so long the page still names one that died
PATIENCE = "SET LOCAL statement_timeout = '5s'"  # a monitor wants an answer, or none

# A job may wait for a worker, or a schedule for somebody to start it; one whose work is under way waits for nobody.
OLDEST = """
SELECT least((SELECT min(due_at) FROM jobs_job WHERE state = 'queued'),
             (SELECT min(next_due) FROM jobs_schedule s WHERE NOT EXISTS
                (SELECT FROM jobs_job j WHERE j.schedule_id = s.id AND j.state IN ('queued', 'running'))))
"""


@dataclass(frozen=True)
class Health:
    oldest: float  # seconds that the oldest due job has waited
    workers: int  # that are there
    limit: int  # seconds that a job may wait

    @property
    def is_late(self) -> bool:
        return self.oldest > self.limit

    @property
    def is_well(self) -> bool:
        return self.workers > 0 and not self.is_late


def state() -> Health:
    now = clock.of_the_database()
    with connection.cursor() as cursor:
        cursor.execute(OLDEST)
        [oldest] = cursor.fetchone()
    waited = (now - oldest).total_seconds() if oldest else 0
    return Health(max(waited, 0.0), there(now).count(), settings.HITLDESK_LATE_SECONDS)


def there(now):
    return Worker.objects.filter(seen_at__gt=now - THERE)


@transaction.atomic
def beat():
    """This worker is there. Whoever has not said so for an hour is forgotten."""
    now = clock.of_the_database()
    mine = {"seen_at": now, "processes": settings.Q_CLUSTER["workers"]}
    Worker.objects.update_or_create(name=running.home, defaults=mine, create_defaults={**mine, "started_at": now})
    Worker.objects.filter(seen_at__lt=now - FORGOTTEN).delete()


@transaction.atomic
def leave():
    """In order, so nobody needs to wonder where it is."""
    Worker.objects.filter(name=running.home).delete()


@transaction.non_atomic_requests
def healthz(request):
    """For monitors: 200 or 503, with the reason in plain words. It opens nothing and names nobody."""
    try:
        with acting.scope(running.HOUSE), transaction.atomic():
            connection.cursor().execute(PATIENCE)
            found = state()
    except (*running.AWAY, DatabaseError):
        connection.close()
        return told("web: up", "database: does not answer", "worker: unknown", well=False)
    age = f"oldest due job: {found.oldest:.1f} s, limit {found.limit} s"
    alive = "none is there" if not found.workers else "late" if found.is_late else "up"
    return told("web: up", "database: up", f"worker: {alive}", age, well=found.is_well)


def told(*lines, well):
    text = "\n".join([*lines, ""])
    return HttpResponse(
        text, status=200 if well else 503, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"}
    )
