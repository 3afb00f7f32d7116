"""What is stuck, day by day; and what will be late by the end of the shift. Pages to look at: nothing here changes a case."""

from itertools import groupby

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.shortcuts import render
from django.urls import path
from django.utils.dateparse import parse_date
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.roles import Office
from accounts.strict import strict_page
from audit import clock
from cases import outlook
from cases.models import Case, Forecast, Stuck
from cases.seen import Sight
from cases.states import State
from workflows.models import Owner, Workflow

DAYS, MOST = 14, 2000


def workflows_seen(user):
    """Those in which this person of the house has something to do; all of them for managers and auditors."""
    if user.office in (Office.MANAGER, Office.AUDITOR):
        return Workflow.objects.all()
    owned = Owner.objects.acting_as(user, clock.now()).values("workflow")
    return Workflow.objects.filter(Q(pk__in=user.seats.live().values("workflow")) | Q(pk__in=owned))


def leads(user) -> bool:
    """Whether this person leads a vendor's people."""
    return not user.is_in_house and user.office == Office.VENDOR_LEAD


def foretold(user, now):
    """The forecasts of shifts that still go on, of what this person answers for: as owner of exceptions, or as a vendor's lead."""
    running = Forecast.objects.filter(shift_ends__gt=now).select_related("workflow", "vendor")
    if not user.is_in_house:
        return running.filter(vendor=user.vendor_id) if leads(user) else running.none()
    return running.filter(workflow__in=Owner.objects.acting_as(user, now).filter(of="exceptions").values("workflow"))


class ClockPages:
    """For the case's admin."""

    def clock_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("stuck/", strict_page(wrap(self.stuck_page)), name="cases_stuck"),
            path("forecast/", strict_page(wrap(self.forecast_page)), name="cases_forecast"),
        ]

    def stuck_page(self, request):
        if not request.user.is_in_house:
            raise PermissionDenied(_("What is stuck is for the house to see to."))
        rows = Stuck.objects.filter(workflow__in=workflows_seen(request.user))
        days = list(rows.order_by("-day").values_list("day", flat=True).distinct()[:DAYS])
        day = _day(request.GET.get("day"), days)
        listed = rows.filter(day=day).select_related("workflow", "vendor", "case")
        seen = set(Case.objects.visible_to(request.user).filter(pk__in=listed.values("case")).values_list("pk", flat=True))
        shown = {
            "days": days,
            "day": day,
            "groups": _grouped(listed[:MOST], seen),
            "title": gettext("What is stuck"),
            "total": listed.count(),
        }
        return self._clock_page(request, "stuck", shown)

    def forecast_page(self, request):
        user, now = request.user, clock.now()
        if not (user.is_in_house or leads(user)):
            raise PermissionDenied(_("The forecast is for the house and for the vendors' leads."))
        workflows = workflows_seen(user) if user.is_in_house else Workflow.objects.all()
        found = outlook.outlooks(now, workflows.select_related(None), None if user.is_in_house else user.vendor_id)
        rows = [(each, State(each.desk).label, self._linked(request, each.late[:10])) for each in found]
        return self._clock_page(
            request, "forecast", {"rows": rows, "told": foretold(user, now), "title": gettext("By the end of the shift")}
        )

    def _linked(self, request, cases):
        """Those of the cases that this person may open, in their order."""
        seen = Case.objects.visible_to(request.user).in_bulk(cases) if cases else {}
        return Sight(request.user).of_all(seen[pk] for pk in cases if pk in seen)

    def _clock_page(self, request, template, shown):
        return render(
            request, f"cases/clocks/{template}.html", {**self.admin_site.each_context(request), "opts": self.opts, **shown}
        )


def _day(asked, days):
    """The day that was asked for, else the newest there is."""
    try:
        day = parse_date(asked or "")
    except ValueError:
        day = None
    return day if day in days else next(iter(days), None)


def _grouped(rows, seen):
    """(workflow, desk, its lines), a line being a case with all its reasons."""
    for (workflow, desk), group in groupby(rows, key=lambda row: (row.workflow, row.desk)):
        lines = {}
        for row in group:
            lines.setdefault(row.case_id, (row.case, row.vendor, row.case_id in seen, []))[3].append(row)
        yield workflow, State(desk).label, list(lines.values())
