"""The report on who still looks, for whoever owns the quality of a workflow. Pages to look at: nothing here changes anything."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.strict import strict_page
from cases import verbs
from cases.models import Case
from cases.states import DESKS
from quality import attention
from quality.agreement import agreement
from stats import attention as arithmetic

ASSUMED = {
    name.lower(): getattr(arithmetic, name)
    for name in ("WORDS_A_MINUTE", "SIGNS_A_WORD", "SKIMMED", "WINDOW", "FEWEST", "BAR", "BAR_AT_ANY_PACE")
}


def urls(site):
    """For the admin site, which has them beside its own."""
    return [
        path("quality/attention/", strict_page(site.admin_view(_page(report_page, site))), name="quality_attention"),
        path(
            "quality/attention/<slug:workflow>/<int:person>/<str:desk>/",
            strict_page(site.admin_view(_page(person_page, site))),
            name="quality_attention_person",
        ),
    ]


def _page(view, site):
    """The view for those who may read it, with what every page of the site shows."""

    def page(request, **place):
        if not request.user.is_in_house:
            raise PermissionDenied(_("How people work is for the house to look at."))
        template, shown = view(request, **place)
        return render(request, f"quality/{template}.html", {**site.each_context(request), **shown, "assumed": ASSUMED})

    return page


def report_page(request):
    """Everybody who decided of late, workflow by workflow."""
    workflows = attention.workflows_of(request.user).order_by("name")
    return "attention", {
        "title": _("Who still looks"),
        "groups": [(workflow, attention.report(workflow), agreement(workflow)) for workflow in workflows],
    }


def person_page(request, workflow, person, desk):
    """One person at one desk: what is counted, and the decisions with their cases."""
    if desk not in DESKS:
        raise Http404(_("There is no such desk."))
    workflow = get_object_or_404(attention.workflows_of(request.user), slug=workflow)
    line, shown = attention.of_person(workflow, get_object_or_404(User, pk=person), desk)
    if not shown:
        raise Http404(_("Nothing was decided there by this person."))
    visible = set(
        Case.objects.visible_to(request.user)
        .filter(pk__in=[each.decision.case_id for each in shown])
        .values_list("pk", flat=True)
    )
    told = {"title": _("Who still looks"), "line": line, "shown": shown, "visible": visible, "done": verbs.DONE}
    return "person", told
