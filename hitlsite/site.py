"""The admin site: unfold's, with our own name."""

from django.contrib.admin.apps import AdminConfig
from unfold.sites import UnfoldAdminSite


class Site(UnfoldAdminSite):
    site_title = site_header = index_title = "HITL Desk"


class HitlAdmin(AdminConfig):
    default_site = "hitlsite.site.Site"
