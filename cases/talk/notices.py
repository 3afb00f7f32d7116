"""Telling one person that something is theirs to know, and how that reads. The one place where a notice is made."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Absence
from accounts.roles import Ownership
from audit import acting, clock
from cases.eligibility import UNTOUCHED
from cases.models import Notice
from cases.states import APPROVAL, CLOSED, DESKS
from workflows.models import Owner, Seat

# By SQL, and with nothing returned: a vendor's session may tell the house something and does not see what the house is told.
TELL = """
INSERT INTO cases_notice (to_id, kind, case_id, by_id, at) SELECT person, %(kind)s, %(case)s, %(by)s, %(at)s
  FROM unnest(%(people)s::bigint[]) person
"""
SOON = timedelta(hours=1)  # before the time to approve ends
# Whoever may approve it as things are, and has not been told since it came to the desk.
APPROVAL_SOON = f"""
INSERT INTO cases_notice (to_id, kind, case_id, by_id, at)
SELECT DISTINCT m.user_id, 'approval', c.id, %(by)s, %(now)s::timestamptz
  FROM cases_case c JOIN approvers_at(%(now)s) m ON m.workflow_id = c.workflow_id
 WHERE c.state = 'approval' AND c.expires_at > %(now)s AND c.expires_at <= %(soon)s AND NOT c.is_test
   AND (c.amount IS NULL OR limit_of(m.seat_id, c.action_type, c.currency) >= c.amount)
   AND NOT EXISTS (SELECT FROM valid_approvals(c.id, c.digest) v WHERE v.by_id = m.user_id OR v.holder_id = m.user_id)
   AND NOT EXISTS (SELECT FROM cases_notice n WHERE n.to_id = m.user_id AND n.kind = 'approval' AND n.case_id = c.id AND n.at >= c.desk_since)
   AND {UNTOUCHED}
"""


def tell(people, kind, case, *, by):
    """Each of these people, but for whoever did it."""
    told = [pk for pk in dict.fromkeys(people) if pk != by.pk]
    if told:
        with connection.planned_once() as cursor:
            about = {"people": told, "kind": kind, "case": case.pk, "by": by.pk, "at": clock.now()}
            cursor.execute(TELL, about)


def tell_of_the_question(case, *, by):
    """Whoever answers for its policy now: it waits for his ruling."""
    tell(Owner.objects.acting_for(case.workflow_id, Ownership.POLICY, clock.now()), Notice.Kind.TO_RULE, case, by=by)


def tell_of_the_ruling(case, asker, *, by):
    """Whoever asked, and who holds the case now or has it handed to him."""
    mine = [asker, case.held_by(clock.now()), case.assigned_to_id]
    tell([pk for pk in mine if pk], Notice.Kind.RULED, case, by=by)


def tell_of_the_move(case):
    """What the case's coming to another desk means to one person: sent back to whoever decided, or his to take and nobody else's."""
    story, facts = case.story, case.standing_facts
    if case.state in (story.desk, CLOSED):
        return
    if story.verb == "send_back":
        decided = facts.sent if story.desk == APPROVAL else facts.last
        tell([decided["by_id"]] if decided else [], Notice.Kind.SENT_BACK, case, by=story.by)
    elif story.verb == "escalate" and len(there := at_the_desk(case, story.now)) == 1:
        tell(there, Notice.Kind.ALONE, case, by=story.by)


def at_the_desk(case, now) -> list[int]:
    """Who of its side holds a seat at its desk and is not away."""
    seats = Seat.objects.live().filter(workflow=case.workflow_id, role=DESKS[case.state], user__is_active=True)
    here = seats.filter(user__vendor=case.vendor_id).exclude(user__in=Absence.objects.at(now).values("user"))
    return sorted(set(here.values_list("user", flat=True)))


def tell_of_approvals_needed_soon(*, by, now) -> int:
    """Whoever may approve what expires within the hour hears of it, once for each visit to the desk."""
    with connection.cursor() as cursor:
        cursor.execute(APPROVAL_SOON, {"by": by.pk, "now": now, "soon": now + SOON})
        return cursor.rowcount


@dataclass
class Line:
    """One notice as it reads: without a word of the case."""

    notice: Notice
    says: str
    at: datetime
    workflow: str
    link: str


def told(notices, person) -> list[Line]:
    """As this person reads them. Each has been fetched with its case's workflow and whose doing it was."""
    return [Line(each, says(each, person), each.at, str(each.case.workflow), link_of(each)) for each in notices]


def says(notice, person) -> str:
    is_anothers = person.vendor_id is not None and notice.by.vendor_id not in (None, person.vendor_id)
    return SENTENCES[notice.kind]() % {"by": acting.SOMEBODY if is_anothers else notice.by}


def link_of(notice) -> str:
    """To what it is about, and whoever goes there has read it."""
    return reverse("admin:cases_notice_go", args=[notice.pk])


# A question finds whoever is asked also where the case is not theirs to see.
ASKING = {Notice.Kind.ASKED: "admin:cases_asked", Notice.Kind.TO_RULE: "admin:cases_rulings"}
SENTENCES = {
    Notice.Kind.MENTION: lambda: _("%(by)s mentions you."),
    Notice.Kind.HANDED: lambda: _("%(by)s hands you a case."),
    Notice.Kind.ASKED: lambda: _("%(by)s asks you for information."),
    Notice.Kind.ANSWER: lambda: _("Your request for information is answered."),
    Notice.Kind.TO_RULE: lambda: _("%(by)s asks for your ruling."),
    Notice.Kind.RULED: lambda: _("%(by)s rules on a question about a case of yours."),
    Notice.Kind.SENT_BACK: lambda: _("%(by)s sends back what you decided."),
    Notice.Kind.APPROVAL: lambda: _("Your approval is needed within the hour."),
    Notice.Kind.ALONE: lambda: _("%(by)s escalates a case to a desk where you are the only one."),
}
