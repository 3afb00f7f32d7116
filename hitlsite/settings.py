"""One settings file, read from the environment; what is missing and needed fails loudly (see checks.py)."""

import contextlib
import os
import secrets
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

from hitlsite import navigation, postgres

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env("HITLDESK_VAR", default=str(BASE_DIR / "var")))


def kept_secret(name):
    """The value of `name` in the environment, else one made once and kept in var/ (mode 0600)."""
    if value := env(name, default=""):
        return value
    path = VAR_DIR / name.lower()
    if not path.exists():
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        made = VAR_DIR / f".{name.lower()}.{os.getpid()}"
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):
            os.link(made, path)  # the first process wins; nobody ever reads half a secret
        made.unlink()
    return path.read_text()


DEBUG = env.bool("HITLDESK_DEBUG", default=False)
PRODUCTION = env.bool("HITLDESK_HTTPS", default=False)  # served over HTTPS, to people who are no demo
SECRET_KEY = kept_secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])  # keys before it: sessions and second factors live on
WEBHOOK_KEY = kept_secret("HITLDESK_WEBHOOK_KEY")  # every webhook secret is derived from it, none is stored
SEAL_KEY = kept_secret("HITLDESK_SEAL_KEY")  # the private half that signs the audit log's seals
SEAL_FILE = Path(env("HITLDESK_SEAL_FILE", default=str(VAR_DIR / "seals.jsonl")))
ALLOWED_HOSTS = env.list("HITLDESK_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("HITLDESK_ORIGINS", default=[])

# Who we are to the database: hitl_app owns nothing; hitl_owner migrates, and makes and drops the tests' database.
EMBEDDED = "DATABASE_URL" not in env
DATABASE_URL = env("DATABASE_URL", default="") or postgres.url("hitl_app")
DATABASE_OWNER_URL = env("DATABASE_OWNER_URL", default="") or (postgres.url("hitl_owner") if EMBEDDED else "")
SEPARATE_ROLES = bool(DATABASE_OWNER_URL)


def database(url):
    config = environ.Env.db_url_config(url)
    return {
        **config,
        "ENGINE": "hitlsite.scoped",
        "ATOMIC_REQUESTS": True,
        "CONN_MAX_AGE": env.int("HITLDESK_CONN_MAX_AGE", default=600),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "HOUSE_ROLE": "hitl_house" if SEPARATE_ROLES else "",
        "EMBEDDED": EMBEDDED,
        # Off behind a pooler of connections that knows no prepared statements; psycopg takes None for never.
        "OPTIONS": {
            **config.get("OPTIONS", {}),
            "prepare_threshold": 5 if env.bool("HITLDESK_PREPARE", default=True) else None,
        },
    }


DATABASES = {"default": database(DATABASE_URL)}
DATABASE_OWNER = {key: database(DATABASE_OWNER_URL or DATABASE_URL)[key] for key in ("USER", "PASSWORD")}

INSTALLED_APPS = [
    "hitlsite",  # first: its `migrate` runs as the owner
    "unfold.apps.BasicAppConfig",  # its templates before Django's; the default config would put its own site in place of ours
    "hitlsite.adminconfig.HitlAdmin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "csp",
    "django_htmx",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    # our own, in the order of the story
    "audit",
    "jobs",
    "accounts",
    "integrations",
    "workflows",
    "scorecards",
    "cases",
    "quality",
    "improvements",
]
MIDDLEWARE = [
    "audit.logs.RequestLine",
    "integrations.middleware.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.ActingMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "hitlsite.signin.SecondFactorMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "hitlsite.faults.FormsOnly",
]
ROOT_URLCONF = "hitlsite.urls"
WSGI_APPLICATION = "hitlsite.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ]
        },
    }
]

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
LOGOUT_REDIRECT_URL = "account_login"
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 12 * 3600  # a shift
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "hitlsite.formats"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # each by its own name, for whoever can read no other
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
WHITENOISE_USE_FINDERS = True

# Webhooks go to public addresses only; a receiver on this machine or network must be allowed.
HITLDESK_WEBHOOKS_MAY_BE_LOCAL = env.bool("HITLDESK_WEBHOOKS_MAY_BE_LOCAL", default=False)

HITLDESK_URL = env("HITLDESK_URL", default="http://127.0.0.1:8000")  # where people find us: for the links in mails
HITLDESK_ATTACHMENT_BYTES = env.int("HITLDESK_ATTACHMENT_MB", default=10) * 2**20
FILE_UPLOAD_HANDLERS = [
    "cases.talk.uploads.Bounded",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DATA_UPLOAD_MAX_NUMBER_FILES = 4
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = env("HITLDESK_MAIL_FROM", default="HITL Desk <desk@localhost>")
EMAIL_TIMEOUT = 20

DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024  # one request's body; docs/failing-closed.md states it
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.keys.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.keys.KeyThrottle"],
    "DEFAULT_THROTTLE_RATES": {"key": env("HITLDESK_API_RATE", default="12000/min")},
    "EXCEPTION_HANDLER": "integrations.problems.answer",
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "HITL Desk",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "hitlsite.openapi.add_shapes"],
}

Q_CLUSTER = {
    "name": "hitldesk",
    "orm": "default",
    "workers": env.int("HITLDESK_WORKERS", default=2),
    "queue_limit": 2,
    "bulk": 1,
    "timeout": 240,
    "retry": 300,
    "max_attempts": 5,
    "catch_up": False,
    "poll": 0.5,
    "save_limit": 10000,
    "recycle": 500,
    "label": "Queue",
}

HITLDESK_LATE_SECONDS = env.int("HITLDESK_LATE_SECONDS", default=60)  # a due job that waits longer is late: /healthz says so

# Sign-in: one page of ours over allauth; accounts are made by administrators only.
ACCOUNT_ADAPTER = "accounts.signin.SignIn"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_FORMS = {"login": "accounts.signin.SignInForm", "reauthenticate": "accounts.signin.PasswordForm"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True  # SESSION_COOKIE_AGE says how long
ACCOUNT_RATE_LIMITS = False  # those count in one process; axes counts in the database
MFA_ADAPTER = "hitlsite.signin.Factors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "accounts.factors.CodeForm",
    "reauthenticate": "accounts.factors.CodeAgainForm",
    "activate_totp": "accounts.factors.FirstCodeForm",
    "add_webauthn": "accounts.factors.AddKeyForm",
    "authenticate_webauthn": "accounts.factors.KeyForm",
    "login_webauthn": "accounts.factors.PasskeyForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # nobody signs up, so no address is anybody's claim
MFA_TOTP_ISSUER = "HITL Desk"
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True

# Five failures of one account from one address lock that pair; the account stays open from elsewhere.
HITLDESK_PROXIES = env.int("HITLDESK_PROXIES", default=0)
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "accounts.lockout.name_of"
AXES_CLIENT_IP_CALLABLE = "accounts.lockout.address_of"
AXES_LOCKOUT_CALLABLE = "accounts.lockout.answer"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True  # the audit log has it
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["login", "password", "code", "credential", "csrfmiddlewaretoken"]

# The house's identity provider, where there is one.
OIDC_SERVER = env("HITLDESK_OIDC_SERVER", default="")
SOCIALACCOUNT_ADAPTER = "accounts.identity.HouseIdentity"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "APPS": [
            {
                "provider_id": "house",
                "name": env("HITLDESK_OIDC_NAME", default="the house's account"),
                "client_id": env("HITLDESK_OIDC_CLIENT", default=""),
                "secret": env("HITLDESK_OIDC_SECRET", default=""),
                "settings": {"server_url": OIDC_SERVER, "oauth_pkce_enabled": True},
            }
        ]
        if OIDC_SERVER
        else []
    }
}

# unfold's pages need inline scripts and eval (Alpine); pages on a base of our own have the strict one, by accounts/strict.py.
STRICT_POLICY = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [SELF],
    "font-src": [SELF],
    "img-src": [SELF, "data:"],
    "connect-src": [SELF],
    "form-action": [SELF, *([urlsplit(OIDC_SERVER)._replace(path="").geturl()] if OIDC_SERVER else [])],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

SILENCED_SYSTEM_CHECKS = ["security.W021"]  # whether a domain goes on the browsers' preload list is its owner's to decide
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # monitors on this machine come without the proxy
    SECURE_HSTS_SECONDS = 31536000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

UNFOLD = navigation.UNFOLD
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "audit.logs.Line"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "axes": {"level": "ERROR"},  # the audit log has them
        **{name: {"handlers": [], "propagate": True} for name in ("django", "django.server")},  # in place of their own
        **{
            name: {"level": "WARNING", "propagate": True} for name in ("django-q", "httpx", "urllib3")
        },  # what they do is no news
    },
    "root": {"handlers": ["console"], "level": env("HITLDESK_LOG", default="INFO")},
}
