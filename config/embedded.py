"""A checkout's own servers: PostgreSQL where DATABASE_URL is missing, Valkey where REDIS_URL is.

Both keep their files in `var/`, are shared by every process of the checkout, and stop with the last one.
"""

import os
import sys
from pathlib import Path

from config import keeper
from config.keeper import BASE_DIR, Server
from config.postgres import Postgres
from config.valkey import Valkey

VAR = BASE_DIR / "var"
SERVERS: dict[str, type[Server]] = {server.name: server for server in (Postgres, Valkey)}


def ensure_database() -> None:
    """Set DATABASE_URL, unless it is set, to this checkout's PostgreSQL; raises keeper.ServerError."""
    if not os.environ.get("DATABASE_URL"):
        os.environ["DATABASE_URL"] = keeper.join(Postgres(VAR))


def ensure_broker() -> None:
    """Set REDIS_URL, unless it is set, to this checkout's Valkey; raises keeper.ServerError."""
    if not os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = keeper.join(Valkey(VAR))


if __name__ == "__main__":  # the keeper's process: NAME VAR LOCKED-FILE
    keeper.keep(SERVERS[sys.argv[1]](Path(sys.argv[2])), int(sys.argv[3]))
