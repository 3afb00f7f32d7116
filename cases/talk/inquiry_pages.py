"""The pages of a request for information: for whoever is asked by name, and for whoever works the case."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.strict import strict_page
from audit import clock
from cases import actions, gate, pages
from cases.models import Case, Inquiry
from cases.permissions import why_not, why_not_the_answer
from cases.seen import seen_by
from cases.talk import inquiries, links


class AnswerForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("The answer"),
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": gettext_lazy("Write the answer.")},
        help_text=gettext_lazy("There is one answer. It goes to whoever asked, and lets the case go on."),
    )

    def __init__(self, *typed):
        super().__init__(*typed, label_suffix="")


class InquiryPages:
    """For the case's admin."""

    def inquiry_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("asked/", strict_page(wrap(self.asked_page)), name="cases_asked"),
            path("asked/<int:inquiry_id>/", strict_page(wrap(self.inquiry_page)), name="cases_inquiry"),
            path("asked/<int:inquiry_id>/link/", strict_page(wrap(self.link_page)), name="cases_inquiry_link"),
        ]

    def asked_page(self, request):
        """What I am asked by name."""
        asked = inquiries.to_answer(request.user)
        return self._told(request, "asked", {"title": _("Asked of you"), "asked": asked, "now": clock.now()})

    def inquiry_page(self, request, inquiry_id):
        """GET shows the question and, beside it, what whoever asked chose; POST answers it."""
        inquiry, case = self._inquiry(request, inquiry_id)
        form = AnswerForm(request.POST if request.method == "POST" else None)
        if request.method != "POST":
            return self._question(request, inquiry, case, form)
        try:
            if not form.is_valid():
                raise ValidationError([])
            actions.answer(inquiry.pk, by=request.user, text=form.cleaned_data["text"])
        except pages.REFUSALS as error:
            told = pages.refused(error)
            if isinstance(error, ValidationError):
                form.add_error(None, error)
            return self._question(request, inquiry, case, form, told.status, told.words)
        messages.success(request, _("Answered. Whoever asked hears of it."))
        return redirect(pages.address(case) if case else "admin:cases_asked")

    def link_page(self, request, inquiry_id):
        """POST makes a link for so many days, or takes it back; then one is back at the case."""
        inquiry, case = self._inquiry(request, inquiry_id)
        if case is None or request.method != "POST":
            raise Http404(_("There is no such question here."))
        try:
            self._turn(inquiry, request)
        except pages.REFUSALS as error:
            words = pages.refused(error).words
            messages.error(request, words or " ".join(error.messages))
        return redirect(pages.address(case) + "#asked")

    def _turn(self, inquiry, request):
        if days := request.POST.get("days", ""):
            actions.give_link(inquiry.pk, by=request.user, days=int(days) if days.isdecimal() and len(days) < 4 else 0)
            return messages.success(request, _("This is its link now; the one before is over."))
        actions.revoke_link(inquiry.pk, by=request.user)
        messages.success(request, _("The link is taken back: it opens nothing any more."))

    def _inquiry(self, request, inquiry_id):
        """(the question, its case where this person sees that). 404 for whoever is neither asked nor sees the case."""
        related = ("pause", "case__workflow", "by")
        inquiry = Inquiry.objects.select_related(*related).filter(pk=inquiry_id).first() if inquiry_id < 2**63 else None
        if inquiry is None:
            raise Http404(_("There is no such question here."))
        case = Case.objects.visible_to(request.user).select_related(*pages.RELATED).filter(pk=inquiry.case_id).first()
        if case is None and inquiry.to_id != request.user.pk:
            raise Http404(_("There is no such question here."))
        return inquiry, case

    def _question(self, request, inquiry, case, form, status=200, refusal=""):
        shown = inquiries.as_read(seen_by(inquiry.case, request.user), inquiry)
        standing, user = gate.standing(inquiry.case, request.user), request.user
        may = not why_not_the_answer(inquiry.to_id)(user, "answer", inquiry.case, standing)
        link = case and inquiry.has_link(clock.now()) and not why_not(user, "inquire", inquiry.case, standing)
        told = {"title": _("A question"), "inquiry": shown, "workflow": inquiry.case.workflow, "case": case, "form": form}
        told |= {"may_answer": may and inquiry.is_open, "refusal": refusal, "link": links.of(inquiry) if link else ""}
        return self._told(request, "inquiry", told, status)

    def _told(self, request, template, told, status=200):
        site = self.admin_site.each_context(request)
        return render(request, f"cases/talk/{template}.html", {**site, **told}, status=status)
