"""`manage.py translations`: from the code to locale/*/LC_MESSAGES/django.po, and from there to django.mo."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "Reads every message out of templates and Python into locale/*/LC_MESSAGES/django.po, keeps what is "
        "translated, and compiles it into django.mo. Needs Babel, not GNU gettext."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail where something is missing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from config import messages  # not at the top: what runs in production does without Babel
        except ImportError as error:
            raise CommandError("Babel is not installed: pip install -r requirements-dev.txt") from error
        found = 0
        for language in messages.languages():
            faults = messages.faults_of(language)
            if not options["check"]:
                messages.write(language)
            elif not messages.is_current(language):
                self.stdout.write(
                    f"{language}: the files are not those of the code: run `manage.py translations`"
                )
                found += 1
            for fault in faults:
                self.stdout.write(f"{language}: {fault}")
            found += len(faults)
            self.stdout.write(
                f"{language}: {messages.count(language)} messages, {len(faults)} to be looked at"
            )
        if found and options["check"]:
            raise CommandError("The translations are not complete.")
