"""Freezes the edition of a day."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from newsletter import edition
from papers.management import arguments


class Command(BaseCommand):
    help = "Freeze the edition of a day (UTC): choose its papers, rank them, store why. Twice does no harm."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--date", metavar="DATE", help="the edition's day, YYYY-MM-DD; today")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        day = arguments.day("--date", options["date"]) if options["date"] else now.date()
        try:
            built = edition.build(day, now=now)
        except edition.EditionError as error:
            raise CommandError(str(error)) from error
        papers = list(built.entries.all())
        considered = "" if built.candidate_count is None else f" from {built.candidate_count} candidates"
        number = f", No. {built.number}" if built.number else ""
        self.stdout.write(f"Edition of {built.date}{number}: {built.state}, {len(papers)} papers{considered}")
        for entry in papers[:5]:
            self.stdout.write(f"  {entry.rank}. {entry.card['title']}")
