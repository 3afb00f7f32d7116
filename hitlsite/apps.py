from django.apps import AppConfig


class HitlsiteConfig(AppConfig):
    name = "hitlsite"
    verbose_name = "HITL Desk"
