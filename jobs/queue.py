"""Asking for work, in the caller's transaction: the job exists if and only if what it is about does."""

from datetime import timedelta
from importlib import import_module

from django.apps import apps
from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy
from django_q.brokers.orm import ORM
from django_q.models import OrmQ
from django_q.tasks import async_task

from audit import clock, trail
from audit.wording import within
from jobs.models import Job
from jobs.permissions import operating

ALIVE = [Job.State.QUEUED, Job.State.RUNNING]
RUN = "jobs.running.run"


class NoSuchTask(Exception):
    """The name does not lead to a function of an installed app's jobs.py."""


class CannotRetry(Exception):
    """Only what was given up, and is not under way again, can be retried."""


class Post(ORM):
    """django-q2's queue in the database, remembering which row it wrote and leaving it alone until it is due."""

    def __init__(self, due_at):
        super().__init__()
        self.due_at, self.package = due_at, None

    def enqueue(self, task):
        self.package = OrmQ.objects.create(key=self.list_key, payload=task, lock=self.due_at).pk
        return self.package


def enqueue(task, *arguments, schedule=None, max_attempts=5, total=0) -> Job:
    """Have `task` ("app.jobs.function") called with `arguments`, which are ids and other JSON, by a worker."""
    task_named(task)
    with transaction.atomic():
        job = Job(task=task, arguments=list(arguments), schedule=schedule, max_attempts=max_attempts, total=total)
        job.save()
        post(job)
    return job


def post(job, *, after=timedelta()):
    """Put a message with the job's id, and no more, into the queue. A message too many does no harm."""
    job.due_at = clock.now() + after
    broker = Post(job.due_at)
    async_task(RUN, job.pk, broker=broker, save=False, ack_failure=True, task_name=f"job {job.pk}")
    job.package = broker.package
    job.save(update_fields=["due_at", "package"])


def task_named(name):
    """The function: only what an installed app offers in its jobs.py may be called by name."""
    module, _, function = name.rpartition(".")
    if module not in {f"{app.name}.jobs" for app in apps.get_app_configs()}:
        raise NoSuchTask(format_lazy(gettext_lazy("“{name}” is not a function of an installed app's jobs.py."), name=name))
    found = getattr(import_module(module), function, None)
    if not callable(found):
        raise NoSuchTask(format_lazy(gettext_lazy("{module} has no function “{function}”."), module=module, function=function))
    return found


def retry(job, *, by):
    """Give a dead job all its attempts again."""
    with operating("job.retry", by=by, about=job):
        job = Job.objects.select_for_update().get(pk=job.pk)
        if job.state != Job.State.DEAD:
            raise CannotRetry(
                format_lazy(
                    gettext_lazy("Job {job} is {state}. Only a dead job can be retried."),
                    job=job.pk,
                    state=within(job.get_state_display()),
                )
            )
        if job.schedule_id and Job.objects.filter(schedule=job.schedule_id, state__in=ALIVE).exists():
            raise CannotRetry(
                format_lazy(gettext_lazy("The schedule of job {job} has started the work anew already."), job=job.pk)
            )
        job.state, job.attempts = Job.State.QUEUED, 0
        job.save(update_fields=["state", "attempts"])
        post(job)
        trail.record("job.retry", by=by, subject=job, task=job.task)
    return job
