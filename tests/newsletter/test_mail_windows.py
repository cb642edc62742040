"""The mail of several editions: the best of all of them in one order, and what it says of its days."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.test import Client

from newsletter.mail import MAX_WIRE_BYTES, Press, Print, preview
from newsletter.mixes import mix_for
from newsletter.models import Edition, EditionPaper, Subscriber
from papers.models import Topic
from tests.factories import make_edition, make_paper, make_subscriber, make_topic
from tests.mails import links, opened, parts
from tests.pages import faults_of, get, headings_of, words_of

pytestmark = pytest.mark.django_db

FRIDAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
PUBLIC_ID = "0b9cbb0e-5c1c-4a54-9a4c-6f4f8d5f4a11"
_numbers = count(1)


@pytest.fixture
def agents() -> Topic:
    return make_topic(slug="agents", name="Agents")


def edition(ago: int, scores: Sequence[float], topic: Topic, **fields: Any) -> Edition:
    """An edition so many days before Friday 20 November, its papers named by their day and score."""
    day = FRIDAY - timedelta(days=ago)
    papers = [(make_paper(title=f"{day:%a} {score:g}"), [topic]) for score in scores]
    made = make_edition(date=day, papers=papers, number=next(_numbers), **fields)
    for row, score in zip(made.entries.order_by("rank"), scores, strict=True):
        EditionPaper.objects.filter(pk=row.pk).update(score=score)
    return made


def printed(editions: Sequence[Edition], reader: Subscriber) -> Print:
    found = Press(editions).print(reader.mix)
    assert found is not None
    return found


def titles(editions: Sequence[Edition], reader: Subscriber) -> list[str]:
    """The papers as the mail shows them, below the masthead and the section's name."""
    _, html = parts(opened(printed(editions, reader).wire(reader, public_id=PUBLIC_ID, now=NOW)))
    return headings_of(html)[2:]


def week(topic: Topic) -> list[Edition]:
    """Saturday to Friday, two papers each."""
    return [edition(ago, [ago + 1, 0.5], topic) for ago in range(6, -1, -1)]


def test_the_papers_of_all_days_stand_in_one_order_and_each_once(agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    editions = [edition(2, [9, 4, 2], agents), edition(1, [7, 3], agents), edition(0, [5, 4, 1], agents)]
    found = titles(editions, reader)
    assert found == ["Wed 9", "Thu 7", "Fri 5", "Fri 4", "Wed 4", "Thu 3", "Wed 2", "Fri 1"]
    # The order in which editions are given makes no difference.
    assert titles(editions[::-1], reader) == found


def test_what_was_pinned_stays_first_in_its_edition(agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    # 0.1 was pinned in front of an 8, and 0.2 in front of a 6.
    editions = [edition(1, [0.1, 8, 3], agents), edition(0, [7, 0.2, 6], agents)]
    assert titles(editions, reader) == ["Thu 0.1", "Thu 8", "Fri 7", "Fri 0.2", "Fri 6", "Thu 3"]


def test_a_digest_of_a_week_is_as_long_as_the_reader_chose(agents: Topic) -> None:
    reader = make_subscriber()
    reader.mix = mix_for({agents: "normal"}, length=5)
    assert titles(week(agents), reader) == ["Sat 7", "Sun 6", "Mon 5", "Tue 4", "Wed 3"]


def test_topics_get_their_fair_share_of_the_whole_window(agents: Topic) -> None:
    theory = make_topic(slug="theory", name="Theory")
    reader = make_subscriber()
    reader.mix = mix_for({agents: "normal", theory: "normal"}, length=5)
    editions = [edition(1, [9, 8, 7, 6], agents), edition(0, [2, 1], theory)]
    digest = printed(editions, reader).digest
    assert {section.topic: len(section.items) for section in digest.sections} == {"agents": 3, "theory": 2}


def test_withdrawn_papers_leave_with_the_revision_that_is_printed(agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    thursday, friday = edition(1, [0.1, 9, 3], agents), edition(0, [5, 4], agents)
    # The 9 is what made the pinned paper come first; it leaves with revision 2.
    thursday.entries.filter(score=9).update(removed_in=2)
    friday.entries.filter(score=5).update(removed_in=1)
    shown = {}
    for revision in (0, 1, 2):
        thursday.revision = revision
        press = Press([thursday, friday])
        assert press.revisions == {thursday.pk: revision, friday.pk: 0}
        shown[revision] = titles([thursday, friday], reader)
    assert shown[0] == shown[1] == ["Thu 0.1", "Thu 9", "Fri 5", "Fri 4", "Thu 3"]
    assert shown[2] == ["Fri 5", "Fri 4", "Thu 0.1", "Thu 3"]
    friday.revision = 1
    assert titles([friday], reader) == ["Fri 4"]


def test_the_same_window_gives_the_same_bytes_again(agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    editions = week(agents)
    once = printed(editions, reader).wire(reader, public_id=PUBLIC_ID, now=NOW)
    again = printed(
        list(Edition.objects.order_by("-pk")), Subscriber.objects.select_related("mix").get(pk=reader.pk)
    )
    assert again.wire(reader, public_id=PUBLIC_ID, now=NOW) == once


@pytest.mark.parametrize(
    ("ago", "subject", "heading", "first_day"),
    [
        (1, "Since Thursday: Thu 2", "Your papers since Thursday", "Thursday 19"),
        (3, "Since Tuesday: Tue 4", "Your papers since Tuesday", "Tuesday 17"),
        (6, "Your week in papers: Sat 7", "Your week in papers", "Saturday 14"),
        (10, "Since 10 November: Tue 11", "Your papers since 10 November", "Tuesday 10"),
        (20, "Since 31 October: Sat 21", "Your papers since 31 October", "Saturday 31 October"),
    ],
)
def test_subject_and_heading_say_the_span(
    agents: Topic, ago: int, subject: str, heading: str, first_day: str
) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    first, last = edition(ago, [ago + 1], agents), edition(0, [1], agents)
    mail = opened(printed([first, last], reader).wire(reader, public_id=PUBLIC_ID, now=NOW))
    assert mail["Subject"] == f"{subject}, and 1 more"
    numbers = f"No. {first.number} to {last.number}"
    lines = [
        *("Paper Round", heading, f"{first_day} to Friday 20 November 2026"),
        f"{numbers} · your 2 of 2 papers",
    ]
    text, html = parts(mail)
    assert text.strip().split("\n")[:4] == lines
    assert " ".join(lines) in words_of(html)


def test_each_card_tells_its_day_and_each_note_too(agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    editions = [edition(10, [3], agents, note="Long\nago."), edition(1, [2], agents)]
    editions.append(edition(0, [1], agents, note="Now."))
    text, html = parts(opened(printed(editions, reader).wire(reader, public_id=PUBLIC_ID, now=NOW)))
    assert faults_of(html) == []
    words = words_of(html)
    for day, title in (("Tuesday 10 November", "Tue 3"), ("Thursday", "Thu 2"), ("Friday", "Fri 1")):
        assert f"{day} {title} " in words
        assert f"\n{title}\n{day} · 2 authors\xa0· 18\xa0Nov" in text
    assert "From the editor, Tuesday 10 November: Long ago. Friday: Now." in words
    assert "From the editor, Tuesday 10 November: Long ago.\n\nFriday: Now.\n" in text
    assert "The best of 3 editions with 3 papers. You follow Agents." in words
    assert "today" not in words and "day’s" not in words


def test_the_first_paper_of_a_week_is_called_its_best(agents: Topic) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    text, html = parts(opened(printed(week(agents), reader).wire(reader, public_id=PUBLIC_ID, now=NOW)))
    assert "Best of your week · Saturday Sat 7 " in words_of(html)
    assert "\nSat 7\nBest of your week · Saturday · 2 authors" in text
    assert text.count("Best of") == 1


def test_who_follows_no_topic_gets_the_top_of_the_week(agents: Topic) -> None:
    reader = make_subscriber()
    editions = week(agents)
    EditionPaper.objects.update(terms=[])
    text, _ = parts(opened(printed(editions, reader).wire(reader, public_id=PUBLIC_ID, now=NOW)))
    assert text.count("Why: among the week’s top papers.") == 10


def test_the_largest_week_stays_under_the_size_that_is_shown_whole() -> None:
    topic = make_topic(slug="agents")
    reader = make_subscriber()
    reader.mix = mix_for({topic: "normal"}, length=20)
    editions = []
    for ago in range(6, -1, -1):
        papers = [(make_paper(title="漢" * 3000, abstract="漢" * 3000), [topic]) for _ in range(5)]
        day = FRIDAY - timedelta(days=ago)
        editions.append(make_edition(date=day, papers=papers, note="漢 " * 5000))
    found = printed(editions, reader)
    wire = found.wire(reader, public_id=PUBLIC_ID, now=NOW)
    assert 50_000 < len(wire) <= found.size <= MAX_WIRE_BYTES
    _, html = parts(opened(wire))
    assert html.count("<h3") == len(found.digest.items) > 1


def test_the_mail_of_a_window_can_be_read_in_the_browser(agents: Topic, client: Client) -> None:
    reader = make_subscriber(topics={agents: "normal"})
    editions = week(agents)
    text, html = parts(opened(printed(editions, reader).wire(reader, public_id=PUBLIC_ID, now=NOW)))
    [link] = links(html, "/mix/")
    assert link == f"http://127.0.0.1:8000/2026-11-14/2026-11-20/mix/{reader.mix.slug}/"
    assert f"In the browser:     {link}\n" in text
    page = client.get(link)
    assert page["X-Robots-Tag"] == "noindex"
    assert get(client, link) == preview(editions, reader.mix).html
    assert reader.handle not in page.content.decode()


def test_a_window_that_never_was_is_no_page_and_a_long_one_is_cut(agents: Topic, client: Client) -> None:
    mix = mix_for({agents: "normal"})
    # The widest a mail can be is eight: in a week in which the clocks went back.
    editions = [edition(10, [1], agents), edition(9, [1], agents), *week(agents)]
    edition(8, [1], agents, state="cancelled")
    edition(-1, [1], agents, state="held")
    for days in ("2026-11-14/2026-11-21", "2026-11-20/2026-11-14", "2026-11-01/2026-11-12"):
        assert client.get(f"/{days}/mix/{mix.slug}/").status_code == 404
    shown = preview(editions[1:], mix).html
    assert get(client, f"/2020-01-01/2026-11-20/mix/{mix.slug}/") == shown


def test_the_page_of_a_window_asks_as_many_queries_as_that_of_a_day(
    agents: Topic, client: Client, django_assert_num_queries: Any
) -> None:
    alone = mix_for({agents: "normal"})
    more = mix_for({agents: "normal", make_topic(): "less", make_topic(): "more"})
    week(agents)
    for mix, days in ((alone, "2026-11-20"), (more, "2026-11-14/2026-11-20")):
        with django_assert_num_queries(5):  # the editions, the mix with its topics, the papers
            assert client.get(f"/{days}/mix/{mix.slug}/").status_code == 200


def test_no_editions_are_no_window() -> None:
    with pytest.raises(ValueError, match="at least one edition"):
        Press([])
