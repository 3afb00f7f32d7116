"""The sides of a workflow with their hours and their people's absences, as `cover` draws them."""

from collections import defaultdict
from datetime import timedelta

from django.utils.translation import gettext

from accounts.models import Absence
from accounts.roles import Role
from workflows import cover
from workflows.calendar import zone_of
from workflows.models import Engagement, Mandate, Seat, hours_of

AT_DESKS = (Role.REVIEWER, Role.RESOLVER)
WEEK = timedelta(days=7)


def weeks(workflows, monday, zone: str) -> list[tuple]:
    """Each workflow with its week, by the clock of the reader's zone. A handful of queries, however many workflows."""
    reader, workflows = zone_of(zone), list(workflows)
    window = cover.window(monday, reader)
    people, mandates, hours = _people(workflows, window), _mandates(workflows, window), {}
    return [(each, cover.week(monday, reader, _sides(each, people, mandates[each.pk], hours))) for each in workflows]


def _sides(workflow, people, mandates, hours):
    """The house, then each vendor that is engaged at some time of the week."""
    yield cover.Side(gettext("In-house"), _hours(workflow.staffed_id, hours), None, people[workflow.pk, None])
    for given in mandates:
        contract = given.engagement
        ends = min(contract.ends, given.ended_at or contract.ends)
        seated = people[workflow.pk, contract.vendor_id]
        yield cover.Side(contract.vendor.name, _hours(contract.coverage_id, hours), (contract.since, ends), seated)


def _hours(calendar_id, known):
    if calendar_id not in known:
        known[calendar_id] = hours_of(calendar_id)
    return known[calendar_id]


def _mandates(workflows, window):
    """Those of which some time lies in the week, by workflow."""
    held = Engagement.objects.filter(since__lt=window[1], until__gt=window[0])
    found = defaultdict(list)
    for given in Mandate.objects.filter(workflow__in=workflows, engagement__in=held).select_related("engagement__vendor"):
        if min(given.engagement.ends, given.ended_at or given.engagement.ends) > max(window[0], given.engagement.since):
            found[given.workflow_id].append(given)
    return found


def _people(workflows, window):
    """(workflow, vendor or None) → each person with a seat at its desks, and when he is away in that week."""
    seats = Seat.objects.live().filter(workflow__in=workflows, role__in=AT_DESKS, user__is_active=True).select_related("user")
    away = defaultdict(list)
    for each in Absence.objects.filter(user__in=seats.values("user"), since__lt=window[1], until__gt=window[0]):
        ends = min(each.until, each.ended_at or each.until)
        if ends > each.since:
            away[each.user_id].append((each.since, ends))
    found = defaultdict(dict)
    for seat in seats.order_by("user__first_name", "user__username"):
        found[seat.workflow_id, seat.user.vendor_id][seat.user] = tuple(away[seat.user_id])
    return defaultdict(tuple, {key: tuple((str(user), spans) for user, spans in those.items()) for key, those in found.items()})
