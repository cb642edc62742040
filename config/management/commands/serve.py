"""`serve`: the site, the worker, the timetable and their servers, started and stopped together."""

import os
import socket
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from config import embedded, login_link, supervisor
from config.durability import refuse_unsafe
from config.keeper import ServerError
from config.supervisor import Program


class Command(BaseCommand):
    help = "Runs the site, the worker and the timetable until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        _refuse_taken(host, port)
        refuse_unsafe(connection)
        address = f"http://{host}:{port}"
        # What the children read: links in mails lead to where this site really is.
        os.environ["SITE_URL"] = os.environ.get("SITE_URL") or address
        try:
            embedded.ensure_broker()
        except ServerError as error:
            raise CommandError(str(error)) from None
        call_command("migrate", verbosity=0, interactive=False)
        if not settings.DEBUG:
            call_command("collectstatic", verbosity=0, interactive=False)
        self.stdout.write(f"\nThe site:  {address}/\nThe desk:  {address}/admin/")
        if path := login_link.path_for_first_admin():
            self.stdout.write(f"One login: {address}{path}\n           (works once, within an hour)")
        self.stdout.write("Ctrl-C ends everything.\n")
        self.stdout.flush()
        # Celery advises against root in six lines; a checkout's root was told so once already.
        quiet = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser"}
        chosen = {"DJANGO_SETTINGS_MODULE": "config.serving"} if settings.DEBUG else {}
        ended = supervisor.run(programs(host, port), os.environ | quiet | chosen)
        raise CommandError(f"{ended.name} ended by itself, so everything was stopped; its last lines say why")


def programs(host: str, port: int) -> list[Program]:
    python = [sys.executable, "-m"]
    celery = [*python, "celery", "--app", "config", "--quiet"]
    worker = ["worker", "--concurrency=3", "--loglevel=INFO", f"--hostname=serve-{port}@%h"]
    web = ["config.wsgi:application", f"--bind={host}:{port}", "--workers=2", "--threads=4"]
    return [
        Program("web", [*python, "gunicorn", *web, "--no-control-socket", "--graceful-timeout=5"]),
        Program("worker", [*celery, *worker, "--without-gossip", "--without-mingle"]),
        Program("beat", [*celery, "beat", "--loglevel=INFO", "--pidfile="]),
    ]


def _refuse_taken(host: str, port: int) -> None:
    """One sentence now instead of gunicorn's retries later."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        raise CommandError(f"cannot listen on {host}:{port} ({error}): try another with --port") from None
