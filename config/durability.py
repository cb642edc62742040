"""Refuses a database that could forget what it has promised to keep.

A gate that PostgreSQL forgets is a mail sent twice, and a clock that is wrong makes leases and due times
wrong. One short query, so that every door can ask before it sends anything.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.core.management.base import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

MOST_SKEW = timedelta(seconds=60)
_ASK = """
    SELECT current_setting('fsync'), current_setting('synchronous_commit'),
           current_setting('full_page_writes'), clock_timestamp()
"""
_WHY = {
    "fsync": "a crash could make it forget which mails have left, and they would go out twice",
    "synchronous_commit": "a crash could undo what the sender was told is kept, and mails would go out twice",
    "full_page_writes": "a crash of the machine could leave torn pages in the record of what was sent",
}


class UnsafeDatabase(CommandError):
    """Nothing may be sent on this database as it is; the message is one sentence, which commands print."""


def refuse_unsafe(connection: BaseDatabaseWrapper, *, clock: Callable[[], datetime] = timezone.now) -> None:
    """Raise UnsafeDatabase if this session could lose a commit, or if its clock is over 60 s from ours.

    `synchronous_commit` counts as this session has it. Raises django.db.Error where no database answers.
    """
    with connection.cursor() as cursor:
        before = clock()
        cursor.execute(_ASK)
        *values, theirs = cursor.fetchone()
        after = clock()
    for (name, why), value in zip(_WHY.items(), values, strict=True):
        if value == "off":
            raise UnsafeDatabase(f"PostgreSQL runs with {name}=off: {why}; set it to on")
    # A slow answer is no skew: the database read its clock somewhere between the two readings of ours.
    skew = max(theirs - after, before - theirs)
    if skew > MOST_SKEW:
        side = "ahead of" if theirs > after else "behind"
        raise UnsafeDatabase(
            f"the clock of PostgreSQL is {skew.total_seconds():.0f} s {side} this machine's, more than"
            f" {MOST_SKEW.seconds} s: set both by NTP"
        )
