"""The pages of talking: what is said about a case, on a page of its own and as a part of the workbench and the case's page."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from accounts.strict import strict_page
from cases import actions, gate, pages, skim
from cases.seen import seen_by
from cases.talk import reading
from cases.talk.forms import BACK, CommentForm


class TalkPages:
    """For the case's admin."""

    def talk_urls(self):
        wrap = self.admin_site.admin_view
        return [path("<int:case_id>/talk/", strict_page(wrap(self.talk_page)), name="cases_case_talk")]

    def talk_page(self, request, case_id):
        """GET shows what was said; POST says more and goes back to where one was, or says what is wrong and keeps what was typed."""
        case = self.one(request, case_id)
        form = CommentForm(request.user, request.POST if request.method == "POST" else None)
        if request.method != "POST":
            return self._talk(request, case, form)
        try:
            made = self._say(request, case, form)
        except pages.REFUSALS as error:
            told = pages.refused(error)
            if isinstance(error, ValidationError):
                form.add_error(None, error)
            return self._talk(request, case, form, told.status, told.words)
        if made.told:
            people = get_text_list([str(person) for person in made.told], _("and"))
            messages.success(request, _("{people} will read it among the notices.").format(people=people))
        for why in made.not_told:
            messages.warning(request, why)
        if "HX-Request" in request.headers:
            return self._talk(request, case, CommentForm(request.user))
        return redirect(back_to(request, case) + "#talk")

    def _say(self, request, case, form):
        if not form.is_valid():
            raise ValidationError([])
        if mends := form.cleaned_data["mends"]:
            if not case.comments.filter(pk=mends).exists():
                raise Http404(_("There is no such comment here."))
            return actions.mend(mends, by=request.user, text=form.cleaned_data["text"])
        return actions.comment(case.pk, by=request.user, **form.arguments())

    def _talk(self, request, case, form, status=200, refusal=""):
        seen = seen_by(case, request.user)
        talk = {**reading.of(seen, request.user, gate.standing(case, request.user)), "form": form}
        shown = {
            "title": str(seen),
            "case": seen,
            "talk": talk,
            "refusal": refusal,
            "back": back_to(request, case),
            "skim": skim.Skim.worked(request),
        }
        site = self.admin_site.each_context(request)
        return render(request, "cases/talk/talk.html", {**site, **shown}, status=status)


def back_to(request, case) -> str:
    """The page one was at; the workbench with the list one works."""
    name = request.POST.get("back", "")
    if name in BACK and name != "work":
        return reverse(f"admin:cases_case_{name}", args=[case.pk])
    return skim.bench(case, skim.Skim.worked(request))
