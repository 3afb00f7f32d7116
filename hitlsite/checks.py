"""System checks: a dangerous or half-made set-up says so at start."""

from django.conf import settings
from django.core.checks import Warning, register


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
