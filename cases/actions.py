"""Every verb on a case, one short function each: called by admin, API and jobs. No other code changes state."""

from datetime import timedelta
from decimal import Decimal

from django.core.exceptions import PermissionDenied, ValidationError

from accounts.models import Absence, User
from accounts.roles import Office, Ownership, Role
from audit import clock, trail
from cases import alerts, lookback
from cases.chains import approvals, as_steps, is_complete_with_one_more
from cases.corrections import differences
from cases.gate import asking, changing, move, what_happened
from cases.models import Alert, BreakGlassReview, Correction, Rework
from cases.permissions import seat_for
from cases.states import APPROVAL, CLOSED, DESKS, ClosedAs
from integrations.problems import Conflict
from scorecards import actions as scorecards
from workflows import money
from workflows.models import Owner, Seat, compiled_policy
from workflows.patterns import RANK
from workflows.routing import Dial, action_in, chain_for, route

MOST_MINUTES = 60 * 24 * 366  # that an approval may wait


# review


def accept(case_id, *, by, reason="", marks=None, active_seconds=None):
    """The output may stand as it is. Refused under the scorecard's pass mark or on a failed critical criterion."""
    with changing(case_id, "accept", by=by, reason=reason) as case:
        _mark(case, marks, must_pass=True)
        case.story.active_seconds = active_seconds
        case.accept()
        _close_if_closed(case)
    return case


def correct(case_id, *, by, output, action=None, reason="", marks=None, root_causes=None, new_values=None, active_seconds=None):
    """The output stands as given. `root_causes` and `new_values` are by dotted field; a new value is kept, never released."""
    with changing(case_id, "correct", by=by, reason=reason) as case:
        _mark(case, marks)
        _edit(case, output, action, root_causes, new_values)
        if not case.story.corrections:
            raise ValidationError("Nothing was changed. Accept the output instead, or change what is wrong.")
        case.story.active_seconds = active_seconds
        case.correct()
        _close_if_closed(case)
        if case.released_at:
            _rework(case, Rework.Place.SAMPLED_REVIEW)
    return case


def escalate(case_id, *, by, reason, reason_code="", category=None, new_values=None, active_seconds=None):
    """From review to resolution; from resolution to approval, which is then required."""
    with changing(case_id, "escalate", by=by, reason=_said(reason)) as case:
        _give_reason_code(case, reason_code)
        _name_category(case, category)
        _keep_new_values(case, new_values, {})
        case.story.active_seconds = active_seconds
        case.escalate()
        if case.state == APPROVAL:
            _require_approval(case)
    return case


# resolution


def resolve(
    case_id, *, by, reason, output=None, action=None, category=None, root_causes=None, new_values=None, active_seconds=None
):
    """The exception is settled with an output: the one given, or what stands."""
    with changing(case_id, "resolve", by=by, reason=_said(reason)) as case:
        _name_category(case, category)
        _edit(case, case.standing if output is None else output, action, root_causes, new_values)
        _withdraw_the_proposal_of_no_action(case)
        case.story.active_seconds = active_seconds
        case.resolve()
        _close_if_closed(case)
        if case.released_at and case.story.before:
            _rework(case, Rework.Place.OTHER)
    return case


def no_action(case_id, *, by, reason, category, reason_code="", new_values=None, active_seconds=None):
    """Nothing is done, for a reason. Where the policy says so, an approver agrees first."""
    with changing(case_id, "no_action", by=by, reason=_said(reason)) as case:
        _give_reason_code(case, reason_code)
        if not category:
            raise ValidationError({"category": "Say what kind of exception it was."})
        _name_category(case, category)
        _keep_new_values(case, new_values, {})
        case.story.active_seconds = active_seconds
        rules = compiled_policy(case.policy_id).rules
        case.no_action(approved_first=rules.no_action_needs_approval)
        case.proposes_no_action = case.story.voids = True
        if case.state == APPROVAL:
            _require_approval(case)
        _close_if_closed(case)
    return case


# approval


def approve(
    case_id, *, by, reason="", reason_code="", output=None, action=None, digest=None, break_glass=False, active_seconds=None
):
    """One approval of exactly what stands, or of it as edited here. `digest` (hex) names what the approver saw.

    An edit that raises amount, payee, type or tier (or where the policy always asks) stands as an edit, and another
    approver takes it: the case stays at approval. `break_glass`: the owner of risk takes the step beyond a limit, for an
    absent approver or after the expiry; he says why, and another in-house person reviews it within a working day.
    """
    with changing(case_id, "break_glass" if break_glass else "approve", by=by, reason=reason) as case:
        case.story.verb, case.story.breaks_glass = "approve", break_glass
        _is_in_time(case)
        if digest is not None and digest != bytes(case.digest).hex():
            raise Conflict("The content has changed since you saw it. Look at it again.", code="content_changed")
        _give_reason_code(case, reason_code)
        case.story.active_seconds = active_seconds
        if break_glass:
            _check_the_glass(case, output, action)
        elif (output is not None or action is not None) and _edit_goes_to_another(case, output, action):
            case.story.verb = "edit"
            case.approve(complete=False)
            return case
        case.approve(complete=is_complete_with_one_more(case.chain, case.standing_facts.given))
        _close_if_closed(case)
    return case


def reject(case_id, *, by, reason, reason_code="", active_seconds=None):
    """It is not done."""
    with changing(case_id, "reject", by=by, reason=_said(reason)) as case:
        _is_in_time(case)
        _give_reason_code(case, reason_code)
        case.story.active_seconds = active_seconds
        case.reject()
        _close(case, ClosedAs.REJECTED)
    return case


def send_back(case_id, *, by, reason, reason_code="", active_seconds=None):
    """One desk back, with a reason; approvals given are void."""
    with changing(case_id, "send_back", by=by, reason=_said(reason)) as case:
        _is_in_time(case)
        _give_reason_code(case, reason_code)
        case.story.active_seconds = active_seconds
        case.story.voids = True
        case.send_back()
    return case


def extend(case_id, *, by, reason, minutes):
    """The owner of risk gives an approval more time, counted from now. It moves nothing: whoever holds the case goes on."""
    with asking(case_id, "extend", by=by) as case:
        if case.state != APPROVAL:
            raise Conflict(what_happened(case), code="not_from_here", state=case.state)
        now = clock.now()
        case.expires_at = _later(case.expires_at, now, minutes)
        trail.record(  # first: the database lets nobody move the time without these words of the owner of risk
            "case.extend", by=by, subject=case, words=_said(reason).strip(), until=case.expires_at, **move(case, case.state)
        )
        case.save(update_fields=["expires_at"])
        alerts.settle(case, Alert.Code.APPROVAL_EXPIRED, at=now)
    return case


def expire(case_id, *, by):
    """The time to approve is over: the owner of risk is told. It never approves. Done by the machine."""
    with asking(case_id, "expire", by=by) as case:
        if case.state != APPROVAL or not case.standing_facts.expired:
            raise Conflict("This approval is not due to expire.", code="not_due")
        says = f"The time to approve ran out on {case.expires_at:%Y-%m-%d at %H:%M} UTC. Reject it, send it back, extend it or break the glass."
        if alerts.raise_for(case, Alert.Code.APPROVAL_EXPIRED, says, at=clock.now()):
            trail.record("case.expire", by=by, subject=case, expired_at=case.expires_at, **move(case, case.state))
    return case


def review_break_glass(case_id, *, by, verdict, note=""):
    """Another in-house person says whether breaking the glass was right: of the oldest one of this case that nobody reviewed."""
    with asking(case_id, "review_break_glass", by=by) as case:
        review = BreakGlassReview.objects.select_related("decision").filter(decision__case=case, reviewed_at=None).first()
        if review is None:
            raise Conflict("No broken glass of this case waits for a review.", code="nothing_to_review")
        if review.decision.by_id == by.pk:
            raise PermissionDenied("You broke this glass yourself, so somebody else must review it.")
        _stands_by_himself(case, by, review.decision.by_id)
        if verdict not in BreakGlassReview.Verdict.values:
            raise ValidationError({"verdict": f"Say one of: {', '.join(BreakGlassReview.Verdict.values)}."})
        if verdict == BreakGlassReview.Verdict.OBJECTED:
            _said(note, "note")
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
        raise PermissionDenied("You stand in for whoever broke this glass, so somebody else must review it.")


# taking back, passing on


def recall(case_id, *, by, reason):
    """Whoever sent it to approval takes it back; approvals given are void."""
    with changing(case_id, "recall", by=by, reason=_said(reason)) as case:
        case.story.decides, case.story.voids = False, True
        case.recall(to=case.standing_facts.sent.get("desk"))
    return case


def undo(case_id, *, by, reason=""):
    """Within the grace window the decider takes the decision back; what it changed is as before."""
    with changing(case_id, "undo", by=by, reason=reason) as case:
        if case.settles_at is None or case.settles_at <= case.story.now:
            raise Conflict("The time to undo is over: the decision has taken effect.", code="too_late_to_undo")
        last = case.standing_facts.last
        case.story.decides, case.story.voids = False, True
        _restore(case, last)
        case.undo(to=last["desk"])
    return case


def hand_over(case_id, *, by, reason, to=None):
    """The same desk, somebody else: the named person, or whoever else is on it. Never back to whoever passed it on."""
    with changing(case_id, "hand_over", by=by, reason=_said(reason)) as case:
        person = _seated(case, to) if to is not None else None
        case.story.decides = False
        case.story.facts = {"to_person": person and person.pk}
        case.passed_by = [*case.passed_by, by.pk]
        case.assigned_to = person
        case.vendor_id = person.vendor_id if person else case.vendor_id
        case.hand_over()
    return case


def withdraw(case_id, *, by, reason=""):
    """Whoever sent it no longer wants it. What was released is not withdrawn: report a rework."""
    with changing(case_id, "withdraw", by=by, reason=reason) as case:
        if case.released_at:
            raise Conflict("The output was released already. Report a rework instead.", code="already_released")
        case.story.decides = False
        case.withdraw()
        _close(case, ClosedAs.WITHDRAWN, at_once=True)
    return case


def reopen(case_id, *, by, reason, place=Rework.Place.OTHER, **measured):
    """It was wrong after all: back to resolution, as rework. `measured`: severity, minutes, cost, currency."""
    with changing(case_id, "reopen", by=by, reason=_said(reason)) as case:
        if case.settles_at:
            raise Conflict("The decision has not taken effect yet. Whoever decided can undo it.", code="not_settled")
        case.story.decides = False
        case.reopen()
        if case.released_at:
            _rework(case, place, **measured)
    return case


def rework(case_id, *, by, reason, place, **measured):
    """A correction made elsewhere after release: noted with where it was found and what it cost; nothing moves."""
    with changing(case_id, "rework", by=by, reason=_said(reason)) as case:
        if not case.released_at:
            raise Conflict("Nothing of this case was released, so there is nothing to rework.", code="not_released")
        case.story.decides = False
        _rework(case, place, **measured)
    return case


def settle_case(case_id, *, by):
    """The grace window is over: the decision takes effect. Done by the machine."""
    with changing(case_id, "settle", by=by) as case:
        case.story.decides = False
        if case.settles_at is None or case.settles_at > case.story.now:
            raise Conflict("This case is not due to settle.", code="not_due")
        case.story.settles = True
    return case


# what the verbs share


def _said(reason, field="reason"):
    if not (reason or "").strip():
        raise ValidationError({field: "Say why."})
    return reason


def _give_reason_code(case, code):
    """The reason code that the policy's list for this verb has; where it has any, one must be chosen."""
    verb = case.story.verb
    listed = [each.code for each in compiled_policy(case.policy_id).rules.reason_codes if verb in each.verbs]
    if listed and code not in listed:
        raise ValidationError({"reason_code": f"Choose a reason code: {', '.join(listed)}."})
    if code and not listed:
        raise ValidationError(
            {"reason_code": f"The policy lists no reason codes for “{verb.replace('_', ' ')}”. Leave it out."}
        )
    case.story.reason_code = code


def _later(stands, now, minutes):
    """So many minutes from now, where that is more time than there is."""
    if not 1 <= minutes <= MOST_MINUTES:
        raise ValidationError({"minutes": f"Give it from 1 to {MOST_MINUTES:,} minutes."})
    then = now + timedelta(minutes=minutes)
    if stands and then <= stands:
        raise ValidationError(
            {"minutes": f"It may be approved until {stands:%Y-%m-%d at %H:%M} UTC already. Give it more time."}
        )
    return then


def _is_in_time(case):
    """After its expiry an approval is the owner of risk's: he rejects it, sends it back, extends it or breaks the glass."""
    story, facts = case.story, case.standing_facts
    if not facts.expired or story.breaks_glass:
        return
    if story.verb == "approve" or Ownership.RISK not in facts.ownerships:
        owner = case.workflow.owners.select_related("user").filter(of=Ownership.RISK).first()
        who = f"{owner.user}, who owns the risk," if owner else "The owner of risk"
        raise Conflict(
            f"The time to approve ran out on {case.expires_at:%Y-%m-%d at %H:%M} UTC. {who} decides now.",
            code="approval_expired",
        )


def _check_the_glass(case, output, action):
    _said(case.story.reason)
    if output is not None or action is not None:
        raise ValidationError("Breaking the glass approves what stands. Send it back to have it changed.")


def _edit_goes_to_another(case, output, action) -> bool:
    """The approver's edit; whether it goes beyond what he may approve himself. Approvals before it are void."""
    before = (case.action, case.tier)
    _edit(case, case.standing if output is None else output, action)
    if not case.story.before:
        return False
    case.standing_facts.given = []
    return _another_must_take_it(case, *before) or seat_for("approve", case, case.standing_facts, case.story.by) is None


def _mark(case, marks, *, must_pass=False):
    """Marks belong to a review decision: they make an evaluation on the card of the case's policy version."""
    rules = compiled_policy(case.policy_id).rules
    if rules.scorecard is None:
        if marks:
            raise ValidationError({"marks": "This workflow's policy names no scorecard."})
        return
    if not marks:
        if rules.marks_required:
            raise ValidationError({"marks": "Mark the output on the scorecard first."})
        return
    card = scorecards.published(case.workflow, rules.scorecard)
    evaluation = scorecards.evaluate(card, scorecards.read_marks(marks), by=case.story.by)
    if must_pass and not evaluation.passed:
        critical = (
            f" A critical criterion failed: {', '.join(evaluation.failed_critical)}." if evaluation.failed_critical else ""
        )
        score = f"{evaluation.score} % is under the pass mark of {card.pass_mark} %." if evaluation.score is not None else ""
        raise ValidationError(f"This output cannot be accepted. {score}{critical} Correct or escalate it.".replace("  ", " "))
    case.story.evaluation = evaluation


def _edit(case, output, action=None, root_causes=None, new_values=None):
    """Put a new content in place of what stands, re-run tier and triggers on it, and keep what changed, field by field."""
    policy, root_causes = compiled_policy(case.policy_id), root_causes or {}
    _check_output(output, policy)
    new_action = _edited_action(case, output, action, policy)
    changed = [*differences(case.standing, output), *_action_differences(case.action, new_action)]
    case.story.corrections = [
        Correction(field=path, before=before, after=after, root_cause=root_causes.get(path, ""))
        for path, before, after in changed
    ]
    _keep_new_values(case, new_values, root_causes)
    if changed:
        case.story.before = {"output": case.standing_output, "action": {**case.action, "amount": _text(case.amount)}}
        case.story.output, case.story.voids = output, True
        case.standing_output = output
        _set_action(case, new_action)
        _reroute(case, policy)


def _check_output(output, policy):
    """The edited output must fit the schema; each fault is named at its field."""
    faults = {}
    for error in policy.output.iter_errors(output):
        where = ".".join(["output", *map(str, error.instance_path)])
        more = " Choose a permitted value, or escalate it and name the new value." if "is not one of" in error.message else ""
        faults.setdefault(where, []).append(f"{error.message}.{more}")
    if faults:
        raise ValidationError(faults)


def _edited_action(case, output, action, policy):
    """The action after an edit: what the output says where the policy reads it there, else as given, else as it stands."""
    sent = {**case.action, **(action or {})}
    for name in ("type", "amount", "currency", "payee"):
        if getattr(policy.rules.action_from, name):
            sent[name] = None if name == "amount" else ""
    derived, faults = action_in(output, sent, policy.rules)
    if faults:
        raise ValidationError({"action": [f"{fault[0].upper()}{fault[1:]}." for fault in faults]})
    return derived


def _action_differences(before, after):
    return [(f"action.{name}", _text(before[name]), _text(after[name])) for name in before if before[name] != after[name]]


def _text(value):
    return str(value) if isinstance(value, Decimal) else value


def _set_action(case, action):
    case.action_type, case.amount = action["type"], action["amount"]
    case.currency, case.payee = action["currency"], action["payee"]


def _reroute(case, policy):
    """Tier and required approval after an edit: they may only rise, and the reasons are kept.

    What came before the case is looked up anew, as of its arrival: an edited action may repeat an earlier one.
    """
    facts = {
        "input": case.input,
        "output": case.standing,
        "context": case.context or {},
        "action": case.action,
        "confidence": case.confidence,
        "confidences": case.confidences or {},
        "alternatives": case.alternatives,
        "segment": case.segment,
        "channel": case.channel,
        "customer_reference": case.customer_reference,
        "received_at": case.received_at,
        "earlier": lookback.before(case, policy.looks_back) if policy.looks_back else [],
    }
    anew = route(facts, policy, Dial(), draw=1.0)
    risen = RANK[anew.tier] > RANK[case.tier] or (anew.requires_approval and not case.requires_approval)
    if risen:
        case.story.facts |= {"tier": anew.tier, "risen_because": anew.sentence}
    if RANK[anew.tier] > RANK[case.tier]:
        case.tier = anew.tier
    if anew.requires_approval:
        _require_approval(case)


def _require_approval(case):
    """From now on somebody approves it, by the chain of what stands; a chain never gets shorter, and another one voids approvals."""
    steps = as_steps(chain_for(case.action, case.tier, compiled_policy(case.policy_id).rules))
    case.requires_approval = True
    if steps != case.chain and approvals(steps) >= case.approvals_needed:
        case.story.voids = case.story.voids or bool(case.chain)
        case.chain, case.approvals_needed = steps, approvals(steps)


def _another_must_take_it(case, action, tier):
    """Whether an approver's own edit goes beyond what he may approve himself."""
    raised = (case.amount or 0) > (action["amount"] or 0) or case.currency != action["currency"]
    other = (case.action_type, case.payee) != (action["type"], action["payee"])
    always = compiled_policy(case.policy_id).rules.another_approver_takes_edits
    return always or raised or other or RANK[case.tier] > RANK[tier]


def _keep_new_values(case, new_values, root_causes):
    """A value outside the schema's list: kept as a correction, counted for drift, never part of what is released."""
    for path, value in (new_values or {}).items():
        kept = Correction(field=path, before=None, after=value, root_cause=(root_causes or {}).get(path, ""), is_new_value=True)
        case.story.corrections.append(kept)


def _name_category(case, slug):
    if slug:
        category = case.workflow.categories.filter(slug=slug).first()
        if category is None:
            known = ", ".join(case.workflow.categories.values_list("slug", flat=True))
            raise ValidationError({"category": f"There is no category “{slug}” in {case.workflow}. Choose one of: {known}."})
        case.category = category


def _withdraw_the_proposal_of_no_action(case):
    if case.proposes_no_action:
        case.proposes_no_action, case.story.voids = False, True


def _close_if_closed(case):
    if case.state == CLOSED:
        if case.proposes_no_action:
            return _close(case, ClosedAs.NO_ACTION)
        _close(case, ClosedAs.RELEASED if _is_as_received(case) else ClosedAs.CORRECTED)


def _is_as_received(case):
    received = {"type": "", "amount": None, "currency": "", "payee": "", **(case.received_action or {})}
    received["amount"] = Decimal(received["amount"]) if received["amount"] is not None else None
    return case.standing == case.output and case.action == received


def _close(case, how, *, at_once=False):
    """It ends so; it takes effect now, or when the policy's grace window is over. What was released before has none."""
    grace = 0 if at_once or case.released_at else compiled_policy(case.policy_id).rules.grace_seconds
    case.closed_as, case.closed_at = how, case.story.now
    if grace:
        case.settles_at = case.story.now + timedelta(seconds=grace)
    else:
        case.story.settles = True


def _restore(case, last):
    """What stood before the decision that is undone."""
    if last["verb"] == "no_action":
        case.proposes_no_action = False
    if before := last["before"]:
        case.standing_output = before["output"]
        amount = before["action"]["amount"]
        _set_action(case, {**before["action"], "amount": Decimal(amount) if amount is not None else None})


def _seated(case, user_id) -> User:
    """Whoever is to take the case over: somebody with a live seat at this desk, who has not passed it on himself."""
    seat = (
        Seat.objects.live()
        .select_related("user")
        .filter(user_id=user_id, workflow=case.workflow, role=DESKS.get(case.state, Role.REVIEWER), user__is_active=True)
        .first()
    )
    if seat is None:
        raise ValidationError({"to": f"Nobody with that id holds a seat at {case.get_state_display().lower()} here."})
    if Absence.objects.at(case.story.now).filter(user=user_id).exists():
        raise ValidationError({"to": f"{seat.user} is away. Choose somebody else."})
    mine = case.story.by.vendor_id
    if mine is not None and seat.user.vendor_id not in (None, mine):
        raise ValidationError({"to": "Your side's work goes to your own people or back to the house."})
    if user_id in case.passed_by or user_id == case.story.by.pk:
        raise ValidationError({"to": f"{seat.user} passed this case on already. Choose somebody else."})
    return seat.user


def _rework(case, place, *, severity=Rework.Severity.MINOR, minutes=None, cost=None, currency=""):
    if fault := money.fault(cost, currency):
        raise ValidationError({"cost": fault})
    made = Rework.objects.create(
        case=case,
        by=case.story.by,
        at=case.story.now,
        place=place,
        severity=severity,
        minutes=minutes,
        cost=cost,
        currency=currency,
        reason=case.story.reason,
    )
    case.story.facts |= {"rework": made.pk, "place": place}
