"""What somebody decided and took back stands in his form again: he mends it, and types nothing twice."""

from django.utils.translation import gettext_lazy as _

from audit.models import AuditEvent
from cases import outputs
from cases.forms import NA
from cases.seen import is_blind, output_of, rows, whole
from cases.states import CLOSED
from cases.work_form import WorkForm
from workflows.models import compiled_policy

ANSWER = _("Your undone answer stands below, and beside it what stood before. Mend it, or choose something else.")
DECISION = _("What you had decided stands below again. Mend it, or choose something else.")


def put_back(form: WorkForm) -> WorkForm:
    """The form with his undone decision in it, where the last decision is one; else as it is."""
    last = form.standing.last
    if not last or is_blind(form.case) or (last["by_id"], last["desk"], last["to"]) != (form.user.pk, form.case.state, CLOSED):
        return form
    made = whole(form.case).decisions.select_related("evaluation", "category").prefetch_related("corrections")
    decision = made.last()
    verb = "edit" if (decision.verb, decision.output is None) == ("approve", False) else decision.verb
    if verb not in form.verbs or not _was_undone(decision):
        return form
    form.fill(_typed(form, verb, decision), verb, ANSWER if decision.output is not None else DECISION)
    return form


def _was_undone(decision) -> bool:
    """What a closed case was reopened for was not undone, though it is back at the desk as well."""
    after = AuditEvent.objects.filter(subject_type="case", subject_id=decision.case_id, at__gte=decision.at)
    return after.filter(verb="case.undo").exists()


def _typed(form, verb, decision) -> dict:
    """The fields as he left them."""
    [told] = rows(form.case, [decision])
    said = {}
    if decision.output is not None:
        schema = compiled_policy(form.case.policy_id).output_schema
        said |= outputs.typed(schema, form.case.standing, output_of(form.case, decision.output), outputs.MOST_NEW)
    said |= {change.field: change.after for change in told.changes if change.field.startswith("action.")}
    said |= {f"{verb}.reason": told.reason, f"{verb}.reason_code": told.reason_code}
    said |= {f"{verb}.{name}": value for name, value in _judged(decision).items()} | _marks(decision)
    said["root_cause"] = next((change.root_cause for change in told.changes if change.root_cause), "")
    return said


def _judged(decision) -> dict[str, str]:
    """What kind of exception he took it for, and the section or ruling on which he rested that."""
    said = {"category": decision.category.slug} if decision.category_id else {}
    if decision.section_id:
        said["rests_on"] = f"section:{decision.section_id}"
    elif decision.ruling_id:
        said["rests_on"] = f"ruling:{decision.ruling_id}"
    return said


def _marks(decision) -> dict[str, str]:
    """The card as he had marked it."""
    said = {}
    for key, mark in decision.evaluation.marks.items() if decision.evaluation_id else ():
        said |= {f"mark.{key}": NA if mark["na"] else mark["option"], f"cause.{key}": mark["root_cause"]}
    return said
