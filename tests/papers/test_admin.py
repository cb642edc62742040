"""The desk's pages about papers and topics, through Django's test client on a real PostgreSQL."""

from datetime import date

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from papers.models import Observation, Paper, PaperTopic, SourceRun
from tests.desk import queries_of, staff_with
from tests.factories import file_under, make_paper, make_topic

pytestmark = pytest.mark.django_db
LIST = "/admin/papers/paper/"


@pytest.fixture
def curator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("curator"))
    return client


def act(client: Client, action: str, *papers: Paper, **more: object) -> object:
    data = {"action": action, "_selected_action": [paper.pk for paper in papers], **more}
    return client.post(LIST, data, follow=True)


def inline(*rows: dict[str, object], initial: int = 0) -> dict[str, object]:
    """The formsets of a paper's page with these filing rows."""
    data: dict[str, object] = {}
    for prefix, total in (("filings", len(rows)), ("records", 0), ("observations", 0)):
        data |= {
            f"{prefix}-TOTAL_FORMS": total,
            f"{prefix}-INITIAL_FORMS": initial if prefix == "filings" else 0,
        }
    for number, row in enumerate(rows):
        data |= {f"filings-{number}-{name}": value for name, value in row.items()}
    return data


def listed(response: object) -> list[str]:
    return [paper.title for paper in response.context["cl"].result_list]  # type: ignore[attr-defined]


def test_search_finds_by_title_and_by_arxiv_id(curator: Client) -> None:
    make_paper(title="Reward models that listen", arxiv_id="2610.90001")
    make_paper(title="Robots that fold", arxiv_id="2610.90002")
    assert listed(curator.get(LIST, {"q": "listen"})) == ["Reward models that listen"]
    assert listed(curator.get(LIST, {"q": "2610.90002"})) == ["Robots that fold"]
    assert curator.get(LIST, {"q": "nul\0byte"}).status_code == 200


def test_each_state_filter_shows_its_papers_only(curator: Client) -> None:
    topic = make_topic(slug="agents-x")
    states = {"pinned": "pinned", "hidden": "hidden", "withdrawn": "withdrawn", "archive": "from_archive"}
    states["review"] = "needs_review"
    for value, field in states.items():
        file_under(make_paper(title=value, **{field: True}), topic)
    removed = make_paper(title="unfiled")
    file_under(removed, topic, decision=PaperTopic.Decision.REMOVED)
    for value in [*states, "unfiled"]:
        assert listed(curator.get(LIST, {"state": value})) == [value]


def test_day_and_topic_filters(curator: Client) -> None:
    topic = make_topic(slug="robots-x")
    file_under(make_paper(title="old", listed_on=date(2026, 11, 1)), topic)
    make_paper(title="new", listed_on=date(2026, 11, 2))
    assert listed(curator.get(LIST, {"day": "2026-11-02"})) == ["new"]
    assert listed(curator.get(LIST, {"topic": "robots-x"})) == ["old"]
    assert listed(curator.get(LIST, {"day": "2026-02-31"})) == []
    assert sorted(listed(curator.get(LIST, {"day": "nonsense"}))) == ["new", "old"]


def test_actions_pin_unpin_hide_and_show(curator: Client) -> None:
    one, other = make_paper(), make_paper()
    act(curator, "pin", one, other)
    act(curator, "unpin", other)
    act(curator, "hide", one, other)
    act(curator, "show", other)
    flags = Paper.objects.order_by("pk").values_list("pinned", "hidden")
    assert list(flags) == [(True, True), (False, False)]


def test_refiling_by_action_is_an_editors_decision(curator: Client) -> None:
    matched, fresh, topic = make_paper(), make_paper(), make_topic(slug="speech-x")
    file_under(matched, topic, score=0.4)
    act(curator, "remove_from_topic", matched, topic=topic.pk)
    act(curator, "add_to_topic", fresh, topic=topic.pk)
    rows = (
        PaperTopic.objects.filter(topic=topic)
        .order_by("paper")
        .values_list("paper", "decision", "editor__username")
    )
    assert list(rows) == [(matched.pk, "removed", "curator"), (fresh.pk, "added", "curator")]


def test_refiling_without_a_topic_says_so(curator: Client) -> None:
    response = act(curator, "add_to_topic", make_paper(), topic="")
    assert "Choose a topic beside the action first." in response.content.decode()  # type: ignore[attr-defined]
    for nonsense in ("x", "999999"):
        act(curator, "add_to_topic", make_paper(), topic=nonsense)
    assert PaperTopic.objects.count() == 0


def test_the_inline_keeps_the_editors_name_and_matching_leaves_it_alone(curator: Client) -> None:
    from papers.topics.filing import file_papers

    paper, topic = make_paper(title="Folding robots"), make_topic(slug="fold-x", phrases=["folding robots"])
    filing = file_under(paper, topic, score=0.4)
    data = inline({"id": filing.pk, "paper": paper.pk, "decision": "removed"}, initial=1)
    response = curator.post(f"{LIST}{paper.pk}/change/", {"boost": "0.5", "editor_note": "", **data})
    assert response.status_code == 302
    file_papers([paper.pk])
    filing.refresh_from_db()
    assert (filing.decision, filing.editor and filing.editor.username) == ("removed", "curator")
    assert Paper.objects.get(pk=paper.pk).boost == 0.5


def test_the_inline_adds_a_topic(curator: Client) -> None:
    paper, topic = make_paper(), make_topic(slug="added-x")
    data = inline({"id": "", "paper": paper.pk, "topic": topic.pk, "decision": "added"})
    assert curator.post(f"{LIST}{paper.pk}/change/", {"boost": "0", **data}).status_code == 302
    row = PaperTopic.objects.get(paper=paper, topic=topic)
    assert (row.decision, row.score, row.editor and row.editor.username) == ("added", 1.0, "curator")


def test_set_back_to_matched_the_matching_decides_again(curator: Client) -> None:
    paper, topic = make_paper(title="Nothing alike"), make_topic(slug="back-x", phrases=["folding robots"])
    filing = file_under(paper, topic, decision=PaperTopic.Decision.ADDED)
    data = inline({"id": filing.pk, "paper": paper.pk, "decision": "matched"}, initial=1)
    assert curator.post(f"{LIST}{paper.pk}/change/", {"boost": "0", **data}).status_code == 302
    assert not PaperTopic.objects.filter(pk=filing.pk).exists()


@pytest.mark.parametrize("boost", ["1.5", "-2", "nan", "x"])
def test_a_boost_outside_its_range_is_refused(curator: Client, boost: str) -> None:
    paper = make_paper()
    response = curator.post(f"{LIST}{paper.pk}/change/", {"boost": boost, **inline()})
    assert response.status_code == 200
    assert Paper.objects.get(pk=paper.pk).boost == 0


def test_saving_leaves_bibliographic_fields_alone(curator: Client) -> None:
    paper = make_paper(title="As the source says")
    data = {"boost": "0", "title": "Forged", "editor_note": "Look at table 2.", **inline()}
    curator.post(f"{LIST}{paper.pk}/change/", data)
    paper.refresh_from_db()
    assert (paper.title, paper.editor_note) == ("As the source says", "Look at table 2.")


def test_markup_in_a_paper_is_shown_as_text(curator: Client) -> None:
    paper = make_paper(title="<script>alert(1)</script>", abstract="<img src=x onerror=alert(2)>")
    paper.github_url = "javascript:alert(3)"
    paper.trending_terms = [{"name": "x", "value": 1, "text": "<b>terms</b>"}]
    paper.save()
    file_under(paper, make_topic(slug="esc-x"), evidence=["<i>evidence</i>"])
    for url in (LIST, f"{LIST}{paper.pk}/change/", f"{LIST}{paper.pk}/merge/"):
        page = curator.get(url).content.decode()
        assert "&lt;script&gt;alert(1)" in page
        for raw in ("<script>alert(1)", "<img src=x", "<b>terms", "<i>evidence", "javascript:alert"):
            assert raw not in page


def test_merging_asks_first_and_then_makes_one_paper(curator: Client) -> None:
    from papers.ingest import ingest
    from papers.sources.record import PaperRecord

    records = [PaperRecord(source="arxiv", title="Same name", arxiv_id=f"2610.9000{n}") for n in (1, 2)]
    ingest(records, source="arxiv", target="test", now=timezone.now())
    first, second = Paper.objects.order_by("arxiv_id")
    url = reverse("admin:papers_paper_merge", args=[second.pk])
    assert curator.get(f"{url}?into={first.pk}").status_code == 200
    assert curator.post(url, {"into": first.pk}).status_code == 200
    assert Paper.objects.count() == 2
    response = curator.post(url, {"into": first.pk, "confirmed": "1"})
    assert (response.status_code, Paper.objects.count()) == (302, 1)


@pytest.mark.parametrize("into", ["", "0", "x", "999999999999999999999", "self"])
def test_merging_refuses_what_is_no_other_paper(curator: Client, into: str) -> None:
    paper = make_paper()
    value = str(paper.pk) if into == "self" else into
    response = curator.post(f"{LIST}{paper.pk}/merge/", {"into": value, "confirmed": "1"})
    assert (response.status_code, bool(response.context["form"].errors)) == (200, True)


def test_two_papers_of_editions_cannot_be_merged_and_the_page_says_why(curator: Client) -> None:
    from tests.factories import make_edition

    one, two = make_paper(), make_paper()
    make_edition(date=date(2026, 11, 20), papers=[(one, []), (two, [])])
    response = curator.post(f"{LIST}{one.pk}/merge/", {"into": two.pk, "confirmed": "1"}, follow=True)
    assert "Both papers have been in an edition" in response.content.decode()
    assert Paper.objects.count() == 2


def test_staff_without_the_right_see_and_change_nothing() -> None:
    client, paper = staff_with(), make_paper()
    for url in (LIST, f"{LIST}{paper.pk}/change/", f"{LIST}{paper.pk}/merge/", "/admin/papers/topic/add/"):
        assert client.get(url).status_code == 403


def test_staff_who_may_look_cannot_act() -> None:
    client, paper, topic = staff_with("view_paper"), make_paper(), make_topic(slug="look-x")
    assert client.get(f"{LIST}{paper.pk}/change/").status_code == 200
    assert client.get(f"{LIST}{paper.pk}/merge/").status_code == 403
    act(client, "pin", paper)
    act(client, "add_to_topic", paper, topic=topic.pk)
    assert client.post(f"{LIST}{paper.pk}/change/", {"boost": "1", **inline()}).status_code == 403
    assert list(Paper.objects.values_list("pinned", "boost")) == [(False, 0)]
    assert PaperTopic.objects.count() == 0


def test_who_may_change_papers_may_refile_without_a_further_right() -> None:
    client, paper, topic = staff_with("change_paper", "view_paper"), make_paper(), make_topic(slug="right-x")
    data = inline({"id": "", "paper": paper.pk, "topic": topic.pk, "decision": "added"})
    assert client.post(f"{LIST}{paper.pk}/change/", {"boost": "0", **data}).status_code == 302
    assert PaperTopic.objects.filter(paper=paper, topic=topic, decision="added").count() == 1


@pytest.mark.parametrize("url", [LIST, "/admin/papers/topic/", "/admin/papers/sourcerun/"])
def test_lists_ask_the_same_number_of_queries_for_one_row_and_for_three(curator: Client, url: str) -> None:
    def rows() -> None:
        file_under(make_paper(), make_topic(phrases=["x"]))
        SourceRun.objects.create(source="arxiv", target="day", started_at=timezone.now())

    rows()
    queries_of(curator, url)
    one = queries_of(curator, url)
    rows()
    rows()
    assert queries_of(curator, url) == one


def test_a_papers_page_asks_no_more_queries_for_three_topics_than_for_one(curator: Client) -> None:
    paper = make_paper()
    url = f"{LIST}{paper.pk}/change/"
    file_under(paper, make_topic())
    queries_of(curator, url)
    one = queries_of(curator, url)
    file_under(paper, make_topic())
    file_under(paper, make_topic())
    assert queries_of(curator, url) == one


def test_a_filed_topic_is_named_and_only_the_new_row_offers_all(curator: Client) -> None:
    paper, filed, other = make_paper(), make_topic(name="Filed X"), make_topic(name="Other X")
    file_under(paper, filed)
    page = curator.get(f"{LIST}{paper.pk}/change/")
    forms = page.context["inline_admin_formsets"][0].formset.forms
    assert [[name for _, name in form.fields["topic"].choices if name.endswith(" X")] for form in forms] == [
        ["Filed X"],
        [filed.name, other.name],
    ]


def test_rejects_of_a_run_are_readable(curator: Client) -> None:
    rejects = [{"position": "item 12", "reason": "no title", "excerpt": "<b>{}"}, "odd"]
    run = SourceRun.objects.create(source="jsonl", target="f", started_at=timezone.now(), rejects=rejects)
    page = curator.get(f"/admin/papers/sourcerun/{run.pk}/change/").content.decode()
    assert "<tr><td>item 12</td><td>no title</td><td>&lt;b&gt;{}</td></tr>" in page
    assert curator.get("/admin/papers/sourcerun/add/").status_code == 403


def test_sources_and_observations_are_shown_on_the_papers_page(curator: Client) -> None:
    paper = make_paper()
    Observation.objects.create(paper=paper, source="huggingface", upvotes=4321)
    assert "4321" in curator.get(f"{LIST}{paper.pk}/change/").content.decode()


def test_help_texts_are_plain_words() -> None:
    """The admin shows them as they are: backticks and asterisks would stand there."""
    texts = {
        f"{model.__name__}.{field.name}": str(getattr(field, "help_text", ""))
        for app in ("papers", "newsletter")
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.get_fields()
    }
    assert [name for name, text in texts.items() if set("`*<") & set(text)] == []
