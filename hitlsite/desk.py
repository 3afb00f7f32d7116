"""My desk: the admin's start page, and the counts beside the desks in the sidebar."""

from django.db import connection
from django.db.models import Avg, Count, Q
from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext

from audit import clock
from cases import awaited, prose, rulings, waiting
from cases.clock_pages import foretold
from cases.models import Alert, Case, Decision, Notice, seen_workflows
from cases.pages import desk_address
from cases.seen import Sight, rows
from cases.states import DESKS, State
from cases.talk import inquiries
from cases.titles import Titles
from hitlsite.away import absences_of
from quality import attention
from workflows import signatures, stops

SEATS = """
SELECT role, array_agg(DISTINCT workflow_id ORDER BY workflow_id) FROM workflows_seat
 WHERE ended_at IS NULL AND (user_id = %(user)s OR id IN (SELECT d.seat_id FROM workflows_delegation d
   WHERE d.to_id = %(user)s AND d.since <= %(now)s AND d.until > %(now)s AND (d.ended_at IS NULL OR d.ended_at > %(now)s)))
 GROUP BY role
"""
# Of most of it there is nothing: one statement says so, and what there may be is asked for. Each is wider than what is told then.
MAY_BE = {
    "alerts": "FROM cases_alert WHERE settled_at IS NULL",
    "stopped": "FROM workflows_dial WHERE stopped_at IS NOT NULL",
    "forecasts": "FROM cases_forecast WHERE shift_ends > %(now)s",
    "in_hand": "FROM cases_case WHERE claimed_by_id = %(user)s AND claimed_until > %(now)s OR assigned_to_id = %(user)s AND state <> 'closed'",
    "asked": "FROM cases_inquiry WHERE to_id = %(user)s AND answered_at IS NULL",
    "paused": "FROM cases_pause WHERE by_id = %(user)s AND ended_at IS NULL",
    "unanswered": "FROM cases_question q WHERE q.by_id = %(user)s AND (SELECT r.id FROM cases_ruling r WHERE r.question_id = q.id) IS NULL",
    "absences": "FROM accounts_absence WHERE user_id = %(user)s AND ended_at IS NULL AND until > %(now)s",
    "to_sign": "FROM workflows_policy WHERE published_at IS NULL AND discarded_at IS NULL",
    "questions": "FROM owners_acting(%(now)s) WHERE user_id = %(user)s AND \"of\" = 'policy'",
    "answers": "FROM cases_question q JOIN cases_ruling r ON r.question_id = q.id WHERE q.by_id = %(user)s",
}
WHAT_MAY_BE = f"SELECT {', '.join(f'EXISTS (SELECT {where})' for where in MAY_BE.values())}"


def my_desk(request, context):
    """What the start page shows: a card for each desk at which this person holds a seat."""
    user, now = request.user, clock.now()
    there = what_may_be(user, now)
    absence, coming = absences_of(user, now) if "absences" in there else (None, [])
    awaits, more = awaited.by(user, now, there)
    return {
        **context,
        "title": gettext("My desk"),
        "desks": _cards(request),
        "alerts": my_alerts(request) if "alerts" in there else [],
        "stopped": stops.among(seen_workflows(user)) if "stopped" in there and user.is_in_house else [],
        "forecasts": foretold(user, now) if "forecasts" in there else [],
        "in_hand": in_hand(user, now) if "in_hand" in there else [],
        "asked": inquiries.to_answer(user) if "asked" in there else [],
        "now": now,
        "absence": absence,
        "absences_to_come": coming,
        "day": my_day(user, now),
        "to_sign": signatures.waited_for(user) if "to_sign" in there and user.is_in_house else [],
        "questions": rulings.open_to(user, now).count() if "questions" in there else 0,
        "answers": rulings.answers_to(user, now) if "answers" in there else [],
        "awaited": awaits,
        "more_awaited": more,
        "attention": attention.mine(user),
    }


def what_may_be(user, now) -> set[str]:
    with connection.planned_once() as cursor:
        cursor.execute(WHAT_MAY_BE, {"user": user.pk, "now": now})
        return {name for name, there in zip(MAY_BE, cursor.fetchone(), strict=True) if there}


def in_hand(user, now):
    """What this person holds now, and what was handed to him; the most urgent first."""
    mine = Q(claimed_by=user, claimed_until__gt=now) | Q(assigned_to=user)
    cases = Case.objects.visible_to(user).filter(mine, state__in=list(DESKS)).select_related("workflow")
    held = Sight(user).of_all(cases.order_by("-priority", "due_at", "id")[:10])
    return [(case, Titles(case).of_the_case(), prose.due(case.due_at, now)) for case in held]


def unread(request) -> int:
    """How many notices he has not read, of the kinds that he wants to hear of; asked once a request."""
    if not request.user.is_authenticated:
        return 0
    if not hasattr(request, "unread_notices"):
        request.unread_notices = Notice.objects.count_unread(request.user)
    return request.unread_notices


def unread_told(request) -> str:
    """For the sidebar, which shows no nought."""
    return str(unread(request) or "")


def my_day(user, now) -> dict:
    """What he decided since midnight, by his clock, and how long one took him where that was measured."""
    day = Decision.objects.filter(by=user, at__gte=clock.midnight(now)).aggregate(
        done=Count("case", distinct=True), seconds=Avg("active_seconds")
    )
    return {**day, "seconds": day["seconds"] and round(day["seconds"])}


def my_alerts(request):
    """What this person must hear as an owner, or in the place of one who is away; and of what he holds."""
    mine = Alert.objects.open().visible_to(request.user, clock.now()).select_related("case__workflow")
    sight, links = Sight(request.user), lambda alert: reverse("admin:cases_case_change", args=[alert.case_id])
    return [(*rows(sight.of(alert.case), [alert]), links(alert)) for alert in mine[:20]]


def my_desks(request) -> dict[str, list[int]]:
    """Desk → the workflows in which this person holds a seat there, or one is lent to him; asked once a request."""
    if not hasattr(request, "my_desks"):
        with connection.planned_once() as cursor:
            cursor.execute(SEATS, {"user": request.user.pk, "now": clock.now()})
            seats = dict(cursor.fetchall())
        request.my_desks = {desk: seats[role] for desk, role in DESKS.items() if role in seats}
    return request.my_desks


def _cards(request) -> list[dict]:
    desks = waiting.at_desks(request.user, my_desks(request))
    request.waiting_at_desks = {desk: seen.waiting for desk, seen in desks.items()}  # the badges beside say the same
    return [_card(desk, seen) for desk, seen in desks.items()]


def _card(desk, seen) -> dict:
    """One desk as its own people see it: what waits on their side, since when, and what is late."""
    counts = {name: getattr(seen, name) for name in ("waiting", "paused", "late", "soon", "held", "vendors")}
    oldest = timesince(seen.oldest, clock.now(), depth=1) if seen.oldest else ""
    numbers = {name: waiting.told(count) for name, count in counts.items()}
    return {**counts, "told": numbers, "oldest": oldest, "desk": desk, "label": State(desk).label, "link": desk_address(desk)}


def count_at(desk, request) -> str:
    """How many cases wait there on this person's side, as the card on My desk says it, as far as a badge goes; asked once a request."""
    if not hasattr(request, "waiting_at_desks"):
        request.waiting_at_desks = waiting.counts(request.user, my_desks(request))
    return waiting.told(request.waiting_at_desks.get(desk, 0))


def at_review(request):
    return count_at("review", request)


def at_resolution(request):
    return count_at("resolution", request)


def at_approval(request):
    return count_at("approval", request)


def works_at_review(request):
    return "review" in my_desks(request)


def works_at_resolution(request):
    return "resolution" in my_desks(request)


def works_at_approval(request):
    return "approval" in my_desks(request)
