"""One run of one job. A message may come twice and a worker may die: the row says what is still to be done.

The attempt is counted and committed before the work begins, so that work which kills its worker is counted too.
Scheduled work that went well and has nothing to say leaves no row behind: a schedule of every second would leave
86,400 a day. It reports by returning a sentence. Of a failing schedule, the newest dead row is kept.
"""

import os
import secrets
import socket
from contextvars import ContextVar
from datetime import timedelta
from time import sleep

import psycopg
from django.contrib.auth import get_user_model
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django_q.exceptions import TimeoutException

from audit import acting, clock, logs, trail
from jobs.models import Job, Schedule
from jobs.queue import post, task_named

HOUSE = acting.Acting(in_house=True)
WAITS = [timedelta(seconds=seconds) for seconds in (5, 30, 120, 600)]  # after the first, second… failed attempt

AWAY = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)  # the database
PATIENCE = [0.2, 1, 3, 10]  # seconds to wait for it, one after the other

home = "somewhere"
_current: ContextVar[int | None] = ContextVar("job", default=None)


def run(job_id):
    """What django-q2 calls. Nothing happens unless the job still waits."""
    with acting.scope(HOUSE):
        if (job := whatever_it_takes(take, job_id)) is None:
            return
        try:
            said = call(job)
        except TimeoutException as error:  # the connection may be in the middle of something, and q2 replaces this process
            connection.close()
            whatever_it_takes(failed, job, error)
            raise
        except Exception as error:
            whatever_it_takes(failed, job, error)
        else:
            whatever_it_takes(finished, job, said)


def whatever_it_takes(note, *about):
    """What became of the work must be written down, even if the database has gone away meanwhile."""
    for pause in PATIENCE:
        try:
            return note(*about)
        except AWAY:
            connection.close()
            sleep(pause)
    return note(*about)


def name_the_workers():
    """Every cluster has a name of its own, known to the processes forked from here on: hosts may be namesakes."""
    global home
    home = f"{socket.gethostname()[:60]} {secrets.token_hex(4)}"


def worker(pid) -> str:
    return f"{home}:{pid}"


@transaction.atomic
def take(job_id) -> Job | None:
    now = clock.of_the_database()
    mine = {
        "state": Job.State.RUNNING,
        "attempts": F("attempts") + 1,
        "started_at": now,
        "worker": worker(os.getpid()),
        "error": "",
    }
    if not Job.objects.filter(pk=job_id, state=Job.State.QUEUED).update(**mine) and not taken_already(job_id):
        return None
    job = Job.objects.select_related("schedule").get(pk=job_id)
    Schedule.objects.filter(pk=job.schedule_id).update(running_since=now)
    return job


def taken_already(job_id) -> bool:
    """By this very process, which does one job at a time: it was committed, and the connection was cut before we heard of it."""
    return Job.objects.filter(pk=job_id, state=Job.State.RUNNING, worker=worker(os.getpid())).exists()


def call(job):
    """The work itself, done as the machine."""
    with transaction.atomic():
        machine = get_user_model().objects.machine()
    token = _current.set(job.pk)
    with trail.scope(acting.on_behalf_of(machine, request_id=f"job-{job.pk}")):
        try:
            return task_named(job.task)(*job.arguments)
        finally:
            _current.reset(token)


def progress(done, total):
    """Called by the work, as it goes, for whoever watches."""
    with transaction.atomic():
        Job.objects.filter(pk=_current.get()).update(done=done, total=total)


def still_mine(job):
    """The job's row, locked, unless the job was taken away meanwhile because this worker was thought dead."""
    return Job.objects.select_for_update(of=("self",)).filter(
        pk=job.pk, state=Job.State.RUNNING, attempts=job.attempts, worker=job.worker
    )


@transaction.atomic
def finished(job, said):
    if not still_mine(job).exists():
        return
    if job.schedule_id and not said:
        Job.objects.filter(pk=job.pk).delete()
    else:
        Job.objects.filter(pk=job.pk).update(state=Job.State.DONE, finished_at=clock.now(), report=str(said or "")[:500])
    Schedule.objects.filter(pk=job.schedule_id).update(running_since=None, last_run_at=clock.now(), last_error="")


@transaction.atomic
def failed(job, error):
    if job := still_mine(job).first():
        put_back(job, logs.in_short(error))


def put_back(job, why):
    """Another try after a while, or none after the last. The caller has locked the row."""
    job.error = why
    if job.attempts >= job.max_attempts:
        bury(job)
    else:
        job.state = Job.State.QUEUED
        post(job, after=WAITS[min(job.attempts, len(WAITS)) - 1])
    job.save()
    Schedule.objects.filter(pk=job.schedule_id).update(running_since=None, last_error=why[:500])


def bury(job):
    job.state, job.finished_at = Job.State.DEAD, clock.now()
    if job.schedule_id:
        Job.objects.filter(schedule=job.schedule_id, state=Job.State.DEAD).exclude(pk=job.pk).delete()
