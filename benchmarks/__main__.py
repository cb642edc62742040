"""`python -m benchmarks [mail] [wire] [search] [batch] [planning] [memory] [pages] [doors]`; no name: all.

Most are beside plain Django. Prints ratios, and of planning, memory and pages what they take; fails where
results differ.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg

from config import embedded

DATABASE = "paper_round_bench"
# A developer's .env must not reach the measurement: an empty variable counts as not set.
UNSET = ("DATABASE_URL", "EMAIL_URL", "EMAIL_BACKEND", "REDIS_URL", "CELERY_BROKER_URL", "ALLOWED_HOSTS")
# Not DEBUG: it would keep every SQL statement.
SET = {"DEBUG": "false", "SECRET_KEY": "for-measuring-only", "SITE_URL": "https://papers.example.org"}
SET["NEWSLETTER_SOURCES"] = "none"  # nothing is asked on the network
PAPERS, MIXES = 50, 1_000
READERS, READERS_MIXES = 1_000, 100
BATCH_READERS = 2_000  # of one mix: two calls
SEARCHED = 100_000  # papers
LETTERS = 20_000
ROUNDS = 3
PARTS = ("mail", "wire", "search", "batch", "planning", "memory", "pages", "doors")
ASKED = 500  # addresses of each kind at each door
REFUSED = 50  # times each address of 200 kB at each door
SITE_PAPERS, SITE_EDITIONS = 100_000, 10_000
SITE_SIZES = (60, 150)  # papers of an edition: a usual day, and a very full one
SHORT_LIST, LONG_LIST = 10_000, 200_000
PLANNED_AT_ONCE, PLANNED_BY_HOURS = 1_000_000, 200_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"one of {', '.join(PARTS)}")
    chosen = parser.parse_args().parts
    if unknown := [part for part in chosen if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    os.environ |= dict.fromkeys(UNSET, "") | SET | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    with own_database():
        django.setup()
        from benchmarks import comparison

        try:
            measure(chosen or PARTS)
        except comparison.Different as error:
            print(f"The two ways do not give the same: {error}", file=sys.stderr)
            return 1
    return 0


@contextmanager
def own_database() -> Iterator[None]:
    """An empty database on this checkout's PostgreSQL, named in DATABASE_URL and dropped afterwards."""
    embedded.ensure_database()
    server = os.environ["DATABASE_URL"]
    os.environ["DATABASE_URL"] = urlunsplit(urlsplit(server)._replace(path=f"/{DATABASE}"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop database if exists {DATABASE} with (force)")
        connection.execute(f"create database {DATABASE}")
        try:
            yield
        finally:
            connection.execute(f"drop database {DATABASE} with (force)")


def measure(parts: Sequence[str]) -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    if "mail" in parts:
        measure_mail()
    if "wire" in parts:
        measure_wire()
    if "search" in parts:
        measure_search()
    if "batch" in parts:
        call_command("flush", verbosity=0, interactive=False)
        measure_batch()
    if "planning" in parts:
        measure_planning()
    if "memory" in parts:
        call_command("flush", verbosity=0, interactive=False)
        measure_memory()
    if "doors" in parts:
        call_command("flush", verbosity=0, interactive=False)
        measure_doors()
    if "pages" in parts:
        measure_pages()


def measure_mail() -> None:
    from benchmarks import composing, data, printing, sending

    edition = data.make_edition(PAPERS)
    mixes = data.make_mixes(MIXES)
    data.make_readers(READERS, mixes[:READERS_MIXES])
    print(composing.compare(edition, mixes, rounds=ROUNDS), flush=True)
    print(sending.compare(edition, rounds=ROUNDS), flush=True)
    print(printing.measure(edition, mixes, rounds=ROUNDS), flush=True)


def measure_batch() -> None:
    from benchmarks import batching, data

    edition = data.make_edition(PAPERS)
    data.make_readers(BATCH_READERS, data.make_mixes(1))
    for comparison in batching.compare(edition, rounds=ROUNDS):
        print(comparison, flush=True)


def measure_wire() -> None:
    from benchmarks import wire

    for lines in (1, 10):
        print(wire.measure(LETTERS, lines=lines), flush=True)


def measure_search() -> None:
    from benchmarks import corpus, searching

    words = corpus.fill(SEARCHED, progress=lambda done: print(f"\r{done:,} papers made", end="", flush=True))
    print()
    print(searching.compare(words, rounds=ROUNDS), flush=True)


def measure_planning() -> None:
    from benchmarks import planning

    def progress(line: str) -> None:
        print(f"{line} …", flush=True)

    for readers, own_hours in ((PLANNED_AT_ONCE, False), (PLANNED_BY_HOURS, True)):
        print(planning.measure(readers, mixes=MIXES, own_hours=own_hours, progress=progress), flush=True)


def measure_memory() -> None:
    from benchmarks import data, memory

    print("The most memory that a sender takes", flush=True)
    edition, mixes = data.make_edition(PAPERS), data.make_mixes(MIXES)
    for size in (SHORT_LIST, LONG_LIST):
        print(memory.measure(edition, mixes, size=size), flush=True)


def measure_doors() -> None:
    from benchmarks import enumeration, refusing

    for refused in refusing.measure(REFUSED):
        print(refused, flush=True)
    for door in enumeration.measure(ASKED):
        print(door, flush=True)


def measure_pages() -> None:
    from benchmarks import pages

    for size in SITE_SIZES:
        print(pages.measure(SITE_PAPERS, SITE_EDITIONS, size=size), flush=True)


if __name__ == "__main__":
    sys.exit(main())
