"""How each desk of each side stands before its shift ends: read from the rows, foreseen by `forecast`, named in time."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import Count

from accounts.models import Absence, Vendor
from cases.forecast import Measured, Waits, late_by, pace
from cases.models import Case, Forecast, Pause
from cases.states import DESKS
from workflows.calendar import ALWAYS, Hours, between, is_open, shift_end
from workflows.models import Mandate, Seat, Workflow, hours_of

IN_TIME = timedelta(hours=2)  # before the end of the shift it is named
LATELY, DAYS, MOST = timedelta(hours=4), 7, 5000
DAY = timedelta(days=1)
MEASURED = """
SELECT count(*) FILTER (WHERE d.at > %(lately)s),
  count(*) FILTER (WHERE EXISTS (SELECT FROM unnest(%(begins)s::timestamptz[], %(ends)s::timestamptz[]) w(begins, ends)
    WHERE d.at >= w.begins AND d.at < w.ends)),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY d.active_seconds)
 FROM cases_decision d JOIN cases_case c ON c.id = d.case_id
WHERE d.at > %(since)s AND d.desk = %(desk)s AND d.vendor_id IS NOT DISTINCT FROM %(vendor)s AND c.workflow_id = %(workflow)s
"""


class Outlook(NamedTuple):
    """One desk of one side, at one moment."""

    workflow: Workflow
    desk: str
    vendor: Vendor | None
    opened: bool
    ends: datetime  # of the shift; of the next one while nobody is there
    waiting: int
    paused: int
    overdue: int
    late: list[int]
    people: int
    pace: float  # an hour

    @property
    def says(self) -> str:
        side = str(self.vendor) if self.vendor else "the house"
        people = "1 person" if self.people == 1 else f"{self.people} people"
        return (
            f"By {self.ends:%H:%M} UTC, when the shift ends, {len(self.late)} more of the {self.waiting} at {self.desk} with {side} will be "
            f"late: {people}, {self.pace:.1f} decisions an hour."
        )


def outlooks(now, workflows, vendor_id=None) -> list[Outlook]:
    """Every desk and side of these workflows at which something waits; with `vendor_id` that vendor's only."""
    waiting = Case.objects.open().filter(workflow__in=workflows, is_test=False)
    if vendor_id is not None:
        waiting = waiting.filter(vendor=vendor_id)
    groups = (
        waiting.order_by("workflow__name", "state", "vendor").values_list("workflow", "state", "vendor").annotate(Count("id"))
    )
    named = Workflow.objects.in_bulk({workflow for workflow, *_ in groups})
    vendors = Vendor.objects.in_bulk({vendor for _, _, vendor, _ in groups if vendor})
    return [of(named[workflow], desk, vendors.get(vendor), now) for workflow, desk, vendor, _ in groups]


def of(workflow, desk, vendor, now) -> Outlook:
    hours = hours_of_side(workflow, vendor, now)
    ends = shift_end(hours, now)
    left = between(hours, now, ends)
    cases = Case.objects.open().filter(workflow=workflow, state=desk, vendor=vendor, is_test=False)
    queue = waits(cases, hours, now)
    people = present(workflow, desk, vendor, now)
    recent, same_hours, median = measured(workflow, desk, vendor, hours, now, ends)
    fast = pace(recent, same_hours, people, median)
    late = late_by(queue, fast, left)
    counts = cases.count(), cases.filter(paused_since__isnull=False).count(), cases.overdue().count()
    return Outlook(workflow, desk, vendor, is_open(hours, now), ends, *counts, late, people, fast * 60)


def hours_of_side(workflow, vendor, now) -> Hours:
    """When its people are there: a vendor's as its engagement says, the house's as the workflow says, else its clocks' hours."""
    if vendor is None:
        return hours_of(workflow.staffed_id or workflow.calendar_id)
    mandate = Mandate.objects.at(now).select_related("engagement").filter(workflow=workflow, engagement__vendor=vendor).first()
    return hours_of(mandate.engagement.coverage_id) if mandate else ALWAYS


def waits(cases, hours, now) -> list[Waits]:
    """The queue in minutes of the side from now on. What waits on somebody is not in it; a snooze comes back by its end."""
    facts = cases.order_by("-priority", "due_at").values_list("pk", "due_at", "priority", "claimed_until", "paused_since")[
        :MOST
    ]
    back = _coming_back(cases)
    queue = []
    for pk, due_at, priority, claimed_until, paused_since in facts:
        due = between(hours, now, due_at) if due_at > now else -1.0
        if paused_since is None:
            queue.append(Waits(pk, due, priority, held=bool(claimed_until and claimed_until > now)))
        elif until := back.get(pk):
            until = max(until, now)
            queue.append(Waits(pk, due + between(hours, min(paused_since, until), until), priority, between(hours, now, until)))
    return queue


def _coming_back(cases) -> dict[int, datetime]:
    """When each case that is snoozed, and waits on nobody beside, comes back."""
    standing = Pause.objects.open().filter(case__in=cases.filter(paused_since__isnull=False))
    others = set(standing.exclude(kind=Pause.Kind.SNOOZE).values_list("case", flat=True))
    snoozed = standing.filter(kind=Pause.Kind.SNOOZE).values_list("case", "until")
    return {case: until for case, until in snoozed if case not in others}


def present(workflow, desk, vendor, now) -> int:
    """People with a seat at this desk on this side who are not away."""
    seats = Seat.objects.live().filter(workflow=workflow, role=DESKS[desk], user__is_active=True, user__vendor=vendor)
    return seats.exclude(user__in=Absence.objects.at(now).values("user")).count()


def measured(workflow, desk, vendor, hours, now, ends) -> tuple[Measured, Measured, float | None]:
    """Decisions of the last hours; of the same hours of the days before; and the median of the active seconds."""
    days = [(now - day * DAY, ends - day * DAY) for day in range(1, DAYS + 1)]
    about = {
        "workflow": workflow.pk,
        "desk": desk,
        "vendor": vendor and vendor.pk,
        "lately": now - LATELY,
        "since": now - DAYS * DAY,
    }
    with connection.cursor() as cursor:
        cursor.execute(MEASURED, {**about, "begins": [begins for begins, _ in days], "ends": [ended for _, ended in days]})
        lately, then, median = cursor.fetchone()
    open_then = sum(between(hours, begins, ended) for begins, ended in days)
    return Measured(lately, between(hours, now - LATELY, now)), Measured(then, open_then), median


def name_what_will_be_late(now) -> int:
    """Each desk and side is named once a shift, from two hours before its end on, where anything will be late: so many were."""
    named = 0
    for each in outlooks(now, Workflow.objects.all()):
        about = {"workflow": each.workflow, "desk": each.desk, "vendor": each.vendor, "shift_ends": each.ends}
        if each.late and each.opened and each.ends - now <= IN_TIME and not Forecast.objects.filter(**about).exists():
            told = {
                "waiting": each.waiting,
                "late": len(each.late),
                "pace": each.pace,
                "says": each.says,
                "cases": each.late[:100],
            }
            Forecast.objects.create(at=now, **about, **told)
            named += 1
    return named
