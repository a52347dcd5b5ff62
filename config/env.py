"""Every setting that comes from outside, with its default. .env.example lists the same names."""

from __future__ import annotations

import environ

env = environ.Env()

MAJLIS_ENV = env.str("MAJLIS_ENV", default="production")  # production, demo, dev, test
IS_LOCAL = MAJLIS_ENV != "production"

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="local-only-not-a-secret-" + "0" * 40 if IS_LOCAL else environ.Env.NOTSET)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"] if IS_LOCAL else [])
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000")

# The application connects as a plain role that row-level security binds; migrations run as the owner of the tables.
DATABASE_URL = env.str("DATABASE_URL", default="postgresql://majlis_app@127.0.0.1:5432/majlis")
DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", default=DATABASE_URL)
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=0)  # 0: no pool (workers); the web server wants one
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")

# Encrypted fields: Fernet keys, newest first. The blind index has a key of its own. Neither comes from SECRET_KEY.
LOCAL_FIELD_KEY = "bWFqbGlzLWxvY2FsLW9ubHktbm90LWEtc2VjcmV0LTE="
FIELD_KEYS = env.list("FIELD_KEYS", default=[LOCAL_FIELD_KEY] if IS_LOCAL else environ.Env.NOTSET)
BLIND_INDEX_KEY = env.str("BLIND_INDEX_KEY", default="local-only" if IS_LOCAL else environ.Env.NOTSET)

# The Cloud API client is the same everywhere; only its address differs (the sandbox in demo, dev and tests).
WHATSAPP_API_URL = env.str("WHATSAPP_API_URL", default="https://graph.facebook.com")
WHATSAPP_API_VERSION = env.str("WHATSAPP_API_VERSION", default="v25.0")

# Google Sheets: empty is Google itself; the first wait of a repeated request, in seconds, doubles each time.
SHEETS_API_URL = env.str("SHEETS_API_URL", default="")
SHEETS_RETRY_WAIT = env.float("SHEETS_RETRY_WAIT", default=1.0)

# Whether a domain takes mail: `address` or `address:port` of a DNS server, empty for the system's; seconds for an answer.
EMAIL_DNS_SERVER = env.str("EMAIL_DNS_SERVER", default="")
EMAIL_DNS_TIMEOUT = env.float("EMAIL_DNS_TIMEOUT", default=3.0)

# A hosted model that says what messages mean: empty is the offline lexicon; seconds for an answer.
UNDERSTANDING_URL = env.str("UNDERSTANDING_URL", default="")
UNDERSTANDING_TOKEN = env.str("UNDERSTANDING_TOKEN", default="")
UNDERSTANDING_TIMEOUT = env.float("UNDERSTANDING_TIMEOUT", default=3.0)

# Whether addresses that users give (webhook endpoints) may be http and in our own network: for development only.
OUTSIDE_MAY_BE_INSIDE = env.bool("OUTSIDE_MAY_BE_INSIDE", default=False)

# Calls of the API a minute: of one token (or one member in a browser), and of all of one organisation.
API_CALLS_PER_CALLER = env.int("API_CALLS_PER_CALLER", default=600)
API_CALLS_PER_ORGANIZATION = env.int("API_CALLS_PER_ORGANIZATION", default=3000)

# Where e-mails go: smtp+tls://user:password@host:587, or filemail:///folder (filemail:////folder is
# one of the root). In demo, dev and tests they are files.
EMAIL = env.email_url("EMAIL_URL", default="filemail:///.run/mail" if IS_LOCAL else "smtp://localhost:25")
EMAIL_FROM = env.str("EMAIL_FROM", default="")

MEDIA_ROOT = env.str("MEDIA_ROOT", default=".run/media")
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOG_JSON = env.bool("LOG_JSON", default=not IS_LOCAL)
