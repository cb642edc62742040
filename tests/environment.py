"""Loaded by pytest before everything else (pyproject.toml): the environment that the whole suite runs in.

The database is the one DATABASE_URL names, else this checkout's private PostgreSQL.
"""

import os
import signal

from config import start

# A developer's .env must not reach the tests: an empty variable counts as not set, and .env replaces none.
for name in ("EMAIL_URL", "EMAIL_BACKEND", "REDIS_URL", "CELERY_BROKER_URL", "SITE_URL", "ALLOWED_HOSTS"):
    os.environ[name] = ""
os.environ |= {"DEBUG": "true", "SECRET_KEY": "for-tests-only"}
# A proxy would be asked for the servers of tests too.
for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
    os.environ.pop(name, None)
    os.environ.pop(name.lower(), None)
# No test asks a source on the network: none is read by itself, and whoever reads one by hand meets nobody,
# unless the test names a server of its own.
os.environ |= {"NEWSLETTER_SOURCES": "none", "NEWSLETTER_ARXIV_CATEGORIES": ""}
for name in ("HUGGINGFACE", "ARXIV_API", "ARXIV_FEED"):
    os.environ[f"NEWSLETTER_{name}_URL"] = "http://127.0.0.1:9/nobody"
# A terminated run cleans up like an interrupted one.
signal.signal(signal.SIGTERM, signal.default_int_handler)
start.prepare()
