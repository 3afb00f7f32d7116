"""A reviewer's own answer, before he sees the AI's. It moves nothing and decides nothing."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from audit import clock, trail
from cases import blind
from cases.actions.content import fault
from cases.gate import asking, move, nobody_else_holds, what_happened
from cases.models import Case, OwnAnswer
from cases.seen import unblinded
from cases.states import REVIEW
from integrations.problems import Conflict
from workflows.models import compiled_policy


def own_answer(case_id, *, by, output, active_seconds=None) -> Case:
    """Keep what this person would have answered, and where the AI says otherwise; from now on he sees what it says."""
    with asking(case_id, "own_answer", by=by) as case:
        if case.state != REVIEW:
            raise Conflict(what_happened(case), code="not_from_here", state=case.state)
        nobody_else_holds(case, by)
        if not blind.is_asked(case):
            raise Conflict(_("The policy shows the AI's answer at once here; no own answer is asked for."), code="not_blind")
        if not blind.is_owed(case, by):
            raise Conflict(_("You gave your own answer already."), code="answered_already")
        _check(output, compiled_policy(case.policy_id))
        differs = blind.differing(output, unblinded(case, by).output)
        OwnAnswer.objects.create(
            case=case,
            by=by,
            vendor_id=by.vendor_id,
            at=clock.now(),
            answer=output,
            differs=differs,
            active_seconds=active_seconds,
        )
        trail.record("case.own_answer", by=by, subject=case, differs=differs, **move(case, case.state))
    return case


def answered_first(case):
    """Whoever reviews blind has answered before he decides. Raises Conflict."""
    if blind.is_owed(case, case.story.by):
        raise Conflict(_(blind.FIRST), code="own_answer_first")


def _check(output, policy):
    """Each value must be one that the schema permits; a fault is named at its field."""
    faults = {}
    for error in policy.output.iter_errors(output):
        where = ".".join(["output", *map(str, error.instance_path)])
        faults.setdefault(where, []).append(fault(error))
    if not output:
        faults = {"output": [_("Answer at least one of the values.")]}
    if faults:
        raise ValidationError(faults)
