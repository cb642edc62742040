"""Loaded by pytest before everything else (pyproject.toml): the environment that the whole suite runs in.

The database is the one DATABASE_URL names, else this checkout's private PostgreSQL.
"""

import os

from config import start

# A developer's .env must not reach the tests: an empty variable counts as not set, and .env replaces none.
for name in ("EMAIL_URL", "EMAIL_BACKEND", "REDIS_URL", "CELERY_BROKER_URL", "SITE_URL", "ALLOWED_HOSTS"):
    os.environ[name] = ""
os.environ |= {"DEBUG": "true", "SECRET_KEY": "for-tests-only"}
start.prepare()
