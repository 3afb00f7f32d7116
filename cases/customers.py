"""What else there is of the same customer: earlier cases, one line each, masked, also of those that whoever looks may not open;
and what is open about the same action, at whatever desk, as far as he may see it.
"""

from typing import NamedTuple

from django.db import connection
from django.utils.translation import pgettext

from audit.wording import within
from cases.masking import is_placeholder
from cases.models import Case
from cases.seen import Sight, is_blind, said, whole
from cases.states import ClosedAs

LINES = "SELECT received_at, workflow, closed_as, category FROM earlier_of_the_customer(%s)"
OPEN = """
SELECT c.id FROM workflows_workflow w CROSS JOIN LATERAL (
  SELECT id FROM cases_case
   WHERE workflow_id = w.id AND customer_reference = %(customer)s AND customer_reference <> '' AND action_type = %(action)s
     AND state <> 'closed' AND NOT is_probe AND id <> %(case)s
   ORDER BY received_at DESC LIMIT 50) c
 WHERE %(action)s <> '' OR w.id = %(workflow)s
"""
OPENED = """
SELECT c.*, w.name AS of_workflow, coalesce(k.label, '') AS of_category
  FROM cases_case c JOIN workflows_workflow w ON w.id = c.workflow_id LEFT JOIN workflows_exceptioncategory k ON k.id = c.category_id
 WHERE c.customer_reference = %s AND c.customer_reference <> '' AND w.name = ANY(%s) AND c.received_at <= %s AND c.id <> %s AND NOT c.is_probe AND {}
 ORDER BY c.received_at DESC LIMIT 10
"""  # as many as that function gives
MOST_OPEN = 5


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
    with connection.planned_once() as cursor:
        cursor.execute(LINES, [case.pk])
        lines = cursor.fetchall()
    opened = _opened(whole(case), user, {workflow for _, workflow, *_ in lines}) if lines else {}
    return [_line(case, told, opened.get(told, [])) for told in lines]


def also_open(case, user) -> list:
    """Open cases of this customer about the same action, the newest first, as whoever asks sees them; `case`: as he sees it.

    Where no action is proposed, those of the same workflow that propose none. Nothing for whoever owes his own answer first, for
    it would tell of the AI's, nor where the action is hidden from him.
    """
    if not case.customer_reference or is_blind(case) or is_placeholder(case.action_type):
        return []
    this = whole(case)
    about = {"case": this.pk, "workflow": this.workflow_id, "customer": this.customer_reference, "action": this.action_type}
    with connection.planned_once() as cursor:
        cursor.execute(OPEN, about)
        found = [pk for (pk,) in cursor.fetchall()]
    if not found:  # as nearly always
        return []
    same = Case.objects.visible_to(user).filter(pk__in=found).order_by("-received_at", "-pk")
    return list(Sight(user).of_all(same.select_related("workflow", "category")[:MOST_OPEN], uncovered=False))


def _line(case, told, opened) -> Line:
    at, workflow, closed_as, category = told
    return Line(at, workflow, _how(closed_as), said(case, category), opened.pop() if opened else None)


def _opened(case, user, workflows) -> dict:
    """What a line says of a case → those of which it says so that he may open: lines that say the same may stand for each other."""
    where, params = Case.objects.as_sql_visible_to(user, customer_reference=case.customer_reference)
    about = [case.customer_reference, list(workflows), case.received_at, case.pk, *params]
    found = {}
    for seen in Sight(user).of_all(connection.rows_of(Case, OPENED.format(where), about), uncovered=False):
        told = whole(seen)
        found.setdefault((told.received_at, told.of_workflow, told.closed_as, told.of_category), []).append(seen)
    return found


def _how(closed_as) -> str:
    return (
        pgettext("output", "released")
        if closed_as == ClosedAs.RELEASED
        else within(ClosedAs(closed_as).label)
        if closed_as
        else ""
    )
