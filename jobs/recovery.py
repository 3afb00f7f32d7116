"""What becomes of jobs whose worker, message or host is gone. Nothing here trusts django-q2's own redelivery."""

from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction

from audit import clock
from jobs.models import Job
from jobs.queue import post
from jobs.running import put_back, worker

SPARE = timedelta(seconds=30)  # beyond q2's timeout: then whoever ran the job is gone
BATCH = 500

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


def sweep():
    """Now and then: jobs without a message get one, jobs that run longer than any job may are put back."""
    send_lost_messages()
    longest = timedelta(seconds=settings.Q_CLUSTER["timeout"]) + SPARE
    put_back_running("The worker or its host died.", started_at__lt=clock.now() - longest)


@transaction.atomic
def send_lost_messages():
    with connection.cursor() as cursor:
        cursor.execute(LOST, [BATCH])
        lost = [pk for (pk,) in cursor.fetchall()]
    for job in Job.objects.filter(pk__in=lost):
        post(job)


def died(pids):
    """These workers died at what they did: it counts as an attempt."""
    put_back_running("The worker died.", worker__in=[worker(pid) for pid in pids])


def home_died(home):
    """All of a cluster's processes died."""
    put_back_running("The worker's cluster died.", worker__startswith=f"{home}:")


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
