"""Django's settings: one module for demo, tests and production; what differs comes from config/env.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

from config import env
from config.schedule import BEAT_SCHEDULE
from config.unfold import UNFOLD  # noqa: F401 - read by django-unfold
from core.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env.DEBUG
SECRET_KEY = env.SECRET_KEY
ALLOWED_HOSTS = env.ALLOWED_HOSTS
BASE_URL = env.BASE_URL
FIELD_KEYS = env.FIELD_KEYS
BLIND_INDEX_KEY = env.BLIND_INDEX_KEY
WHATSAPP_API_URL = env.WHATSAPP_API_URL
WHATSAPP_API_VERSION = env.WHATSAPP_API_VERSION
SHEETS_API_URL = env.SHEETS_API_URL.rstrip("/")
SHEETS_RETRY_WAIT = env.SHEETS_RETRY_WAIT
EMAIL_DNS_SERVER = env.EMAIL_DNS_SERVER
EMAIL_DNS_TIMEOUT = env.EMAIL_DNS_TIMEOUT
UNDERSTANDING_URL = env.UNDERSTANDING_URL
UNDERSTANDING_TOKEN = env.UNDERSTANDING_TOKEN
UNDERSTANDING_TIMEOUT = env.UNDERSTANDING_TIMEOUT
REDIS_URL = env.REDIS_URL
OUTSIDE_MAY_BE_INSIDE = env.OUTSIDE_MAY_BE_INSIDE
API_CALLS_PER_CALLER = env.API_CALLS_PER_CALLER
API_CALLS_PER_ORGANIZATION = env.API_CALLS_PER_ORGANIZATION

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_structlog",
    "pgtrigger",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "core",
    "ledger",
    "sheets",
    "crm",
    "messaging",
    "campaigns",
    "commissions",
    "config.apps.ConfigConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "core.middleware.PermissionsMiddleware",
    "core.middleware.CompressionMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.middleware.RequestLogMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "core.middleware.OrganizationMiddleware",
    "core.accounts.rules.SignInRules",
    "core.accounts.looking.LookingAs",
    "core.middleware.DomainErrorMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "core.pages.shell",
            ],
        },
    },
]


def database(url: str, *, pool_size: int) -> dict[str, Any]:
    """Connection settings with a limit on every wait: nothing may hang a request or a worker for ever."""
    options: dict[str, Any] = {
        "connect_timeout": 3,
        "options": "-c lock_timeout=5000 -c idle_in_transaction_session_timeout=60000",
    }
    if pool_size:
        options["pool"] = {"min_size": 1, "max_size": pool_size, "timeout": 10}
    # Under ASGI a kept connection leaks one per thread: either a pool, or none is kept (ecosystem.md, 0.6).
    # Before it is used, a connection is asked whether it still lives: a database may restart.
    return {**environ.Env.db_url_config(url), "OPTIONS": options, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}


DATABASES = {
    "default": database(env.DATABASE_URL, pool_size=env.DATABASE_POOL_SIZE),
    "owner": database(env.DATABASE_OWNER_URL, pool_size=0),
}
DATABASE_ROUTERS: list[str] = []
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": {"BACKEND": "core.caches.ForgivingCache", "LOCATION": env.REDIS_URL}}

AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = ["core.backends.SignInBackend"]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in/"
PASSWORD_RESET_TIMEOUT = 4 * 3600
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

# allauth (core/accounts): by e-mail, nobody signs up by himself, and nothing tells who has an account.
ACCOUNT_ADAPTER = "core.accounts.adapters.AccountAdapter"
ACCOUNT_FORMS = {"reset_password": "core.accounts.forms.AskReset"}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(env.BASE_URL).scheme
MFA_ADAPTER = "core.accounts.adapters.MfaAdapter"
MFA_TOTP_ISSUER = "Majlis"
MFA_TOTP_TOLERANCE = 1  # a clock that is half a minute off is still a clock
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = env.IS_LOCAL  # http://localhost has no certificate

vars().update(env.EMAIL)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.EMAIL_FROM or f"Majlis <no-reply@{urlsplit(env.BASE_URL).hostname}>"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ar", "العربية"), ("fr", "Français")]
FORMAT_MODULE_PATH = "config.formats"
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
# In production `collectstatic` gathers the files here; elsewhere they are served from where they lie.
STATIC_ROOT = None if env.IS_LOCAL else BASE_DIR / ".run" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = env.IS_LOCAL
WHITENOISE_AUTOREFRESH = env.MAJLIS_ENV in {"dev", "test"}  # looked up when asked for, not listed at the start
MEDIA_ROOT = Path(env.MEDIA_ROOT) if Path(env.MEDIA_ROOT).is_absolute() else BASE_DIR / env.MEDIA_ROOT
# Rows that are ticked in a long list are a field each.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
# An import may bring 50 MB; what is over 2.5 MB is spooled to disk. Everything else is far smaller.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not env.IS_LOCAL
SECURE_SSL_REDIRECT = not env.IS_LOCAL
SECURE_PROXY_SSL_HEADER = None if env.IS_LOCAL else ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
SECURE_HSTS_SECONDS = 0 if env.IS_LOCAL else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not env.IS_LOCAL
CSRF_TRUSTED_ORIGINS = [env.BASE_URL]
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        # Alpine inside django-unfold evaluates its attributes; our own pages need no 'unsafe-eval'.
        "script-src": ["'self'", "'unsafe-eval'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:", "blob:"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'self'"],
    }
}

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "core.api.authentication.TokenAuthentication",
        "core.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["core.api.permissions.CapabilityPermission"],
    "DEFAULT_THROTTLE_CLASSES": ["core.api.limits.CallLimit"],
    "DEFAULT_PAGINATION_CLASS": "core.api.pagination.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],  # views that take files say so
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.AutoSchema",
    "EXCEPTION_HANDLER": "core.api.errors.problem_response",
    "COERCE_DECIMAL_TO_STRING": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Majlis",
    # The page of the API begins with it; tests/core/test_api_documentation.py does what it says.
    "DESCRIPTION": (BASE_DIR / "docs" / "api-quickstart.md").read_text(),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "core.api.schema.add_refusal"],
    "SCHEMA_PATH_PREFIX": r"/api/v1/{organization}",
    "ENUM_NAME_OVERRIDES": {
        "RoleEnum": "core.roles.Role",
        "ProjectStatusEnum": "crm.models.stock.ProjectStatus",
        "PropertyStatusEnum": "crm.models.stock.PropertyStatus",
        "AgentStatusEnum": "crm.models.agents.AgentStatus",
        "AssignmentStatusEnum": "crm.models.agents.AssignmentStatus",
        "ContactKindEnum": "crm.models.contacts.ContactKind",
        "PointKindEnum": "crm.models.contacts.PointKind",
        "ValidationStatusEnum": "crm.models.validation.RunStatus",
        "PointStatusEnum": "crm.models.contacts.PointStatus",
        "DealKindEnum": "crm.models.deals.DealKind",
        "ConversationStatusEnum": "messaging.models.conversations.ConversationStatus",
        "MessageStatusEnum": "messaging.models.conversations.MessageStatus",
        "TemplateStatusEnum": "messaging.models.channels.TemplateStatus",
        "CampaignStatusEnum": "campaigns.models.CampaignStatus",
        "RecipientStatusEnum": "campaigns.models.Status",
        "SequenceStatusEnum": "campaigns.models.SequenceStatus",
        "EnrollmentStateEnum": "campaigns.models.EnrollmentState",
        "StepActEnum": "campaigns.models.Act",
        "CommissionStatusEnum": "commissions.models.Status",
        "SplitRoleEnum": "commissions.models.SplitRole",
        "ImportStatusEnum": "sheets.models.RunStatus",
        "AccountKindEnum": "ledger.models.AccountKind",
    },
}

CELERY_BROKER_URL = env.REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_timeout": 5, "socket_connect_timeout": 3}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A slice of a campaign holds its worker for up to 20 s: in a queue of their own nothing waits behind them.
# Telling others of events waits for strangers' servers, up to 10 s each: nothing else stands behind them.
CELERY_TASK_ROUTES = {"campaigns.run": {"queue": "campaigns"}, "core.deliver_hook": {"queue": "hooks"}}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_DB_REUSE_MAX = 500
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = BEAT_SCHEDULE
# In memory: the file that beat keeps by default is torn when it is killed while writing, and then it never starts again.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"

LOGGING = logging_config(level=env.LOG_LEVEL, as_json=env.LOG_JSON)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_USER_ID_FIELD = "pk"

if urlsplit(env.BASE_URL).scheme not in {"http", "https"}:
    raise ValueError("BASE_URL must be an address such as https://majlis.example")
