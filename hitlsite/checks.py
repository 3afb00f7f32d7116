"""System checks: a dangerous or half-made set-up says so at start."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register
from django.db import DatabaseError, connection

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


OWNING = """
SELECT r.rolsuper, r.rolbypassrls, EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND pg_has_role(r.oid, c.relowner, 'MEMBER')),
  EXISTS (SELECT FROM pg_roles h WHERE h.rolname = 'hitl_house' AND pg_has_role(r.oid, h.oid, 'USAGE'))
  FROM pg_roles r WHERE r.rolname = session_user
"""


@register(Tags.database)
def the_application_is_bound_by_the_database(app_configs, databases=None, **_):
    """Triggers and row-level security bind nobody who is above them. `migrate` and the tests' set-up are the owner's: not asked."""
    is_the_application = connection.settings_dict["USER"] == (urlsplit(settings.DATABASE_URL).username or "")
    if not databases or not is_the_application or not (settings.SEPARATE_ROLES or settings.PRODUCTION):
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute(OWNING)
            superuser, bypasses, owns, inherits = cursor.fetchone()
    except DatabaseError:  # it is away: whoever needs it will say so
        return []
    found = {
        "is a superuser": superuser,
        "has BYPASSRLS": bypasses,
        "owns tables, or is a member of the role that does": owns and settings.SEPARATE_ROLES,
        "sees as the house does without saying so (make it NOINHERIT)": inherits and not owns and settings.SEPARATE_ROLES,
    }
    return [
        Error(
            f"The application's database role {why}, so nothing that the database refuses binds it.",
            hint="Let DATABASE_URL sign in as hitl_app, made as README, “Your own PostgreSQL”, says.",
            id="hitlsite.E005",
        )
        for why, is_so in found.items()
        if is_so
    ]


@register()
def production_has_secrets_of_its_own(app_configs, **_):
    """Sessions, second factors, webhook secrets and seals are as strong as these."""
    if not settings.PRODUCTION:
        return []
    keys = {
        "SECRET_KEY": settings.SECRET_KEY,
        "HITLDESK_WEBHOOK_KEY": settings.WEBHOOK_KEY,
        "HITLDESK_SEAL_KEY": settings.SEAL_KEY,
    }
    weak = [name for name, key in keys.items() if len(key) < 50 or len(set(key)) < 10 or key.startswith("django-insecure-")]
    weak += [name for name, key in keys.items() if list(keys.values()).count(key) > 1 and name not in weak]
    return [
        Error(
            f"{name} is short, repetitive, or the same as another: whoever guesses it signs in as anybody.",
            hint="Unset it, and one is made and kept in var/; or make one: python -c 'import secrets; print(secrets.token_urlsafe(50))'.",
            id="hitlsite.E006",
        )
        for name in weak
    ]


@register()
def production_sends_to_public_addresses(app_configs, **_):
    if not (settings.PRODUCTION and settings.HITLDESK_WEBHOOKS_MAY_BE_LOCAL):
        return []
    return [
        Error(
            "HITLDESK_WEBHOOKS_MAY_BE_LOCAL is on in production: whoever sets a webhook reaches what stands beside us.",
            hint="Unset it. A receiver in your own network gets a public name, or stands behind a gateway that has one.",
            id="hitlsite.E007",
        )
    ]


@register()
def the_identity_provider_is_whole(app_configs, **_):
    """Its token opens accounts."""
    if not settings.OIDC_SERVER:
        return []
    [app] = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    found = {
        "HITLDESK_OIDC_CLIENT is not set": not app["client_id"],
        "HITLDESK_OIDC_SECRET is not set": not app["secret"],
        "HITLDESK_OIDC_SERVER is no https:// address": settings.PRODUCTION and not settings.OIDC_SERVER.startswith("https://"),
    }
    return [
        Error(
            f"{why}: sign-in by the identity provider is not safe.", hint="README, “Environment variables”.", id="hitlsite.E008"
        )
        for why, is_so in found.items()
        if is_so
    ]


@register()
def production_answers_to_its_own_name(app_configs, **_):
    if not (settings.PRODUCTION and {"*", ""} & set(settings.ALLOWED_HOSTS)):
        return []
    return [
        Error(
            "HITLDESK_HOSTS lets any name through: links and redirects can be made to lead elsewhere.",
            hint="Name the hosts: HITLDESK_HOSTS=desk.example.",
            id="hitlsite.E009",
        )
    ]


@register()
def a_job_is_not_given_out_twice(app_configs, **_):
    """django-q2 gives a job out again after `retry` seconds from when it was taken, whether or not it still runs."""
    cluster = settings.Q_CLUSTER
    if cluster["retry"] > cluster["timeout"]:
        return []
    return [
        Error(
            "Q_CLUSTER: retry must be longer than timeout, or a slow job runs twice.",
            hint="Give it a minute more than the timeout.",
            id="hitlsite.E001",
        )
    ]


@register()
def spreadsheets_ask_who(app_configs, **_):
    """Without these codes django-import-export lets any of the staff take out and overwrite every row."""
    if "import_export" not in settings.INSTALLED_APPS:
        return []
    names = ("IMPORT_EXPORT_IMPORT_PERMISSION_CODE", "IMPORT_EXPORT_EXPORT_PERMISSION_CODE")
    missing = [name for name in names if not getattr(settings, name, None)]
    return [
        Error(
            f"{name} is not set: anybody of the staff could use it on every row.",
            hint=f'Set it in settings.py: {name} = "{name.split("_")[2].lower()}".',
            id="hitlsite.E002",
        )
        for name in missing
    ]


@register()
def production_shows_no_insides(app_configs, **_):
    if settings.PRODUCTION and settings.DEBUG:
        return [
            Error(
                "HITLDESK_DEBUG is on in production: its pages show settings and data.",
                hint="Unset HITLDESK_DEBUG. The log tells of crashes by their request ids.",
                id="hitlsite.E003",
            )
        ]
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
