"""The words that papers are searched by: written by several at once, and where only the database works."""

import os
from importlib import import_module

import psycopg
import pytest
from django.apps import apps
from django.db import OperationalError, connection, transaction

from papers.locks import save_alone
from papers.models import Paper, PaperWords, TitleWord
from tests.factories import make_paper

SET_TITLE = "UPDATE public.papers_paper SET title = %s WHERE id = %s"


def connect() -> "psycopg.Connection[tuple[object, ...]]":
    """A connection of another process, that waits for nobody longer than a fifth of a second."""
    options = "-c lock_timeout=200ms"
    return psycopg.connect(
        os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"], options=options
    )


@pytest.mark.django_db(transaction=True)
def test_titles_with_the_same_new_words_can_be_saved_at_once_in_any_order() -> None:
    one, two, three, four = (make_paper(title=f"Number {number}").pk for number in range(4))
    with connect() as first, connect() as second:
        first.execute(SET_TITLE, ["Otter", one])
        second.execute(SET_TITLE, ["Beaver", two])
        first.execute(SET_TITLE, ["Beaver again", three])  # would wait for the second, and it for the first
        second.execute(SET_TITLE, ["Otter again", four])
    assert set(TitleWord.objects.values_list("word", flat=True)) == {"number", "otter", "beaver", "again"}


@pytest.mark.django_db
def test_a_word_that_is_known_is_not_kept_again() -> None:
    for _ in range(3):
        make_paper(title="Otters and otters")
    assert list(TitleWord.objects.values_list("word", flat=True)) == ["otters"]


@pytest.mark.django_db(transaction=True)
def test_earlier_papers_are_made_searchable_in_turns_with_imports() -> None:
    migration = import_module("papers.migrations.0005_words_of_earlier_papers")
    make_paper(title="Otter")
    PaperWords.objects.all().delete()
    editor = connection.schema_editor()
    with connect() as importing, connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
        try:
            importing.execute("SELECT pg_advisory_xact_lock(%s)", [migration.SAVING])
            with pytest.raises(OperationalError, match="lock timeout"):
                migration.make_searchable(apps, editor)
            importing.commit()
            migration.make_searchable(apps, editor)  # and leaves nothing locked between its batches
            importing.execute("SELECT pg_advisory_xact_lock(%s)", [migration.SAVING])
        finally:
            cursor.execute("RESET lock_timeout")
    assert PaperWords.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_lock_of_that_migration_is_the_one_of_imports() -> None:
    migration = import_module("papers.migrations.0005_words_of_earlier_papers")
    with connect() as other, transaction.atomic():
        save_alone()
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("SELECT pg_advisory_xact_lock(%s)", [migration.SAVING])


@pytest.mark.django_db
def test_words_are_kept_where_no_schema_is_searched_as_in_a_restore() -> None:
    one = make_paper(title="Otter")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('search_path', '', true)")
        try:
            cursor.execute(SET_TITLE, ["Beaver", one.pk])
            cursor.execute("UPDATE public.papers_paper SET hidden = true WHERE id = %s", [one.pk])
            cursor.execute("SELECT public.papers_write_words(paper) FROM public.papers_paper AS paper")
        finally:
            if not connection.needs_rollback:
                cursor.execute("RESET search_path")
    assert Paper.objects.get().title == "Beaver"
    assert [(words.title, words.is_listed) for words in PaperWords.objects.all()] == [("'beaver':1A", False)]
