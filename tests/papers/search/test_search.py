"""Papers found by words, on a real PostgreSQL."""

import os
from collections.abc import Callable
from datetime import date
from importlib import import_module
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import connection

from papers.models import Paper, PaperWords, TitleWord, Topic
from papers.search import finding
from papers.search.asking import read
from papers.search.finding import Filters, Found, TooSlow
from papers.search.translating import hits_among, translate, with_last_word_open
from tests.factories import file_under, make_paper, make_topic
from tests.papers.search.test_asking import HOSTILE

pytestmark = pytest.mark.django_db


def find(typed: str, *, page: int = 1, size: int = 50, **filters: Any) -> Found:
    return finding.find(translate(read(typed)), Filters(**filters), page=page, size=size)


def titles(typed: str, **options: Any) -> list[str]:
    """The titles that a query finds, best first."""
    ids = find(typed, **options).ids
    known = dict(Paper.objects.values_list("pk", "title"))
    return [known[pk] for pk in ids]


def paper(title: str, abstract: str = "", **fields: Any) -> Paper:
    return make_paper(title=title, abstract=abstract, **fields)


def test_a_word_is_found_in_any_form_and_without_its_accents() -> None:
    paper("Quantizing Schrödinger Bridges")
    paper("Something else")
    for typed in ("quantization", "QUANTIZED", "schrodinger", "Schrödinger bridge"):
        assert titles(typed) == ["Quantizing Schrödinger Bridges"], typed


def test_all_words_must_be_there_and_each_field_is_looked_through() -> None:
    paper("Birds", "They sing.", keywords=["plumage"], authors=["Ada Holm"], organization_name="Fjord Lab")
    paper("Birds", "They fly.", authors=None)
    for typed in ("birds sing", "bird plumage", "holm", "fjord lab sing"):
        assert titles(typed) == ["Birds"], typed
    assert (titles("birds swim"), len(titles("birds"))) == ([], 2)


def test_the_title_counts_more_than_keywords_those_more_than_the_abstract_and_names_least() -> None:
    paper("D", authors=["Otter Holm"])
    paper("C", "An otter.")
    paper("B", keywords=["otter"])
    paper("An Otter")
    assert titles("otter") == ["An Otter", "B", "C", "D"]


def test_of_equally_good_ones_the_newer_comes_first_and_then_the_one_that_came_later() -> None:
    for title, day in (("Otter one", 3), ("Otter two", 5), ("Otter three", 5), ("Otter four", 4)):
        paper(title, published_on=date(2026, 11, day))
    paper("Otter undated", published_on=None, listed_on=None)
    assert titles("otter") == ["Otter three", "Otter two", "Otter four", "Otter one", "Otter undated"]


def test_a_title_with_the_words_side_by_side_comes_before_one_with_them_apart() -> None:
    paper("World of a model", published_on=date(2026, 11, 20))
    paper("A world model", published_on=date(2025, 1, 1))
    assert titles("world model") == ["A world model", "World of a model"]


def test_a_phrase_must_stand_side_by_side_whether_hyphened_or_not() -> None:
    paper("Fine-tuning world models")
    paper("Tuning a fine model of the world")
    for typed in ('"fine tuning"', "fine-tuning", '"world model"'):
        assert titles(typed) == ["Fine-tuning world models"], typed


def test_what_is_excluded_is_not_found() -> None:
    paper("Robot arm")
    paper("Robot leg")
    assert (titles("robot -arm"), titles('robot -"robot leg"')) == (["Robot leg"], ["Robot arm"])


def test_a_beginning_finds_words_that_go_on_also_beyond_their_stem() -> None:
    paper("Quantization of everything")
    paper("Quantum of solace")
    assert sorted(titles("quant*")) == ["Quantization of everything", "Quantum of solace"]
    assert titles("quantizati*") == ["Quantization of everything"]
    assert titles("quanto*") == []


def test_alternatives_are_found_one_or_the_other() -> None:
    for title in ("Steering", "Probing", "Steering robots"):
        paper(title)
    assert sorted(titles("steering -robots OR probing")) == ["Probing", "Steering"]


@pytest.mark.parametrize("typed", ["2604.13074", "arXiv:2604.13074v2", "https://arxiv.org/pdf/2604.13074"])
def test_an_arxiv_id_finds_its_paper_first_whatever_the_filters(typed: str) -> None:
    paper("We answer 2604.13074 and 2604.13074", published_on=date(2026, 11, 20))
    paper("The one", arxiv_id="2604.13074", published_on=date(2026, 1, 1))
    assert titles(typed) == ["The one", "We answer 2604.13074 and 2604.13074"]
    assert titles(typed, since=date(2027, 1, 1)) == ["The one"]


def test_hidden_papers_are_never_found_from_the_moment_they_are_hidden() -> None:
    one = paper("Otter", arxiv_id="2604.13074")
    one.hidden = True
    one.save()
    assert (titles("otter"), titles("2604.13074"), find("otter").count) == ([], [], 0)
    one.hidden = False
    one.save()
    assert titles("otter") == ["Otter"]


def test_a_paper_is_found_by_what_it_says_now() -> None:
    one = paper("Otter", "Swims.")
    Paper.objects.filter(pk=one.pk).update(title="Beaver", abstract="Builds.")
    assert (titles("otter"), titles("swims"), titles("beaver builds")) == ([], [], ["Beaver"])
    one.delete()
    assert (titles("beaver"), PaperWords.objects.count()) == ([], 0)


def test_votes_leave_the_words_alone() -> None:
    one = paper("Otter")

    def version() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT ctid FROM papers_paperwords")
            return cursor.fetchall()

    before = version()
    Paper.objects.filter(pk=one.pk).update(upvotes=99, title="Otter")
    assert version() == before


def test_filters_keep_to_topics_and_to_days_both_included() -> None:
    agents, theory, other = (make_topic(slug=slug) for slug in ("agents", "theory", "other"))
    for day, topic in ((1, agents), (2, theory), (3, agents), (4, other)):
        file_under(paper(f"Otter {day}", published_on=date(2026, 11, day)), topic)
    removed = paper("Otter removed", published_on=date(2026, 11, 2))
    file_under(removed, agents, decision="removed")
    both = (agents.pk, theory.pk)
    assert titles("otter", topics=both) == ["Otter 3", "Otter 2", "Otter 1"]
    assert titles("otter", topics=both, since=date(2026, 11, 2)) == ["Otter 3", "Otter 2"]
    assert titles("otter", topics=both, until=date(2026, 11, 2)) == ["Otter 2", "Otter 1"]
    assert titles("otter", since=date(2026, 11, 2), until=date(2026, 11, 2)) == ["Otter removed", "Otter 2"]
    assert titles("otter", since=date(2026, 12, 1)) == []


def test_a_paper_that_was_not_published_is_dated_by_its_list_day() -> None:
    paper("Otter", published_on=None, listed_on=date(2026, 11, 5))
    assert titles("otter", since=date(2026, 11, 5), until=date(2026, 11, 5)) == ["Otter"]


def test_pages_follow_each_other_without_gap_or_repetition() -> None:
    for number in range(23):
        paper(f"Otter {number}")
    pages = [find("otter", page=page, size=10) for page in (1, 2, 3, 4)]
    ids = [pk for page in pages for pk in page.ids]
    assert [len(page.ids) for page in pages] == [10, 10, 3, 0]
    assert {(page.count, page.ranked, page.is_exact) for page in pages} == {(23, 23, True)}
    assert sorted(ids) == sorted(Paper.objects.values_list("pk", flat=True))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What holds for a frequent word among many papers, on a few."""
    monkeypatch.setattr(finding, "MANY", 20)
    monkeypatch.setattr(finding, "NEWEST", 8)
    monkeypatch.setattr(finding, "_SOME_HITS", finding._some_hits(many=20, newest=8, titles=4))
    monkeypatch.setattr(finding, "_NEWEST_HITS", finding._newest_hits(newest=8, titles=4))

    def analyze() -> None:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE papers_paperwords")

    return analyze


@pytest.mark.parametrize("analyzed", [True, False], ids=["known to be frequent", "not known to be"])
def test_of_a_frequent_word_the_newest_are_ranked_titles_first(
    few: Callable[[], None], analyzed: bool
) -> None:
    for number in range(1, 31):
        text = {"title": f"Otter {number}"} if number <= 5 else {"title": f"N{number}", "abstract": "Otter."}
        make_paper(published_on=date(2026, 10, number), **text)
    if analyzed:
        few()
    found = find("otter")
    assert titles("otter") == [
        "Otter 5",
        "Otter 4",
        "Otter 3",
        "Otter 2",
        *(f"N{n}" for n in range(30, 22, -1)),
    ]
    assert (found.ranked, found.is_exact, found.is_cut) == (12, False, True)
    assert found.count == (30 if analyzed else 20)


def test_words_that_seldom_or_never_meet_are_counted_whatever_was_expected(few: Callable[[], None]) -> None:
    for number in range(120):
        paper("Otter" if number % 2 else "Beaver")
    few()
    for number in range(8):
        assert (find("otter beaver").count, find("otter beaver").is_exact) == (number, True)
        assert len(find("otter beaver").ids) == number
        paper("Otter and beaver")


def test_no_fewer_papers_are_told_than_were_ranked(
    few: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(30):
        paper("Otter")
    monkeypatch.setattr(finding, "MANY", 2)
    monkeypatch.setattr(finding, "_expected", lambda search: 3)
    assert (find("otter").ranked, find("otter").count, find("otter").is_exact) == (8, 8, False)


def test_how_often_words_stand_side_by_side_is_told_from_a_sample(few: Callable[[], None]) -> None:
    for number in range(60):
        paper("World model" if number % 2 else "Model of a world")
    paper("World model", hidden=True)
    few()
    beside = find('"world model"')
    assert (beside.count, beside.is_exact, beside.ranked) == (30, False, 8)
    never = find('"world of model"')
    assert (never.count, never.is_exact) == (0, True)


def test_of_a_word_that_is_not_quite_so_frequent_the_number_is_exact(few: Callable[[], None]) -> None:
    for number in range(1, 16):
        paper(f"N{number}", "Otter.", published_on=date(2026, 10, number))
    assert (find("otter").count, find("otter").ranked, find("otter").is_exact) == (15, 8, True)


def test_a_number_that_is_guessed_is_told_in_round_figures() -> None:
    assert [Found([], count, 0).rounded for count in (53_083, 5_001, 99, 7, 0)] == [53_000, 5_000, 99, 7, 0]


@pytest.mark.parametrize("typed", HOSTILE)
def test_whatever_is_typed_is_answered(typed: str) -> None:
    paper("Model agents in C++", "A language model.")
    question = read(typed)
    found = find(typed)
    opened = with_last_word_open(question)
    assert len(found.ids) == found.count <= 1
    assert opened is None or translate(opened) is not None


def test_words_that_say_nothing_find_nothing() -> None:
    paper("The of and")
    assert (bool(translate(read("the of"))), titles("the")) == (False, [])


def test_the_last_word_can_be_taken_for_a_beginning() -> None:
    paper("World modelling")
    opened = with_last_word_open(read("world mode"))
    assert opened is not None
    assert finding.find(translate(opened), Filters(), page=1, size=5).count == 1
    for typed in ("world -mode", '"world mode"', "world mode*", "wo", "2604.13074", "!"):
        assert with_last_word_open(read(typed)) is None, typed


def test_hits_are_told_in_any_form() -> None:
    words = ["Quantizing", "quantized", "quant", "the", "steer", "steering", "Fine", "tuned", "robot"]
    wanted = translate(read('quantization the ste* "fine tuning" -robot'))
    assert hits_among(words, wanted) == {"Quantizing", "quantized", "steer", "steering", "Fine", "tuned"}
    assert hits_among([], wanted) == hits_among(words, translate(read("the"))) == set()


def test_titles_words_are_kept_in_small_letters_and_without_short_ones_and_numbers() -> None:
    paper("Naïve GPT-4 Otters: a 3D-aware Study²")
    assert set(TitleWord.objects.values_list("word", "backwards")) == {
        ("naive", "evian"),
        ("otters", "sretto"),
        ("aware", "erawa"),
        ("study", "yduts"),
    }


def test_texts_of_any_size_and_script_can_be_saved() -> None:
    paper("語言 " * 900, "x" * 200_000, keywords=["k" * 5_000] * 500, authors=["A" * 3_000] * 4_000)
    paper("word%s\\ ' \" {}", " ".join(f"w{number}" for number in range(60_000)))
    paper("Unknown", None, keywords=None, authors=None)  # type: ignore[arg-type]
    assert (titles("unknown"), titles("w3"), len(titles("語言"))) == (["Unknown"], ["word%s\\ ' \" {}"], 1)


def test_papers_from_before_there_was_search_become_searchable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    migration = import_module("papers.migrations.0005_words_of_earlier_papers")
    monkeypatch.setattr(migration, "BATCH", 2)
    monkeypatch.setattr(migration, "SAY_EVERY", 4)
    for number in range(5):
        paper(f"Otter {number}")
    paper("Otter hidden", hidden=True)
    PaperWords.objects.exclude(paper__title="Otter 3").delete()
    TitleWord.objects.all().delete()
    for _ in range(2):  # the second time nothing is left to do
        migration.make_searchable(apps, connection.schema_editor())
    assert (len(titles("otter")), PaperWords.objects.count()) == (5, 6)
    assert set(TitleWord.objects.values_list("word", flat=True)) == {"otter", "hidden"}
    assert capsys.readouterr().out == "\n  4 papers made searchable"


@pytest.mark.django_db(transaction=True)
def test_a_search_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    paper("Otter")
    monkeypatch.setattr(finding, "PATIENCE", 100)
    name = connection.settings_dict["NAME"]
    with psycopg.connect(os.environ["DATABASE_URL"], dbname=name) as other:
        other.execute("LOCK TABLE papers_paperwords IN ACCESS EXCLUSIVE MODE")
        wanted = translate(read("otter"))
        with pytest.raises(TooSlow):
            finding.find(wanted, Filters(), page=1, size=5)
    assert titles("otter") == ["Otter"]
    Topic.objects.all().delete()
