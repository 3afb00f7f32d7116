"""Work that nobody waits for: what is due when, and what became of it. These rows are the truth; django-q2 carries ids."""

from datetime import UTC, datetime

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from audit import clock

UNITS = (  # how many seconds, and how so many of them are told after “every”
    (86_400, lambda many: ngettext("day", "{number} days", many)),
    (3600, lambda many: ngettext("hour", "{number} hours", many)),
    (60, lambda many: ngettext("minute", "{number} minutes", many)),
    (1, lambda many: ngettext("second", "{number} seconds", many)),
)
ANY_TIME = (datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))  # to PostgreSQL, infinity is a time, too


class Schedule(models.Model):
    """Work that comes again. Declared as SCHEDULES in an app's jobs.py; the worker writes the declarations here at start."""

    class CatchUp(models.TextChoices):
        ONCE = "once", _("Missed slots run once, as soon as a worker is there; then the rhythm goes on.")
        SKIP = "skip", _("A slot missed by more than a minute is left out; the next one runs at its time.")

    name = models.CharField(max_length=100, unique=True)
    task = models.CharField(max_length=100, help_text=_("A function of an app's jobs.py: integrations.jobs.deliver."))
    every_seconds = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    catch_up = models.CharField(
        max_length=4,
        choices=CatchUp.choices,
        default=CatchUp.ONCE,
        help_text=_("What becomes of slots that were missed, because no worker was there or the run before took longer."),
    )
    next_due = models.DateTimeField(default=clock.now)
    running_since = models.DateTimeField(null=True)
    last_run_at = models.DateTimeField(null=True, help_text=_("When it last ended well."))
    last_error = models.CharField(
        max_length=500, blank=True, help_text=_("Why it could not start or ended badly; empty again after a good run.")
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(every_seconds__gte=1), name="a_schedule_takes_a_second_at_least"),
            models.CheckConstraint(condition=Q(next_due__range=ANY_TIME), name="a_schedule_is_due_at_some_time"),
        ]
        indexes = [models.Index(fields=["next_due"], name="schedules_due")]

    def __str__(self):
        return gettext(self.name)  # as `SCHEDULES` of its app has it

    @property
    def rhythm(self) -> str:
        """“second”, “5 minutes”: how it is read after “every”."""
        many, told = next((self.every_seconds // seconds, told) for seconds, told in UNITS if self.every_seconds % seconds == 0)
        return told(many).format(number=many)


class Job(models.Model):
    """One piece of work. It may start more than once, so every effect must bear repeating; dead ones wait for a person."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        DEAD = "dead", _("Dead")

    task = models.CharField(max_length=100)
    arguments = models.JSONField(default=list)
    schedule = models.ForeignKey(Schedule, models.SET_NULL, null=True, related_name="jobs")
    state = models.CharField(max_length=7, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0, help_text=_("Counted, and committed, before each run."))
    max_attempts = models.PositiveSmallIntegerField(default=5)
    due_at = models.DateTimeField(default=clock.now, help_text=_("Not before: a failed job waits a while."))
    package = models.BigIntegerField(null=True, help_text=_("The row of django-q2's queue that carries it."))
    worker = models.CharField(max_length=100, blank=True, help_text=_("Host and process that runs it, or ran it last."))
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    report = models.CharField(max_length=500, blank=True, help_text=_("What the work said when it was done."))
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["schedule"], condition=Q(state__in=["queued", "running"]), name="scheduled_work_runs_once_at_a_time"
            )
        ]
        indexes = [
            models.Index(fields=["id"], name="jobs_alive", condition=Q(state__in=["queued", "running"])),
            models.Index(fields=["finished_at"], name="jobs_over", condition=Q(state__in=["done", "dead"])),
        ]

    def __str__(self):
        return gettext("job {self}: {task}").format(self=self.pk, task=self.task)

    @property
    def what(self) -> str:
        """In words: the schedule it is for, or the function's name."""
        return (
            capfirst(self.schedule) if self.schedule else gettext(self.task.rpartition(".")[2].replace("_", " ").capitalize())
        )

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // self.total) if self.total else 0


class Worker(models.Model):
    """A `manage.py worker` somewhere. It writes every few seconds that it is there, and takes its row away when it stops."""

    name = models.CharField(max_length=80, unique=True, help_text=_("Its host, and what tells it from others there."))
    processes = models.PositiveSmallIntegerField(help_text=_("How many jobs it does at a time."))
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name
