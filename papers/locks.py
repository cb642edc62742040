"""Who may save papers now: imports and re-filing exclude each other, a batch or chunk at a time.

Both locks end with the transaction that took them, so a process that dies holds nothing.
"""

from django.db import connection

_SAVING = 0x50617065  # "Pape"
_REFILING = 0x46696C65  # "File"


def save_alone() -> None:
    """Wait until nobody else saves papers, and keep them out until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SAVING])


def refile_alone() -> bool:
    """Whether this transaction is the one that re-files now; False at once where another is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_REFILING])
        (taken,) = cursor.fetchone()
    return bool(taken)
