"""Earlier cases of the same customer: one line each, masked, also of those that whoever looks may not open."""

from typing import NamedTuple

from django.db import connection
from django.utils.translation import pgettext

from audit.wording import within
from cases.models import Case
from cases.seen import Sight, said, whole
from cases.states import ClosedAs

LINES = "SELECT received_at, workflow, closed_as, category FROM earlier_of_the_customer(%s)"
MOST = 10  # lines, as that function gives


class Line(NamedTuple):
    """When it came, in which workflow, how it closed (empty: still open), what kind of exception it was.

    `case`: as whoever looks sees it, with its action; None where he may not open it.
    """

    received_at: object
    workflow: str
    closed_as: str
    category: str
    case: object


def earlier(case, user) -> list[Line]:
    """`case`: as whoever asks sees it."""
    if not case.customer_reference:
        return []
    with connection.cursor() as cursor:
        cursor.execute(LINES, [case.pk])
        lines = cursor.fetchall()
    opened = _opened(whole(case), user, {workflow for _, workflow, *_ in lines}) if lines else {}
    return [_line(case, told, opened.get(told, [])) for told in lines]


def _line(case, told, opened) -> Line:
    at, workflow, closed_as, category = told
    return Line(at, workflow, _how(closed_as), said(case, category), opened.pop() if opened else None)


def _opened(case, user, workflows) -> dict:
    """What a line says of a case → those of which it says so that he may open: lines that say the same may stand for each other."""
    asked = Case.objects.visible_to(user).filter(workflow__name__in=workflows, customer_reference=case.customer_reference)
    before = asked.filter(received_at__lte=case.received_at, is_probe=False).exclude(pk=case.pk).order_by("-received_at")
    found = {}
    for seen in Sight(user).of_all(before.select_related("workflow", "category", "policy")[:MOST], uncovered=False):
        category = whole(seen).category
        told = (seen.received_at, seen.workflow.name, seen.closed_as, category.label if category else "")
        found.setdefault(told, []).append(seen)
    return found


def _how(closed_as) -> str:
    return (
        pgettext("output", "released")
        if closed_as == ClosedAs.RELEASED
        else within(ClosedAs(closed_as).label)
        if closed_as
        else ""
    )
