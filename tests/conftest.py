"""The suite runs on a real PostgreSQL: the one DATABASE_URL names, else this checkout's embedded one."""

from config import embedded

embedded.ensure_database()
