from django.apps import AppConfig

from hitlsite import words


class HitlsiteConfig(AppConfig):
    name = "hitlsite"
    verbose_name = "HITL Desk"

    def ready(self):
        from hitlsite import checks  # noqa: F401  registers them

        words.name_the_fields()
