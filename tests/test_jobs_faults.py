"""Many deaths, cuts, hosts, keys and restarts, one after the other, under a real worker. The long sizes are slow."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import timedelta
from time import monotonic, sleep

import psutil
import psycopg
import pytest
from django.db import connection, transaction

from audit import clock
from cases import queues
from cases.models import Claim
from hitlsite import postgres
from integrations.models import OutboxRow
from jobs import queue
from jobs.models import Job, Schedule, Worker
from tests import test_jobs_cluster as cluster
from tests import test_returning as returning
from tests.conftest import seated
from tests.test_jobs_cluster import ROOT, SOON, children, ends, now, ready, same_database, starts, until, working

chores, worker = cluster.chores, cluster.worker
pytestmark = pytest.mark.django_db(transaction=True)

RETRY = 300  # seconds; the queue's own
PLACES = {"sentinel": 0, "worker": 1, "monitor": 3, "pusher": 4}  # among the children, in the order in which they are made


def slow(*size):
    return pytest.param(*size, marks=pytest.mark.slow)


def marks(many, seconds):
    with transaction.atomic():
        return [queue.enqueue("jobs.jobs.mark", number, seconds) for number in range(1, many + 1)]


def all_done(jobs, seconds):
    ids = [job.pk for job in jobs]
    until(lambda: counted(Job.objects.filter(pk__in=ids, state=Job.State.DONE)) == len(ids), seconds, "all jobs are done")


def counted(rows):
    with transaction.atomic():
        return rows.count()


def effects():
    """How many, and of how many jobs."""
    with transaction.atomic():
        numbers = list(OutboxRow.objects.filter(case_id__isnull=False).values_list("case_id", flat=True))
    return len(numbers), len(set(numbers))


def somebody_at_work():
    """Of the jobs that leave a row, one under way that fell least often. A scheduled one may be over, and its row gone, before it is killed."""
    with transaction.atomic():
        running = Job.objects.filter(schedule=None, state=Job.State.RUNNING, attempts__lte=2)
        return running.order_by("attempts", "-started_at").first()


@pytest.mark.long
@pytest.mark.parametrize("kills", [2, slow(50)])
def test_workers_killed_in_the_middle_leave_all_done_and_each_effect_once(worker, kills):
    ready(worker)
    jobs = marks(kills + 10 if kills > 2 else 4, 1)
    for _ in range(kills):
        victim = until(somebody_at_work, 30, "a job is under way")
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(victim.worker.rpartition(":")[2]), signal.SIGKILL)
        until(lambda victim=victim: now(victim).state != Job.State.RUNNING, 10, "the death is noticed")

    began = monotonic()
    all_done(jobs, RETRY + 15)

    print(f"{kills} kills; all done {monotonic() - began:.1f} s after the last.")
    assert effects() == (len(jobs), len(jobs))


def started_since(moment):
    """Of the jobs that leave a row; beside them scheduled ones come and go."""
    with transaction.atomic():
        return Job.objects.filter(schedule=None, started_at__gt=moment).exists()


@pytest.mark.long
@pytest.mark.parametrize(("times", "busy"), [(1, False), slow(20, False), slow(20, True)], ids=str)
def test_whichever_child_dies_the_next_job_starts_soon(worker, times, busy):
    ready(worker)
    waits = []
    for kind in [*PLACES] * times:
        if busy:
            starts(queue.enqueue("jobs.jobs.nap", 1), 30), starts(queue.enqueue("jobs.jobs.nap", 1), 30)
        before = until(lambda: len(children(worker)) == 5 and children(worker), 10, "the family is whole")
        before[PLACES[kind]].kill()
        killed, began = clock.now(), monotonic()
        mine = queue.enqueue("jobs.jobs.nap", 0)
        until(lambda killed=killed: started_since(killed), SOON, "the next job starts")
        waits.append((monotonic() - began, kind))
        ends(mine, seconds=30)

    print(f"{len(waits)} deaths; the longest wait for the next job: {max(waits)}.")
    assert until(lambda: len(children(worker)) == 5, 10, "the family is whole")


@pytest.mark.slow
def test_of_sixty_jobs_none_is_lost_or_done_twice_when_all_connections_are_cut_six_times(worker):
    ready(worker)
    jobs = marks(60, 0.2)
    for _ in range(6):
        sleep(0.8)
        subprocess.run([sys.executable, "-c", CUT], env=same_database(), check=True, cwd=ROOT)
        connection.close()

    all_done(jobs, 120)

    assert effects() == (60, 60)


CUT = """
import os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as c:
    c.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
              " AND usename = current_user")
"""


def scheduled(name, task, every, *, late=0, **more):
    due = clock.now() - timedelta(seconds=late)
    with transaction.atomic():
        return Schedule.objects.create(name=name, task=task, every_seconds=every, next_due=due, **more)


def again(schedule):
    with transaction.atomic():
        return Schedule.objects.get(pk=schedule.pk)


@pytest.mark.slow
def test_two_hosts_start_each_slot_once_and_catch_up_as_each_schedule_says(worker, chores, tmp_path):
    with working(tmp_path / "another.log"):
        ready(worker)
        until(lambda: counted(Worker.objects) == 2, 30, "both are there")
        every_second = scheduled("every second", "jobs.jobs.count", 1)
        began = every_second.next_due
        sleep(15)
        with transaction.atomic():
            Schedule.objects.filter(pk=every_second.pk).update(next_due=clock.now() + timedelta(days=1), every_seconds=86_400)
            slots = (clock.now() - began).total_seconds()
        sleep(2)
        runs = counted(OutboxRow.objects)
        print(f"{runs} runs in {slots:.1f} seconds.")
        assert slots * 0.6 < runs <= slots + 1

        down = {"every": 1200, "late": 3600}  # nobody was there for an hour
        scheduled("gone", "jobs.jobs.gone", **down)
        left_out = scheduled("left out", "jobs.jobs.count", catch_up="skip", **down)
        caught_up = scheduled("caught up", "jobs.jobs.count", **down)
        until(lambda: again(caught_up).last_run_at, 10, "the missed slots are caught up with")
        sleep(5)

        assert counted(OutboxRow.objects) == runs + 1
        assert again(left_out).last_run_at is None and again(left_out).next_due > clock.now()
        with transaction.atomic():
            assert "has no function “gone”" in Schedule.objects.get(name="gone").last_error


@pytest.mark.slow
def test_a_hundred_queued_jobs_survive_another_secret_key(chores, tmp_path):
    jobs = marks(100, 0)

    with working(tmp_path / "worker.log", SECRET_KEY="another " * 8):
        all_done(jobs, 120)

    assert effects() == (100, 100)


@pytest.mark.slow
def test_the_database_is_restarted_under_the_worker(chores, tmp_path, monkeypatch):
    """On a server of its own, killed twice while jobs run: it recovers, and so does the worker."""
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        monkeypatch.setenv("HITLDESK_VAR", f"{top}/var")
        alone = {**os.environ, "HITLDESK_VAR": f"{top}/var", "DJANGO_SETTINGS_MODULE": "hitlsite.settings"}
        alone = {name: value for name, value in alone.items() if not name.startswith("DATABASE")}
        postgres.join()
        try:
            subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=alone, check=True)
            subprocess.run([sys.executable, "-c", ENQUEUE], cwd=ROOT, env=alone, check=True)
            monkeypatch.setattr(cluster, "same_database", lambda: alone)
            with working(tmp_path / "worker.log"):
                for many in (5, 15):
                    until(lambda many=many: told("done") >= many, 60, f"{many} are done")
                    psutil.Process(postmaster()).kill()
                until(lambda: told("done") == 40, RETRY + 15, "all are done")
            assert told("effects") == 40
        finally:
            if users := postgres.joined.pop(postgres.home(), None):
                users.close()
            postgres.stop_supervisor()
            shutil.rmtree(postgres.home(), ignore_errors=True)


@pytest.mark.slow
def test_a_claim_is_back_within_a_minute_of_its_holders_revocation(worker, committed):
    """A5, by the worker's own schedule: four people lose the right in four ways."""
    owner, administrator, refunds, send = committed("owner", "administrator", "refunds", "send")
    ready(worker)
    for ending in returning.ENDINGS:
        with transaction.atomic():
            person = seated(refunds, "reviewer", owner)
            claim = queues.claim(send().pk, by=person)
        with transaction.atomic():
            ending(person, owner, administrator)

        began = monotonic()
        until(lambda case=claim: counted(Claim.objects.filter(case=case, ended_at__isnull=False)), 60, "the claim is back")
        print(f"{ending.__name__}: back after {monotonic() - began:.1f} s.")


ENQUEUE = """
import django
django.setup()
from django.db import transaction
from audit import acting
from jobs import queue, running
from tests import test_jobs_cluster as cluster
cluster.offer(setattr)
with acting.scope(running.HOUSE), transaction.atomic():
    for number in range(1, 41):
        queue.enqueue("jobs.jobs.mark", number, 0.3)
"""
TOLD = {
    "done": "SELECT count(*) FROM jobs_job WHERE state = 'done' AND task = 'jobs.jobs.mark'",
    "effects": "SELECT count(DISTINCT case_id) FROM integrations_outboxrow",
}


def told(what) -> int:
    """Zero while the server is away."""
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(postgres.url("hitl_owner")) as asked:
        return asked.execute(TOLD[what]).fetchone()[0]
    return 0


def postmaster():
    return int((postgres.home() / "data" / "postmaster.pid").read_text().split()[0])
