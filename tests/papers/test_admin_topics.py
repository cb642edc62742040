"""The desk's pages about topics: saving asks for re-filing, trying saves nothing."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from papers.models import FilingRun, PaperTopic, Topic
from papers.topics import refiling, trial
from tests.desk import staff_with
from tests.factories import file_under, make_paper, make_topic
from tests.pages import faults_of, words_of

pytestmark = pytest.mark.django_db
LIST = "/admin/papers/topic/"
TODAY = timezone.now().date()


@pytest.fixture
def curator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("curator"))
    return client


def topic_data(**more: str) -> dict[str, str]:
    data = {
        "name": "Folding",
        "slug": "folding",
        "phrases": "folding robots",
        "position": "9",
        "is_active": "on",
    }
    return {**data, "categories": "", "description": "", **more}


def wishes() -> list[str]:
    return list(FilingRun.objects.order_by("pk").values_list("reason", flat=True))


def test_saving_a_topic_asks_for_refiling_and_files_nothing_itself(curator: Client) -> None:
    paper = make_paper(title="Folding robots in the kitchen")
    page = curator.post(f"{LIST}add/", topic_data(), follow=True).content.decode()
    assert "1 paper is being filed anew." in page
    assert "Papers are being filed anew: 0 of 1 (Folding was added, " in words_of(page)
    assert (wishes(), PaperTopic.objects.count()) == (["Folding was added"], 0)
    refiling.work(seconds=60)
    assert PaperTopic.objects.filter(paper=paper, topic__slug="folding", decision="matched").count() == 1
    page = words_of(curator.get(LIST).content.decode())
    assert "(Folding was added): 1 paper, 1 filing changed." in page


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({"phrases": "folding chairs"}, ["Folding was changed"]),
        ({"categories": "cs.RO"}, ["Folding was changed"]),
        ({"slug": "creasing"}, ["Folding was changed"]),  # what editors' decisions taught is kept by slug
        ({"is_active": ""}, ["Folding was changed"]),
        ({"description": "Other words", "position": "3"}, []),
    ],
)
def test_only_what_matching_reads_asks_for_refiling(
    curator: Client, change: dict[str, str], asked: list[str]
) -> None:
    topic = make_topic(slug="folding", phrases=["folding robots"], position=9)
    data = {name: value for name, value in topic_data(**change).items() if value or name == "description"}
    assert curator.post(f"{LIST}{topic.pk}/change/", data).status_code == 302
    assert wishes() == asked


def test_a_topic_page_says_when_nothing_moves_and_what_helps(curator: Client) -> None:
    topic, asked = make_topic(), timezone.now() - timedelta(hours=1)
    FilingRun.objects.create(reason="x", asked_at=asked, total=100_000, done=34_000)
    for url in (LIST, f"{LIST}{topic.pk}/change/"):
        page = curator.get(url).content.decode()
        assert "Papers are being filed anew: 34,000 of 100,000" in words_of(page)
        assert f"Nothing has moved since {asked:%-d %B, %H:%M} UTC." in words_of(page)
        assert 'http-equiv="refresh"' not in page
    FilingRun.objects.update(moved_at=timezone.now())
    assert "Nothing has moved" not in curator.get(LIST).content.decode()


def test_deleting_a_topic_asks_for_refiling(curator: Client) -> None:
    topic = make_topic(name="Folding")
    file_under(make_paper(), topic)
    curator.post(f"{LIST}{topic.pk}/delete/", {"post": "yes"})
    assert (wishes(), PaperTopic.objects.count()) == (["Folding was deleted"], 0)


@pytest.mark.parametrize(
    ("field", "text", "error"),
    [
        ("phrases", "good one\nreward ^x", "Line 2: The phrase 'reward ^x' needs a number after the ^"),
        ("phrases", "^0.5", "Line 1: "),
        ("phrases", "same\n\nSame", "Line 3: 'Same' stands in line 1 already."),
        ("phrases", "a" * 121, "is longer than 120 characters."),
        ("categories", "cs.CL\ncs", "Line 2: 'cs' is not an arXiv category"),
        ("categories", "cs.cl", "Line 1: 'cs.cl' is not an arXiv category"),
    ],
)
def test_a_wrong_line_of_a_topic_is_named(curator: Client, field: str, text: str, error: str) -> None:
    response = curator.post("/admin/papers/topic/add/", topic_data(**{field: text}))
    errors = response.context["adminform"].form.errors[field]
    assert any(error in message for message in errors)
    assert not Topic.objects.filter(slug="folding").exists()


def test_good_lines_are_kept_as_a_list(curator: Client) -> None:
    data = topic_data(phrases="reward  model ^0.5\r\n\r\nRLHF", categories="cs.CL\nhep-th\ncond-mat.mtrl-sci")
    curator.post("/admin/papers/topic/add/", data)
    topic = Topic.objects.get(slug="folding")
    assert topic.phrases == ["reward model ^0.5", "RLHF"]
    assert topic.categories == ["cs.CL", "hep-th", "cond-mat.mtrl-sci"]


def test_a_topic_that_readers_chose_cannot_be_deleted(curator: Client) -> None:
    from newsletter.mixes import mix_for

    topic = make_topic(slug="chosen-x")
    mix_for({topic: "normal"})
    assert curator.post(f"/admin/papers/topic/{topic.pk}/delete/", {"post": "yes"}).status_code == 403


def tried(client: Client, topic: Topic | None = None, **typed: str) -> Any:
    """The answer to "Try it" on the page of this topic or of a new one; it must have saved nothing."""
    before = [list(Topic.objects.values()), list(PaperTopic.objects.values()), wishes()]
    url = f"{LIST}{topic.pk}/change/" if topic else f"{LIST}add/"
    response = client.post(url, topic_data(**typed) | {"_try": "Try it"})
    assert [list(Topic.objects.values()), list(PaperTopic.objects.values()), wishes()] == before
    return response


def titles(hits: list[trial.Hit]) -> list[str]:
    return [hit.title for hit in hits]


def test_trying_a_new_topic_shows_what_it_would_match(curator: Client) -> None:
    make_paper(title="Folding robots at home", listed_on=TODAY)
    make_paper(title="Cooking robots", listed_on=TODAY)
    make_paper(title="Folding robots outside", listed_on=TODAY - timedelta(days=29))
    make_paper(title="Folding robots of old", listed_on=TODAY - timedelta(days=30))
    make_paper(title="Folding robots unseen", listed_on=TODAY, hidden=True)
    response = tried(curator, phrases="folding robots\nflying carpets ^0.5")
    found = response.context["trial"]
    assert (found.tried, found.matched, found.a_day, found.compared) == (3, 2, 1.0, False)
    assert titles(found.surest) == ["Folding robots outside", "Folding robots at home"]
    assert found.surest[0].evidence == ("folding robots",)
    assert [(day.date, day.papers, day.matched) for day in found.days] == [
        (TODAY, 2, 1),
        (TODAY - timedelta(days=29), 1, 1),
    ]
    assert found.unused == ["flying carpets ^0.5"]
    words = words_of(response.content.decode())
    assert "As typed, not saved: 2 papers in 30 days, about 1 a day" in words
    assert "1 phrase stands in none of these papers: flying carpets ^0.5" in words


def test_trying_a_saved_topic_shows_what_changes_and_leaves_out_what_editors_decided(curator: Client) -> None:
    topic = make_topic(slug="folding", name="Folding", phrases=["folding robots"])
    kept, lost, decided = (
        make_paper(title=title, listed_on=TODAY)
        for title in ("Folding robots and chairs that fold", "Folding robots alone", "A decided chair")
    )
    make_paper(title="A chair of its own", listed_on=TODAY)
    file_under(kept, topic)
    file_under(lost, topic, score=0.7, evidence=["folding robots"])
    file_under(decided, topic, decision="removed")
    response = tried(curator, topic, phrases="chair")
    found = response.context["trial"]
    assert (found.matched, found.new, found.lost, found.decided) == (3, 1, 1, 1)
    assert (titles(found.new_hits), titles(found.lost_hits)) == (
        ["A chair of its own"],
        ["Folding robots alone"],
    )
    page = response.content.decode()
    words = words_of(page)
    assert "1 new, 1 lost against what is filed under the topic now." in words
    assert "1 paper was decided by an editor and stays as decided." in words
    # What was typed stays typed, and the page is still the saved topic's.
    assert ("chair</textarea>" in response.content.decode(), response.context["subtitle"]) == (
        True,
        "Folding",
    )


def test_a_saved_topic_tried_unchanged_changes_nothing(curator: Client) -> None:
    from papers.topics.filing import file_papers

    topic = make_topic(slug="folding", name="Folding", phrases=["folding robots"], categories=["cs.RO"])
    make_topic(slug="other-x", phrases=["robots"])
    for number in range(12):
        make_paper(
            title=f"{'Folding robots' if number % 2 else 'Robots'} {number}",
            listed_on=TODAY,
            categories=["cs.CL", "cs.RO"],
            primary_category="cs.RO" if number % 3 else "cs.CL",
        )
    file_papers(None)
    found = tried(curator, topic, phrases="folding robots", categories="cs.RO").context["trial"]
    filed = PaperTopic.objects.filter(topic=topic).count()
    assert filed >= 6
    assert (found.matched, found.new, found.lost) == (filed, 0, 0)


def test_where_the_lists_ended_long_ago_the_last_of_them_are_tried(curator: Client) -> None:
    make_paper(title="Folding robots", listed_on=date(2026, 5, 22))
    make_paper(title="Folding robots to come", listed_on=TODAY + timedelta(days=1))
    found = tried(curator).context["trial"]
    assert (found.since, found.until, found.tried) == (date(2026, 4, 23), date(2026, 5, 22), 1)
    weekdays = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    assert dict(found.weekdays) == {name: 1.0 if name == "Fri" else None for name in weekdays}


def test_without_papers_a_trial_says_so(curator: Client) -> None:
    assert "so nothing could be tried." in words_of(tried(curator).content.decode())


def test_only_the_latest_papers_are_tried_and_the_page_says_so(
    curator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "MOST_PAPERS", 2)
    for days in (3, 1, 2):
        make_paper(title=f"Folding robots {days}", listed_on=TODAY - timedelta(days=days))
    response = tried(curator)
    assert titles(response.context["trial"].surest) == ["Folding robots 2", "Folding robots 1"]
    assert "Tried on 2 papers" in words_of(response.content.decode())
    assert "the latest of 3:" in words_of(response.content.decode())


def test_the_most_and_the_least_certain_are_listed(curator: Client) -> None:
    for number in range(40):
        abstract = "folding robots " * (number + 1)
        make_paper(title=f"Paper {number:02}", abstract=abstract, listed_on=TODAY)
    found = tried(curator, phrases="folding robots ^1.5").context["trial"]
    assert titles(found.surest) == [f"Paper {number:02}" for number in range(39, 19, -1)]
    assert titles(found.least_sure) == [f"Paper {number:02}" for number in range(10)]


@pytest.mark.parametrize(
    ("field", "text", "error"),
    [
        ("phrases", "good one\nreward ^x", "Line 2: The phrase 'reward ^x' needs a number after the ^"),
        ("categories", "cs", "Line 1: 'cs' is not an arXiv category"),
        ("name", "", "This field is required."),
    ],
)
def test_wrong_lines_are_named_instead_of_tried(curator: Client, field: str, text: str, error: str) -> None:
    response = tried(curator, **{field: text})
    assert (response.status_code, "trial" in response.context) == (200, False)
    assert any(error in message for message in response.context["adminform"].form.errors[field])
    assert error.replace("'", "&#x27;") in response.content.decode()


def test_a_trial_takes_the_same_number_of_queries_for_one_paper_and_for_many(curator: Client) -> None:
    topic = make_topic(slug="folding", name="Folding", phrases=["folding robots"])

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            curator.post(f"{LIST}{topic.pk}/change/", topic_data() | {"_try": "Try it"})
        return len(seen)

    def listed() -> None:
        file_under(make_paper(title="Folding robots", listed_on=TODAY), topic)
        make_paper(title="Folding robots too", listed_on=TODAY)

    listed()
    queries()
    one = queries()
    for _ in range(5):
        listed()
    assert queries() == one


def test_markup_in_what_is_tried_is_shown_as_text(curator: Client) -> None:
    make_paper(title="<script>folding robots</script>", listed_on=TODAY)
    page = tried(curator, phrases="folding robots\n<b>bold</b>").content.decode()
    assert "&lt;script&gt;folding robots" in page and "<script>folding" not in page
    assert "&lt;b&gt;bold" in page and "<b>bold" not in page


def test_the_page_of_a_trial_is_good_html(curator: Client) -> None:
    topic = make_topic(slug="folding", name="Folding", phrases=["folding robots"])
    refiling.ask("x", now=timezone.now())
    make_paper(title="Folding robots", listed_on=TODAY)
    plain = faults_of(curator.get(f"{LIST}{topic.pk}/change/").content.decode())
    assert faults_of(tried(curator, topic, phrases="folding robots\nxyz").content.decode()) == plain == []


@pytest.mark.parametrize("rights", [(), ("view_topic",)])
def test_who_may_not_save_a_topic_may_not_try_one(rights: tuple[str, ...]) -> None:
    client, topic = staff_with(*rights), make_topic(slug="folding")
    for url in (f"{LIST}add/", f"{LIST}{topic.pk}/change/"):
        assert client.post(url, topic_data() | {"_try": "Try it"}).status_code == 403
    page = client.get(f"{LIST}{topic.pk}/change/")
    assert 'name="_try"' not in page.content.decode()


def test_a_topic_that_is_gone_cannot_be_tried(curator: Client) -> None:
    for number in ("999999", "x"):
        assert curator.post(f"{LIST}{number}/change/", topic_data() | {"_try": "1"}).status_code == 404
