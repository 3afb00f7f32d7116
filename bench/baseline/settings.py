"""The product's settings with another root, Django's own PostgreSQL backend and Django's own middleware."""

from hitlsite.settings import *  # noqa: F403
from hitlsite.settings import DATABASES, MIDDLEWARE, SEPARATE_ROLES

ROOT_URLCONF = "bench.baseline.urls"
MIDDLEWARE = [
    name for name in MIDDLEWARE if name.startswith(("django.", "whitenoise.", "allauth."))
]  # the last: its app asks for it
DATABASES["default"] |= {
    "ENGINE": "django.db.backends.postgresql",
    "ATOMIC_REQUESTS": False,  # each view has its own transaction.atomic()
    "CONN_HEALTH_CHECKS": False,
}
if SEPARATE_ROLES:  # always in-house: nothing to say at BEGIN
    DATABASES["default"]["OPTIONS"] = {**DATABASES["default"].get("OPTIONS", {}), "options": "-c role=hitl_house"}
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}
