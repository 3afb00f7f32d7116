"""Time-driven work on cases: find, call the verb."""

import logging

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext_noop

from accounts.models import User
from audit import clock
from cases import (
    actions,
    alerts,
    bulk,
    deadlines,
    eligibility,
    ending,
    finding,
    outlook,
    queues,
    replay,
    returning,
    stuck,
    taking_over,
    unfinished,
)
from cases.models import Alert, BreakGlassReview, Case, Pause, Replay
from cases.states import APPROVAL
from cases.talk import digests, notices
from integrations.problems import Conflict
from jobs import running

log = logging.getLogger(__name__)

SCHEDULES = {
    gettext_noop("settle decided cases"): ("cases.jobs.settle_due", 1),
    gettext_noop("end expired claims"): ("cases.jobs.end_expired_claims", 20),
    gettext_noop("offer what nobody may hold"): ("cases.jobs.offer_what_nobody_may_hold", 5),
    gettext_noop("wake what is snoozed"): ("cases.jobs.wake_the_snoozed", 20),
    gettext_noop("end contracts that are over"): ("cases.jobs.end_contracts_that_are_over", 10),
    gettext_noop("warn and name breaches"): ("cases.jobs.call_the_time", 20),
    gettext_noop("list what is stuck"): ("cases.jobs.list_what_is_stuck", 900),
    gettext_noop("name what will be late"): ("cases.jobs.name_what_will_be_late", 300),
    gettext_noop("expire approvals"): ("cases.jobs.expire_approvals", 20),
    gettext_noop("name what nobody can approve"): ("cases.jobs.name_what_nobody_can_approve", 20),
    gettext_noop("give waiting work to whoever is there"): ("cases.jobs.give_waiting_work", 20),
    gettext_noop("tell of approvals needed soon"): ("cases.jobs.tell_of_approvals_needed_soon", 60),
    gettext_noop("make and send mails"): ("cases.jobs.send_mails", 60),
    gettext_noop("remind of broken glass"): ("cases.jobs.remind_of_broken_glass", 300),
    gettext_noop("note what cases are found by"): ("cases.jobs.note_what_cases_are_found_by", 3),
    gettext_noop("note what was missed"): ("cases.jobs.note_what_was_missed", 86_400),
    gettext_noop("forget what was left unfinished"): ("cases.jobs.forget_what_was_left_unfinished", 3600),
}
ASKED_FOR = [gettext_noop("Make replay"), gettext_noop("Do a bulk")]  # as their functions are called


def settle_due(limit=500) -> None:
    """Decisions whose grace window is over take effect; one that may not holds up no other, and its owner of risk hears."""
    machine = User.objects.machine()
    due = Case.objects.filter(settles_at__lte=clock.now()).order_by("settles_at").values_list("pk", flat=True)[:limit]
    for pk in list(due):
        try:
            actions.settle_case(pk, by=machine)
        except Conflict:
            continue  # undone, or settled by another worker, in the meantime
        except IntegrityError as refusal:  # such as one whose approver has left since
            log.warning("Case %s may not take effect; the others do. %s", pk, refusal)
            _tell_that_it_is_not_released(pk, refusal, machine)


def _tell_that_it_is_not_released(pk, refusal, machine):
    promise = getattr(getattr(refusal.__cause__, "diag", None), "constraint_name", "") or "a promise of the database"
    says = f"It was decided and may not take effect: {promise.replace('_', ' ')}. Reopen it, so that somebody decides anew."
    with transaction.atomic():
        alerts.tell(Case.objects.one(pk), Alert.Code.NOT_RELEASED, says, by=machine, at=clock.now())


def end_expired_claims() -> None:
    """Leases that ran out are over in the history too; what the absent hold is offered to others."""
    queues.end_expired_claims()
    queues.offer_what_the_absent_hold()


def offer_what_nobody_may_hold() -> None:
    """Whoever lost the right to work a case holds it seconds longer, not the minutes of its lease."""
    returning.offer_what_nobody_may_hold()


def wake_the_snoozed(limit=500) -> None:
    """Snoozes that are over: the cases come back, more urgent than they were."""
    machine = User.objects.machine()
    over = Pause.objects.open().filter(kind=Pause.Kind.SNOOZE, until__lte=clock.now()).order_by("until")
    for pk in list(over.values_list("case", flat=True)[:limit]):
        try:
            actions.wake(pk, by=machine)
        except Conflict:
            continue  # it went on in the meantime


def end_contracts_that_are_over() -> None:
    """A contract ends with its period: seats end, and what no mandate covers comes back to the house."""
    ending.end_what_is_over()


def call_the_time(limit=500) -> None:
    """Whoever works what is due soon is warned; what is overdue is more urgent, and the owner of exceptions hears of it."""
    machine, now = User.objects.machine(), clock.now()
    with transaction.atomic():
        deadlines.settle_what_is_over(now)
        late, soon = list(deadlines.breached(now)[:limit]), deadlines.due_soon(now)[:limit]
    for verb, found in ((actions.breach, late), (actions.warn, soon)):
        for pk in found:
            try:
                verb(pk, by=machine)
            except Conflict:
                continue  # decided, or paused, in the meantime


def list_what_is_stuck() -> str:
    """Once a day, with its first run."""
    return f"{stuck.write(clock.now()):,} lines written."


def name_what_will_be_late() -> str:
    """To the owner of exceptions and the vendor's lead, from two hours before the end of each shift."""
    with transaction.atomic():
        return f"{outlook.name_what_will_be_late(clock.now()):,} named."


def expire_approvals(limit=500) -> None:
    """Approvals whose time is over are the owner of risk's; alerts of what has left the approval desk are settled."""
    machine, now = User.objects.machine(), clock.now()
    told = Alert.objects.open().filter(code=Alert.Code.APPROVAL_EXPIRED)
    with transaction.atomic():
        told.exclude(case__state=APPROVAL).update(settled_at=now)
    over = Case.objects.filter(state=APPROVAL, expires_at__lte=now).exclude(pk__in=told.values("case"))
    for pk in list(over.order_by("expires_at").values_list("pk", flat=True)[:limit]):
        try:
            actions.expire(pk, by=machine)
        except Conflict:
            continue  # decided or extended in the meantime


def name_what_nobody_can_approve(limit=500) -> None:
    """To the owner of risk, at once and not at the deadline; settled as soon as somebody can."""
    machine, now = User.objects.machine(), clock.now()
    with transaction.atomic():
        named = Alert.objects.open().filter(code=Alert.Code.NOBODY_CAN_APPROVE)
        # what came back to the desk since: what was said of it may be over
        named.filter(case__desk_since__gt=F("raised_at")).update(settled_at=now)
        stuck, known = eligibility.without_an_approver(now), dict(named.values_list("case", "pk"))
        named.filter(pk__in=[known[pk] for pk in known.keys() - stuck]).update(settled_at=now)
        for pk in sorted(stuck - known.keys())[:limit]:
            case = Case.objects.one(pk)
            alerts.tell(case, Alert.Code.NOBODY_CAN_APPROVE, eligibility.why_nobody(case, now), by=machine, at=now)


def give_waiting_work() -> None:
    """What waits on a side goes to another that is there for it."""
    taking_over.sweep(by=User.objects.machine())


def remind_of_broken_glass() -> None:
    """A broken glass that nobody reviewed within the working day is told to the owner of risk."""
    machine, now = User.objects.machine(), clock.now()
    late = BreakGlassReview.objects.filter(reviewed_at=None, due_at__lte=now).select_related("decision__case", "decision__by")
    with transaction.atomic():
        for review in late:
            says = f"{review.decision.by} broke the glass on {review.decision.at:%Y-%m-%d}, and nobody reviewed it in time. Ask another in-house person to."
            alerts.tell(review.decision.case, Alert.Code.REVIEW_OVERDUE, says, by=machine, at=now)


def tell_of_approvals_needed_soon() -> None:
    """Whoever may approve what expires within the hour."""
    with transaction.atomic():
        notices.tell_of_approvals_needed_soon(by=User.objects.machine(), now=clock.now())


def send_mails() -> str:
    """What people have not read, to those who want it by mail at this time of theirs."""
    digests.make_due(clock.now())
    sent = digests.send_due()
    return f"{sent:,} mails sent." if sent else ""


def make_replay(replay_id) -> str:
    """A replay that somebody asked for; its progress is the job's."""
    with transaction.atomic():
        asked = Replay.objects.select_related("policy__workflow").get(pk=replay_id)
    made = replay.make(asked, told=running.progress)
    return f"{made.counted:,} cases replayed."


def do_a_bulk(bulk_id) -> str:
    """One verb on many cases, for whoever asked; its progress is the job's."""
    made = bulk.go_through_as_its_person(bulk_id, told=running.progress)
    return f"{made.rows.count():,} cases gone through."


def note_what_cases_are_found_by() -> None:
    """References and words of what came in since: a search finds them from now on."""
    finding.note_new()


def note_what_was_missed() -> str:
    """Once a day: what was committed long after it was stored, and so was passed over."""
    return f"{finding.note_all():,} noted."


@transaction.atomic
def forget_what_was_left_unfinished() -> None:
    """What somebody had begun of a case that was decided or changed since is nobody's any more."""
    unfinished.forget()
