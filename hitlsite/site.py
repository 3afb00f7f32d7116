"""The admin site: unfold's, with our own name, for people only."""

from django.contrib.admin.apps import AdminConfig
from unfold.sites import UnfoldAdminSite


class Site(UnfoldAdminSite):
    site_title = site_header = index_title = "HITL Desk"

    def has_permission(self, request):
        """People who are let into the admin. An integration signs in with its key, over REST."""
        user = request.user
        return user.is_active and user.is_staff and user.kind == user.Kind.PERSON

    def get_app_list(self, request, app_label=None):
        """Only where one app's own page asks: the sidebar is ours, and asking every model costs queries on every page."""
        return super().get_app_list(request, app_label) if app_label else []


class HitlAdmin(AdminConfig):
    default_site = "hitlsite.site.Site"
