"""The files of a case: attached, handed out as downloads and nothing else, taken off."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from accounts.strict import strict_page
from cases import actions, gate, pages, skim
from cases.models import Attachment
from cases.seen import rows, said, seen_by
from cases.talk.attached import FileForm, handed_out, of
from cases.talk.pages import back_to


class FilePages:
    """For the case's admin."""

    def file_urls(self):
        wrap = self.admin_site.admin_view
        about = "<int:case_id>/file/<int:attachment_id>/"
        return [
            path("<int:case_id>/attach/", strict_page(wrap(self.attach_page)), name="cases_case_attach"),
            path(about, wrap(self.file), name="cases_attachment_open"),
            path(f"{about}off/", strict_page(wrap(self.take_off_page)), name="cases_attachment_off"),
        ]

    def attach_page(self, request, case_id):
        case = self.one(request, case_id)
        form = FileForm(request.user, *([request.POST, request.FILES] if request.method == "POST" else []))
        if request.method != "POST":
            return self._attach(request, case, form)
        try:
            self._attached(request, case, form)
        except pages.REFUSALS as error:
            told = pages.refused(error)
            if isinstance(error, ValidationError):
                form.add_error(None, error)
            return self._attach(request, case, form, told.status, told.words)
        messages.success(request, _("The file is attached."))
        return redirect(back_to(request, case) + "#files")

    def _attached(self, request, case, form):
        if getattr(request, "upload_is_too_large", False):
            form.errors.pop("file", None)
            most = {"most": settings.HITLDESK_ATTACHMENT_BYTES // 2**20}
            raise ValidationError({"file": _("The file is too large: at most %(most)s MB are kept.") % most})
        if not form.is_valid():
            raise ValidationError([])
        given = form.cleaned_data["file"]
        allowed = form.cleaned_data.get("for_vendors", False)
        actions.attach(case.pk, by=request.user, name=given.name, content=given.read(), for_vendors=allowed)

    def _attach(self, request, case, form, status=200, refusal=""):
        seen = seen_by(case, request.user)
        told = of(seen, request.user, gate.standing(case, request.user)) | {"form": form}
        shown = {"title": _("Files"), "case": seen, "files": told, "refusal": said(seen, refusal)}
        site = self.admin_site.each_context(request)
        return render(
            request,
            "cases/talk/attach.html",
            {**site, **shown, "back": back_to(request, case), "skim": skim.Skim.worked(request)},
            status=status,
        )

    def file(self, request, case_id, attachment_id):
        """A download: never shown here, whatever it is."""
        case = self.one(request, case_id)
        self._attachment(case, attachment_id)
        attachment, content = actions.open_file(attachment_id, by=request.user)
        return handed_out(attachment, seen_by(case, request.user), content)

    def take_off_page(self, request, case_id, attachment_id):
        """GET asks why; POST takes it off."""
        case = self.one(request, case_id)
        seen, attachment = seen_by(case, request.user), self._attachment(case, attachment_id)
        refusal, status = "", 200
        if request.method == "POST":
            try:
                actions.take_off(attachment.pk, by=request.user, reason=request.POST.get("reason", ""))
            except pages.REFUSALS as error:
                told = pages.refused(error)
                refusal, status = told.words or " ".join(error.messages), told.status
            else:
                messages.success(request, _("The file is taken off."))
                return redirect(pages.address(case) + "#files")
        [shown] = rows(seen, [attachment])
        told = {"title": _("Take a file off"), "case": seen, "attachment": shown, "refusal": refusal}
        return render(request, "cases/talk/take_off.html", {**self.admin_site.each_context(request), **told}, status=status)

    def _attachment(self, case, attachment_id) -> Attachment:
        found = case.attachments.there().filter(pk=attachment_id).first() if attachment_id < 2**63 else None
        if found is None:
            raise Http404(_("There is no such file here."))
        return found
