"""Taking back, passing on, and what comes after a close."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import Absence, User
from accounts.roles import Role
from audit.wording import within
from cases import sides
from cases.actions.closing import close, keep_rework
from cases.actions.content import restore
from cases.actions.reasons import said
from cases.actions.talking import note
from cases.gate import changing
from cases.models import Notice, Rework
from cases.states import DESKS, ClosedAs
from cases.talk import notices
from integrations.problems import Conflict
from workflows.models import Seat


def recall(case_id, *, by, reason):
    """Whoever sent it to approval takes it back; approvals given are void."""
    with changing(case_id, "recall", by=by, reason=said(reason)) as case:
        case.story.decides, case.story.voids = False, True
        case.recall(to=case.standing_facts.sent.get("desk"))
    return case


def undo(case_id, *, by, reason=""):
    """Within the grace window the decider takes the decision back; what it changed is as before."""
    with changing(case_id, "undo", by=by, reason=reason) as case:
        if case.settles_at is None or case.settles_at <= case.story.now:
            raise Conflict(_("The time to undo is over: the decision has taken effect."), code="too_late_to_undo")
        last = case.standing_facts.last
        case.story.decides, case.story.voids = False, True
        case.story.stood = _moments(last["desk_since"], last["expires_at"])
        _restore(case, last)
        case.undo(to=last["desk"])
    return case


def hand_over(case_id, *, by, reason, to=None, side=None):
    """The same desk, somebody else: the named person, a side (“house” or a vendor's id), or whoever else is on it.

    Never back to whoever passed it on. A vendor's people hand to their own and back to the house, the house to any side.
    """
    with changing(case_id, "hand_over", by=by, reason=said(reason)) as case:
        person = _seated(case, to) if to is not None else None
        case.story.decides = False
        case.story.facts = {"to_person": person and person.pk}
        case.passed_by = [*case.passed_by, by.pk]
        case.assigned_to = person
        wanted = _side_wanted(case, person, side)
        if wanted != (case.vendor_id or sides.HOUSE):
            sides.hand_to(case, wanted, case.story)
        note(case, by=by, text=reason)
        notices.tell([person.pk] if person else [], Notice.Kind.HANDED, case, by=by)
        case.hand_over()
    return case


def withdraw(case_id, *, by, reason=""):
    """Whoever sent it no longer wants it. What was released is not withdrawn: report a rework."""
    with changing(case_id, "withdraw", by=by, reason=reason) as case:
        if case.released_at:
            raise Conflict(_("The output was released already. Report a rework instead."), code="already_released")
        case.story.decides = False
        case.withdraw()
        close(case, ClosedAs.WITHDRAWN, at_once=True)
    return case


def reopen(case_id, *, by, reason, place=Rework.Place.OTHER, **measured):
    """It was wrong after all: back to resolution, as rework. `measured`: severity, minutes, cost, currency."""
    with changing(case_id, "reopen", by=by, reason=said(reason)) as case:
        if case.settles_at:
            raise Conflict(_("The decision has not taken effect yet. Whoever decided can undo it."), code="not_settled")
        case.story.decides = False
        case.reopen()
        if case.released_at:
            keep_rework(case, place, **measured)
    return case


def rework(case_id, *, by, reason, place, **measured):
    """A correction made elsewhere after release: noted with where it was found and what it cost; nothing moves."""
    with changing(case_id, "rework", by=by, reason=said(reason)) as case:
        if not case.released_at:
            raise Conflict(_("Nothing of this case was released, so there is nothing to rework."), code="not_released")
        case.story.decides = False
        keep_rework(case, place, **measured)
    return case


def settle_case(case_id, *, by):
    """The grace window is over: the decision takes effect. Done by the machine."""
    with changing(case_id, "settle", by=by) as case:
        case.story.decides = False
        if case.settles_at is None or case.settles_at > case.story.now:
            raise Conflict("This case is not due to settle.", code="not_due")
        case.story.settles = True
    return case


def _moments(since, expires) -> tuple | None:
    """As a decision keeps them; of one made before they were kept nothing is known, and the desk's clocks start anew."""
    return (datetime.fromisoformat(since), expires and datetime.fromisoformat(expires)) if since else None


def _restore(case, last):
    """What stood before the decision that is undone."""
    if last["verb"] == "no_action":
        case.proposes_no_action = False
    if before := last["before"]:
        restore(case, before)


def _side_wanted(case, person, side) -> int:
    """The side it goes to: the person's, the one named, or the one that has it."""
    named = sides.HOUSE if side == "house" else side
    if person is None:
        return (case.vendor_id or sides.HOUSE) if named is None else named
    if named is not None and named != (person.vendor_id or sides.HOUSE):
        raise ValidationError(
            {"side": format_lazy(_("{person} works for another side. Name the person or the side."), person=person)}
        )
    return person.vendor_id or sides.HOUSE


def _seated(case, user_id) -> User:
    """Whoever is to take the case over: somebody with a live seat at this desk, who has not passed it on himself."""
    seat = (
        Seat.objects.live()
        .select_related("user")
        .filter(user_id=user_id, workflow=case.workflow, role=DESKS.get(case.state, Role.REVIEWER), user__is_active=True)
        .first()
    )
    if seat is None:
        raise ValidationError(
            {"to": format_lazy(_("Nobody with that id holds a seat at {desk} here."), desk=within(case.get_state_display()))}
        )
    if Absence.objects.at(case.story.now).filter(user=user_id).exists():
        raise ValidationError({"to": format_lazy(_("{user} is away. Choose somebody else."), user=seat.user)})
    mine = case.story.by.vendor_id
    if mine is not None and seat.user.vendor_id not in (None, mine):
        raise ValidationError({"to": _("Your side's work goes to your own people or back to the house.")})
    if user_id in case.passed_by or user_id == case.story.by.pk:
        raise ValidationError(
            {"to": format_lazy(_("{user} passed this case on already. Choose somebody else."), user=seat.user)}
        )
    return seat.user
