"""What becomes of jobs whose worker, message or host is gone. Nothing here trusts django-q2's own redelivery.

Nor the clock: where it was set forward, every running job looks as if it ran too long; where it was set back, what waits
for its time waits too long. So the worker watches the database's clock beside its own stop-watch.
"""

from datetime import timedelta
from time import monotonic

from django.conf import settings
from django.db import connection, transaction

from audit import clock
from jobs.models import Job, Worker
from jobs.queue import post
from jobs.running import WAITS, put_back, worker

SPARE = timedelta(seconds=30)  # beyond q2's timeout: then whoever ran the job is gone
BATCH = 500
JUMP = timedelta(minutes=1)  # the least by which a clock is set; a smaller difference is a slow answer

# The message is gone and the job still waits: q2 throws away what it cannot verify, after SECRET_KEY was changed.
LOST = """
SELECT j.id FROM jobs_job j WHERE j.state = 'queued' AND NOT EXISTS (SELECT FROM django_q_ormq q WHERE q.id = j.package)
 ORDER BY j.id LIMIT %s FOR UPDATE OF j SKIP LOCKED
"""
# Messages that a pusher had taken for its workers, of jobs that nobody has begun.
UNSTARTED = """
UPDATE django_q_ormq q SET lock = %(now)s FROM jobs_job j
 WHERE j.package = q.id AND j.state = 'queued' AND j.due_at <= %(now)s AND q.lock > %(now)s
"""


def longest() -> timedelta:
    """Whoever ran a job for that long is gone."""
    return timedelta(seconds=settings.Q_CLUSTER["timeout"]) + SPARE


class Watch:
    """Whether the database's clock goes as fast as time does. After a jump, what it says of running jobs is not believed."""

    def __init__(self):
        self.apart, self.doubtful_until = None, 0.0

    def look(self):
        with transaction.atomic():
            apart = clock.of_the_database().timestamp() - monotonic()
        if self.apart is not None and abs(apart - self.apart) > JUMP.total_seconds():
            self.doubtful_until = monotonic() + longest().total_seconds()
        self.apart = apart

    @property
    def believes(self) -> bool:
        return monotonic() >= self.doubtful_until


def sweep(*, clock_is_right=True):
    """Now and then: jobs without a message get one, jobs that run longer than any job may are put back."""
    send_lost_messages()
    send_what_waits_too_long()
    if clock_is_right:
        put_back_running("The worker or its host died.", started_at__lt=clock.of_the_database() - longest())


@transaction.atomic
def send_lost_messages():
    with connection.cursor() as cursor:
        cursor.execute(LOST, [BATCH])
        lost = [pk for (pk,) in cursor.fetchall()]
    for job in Job.objects.filter(pk__in=lost):
        post(job)


@transaction.atomic
def send_what_waits_too_long():
    """No job waits longer than the longest pause between two tries: the clock was set back since."""
    waiting = Job.objects.select_for_update(skip_locked=True, of=("self",)).filter(state=Job.State.QUEUED)
    for job in waiting.filter(due_at__gt=clock.of_the_database() + WAITS[-1] + JUMP)[:BATCH]:
        post(job)


def died(pids):
    """These workers died at what they did: it counts as an attempt."""
    put_back_running("The worker died.", worker__in=[worker(pid) for pid in pids])


def home_died(home):
    """All of a cluster's processes died; its pusher may have taken messages that no worker saw."""
    put_back_running("The worker's cluster died.", worker__startswith=f"{home}:")
    release_unstarted()
    with transaction.atomic():
        Worker.objects.filter(name=home).delete()


@transaction.atomic
def put_back_running(why, **which):
    for job in Job.objects.select_for_update(skip_locked=True, of=("self",)).filter(state=Job.State.RUNNING, **which):
        put_back(job, why)


@transaction.atomic
def interrupted(pids):
    """These workers had to go because of another's death, or at a stop: their jobs start again as if nothing had been."""
    gone = [worker(pid) for pid in pids]
    for job in Job.objects.select_for_update(of=("self",)).filter(state=Job.State.RUNNING, worker__in=gone):
        job.state, job.attempts = Job.State.QUEUED, job.attempts - 1
        job.save(update_fields=["state", "attempts"])
        post(job)


@transaction.atomic
def release_unstarted():
    with connection.cursor() as cursor:
        cursor.execute(UNSTARTED, {"now": clock.now()})
