"""All settings, read from the environment. `.env.example` lists and explains each variable.

An invalid value is refused at start with a sentence that says how to fix it.
"""

import tomllib
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from config.api_description import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from config.beat_schedule import CELERY_BEAT_SCHEDULE as CELERY_BEAT_SCHEDULE
from config.http.hsts import check_hsts, strict_flag
from config.http.proxies import proxy_headers, trusted_proxies
from config.http.security_contact import security_contacts, security_policy
from config.logging.logs import logging_config
from config.mail import mail_config
from config.unfold import UNFOLD as UNFOLD

BASE_DIR = Path(__file__).resolve().parent.parent
# Shown in the footers and by /healthz.
VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]

env = environ.Env()
# Variables of the environment win over those of this file.
ENV_FILE = Path(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))
if ENV_FILE.exists():
    env.read_env(ENV_FILE)


def required(name: str, example: str) -> str:
    """The variable's text. Raise an error that says how to set it if it is missing."""
    value: str = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. Set it in the environment or in .env, for example {name}={example}"
        )
    return value


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = required("SECRET_KEY", "$(python -c 'import secrets; print(secrets.token_urlsafe(50))')")
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
# Who runs the program: on statements, and proposed where the company that issues invoices is entered.
OPERATOR_NAME = env.str("OPERATOR_NAME", default="Affidavit")
# Lines of the address, separated by |.
OPERATOR_ADDRESS = [line.strip() for line in env.str("OPERATOR_ADDRESS", default="").split("|") if line.strip()]
OPERATOR_COUNTRY = env.str("OPERATOR_COUNTRY", default="")
OPERATOR_VAT_NUMBER = env.str("OPERATOR_VAT_NUMBER", default="")
# The account that payouts are sent from, for SEPA files.
OPERATOR_IBAN = env.str("OPERATOR_IBAN", default="")
OPERATOR_BIC = env.str("OPERATOR_BIC", default="")
# The version of the ISO 20022 message in SEPA files.
SEPA_SCHEMA = env.str("SEPA_SCHEMA", default="pain.001.001.09")
if SEPA_SCHEMA not in ("pain.001.001.03", "pain.001.001.09", "pain.001.001.10", "pain.001.001.11"):
    raise ImproperlyConfigured(
        f"SEPA_SCHEMA is {SEPA_SCHEMA}; it must be pain.001.001.09, or pain.001.001.03, .10 or .11 where your bank "
        "asks for that."
    )
# Where daily exchange rates come from: the ECB's file or one of its form; empty fetches none.
RATES_URL = env.str("RATES_URL", default="https://www.ecb.europa.eu/stats/eurofxref/eurofxref.zip")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_URL])
# Addresses or networks of proxies that are believed about the client, and the headers that they write.
TRUSTED_PROXIES = trusted_proxies(env.list("TRUSTED_PROXIES", default=[]))
PROXY_HEADERS = proxy_headers(env.str("PROXY_HEADERS", default="x-forwarded"))
# Off only for development and the demo: postbacks carry money and must travel encrypted.
REQUIRE_HTTPS = env.bool("REQUIRE_HTTPS", default=not DEBUG)

# "number:secret" pairs; the first signs new click IDs, all of them verify.
CLICK_ID_KEYS = env.list("CLICK_ID_KEYS", default=[f"0:{SECRET_KEY}"])
# Clicks are stored here while the database is unavailable: a persistent volume of each web server.
SPOOL_DIR = Path(env.str("SPOOL_DIR", default=str(BASE_DIR / ".data" / "spool")))
# Retention of clicks: personal fields are cleared after days, whole months dropped after months; 0 keeps for ever.
CLICK_PERSONAL_DAYS = env.int("CLICK_PERSONAL_DAYS", default=90)
CLICK_ROW_MONTHS = env.int("CLICK_ROW_MONTHS", default=36)
# Months of events are dropped after this many months, once all readers have read them; 0 keeps them for ever.
EVENT_MONTHS = env.int("EVENT_MONTHS", default=13)
# A visitor's further clicks on the same link within this many seconds are marked as duplicates; 0 marks none.
CLICK_DUPLICATE_SECONDS = env.int("CLICK_DUPLICATE_SECONDS", default=30)
# Databases (.mmdb) that say where an address is; the first that knows counts. Empty takes the bundled one.
GEOIP_FILES = env.list("GEOIP_FILES", default=[])
# Store visitors' addresses without their last part from the start.
CLICK_IP_TRUNCATE = env.bool("CLICK_IP_TRUNCATE", default=False)
# What a visitor's consent decides: honour (what a link says; silence stores as usual), require (silence is a refusal),
# record (it is only recorded).
CLICK_CONSENT = env.str("CLICK_CONSENT", default="honour")
# The most first starts of apps that one address may ask about in a minute; 0 sets no limit.
APP_STARTS_PER_MINUTE = env.int("APP_STARTS_PER_MINUTE", default=300)
# Anchors of closed periods: the file that they are appended to (empty: none), and the keys that sign them.
ANCHOR_FILE = env.str("ANCHOR_FILE", default=str(BASE_DIR / ".data" / "anchors.jsonl"))
ANCHOR_KEYS = [entry.strip() for entry in env.list("ANCHOR_KEYS", default=[]) if entry.strip()]
# Encrypt advertiser secrets at rest; the first encrypts, all of them decrypt.
FIELD_KEYS = env.list("FIELD_KEYS", default=[SECRET_KEY])

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "config.apps.OperatorPanelConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "import_export",
    "pgtrigger",
    "rest_framework",
    "records",
    "affiliates",
    "tracking",
    "conversions",
    "payouts",
    "dashboard",
]

MIDDLEWARE = [
    "config.http.client_address.ClientAddressMiddleware",
    "config.logging.request_id.RequestIdMiddleware",
    "config.monitoring.probes.ProbeMiddleware",
    "config.http.compression.PageCompression",
    "config.http.null_characters.NullCharacterMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.http.content_policy.PanelPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.http.language.PageLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.time_zone.PanelTimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.http.client_address.LoggedRequests",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASE_URL = required("DATABASE_URL", "postgres://affidavit:secret@127.0.0.1:5432/affidavit")
if not DATABASE_URL.startswith(("postgres://", "postgresql://")):
    raise ImproperlyConfigured(
        "DATABASE_URL must be a PostgreSQL address (postgres://user:password@host:port/name): the promises about "
        "lost clicks and double counting rest on PostgreSQL."
    )
DATABASES: dict[str, dict[str, Any]] = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"].update(
    CONN_HEALTH_CHECKS=True,
    ATOMIC_REQUESTS=False,
)
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
# The web server answers each request in a thread of its own: a pool lends connections to them.
# Elsewhere (worker, commands) a process keeps its one connection.
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=0)
if DATABASE_POOL_SIZE:
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 10}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
# The owner of the tables, only for migrations: the application's role then cannot change the triggers of history.
DATABASE_OWNER: dict[str, Any] = env.db_url("DATABASE_OWNER_URL") if env.str("DATABASE_OWNER_URL", default="") else {}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = required("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "affidavit",
    }
}

AUTH_USER_MODEL = "affiliates.User"
AUTHENTICATION_BACKENDS = ["affiliates.roles.backend.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_ADAPTER = "affiliates.access.sign_in.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_FORMS = {"reset_password": "affiliates.access.sign_in_forms.ResetPasswordForm"}
# Tries of one client address, whosever account it tries. Those of one account: `affiliates/access/sign_in_limits.py`.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip",
    "reset_password": "20/m/ip",
    "reset_password_mail": "5/15m/key",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "affiliates.access.sign_in_forms.AuthenticateForm",
    "reauthenticate": "affiliates.access.sign_in_forms.ReauthenticateForm",
}
MFA_TOTP_ISSUER = "Affidavit"
# Operators create the accounts, so addresses are trusted: a second factor needs no confirmed address.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# What the API takes: 10,000 rows with a note each. Files have their own bounds, as do bodies of strangers
# (`config/http/request_bodies.py`).
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

# English is the source language and needs no catalogue; docs/translating.md says how another one is added.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["config.formats"]
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "web.bundles.BundleFinder",
]
# Otherwise files are not collected but looked for at each request, where they lie in the project and its packages.
STATIC_MANIFEST = env.bool("STATIC_MANIFEST", default=not DEBUG)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "config.static_storage.StaticStorage"
        if STATIC_MANIFEST
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = not STATIC_MANIFEST
# Seconds, for names without a hash, such as those of the tags for landing pages; the others never change.
WHITENOISE_MAX_AGE = 3600 if STATIC_MANIFEST else 0
WHITENOISE_ALLOW_ALL_ORIGINS = False

EMAIL_CONFIG = mail_config(env, debug=DEBUG)
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Affidavit <affidavit@localhost>")

# The contact and policy for security reports: /.well-known/security.txt.
SECURITY_CONTACTS = security_contacts(env.list("SECURITY_CONTACT", default=[]))
SECURITY_POLICY_URL = security_policy(env.str("SECURITY_POLICY_URL", default=""))

# HTTPS and cookies. The proxy in front ends TLS and names the protocol; the first middleware reads it.
SECURE_PROXY_SSL_HEADER = ("affidavit.scheme", "https")
SECURE_SSL_REDIRECT = REQUIRE_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = REQUIRE_HTTPS
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31536000 if REQUIRE_HTTPS else 0)
# Only when asked for: other services below the same name may have no HTTPS, and a browser's list is left slowly.
SECURE_HSTS_INCLUDE_SUBDOMAINS = strict_flag("HSTS_INCLUDE_SUBDOMAINS", env.str("HSTS_INCLUDE_SUBDOMAINS", default=""))
SECURE_HSTS_PRELOAD = strict_flag("HSTS_PRELOAD", env.str("HSTS_PRELOAD", default=""))
check_hsts(SECURE_HSTS_SECONDS, subdomains=SECURE_HSTS_INCLUDE_SUBDOMAINS, preload=SECURE_HSTS_PRELOAD)
# The checks of a deployment would have both on; see docs/operations.md.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    # The admin's own scripts (Alpine in django-unfold) need eval; its pages set a policy of their own.
    "EXCLUDE_URL_PREFIXES": ("/admin/", "/trace/", "/tools/"),
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "style-src": ["'self'"],
        "script-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    },
}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Without the two restore options kombu looks for a dead worker's messages only about every 100 s.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
CELERY_BEAT_SCHEDULER = "config.due_scheduler:DueScheduler"
CELERY_BEAT_SCHEDULE_FILENAME = env.str("BEAT_SCHEDULE_FILE", default=str(BASE_DIR / ".data" / "beat"))

# The token with which Prometheus reads /metrics; empty allows only this machine.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# E-mail addresses, telephone and account numbers in postbacks: mask, refuse or keep.
PERSONAL_DATA = env.str("PERSONAL_DATA", default="mask")
if PERSONAL_DATA not in ("mask", "refuse", "keep"):
    raise ImproperlyConfigured(f"PERSONAL_DATA is {PERSONAL_DATA}; it must be mask, refuse or keep.")
# A customer is known by the digest: with another key every customer whose ID was masked is a new one.
PERSONAL_DATA_KEY = env.str("PERSONAL_DATA_KEY", default=SECRET_KEY)
# How many postbacks a minute may come from one address without a right token; 0 sets no limit.
FAILED_POSTBACKS_PER_MINUTE = env.int("FAILED_POSTBACKS_PER_MINUTE", default=30)
# How long a postback waits for the customer, sale or link that it names.
PARKED_HOURS = env.int("PARKED_HOURS", default=72)
# How long after a rejection an affiliate may appeal against it, and how long an operator has to answer.
APPEAL_DAYS = env.int("APPEAL_DAYS", default=30)
APPEAL_ANSWER_DAYS = env.int("APPEAL_ANSWER_DAYS", default=7)
# How many requests an API key, or a signed-in user, may send in a minute; 0 sets no limit.
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=600)
# How many wrong API keys a minute may come from one address; 0 sets no limit. A right key is always taken.
FAILED_API_KEYS_PER_MINUTE = env.int("FAILED_API_KEYS_PER_MINUTE", default=30)
REST_FRAMEWORK = {
    # The first middleware has read the proxies' headers: REMOTE_ADDR is the client's.
    "NUM_PROXIES": 0,
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "affiliates.access.api_keys.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["web.rest.body.JsonBody"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["web.rest.filters.KnownFilters"],
    "DEFAULT_PAGINATION_CLASS": "web.rest.pages.Pages",
    "DEFAULT_THROTTLE_CLASSES": ["affiliates.access.limits.RequestLimit"],
    "DEFAULT_SCHEMA_CLASS": "web.rest.schema.Described",
    "EXCEPTION_HANDLER": "web.rest.errors.answer_error",
    "COERCE_DECIMAL_TO_STRING": True,
    "DURATION_FORMAT": "iso-8601",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

# The ID that the answer carries: `RequestIdMiddleware` has seen to it.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
LOGGING = logging_config(level=env.str("LOG_LEVEL", default="INFO"), as_json=env.bool("LOG_JSON", default=not DEBUG))
