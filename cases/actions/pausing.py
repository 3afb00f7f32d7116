"""The verbs of a clock that stands: waiting on somebody, putting it off, going on. They move nothing and decide nothing."""

from contextlib import contextmanager
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from audit import clock, trail
from cases import pauses
from cases.actions.reasons import said
from cases.gate import asking, end_claim, move, nobody_else_holds, what_happened
from cases.models import Pause
from cases.models.clocks import LONGEST
from cases.states import OPEN
from integrations.problems import Conflict
from workflows.models import compiled_policy

SNOOZE = Pause.Kind.SNOOZE
WAITS = {Pause.Kind.CUSTOMER.value: "the customer", Pause.Kind.TEAM.value: "another team"}
MOST_URGENT = 1000


def pause(case_id, *, by, on, whom, reason, until=None):
    """It waits on the customer or on another team (`on`), in words on `whom`. It goes on when somebody says so.

    `until` is when that is planned; past it, the case is named as stuck and still waits.
    """
    with at_a_desk(case_id, "pause", by) as case:
        if on not in WAITS:
            raise ValidationError({"on": format_lazy(_("Say on whom it waits: {choices}."), choices=", ".join(WAITS))})
        whom = said(whom, "whom").strip()
        made = stand(case, "pause", by, kind=on, on_whom=whom, reason=said(reason).strip(), until=until)
        record(case, "pause", by, made.reason, pause=made.pk, waits=WAITS[on], until=until)
    return case


def snooze(case_id, *, by, reason, until):
    """Put it off until then, for a reason. It comes back by itself, more urgent than it was."""
    with at_a_desk(case_id, "snooze", by) as case:
        if until is None:
            raise ValidationError({"until": _("Say until when.")})
        if snoozed := case.pauses.open().filter(kind=SNOOZE).first():
            raise Conflict(
                format_lazy(
                    _("{who} snoozed it already, until {until:%Y-%m-%d %H:%M} UTC. Let it go on first."),
                    who=snoozed.by,
                    until=snoozed.until,
                ),
                code="already_snoozed",
                until=snoozed.until,
            )
        made = stand(case, "snooze", by, kind=SNOOZE, reason=said(reason).strip(), until=until)
        record(case, "snooze", by, made.reason, pause=made.pk, until=until)
    return case


def go_on(case_id, *, by, reason="", pause=None):
    """What it waited for is there: all its pauses are over, or the one named. With the last of them it is due anew."""
    with at_a_desk(case_id, "go_on", by) as case:
        if case.paused_since is None:
            raise Conflict(_("Its clock runs already: nothing of it is paused."), code="not_paused")
        ended = end(case, "go_on", by, only=pause)
        if not ended:
            raise ValidationError({"pause": _("No open pause of this case has that id.")})
        record(case, "go_on", by, (reason or "").strip(), pauses=[each.pk for each in ended], still=case.paused_since)
    return case


def wake(case_id, *, by):
    """Its snooze is over: it comes back by itself, more urgent than before. Done by the machine."""
    with at_a_desk(case_id, "wake", by) as case:
        over = case.pauses.open().filter(kind=SNOOZE, until__lte=clock.now()).first()
        if over is None:
            raise Conflict("No snooze of this case is over.", code="not_due")
        end(case, "wake", by, only=over.pk)
        record(case, "wake", by, "", pauses=[over.pk], still=case.paused_since)
    return case


@contextmanager
def at_a_desk(case_id, verb, by):
    """As the gate asks, for a case that still waits at a desk and that nobody else holds."""
    with asking(case_id, verb, by=by) as case:
        if case.state not in OPEN:
            raise Conflict(what_happened(case), code="not_from_here", state=case.state)
        if by.kind == by.Kind.PERSON:
            nobody_else_holds(case, by)
        yield case


def stand(case, verb, by, *, until, **told) -> Pause:
    """From now on its clock stands, and nobody holds it."""
    now = clock.now()
    _check(until, now)
    case.paused_since = case.paused_since or now
    if case.claimed_by_id:
        end_claim(case, verb, at=now)
        case.claimed_by = case.claimed_until = None
    case.save(update_fields=["paused_since", "claimed_by", "claimed_until"])
    return Pause.objects.create(case=case, desk=case.state, by=by, since=now, until=until, **told)


def _check(until: datetime | None, now):
    if until is None:
        return
    if until.tzinfo is None:
        raise ValidationError({"until": _("Say in which time zone, such as 2026-06-01T09:00:00Z.")})
    if until <= now:
        raise ValidationError({"until": _("That moment is past. Choose a later one.")})
    if until > now + LONGEST:
        raise ValidationError({"until": format_lazy(_("Choose a moment within {days} days."), days=LONGEST.days)})


def end(case, verb, by, *, only) -> list[Pause]:
    """Its pauses are over, or the one of that id; with the last of them its clock goes on."""
    ended = pauses.end(case, by=by, verb=verb, at=clock.now(), only=only)
    if any(each.kind == SNOOZE for each in ended):
        boost = compiled_policy(case.policy_id).rules.snooze_boost
        case.priority = min(case.priority + boost, MOST_URGENT)
    case.save(update_fields=["paused_since", "due_at", "priority"])
    return ended


def record(case, verb, by, words, **facts):
    told = {name: value for name, value in facts.items() if value is not None}
    trail.record(f"case.{verb}", by=by, subject=case, words=words, **told, **move(case, case.state))
