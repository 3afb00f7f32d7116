"""Flagging a case as a pattern: it goes to an open finding, or begins one. It moves nothing."""

from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from audit import clock, trail
from cases.gate import asking, move
from cases.models import Case
from improvements.models import Finding, Flag
from integrations.problems import Conflict


def flag(case_id, *, by, words="", finding=None, title="") -> Case:
    """To the open finding of that id; without one, a finding of that title begins."""
    with asking(case_id, "flag", by=by) as case:
        now = clock.now()
        found = _open(case, by, finding) if finding is not None else _begun(case, by, title, now)
        if found.flags.filter(case=case).exists():
            raise Conflict(format_lazy(_("This case stands in “{finding}” already."), finding=found), code="flagged_already")
        Flag.objects.create(finding=found, case=case, by=by, vendor_id=by.vendor_id, at=now, words=words.strip())
        trail.record("case.flag", by=by, subject=case, words=words.strip(), finding=found.pk, **move(case, case.state))
    return case


def _open(case, by, finding) -> Finding:
    found = Finding.objects.open().visible_to(by).filter(pk=finding, workflow=case.workflow_id).first()
    if found is None:
        raise ValidationError({"finding": _("There is no such open finding in this workflow. Choose another, or begin one.")})
    return found


def _begun(case, by, title, now) -> Finding:
    if not title.strip():
        raise ValidationError({"title": _("Choose a finding, or say in a few words what the pattern is.")})
    facts = {"workflow_id": case.workflow_id, "opened_by": by, "vendor_id": by.vendor_id, "opened_at": now}
    return Finding.objects.create(title=title.strip(), **facts)
