"""PostgreSQL killed under people who sign up: the page says so, no trace is left, and it works again after.

The hostile case 23 of docs/security.md; where the server is not there to begin with is in
tests/newsletter/test_hostile_signup.py.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any

import psycopg

from tests.crash.conftest import Worlds
from tests.crash.servers import Database
from tests.newsletter.test_people import rendered
from tests.pages import faults_of, words_of
from tests.processes import wait_until
from tests.website import Answer, Website, a_website

ADDRESSES = {"/subscribe/": "ada@example.org", "/preferences/": "reader0@example.org"}
_WAIT = (
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
)


# Where a visitor's request stands when the server dies, and the doors that come by there.
KILLED_AT = {
    "papers_topic": ["/subscribe/"],  # before anything was written
    "newsletter_subscriber": ["/subscribe/", "/preferences/"],
    "newsletter_outboxmail": ["/subscribe/", "/preferences/"],  # the new reader's row is written
}


def test_23_who_signs_up_while_postgresql_is_killed_gets_a_page_and_leaves_no_trace(
    server: Database, worlds: Worlds
) -> None:
    world = worlds()
    world.add_readers(1)
    before = stored(world.database)
    with a_website(world.folder, DATABASE_URL=world.database) as site, ThreadPoolExecutor(2) as people:
        for table, doors in KILLED_AT.items():
            with closing(psycopg.connect(world.database)) as locker:
                locker.execute(f"lock table {table} in access exclusive mode")
                pressed = [people.submit(ask, site, door) for door in doors]
                wait_until(partial(all_wait, world.database, len(doors)), 20, "all wait for the database")
                server.kill()
            try:
                answers = [one.result(timeout=30) for one in pressed]
            finally:
                server.restart()
            for answer, door in zip(answers, doors, strict=True):
                assert (answer.status, faults_of(answer.text)) == (503, [])
                assert "The press is standing still" in words_of(answer.text)
                assert ADDRESSES[door] not in answer.text
            assert stored(world.database) == before
        assert [ask(site, door).status for door in ADDRESSES] == [200, 200]
    after = stored(world.database)
    assert [len(now) - len(then) for now, then in zip(after, before, strict=True)] == [1, 2]


def ask(site: Website, door: str) -> Answer:
    return site.post(door, {"email": ADDRESSES[door], "rendered": rendered(), "website": ""})


def all_wait(database: str, number: int) -> bool:
    with psycopg.connect(database) as connection:
        return connection.execute(_WAIT).fetchone() == (number,)


def stored(database: str) -> tuple[list[Any], list[Any]]:
    """Every reader, and every mail that was asked for."""
    with psycopg.connect(database) as connection:
        tables = ("newsletter_subscriber", "newsletter_outboxmail")
        readers, mails = (
            connection.execute(f"select * from {name} order by id").fetchall() for name in tables
        )
    return readers, mails
