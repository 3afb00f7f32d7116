"""The admin site: unfold's, with our own name, for people only."""

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from accounts.pages import sign_out
from accounts.strict import strict_page
from hitlsite import away
from hitlsite.desk import my_desk, unread
from improvements import pages as improvements
from quality import pages as quality


class Site(UnfoldAdminSite):
    site_title = site_header = index_title = _("HITL Desk")

    def has_permission(self, request):
        """People who are let into the admin. An integration signs in with its key, over REST."""
        user = request.user
        return user.is_active and user.is_staff and user.kind == user.Kind.PERSON

    def get_urls(self):
        """Ours that are of no one model, before Django's: its last pattern takes whatever is left."""
        own = path("away/", strict_page(self.admin_view(self.away)), name="away")
        return [own, *quality.urls(self), *improvements.urls(self), *super().get_urls()]

    @method_decorator(strict_page)
    def index(self, request, extra_context=None):
        """My desk, on our own base."""
        return self._desk(request, away.AwayForm())

    def away(self, request):
        """Who goes away, or is back, says so on My desk."""
        return away.switch(request, lambda form, status: self._desk(request, form, status))

    def _desk(self, request, form, status=200):
        context = {**my_desk(request, self.each_context(request)), "away": form}
        return render(request, "desk/my_desk.html", context, status=status)  # within the request's transaction

    def each_context(self, request):
        """With how many notices are unread: the bell is on every page of the desk."""
        return {**super().each_context(request), "unread_notices": unread(request)}

    def login(self, request, extra_context=None):
        """To the one sign-in page. Who is signed in and may not be here is told so, not sent in circles."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied(_("This account may not open these pages."))
        back = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        if self.has_permission(request):
            return redirect("admin:index")
        return redirect_to_login(back, reverse("account_login"))

    def logout(self, request, extra_context=None):
        return sign_out(request)

    def get_app_list(self, request, app_label=None):
        """Only where one app's own page asks: the sidebar is ours, and asking every model costs queries on every page."""
        return super().get_app_list(request, app_label) if app_label else []
