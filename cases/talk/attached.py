"""The files of a case: as they are listed, as they are handed out, and the form to attach one more."""

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.roles import Ownership
from cases.permissions import why_not
from cases.seen import rows, whole
from cases.talk import files
from cases.talk.reading import names_of

BOXED = "default-src 'none'; sandbox; frame-ancestors 'none'"


class FileForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("A file"),
        widget=forms.FileInput(attrs={"accept": ",".join(f".{end}" for end in files.KINDS)}),
        error_messages={"required": gettext_lazy("Choose a file."), "empty": gettext_lazy("The file is empty.")},
    )
    for_vendors = forms.BooleanField(
        label=gettext_lazy("A vendor's people may open it: nothing in it is hidden from them"), required=False
    )

    def __init__(self, user, *typed):
        super().__init__(*typed, label_suffix="")
        most = {"most": settings.HITLDESK_ATTACHMENT_BYTES // 2**20}
        self.fields["file"].help_text = _("PDF, pictures, text, documents without macros; at most %(most)s MB.") % most
        if not user.is_in_house:
            del self.fields["for_vendors"]


def of(seen, user, standing) -> dict:
    """For a page about the case: its files, and whether one may attach more."""
    may = not why_not(user, "attach", whole(seen), standing)
    return {"files": listed(seen, user, Ownership.RISK in standing.ownerships), "may_attach": may, "form": FileForm(user)}


def listed(seen, user, owns_the_risk=False) -> list[dict]:
    """The files as this person reads them: of a vendor's people each name is masked, and most are not opened."""
    if whole(seen).has_none("attachments"):
        return []
    found = list(whole(seen).attachments.all())
    names, shown = names_of(found, user), rows(seen, found)
    return [
        {"row": told, "by": names[row.pk], "opens": row.may_be_opened_by(user), "goes": owns_the_risk or row.by_id == user.pk}
        for row, told in zip(found, shown, strict=True)
    ]


def handed_out(attachment, seen, content) -> HttpResponse:
    """As a download that no browser opens in our name: not drawn, not sniffed at, in a box of its own, kept by no cache."""
    [shown] = rows(seen, [attachment])
    answer = HttpResponse(
        content, content_type="text/plain; charset=utf-8" if attachment.kind == "text/plain" else attachment.kind
    )
    answer["Content-Disposition"] = content_disposition_header(True, files.cleaned(shown.name))
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = BOXED
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    answer["Cache-Control"] = "private, no-store"
    return answer
