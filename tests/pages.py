"""Reading a page in tests: is it HTML, what does it say, what does it ask for."""

import re
from html import unescape

import html5lib
from django.test import Client


def faults_of(html: str) -> list[str]:
    """What a strict HTML parser has to say against the page; [] for a good one."""
    parser = html5lib.HTMLParser(strict=False, namespaceHTMLElements=False)
    parser.parse(html)
    return [f"{code} at line {position[0]}" for position, code, _ in parser.errors]


def get(client: Client, path: str) -> str:
    """The page, which must be there and be HTML."""
    page = client.get(path)
    assert page.status_code == 200
    html: str = page.content.decode()
    assert faults_of(html) == []
    return html


def words_of(html: str) -> str:
    """The text of the page, without tags, spaces folded."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def headings_of(html: str) -> list[str]:
    """The text of every h1, h2 and h3, in order."""
    return [words_of(found) for found in re.findall(r"<h[123][^>]*>(.*?)</h[123]>", html, re.DOTALL)]


def buttons_of(html: str) -> list[str]:
    """The names of the buttons in the main part, in order."""
    main = html[html.index("<main") : html.index("</main>")]
    return re.findall(r'<button[^>]* name="(\w+)"', main)


def hidden_field(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None, f"no field {name}"
    return unescape(found[1])
