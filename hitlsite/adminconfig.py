"""Which admin site is ours. Apart from the site itself, which needs the models that are not loaded yet."""

from django.contrib.admin.apps import AdminConfig


class HitlAdmin(AdminConfig):
    default_site = "hitlsite.site.Site"
