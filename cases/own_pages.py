"""The page of one's own decisions. A door: it asks and shows."""

from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from accounts.strict import strict_page
from cases import own_decisions, paging


class OwnPages:
    """For the case's admin."""

    def own_decision_urls(self):
        page = strict_page(self.admin_site.admin_view(self.own_decisions_page))
        return [path("decided-by-me/", page, name="cases_own_decisions")]

    def own_decisions_page(self, request):
        """Everybody's own, and nobody else's: there is no address for another person's."""
        after, wrong_place, listed, following = request.GET.get("after", ""), "", [], ""
        try:
            listed, following = own_decisions.page(request.user, after)
        except paging.BadPlace as fault:
            wrong_place = str(fault)
        shown = {
            "title": _("My decisions"),
            "decisions": listed,
            "following": following,
            "after": after,
            "wrong_place": wrong_place,
            "sums": own_decisions.sums(request.user),
            "most": own_decisions.MOST,
            "days": own_decisions.DAYS,
        }
        site = self.admin_site.each_context(request)
        return render(request, "cases/own_decisions.html", {**site, **shown}, status=400 if wrong_place else 200)
