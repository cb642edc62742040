"""The search page, and the ways that lead to it."""

import re
from datetime import date
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from papers import views
from papers.models import Topic
from papers.search import finding
from papers.search.finding import TooSlow
from tests.factories import file_under, make_paper, make_topic
from tests.pages import faults_of, get, headings_of, words_of
from tests.papers.search.test_asking import HOSTILE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_topics() -> None:
    Topic.objects.all().delete()


def search(client: Client, typed: str, more: str = "") -> str:
    return get(client, f"/search/?q={quote(typed)}{more}")


def marks_of(html: str) -> list[str]:
    return re.findall(r"<mark>(.*?)</mark>", html)


def test_before_anything_is_asked_the_page_tells_how_and_lists_the_topics(client: Client) -> None:
    make_topic(slug="agents", name="Agents")
    make_topic(slug="off", name="Off", is_active=False)
    html = get(client, "/search/")
    assert headings_of(html) == ["Search", "How to ask", "Or by topic"]
    assert 'href="/topics/agents/"' in html and "Off" not in html
    assert '<meta name="robots" content="noindex">' in html


def test_a_query_gives_cards_with_its_words_marked(client: Client) -> None:
    make_paper(
        title="Sparse Autoencoders",
        arxiv_id="2604.13074",
        abstract="They are sparse. They autoencode. They are public. Last comes steering.",
        organization_name="Fjord Lab",
        published_on=date(2026, 11, 18),
    )
    make_paper(title="Another")
    html = search(client, "sparse autoencoder")
    assert headings_of(html) == ["Search", "Sparse Autoencoders", "The day’s papers, by mail"]
    assert marks_of(html) == ["Sparse Autoencoders", "sparse", "autoencode"]
    words = words_of(html)
    assert "1 paper They" not in words and "1 paper" in words
    assert "Fjord Lab 18 Nov 2026 ▲ 10 upvotes 1 comment" in words
    assert 'href="/papers/2604.13074/"' in html
    assert '<input type="search" id="q" name="q" value="sparse autoencoder"' in html
    assert "… Last comes <mark>steering</mark>." in search(client, "steering")


def test_the_text_of_papers_and_queries_is_data(client: Client) -> None:
    make_paper(title="<b>Otter</b> & $\\alpha$-<script>alert(1)</script>", abstract="<img src=x> otter <i>.")
    html = search(client, "otter alert <script>")
    assert "&lt;b&gt;<mark>Otter</mark>&lt;/b&gt; &amp; α-&lt;<mark>script</mark>&gt;" in html
    assert "<script" not in html and "<img" not in html
    assert 'value="otter alert &lt;script&gt;"' in html


def test_nothing_found_offers_another_spelling_that_finds_something(client: Client) -> None:
    make_paper(title="Diffusion models")
    html = search(client, "difusion modles", "&from=2026-01-01")
    assert headings_of(html) == ["Search", "No paper of this time has these words"]
    assert "Did you mean diffusion models ?" in words_of(html)
    assert 'href="?q=diffusion+models&amp;from=2026-01-01"' in html
    assert "Did you mean" not in search(client, "difusion modles", "&from=2027-01-01")
    assert "Search under all topics and dates" in words_of(html)
    one, two = make_topic(slug="one"), make_topic(slug="two")
    assert headings_of(search(client, "diffusion", f"&topic={one.slug}"))[1] == (
        "No paper under this topic has these words"
    )
    assert headings_of(search(client, "diffusion", f"&topic={one.slug}&topic={two.slug}&to=2026-01-01"))[
        1
    ] == ("No paper under these topics and of this time has these words")


def test_what_was_wrongly_expected_to_be_found_is_offered_another_way(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_paper(title="World modelling")
    make_paper(title="Diffusion")
    monkeypatch.setattr(finding, "_expected", lambda search: 60_000)
    assert marks_of(search(client, "world mode")) == ["World modelling"]
    assert "Did you mean diffusion ?" in words_of(search(client, "difusion"))


def test_a_last_word_that_no_paper_has_is_taken_for_a_beginning(client: Client) -> None:
    make_paper(title="World modelling")
    html = search(client, "world mode")
    assert (
        "With “mode” as a whole word nothing is found, so these have words that begin with it."
        in words_of(html)
    )
    assert marks_of(html) == ["World modelling"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("-robot", "You only said what must not be there. Name at least one word to look for."),
        ("?!", "There is no word in “?!” to look for."),
        ("the", "These words are in every paper"),
        ("zyzzyva", "No paper has these words"),
        ("a*", "“a*” is too short: a beginning needs three letters."),
        ("otter ab*", "“ab*” is too short: a beginning needs three letters."),
    ],
)
def test_what_cannot_be_looked_for_is_said(client: Client, typed: str, said: str) -> None:
    make_paper()
    assert said in words_of(search(client, typed))


def test_topics_and_dates_narrow_the_search_and_stay_in_the_form(client: Client) -> None:
    agents, theory = make_topic(slug="agents", name="Agents"), make_topic(slug="theory", name="Theory")
    for day, topic in ((1, agents), (2, theory), (3, agents)):
        file_under(make_paper(title=f"Otter {day}", published_on=date(2026, 11, day)), topic)
    html = search(client, "otter", "&topic=agents&from=2026-11-02&to=2026-11-30")
    assert headings_of(html)[1:-1] == ["Otter 3"]
    assert 'name="topic" value="agents" checked' in html and 'value="theory" checked' not in html
    assert 'name="from" value="2026-11-02"' in html and 'name="to" value="2026-11-30"' in html
    assert '<details class="narrow"><summary>Agents from 2 Nov 2026 to 30 Nov 2026</summary>' in html
    assert '<details class="narrow" open><summary>Agents</summary>' in get(client, "/search/?topic=agents")
    both = search(client, "otter", "&topic=agents&topic=theory")
    assert headings_of(both)[1:-1] == ["Otter 3", "Otter 2", "Otter 1"]
    assert 'href="/subscribe/?topic=agents&amp;topic=theory"' in both


def test_a_date_that_is_none_is_told_and_the_rest_is_searched(client: Client) -> None:
    make_paper(title="Otter")
    words = words_of(search(client, "otter", "&from=yesterday&to=2026-13-01"))
    assert "“yesterday” is no date; a date looks like 2026-11-20." in words
    assert "“2026-13-01” is no date" in words and "1 paper" in words
    assert "“2026-W01” is no date" in words_of(search(client, "otter", "&from=2026-W01&to=20261120"))
    swapped = words_of(search(client, "otter", "&from=2026-11-30&to=2026-11-01"))
    assert "The first day is after the last one, so no paper can be between them." in swapped


def test_a_topic_that_is_unknown_or_switched_off_narrows_nothing(client: Client) -> None:
    make_topic(slug="off", is_active=False)
    make_paper(title="Otter")
    assert headings_of(search(client, "otter", "&topic=off&topic=nowhere&topic=%00"))[1:-1] == ["Otter"]


def test_a_long_answer_has_pages_that_keep_the_question(client: Client) -> None:
    for number in range(45):
        make_paper(title=f"Otter {number}")
    pages = [search(client, "otter", f"&from=2026-01-01&page={page}") for page in (1, 2, 3)]
    titles = [headings_of(html)[1:-1] for html in pages]
    assert [len(page) for page in titles] == [20, 20, 5]
    assert len({title for page in titles for title in page}) == 45
    assert 'rel="prev" href="?q=otter&amp;from=2026-01-01&amp;page=1"' in pages[1]
    assert 'rel="next" href="?q=otter&amp;from=2026-01-01&amp;page=3"' in pages[1]
    assert '<ol class="list" start="41">' in pages[2]


@pytest.mark.parametrize("page", ["0", "2", "-1", "x", "", "²", "9" * 5000, "%00"])
def test_a_page_that_an_answer_does_not_have_is_not_found(client: Client, page: str) -> None:
    make_paper(title="Otter")
    assert client.get(f"/search/?q=otter&page={page}").status_code == 404


@pytest.mark.parametrize("typed", HOSTILE)
def test_whatever_is_typed_gives_a_page(client: Client, typed: str) -> None:
    make_paper(title="Model agents", abstract="A language model.")
    search(client, typed.encode("utf8", "surrogatepass").decode("utf8", "replace"))


def test_bytes_that_are_no_text_give_a_page(client: Client) -> None:
    get(client, "/search/?q=%ff%fe%00&topic=%ff&from=%00&to=%ff")


def test_a_search_that_takes_too_long_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*args: object, **options: object) -> None:
        raise TooSlow

    monkeypatch.setattr(views, "answer", slow)
    page = client.get("/search/?q=otter")
    assert page.status_code == 503
    assert headings_of(page.content.decode()) == ["Search", "This search takes too long"]
    assert faults_of(page.content.decode()) == []


def test_it_costs_the_same_queries_whatever_is_found(client: Client) -> None:
    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            get(client, path)
        return len(captured)

    topic = make_topic()
    file_under(make_paper(title="Otter"), topic)
    paths = ["/search/", "/search/?q=otter", f"/search/?q=otter&topic={topic.slug}&from=2026-01-01"]
    one = [queries(path) for path in paths]
    for _ in range(5):
        file_under(make_paper(title="Otter"), make_topic())
        file_under(make_paper(title="Otter"), topic)
    assert one == [queries(path) for path in paths] == [1, 11, 11]


def test_every_page_but_the_search_itself_has_a_box_and_a_topic_has_its_own(client: Client) -> None:
    make_topic(slug="agents", name="Agents")
    box = '<form class="find" role="search" action="/search/">'
    assert [box in get(client, path) for path in ("/", "/topics/", "/search/")] == [True, True, False]
    assert '<input type="hidden" name="topic" value="agents">' in get(client, "/topics/agents/")


def test_a_paper_lists_similar_ones_with_what_they_share(client: Client) -> None:
    for number in range(9):
        make_paper(title=f"Weather {number}")
    one = make_paper(title="Sparse Autoencoders", abstract="")
    make_paper(title="More on Sparse <b>Autoencoders</b>", abstract="", arxiv_id="2604.13074")
    html = get(client, f"/papers/{one.arxiv_id}/")
    assert headings_of(html)[-2:] == ["Similar papers", "More on Sparse <b>Autoencoders</b>"]
    assert "Shares: sparse autoencoders ." in words_of(html)
    assert 'href="/papers/2604.13074/"' in html
    make_paper(title="Alone", arxiv_id="2604.00001", abstract="")
    assert "Similar papers" not in get(client, "/papers/2604.00001/")
