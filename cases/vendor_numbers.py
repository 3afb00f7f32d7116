"""A vendor's work in numbers: what waits, what was decided today and by whom, whether it was in time, and what it costs so far.

Only rows of that vendor are looked at. A probe, and what was sent with a test key, never counts.
"""

from collections import defaultdict
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, Min, Q, Sum

from audit import clock
from cases.models import Case, Decision, Pause
from workflows import calendar, money
from workflows.models import Mandate, hours_of

DAYS, MOST = 30, 5000  # the service level is of the last 30 days, or of so many decisions
# Since when it was at the desk: since the decision before, else since it came in.
ANSWERED = """
SELECT d.case_id, coalesce((SELECT max(p.at) FROM cases_decision p WHERE p.case_id = d.case_id AND p.id < d.id), c.received_at), d.at
  FROM cases_decision d JOIN cases_case c ON c.id = d.case_id
 WHERE d.vendor_id = %s AND c.workflow_id = %s AND d.at >= %s AND NOT c.is_test AND NOT c.is_probe ORDER BY d.id DESC LIMIT %s
"""


class Waiting(NamedTuple):
    workflow: str
    desk: str
    open: int
    claimed: int
    overdue: int
    oldest: datetime | None


class Met(NamedTuple):
    """How many were answered, how many of them in time, and whether that is what was agreed."""

    answered: int
    in_time: int
    agreed: int

    @property
    def percent(self) -> int | None:
        return self.in_time * 100 // self.answered if self.answered else None

    @property
    def is_short(self) -> bool:
        return self.percent is not None and self.percent < self.agreed


class Cost(NamedTuple):
    number: int
    hours: Decimal | None
    told: str


def waiting(vendor) -> list[Waiting]:
    """What is open on the vendor's side, by workflow and desk."""
    now = clock.now()
    late, held = Q(due_at__lt=now, paused_since=None), Q(claimed_until__gt=now)
    found = (
        Case.objects.open()
        .counted()
        .filter(vendor=vendor)
        .values("workflow__name", "state")
        .annotate(
            open=Count("pk"), claimed=Count("pk", filter=held), overdue=Count("pk", filter=late), oldest=Min("received_at")
        )
    )
    rows = found.order_by("workflow__name", "state").values_list(
        "workflow__name", "state", "open", "claimed", "overdue", "oldest"
    )
    return [Waiting(*row) for row in rows]


def today(vendor) -> list[tuple[str, int]]:
    """Who has decided how much since midnight, by the vendor's own clock."""
    zone = ZoneInfo(vendor.time_zone)
    midnight = datetime.combine(clock.now().astimezone(zone).date(), time(0), zone)
    made = _decisions(vendor).filter(at__gte=midnight).values("by").annotate(number=Count("pk"))
    found = made.order_by("-number").values_list("by__first_name", "by__last_name", "by__username", "number")
    return [(f"{first} {last}".strip() or username, number) for first, last, username, number in found]


def met(given: Mandate) -> Met:
    """The service level over the last days: business minutes of the vendor's hours, from arrival to decision, less pauses."""
    since = max(clock.now() - timedelta(days=DAYS), given.engagement.since)
    with connection.cursor() as cursor:
        cursor.execute(ANSWERED, [given.engagement.vendor_id, given.workflow_id, since, MOST])
        rows = cursor.fetchall()
    hours, stood = hours_of(given.engagement.coverage_id), _pauses({case for case, _, _ in rows})
    taken = [calendar.between(hours, min(came, at), at, stood[case]) for case, came, at in rows]
    return Met(len(rows), sum(minutes <= given.answer_minutes for minutes in taken), given.answer_percent)


def cost(given: Mandate) -> Cost:
    """What the contract has cost in this workflow so far: decisions, or the hours that people were seen at work, at its price."""
    contract = given.engagement
    made = _decisions(contract.vendor).filter(case__workflow=given.workflow_id, at__gte=contract.since, at__lt=contract.ends)
    counted = made.aggregate(number=Count("pk"), seconds=Sum("active_seconds"))
    number, hours = counted["number"], None
    quantity = Decimal(number)
    if given.price_per == Mandate.PricePer.HOUR:
        quantity = hours = (Decimal(counted["seconds"] or 0) / 3600).quantize(Decimal("0.1"))
    return Cost(number, hours, money.readable((quantity * given.price).quantize(Decimal("0.01")), given.currency))


def _decisions(vendor):
    return Decision.objects.filter(vendor_id=vendor.pk, case__is_test=False, case__is_probe=False)


def _pauses(cases) -> dict:
    found = defaultdict(list)
    for case, since, ended in Pause.objects.filter(case__in=cases).values_list("case", "since", "ended_at"):
        found[case].append((since, ended))
    return found
