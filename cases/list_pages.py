"""The list of cases, of a desk and of all; its views; and working it as a queue. Doors: they ask, call and show."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponseNotAllowed, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from accounts.strict import strict_page
from audit import clock
from cases import bulk, paging, prose, saved, skim
from cases.listing import Listing, own_desks, roles_of
from cases.seen import open_pauses
from cases.states import APPROVAL, DESKS, State
from cases.titles import Titles


class ListPages:
    """For the case's admin: its list in place of the one that Django makes."""

    def list_urls(self):
        wrap = self.admin_site.admin_view
        pages = (
            ("", self.changelist_view, "changelist"),
            ("desk/<str:desk>/", self.desk_list, "desk"),
            ("skim/", self.skim_page, "skim"),
            ("views/", self.save_view, "save_view"),
            ("views/<int:view_id>/remove/", self.remove_view, "remove_view"),
        )
        return [path(where, strict_page(wrap(page)), name=f"cases_case_{name}") for where, page, name in pages]

    # the list

    def changelist_view(self, request, extra_context=None):
        """All cases; whoever comes with no filter sees his own view of them, if he has made one his first."""
        if not request.GET and (first := saved.first_of(request.user)):
            return redirect(first.address)
        return self._list(request, Listing(request.user, request.GET), _("All cases"))

    def desk_list(self, request, desk):
        if desk not in DESKS:
            raise Http404(f"There is no desk “{desk[:20]}”.")
        if desk == APPROVAL:  # it has a page of its own
            return redirect("admin:cases_approvals")
        title = _("%(desk)s desk") % {"desk": State(desk).label}
        return self._list(request, Listing(request.user, request.GET, desk), title)

    def _list(self, request, listing, title):
        roles = roles_of(request.user)
        shown = {"listing": listing, "title": title, "opts": self.opts, **self._rows(request, listing, own_desks(roles))}
        shown |= saved.around(listing, request.GET.get("view", ""))
        shown["verbs"] = bulk.offered_to(roles)
        status = 200 if listing.is_valid and not shown["wrong_place"] else 400
        return render(request, "cases/list.html", {**self.admin_site.each_context(request), **shown}, status=status)

    def _rows(self, request, listing, desks) -> dict:
        """The page asked for. Nothing is listed by a filter that is wrong, or from a place that is none."""
        nothing = {"rows": [], "page": paging.Page([]), "count": 0, "is_all": True, "wrong_place": ""}
        if not listing.is_valid:
            return nothing
        after = request.GET.get("after", "")
        try:
            page = listing.page(after)
        except paging.BadPlace as fault:
            return {**nothing, "wrong_place": str(fault)}
        count, is_all = listing.count(page) if not after else (0, True)
        now = clock.now()
        rows = [_row(case, desks, now) for case in listing.rows(page.ids)]
        following = f"?{urlencode([*QueryDict(listing.query).items(), ('after', page.after)])}" if page.after else ""
        return {
            "rows": rows,
            "page": page,
            "count": count,
            "is_all": is_all,
            "following": following,
            "after": after,
            "wrong_place": "",
        }

    # working it as a queue

    def skim_page(self, request):
        """To the first case of the list that this person may take, or to the next one after where he is."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        wanted = skim.Skim.worked(request)
        if wanted is None:
            raise Http404("There is no such list.")
        left = request.GET.get("leaves", "")
        if left.isdecimal() and len(left) < 19:
            skim.leave(int(left), request.user, request.POST)
        return self.next_of_list(request, wanted)

    def next_of_list(self, request, wanted):
        try:
            going = skim.following(wanted, request.user)
        except paging.BadPlace:
            raise Http404("There is no such place in the list.") from None
        if going:
            return redirect(going)
        messages.info(request, _("That was the last one of this list that is yours to take."))
        return redirect(wanted.list_address)

    # views

    def save_view(self, request):
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        listing = Listing(request.user, QueryDict(request.POST.get("query", "")[: saved.LONGEST]), request.POST.get("desk", ""))
        try:
            view = saved.save(
                listing,
                request.POST.get("name", ""),
                by=request.user,
                shared_with=request.POST.get("shared_with", ""),
                is_first=bool(request.POST.get("is_first")),
            )
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect(saved.address_of(listing.desk if listing.desk in DESKS else "", listing.query))
        messages.success(request, _("The view “%(name)s” is kept.") % {"name": view})
        return redirect(view.address)

    def remove_view(self, request, view_id):
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            view = saved.remove(view_id, by=request.user)
        except PermissionDenied as error:
            raise Http404(str(error)) from None
        messages.success(request, _("The view “%(name)s” is gone. The cases are as they were.") % {"name": view})
        return redirect(reverse("admin:cases_case_changelist") + "?all=1")


def _row(case, desks, now) -> dict:
    """One line of the list. A case at one of the person's own desks opens on the workbench, any other as its story."""
    works = case.state in desks
    held = case.held_by(now)
    late = bool(case.due_at) and case.paused_since is None and case.due_at < now
    titles = Titles(case)
    return {
        "case": case,
        "named": titles.of_the_case(getattr(case, "required_output", None)),
        "why": titles.sentence(case.sentence),
        "link": reverse(f"admin:cases_case_{'work' if works else 'change'}", args=[case.pk]),
        "where": case.get_closed_as_display() or case.get_state_display(),
        "holder": str(case.claimed_by) if held else "",
        "handed_to": str(case.assigned_to) if case.assigned_to_id and not held else "",
        "due": "; ".join(map(prose.paused, open_pauses(case)))
        if case.paused_since
        else prose.distance(case.due_at, now)
        if case.due_at
        else "",
        "urgency": "late" if late else "soon" if case.is_due_soon and not case.paused_since else "",
    }
