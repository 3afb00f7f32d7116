"""Whether work goes on: an address for monitors, a page for administrators."""

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.db import connection, transaction
from django.urls import reverse

from audit import clock
from jobs import health, queue, recovery, running
from jobs.models import Job, Schedule, Worker
from tests.factories import UserFactory

PAGE = "/admin/jobs/job/operations/"


@pytest.fixture
def operator(db, client):
    client.force_login(UserFactory(username="adam", office="administrator"))
    return client


def asked(client):
    answer = client.get("/healthz")
    return answer.status_code, answer.text.splitlines()


def late(seconds):
    return clock.now() - timedelta(seconds=seconds)


def a_job(state="queued", **more):
    return Job.objects.create(task="jobs.jobs.forget", state=state, **more)


# For monitors


@pytest.mark.django_db
def test_where_all_is_well_a_monitor_hears_200_without_signing_in(browser):
    health.beat()

    status, lines = asked(browser)

    assert (status, lines[:3]) == (200, ["web: up", "database: up", "worker: up"])
    assert lines[3].startswith("oldest due job: 0.") and lines[3].endswith(" s, limit 60 s")


@pytest.mark.django_db
@pytest.mark.parametrize(("waited", "status"), [(50, 200), (70, 503)])
@pytest.mark.parametrize("kind", ["job", "schedule"])
def test_a_due_job_that_nobody_begins_is_an_alarm(browser, kind, waited, status):
    health.beat()
    if kind == "job":
        a_job(due_at=late(waited))
    else:
        Schedule.objects.create(name="s", task="jobs.jobs.forget", every_seconds=60, next_due=late(waited))

    told = asked(browser)

    assert told[0] == status and ("worker: late" in told[1]) == (status == 503)


@pytest.mark.django_db
def test_what_is_under_way_or_due_later_waits_for_nobody(browser):
    health.beat()
    schedule = Schedule.objects.create(name="s", task="jobs.jobs.forget", every_seconds=60, next_due=late(900))
    a_job("running", schedule=schedule, due_at=late(900), started_at=late(900))
    a_job("dead", due_at=late(900))
    a_job(due_at=late(-900))

    assert asked(browser)[0] == 200


@pytest.mark.django_db
@pytest.mark.parametrize("seen", [None, 40])
def test_where_no_worker_is_there_a_monitor_hears_503(browser, seen):
    if seen:
        Worker.objects.create(name="gone", processes=2, started_at=late(900), seen_at=late(seen))

    assert asked(browser) == (503, ["web: up", "database: up", "worker: none is there", "oldest due job: 0.0 s, limit 60 s"])


@pytest.mark.django_db(transaction=True)
def test_where_the_database_does_not_answer_a_monitor_hears_it_and_no_more(browser):
    where = connection.settings_dict
    connection.close()
    host, where["HOST"], port, where["PORT"] = where["HOST"], "127.0.0.1", where["PORT"], "1"
    try:
        told = asked(browser)
    finally:
        connection.close()
        where["HOST"], where["PORT"] = host, port

    assert told == (503, ["web: up", "database: does not answer", "worker: unknown"])


@pytest.mark.django_db
def test_a_monitor_hears_no_name(browser):
    health.beat()
    a_job(due_at=late(100), error="password=hunter2")

    told = "\n".join(asked(browser)[1])

    assert not any(secret in told for secret in ("hunter2", running.home, "forget"))


# Workers


@pytest.mark.django_db
def test_a_worker_says_that_it_is_there_until_it_leaves(monday):
    with clock.moved(monday):
        health.beat()
    with clock.moved(monday + timedelta(seconds=5)):
        health.beat()
    assert [(each.name, each.started_at) for each in Worker.objects.all()] == [(running.home, monday)]

    health.leave()

    assert not Worker.objects.exists()


@pytest.mark.django_db
def test_a_worker_that_died_is_named_for_an_hour_and_forgotten(operator):
    for name, seconds in {"fell lately": 300, "fell long ago": 3700}.items():
        Worker.objects.create(name=name, processes=2, started_at=late(9000), seen_at=late(seconds))
    health.beat()

    shown = operator.get(PAGE).text

    assert "fell lately" in shown and "it must have died" in shown and "fell long ago" not in shown


@pytest.mark.django_db
def test_a_cluster_that_died_leaves_no_worker_behind():
    health.beat()

    recovery.home_died(running.home)

    assert not Worker.objects.exists()


# The page


def test_it_shows_what_runs_waits_is_late_and_has_died_and_why(operator):
    health.beat()
    a_job("running", done=30, total=120, started_at=late(20), attempts=1, worker="host 1:77")
    a_job(due_at=late(300), error="ValueError: It broke once.", attempts=1)
    a_job("dead", error="The worker died.", attempts=5, finished_at=late(3600))
    Schedule.objects.create(name="Nightly", task="a.b", every_seconds=86_400, catch_up="skip", last_error="NoSuchTask: gone.")

    shown = operator.get(PAGE).text

    for said in (
        *("Work is late", 'max="120" value="30"', "30 of 120, 25 %", "host 1:77", "20 seconds ago"),
        *("ValueError: It broke once.", "5 minutes ago, late", "The worker died.", "5 of 5", "Retry all 1"),
        *("Nightly", "NoSuchTask: gone.", "A slot missed by more than a minute is left out", running.home),
    ):
        assert said in shown.replace("\xa0", " "), said


def test_an_empty_house_says_what_to_do(operator):
    shown = operator.get(PAGE).text

    assert "No worker is there" in shown and "Nothing is running this moment." in shown and "Nothing waits." in shown
    assert "Retry" not in shown


def test_where_all_is_well_it_says_so(operator):
    health.beat()

    assert "All is well" in operator.get(PAGE).text


def test_a_dead_job_is_retried_by_its_button_and_all_by_theirs(operator):
    dead = [a_job("dead", attempts=5) for _ in range(3)]

    operator.post(reverse("admin:jobs_job_retry", args=[dead[0].pk]))
    assert Job.objects.filter(state="queued").get() == dead[0]
    answer = operator.post(reverse("admin:jobs_job_retry_all"))

    assert answer.url == PAGE and set(Job.objects.values_list("state", "attempts")) == {("queued", 0)}


def test_one_that_cannot_be_retried_does_not_keep_the_others(operator):
    schedule = Schedule.objects.create(name="s", task="jobs.jobs.forget", every_seconds=60)
    a_job("dead", schedule=schedule)
    queue.enqueue("jobs.jobs.forget", schedule=schedule)
    a_job("dead")

    answer = operator.post(reverse("admin:jobs_job_retry_all"))

    said = " ".join(str(message) for message in get_messages(answer.wsgi_request))
    assert "has started the work anew already" in said and Job.objects.filter(state="queued").count() == 2


def test_nobody_but_an_administrator_retries(client, db, reviewer, owner):
    dead = a_job("dead")

    for person in (reviewer, owner, UserFactory(office="auditor")):
        client.force_login(person)
        assert client.post(reverse("admin:jobs_job_retry", args=[dead.pk])).status_code == 403
        assert client.post(reverse("admin:jobs_job_retry_all")).status_code == 403
    assert Job.objects.get().state == "dead"


def test_it_costs_as_many_statements_for_many_jobs_as_for_one(operator, django_assert_max_num_queries):
    for state in ("queued", "running", "dead"):
        Job.objects.bulk_create(Job(task="a.b", state=state, started_at=late(1), finished_at=late(1)) for _ in range(60))

    with django_assert_max_num_queries(30), transaction.atomic():
        assert "of 60" in operator.get(PAGE).text
