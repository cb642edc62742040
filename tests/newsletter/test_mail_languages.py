"""A digest in its mix's language, whatever language the process speaks at the time."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation

from newsletter.mail import Press, preview, preview_of
from newsletter.mixes import mix_for
from newsletter.models import Edition, EditionPaper
from papers.models import Topic
from tests.factories import make_edition, make_paper, make_subscriber, make_topic
from tests.mails import opened, parts
from tests.pages import faults_of, words_of

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
PUBLIC_ID = "0b9cbb0e-5c1c-4a54-9a4c-6f4f8d5f4a11"
# Of the frame, the facts, the reasons and the links: none of them is a German word too.
OURS = {
    *("you", "your", "follow", "why", "upvotes", "at", "more", "less", "like", "this", "authors", "comment"),
    *("view", "change", "unsubscribe", "get", "today", "from", "the", "comments", "no", "day"),
    *("friday", "since", "to", "best", "editions", "once"),
}


@pytest.fixture
def agents() -> Topic:
    return make_topic(slug="agents", name="Agents", position=1)


@pytest.fixture
def edition(agents: Topic) -> Edition:
    paper = make_paper(title="On agents", abstract="", upvotes=61, github_stars=1234)
    papers = [(paper, [agents]), (make_paper(title="Of no topic"), [])]
    return make_edition(date=DAY, papers=papers, number=12)


def wire(press: Press, language: str, agents: Topic) -> bytes:
    reader = make_subscriber(email="ada@example.org", handle="ada", secret="s")
    reader.mix = mix_for({agents: "normal"}, language=language)
    reader.mix.slug = "m"
    printed = press.print(reader.mix)
    assert printed is not None
    reader.delete()
    return printed.wire(reader, public_id=PUBLIC_ID, now=NOW)


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_mail_is_the_same_whatever_language_is_active(
    edition: Edition, agents: Topic, language: str
) -> None:
    found = set()
    for active in ("en", "de", "fr"):
        with translation.override(active):
            press = Press([edition], language)
        with translation.override(active):
            found.add(wire(press, language, agents))
            assert translation.get_language() == active
    assert len(found) == 1


def test_days_months_and_numbers_have_the_form_of_the_language(edition: Edition, agents: Topic) -> None:
    mail = opened(wire(Press([edition], "de"), "de", agents))
    text, html = parts(mail)
    assert mail["Content-Language"] == "de" and '<html lang="de">' in html and faults_of(html) == []
    for part in (text, html):
        assert "Freitag" in part and "★\xa01,2k" in part and "Friday" not in part and "★\xa01.2k" not in part
    assert "On agents" in text and "AGENTS" in text


def test_no_english_word_of_ours_is_left(edition: Edition, agents: Topic) -> None:
    EditionPaper.objects.update(terms=[{"name": "votes", "value": 1.0, "text": "61 upvotes at 10 h"}])
    Edition.objects.update(note="Hm.")
    [again] = Edition.objects.all()
    reader = make_subscriber()
    reader.mix = mix_for({agents: "normal"}, language="de")
    other = make_edition(
        date=DAY - timedelta(days=2), papers=[(make_paper(title="On Wednesday", abstract=""), [agents])]
    )
    for editions in ([again], [other, again]):
        shown = preview(editions, reader.mix, reader)
        for part in (shown.text, words_of(shown.html)):
            found = re.findall(r"https?:\S+|[\w’]+", part)
            assert OURS.intersection(word.casefold() for word in found) == set()


def test_what_was_printed_in_one_language_is_not_given_to_the_other(edition: Edition, agents: Topic) -> None:
    english, german = Press([edition], "en"), Press([edition], "de")
    mails = [wire(*each, agents) for each in [(english, "en"), (german, "de"), (english, "en")]]
    assert mails[0] == mails[2] != mails[1]


def test_previews_speak_the_language_of_their_choice(edition: Edition, agents: Topic) -> None:
    choice = {"weights": {agents: "normal"}, "length": 10, "when_empty": "skip"}
    for language, day in (("en", "Friday"), ("de", "Freitag")):
        shown = preview_of([edition], language=language, **choice)  # type: ignore[arg-type]
        assert shown == preview([edition], mix_for({agents: "normal"}, language=language))
        assert day in shown.text and f'<html lang="{language}">' in shown.html
    nothing = preview([edition], mix_for({make_topic(slug="robotics"): "normal"}, language="de"))
    assert (nothing.papers, faults_of(nothing.html)) == (0, [])
    assert '<html lang="de">' in nothing.html
