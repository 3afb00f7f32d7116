"""System checks: a dangerous or half-made set-up says so at start."""

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register
from django.db import DatabaseError

from accounts.models import User


@register()
def the_database_can_refuse(app_configs, **_):
    """With one role for everything, whoever is the application owns the triggers that bind it."""
    if settings.SEPARATE_ROLES:
        return []
    return [
        Warning(
            "DATABASE_URL stands alone: the application owns its tables, so history is protected by triggers only, "
            "and whoever has the application's password can drop them.",
            hint="Make the roles hitl_owner, hitl_app and hitl_house (README, “Your own PostgreSQL”) and set DATABASE_OWNER_URL.",
            id="hitlsite.W001",
        )
    ]


@register()
def a_job_is_not_given_out_twice(app_configs, **_):
    """django-q2 gives a job out again after `retry` seconds from when it was taken, whether or not it still runs."""
    cluster = settings.Q_CLUSTER
    if cluster["retry"] > cluster["timeout"]:
        return []
    return [Error("Q_CLUSTER: retry must be longer than timeout, or a slow job runs twice.", id="hitlsite.E001")]


@register()
def spreadsheets_ask_who(app_configs, **_):
    """Without these codes django-import-export lets any of the staff take out and overwrite every row."""
    if "import_export" not in settings.INSTALLED_APPS:
        return []
    names = ("IMPORT_EXPORT_IMPORT_PERMISSION_CODE", "IMPORT_EXPORT_EXPORT_PERMISSION_CODE")
    missing = [name for name in names if not getattr(settings, name, None)]
    return [
        Error(f"{name} is not set: anybody of the staff could use it on every row.", id="hitlsite.E002") for name in missing
    ]


@register()
def production_shows_no_insides(app_configs, **_):
    if settings.PRODUCTION and settings.DEBUG:
        return [Error("HITLDESK_DEBUG is on in production. Unset it: its pages show settings and data.", id="hitlsite.E003")]
    return []


@register(Tags.database)
def the_demo_is_not_in_production(app_configs, databases=None, **_):
    """Their password and codes can be worked out by whoever has SECRET_KEY. Sign-in refuses them, too."""
    try:
        if not (settings.PRODUCTION and databases and User.objects.filter(is_demo=True, is_active=True).exists()):
            return []
    except DatabaseError:  # not migrated yet
        return []
    return [
        Error(
            "The demo's people are in this database, and HITLDESK_HTTPS says that it is production.",
            hint="Begin with an empty database: `manage.py up --no-demo`, or switch their accounts off.",
            id="hitlsite.E004",
        )
    ]
