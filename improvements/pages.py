"""Flagging a case as a pattern, and the open findings. Doors: they show, ask and call."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _

from accounts.strict import strict_page
from cases import gate, pages, skim
from cases.clock_pages import workflows_seen
from cases.models import Case
from cases.permissions import why_not
from cases.seen import Sight, is_blind, rows, said, seen_by
from cases.states import OPEN
from improvements import actions
from improvements.models import Finding
from improvements.similar import similar
from integrations.problems import Conflict

MOST = 100
WHY = {"input": _("The same input"), "trigger": _("The same trigger fired"), "correction": _("The same correction")}


def urls(site):
    """For the admin site, which has them beside its own."""
    return [
        path("improvements/findings/", strict_page(site.admin_view(_page(findings_page, site))), name="improvements_findings"),
        path("improvements/flag/<int:case>/", strict_page(site.admin_view(_page(flag_page, site))), name="improvements_flag"),
    ]


def _page(view, site):
    def page(request, **place):
        answer = view(request, **place)
        if not isinstance(answer, tuple):
            return answer
        template, shown, status = answer
        return render(request, f"improvements/{template}.html", {**site.each_context(request), **shown}, status=status)

    return page


class FlagForm(forms.Form):
    """To which finding it goes, or how the new one is called."""

    finding = forms.ModelChoiceField(Finding.objects.none(), required=False, empty_label=_("A new one, as named below"))
    title = forms.CharField(required=False, max_length=160)
    words = forms.CharField(required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, case, user, *args):
        super().__init__(*args, label_suffix="")
        self.fields["finding"].queryset = Finding.objects.open().visible_to(user).filter(workflow=case.workflow_id)
        labels = {
            "finding": _("Which pattern?"),
            "title": _("Or a new one, in a few words"),
            "words": _("What is it about this case?"),
        }
        for name, label in labels.items():
            self.fields[name].label = label

    def arguments(self):
        found = self.cleaned_data["finding"]
        return {**self.cleaned_data, "finding": found and found.pk}


def flag_page(request, case):
    """GET shows what is like it and asks; POST flags it and goes back to the workbench."""
    case = (
        Case.objects.visible_to(request.user).select_related(*pages.RELATED).filter(pk=case).first() if case < 2**63 else None
    )
    if case is None:
        raise Http404("There is no such case here, or you may not see it.")
    seen = seen_by(case, request.user)
    form = FlagForm(case, request.user, request.POST or None)
    refusal = why_not(request.user, "flag", case, gate.standing(case, request.user))
    if refusal or case.state not in OPEN:
        return _shown(request, seen, form, refusal or gate.what_happened(case), 403 if refusal else 409)
    if request.method != "POST" or not form.is_valid():
        return _shown(request, seen, form, "", 422 if request.method == "POST" else 200)
    try:
        actions.flag(case.pk, by=request.user, **form.arguments())
    except ValidationError as error:
        for field, faults in error.message_dict.items():
            form.add_error(field, faults)
        return _shown(request, seen, form, "", 422)
    except (Conflict, PermissionDenied) as error:
        return _shown(request, seen, form, str(error), 409)
    messages.success(request, _("Flagged as a pattern. Whoever owns the improvement here finds it among the findings."))
    return redirect(skim.bench(case, skim.Skim.worked(request)))


def _shown(request, seen, form, refusal, status):
    alike = [(WHY[each.why], each.cases) for each in similar(seen, request.user)]
    back = skim.bench(seen, skim.Skim.worked(request))
    stands_in = Finding.objects.open().visible_to(request.user).filter(flags__case=seen.pk)
    shown = {
        "case": seen,
        "stands_in": [] if is_blind(seen) else list(stands_in),
        "back": back,
        "form": form,
        "refusal": said(seen, refusal),
        "alike": alike,
        "title": _("Flag as a pattern"),
    }
    return "flag", shown, status


def findings_page(request):
    """The open findings of one's workflows, those with the most cases first."""
    if not request.user.is_in_house:
        raise PermissionDenied(_("Findings are for the house to look at. What you flag reaches them."))
    open_ones = Finding.objects.open().filter(workflow__in=workflows_seen(request.user)).select_related("workflow", "opened_by")
    counted = list(
        open_ones.annotate(cases=Count("flags")).order_by("-cases", "-id").prefetch_related("flags__case", "flags__by")[:MOST]
    )
    flagged = [flag.case_id for finding in counted for flag in finding.flags.all()]
    told = _as_read(request.user, counted)
    visible = set(Case.objects.visible_to(request.user).filter(pk__in=flagged).values_list("pk", flat=True))
    return "findings", {"findings": told, "visible": visible, "title": _("Findings")}, 200


def _as_read(user, findings) -> list[tuple]:
    """(finding, its flags), as this person reads what others said of the cases."""
    cases = Case.objects.filter(pk__in={flag.case_id for finding in findings for flag in finding.flags.all()})
    seen = {case.pk: case for case in Sight(user).of_all(cases)}
    return [
        (finding, [row for flag in finding.flags.all() for row in rows(seen[flag.case_id], [flag])]) for finding in findings
    ]
