"""Jobs and schedules: the rows decide. The cluster's processes have tests of their own in test_jobs_cluster.py."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.test import override_settings
from django_q.exceptions import TimeoutException
from django_q.models import OrmQ

from audit import acting, clock, trail
from audit.models import AuditEvent
from jobs import checks, jobs, queue, recovery, running, schedules
from jobs.models import Job, Schedule

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def task(monkeypatch):
    """task(function) offers it in jobs/jobs.py and gives its name."""

    def offer(function, name="chore"):
        monkeypatch.setattr(jobs, name, function, raising=False)
        return f"jobs.jobs.{name}"

    return offer


@pytest.fixture
def machine():
    return get_user_model().objects.machine()


def breaks(*_):
    raise ValueError("It broke.")


def again(job):
    job.refresh_from_db()
    return job


def scheduled(name, task, every=10, **more):
    with transaction.atomic():
        return Schedule.objects.create(name=name, task=task, every_seconds=every, **more)


def test_a_job_runs_as_the_machine_and_says_what_it_did(task, machine):
    seen = []
    job = queue.enqueue(task(lambda *given: seen.append((given, acting.current())) or "Sent 3."), 7, "x")

    running.run(job.pk)

    [(given, who)] = seen
    assert given == (7, "x")
    assert (who.person_id, who.in_house, who.request_id) == (machine.pk, True, f"job-{job.pk}")
    assert (again(job).state, job.report, job.attempts) == (Job.State.DONE, "Sent 3.", 1)


def test_a_job_is_there_only_if_what_it_is_about_is(task):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        queue.enqueue(task(print))
        raise ZeroDivisionError

    assert not Job.objects.exists() and not OrmQ.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_attempt_is_counted_and_committed_before_the_work_begins(task):
    seen = []

    def look():
        with ThreadPoolExecutor(1) as another:
            seen.append(another.submit(committed).result())

    def committed():
        try:
            with transaction.atomic():
                return Job.objects.values_list("attempts", "state").get()
        finally:
            connection.close()

    running.run(queue.enqueue(task(look)).pk)

    assert seen == [(1, "running")]


def test_a_second_message_does_nothing(task):
    runs = []
    job = queue.enqueue(task(lambda: runs.append(1)))

    running.run(job.pk)
    running.run(job.pk)

    assert runs == [1]


def test_a_job_that_was_taken_before_the_connection_was_cut_is_run_all_the_same(task):
    runs = []
    job = queue.enqueue(task(lambda: runs.append(1)))
    running.take(job.pk)  # committed, but the answer never came

    running.run(job.pk)

    assert (runs, again(job).state, job.attempts) == ([1], Job.State.DONE, 1)


def test_a_job_that_another_runs_is_left_to_it(task):
    runs = []
    job = queue.enqueue(task(lambda: runs.append(1)))
    running.take(job.pk)
    Job.objects.update(worker=running.worker(1))

    running.run(job.pk)

    assert runs == []


def test_a_failed_job_waits_and_is_tried_again(task):
    job = queue.enqueue(task(breaks))

    running.run(job.pk)

    assert (again(job).state, job.attempts, job.error) == (Job.State.QUEUED, 1, "ValueError: It broke.")
    assert OrmQ.objects.get(pk=job.package).lock == job.due_at > clock.now()


def test_after_its_last_attempt_a_job_is_dead(task):
    job = queue.enqueue(task(breaks), max_attempts=3)

    for _ in range(5):
        running.run(job.pk)

    assert (again(job).state, job.attempts) == (Job.State.DEAD, 3)


def test_a_job_that_takes_too_long_counts_as_failed_and_ends_its_worker(task):
    def endless():
        raise TimeoutException("Task exceeded maximum timeout value (240 seconds)")

    job = queue.enqueue(task(endless))

    with transaction.atomic(), pytest.MonkeyPatch.context() as patch, pytest.raises(TimeoutException):
        patch.setattr(connection, "close", lambda: None)  # the test's own transaction lives in it
        running.run(job.pk)

    assert (again(job).state, job.attempts) == (Job.State.QUEUED, 1)


def test_work_says_how_far_it_is(task):
    job = queue.enqueue(task(lambda: running.progress(3, 10)))

    running.run(job.pk)

    assert (again(job).done, job.total) == (3, 10)


def test_refusals_met_on_the_way_are_written_down(task, machine):
    job = queue.enqueue(task(lambda: trail.refused("case.release", by=machine, subject=machine, why="not yet")))

    running.run(job.pk)

    assert AuditEvent.objects.get().request_id == f"job-{job.pk}"


@pytest.mark.parametrize(
    "name", ["os.system", "jobs.queue.post", "django_q.tasks.async_task", "jobs.jobs.nothing", "jobs.jobs.KEPT", ""]
)
def test_only_functions_of_an_apps_jobs_can_be_called_by_name(name):
    with pytest.raises(queue.NoSuchTask):
        queue.enqueue(name)


def test_a_dead_job_gets_all_its_attempts_again(task, machine):
    job = queue.enqueue(task(breaks), max_attempts=1)
    running.run(job.pk)

    queue.retry(job, by=machine)

    assert (again(job).state, job.attempts) == (Job.State.QUEUED, 0)
    assert AuditEvent.objects.get().verb == "job.retry"


def test_only_a_dead_job_can_be_retried(task, machine):
    with pytest.raises(queue.CannotRetry):
        queue.retry(queue.enqueue(task(print)), by=machine)


def test_scheduled_work_under_way_again_is_not_retried_beside_it(task, machine):
    schedule = scheduled("s", task(breaks))
    dead = queue.enqueue(schedule.task, schedule=schedule, max_attempts=1)
    running.run(dead.pk)
    queue.enqueue(schedule.task, schedule=schedule)

    with pytest.raises(queue.CannotRetry):
        queue.retry(dead, by=machine)


def test_a_due_schedule_starts_and_one_that_is_not_does_not(task):
    scheduled("due", task(print))
    scheduled("later", task(print), next_due=clock.now() + timedelta(seconds=5))

    schedules.tick()

    assert [job.schedule.name for job in Job.objects.all()] == ["due"]


@pytest.mark.parametrize(
    ("seconds_late", "next_after"),
    [(0, 10), (1, 10), (9.9, 10), (10, 20), (25, 30), (3600, 3610)],
)
def test_the_rhythm_goes_on_after_a_late_start(monday, seconds_late, next_after):
    slot = schedules.next_slot(monday, 10, monday + timedelta(seconds=seconds_late))

    assert slot == monday + timedelta(seconds=next_after)


def test_missed_slots_run_once(task):
    schedule = scheduled("s", task(print), next_due=clock.now() - timedelta(hours=1))

    for _ in range(3):
        schedules.tick()
        for job in Job.objects.all():
            running.run(job.pk)

    assert again(schedule).last_run_at is not None
    assert not Job.objects.exists() and schedule.next_due > clock.now()


@pytest.mark.parametrize(
    ("catch_up", "minutes_late", "runs"), [("once", 61, 1), ("skip", 61, 0), ("skip", 0.9, 1), ("once", 0, 1)]
)
def test_what_becomes_of_missed_slots_is_said_by_each_schedule(task, monday, catch_up, minutes_late, runs):
    schedule = scheduled("hourly", task(print), every=3600, next_due=monday, catch_up=catch_up)
    late = monday + timedelta(minutes=minutes_late)

    for _ in range(3):
        with clock.moved(late):
            schedules.tick()

    assert Job.objects.count() == runs
    assert again(schedule).next_due == monday + timedelta(hours=2 if minutes_late > 60 else 1)


def slots_run(schedule, moments):
    """The moments, in minutes after the first, at which the schedule started its work."""
    began, ran = moments[0], []
    for now in moments:
        with clock.moved(now):
            schedules.tick()
        if Job.objects.filter(schedule=schedule).delete()[0]:
            ran.append((now - began).total_seconds() / 60)
    return ran


def test_a_clock_set_forward_by_an_hour_is_an_hour_missed_and_no_more(task, monday):
    schedule = scheduled("s", task(print), every=600, next_due=monday)
    minutes = [0, 5, 10, 75, 76, 80, 85, 90]

    ran = slots_run(schedule, [monday + timedelta(minutes=each) for each in minutes])

    assert ran == [0, 10, 75, 80, 90]


def test_a_clock_set_back_by_an_hour_does_not_stop_the_rhythm(task, monday):
    schedule = scheduled("s", task(print), every=600, next_due=monday)
    minutes = [0, 10, 20, -40, -39, -31, -30, -20]

    ran = slots_run(schedule, [monday + timedelta(minutes=each) for each in minutes])

    assert ran == [0, 10, 20, -30, -20]


def test_hosts_whose_clocks_differ_start_a_slot_once(task, monkeypatch):
    """The database's clock counts: a host an hour ahead does not start what is not due."""
    scheduled("s", task(print), every=3600, next_due=clock.now() + timedelta(minutes=30))
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.now(UTC) + timedelta(hours=1))

    schedules.tick()

    assert not Job.objects.exists()


def test_a_job_that_waits_since_before_the_clock_was_set_back_waits_no_longer(task, monday):
    with clock.moved(monday):
        ahead, retried = queue.enqueue(task(print)), queue.enqueue(task(print))
        Job.objects.filter(pk=retried.pk).update(due_at=monday - timedelta(minutes=50))

    with clock.moved(monday - timedelta(hours=1)):
        recovery.sweep()

    assert again(ahead).due_at == monday - timedelta(hours=1)
    assert again(retried).due_at == monday - timedelta(minutes=50)  # ten minutes: a pause between two tries


def test_after_a_jump_of_the_clock_running_jobs_are_not_thought_dead(task, monday):
    watch = recovery.Watch()
    with clock.moved(monday):
        job = queue.enqueue(task(print))
        running.take(job.pk)
        watch.look()

    with clock.moved(monday + timedelta(hours=1)):
        watch.look()
        recovery.sweep(clock_is_right=watch.believes)
    assert again(job).state == Job.State.RUNNING and not watch.believes

    watch.doubtful_until = 0
    with clock.moved(monday + timedelta(hours=1)):
        recovery.sweep(clock_is_right=watch.believes)
    assert again(job).state == Job.State.QUEUED


def test_a_steady_clock_is_believed():
    watch = recovery.Watch()

    for _ in range(3):
        watch.look()

    assert watch.believes


def test_work_that_is_still_going_on_is_not_started_twice_but_right_after(task):
    runs = []

    def slow():
        runs.append(1)
        Schedule.objects.update(next_due=clock.now())
        schedules.tick()
        assert Job.objects.count() == 1

    schedule = scheduled("s", task(slow))
    schedules.tick()
    running.run(Job.objects.get().pk)

    schedules.tick()

    assert runs == [1] and Job.objects.get().state == Job.State.QUEUED
    assert again(schedule).running_since is None


def test_a_broken_schedule_is_flagged_and_the_others_run(task):
    broken = scheduled("broken", "jobs.jobs.gone", next_due=clock.now() - timedelta(hours=1))
    scheduled("fine", task(print))

    schedules.tick()
    schedules.tick()

    assert "has no function “gone”" in again(broken).last_error and broken.next_due > clock.now()
    assert [job.schedule.name for job in Job.objects.all()] == ["fine"]


@pytest.mark.parametrize("due", ["infinity", "-infinity"])
def test_no_schedule_is_due_at_a_time_that_cannot_be_read(task, due):
    scheduled("s", task(print))

    with pytest.raises(IntegrityError, match="a_schedule_is_due_at_some_time"), connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_schedule SET next_due = %s", [due])


def test_a_failing_schedule_says_so_until_it_runs_again(task):
    schedule = scheduled("s", task(breaks))
    schedules.tick()
    running.run(Job.objects.get().pk)
    assert again(schedule).last_error == "ValueError: It broke."

    task(lambda: None)
    running.run(Job.objects.get().pk)

    assert again(schedule).last_error == ""


def test_scheduled_work_with_nothing_to_say_leaves_no_row(task):
    for said in (None, "", "Sent 3."):
        schedule = scheduled(f"s{said}", task(lambda said=said: said))
        running.run(queue.enqueue(schedule.task, schedule=schedule).pk)

    assert [job.report for job in Job.objects.all()] == ["Sent 3."]


def test_of_a_failing_schedule_the_newest_dead_job_is_kept(task):
    schedule = scheduled("s", task(breaks))
    for _ in range(3):
        last = queue.enqueue(schedule.task, schedule=schedule, max_attempts=1)
        running.run(last.pk)

    assert Job.objects.get() == last


@pytest.mark.django_db(transaction=True)
def test_many_tickers_never_start_a_slot_twice(task):
    rounds, tickers = 10, 8
    schedule = scheduled("s", task(print), every=3600)
    together = threading.Barrier(tickers)

    def ticks():
        with acting.scope(running.HOUSE):
            together.wait()
            schedules.tick()
        connection.close()

    for _ in range(rounds):
        with transaction.atomic():
            Job.objects.update(state=Job.State.DONE)
            Schedule.objects.update(next_due=clock.now())
        with ThreadPoolExecutor(tickers) as pool:
            [future.result() for future in [pool.submit(ticks) for _ in range(tickers)]]

        with transaction.atomic():
            assert again(schedule).last_error == ""  # nobody even came as far as the constraint that forbids it

    with transaction.atomic():
        assert schedule.jobs.count() == rounds


def test_the_table_follows_the_declarations_and_keeps_the_rhythm(monkeypatch, monday):
    scheduled("Forget old jobs", "jobs.jobs.old_name", next_due=monday)
    scheduled("no longer declared", "jobs.jobs.forget")

    schedules.declare()

    assert set(Schedule.objects.values_list("name", flat=True)) == set(schedules.declared())
    kept = Schedule.objects.get(name="Forget old jobs")
    assert (kept.task, kept.every_seconds, kept.next_due) == ("jobs.jobs.forget", 3600, monday)


def test_every_declared_schedule_leads_to_a_function():
    assert all(queue.task_named(said["task"]) and said["every_seconds"] > 0 for said in schedules.declared().values())


def test_a_job_whose_message_was_lost_gets_another(task):
    jobs_ = [queue.enqueue(task(print)) for _ in range(100)]
    OrmQ.objects.all().delete()  # what q2 does after SECRET_KEY was changed

    recovery.sweep()
    recovery.sweep()

    assert OrmQ.objects.count() == 100
    assert {again(job).package for job in jobs_} == set(OrmQ.objects.values_list("pk", flat=True))


@pytest.mark.parametrize(("minutes", "state"), [(4, "running"), (5, "queued")])
def test_a_job_that_runs_longer_than_any_may_is_put_back(task, minutes, state):
    job = queue.enqueue(task(print))
    running.take(job.pk)
    Job.objects.update(started_at=clock.now() - timedelta(minutes=minutes))

    recovery.sweep()

    assert again(job).state == state


def test_a_worker_that_was_thought_dead_cannot_overwrite_what_came_after(task):
    def declared_dead():
        recovery.put_back_running("It seemed dead.")
        return "I am not dead."

    job = queue.enqueue(task(declared_dead))

    running.run(job.pk)

    assert (again(job).state, job.report, job.error) == (Job.State.QUEUED, "", "It seemed dead.")


def test_a_death_is_charged_to_the_job_that_died_and_not_to_its_neighbour(task):
    poison, neighbour = queue.enqueue(task(print), max_attempts=1), queue.enqueue(task(print), max_attempts=1)
    running.take(poison.pk), running.take(neighbour.pk)
    Job.objects.filter(pk=poison.pk).update(worker=running.worker(1))
    Job.objects.filter(pk=neighbour.pk).update(worker=running.worker(2))

    recovery.died([1])
    recovery.interrupted([2])

    assert (again(poison).state, poison.error) == (Job.State.DEAD, "The worker died.")
    assert (again(neighbour).state, neighbour.attempts) == (Job.State.QUEUED, 0)


def test_messages_taken_by_a_dead_pusher_are_released_but_a_waiting_retry_is_not(task):
    taken, waiting = queue.enqueue(task(print)), queue.enqueue(task(breaks, "breaking"))
    running.run(waiting.pk)
    OrmQ.objects.filter(pk=taken.package).update(lock=clock.now() + timedelta(seconds=300))

    recovery.release_unstarted()

    free = OrmQ.objects.filter(lock__lte=clock.now()).values_list("pk", flat=True)
    assert taken.package in free and again(waiting).package not in free


def test_messages_taken_by_a_cluster_that_died_as_a_whole_are_released(task):
    taken = queue.enqueue(task(print))
    OrmQ.objects.filter(pk=taken.package).update(lock=clock.now() + timedelta(seconds=300))

    recovery.home_died("somewhere else")

    assert OrmQ.objects.get(pk=taken.package).lock <= clock.now()


def test_done_jobs_are_forgotten_after_a_week_and_dead_ones_are_not(task, monkeypatch):
    monkeypatch.setattr(jobs, "BATCH", 2)
    states = [*[Job.State.DONE] * 5, Job.State.DEAD]
    old = clock.now() - timedelta(days=8)
    Job.objects.bulk_create(Job(task="jobs.jobs.forget", state=state, finished_at=old) for state in states)
    Job.objects.create(task="jobs.jobs.forget", state=Job.State.DONE, finished_at=clock.now())

    jobs.forget()

    assert sorted(Job.objects.values_list("state", flat=True)) == ["dead", "done"]


@pytest.mark.parametrize(("timeout", "retry", "errors"), [(240, 300, 0), (300, 300, 1), (0, 300, 1), (240, 60, 1)])
def test_retry_must_exceed_timeout(timeout, retry, errors):
    with override_settings(Q_CLUSTER={"timeout": timeout, "retry": retry}):
        found = checks.retry_exceeds_timeout(None)

    assert [error.id for error in found] == ["jobs.E001"] * errors
