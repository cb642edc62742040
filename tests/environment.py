"""Loaded by pytest before everything else (pyproject.toml): the environment that the whole suite runs in.

The database is the one DATABASE_URL names, else this checkout's private PostgreSQL.
"""

import os
import signal

from config import start

# A developer's .env must not reach the tests: an empty variable counts as not set, and .env replaces none.
for name in ("EMAIL_URL", "EMAIL_BACKEND", "REDIS_URL", "CELERY_BROKER_URL", "SITE_URL", "ALLOWED_HOSTS"):
    os.environ[name] = ""
# No test asks a source on the network; those that read one name a server of their own on the loopback.
os.environ |= {"DEBUG": "true", "SECRET_KEY": "for-tests-only", "NEWSLETTER_SOURCES": "none"}
# A terminated run cleans up like an interrupted one.
signal.signal(signal.SIGTERM, signal.default_int_handler)
start.prepare()
