"""A month of recorded days, edition by edition, and the archive captures: the whole way on real papers."""

import email
import re
from datetime import UTC, date, datetime, time, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from django.db.models import Count
from django.test.utils import override_settings
from django.utils import timezone

from newsletter import edition
from newsletter.delivery import planning, sending
from newsletter.mail import Press
from newsletter.mixes import mix_for
from newsletter.models import Edition, EditionPaper, TopicMix
from papers.importing import import_file
from papers.models import Paper, Topic
from papers.reading.timetable import LISTS
from tests.factories import make_subscriber
from tests.newsletter.smtp_script import smtp_server
from tests.papers.topics.test_starter_topics import load

SHARED = Path(__file__).resolve().parents[3] / "shared"
SEEDS = sorted((SHARED / "seeds").glob("*.txt"))
SAMPLE = SHARED / "data" / "hf_daily_papers_sample.jsonl.gz"
WEIGHTS = ("normal", "more", "less")

pytestmark = [
    pytest.mark.skipif(not SAMPLE.exists(), reason="../shared is not at hand"),
    pytest.mark.django_db,
]


def twelve_mixes() -> list[TopicMix]:
    """The overall top, and eleven choices of one to six of the starter topics."""
    topics = list(Topic.objects.order_by("position"))
    choices = [topics[start : start + 1 + start % 6] for start in range(0, 22, 2)]
    weighted = [{topic: WEIGHTS[place % 3] for place, topic in enumerate(choice)} for choice in choices]
    return [mix_for({}), *(mix_for(choice) for choice in weighted)]


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def matching(built: Edition, mix: TopicMix) -> int:
    """How many of an edition's papers are filed under any topic of the mix; all, where it has none."""
    wanted = set(mix.topics.values_list("slug", flat=True))
    entries = built.entries.values_list("matches", flat=True)
    return sum(1 for matches in entries if not wanted or wanted & {match["topic"] for match in matches})


def test_thirty_days_are_thirty_editions_and_no_paper_is_in_two() -> None:
    load()
    import_file(SAMPLE, now=datetime(2026, 11, 21, 12, tzinfo=UTC))
    listed = sorted(set(Paper.objects.values_list("listed_on", flat=True)))
    days = sorted({day + timedelta(days=1) for day in listed if day})
    built = [edition.build(day, now=noon(days[-1])) for day in days]
    assert len(built) == len(listed)
    assert {one.state for one in built} == {"frozen"}
    assert [one.number for one in built] == list(range(1, len(days) + 1))
    entries = EditionPaper.objects.all()
    assert entries.count() == entries.values("paper").distinct().count() >= 600
    assert not Edition.objects.annotate(size=Count("entries")).filter(size__lt=5).exists()
    for entry in entries.select_related("edition", "paper"):
        assert entry.paper.listed_on is not None
        assert 1 <= (entry.edition.date - entry.paper.listed_on).days <= LISTS
    votes = entries.filter(edition=built[-1], rank=1).get()
    assert votes.card["upvotes"] and votes.terms[0]["name"] == "votes"


@pytest.mark.django_db(transaction=True)
def test_fifty_readers_of_twelve_choices_get_fifty_mails_of_twelve_digests() -> None:
    load()
    import_file(SAMPLE, now=datetime(2026, 11, 21, 12, tzinfo=UTC))
    newest = max(day for day in Paper.objects.values_list("listed_on", flat=True) if day)
    built = edition.build(newest + timedelta(days=1), now=noon(newest + timedelta(days=1)))
    mixes = twelve_mixes()
    readers = [make_subscriber(now=built.frozen_at) for _ in range(50)]
    for number, reader in enumerate(readers):
        reader.mix = mixes[number % 12]
        reader.save()
    with smtp_server() as server, override_settings(**server.settings):
        planning.plan(built, now=timezone.now(), late_too=True)  # it froze long ago
        report = sending.Sender(built).run()
    assert report == sending.SendReport(digests=12, accepted=50)
    mails = [email.message_from_bytes(raw, policy=default) for raw in server.received]
    assert sorted(str(mail["To"]) for mail in mails) == sorted(reader.email for reader in readers)
    assert max(map(len, server.received)) < 100_000
    for mail in mails:
        assert isinstance(mail, EmailMessage)
        text, html = mail.iter_parts()
        assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
        why = html.get_content().count("Why: ")  # type: ignore[attr-defined]
        assert why == text.get_content().count("Why: ") == html.get_content().count("<h3")  # type: ignore[attr-defined]
        assert not any(part.defects for part in mail.walk())


def test_the_archive_fills_digests_and_is_never_called_trending() -> None:
    load()
    today = timezone.now().date()
    for path in SEEDS:
        import_file(path, now=timezone.now(), listed_on=today - timedelta(days=1))
    assert Paper.objects.filter(from_archive=True).count() == 406
    built = edition.build(today, now=noon(today) + timedelta(days=1))
    press = Press([built])
    for mix in twelve_mixes():
        followed = {topic.slug: topic.name for topic in mix.topics.all()}
        printed = press.print(mix)
        assert printed is not None
        items = printed.digest.items
        assert len(items) == min(mix.length, matching(built, mix))
        filed = Paper.objects.filter(topics__in=mix.topics.all()).distinct().count() if followed else 406
        assert len(items) >= min(5, filed)
        assert all(item.match is None if not followed else item.match.topic in followed for item in items)
        assert "trending" not in printed.subject.casefold()
        text, html = (" ".join(part.split()) for part in printed.parts(None))
        reasons = re.findall(r"Why: (.*?) https?://", text)
        assert len(reasons) == len(items) == html.count("Why: ")
        for item, reason in zip(items, reasons, strict=True):
            assert "from the archive" in reason and "trending" not in reason
            assert item.match is None or reason.startswith(f"you follow {item.match.name} (“")
    assert not EditionPaper.objects.exclude(terms__contains=[{"name": "archive"}]).exists()
