"""The verbs of review and resolution."""

from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.actions.answering import answered_first
from cases.actions.closing import close_if_closed, keep_rework
from cases.actions.content import edit, keep_new_values, require_approval
from cases.actions.reasons import give_reason_code, said
from cases.gate import changing
from cases.models import Rework, Ruling
from cases.states import APPROVAL
from scorecards import actions as scorecards
from workflows.models import compiled_policy


def accept(case_id, *, by, reason="", marks=None, active_seconds=None):
    """The output may stand as it is. Refused under the scorecard's pass mark or on a failed critical criterion."""
    with changing(case_id, "accept", by=by, reason=reason) as case:
        answered_first(case)
        _mark(case, marks, must_pass=True)
        case.story.active_seconds = active_seconds
        case.accept()
        close_if_closed(case)
    return case


def correct(case_id, *, by, output, action=None, reason="", marks=None, root_causes=None, new_values=None, active_seconds=None):
    """The output stands as given. `root_causes` and `new_values` are by dotted field; a new value is kept, never released."""
    with changing(case_id, "correct", by=by, reason=reason) as case:
        answered_first(case)
        _mark(case, marks)
        edit(case, output, action, root_causes, new_values)
        if not case.story.corrections:
            raise ValidationError(_("Nothing was changed. Accept the output instead, or change what is wrong."))
        case.story.active_seconds = active_seconds
        case.correct()
        close_if_closed(case)
        if case.released_at:
            keep_rework(case, Rework.Place.SAMPLED_REVIEW)
    return case


def escalate(case_id, *, by, reason, reason_code="", category=None, new_values=None, active_seconds=None):
    """From review to resolution; from resolution to approval, which is then required."""
    with changing(case_id, "escalate", by=by, reason=said(reason)) as case:
        give_reason_code(case, reason_code)
        _name_category(case, category)
        keep_new_values(case, new_values, {})
        case.story.active_seconds = active_seconds
        case.escalate()
        if case.state == APPROVAL:
            require_approval(case)
    return case


def resolve(
    case_id,
    *,
    by,
    reason,
    output=None,
    action=None,
    category=None,
    root_causes=None,
    new_values=None,
    active_seconds=None,
    section=None,
    ruling=None,
):
    """The exception is settled with an output: the one given, or what stands.

    `section` of the playbook or `ruling` on this case: the id of that on which the judgment rests.
    """
    with changing(case_id, "resolve", by=by, reason=said(reason)) as case:
        _name_category(case, category)
        _rest_on(case, section, ruling)
        edit(case, case.standing if output is None else output, action, root_causes, new_values)
        _withdraw_the_proposal_of_no_action(case)
        case.story.active_seconds = active_seconds
        case.resolve()
        close_if_closed(case)
        if case.released_at and case.story.before:
            keep_rework(case, Rework.Place.OTHER)
    return case


def no_action(case_id, *, by, reason, category, reason_code="", new_values=None, active_seconds=None):
    """Nothing is done, for a reason. Where the policy says so, an approver agrees first."""
    with changing(case_id, "no_action", by=by, reason=said(reason)) as case:
        give_reason_code(case, reason_code)
        if not category:
            raise ValidationError({"category": _("Say what kind of exception it was.")})
        _name_category(case, category)
        keep_new_values(case, new_values, {})
        case.story.active_seconds = active_seconds
        rules = compiled_policy(case.policy_id).rules
        case.no_action(approved_first=rules.no_action_needs_approval)
        case.proposes_no_action = case.story.voids = True
        if case.state == APPROVAL:
            require_approval(case)
        close_if_closed(case)
    return case


def _mark(case, marks, *, must_pass=False):
    """Marks belong to a review decision: they make an evaluation on the card of the case's policy version."""
    rules = compiled_policy(case.policy_id).rules
    if rules.scorecard is None:
        if marks:
            raise ValidationError({"marks": _("This workflow's policy names no scorecard.")})
        return
    if not marks:
        if rules.marks_required:
            raise ValidationError({"marks": _("Mark the output on the scorecard first.")})
        return
    card = scorecards.published(case.workflow, rules.scorecard)
    evaluation = scorecards.evaluate(card, scorecards.read_marks(marks), by=case.story.by)
    if must_pass and not evaluation.passed:
        critical = (
            gettext(" A critical criterion failed: {failed_critical}.").format(
                failed_critical=", ".join(evaluation.failed_critical)
            )
            if evaluation.failed_critical
            else ""
        )
        score = (
            gettext("{score} % is under the pass mark of {pass_mark} %.").format(
                score=evaluation.score, pass_mark=card.pass_mark
            )
            if evaluation.score is not None
            else ""
        )
        raise ValidationError(
            format_lazy(
                _("This output cannot be accepted. {score}{critical} Correct or escalate it."), score=score, critical=critical
            ).replace("  ", " ")
        )
    case.story.evaluation = evaluation


def _name_category(case, slug):
    if slug:
        category = case.workflow.categories.filter(slug=slug).first()
        if category is None:
            known = ", ".join(case.workflow.categories.values_list("slug", flat=True))
            raise ValidationError(
                {
                    "category": format_lazy(
                        _("There is no category “{slug}” in {workflow}. Choose one of: {known}."),
                        slug=slug,
                        workflow=case.workflow,
                        known=known,
                    )
                }
            )
        case.category = category


def _rest_on(case, section, ruling):
    """What the judgment rests on: a published section of the workflow's playbook, or a ruling on this case."""
    if section is not None and not case.workflow.playbook.published().filter(pk=section).exists():
        raise ValidationError({"section": _("The playbook of this workflow has no such section.")})
    if ruling is not None and not Ruling.objects.filter(pk=ruling, question__case=case.pk).exists():
        raise ValidationError({"ruling": _("There is no such ruling on this case.")})
    case.story.section, case.story.ruling = section, ruling


def _withdraw_the_proposal_of_no_action(case):
    if case.proposes_no_action:
        case.proposes_no_action, case.story.voids = False, True
