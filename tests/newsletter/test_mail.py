"""A digest as it arrives: opened with Python's e-mail parser, its links followed, its titles hostile."""

import re
from datetime import UTC, date, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from django.core.mail import get_connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import override_settings

from newsletter.mail import MAX_WIRE_BYTES, DigestMessage, Press, facts, message_id, preview, preview_of, why
from newsletter.mixes import mix_for
from newsletter.models import Edition, EditionPaper, MixTopic, Subscriber, TopicMix
from newsletter.tokens import link_token
from papers.card import card_of
from papers.models import Paper, Topic
from tests.factories import make_edition, make_paper, make_subscriber, make_topic
from tests.mails import links, opened, parts
from tests.pages import faults_of, headings_of, words_of

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
PUBLIC_ID = "0b9cbb0e-5c1c-4a54-9a4c-6f4f8d5f4a11"
HOSTILE = "<script>alert(1)</script> & \"quotes\" 'too'\r\nBcc: everybody@example.org"


def mail_of(edition: Edition, reader: Subscriber) -> DigestMessage:
    printed = Press([edition]).print(reader.mix)
    assert printed is not None
    return printed.message(reader, public_id=PUBLIC_ID, now=NOW)


def one_paper(**fields: Any) -> tuple[EmailMessage, DigestMessage]:
    topic = make_topic(slug="agents", name="Agents")
    edition = make_edition(date=DAY, papers=[(make_paper(**fields), [topic])])
    message = mail_of(edition, make_subscriber(topics={topic: "normal"}))
    return opened(message.wire), message


@pytest.fixture
def agents() -> Topic:
    return make_topic(slug="agents", name="Agents", position=1)


@pytest.fixture
def edition(agents: Topic) -> Edition:
    theory = make_topic(slug="theory", name="Theory", position=2)
    first = make_paper(title="Où vont les agents ?", upvotes=61, num_comments=4, github_stars=1234)
    second = make_paper(title="Bounds", organization_name="Sample Lab", github_url="https://example.org/code")
    third = make_paper(title="Both", upvotes=None, num_comments=None)
    papers = [(first, [agents]), (second, [theory]), (third, [agents, theory])]
    return make_edition(date=DAY, papers=papers, number=12, note="Read the second one.\r\nIt is short.")


@pytest.fixture
def reader(agents: Topic) -> Subscriber:
    topics = {agents: "normal", Topic.objects.get(slug="theory"): "more"}
    return make_subscriber(email="ada@example.org", topics=topics)


def test_both_parts_decode_to_exactly_what_was_written(edition: Edition, reader: Subscriber) -> None:
    message = mail_of(edition, reader)
    assert parts(opened(message.wire)) == (message.body, str(message.alternatives[0][0]))


def test_the_text_part_reads_as_it_should(edition: Edition, reader: Subscriber) -> None:
    text, _ = parts(opened(mail_of(edition, reader).wire))
    keys = [row.card["key"] for row in edition.entries.order_by("rank")]
    shown = text.split("\n--\n")[0].replace(link_token("preferences", reader.handle, reader.secret), "TOKEN")
    taste = [
        f"More like this: http://127.0.0.1:8000/preferences/TOKEN/more/{key}/"
        f" · less: http://127.0.0.1:8000/preferences/TOKEN/less/{key}/"
        for key in keys
    ]
    abstract = "We measure something. It turns out to be large. Others may build on it."
    assert [line for line in shown.split("\n") if line] == [
        *("Paper Round", "Friday 20 November 2026 · No. 12 · 3 papers for you"),
        *("From the editor: Read the second one.", "It is short.", "AGENTS", "------"),
        *("Où vont les agents ?", "2 authors\xa0· 18\xa0Nov\xa0· ▲\xa061\xa0· 4\xa0comments\xa0· ★\xa01.2k"),
        abstract,
        *("Why: you follow Agents (“agents”); 61 upvotes.", f"http://127.0.0.1:8000/papers/{keys[0]}/"),
        *(taste[0], "Both", "2 authors\xa0· 18\xa0Nov", abstract),
        *("Why: you follow Agents (“agents”).", f"http://127.0.0.1:8000/papers/{keys[2]}/"),
        *(taste[2], "THEORY", "------", "Bounds"),
        *("Sample Lab\xa0· 18\xa0Nov\xa0· ▲\xa010\xa0· 1\xa0comment", abstract),
        *("Why: you follow Theory (“theory”); 10 upvotes.", f"http://127.0.0.1:8000/papers/{keys[1]}/"),
        *("Code: https://example.org/code", taste[1]),
    ]
    assert "You get this at most once a day. You follow Agents and Theory." in text


def test_the_html_part_is_good_html_with_the_same_papers(edition: Edition, reader: Subscriber) -> None:
    _, html = parts(opened(mail_of(edition, reader).wire))
    assert faults_of(html) == []
    assert headings_of(html) == ["Paper Round", "Agents", "Où vont les agents ?", "Both", "Theory", "Bounds"]
    words = words_of(html)
    for said in ("Also today: Both · view in browser", "No. 12 · 3 papers for you", "Why: you follow Theory"):
        assert said in words
    assert "None" not in words and "hole" not in html


def test_each_header_stands_once(edition: Edition, reader: Subscriber) -> None:
    message = mail_of(edition, reader)
    found = opened(message.wire)
    assert sorted(found.keys()) == sorted(set(found.keys()))
    assert {name: str(found[name]) for name in found if name not in ("Content-Type", "List-Unsubscribe")} == {
        "From": "Paper Round <papers@localhost>",
        "Subject": "Où vont les agents ?, and 2 more",
        "MIME-Version": "1.0",
        "To": "ada@example.org",
        "Date": "Fri, 20 Nov 2026 06:30:00 +0000",
        "Message-ID": f"<{PUBLIC_ID}@127.0.0.1>",
        "Content-Language": "en",
        "List-Id": "<daily.127.0.0.1>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
        "Feedback-ID": "2026-11-20:daily:127.0.0.1",
    }
    assert found["Message-ID"] == message_id(PUBLIC_ID)
    assert message.metadata == {"delivery_id": PUBLIC_ID}


def test_what_providers_read_is_what_goes_over_the_wire(edition: Edition, reader: Subscriber) -> None:
    printed = Press([edition]).print(reader.mix)
    assert printed is not None
    message = printed.message(reader, public_id=PUBLIC_ID, now=NOW)
    assert printed.wire(reader, public_id=PUBLIC_ID, now=NOW) == message.wire
    found = opened(message.wire)
    assert (message.subject, message.to) == (found["Subject"], [found["To"]])
    assert {name: str(found[name]) for name in message.extra_headers} == message.extra_headers


def test_the_unsubscribe_links_work_once_and_again(edition: Edition, reader: Subscriber) -> None:
    found = opened(mail_of(edition, reader).wire)
    text, html = parts(found)
    header = str(found["List-Unsubscribe"]).strip("<>")
    [in_html] = links(html, "/unsubscribe/")
    assert in_html == header and f"Unsubscribe:        {header}\n" in text
    client = Client(enforce_csrf_checks=True)
    assert client.get(header).status_code == 200
    reader.refresh_from_db()
    assert reader.state == "active"
    for _ in range(2):
        assert client.post(header, {"List-Unsubscribe": "One-Click"}).status_code == 200
    reader.refresh_from_db()
    assert reader.state == "unsubscribed"


def test_the_other_links_lead_to_their_pages(edition: Edition, reader: Subscriber, client: Client) -> None:
    text, html = parts(opened(mail_of(edition, reader).wire))
    for path in ("/preferences/", "/mix/", "/papers/"):
        in_html = sorted(set(links(html, path)))
        in_text = sorted(set(re.findall(rf"http://127.0.0.1:8000\S*{path}\S*", text)))
        assert in_html == in_text != []
        assert [client.get(link).status_code for link in in_html] == [200] * len(in_html)


def test_each_card_says_how_to_get_more_or_less_of_its_like(edition: Edition, reader: Subscriber) -> None:
    _, html = parts(opened(mail_of(edition, reader).wire))
    own = f"http://127.0.0.1:8000/preferences/{link_token('preferences', reader.handle, reader.secret)}"
    keys = [row.card["key"] for row in edition.entries.order_by("rank")]
    shown = [keys[0], keys[2], keys[1]]
    for way in ("more", "less"):
        assert links(html, f"/{way}/") == [f"{own}/{way}/{key}/" for key in shown]
    assert words_of(html).count("more like this · less like this") == 3


@pytest.mark.parametrize("key", ["cs/9901001", "math.GT/0309136", "2610.00001"])
def test_old_arxiv_ids_keep_their_slash_in_all_links(key: str) -> None:
    found, _ = one_paper(arxiv_id=key)
    text, html = parts(found)
    assert [link.partition(key)[2] for link in links(html, key)] == ["/", "/", "/"]
    assert [len(re.findall(rf"/{way}/{key}/(?:\s|$)", text)) for way in ("papers", "more", "less")] == [1] * 3


def test_of_a_paper_under_no_topic_there_is_no_more_and_no_less() -> None:
    edition = make_edition(date=DAY, papers=[(make_paper(), [])])
    for part in parts(opened(mail_of(edition, make_subscriber()).wire)):
        assert "like this" not in part and "Why: " in part


def test_the_page_of_a_mix_and_its_preview_hold_no_personal_link(
    edition: Edition, reader: Subscriber, client: Client
) -> None:
    shown = preview([edition], reader.mix)
    assert client.get(f"/{DAY}/mix/{reader.mix.slug}/").content.decode() == shown.html
    for part in (shown.text, shown.html):
        assert reader.handle not in part and "ada@" not in part and "like this" not in part
    assert reader.handle in preview([edition], reader.mix, reader).html
    assert shown.subject == "Où vont les agents ?, and 2 more"


def test_in_the_browser_all_links_are_for_anybody(edition: Edition, reader: Subscriber) -> None:
    shown = preview([edition], reader.mix)
    anybody = "http://127.0.0.1:8000/preferences/"
    for path in ("/preferences/", "/unsubscribe/", "/mix/"):
        assert set(links(shown.html, path)) | set(re.findall(rf"\S*{path}\S*", shown.text)) == (
            {anybody} if path == "/preferences/" else set()
        )


def test_a_choice_that_nobody_made_is_shown_as_its_mix_would_be_and_nothing_is_written(
    edition: Edition, reader: Subscriber, agents: Topic
) -> None:
    theory = Topic.objects.get(slug="theory")
    expected = preview([edition], reader.mix)
    TopicMix.objects.exclude(pk=reader.mix_id).delete()
    kept = (TopicMix.objects.count(), MixTopic.objects.count())
    chosen = preview_of(
        [edition], weights={theory: "more", agents: "normal"}, length=10, language="en", when_empty="skip"
    )
    assert chosen == expected
    assert (chosen.papers, chosen.subject) == (3, "Où vont les agents ?, and 2 more")
    other = preview_of([edition], weights={theory: "less"}, length=1, language="en", when_empty="skip")
    assert (other.papers, other.subject) == (1, "Bounds")
    assert (TopicMix.objects.count(), MixTopic.objects.count()) == kept


def test_a_choice_that_matches_nothing_gets_no_mail_or_the_top_papers_as_it_says(edition: Edition) -> None:
    robotics = {make_topic(slug="robotics"): "normal"}
    papers = {
        when_empty: preview_of(
            [edition], weights=robotics, length=2, language="en", when_empty=when_empty
        ).papers
        for when_empty in TopicMix.WhenEmpty.values
    }
    assert papers == {"skip": 0, "top": 2}
    assert preview_of([edition], weights={}, length=2, language="en", when_empty="skip").papers == 2


def test_a_preview_says_where_no_mail_is_sent(edition: Edition) -> None:
    shown = preview([edition], mix_for({make_topic(slug="robotics"): "normal"}))
    assert shown.text == "Nothing in this edition matches these topics, so no mail is sent."
    assert faults_of(shown.html) == []


def test_a_hostile_title_stays_text_and_adds_no_header() -> None:
    found, message = one_paper(title=HOSTILE)
    text, html = parts(found)
    assert "Bcc" not in found
    assert "script" not in re.sub(r"&lt;/?script&gt;", "", html)
    assert faults_of(html) == []
    assert "<script>alert(1)</script> & \"quotes\" 'too' Bcc: everybody@example.org" in text
    assert found["Subject"] == message.subject


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("A short one", "A short one"),
        ("=?utf-8?q?Free_money?=", "=?utf-8?q?Free_money?="),
        ("Über-Modelle für 中文", "Über-Modelle für 中文"),
        ("word " * 400, "word " * 28 + "word…"),
        ("x" * 5000, "x" * 149 + "…"),
        ("漢" * 400, "漢" * 149 + "…"),
        ("A title: with, many; separators. " * 4, ("A title: with, many; separators. " * 4).strip()),
    ],
)
def test_a_subject_comes_back_as_it_was_in_lines_that_mail_servers_take(title: str, subject: str) -> None:
    found, message = one_paper(title=title)
    assert (found["Subject"], message.subject) == (subject, subject)
    head = message.wire.partition(b"\r\n\r\n")[0]
    assert max(len(line) for line in head.split(b"\r\n")) <= 998


def test_no_line_is_too_long_and_all_end_in_crlf(edition: Edition, reader: Subscriber) -> None:
    EditionPaper.objects.filter(rank=1).update(
        card=card_of(make_paper(title="漢字 " * 30, abstract="é" * 330))
    )
    wire = mail_of(edition, reader).wire
    assert wire.replace(b"\r\n", b"").count(b"\n") == wire.replace(b"\r\n", b"").count(b"\r") == 0
    head, _, body = wire.partition(b"\r\n\r\n")
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert wire.isascii()


@pytest.mark.parametrize("letter", ["a", "漢", "<"])
def test_the_largest_digest_stays_under_the_size_that_is_shown_whole(letter: str) -> None:
    topic = make_topic(slug="agents")
    # `card_of` bounds the abstract; a source may give titles and names of any length.
    papers = [
        (make_paper(title=letter * 3000, abstract=letter * 3000, organization_name=letter * 300), [topic])
        for _ in range(20)
    ]
    edition = make_edition(date=DAY, papers=papers)
    reader = make_subscriber()
    reader.mix = mix_for({topic: "normal"}, length=20)
    printed = Press([edition]).print(reader.mix)
    assert printed is not None
    message = printed.message(reader, public_id=PUBLIC_ID, now=NOW)
    assert 20_000 < len(message.wire) <= MAX_WIRE_BYTES
    ranks = [item.rank for item in printed.digest.items]
    assert ranks == list(range(1, len(ranks) + 1))
    _, html = parts(opened(message.wire))
    assert html.count("<h3") == len(ranks) and f"{len(ranks)} papers for you" in html


def test_an_ordinary_digest_of_twenty_loses_no_paper() -> None:
    topic = make_topic(slug="agents")
    abstract = "This sentence has about a hundred characters, as sentences of abstracts often do. " * 9
    papers = [(make_paper(abstract=abstract), [topic]) for _ in range(20)]
    printed = Press([make_edition(date=DAY, papers=papers)]).print(mix_for({topic: "normal"}, length=20))
    assert printed is not None and len(printed.digest.items) == 20
    assert printed.size < 70_000


def archive_terms(comments: int) -> list[dict[str, Any]]:
    return [
        {"name": "archive", "value": 0.0, "text": "from the archive"},
        {"name": "comments", "value": 0.1, "text": f"{comments} comments"},
    ]


@pytest.mark.parametrize("follows", [True, False])
def test_archive_papers_are_called_that_and_never_trending(agents: Topic, follows: bool) -> None:
    edition = make_edition(date=DAY, papers=[(make_paper(from_archive=True, upvotes=None), [agents])])
    EditionPaper.objects.update(terms=archive_terms(3))
    reader = make_subscriber(topics={agents: "normal"} if follows else {})
    message = opened(mail_of(edition, reader).wire)
    for part in (*parts(message), str(message["Subject"])):
        assert "trending" not in part.casefold()
    text, html = parts(message)
    reason = "you follow Agents (“agents”); " if follows else ""
    assert f"Why: {reason}from the archive." in " ".join(text.split())
    assert headings_of(html)[1] == ("Agents" if follows else "From the archive")


def test_who_follows_no_topic_gets_the_top_papers(edition: Edition) -> None:
    text, html = parts(opened(mail_of(edition, make_subscriber()).wire))
    assert headings_of(html)[1:] == ["Top papers", "Où vont les agents ?", "Bounds", "Both"]
    assert "Why: among the day’s top papers." in text
    assert "You follow the whole paper." in text


@pytest.mark.parametrize(
    ("facts_of", "line"),
    [
        ({"upvotes": 0, "num_comments": 0, "github_stars": 0}, "2 authors\xa0· 18\xa0Nov\xa0· ▲\xa00"),
        ({"upvotes": None, "num_comments": 1, "published_on": None}, "2 authors\xa0· 1\xa0comment"),
        (
            {"upvotes": 12345, "num_comments": 0, "published_on": date(2025, 1, 2)},
            "2 authors\xa0· 2\xa0Jan\xa02025\xa0· ▲\xa012.3k",
        ),
        ({"authors": None, "author_count": None, "upvotes": None, "num_comments": None}, "18\xa0Nov"),
    ],
)
def test_what_is_unknown_is_left_out(facts_of: dict[str, Any], line: str) -> None:
    paper: Paper = make_paper(**facts_of)
    assert facts(card_of(paper), beside=DAY) == line


def test_without_topic_or_attention_a_paper_is_among_the_top() -> None:
    assert why(None, []) == "Why: among the day’s top papers."


def test_each_card_is_rendered_once_whatever_the_number_of_mixes(
    edition: Edition, reader: Subscriber, agents: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[str] = []

    def render(name: str, context: dict[str, Any]) -> str:
        rendered.append(name)
        return render_to_string(name, context)

    monkeypatch.setattr("newsletter.mail.cards.render_to_string", render)
    press = Press([edition])
    for length in (5, 10, 15, 20):
        press.print(mix_for({agents: "normal"}, length=length))
    assert press.composed == 4
    assert rendered.count("email/digest/card.html") == 2


@override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
def test_djangos_backends_take_the_message(edition: Edition, reader: Subscriber) -> None:
    message = mail_of(edition, reader)
    assert get_connection().send_messages([message]) == 1
    assert message.message().as_bytes(linesep="\r\n") == message.wire
    assert message.message().as_bytes() == message.wire.replace(b"\r\n", b"\n")
