"""A real `manage.py worker` and its processes, killed one after the other. Run as a program, this file is that worker."""

import contextlib
import os
import signal
import sys
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

import psutil
import pytest

ROOT = Path(__file__).resolve().parent.parent
SOON = 5  # seconds within which the next job starts, whatever died


def nap(seconds):
    sleep(seconds)
    return f"Slept {seconds}."


def poison():
    os.kill(os.getpid(), signal.SIGKILL)


def mark(number, seconds):
    """Work whose effect bears repeating: one row per number, however often it is done."""
    from django.db import transaction

    from integrations.models import OutboxRow

    sleep(seconds)
    with transaction.atomic():
        told = {"recipient_id": 1, "event": OutboxRow.Event.DECIDED, "payload": {}}
        OutboxRow.objects.get_or_create(case_id=number, number=1, defaults=told)


def count():
    """An effect that does not bear repeating, so that repetitions are seen."""
    from django.db import transaction

    from integrations.models import OutboxRow

    with transaction.atomic():
        OutboxRow.objects.create(recipient_id=1, event=OutboxRow.Event.TEST, payload={})


def be_the_worker():
    import django

    django.setup()
    from django.core.management import call_command

    offer(lambda where, name, function: setattr(where, name, function))
    call_command("worker")


def offer(setattr_):
    """Both sides know the chores as functions of jobs/jobs.py: only these can be called by name."""
    from jobs import jobs

    for function in (nap, poison, mark, count):
        setattr_(jobs, function.__name__, function)


if __name__ == "__main__":
    be_the_worker()
    sys.exit()

from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from jobs import queue  # noqa: E402
from jobs.models import Job, Schedule  # noqa: E402

pytestmark = pytest.mark.django_db(transaction=True)


@contextlib.contextmanager
def working(log, **environment):
    """A `manage.py worker` in a process of its own, and at the end none of its family is left."""
    log = log.open("w+")
    command = [sys.executable, "-m", "tests.test_jobs_cluster"]
    process = psutil.Popen(command, cwd=ROOT, env=same_database() | environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        family = [process, *children(process)]
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
            process.wait(40)
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        log.seek(0)
        print(log.read())


@pytest.fixture
def chores(monkeypatch):
    offer(lambda *what: monkeypatch.setattr(*what, raising=False))


@pytest.fixture
def worker(chores, tmp_path):
    with working(tmp_path / "worker.log") as process:
        yield process


def same_database():
    where = {
        name: urlsplit(getattr(settings, name))._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
        for name in ("DATABASE_URL", "DATABASE_OWNER_URL")
    }
    return {**os.environ, **where, "DJANGO_SETTINGS_MODULE": "hitlsite.settings", "HITLDESK_LOG": "INFO"}


def children(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return sorted(process.children(recursive=True), key=lambda child: (child.create_time(), child.pid))
    return []


def pool(process):
    """Workers, monitor and pusher, in the order in which the sentinel makes them."""
    return children(process)[1:]


def now(job):
    with transaction.atomic():
        return Job.objects.get(pk=job.pk)


def until(true, seconds, what):
    end = monotonic() + seconds
    while monotonic() < end:
        if found := true():
            return found
        sleep(0.05)
    pytest.fail(f"Not within {seconds} s: {what}.")


def starts(job, seconds=SOON):
    return until(lambda: now(job).started_at, seconds, "the job starts")


def ends(job, state=Job.State.DONE, seconds=SOON):
    until(lambda: now(job).state == state, seconds, f"the job is {state}, not {now(job).state} ({now(job).error})")
    return now(job)


def ready(worker):
    """A first job is done and all five processes are there."""
    ends(queue.enqueue("jobs.jobs.nap", 0), seconds=90)  # on a busy machine the first import takes long
    until(lambda: len(pool(worker)) == 4, 5, "the pool is complete")


@pytest.mark.long
def test_a_worker_does_jobs_and_schedules_and_stops_cleanly(worker):
    ready(worker)
    assert ends(queue.enqueue("jobs.jobs.nap", 0.1)).report == "Slept 0.1."
    with transaction.atomic():
        assert Schedule.objects.filter(name="Forget old jobs", last_run_at__isnull=False, last_error="").exists()
    family = children(worker)
    under_way = queue.enqueue("jobs.jobs.nap", 1)
    starts(under_way)

    worker.terminate()

    assert worker.wait(10) == 0
    assert now(under_way).state == Job.State.DONE
    assert not [child for child in family if child.is_running()]


@pytest.mark.long
def test_the_death_of_a_busy_worker_does_not_stop_the_queue_and_costs_its_neighbour_no_attempt(worker):
    ready(worker)
    victim, neighbour = queue.enqueue("jobs.jobs.nap", 3), queue.enqueue("jobs.jobs.nap", 3)
    starts(victim), starts(neighbour)

    os.kill(int(now(victim).worker.rpartition(":")[2]), signal.SIGKILL)

    began = monotonic()
    until(lambda: now(neighbour).state == "running" and now(victim).state == "queued", SOON, "the neighbour starts again")
    print(f"The neighbour started again after {monotonic() - began:.1f} s.")
    assert (now(victim).error, now(victim).attempts) == ("The worker died.", 1)
    assert ends(neighbour, seconds=10).attempts == 1
    assert ends(victim, seconds=15).attempts == 2


@pytest.mark.slow
def test_the_death_of_the_sentinel_does_not_stop_the_queue(worker):
    ready(worker)
    busy = queue.enqueue("jobs.jobs.nap", 2)
    starts(busy)
    family = children(worker)

    family[0].kill()

    ends(queue.enqueue("jobs.jobs.nap", 0))
    assert ends(busy, seconds=15).attempts == 2
    assert not [child for child in family if child.is_running()]


@pytest.mark.slow
def test_when_the_main_process_dies_the_rest_leaves_too(worker):
    ready(worker)
    family = children(worker)

    worker.kill()

    until(lambda: not [child for child in family if child.is_running()], 10, "all children are gone")


@pytest.mark.slow
def test_a_job_that_kills_its_worker_is_parked_and_others_are_unaffected(worker):
    ready(worker)
    deadly = queue.enqueue("jobs.jobs.poison", max_attempts=2)
    others = [queue.enqueue("jobs.jobs.nap", 0.2) for _ in range(20)]

    dead = ends(deadly, Job.State.DEAD, seconds=30)

    assert (dead.attempts, dead.error) == (2, "The worker died.")
    assert {ends(other, seconds=20).attempts for other in others} == {1}


@pytest.mark.slow
def test_a_stop_puts_back_what_takes_too_long(worker):
    ready(worker)
    long = queue.enqueue("jobs.jobs.nap", 120)
    starts(long)

    worker.send_signal(signal.SIGINT)

    assert worker.wait(40) == 0
    assert (now(long).state, now(long).attempts) == (Job.State.QUEUED, 0)
