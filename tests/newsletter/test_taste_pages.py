"""The pages behind "more like this" and "less like this", and the list of what they changed."""

from datetime import date
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from newsletter import tasting
from newsletter.models import Subscriber, WeightChange
from newsletter.people import behind_link
from newsletter.tokens import link_token
from papers.models import Paper, Topic
from tests.factories import make_edition, make_paper, make_subscriber, make_topic
from tests.pages import faults_of, headings_of, hidden_field, words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def agents() -> Topic:
    return make_topic(slug="agents")


@pytest.fixture
def paper(agents: Topic) -> Paper:
    made = make_paper(arxiv_id="2611.00001", title="Agents that ask")
    make_edition(date=date(2026, 11, 20), papers=[(made, [agents, make_topic(slug="theory")])])
    return made


def path(reader: Subscriber, direction: str = "more", key: str = "2611.00001") -> str:
    token = link_token("preferences", reader.handle, reader.secret)
    return reverse(f"{direction}_like", args=[token, key])


def weights_of(reader: Subscriber) -> dict[str, str]:
    reader.refresh_from_db()
    return {choice.topic.slug: choice.weight for choice in reader.mix.choices.select_related("topic")}


def text_of(page: Any) -> str:
    html = page.content.decode()
    assert faults_of(html) == []
    return words_of(html.partition("<main")[2])


def test_the_links_are_short_of_anything_but_the_readers_token_and_the_paper() -> None:
    assert reverse("more_like", args=["t.s", "2611.1"]) == "/preferences/t.s/more/2611.1/"
    assert reverse("less_like", args=["t.s", "hep-th/99"]) == "/preferences/t.s/less/hep-th/99/"


def test_opening_a_link_says_what_would_change_and_changes_nothing(
    client: Client, paper: Paper, agents: Topic
) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    for method in (client.get, client.head):
        page = method(path(reader, "less"))
        assert page.status_code == 200
    said = text_of(client.get(path(reader, "less")))
    assert "Fewer papers like this? Agents that ask Agents : normal → becomes less" in said
    assert "Yes, less of it" in said
    assert weights_of(reader) == {"agents": "normal"}
    assert WeightChange.objects.count() == 0


def test_the_button_changes_it_and_the_page_offers_to_undo_it(
    client: Client, paper: Paper, agents: Topic
) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    link = path(reader, "less")
    step = hidden_field(client.get(link).content.decode(), "step")
    page = client.post(link, {"step": step})
    assert headings_of(page.content.decode()) == ["Less of Agents"]
    assert "Agents went from “normal” to “less”. The next edition follows it." in text_of(page)
    assert weights_of(reader) == {"agents": "less"}
    change = WeightChange.objects.get()
    assert f'name="undo" value="{change.pk}"' in page.content.decode()
    page = client.post(link, {"undo": str(change.pk)})
    assert headings_of(page.content.decode()) == ["As it was before"]
    assert "Agents is “normal” again." in text_of(page)
    assert weights_of(reader) == {"agents": "normal"}


def test_pressing_twice_is_answered_like_pressing_once(client: Client, paper: Paper, agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "less", make_topic(): "normal"})
    first, second = (client.post(path(reader, "less"), {"step": "agents:less"}) for _ in range(2))
    assert headings_of(first.content.decode()) == ["No more of Agents"]
    assert first.content == second.content
    assert WeightChange.objects.count() == 1


def test_several_topics_are_offered_with_the_one_it_stood_under_ticked(
    client: Client, paper: Paper, agents: Topic
) -> None:
    theory = Topic.objects.get(slug="theory")
    reader = make_subscriber(topics={theory: "less"})
    html = client.get(path(reader)).content.decode()
    assert "Of which topic do you want more?" in html
    assert 'value="theory:less" checked' in html
    assert 'value="agents:off"><' in html
    client.post(path(reader), {"step": "agents:off"})
    assert weights_of(reader) == {"theory": "less", "agents": "normal"}


def test_who_gets_the_overall_top_reads_that_it_would_narrow(client: Client, paper: Paper) -> None:
    said = text_of(client.get(path(make_subscriber())))
    assert "Then you would get papers about Agents only." in said
    page = client.get(path(make_subscriber(), "less"))
    assert "You chose no topics, so you get the day’s most noticed papers" in text_of(page)
    assert "<button" not in page.content.decode().partition("<main")[2].partition("</main>")[0]


def test_who_would_drop_the_only_topic_reads_what_follows(
    client: Client, paper: Paper, agents: Topic
) -> None:
    said = text_of(client.get(path(make_subscriber(topics={agents: "less"}), "less")))
    assert "Without it you would get the day’s most noticed papers, whatever their topic." in said


def test_at_the_end_of_the_scale_there_is_nothing_to_press(client: Client, agents: Topic) -> None:
    paper = make_paper(arxiv_id="2611.00001")
    make_edition(date=date(2026, 11, 20), papers=[(paper, [agents])])
    page = client.get(path(make_subscriber(topics={agents: "more"})))
    assert "You already get as much as there is of Agents: it stands at “more”." in text_of(page)
    other = make_subscriber(topics={make_topic(): "normal"})
    assert "It stands under none of the topics that you follow" in text_of(client.get(path(other, "less")))


def test_a_page_that_shows_an_old_choice_says_so_and_shows_the_new_one(
    client: Client, paper: Paper, agents: Topic
) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    said = text_of(client.post(path(reader), {"step": "agents:off"}))
    assert "Nothing was changed: your choice is no longer what this page showed." in said
    assert "normal → becomes more" in said
    assert weights_of(reader) == {"agents": "normal"}


@pytest.mark.parametrize(
    "sent",
    [
        *({}, {"step": ""}, {"step": "nowhere:off"}, {"step": "agents"}, {"step": "\0"}),
        *({"step": "agents:normal:more"}, {"undo": "0"}, {"undo": "-1"}, {"undo": "٣"}, {"undo": "9" * 40}),
    ],
)
def test_nonsense_changes_nothing(client: Client, paper: Paper, agents: Topic, sent: dict[str, str]) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    assert client.post(path(reader), sent).status_code == 200
    token = link_token("preferences", reader.handle, reader.secret)
    assert client.post(reverse("undo_taste", args=[token]), sent).status_code == 302
    assert weights_of(reader) == {"agents": "normal"}


def test_a_paper_that_is_gone_has_a_friendly_page(client: Client, paper: Paper) -> None:
    reader = make_subscriber()
    paper.hidden = True
    paper.save()
    for method in (client.get, client.post):
        page = method(path(reader))
        assert page.status_code == 404
        assert headings_of(page.content.decode()) == ["We no longer have this paper"]


def test_who_left_is_led_to_where_they_left_and_strangers_nowhere(
    client: Client, paper: Paper, agents: Topic
) -> None:
    reader = make_subscriber(state="unsubscribed", topics={agents: "normal"})
    token = link_token("preferences", reader.handle, reader.secret)
    for link in (path(reader), path(reader, "less"), reverse("undo_taste", args=[token])):
        answer = client.post(link, {"step": "agents:normal"})
        assert (answer.status_code, answer.headers["Location"].split("/")[1]) == (302, "unsubscribe")
        assert client.get(link.replace(token, "a.b")).status_code == 404
    assert weights_of(reader) == {"agents": "normal"}


def test_the_pages_are_not_stored_and_name_themselves_to_nobody(client: Client, paper: Paper) -> None:
    page = client.get(path(make_subscriber()))
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert page.cookies == {}


def test_the_list_of_changes_undoes_each(client: Client, paper: Paper, agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    token = link_token("preferences", reader.handle, reader.secret)
    client.post(path(reader), {"step": "agents:normal"})
    reader.refresh_from_db()
    context = {"changes": tasting.lately(reader, now=timezone.now()), "preferences_token": token}
    html = render_to_string("newsletter/_weight_changes.html", context)
    change = WeightChange.objects.get()
    assert f"Agents : normal → becomes more {change.changed_at:%A %-d %B} · Agents that ask" in words_of(html)
    assert f'action="/preferences/{token}/undo/"' in html
    assert client.get(f"/preferences/{token}/undo/").status_code == 302
    assert weights_of(reader) == {"agents": "more"}
    answer = client.post(f"/preferences/{token}/undo/", {"undo": hidden_button(html)})
    assert answer.headers["Location"] == f"/preferences/{token}/#lately"
    assert weights_of(reader) == {"agents": "normal"}
    empty = {**context, "changes": tasting.lately(reader, now=timezone.now())}
    assert render_to_string("newsletter/_weight_changes.html", empty).strip() == ""


def test_who_presses_on_and_on_is_stopped_and_can_still_read_and_leave(
    client: Client, paper: Paper, agents: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each press is a row, and a link in a mail lasts."""
    monkeypatch.setattr(behind_link, "CHANGES_PER_HOUR", 3)
    reader = make_subscriber(topics={agents: "normal"})
    desk, leave = (
        f"/{page}/{link_token(page, reader.handle, reader.secret)}/"
        for page in ("preferences", "unsubscribe")
    )
    presses = [
        (path(reader), {"step": "agents:normal"}),
        (f"{desk}undo/", {"undo": "1"}),
        (desk, {"resume": "1"}),
    ]
    assert [client.post(*press).status_code for press in presses] == [200, 302, 302]
    assert [client.post(*press).status_code for press in presses] == [429] * 3
    assert [client.get(one).status_code for one in (desk, path(reader), leave)] == [200] * 3
    assert client.post(leave, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert Subscriber.objects.get().state == "unsubscribed"


def hidden_button(html: str) -> str:
    return html.partition('name="undo" value="')[2].partition('"')[0]


def test_it_speaks_german_too(client: Client, paper: Paper, agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    with translation.override("de"):
        page = client.get(path(reader), HTTP_ACCEPT_LANGUAGE="de")
    assert headings_of(page.content.decode()) == ["Mehr Papers wie dieses?"]
