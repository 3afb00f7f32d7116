"""The verbs of talking: what is said moves nothing, decides nothing, and makes nobody a maker of the content."""

from contextlib import contextmanager

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit import clock, trail
from cases.gate import asking, move
from cases.models import Case, Comment, Notice
from cases.models.talk import LONGEST
from cases.permissions import why_not
from cases.talk import mentions, notices
from integrations.problems import Conflict

UNSEEN = gettext_lazy("This case is not at a desk of yours.")
KINDS = {kind.value for kind in Comment.Kind}


def comment(case_id, *, by, text, kind=Comment.Kind.COMMENT, house_only=False) -> Comment:
    """Say something about the case; `kind` “note” stands out for whoever takes it next. “@name” reaches who may see the case.

    `told` of what comes back are the people it reached, `not_told` names those whom it did not, and why.
    """
    with talking(case_id, "comment", by=by) as case:
        if kind not in KINDS:
            raise ValidationError({"kind": _("Choose a comment or a hand-over note.")})
        if house_only and not by.is_in_house:
            raise ValidationError({"house_only": _("Only the house says something to the house alone.")})
        made = _write(case, by, text, kind=kind, house_only=house_only)
        _record("comment", case, by, comment=made.pk, kind=str(kind))
    return made


def mend(comment_id, *, by, text) -> Comment:
    """Say it better. What stood before stays beside it; whom it names anew hears of it."""
    old = Comment.objects.visible_to(by).filter(pk=comment_id).first()
    if old is None:
        raise Comment.DoesNotExist(f"There is no comment {comment_id}.")
    with talking(old.case_id, "comment", by=by) as case:
        if old.by_id != by.pk:
            raise PermissionDenied(_("Only whoever wrote it mends it."))
        if Comment.objects.filter(replaces=old).exists():
            raise Conflict(_("You mended this one already. Mend what stands now."), code="mended_already")
        made = _write(case, by, text, kind=old.kind, house_only=old.house_only, replaces=old)
        _record("mend", case, by, comment=made.pk, replaces=old.pk)
    return made


def note(case, *, by, text) -> Comment:
    """What a verb says to whoever is next, as a hand-over note. The verb has its own event."""
    return _write(case, by, text, kind=Comment.Kind.NOTE)


@contextmanager
def talking(case_id, verb, *, by, why=why_not):
    """As the gate asks; and nobody talks about what he does not see."""
    with asking(case_id, verb, by=by, why=why) as case:
        if not Case.objects.visible_to(by).filter(pk=case.pk).exists():
            raise PermissionDenied(UNSEEN)
        yield case


def _write(case, by, text, *, house_only=False, replaces=None, **more) -> Comment:
    text = said(text)
    found = mentions.of(text, case, by=by, house_only=house_only)
    reached = [person.pk for person in found.reached]
    told = {"mentioned": reached, "house_only": house_only, "replaces": replaces, **more}
    made = Comment.objects.create(case=case, by=by, vendor_id=by.vendor_id, at=clock.now(), text=text, **told)
    heard_before = replaces.mentioned if replaces else []
    notices.tell([pk for pk in reached if pk not in heard_before], Notice.Kind.MENTION, case, by=by)
    made.told, made.not_told = found.reached, found.not_told
    return made


def said(text, field="text") -> str:
    text = (text or "").strip()
    if not text:
        raise ValidationError({field: _("Write something.")})
    if len(text) > LONGEST:
        told = _("That is %(long)s characters; at most %(most)s are kept. Attach a file for more.")
        raise ValidationError({field: told % {"long": f"{len(text):,}", "most": f"{LONGEST:,}"}})
    if "\0" in text:
        raise ValidationError({field: _("It has characters that cannot be stored.")})
    return text


def _record(verb, case, by, **facts):
    trail.record(f"case.{verb}", by=by, subject=case, **facts, **move(case, case.state))
