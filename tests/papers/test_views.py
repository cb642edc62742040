"""Pages about papers and topics."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from newsletter.models import EditionPaper
from papers import counting
from papers.models import Observation, Paper, PaperTopic, SourceRecord, Topic
from tests.factories import file_under, make_edition, make_paper, make_topic
from tests.pages import get, headings_of, words_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_topics() -> None:
    Topic.objects.all().delete()


def tell(paper: Paper, source: str) -> SourceRecord:
    """That this source has the paper."""
    return SourceRecord.objects.create(
        paper=paper,
        source=source,
        identity=f"arxiv:{paper.arxiv_id}",
        arxiv_id=paper.arxiv_id,
        title_keys=[paper.title_key],
        payload={},
        first_read_on=date(2026, 11, 19),
    )


def observe(paper: Paper, *counts: tuple[int, int | None]) -> None:
    """Upvotes and comments as they were read, hour by hour."""
    for hour, (upvotes, comments) in enumerate(counts):
        at = datetime(2026, 11, 19, 6 + hour, tzinfo=UTC)
        Observation.objects.create(
            paper=paper, source="huggingface", observed_at=at, upvotes=upvotes, num_comments=comments
        )


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        get(client, path)
    return len(captured)


def test_the_index_lists_active_topics_in_the_editors_order_with_their_papers(client: Client) -> None:
    last = make_topic(slug="last", name="Last", position=9)
    first = make_topic(slug="first", name="First", position=1, description="Comes first.")
    make_topic(slug="off", name="Off", is_active=False)
    for topic, fields in [(first, {}), (first, {}), (last, {}), (last, {"hidden": True})]:
        file_under(make_paper(**fields), topic)
    file_under(make_paper(), last, decision="removed")
    assert headings_of(get(client, "/topics/")) == ["Topics", "First 2 papers", "Last 1 paper"]


def test_filings_are_counted_again_only_where_there_are_new_ones(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted() -> tuple[list[str], int]:
        return headings_of(get(client, "/topics/"))[1:], queries(client, "/topics/")

    topic = make_topic(slug="agents", name="Agents")
    papers = [make_paper() for _ in range(3)]
    file_under(papers[0], topic)
    assert counted() == (["Agents 1 paper"], 3)
    file_under(papers[1], topic)
    file_under(papers[2], topic)
    assert counted() == (["Agents 3 papers"], 3)
    Paper.objects.filter(pk=papers[0].pk).update(hidden=True)
    assert counted() == (["Agents 2 papers"], 3)
    PaperTopic.objects.filter(paper=papers[1]).update(decision="removed")
    monkeypatch.setattr(counting, "KEPT", 0)
    caches["template_fragments"].clear()
    assert counted() == (["Agents 1 paper"], 4)


def test_a_site_without_topics_says_so(client: Client) -> None:
    assert "No topics have been set up yet." in words_of(get(client, "/topics/"))


def test_a_topic_lists_its_papers_newest_and_best_first_with_the_evidence(client: Client) -> None:
    topic = make_topic(slug="agents", name="Agents")
    for title, day, score in [("Old", 10, 9.0), ("Good", 19, 0.5), ("Best", 19, 0.9)]:
        paper = make_paper(title=title, listed_on=date(2026, 11, day), trending_score=score)
        file_under(paper, topic, evidence=["tool use", "planning"])
    file_under(make_paper(title="Hidden", hidden=True), topic)
    file_under(make_paper(title="Moved away"), topic, decision="removed")
    html = get(client, "/topics/agents/")
    assert headings_of(html) == ["Agents", "Best", "Good", "Old", "Agents, by mail"]
    assert words_of(html).count("Matched: tool use , planning .") == 3
    assert 'href="/subscribe/?topic=agents"' in html


def test_a_paper_that_an_editor_filed_says_that(client: Client) -> None:
    file_under(make_paper(), make_topic(slug="agents"), decision="added", evidence=["x"])
    assert "Filed here by an editor." in words_of(get(client, "/topics/agents/"))


def test_a_long_topic_has_pages(client: Client) -> None:
    topic = make_topic(slug="agents", name="Agents")
    for number in range(45):
        file_under(make_paper(title=f"P{number:02}", trending_score=100 - number), topic)
    titles = [headings_of(get(client, f"/topics/agents/?page={page}"))[1:-1] for page in (1, 2, 3)]
    assert [len(page) for page in titles] == [20, 20, 5]
    assert [title for page in titles for title in page] == [f"P{number:02}" for number in range(45)]
    middle = get(client, "/topics/agents/?page=2")
    assert 'rel="prev" href="?page=1"' in middle and 'rel="next" href="?page=3"' in middle


@pytest.mark.parametrize("page", ["0", "2", "-1", "x", "", "1e1", "²", "9" * 5000, "%00"])
def test_a_page_that_a_topic_does_not_have_is_not_found(client: Client, page: str) -> None:
    make_topic(slug="agents")
    assert client.get(f"/topics/agents/?page={page}").status_code == 404


def test_a_topic_that_is_switched_off_or_unknown_is_not_found(client: Client) -> None:
    make_topic(slug="off", is_active=False)
    assert [client.get(f"/topics/{slug}/").status_code for slug in ("off", "nowhere")] == [404, 404]


def test_lists_cost_the_same_queries_whatever_their_length(client: Client) -> None:
    topic = make_topic(slug="agents")
    file_under(make_paper(), topic)
    one = [queries(client, "/topics/"), queries(client, "/topics/agents/")]
    for _ in range(2):
        file_under(make_paper(), topic)
        file_under(make_paper(), make_topic())
    three = [queries(client, "/topics/"), queries(client, "/topics/agents/")]
    assert one == three == [4, 5]


def test_a_paper_page_tells_all_that_is_known(client: Client) -> None:
    topic = make_topic(slug="agents", name="Agents")
    paper = make_paper(
        title="All Is Known",
        arxiv_id="2604.13074",
        organization_name="Harbour Institute",
        github_url="https://github.com/example/known",
        project_url="https://example.org/known",
        github_stars=1240,
        categories=["cs.CL", "cs.LG"],
        doi="10.1000/182",
        trending_terms=[{"name": "votes", "value": 0.5, "text": "10 upvotes at 8 hours"}],
    )
    tell(paper, "huggingface")
    file_under(paper, topic, evidence=["tool use"])
    make_edition(date=date(2026, 11, 20), number=214, papers=[(paper, [topic])])
    html = get(client, "/papers/2604.13074/")
    words = words_of(html)
    for expected in (
        "Ada Example, Ben Sample Harbour Institute",
        "We measure something. It turns out to be large. Others may build on it.",
        "Submitted 18 November 2026 Listed 19 November 2026 Upvotes 10 Comments 1 GitHub stars 1,240",
        "How it is received 10 upvotes at 8 hours.",
        "Filed under Agents Matched: tool use .",
        "Printed in Friday 20 November 2026, No. 214",
    ):
        assert expected in words
    for link in (
        "https://arxiv.org/abs/2604.13074",
        "https://arxiv.org/pdf/2604.13074",
        "https://github.com/example/known",
        "https://example.org/known",
        "https://huggingface.co/papers/2604.13074",
        "https://doi.org/10.1000/182",
        "/subscribe/?topic=agents",
    ):
        assert f'href="{link}"' in html


def test_a_paper_page_with_nothing_but_a_title_is_whole(client: Client) -> None:
    unknown = ("abstract", "authors", "author_count", "published_on", "upvotes", "num_comments", "listed_on")
    paper = make_paper(title="Only a Title", arxiv_id=None, **dict.fromkeys(unknown))
    words = words_of(get(client, f"/papers/{paper.title_hash}/"))
    assert "None of our sources gave an abstract of this paper." in words
    assert "Our sources gave no link." in words
    assert "Facts" not in words
    assert "None " not in words.replace("None of our", "")


def test_old_arxiv_ids_with_a_slash_have_a_page(client: Client) -> None:
    make_paper(title="Old Style", arxiv_id="hep-th/9901001")
    assert headings_of(get(client, "/papers/hep-th/9901001/"))[0] == "Old Style"


def test_of_a_crowd_of_authors_the_first_are_listed_and_the_others_unfold(client: Client) -> None:
    paper = make_paper(authors=[f"Author {number}" for number in range(3303)], author_count=3303)
    html = get(client, f"/papers/{paper.arxiv_id}/")
    listed, _, unfolded = html.partition("<summary>")
    assert "Author 23" in listed and "Author 24" not in listed
    assert words_of(unfolded).startswith("and 3,279 more Author 24, Author 25, ")
    assert "Author 3302" in unfolded and len(html) < 100_000


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://", "http://[bad"]
)
def test_a_link_that_is_not_a_web_address_is_no_link(client: Client, url: str) -> None:
    paper = make_paper(github_url=url, project_url=url)
    html = get(client, f"/papers/{paper.arxiv_id}/")
    assert f'href="{url}"' not in html and "Project page" not in html


@pytest.mark.parametrize("key", ["nowhere", "2604.99999", "%00", "a" * 5000, "../admin"])
def test_a_paper_that_is_not_there_is_not_found(client: Client, key: str) -> None:
    assert client.get(f"/papers/{key}/").status_code == 404


def test_a_hidden_paper_has_no_page_and_neither_has_a_hash_of_a_paper_with_an_id(client: Client) -> None:
    hidden, listed = make_paper(hidden=True), make_paper()
    keys = (hidden.arxiv_id, listed.title_hash)
    assert [client.get(f"/papers/{key}/").status_code for key in keys] == [404, 404]


def test_a_withdrawn_paper_says_so(client: Client) -> None:
    paper = make_paper(withdrawn=True)
    assert "Withdrawn by its authors." in words_of(get(client, f"/papers/{paper.arxiv_id}/"))


def test_an_edition_that_is_not_printed_is_not_named(client: Client) -> None:
    paper = make_paper()
    make_edition(date=date(2026, 11, 20) + timedelta(days=1), state="held", papers=[(paper, [])])
    assert "Printed in" not in words_of(get(client, f"/papers/{paper.arxiv_id}/"))


def test_an_edition_that_the_paper_was_taken_out_of_is_not_named(client: Client) -> None:
    paper, other = make_paper(), make_paper()
    make_edition(date=date(2026, 11, 20), papers=[(paper, []), (other, [])])
    EditionPaper.objects.filter(paper=paper).update(removed_in=1)
    assert "Printed in" not in words_of(get(client, f"/papers/{paper.arxiv_id}/"))
    assert "Printed in Friday 20 November 2026" in words_of(get(client, f"/papers/{other.arxiv_id}/"))


def test_a_paper_page_costs_the_same_queries_however_many_topics_it_has(client: Client) -> None:
    paper = make_paper()
    file_under(paper, make_topic())
    one = queries(client, f"/papers/{paper.arxiv_id}/")
    for _ in range(3):
        file_under(paper, make_topic())
    assert one == queries(client, f"/papers/{paper.arxiv_id}/") == 8  # of which four look for similar ones
    assert Paper.objects.count() == 1


def test_a_course_is_not_told_of_a_paper_that_was_listed_long_ago(client: Client) -> None:
    terms = [{"name": "votes", "value": 2.1, "text": "61 upvotes at 10 h, on course for about 130"}]
    make_paper(arxiv_id="2604.00001", listed_on=date(2026, 1, 5), trending_terms=terms)
    assert "How it is received 61 upvotes at 10 h." in words_of(get(client, "/papers/2604.00001/"))


def test_lists_say_of_each_paper_what_an_edition_says(client: Client) -> None:
    terms = [{"name": "votes", "value": 2.1, "text": "61 upvotes at 10 h, on course for about 130"}]
    listed = timezone.now().date()  # else its votes are in, and it is on course for nothing
    known = {"upvotes": 61, "num_comments": 4, "github_stars": 1240, "published_on": listed}
    paper = make_paper(title="Otters", trending_terms=terms, listed_on=listed, **known)
    for name, score in (("Agents", 0.9), ("Robotics", 0.8), ("Theory", 0.7)):
        file_under(paper, make_topic(slug=name.lower(), name=name), score=score)
    facts = f"2 authors {listed.day} {listed:%b}"
    counts = "▲ 61 upvotes 4 comments ★ 1.2k stars on GitHub"
    why = "After 10 h, on course for about 130 upvotes."
    assert entry_of(client, "/topics/robotics/") == (
        f"{listed:%A} {listed.day} {listed:%B} {listed:%Y} Otters {paper.abstract} {facts} {counts} {why} "
        "Matched: robotics . Also under Agents ."
    )
    found = f"Agents · Robotics Otters {paper.abstract} {facts} {listed.year} {counts} {why}"
    assert entry_of(client, "/search/?q=otters") == found


def entry_of(client: Client, path: str) -> str:
    """The words of the one paper in a list."""
    (found,) = re.findall(r"<li><article>(.*?)</article></li>", get(client, path), re.DOTALL)
    return words_of(found)


def test_withdrawn_papers_say_so_in_lists_and_on_their_page(client: Client) -> None:
    topic = make_topic(slug="agents")
    for number, fields in enumerate(({"withdrawn": True}, {"withdrawn": True, "from_archive": True}, {})):
        file_under(make_paper(title=f"Otter {number}", arxiv_id=f"2604.0000{number}", **fields), topic)
    for path, topic_named in (("/topics/agents/", ""), ("/search/?q=otter", " · Agents")):
        words = words_of(get(client, path))
        assert f"Withdrawn{topic_named} Otter 0" in words, path
        assert f"Withdrawn · From the archive{topic_named} Otter 1" in words, path
        assert words.count("Withdrawn") == 2, path
    pages = [words_of(get(client, f"/papers/2604.0000{number}/")) for number in (0, 2)]
    assert ["Withdrawn by its authors." in words for words in pages] == [True, False]


def test_a_paper_that_hugging_face_does_not_have_has_no_discussion_there(client: Client) -> None:
    paper = make_paper()
    tell(paper, "arxiv")
    assert "huggingface.co" not in get(client, f"/papers/{paper.arxiv_id}/")
    tell(paper, "huggingface")
    link = f'<a href="https://huggingface.co/papers/{paper.arxiv_id}" rel="noopener">Discussion</a>'
    assert link in get(client, f"/papers/{paper.arxiv_id}/")


def test_counts_that_grew_are_drawn_and_told_in_figures(client: Client) -> None:
    paper = make_paper()
    observe(paper, (4, 0), (12, 0), (1098, 3))
    html = get(client, f"/papers/{paper.arxiv_id}/")
    words = words_of(html)
    assert "How its counts grew Upvotes 4 to 1,098 Comments 0 to 3 19 Nov, 06:00 19 Nov, 08:00 UTC" in words
    table = "Read at (UTC) Upvotes Comments 19 Nov, 06:00 4 0 19 Nov, 07:00 12 0 19 Nov, 08:00 1,098 3"
    assert table in words
    assert html.count("<svg") == 2 and 'style="' not in html and "<style" not in html


@pytest.mark.parametrize("counts", [(), ((4, None),), ((4, 1), (4, 1))], ids=["none", "one", "the same"])
def test_counts_that_did_not_move_are_not_drawn(
    client: Client, counts: tuple[tuple[int, int | None]]
) -> None:
    paper = make_paper()
    observe(paper, *counts)
    html = get(client, f"/papers/{paper.arxiv_id}/")
    assert "How its counts grew" not in html and "<svg" not in html


def test_a_paper_tells_reference_managers_what_it_is(client: Client) -> None:
    make_paper(title="Known", arxiv_id="2604.13074", doi="10.1000/182")
    metas = re.findall(r'<meta name="(citation_\w+)" content="([^"]*)">', get(client, "/papers/2604.13074/"))
    assert metas == [
        ("citation_title", "Known"),
        ("citation_author", "Ada Example"),
        ("citation_author", "Ben Sample"),
        ("citation_publication_date", "2026/11/18"),
        ("citation_arxiv_id", "2604.13074"),
        ("citation_pdf_url", "https://arxiv.org/pdf/2604.13074"),
        ("citation_doi", "10.1000/182"),
    ]


PAGES = ("/topics/", "/topics/agents/", "/search/", "/search/?q=otter", "/papers/2604.13074/")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_not_sent_again_until_something_on_it_changes(client: Client, path: str) -> None:
    topic = make_topic(slug="agents", name="Agents")
    paper = make_paper(title="Otter", arxiv_id="2604.13074")
    file_under(paper, topic)
    first = client.get(path)
    known = {"If-None-Match": first["ETag"]}
    again = client.get(path, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    Paper.objects.filter(pk=paper.pk).update(title="Beaver and otter", upvotes=99)
    Topic.objects.filter(pk=topic.pk).update(name="Crews")
    assert client.get(path, headers=known).status_code == 200


def test_a_topics_page_changes_with_the_day_that_it_names(client: Client) -> None:
    paper = make_paper(listed_on=date(2026, 11, 19))
    file_under(paper, make_topic(slug="agents", name="Agents"))
    known = {"If-None-Match": client.get("/topics/agents/")["ETag"]}
    Paper.objects.filter(pk=paper.pk).update(listed_on=date(2026, 11, 18))
    assert client.get("/topics/agents/", headers=known).status_code == 200


def test_a_paper_page_changes_when_it_is_printed(client: Client) -> None:
    paper = make_paper(arxiv_id="2604.13074")
    known = {"If-None-Match": client.get("/papers/2604.13074/")["ETag"]}
    make_edition(date=date(2026, 11, 20), papers=[(paper, [])])
    assert client.get("/papers/2604.13074/", headers=known).status_code == 200


def test_pages_name_their_feeds_and_json(client: Client) -> None:
    file_under(make_paper(title="Otter", arxiv_id="2604.13074"), make_topic(slug="agents"))
    others = re.compile(r'<link rel="alternate" type="application/([a-z+]+)"[^>]* href="([^"]*)">')
    assert {
        path: set(others.findall(get(client, path))) - {("atom+xml", "/feed.atom")} for path in PAGES
    } == {
        "/topics/": {("json", "/topics.json")},
        "/topics/agents/": {("atom+xml", "/topics/agents/feed.atom"), ("json", "/topics/agents.json")},
        "/search/": set(),
        "/search/?q=otter": {
            ("atom+xml", "/search/feed.atom?q=otter"),
            ("json", "/search.json?q=otter"),
        },
        "/papers/2604.13074/": {("json", "/papers/2604.13074.json")},
    }


def test_hidden_papers_are_not_counted(client: Client) -> None:
    topic = make_topic(slug="agents", name="Agents")
    for fields in ({}, {"hidden": True}, {}):
        file_under(make_paper(**fields), topic)
    file_under(make_paper(hidden=True), topic, decision="removed")
    assert headings_of(get(client, "/topics/")) == ["Topics", "Agents 2 papers"]
    assert "2 papers newest first" in words_of(get(client, "/topics/agents/"))
