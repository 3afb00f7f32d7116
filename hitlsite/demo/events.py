"""What does not happen every day in the demo: somebody away, a seat lent, a glass broken, an approval that nobody gave."""

from datetime import timedelta

from accounts import actions as accounts
from cases import actions, jobs, queues, replay
from cases.models import Case, Question
from cases.states import RESOLUTION, REVIEW
from hitlsite.demo import outputs, rules
from hitlsite.demo.policies import DRAFT
from improvements import actions as improvements
from improvements.models import Finding
from workflows import actions as workflows
from workflows.models import Seat

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def happen(history, now):
    [refunds] = [workflow for workflow in history.workflows if workflow.slug == "refunds"]
    _break_the_glass(history, now - 17 * DAY)
    _be_away(history, now)
    _lend_a_seat(history, refunds, now)
    _let_an_approval_expire(history, now)
    history.send("refunds", *outputs.certain_refund(now, outputs.CUSTOMERS[3], 26_400.0), now - 3 * HOUR)
    with history._as(None, now):
        jobs.expire_approvals()
        jobs.name_what_nobody_can_approve()
    _propose_other_rules(history, refunds, now - 1 * HOUR)
    _let_some_wait(history, now)
    _talk(history, now)
    _see_a_pattern(history, refunds, now)
    _ask_for_rulings(history, now)
    with history._as(None, now):
        jobs.call_the_time()
        jobs.list_what_is_stuck()
        jobs.name_what_will_be_late()


def _break_the_glass(history, at):
    """An invoice beyond everybody's limit is due; the auditor finds next day that it was right."""
    pk = history.send("invoice-capture", *outputs.large_invoice(at), at)
    history.does("ravi", at + HOUR, queues.claim, pk)
    history.answer_first(Case.objects.get(pk=pk), "ravi", at + HOUR + timedelta(seconds=70))
    history.does("ravi", at + HOUR + timedelta(seconds=140), actions.accept, pk, active_seconds=140)
    with history._as(None, at + 2 * HOUR):
        jobs.name_what_nobody_can_approve()
    why = "Due today, else the furniture is not delivered. It is beyond every limit; I have seen order and delivery note."
    history.does("rosa", at + 4 * HOUR, actions.approve, pk, break_glass=True, reason=why, active_seconds=300)
    note = "Order and delivery note are there. The limits should be looked at."
    history.does("audrey", at + 22 * HOUR, actions.review_break_glass, pk, verdict="kept", note=note)
    with history._as(None, at + 22 * HOUR):
        jobs.name_what_nobody_can_approve()


def _be_away(history, now):
    """Marc owns exceptions and improvement; while he is away, Olga does."""
    away = {"until": now + 4 * DAY, "stand_in": history.people["olga"], "reason": "On leave."}
    history.does("marc", now - 2 * DAY, accounts.be_absent, history.people["marc"], **away)


def _lend_a_seat(history, refunds, now):
    """Arun lends his seat in refunds: Frieda takes the finance step while he sits with the auditors."""
    seat = Seat.objects.live().get(workflow=refunds, user=history.people["arun"])
    lent = {"until": now + 5 * DAY, "reason": "I sit with the auditors this week."}
    history.does("arun", now - 3 * DAY, workflows.delegate, seat, history.people["frieda"], **lent)
    pk = history.send("refunds", *outputs.certain_refund(now, outputs.CUSTOMERS[12], 286.4), now - 30 * HOUR)
    history.does("anna", now - 29 * HOUR, actions.approve, pk, reason="Charged twice.", active_seconds=50)
    history.does("frieda", now - 27 * HOUR, actions.approve, pk, reason="Booked twice indeed.", active_seconds=70)


def _let_an_approval_expire(history, now):
    """The team lead approved; finance did not, for two days."""
    pk = history.send("refunds", *outputs.certain_refund(now, outputs.CUSTOMERS[21], 318.9), now - 51 * HOUR)
    history.does("anna", now - 50 * HOUR, actions.approve, pk, reason="Charged twice.", active_seconds=40)


def _let_some_wait(history, now):
    """Of what is open, whoever's it is, one waits on its customer, one on Finance for longer than planned, two were put off; one came back."""
    rita, at = "rita", now - 0.3 * HOUR
    here = Case.objects.filter(
        state__in=(REVIEW, RESOLUTION), paused_since=None, claimed_by=None, received_at__lt=at - 2 * HOUR
    )
    customer, finance, off, back = here.order_by("received_at").values_list("pk", flat=True)[:4]
    asked = {"on": "customer", "whom": "the account's holder", "reason": "Asked for the receipt by mail."}
    history.does(rita, at, actions.pause, customer, until=now + 2 * DAY, **asked)
    checks = {"on": "team", "whom": "Finance", "reason": "They look for the booking."}
    history.does(rita, at - 1.5 * HOUR, actions.pause, finance, until=now - HOUR, **checks)
    history.does(rita, at, actions.snooze, off, reason="The shop answers from ten o'clock on.", until=now + 16 * HOUR)
    history.does(rita, at - HOUR, actions.snooze, back, reason="The system of the carrier is down.", until=at)
    with history._as(None, at):
        jobs.wake_the_snoozed()


def _talk(history, now):
    """About one of today's that the house has: a note that names Rita, and her question to Finance, with a link and in good time."""
    at = now - 0.25 * HOUR
    here = {"state": REVIEW, "vendor": None, "paused_since": None, "claimed_by": None}
    waiting = Case.objects.filter(**here, received_at__lt=at - HOUR)
    pk = waiting.order_by("-received_at").values_list("pk", flat=True).first()
    note = "@rita, the customer called twice about this. Please ask Finance before anybody decides."
    history.does("olga", at, actions.comment, pk, text=note, kind="note")
    asked = {"question": "Did this customer get money back for the same thing already?", "whom": "Finance", "link_days": 7}
    history.does("rita", at, actions.inquire, pk, shows=["external_id"], until=now + 5 * HOUR, **asked)


def _see_a_pattern(history, refunds, now):
    """Two of the open refunds show the same, in the eyes of two people: one open finding."""
    at = now - 0.2 * HOUR
    here = Case.objects.filter(workflow=refunds, state__in=(REVIEW, RESOLUTION), received_at__lt=at)
    first, second = here.order_by("-received_at")[:2]
    words = "The statement has the fee once; the AI took the customer's word for it."
    history.does("rita", at, improvements.flag, first.pk, title="A fee is believed to be booked twice", words=words)
    again = {"finding": Finding.objects.get().pk, "words": "Here too."}
    history.does("ravi", at + timedelta(minutes=4), improvements.flag, second.pk, **again)


def _ask_for_rulings(history, now):
    """One question is ruled on, and a draft of the playbook is made of it; one waits."""
    at = now - 0.2 * HOUR
    here = {"state": REVIEW, "vendor": None, "paused_since": None, "received_at__lt": at}
    asked, waits = Case.objects.filter(**here).order_by("received_at").values_list("pk", flat=True)[:2]
    words = "A customer writes in two languages. In which one do we answer?"
    history.does("rita", at, actions.ask, asked, reason=words)
    answer = "In that of the last message. Where it is mixed, in that of the account."
    ruling = history.does("olga", at + timedelta(minutes=5), actions.rule, Question.objects.get().pk, reason=answer)
    history.does("olga", at + timedelta(minutes=6), actions.write_down, ruling.pk)
    history.does(
        "ravi", at + timedelta(minutes=7), actions.ask, waits, reason="Does a shared account count as one customer or as two?"
    )


def _propose_other_rules(history, refunds, at):
    """A draft with its replay, for whoever publishes."""
    reason, improvement, proposed = DRAFT
    draft = history.does("olga", at, rules.draft, refunds, reason, improvement, proposed)
    asked = history.does("olga", at, replay.replay, draft, days=28)
    with history._as(None, at):
        jobs.make_replay(asked.pk)
