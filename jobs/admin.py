"""Jobs and schedules, to read; dead jobs can be retried. django-q2's own pages, which could start anything, are gone."""

import django_q.admin  # noqa: F401  (so that its pages are there to be taken away)
from django.contrib import admin, messages
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Success
from django_q.models import Schedule as QSchedule
from unfold.admin import ModelAdmin

from audit.moments import told as retold
from audit.onlooking import OnlyLookedAt
from jobs import queue
from jobs.models import Job, Schedule
from jobs.pages import OperationsPages
from jobs.permissions import may_operate

for theirs in (Failure, OrmQ, QSchedule, Success):
    admin.site.unregister(theirs)


class ReadOnlyAdmin(OnlyLookedAt, ModelAdmin):
    """A list that the house's administrators may read; what can be done is an action, by a verb."""

    show_full_result_count = False
    list_per_page = 50

    def has_module_permission(self, request):
        return may_operate(request.user)

    def each(self, request, queryset, verb, said):
        """Do the verb to each; a refusal is a sentence in the message bar and the others go on."""
        for one in queryset:
            try:
                verb(one, by=request.user)
            except REFUSALS as refusal:
                self.message_user(request, str(refusal), messages.WARNING)
            else:
                self.message_user(request, said.format(one), messages.SUCCESS)


REFUSALS = (queue.CannotRetry,)


@admin.register(Job)
class JobAdmin(OperationsPages, ReadOnlyAdmin):
    list_display = ["id", "task", "state", "attempts", "progress", "created_at", "finished_at", "said", "error_line"]
    list_filter = ["state"]
    fields = [
        *("task", "arguments", "schedule", "state", "attempts", "max_attempts", "due_at", "package", "worker", "done", "total"),
        *("said", "error", "created_at", "started_at", "finished_at"),
    ]
    actions = ["retry"]

    @admin.display(description=_("progress"))
    def progress(self, job):
        return gettext("{done} of {total}").format(done=job.done, total=job.total) if job.total else ""

    @admin.display(description=_("report"))
    def said(self, job):
        return retold(job.report)

    @admin.display(description=_("error"))
    def error_line(self, job):
        return job.error[:120]

    @admin.action(description=_("Retry"), permissions=["view"])
    def retry(self, request, queryset):
        self.each(request, queryset, queue.retry, gettext("{} is queued again."))


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    list_display = ["called", "task", "every_seconds", "catch_up", "next_due", "running_since", "last_run_at", "last_error"]
    fields = list_display

    @admin.display(description=_("name"), ordering="name")
    def called(self, schedule):
        return capfirst(schedule)
