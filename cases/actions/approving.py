"""The verbs at the approval desk, and what the owner of risk does there."""

from datetime import timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.roles import Office, Ownership
from audit import clock, trail
from cases import alerts
from cases.actions.closing import close, close_if_closed
from cases.actions.content import edit
from cases.actions.reasons import give_reason_code, said
from cases.chains import is_complete_with_one_more
from cases.gate import asking, changing, move, what_happened
from cases.models import Alert, BreakGlassReview, Retraction
from cases.permissions import seat_for
from cases.standard import tick_off
from cases.states import APPROVAL, ClosedAs
from integrations.problems import Conflict
from workflows.models import Owner, compiled_policy
from workflows.patterns import RANK

MOST_MINUTES = 60 * 24 * 366  # that an approval may wait


def approve(
    case_id,
    *,
    by,
    reason="",
    reason_code="",
    output=None,
    action=None,
    digest=None,
    break_glass=False,
    active_seconds=None,
    ticked=None,
):
    """One approval of exactly what stands, or of it as edited here. `digest` (hex) names what the approver saw.

    An edit that raises amount, payee, type or tier (or where the policy always asks) stands as an edit, and another
    approver takes it: the case stays at approval. `break_glass`: the owner of risk takes the step beyond a limit, for an
    absent approver or after the expiry; he says why, and another in-house person reviews it within a working day.
    `ticked`: the versions of the points of the standard that he had ticked; each verb of this desk keeps them.
    """
    with changing(case_id, "break_glass" if break_glass else "approve", by=by, reason=reason) as case:
        case.story.verb, case.story.breaks_glass = "approve", break_glass
        _is_in_time(case)
        if digest is not None and digest != bytes(case.digest).hex():
            raise Conflict(_("The content has changed since you saw it. Look at it again."), code="content_changed")
        _keep(case, reason_code, ticked, active_seconds)
        if break_glass:
            _check_the_glass(case, output, action)
            _stands_in_for_no_maker(case, by)
        elif (output is not None or action is not None) and _edit_goes_to_another(case, output, action):
            case.story.verb = "edit"
            case.approve(complete=False)
            return case
        case.approve(complete=is_complete_with_one_more(case.chain, case.standing_facts.given))
        close_if_closed(case)
    return case


def retract(case_id, *, by, reason):
    """One's own approval of what stands, while the case waits for others': its step is to be given again, and earlier ones stand."""
    with changing(case_id, "retract", by=by, reason=said(reason)) as case:
        case.retract()
        given = case.decisions.get(verb="approve", by=by, digest=case.digest, retraction=None)
        Retraction.objects.create(decision=given, by=by, at=case.story.now)
        case.story.decides, case.story.facts = False, {"approval": given.pk}
    return case


def reject(case_id, *, by, reason, reason_code="", active_seconds=None, ticked=None):
    """It is not done."""
    with changing(case_id, "reject", by=by, reason=said(reason)) as case:
        _is_in_time(case)
        _keep(case, reason_code, ticked, active_seconds)
        case.reject()
        close(case, ClosedAs.REJECTED)
    return case


def send_back(case_id, *, by, reason, reason_code="", active_seconds=None, ticked=None):
    """One desk back, with a reason; approvals given are void."""
    with changing(case_id, "send_back", by=by, reason=said(reason)) as case:
        _is_in_time(case)
        _keep(case, reason_code, ticked, active_seconds)
        case.story.voids = True
        case.send_back()
    return case


def _keep(case, reason_code, ticked, active_seconds):
    """What each verb of this desk keeps with the decision."""
    give_reason_code(case, reason_code)
    tick_off(case, ticked)
    case.story.active_seconds = active_seconds


def extend(case_id, *, by, reason, minutes):
    """The owner of risk gives an approval more time, counted from now. It moves nothing: whoever holds the case goes on."""
    with asking(case_id, "extend", by=by) as case:
        if case.state != APPROVAL:
            raise Conflict(what_happened(case), code="not_from_here", state=case.state)
        now = clock.now()
        case.expires_at = _later(case.expires_at, now, minutes)
        trail.record(  # first: the database lets nobody move the time without these words of the owner of risk
            "case.extend", by=by, subject=case, words=said(reason).strip(), until=case.expires_at, **move(case, case.state)
        )
        case.save(update_fields=["expires_at"])
        alerts.settle(case, Alert.Code.APPROVAL_EXPIRED, at=now)
    return case


def expire(case_id, *, by):
    """The time to approve is over: the owner of risk is told. It never approves. Done by the machine."""
    with asking(case_id, "expire", by=by) as case:
        if case.state != APPROVAL or not case.standing_facts.expired:
            raise Conflict(_("This approval is not due to expire."), code="not_due")
        ran_out = f"The time to approve ran out on {case.expires_at:%Y-%m-%d at %H:%M} UTC."
        says = f"{ran_out} Reject it, send it back, extend it or break the glass."
        if alerts.raise_for(case, Alert.Code.APPROVAL_EXPIRED, says, at=clock.now()):
            trail.record("case.expire", by=by, subject=case, expired_at=case.expires_at, **move(case, case.state))
    return case


def review_break_glass(case_id, *, by, verdict, note=""):
    """Another in-house person says whether breaking the glass was right: of the oldest one of this case that nobody reviewed."""
    with asking(case_id, "review_break_glass", by=by) as case:
        review = BreakGlassReview.objects.select_related("decision").filter(decision__case=case, reviewed_at=None).first()
        if review is None:
            raise Conflict(_("No broken glass of this case waits for a review."), code="nothing_to_review")
        if review.decision.by_id == by.pk:
            raise PermissionDenied(_("You broke this glass yourself, so somebody else must review it."))
        _stands_by_himself(case, by, review.decision.by_id)
        if verdict not in BreakGlassReview.Verdict.values:
            raise ValidationError(
                {"verdict": format_lazy(_("Say one of: {values}."), values=", ".join(BreakGlassReview.Verdict.values))}
            )
        if verdict == BreakGlassReview.Verdict.OBJECTED:
            said(note, "note")
        now = clock.now()
        BreakGlassReview.objects.filter(pk=review.pk).update(
            reviewed_by=by, reviewed_at=now, verdict=verdict, note=note.strip()
        )
        alerts.settle(case, Alert.Code.REVIEW_OVERDUE, at=now)
        trail.record(
            "case.review_break_glass",
            by=by,
            subject=case,
            words=note.strip(),
            decision=review.decision_id,
            verdict=verdict,
            **move(case, case.state),
        )
    return case


def _stands_by_himself(case, by, breaker):
    """Who may look at it only as the stand-in of whoever broke the glass was chosen by him."""
    if by.office in (Office.MANAGER, Office.AUDITOR):
        return
    if not Owner.objects.acting_as(by, clock.now()).filter(workflow=case.workflow_id).exclude(user=breaker).exists():
        raise PermissionDenied(_("You stand in for whoever broke this glass, so somebody else must review it."))


def _later(stands, now, minutes):
    """So many minutes from now, where that is more time than there is."""
    if not 1 <= minutes <= MOST_MINUTES:
        raise ValidationError(
            {"minutes": format_lazy(_("Give it from 1 to {MOST_MINUTES:,} minutes."), MOST_MINUTES=MOST_MINUTES)}
        )
    then = now + timedelta(minutes=minutes)
    if stands and then <= stands:
        raise ValidationError(
            {
                "minutes": format_lazy(
                    _("It may be approved until {stands:%Y-%m-%d at %H:%M} UTC already. Give it more time."), stands=stands
                )
            }
        )
    return then


def _is_in_time(case):
    """After its expiry an approval is the owner of risk's: he rejects it, sends it back, extends it or breaks the glass."""
    story, facts = case.story, case.standing_facts
    if not facts.expired or story.breaks_glass:
        return
    if story.verb == "approve" or Ownership.RISK not in facts.ownerships:
        owner = case.workflow.owners.select_related("user").filter(of=Ownership.RISK).first()
        who = gettext("{user}, who owns the risk,").format(user=owner.user) if owner else gettext("The owner of risk")
        raise Conflict(
            format_lazy(
                _("The time to approve ran out on {expires_at:%Y-%m-%d at %H:%M} UTC. {who} decides now."),
                expires_at=case.expires_at,
                who=who,
            ),
            code="approval_expired",
        )


def _check_the_glass(case, output, action):
    said(case.story.reason)
    if output is not None or action is not None:
        raise ValidationError(_("Breaking the glass approves what stands. Send it back to have it changed."))


def _stands_in_for_no_maker(case, by):
    """As a delegate of a maker approves nothing, whoever acts in the place of one breaks no glass over it."""
    owned = Owner.objects.acting_as(by, case.story.now).filter(workflow=case.workflow_id, of=Ownership.RISK)
    if not owned.exclude(user__in={*case.standing_facts.makers, case.standing_facts.behind} - {None, by.pk}).exists():
        raise PermissionDenied(
            _("You stand in for somebody who worked on this content, so somebody else must break the glass for it.")
        )


def _edit_goes_to_another(case, output, action) -> bool:
    """The approver's edit; whether it goes beyond what he may approve himself. Approvals before it are void."""
    before = (case.action, case.tier)
    edit(case, case.standing if output is None else output, action)
    if not case.story.before:
        return False
    case.standing_facts.given = []
    return _another_must_take_it(case, *before) or seat_for("approve", case, case.standing_facts, case.story.by) is None


def _another_must_take_it(case, action, tier):
    """Whether an approver's own edit goes beyond what he may approve himself."""
    raised = (case.amount or 0) > (action["amount"] or 0) or case.currency != action["currency"]
    other = (case.action_type, case.payee) != (action["type"], action["payee"])
    always = compiled_policy(case.policy_id).rules.another_approver_takes_edits
    return always or raised or other or RANK[case.tier] > RANK[tier]
