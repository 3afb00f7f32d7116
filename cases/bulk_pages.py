"""Pages of one verb on many cases: the preview, and the results. Doors: they ask, call and show."""

import uuid

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponseNotAllowed, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from accounts.strict import strict_page
from cases import bulk, skim
from cases.listing import Listing
from cases.models import Bulk, BulkRow
from cases.verbs import VERBS
from jobs.models import Job


class BulkPages:
    """For the case's admin."""

    def bulk_urls(self):
        wrap = self.admin_site.admin_view
        pages = (
            ("bulk/", self.preview_page, "bulk"),
            ("bulk/do/", self.do_page, "bulk_do"),
            ("bulk/<int:bulk_id>/", self.results_page, "bulk_results"),
        )
        return [path(where, strict_page(wrap(page)), name=f"cases_case_{name}") for where, page, name in pages]

    def preview_page(self, request):
        """What would happen to each of the chosen cases; nothing happens yet."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        name, back = request.POST.get("verb", ""), skim.Skim.of(request.POST.get("skim", ""))
        ids = _chosen(request, back)
        if name not in bulk.OFFERED or not ids:
            words = _("Choose what to do first.") if ids else _("Choose the cases first: tick them in the list.")
            self.message_user(request, words, "error")
            return redirect(back.list_address if back else "admin:cases_case_changelist")
        return self._preview(request, name, ids, back)

    def _preview(self, request, name, ids, back, form=None, status=200):
        lines = bulk.preview(name, ids, request.user)
        shown = {
            "title": _("%(verb)s together") % {"verb": VERBS[name].label},
            "verb": VERBS[name],
            "name": name,
            "lines": lines,
            "able": sum(not line.why_not for line in lines),
            "form": form or bulk.form_for(name, lines, request.user),
            "back": back,
            "token": uuid.uuid4(),
        }
        return render(request, "cases/bulk.html", {**self.admin_site.each_context(request), **shown}, status=status)

    def do_page(self, request):
        """Do it. Sent twice it is done once; what is missing is said, and what was typed stays."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        name, back = request.POST.get("verb", ""), skim.Skim.of(request.POST.get("skim", ""))
        revisions = _revisions(request)
        if name not in bulk.OFFERED or not revisions:
            self.message_user(request, _("Nothing was chosen that this can be done to."), "error")
            return redirect(back.list_address if back else "admin:cases_case_changelist")
        form = bulk.form_for(name, bulk.preview(name, revisions, request.user), request.user, request.POST)
        known = Bulk.objects.filter(token=_token(request)).exists()
        if form and not known and not _says_enough(form):
            return self._preview(request, name, [*revisions], back, form, 422)
        try:
            made = bulk.begin(name, revisions, _typed(request.POST), _token(request), by=request.user)
        except (PermissionDenied, ValidationError) as error:
            self.message_user(request, str(error), "error")
            return redirect("admin:cases_case_changelist")
        where = reverse("admin:cases_case_bulk_results", args=[made.pk])
        return redirect(f"{where}?{back.as_query}" if back else where)

    def results_page(self, request, bulk_id):
        """What became of each. While a worker is at it, the page comes again by itself."""
        made = Bulk.objects.select_related("by").filter(pk=bulk_id, by=request.user).first()
        if made is None:
            raise Http404("There is no such page, or not for you.")
        results, outcomes = bulk.results(made), BulkRow.Outcome
        job = Job.objects.filter(pk=made.job).first() if made.job and not made.finished_at else None
        shown = {
            "title": _("%(verb)s together: what became of it") % {"verb": VERBS[made.verb].label},
            "bulk": made,
            "verb": VERBS[made.verb],
            "results": results,
            "job": job,
            "waits": job is not None and job.state in ("queued", "running"),
            "done": sum(each.row.outcome == outcomes.DONE for each in results),
            "back": skim.Skim.worked(request),
            "refused": [each for each in results if each.row.outcome == outcomes.REFUSED and each.seen],
            "undoable": [each for each in results if each.may_undo],
        }
        return render(request, "cases/bulk_results.html", {**self.admin_site.each_context(request), **shown})


def _chosen(request, back) -> list[int]:
    """What was ticked; or, where all of the list was asked for, its first ones."""
    if request.POST.get("all") and back:
        listing = Listing(request.user, QueryDict(back.query), back.desk)
        return listing.page(size=bulk.MOST).ids if listing.is_valid else []
    return [int(pk) for pk in dict.fromkeys(request.POST.getlist("case")) if pk.isdecimal() and len(pk) < 19][: bulk.MOST]


def _revisions(request) -> dict[int, int]:
    """Of each case, the content whose preview was read: “12.1”."""
    pairs = (each.partition(".") for each in request.POST.getlist("row"))
    return {
        int(pk): int(revision)
        for pk, _dot, revision in pairs
        if pk.isdecimal() and len(pk) < 19 and revision.isdecimal() and len(revision) < 9
    }


def _token(request):
    try:
        return uuid.UUID(request.POST.get("token", ""))
    except ValueError:
        return uuid.uuid4()


def _typed(post) -> QueryDict:
    typed = post.copy()
    for name in ("csrfmiddlewaretoken", "row", "token", "verb", "skim"):
        typed.pop(name, None)
    return typed


def _says_enough(form) -> bool:
    """What every case needs said is said; which of the cases may have it so is each one's own answer."""
    form.is_valid()
    return not ({"reason", "until"} & form.errors.keys())
