"""The verbs of files: attached, opened, taken off. Each is an event; none says what is in the file or what it is called."""

import hashlib
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.roles import Ownership
from audit import clock
from cases.actions.pausing import record
from cases.actions.reasons import said
from cases.actions.talking import talking
from cases.models import AttachedFile, Attachment
from cases.permissions import why_not, why_not_look
from cases.talk import files
from integrations.problems import Conflict

MOST = 50  # of one case
ROOM = 10  # times the largest one: of one case together


def attach(case_id, *, by, name, content: bytes, for_vendors=False) -> Attachment:
    """Keep a file with the case. `for_vendors`: the house says that nothing in it is hidden from a vendor's people, so they may open it."""
    with talking(case_id, "attach", by=by) as case:
        name = files.cleaned(name)
        _fits(case, len(content))
        kind = files.kind_of(name, content)
        facts = {"name": name, "kind": kind, "size": len(content), "digest": hashlib.sha256(content).digest()}
        facts |= {"vendor_id": by.vendor_id, "for_vendors": for_vendors and by.is_in_house}
        made = Attachment.objects.create(case=case, by=by, at=clock.now(), **facts)
        AttachedFile.objects.create(attachment=made, content=content)
        record(case, "attach", by, "", attachment=made.pk, kind=kind, size=made.size, digest=made.digest.hex())
    return made


def open_file(attachment_id, *, by) -> tuple[Attachment, bytes]:
    """What is in it, for whoever may open it."""
    with _of(attachment_id, "open_file", by, why_not_look) as (case, attachment):
        if not attachment.may_be_opened_by(by):
            raise PermissionDenied(
                _("What is in a file cannot be masked, so your side opens only its own, and what is marked for it.")
            )
        content = bytes(AttachedFile.objects.get(attachment=attachment).content)
        record(case, "open_file", by, "", attachment=attachment.pk)
    return attachment, content


def take_off(attachment_id, *, by, reason) -> Attachment:
    """Its content is gone; that it was there stays. By whoever attached it, or the owner of risk."""
    with _of(attachment_id, "attach", by) as (case, attachment):
        if by.pk != attachment.by_id and Ownership.RISK not in case.standing_facts.ownerships:
            raise PermissionDenied(_("Only whoever attached it, or the owner of risk, takes it off."))
        words = said(reason).strip()
        attachment.removed_at, attachment.removed_by = clock.now(), by
        attachment.save(update_fields=["removed_at", "removed_by"])
        AttachedFile.objects.filter(attachment=attachment).delete()
        record(case, "take_off", by, words, attachment=attachment.pk)
    return attachment


def _fits(case, size):
    most = settings.HITLDESK_ATTACHMENT_BYTES
    there = case.attachments.there()
    if size > most:
        raise ValidationError({"file": _("The file is too large: at most %(most)s MB are kept.") % {"most": most // 2**20}})
    if there.count() >= MOST or (there.aggregate(all=Sum("size"))["all"] or 0) + size > ROOM * most:
        raise ValidationError({"file": _("This case has as many files as it can have. Take one off first.")})


@contextmanager
def _of(attachment_id, verb, by, why=why_not):
    """The case, locked, and the file, while it is there."""
    found = Attachment.objects.filter(pk=attachment_id).only("case_id").first()
    if found is None:
        raise Attachment.DoesNotExist(f"There is no attachment {attachment_id}.")
    with talking(found.case_id, verb, by=by, why=why) as case:
        attachment = Attachment.objects.get(pk=attachment_id)
        if attachment.removed_at:
            raise Conflict(_("This file was taken off."), code="taken_off")
        yield case, attachment
