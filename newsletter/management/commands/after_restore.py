"""Puts in quarantine what a restored backup cannot know. To be run before anything else is started."""

from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from newsletter.delivery import restoring
from newsletter.delivery.restoring import Restored

RUNNING = timedelta(minutes=10)  # whose last tick is so recent is no restored backup, it seems

BEFORE = """The backup is from about {backup} UTC, {ago} ago{how}.{running}
What was sent since then is not in it, nor who left. This command
- puts every mail that may have been sent since then in doubt, so that none is sent twice;
- records the editions since then as missed, today's too: they are not sent, and their papers not used again;
- pauses what was being sent, and holds the next edition at its freeze.
Nothing leaves until somebody resumes. It can be run again."""
AFTER = """
READERS WHO LEFT SINCE {backup} UTC ARE ACTIVE AGAIN. This database cannot know who. Before you resume:
1. Ask your mail provider for its unsubscribes, bounces and complaints since then, and read the mailbox of
   {sender} for wishes to leave.
2. Look into the web server's log for POST /unsubscribe/... since then. Open each of these links and press its
   button: it still works, and leaves nobody mailed who did not want to be.
3. Set the others to unsubscribed by hand: {site}/admin/newsletter/subscriber/
Who signed up since then is not known any more, and has to do so again.

Then look at {site}/admin/newsletter/edition/ and resume what is paused, or approve the next edition.
Until then every edition is held. Mails in doubt stay as they are until somebody decides about them:
{site}/admin/newsletter/delivery/?state__exact=in_doubt"""


class Command(BaseCommand):
    help = "After restoring a backup, before anything else: quarantine what it cannot know. Can be run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--since",
            metavar="MOMENT",
            help="when the backup was taken, in UTC, such as 2026-11-20T04:00; its last tick",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        known = restoring.time_of_backup()
        backup = _moment(options["since"]) if options["since"] else known
        if backup is None:
            raise CommandError("The database knows no tick, so say when the backup was taken: --since MOMENT")
        if backup > now:
            raise CommandError(f"The backup cannot be from {backup:%Y-%m-%d %H:%M} UTC, which is yet to come")
        self.stdout.write(_before(backup, now, told=bool(options["since"])))
        if not options["yes"] and input("Go on? Type yes: ").strip().lower() != "yes":
            raise CommandError("Nothing was changed")
        self.stdout.write(_found(restoring.quarantine(backup, now=now)))
        words = {"sender": settings.DEFAULT_FROM_EMAIL, "site": settings.SITE_URL}
        self.stdout.write(AFTER.format(backup=f"{backup:%Y-%m-%d %H:%M}", **words))


def _before(backup: datetime, now: datetime, *, told: bool) -> str:
    recent = now - backup < RUNNING and not told
    warning = "\nTHIS LOOKS LIKE A RUNNING INSTALLATION, not like a restored backup." if recent else ""
    ago = str(timedelta(seconds=int((now - backup).total_seconds())))
    how = "" if told else ": its last tick"
    return BEFORE.format(backup=f"{backup:%Y-%m-%d %H:%M}", ago=ago, how=how, running=warning)


def _found(done: Restored) -> str:
    lines = [
        f"Mails that were planned or under way, now in doubt: {done.mails:,}.",
        f"Mails that may have been sent since then, now in doubt: {done.may_have_left:,}.",
        f"Confirmations and links, now in doubt: {done.outbox:,}. Who misses one can ask again.",
        f"Paused: {_days(done.paused)}. Missed: {_days(done.missed)}.",
    ]
    return "\n".join(lines)


def _days(days: Any) -> str:
    return ", ".join(day.isoformat() for day in days) or "none"


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"--since is {text!r}, but must be a moment in UTC such as 2026-11-20T04:00."
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
