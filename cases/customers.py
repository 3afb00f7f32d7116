"""Earlier cases of the same customer: one line each, masked, also of those that whoever looks may not open."""

from typing import NamedTuple

from django.db import connection
from django.utils.translation import pgettext

from audit.wording import within
from cases.seen import said
from cases.states import ClosedAs

LINES = "SELECT received_at, workflow, closed_as, category FROM earlier_of_the_customer(%s)"


class Line(NamedTuple):
    """When it came, in which workflow, how it closed (empty: still open), what kind of exception it was."""

    received_at: object
    workflow: str
    closed_as: str
    category: str


def earlier(case) -> list[Line]:
    """`case`: as whoever asks sees it."""
    if not case.customer_reference:
        return []
    with connection.cursor() as cursor:
        cursor.execute(LINES, [case.pk])
        return [
            Line(at, workflow, _how(closed_as), said(case, category)) for at, workflow, closed_as, category in cursor.fetchall()
        ]


def _how(closed_as) -> str:
    return (
        pgettext("output", "released")
        if closed_as == ClosedAs.RELEASED
        else within(ClosedAs(closed_as).label)
        if closed_as
        else ""
    )
