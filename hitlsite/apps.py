from django.apps import AppConfig


class HitlsiteConfig(AppConfig):
    name = "hitlsite"
    verbose_name = "HITL Desk"

    def ready(self):
        from hitlsite import checks  # noqa: F401  registers them
