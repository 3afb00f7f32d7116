"""The page of questions and rulings. A door: it shows, asks and calls."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from accounts.strict import strict_page
from audit import clock
from cases import actions, rulings
from cases.clock_pages import workflows_seen
from cases.models import Case, Question, Ruling
from cases.seen import Sight
from integrations.problems import Conflict
from workflows import actions as workflows
from workflows.models import PlaybookSection

MOST = 100


class RulingPages:
    """For the case's admin."""

    def ruling_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("rulings/", strict_page(wrap(self.rulings_page)), name="cases_rulings"),
            path("rulings/<int:question>/answer/", strict_page(wrap(self.answer_page)), name="cases_rulings_answer"),
            path("rulings/<int:ruling>/write-down/", wrap(self.write_down_page), name="cases_rulings_write_down"),
            path("rulings/<int:section>/publish/", wrap(self.publish_page), name="cases_rulings_publish"),
        ]

    def rulings_page(self, request, status=200, **typed):
        """What was asked and ruled in one's workflows; to the owner of policy with what he may do about it."""
        if not request.user.is_in_house:
            raise PermissionDenied(_("Questions are answered by the house. The answer comes back to your case."))
        seen = workflows_seen(request.user)
        asked = Question.objects.filter(case__workflow__in=seen).select_related(
            "case__workflow", "by", "ruling__by", "ruling__example__section"
        )
        owned = set(rulings.owned_by(request.user, clock.now()).values_list("workflow", flat=True))
        sight = Sight(request.user)
        visible = Case.objects.visible_to(request.user).filter(pk=OuterRef("case"))
        asked = asked.annotate(is_seen=Exists(visible)).order_by("-id")
        shown = {
            "title": _("Questions and rulings"),
            "open": [(*_as_read(sight, each), each.case.workflow_id in owned) for each in asked.open()[:MOST]],
            "answered": [
                (*_as_read(sight, each), each.case.workflow_id in owned) for each in asked.exclude(ruling=None)[:MOST]
            ],
            **typed,
        }
        return render(request, "cases/rulings.html", {**self.admin_site.each_context(request), **shown}, status=status)

    def answer_page(self, request, question):
        """The owner of policy answers; what was typed comes back where it is refused."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        asked = self._of_mine(request, Question.objects.filter(case__workflow__in=workflows_seen(request.user)), question)
        words = request.POST.get("words", "")
        try:
            actions.rule(asked.pk, by=request.user, reason=words)
        except ValidationError as error:
            return self.rulings_page(request, 422, fault=" ".join(error.messages), at=asked.pk, words=words)
        except Conflict as error:
            return self.rulings_page(request, 409, fault=str(error), at=asked.pk, words=words)
        messages.success(request, _("Answered. It stands on the case and on the desk of whoever asked."))
        return redirect("admin:cases_rulings")

    def write_down_page(self, request, ruling):
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        given = Ruling.objects.filter(question__case__workflow__in=workflows_seen(request.user))
        try:
            section = actions.write_down(self._of_mine(request, given, ruling).pk, by=request.user)
        except Conflict as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("It is a draft of the playbook now. Read it over, then publish it.") + f" {section}")
        return redirect("admin:cases_rulings")

    def publish_page(self, request, section):
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        drafts = PlaybookSection.objects.filter(workflow__in=workflows_seen(request.user))
        workflows.publish_section(self._of_mine(request, drafts, section), by=request.user)
        messages.success(request, _("Published: it stands beside the work from now on."))
        return redirect("admin:cases_rulings")

    def _of_mine(self, request, rows, pk):
        """Of a workflow in which he has something to do; elsewhere there is no such thing."""
        found = rows.filter(pk=pk).first() if request.user.is_in_house and pk < 2**63 else None
        if found is None:
            raise Http404("There is no such thing here.")
        return found


def _as_read(sight, question):
    """The question and its ruling, if it has one, as this person reads them."""
    return rulings.as_read(sight.of(question.case), question)
