"""German pages: what is English on them is what somebody wrote in English, and it says so."""

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from django.test import Client

from newsletter.models import Edition
from papers.models import Paper, Topic
from papers.tex import readable
from tests.browser.gallery import hang_gallery
from tests.browser.scenes import ROOMS

pytestmark = pytest.mark.django_db

# Words that German has not.
ENGLISH = re.compile(r"\b(the|and|of|your|with|you|this|are|from|not|every|page|week|topics|mail me)\b", re.I)
READ = ("aria-label", "placeholder", "title", "alt")
UNREAD = {"script", "style", "kbd", "code", "pre", "textarea"}


def said_in(element: Element, language: str) -> Iterator[tuple[str, str]]:
    """Each text of the element with its language, and each attribute that is read."""
    if not isinstance(element.tag, str) or element.tag in UNREAD:
        return
    own = element.get("lang", language)
    yield from ((element.get(name, ""), own) for name in READ)
    yield element.text or "", own
    for child in element:
        yield from said_in(child, own)
        yield child.tail or "", own


def written_by_people() -> list[str]:
    """What editors and authors wrote; in a sentence of ours it has no element of its own to say so."""
    topics = Topic.objects.values_list("name", "description")
    notes = Edition.objects.values_list("note", flat=True)
    titles = [readable(title) for title in Paper.objects.values_list("title", flat=True)]
    written = [*(text for pair in topics for text in pair), *notes, *titles]
    return sorted(filter(None, written), key=len, reverse=True)


def test_a_german_page_has_english_only_where_it_says_so(client: Client) -> None:
    hung = hang_gallery()
    pages = {name: scene.path for room in ROOMS.values() for name, scene in room(hung).items()}
    written = written_by_people()
    left: dict[str, list[str]] = {}
    for name, path in pages.items():
        answer: Any = client.get(path, HTTP_ACCEPT_LANGUAGE="de")
        page = html5lib.parse(answer.content.decode(), namespaceHTMLElements=False)
        assert page.get("lang") == "de", name
        for text, language in said_in(page, "de"):
            for known in written:
                text = text.replace(known, "")
            if language == "de" and ENGLISH.search(text):
                left.setdefault(name, []).append(text.strip())
    assert left == {}
