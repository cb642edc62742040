"""All settings, read from the environment and .env; a wrong value stops the start with one sentence.

Reading this file starts nothing and writes nothing. `.env.example` explains every variable.
"""

import warnings
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

import environ

from config import environment as env
from papers.sources.names import READ_BY_THEMSELVES

BASE_DIR = Path(__file__).resolve().parent.parent
environ.Env.read_env(BASE_DIR / ".env")

# --- What this place is

DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.needed(
    "SECRET_KEY", "it signs links and sessions; any 50 random characters that stay the same"
)
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
if not DEBUG:
    env.needed("SITE_URL", "links in mails lead there, such as https://papers.example.org")
SITE_URL = env.site("SITE_URL", "http://127.0.0.1:8000")
HTTPS = SITE_URL.startswith("https://")
_HOST = urlsplit(SITE_URL).hostname or ""
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", [_HOST, "localhost", "127.0.0.1", "[::1]"] if DEBUG else [_HOST])
TIME_ZONE = env.zone("TIME_ZONE", "UTC")
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # docs/translating.md says how to add one
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True

# --- The newsletter

NEWSLETTER_NAME = env.text("NEWSLETTER_NAME", "Paper Round")
NEWSLETTER_POSTAL_ADDRESS = env.text("NEWSLETTER_POSTAL_ADDRESS")
NEWSLETTER_FREEZE_AT = env.clock("NEWSLETTER_FREEZE_AT", "00:30")  # UTC
NEWSLETTER_LEASE_SECONDS = env.number("NEWSLETTER_LEASE_SECONDS", 60, 5, 3600)
NEWSLETTER_TICK_SECONDS = env.number("NEWSLETTER_TICK_SECONDS", 60, 1, 3600)
# auto: an edition is sent as soon as it is frozen. manual: once somebody approved it, within so many hours.
NEWSLETTER_APPROVAL = env.choice("NEWSLETTER_APPROVAL", "auto", ("auto", "manual"))
NEWSLETTER_APPROVAL_HOURS = env.number("NEWSLETTER_APPROVAL_HOURS", 6, 1, 48)
NEWSLETTER_UNAPPROVED = env.choice("NEWSLETTER_UNAPPROVED", "miss", ("send", "miss"))
NEWSLETTER_OUTBOX_DIR = Path(env.text("NEWSLETTER_OUTBOX_DIR", str(BASE_DIR / "var" / "outbox")))

# --- Sources that are read by themselves; `manage.py fetch_papers` reads them by hand

NEWSLETTER_SOURCES = env.several("NEWSLETTER_SOURCES", ["huggingface"], READ_BY_THEMSELVES)
NEWSLETTER_HUGGINGFACE_URL = env.service("NEWSLETTER_HUGGINGFACE_URL", "https://huggingface.co")
NEWSLETTER_ARXIV_API_URL = env.service("NEWSLETTER_ARXIV_API_URL", "https://export.arxiv.org/api/query")
NEWSLETTER_ARXIV_FEED_URL = env.service("NEWSLETTER_ARXIV_FEED_URL", "https://rss.arxiv.org/atom")
NEWSLETTER_ARXIV_CATEGORIES = env.categories("NEWSLETTER_ARXIV_CATEGORIES")
if "arxiv" in NEWSLETTER_SOURCES:
    env.needed("NEWSLETTER_ARXIV_CATEGORIES", "arxiv reads what these announce, such as cs.CL,cs.LG")
NEWSLETTER_FETCH_MINUTES = env.number("NEWSLETTER_FETCH_MINUTES", 60, 10, 1440)
NEWSLETTER_STALE_SOURCES = env.choice("NEWSLETTER_STALE_SOURCES", "label", ("label", "hold"))

# --- Mail: a server (EMAIL_URL), a provider (EMAIL_BACKEND, ANYMAIL_…), else files in NEWSLETTER_OUTBOX_DIR

EMAIL_BACKEND = "newsletter.filemail.EmailBackend"
if env.text("EMAIL_URL") and env.text("EMAIL_BACKEND"):
    raise env.refuse("EMAIL_URL", "…", "left out where EMAIL_BACKEND is set: mail leaves one way")
if env.text("EMAIL_URL"):
    globals().update(env.mail_server("EMAIL_URL"))
elif env.text("EMAIL_BACKEND"):
    EMAIL_BACKEND = env.provider("EMAIL_BACKEND")
EMAIL_TIMEOUT = env.number("EMAIL_TIMEOUT", 120, 1, 900)  # short ones turn slow servers into mails in doubt
globals().update(env.anymail(EMAIL_TIMEOUT))
NEWSLETTER_SMTP_CONNECTIONS = env.number("NEWSLETTER_SMTP_CONNECTIONS", 10, 1, 50)  # of each sender
NEWSLETTER_RATE = env.rate("NEWSLETTER_RATE")  # of all senders together
DEFAULT_FROM_EMAIL = env.mailbox("DEFAULT_FROM_EMAIL", f"{NEWSLETTER_NAME} <papers@localhost>")
SERVER_EMAIL = env.mailbox("SERVER_EMAIL", DEFAULT_FROM_EMAIL)
ADMINS = [("", parseaddr(address)[1]) for address in env.words("ADMINS")]

# --- Stores

DATABASES = {"default": env.database("DATABASE_URL", patience=NEWSLETTER_LEASE_SECONDS)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.redis("REDIS_URL")
# Without a broker a queued task goes nowhere, and the next tick does its work: nobody waits for Redis.
CELERY_BROKER_URL = env.redis("CELERY_BROKER_URL", REDIS_URL) or "memory://"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "paper-round",
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # What `{% cache %}` and others keep of pages: each process for itself, so that no page waits for Redis.
    "template_fragments": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "pages",
        "OPTIONS": {"MAX_ENTRIES": 100},
    },
}

# --- The site

INSTALLED_APPS = [
    "config.apps.RunningConfig",
    "papers",
    "newsletter",
    "anymail",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.headers.ContentSecurityPolicy",
    "config.language.SpokenLanguage",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
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
# Only who presses the switch at the foot of a page has this cookie; it says "de" and nothing else.
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").exists() else []
_FILES = "django.contrib.staticfiles.storage.StaticFilesStorage"
_HASHED_FILES = "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _FILES if DEBUG else _HASHED_FILES},
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG

# --- Security; the Content-Security-Policy stands in config/headers.py

CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS", [SITE_URL])
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
# A form on another site leads to a page of ours (newsletter/people/embedding.py). Were the cookie not sent
# along, that page would set another, and forms open in other tabs would be refused. Browsers take "None" by
# https only.
CSRF_COOKIE_SAMESITE = "None" if HTTPS else "Lax"
SECURE_HSTS_SECONDS = env.number("SECURE_HSTS_SECONDS", 2_592_000, 0, 63_072_000) if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Answers that take an address leave on whole steps of time, which hide whether the address is known.
ANSWER_STEP_SECONDS = 0.1
FILE_UPLOAD_HANDLERS = ["config.uploads.NoFiles"]
PASSWORD_RESET_TIMEOUT = 3600  # seconds; the only such link is the one-time login that `serve` prints
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
# How many proxies of ours stand in front. Only the addresses they add to X-Forwarded-For are believed.
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0, 0, 10)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# HSTS for sibling domains, and preloading, bind others than this site: not ours to switch on.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# --- What it says while it runs

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"no secrets": {"()": "config.logs.SecretsLeftOut"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "papers": {"level": LOG_LEVEL},
        "newsletter": {"level": LOG_LEVEL},
        "config": {"level": LOG_LEVEL},
        # These two name paths, and a mailed link is one; see config/logs.py.
        "django.request": {"filters": ["no secrets"]},
        "django.security.csrf": {"filters": ["no secrets"]},
    },
}
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.reports.WithoutPasswords"
# Django 6 will take https for links without a scheme in forms; so do we.
warnings.filterwarnings("ignore", "The FORMS_URLFIELD_ASSUME_HTTPS")
FORMS_URLFIELD_ASSUME_HTTPS = True
