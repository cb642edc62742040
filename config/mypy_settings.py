"""The settings as the type checker reads them: it needs no server, only values that pass."""

import os

os.environ.setdefault("DATABASE_URL", "postgresql://nobody@localhost/nothing")
os.environ.setdefault("SECRET_KEY", "for the type checker only")
os.environ.setdefault("DEBUG", "true")

from config.settings import *  # noqa: F403
