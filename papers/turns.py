"""One writer of papers at a time: imports and re-filing take turns, a batch or chunk each."""

from django.db import connection

_SAVING = 0x50617065  # "Pape"
_REFILING = 0x46696C65  # "File"


def take_turn() -> None:
    """Wait until nobody else saves papers, and keep them out until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SAVING])


def try_refiling() -> bool:
    """Whether this transaction is the one that re-files now. A worker that dies lets go of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_REFILING])
        (taken,) = cursor.fetchone()
    return bool(taken)
