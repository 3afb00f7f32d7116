"""The operations page: what runs, waits, is late and has died; the schedules; the workers. Doors: they ask, call and show."""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from audit import clock
from jobs import health, queue
from jobs.models import Job, Schedule, Worker
from jobs.permissions import may_operate

SHOWN = 50  # of each kind; the list of jobs has them all


class OperationsPages:
    """For the admin of jobs."""

    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("operations/", wrap(self.operations_page), name="jobs_operations"),
            path("retry-all/", wrap(require_POST(self.retry_all_page)), name="jobs_job_retry_all"),
            path("<int:job_id>/retry/", wrap(require_POST(self.retry_page)), name="jobs_job_retry"),
            *super().get_urls(),
        ]

    def operations_page(self, request):
        if not may_operate(request.user):
            raise PermissionDenied(_("Jobs are looked after by administrators. Ask one of them."))
        shown = {**self.admin_site.each_context(request), "title": gettext("Operations"), **operations()}
        return TemplateResponse(request, "jobs/operations.html", shown)

    def retry_page(self, request, job_id):
        dead = Job.objects.filter(pk=job_id)
        if not dead.exists():
            raise Http404(_("There is no such job. It may have been retried and done meanwhile."))
        return self.retried(request, dead)

    def retry_all_page(self, request):
        return self.retried(request, Job.objects.filter(state=Job.State.DEAD))

    def retried(self, request, dead):
        self.each(request, dead, queue.retry, gettext("{} is queued again."))
        return redirect("admin:jobs_operations")


def operations() -> dict:
    """What the page shows, at one moment."""
    now = clock.of_the_database()
    jobs = Job.objects.select_related("schedule")
    queued, dead = jobs.filter(state=Job.State.QUEUED), jobs.filter(state=Job.State.DEAD)
    late = queued.filter(due_at__lt=now - timedelta(seconds=settings.HITLDESK_LATE_SECONDS))
    running = jobs.filter(state=Job.State.RUNNING).order_by("started_at")
    return {
        "now": now,
        "health": health.state(),
        "running": running[:SHOWN],
        "running_count": running.count(),
        "waiting": queued.order_by("due_at", "pk")[:SHOWN],
        "waiting_count": queued.count(),
        "late_count": late.count(),
        "late_before": now - timedelta(seconds=settings.HITLDESK_LATE_SECONDS),
        "dead": dead.order_by("-finished_at", "-pk")[:SHOWN],
        "dead_count": dead.count(),
        "schedules": Schedule.objects.order_by("-last_error", "next_due"),
        "catch_ups": Schedule.CatchUp.choices,
        "workers": Worker.objects.all(),
        "seen_after": now - health.THERE,
    }
