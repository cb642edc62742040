"""`manage.py demo` as a stranger runs it: a process of its own, on a database of its own."""

import os
import re
import subprocess
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import pytest

from newsletter.demo.readers import READERS
from tests.processes import ROOT

SEEDS = sorted((ROOT.parent / "shared" / "seeds").glob("*.txt"))
TITLES = re.compile(r"<h3[ >]")


class Demo:
    def __init__(self, database: str, outbox: Path) -> None:
        self.outbox = outbox
        self.environment = os.environ | {"DATABASE_URL": database, "NEWSLETTER_OUTBOX_DIR": str(outbox)}

    def run(self, *arguments: str, word: str = "demo") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", word, *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )

    def mails(self) -> list[EmailMessage]:
        files = sorted(self.outbox.glob("*.eml"))
        mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
        return [mail for mail in mails if isinstance(mail, EmailMessage)]


@pytest.fixture
def demo(own_database: str, tmp_path: Path) -> Demo:
    return Demo(own_database, tmp_path / "outbox")


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_the_sample_makes_a_whole_day_and_a_second_run_makes_nothing(demo: Demo) -> None:
    first = demo.run()
    assert (first.returncode, first.stderr) == (0, "")
    assert "140 read, 83 new" in first.stdout
    assert "Edition of 2026-05-23" in first.stdout
    mails = demo.mails()
    assert sorted(str(mail["To"]) for mail in mails) == sorted(f"{name}@example.org" for name in READERS)
    assert [len(TITLES.findall(part(mail, "html"))) >= 5 for mail in mails] == [True] * len(READERS)
    second = demo.run()
    assert second.returncode == 0
    assert "140 read, 0 new" in second.stdout
    assert "0 new papers and 0 mails" in second.stdout
    assert len(demo.mails()) == len(READERS)


def test_the_outbox_page_leads_to_every_mail(demo: Demo) -> None:
    demo.run()

    class Links(HTMLParser):
        found: set[str] = set()

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found |= {value or "" for name, value in attrs if tag == "a" and name == "href"}

    links = Links()
    links.feed((demo.outbox / "index.html").read_text())
    there = {str(path.relative_to(demo.outbox)) for path in demo.outbox.rglob("*") if path.is_file()}
    assert links.found == there - {"index.html"}


def test_the_outbox_page_shows_what_each_reader_chose(demo: Demo) -> None:
    said = demo.run().stdout
    page = (demo.outbox / "index.html").read_text()
    shown = dict(re.findall(r'<p class="to">(.*?)</p>.*?<p class="topics">(.*?)</p>', page, re.DOTALL))
    printed = dict(re.findall(r"^  (\S+@example\.org) +(.+)$", said, re.MULTILINE))
    assert shown == printed
    assert sorted(shown) == sorted(f"{name}@example.org" for name in READERS)


def test_a_demo_never_sends_the_mail_of_real_readers(demo: Demo, tmp_path: Path) -> None:
    readers = tmp_path / "readers.csv"
    readers.write_text("email,topics\nsomebody@example.com,agents\n")
    assert demo.run(word="migrate").returncode == 0
    imported = demo.run(str(readers), word="import_subscribers")
    assert imported.returncode == 0, imported.stderr
    refused = demo.run()
    assert refused.returncode == 1
    assert "1 active readers who are not the demo's" in refused.stderr
    assert demo.mails() == []


def test_a_file_that_is_no_paper_gets_a_sentence(demo: Demo, tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_bytes(b"")
    refused = demo.run(str(empty))
    assert refused.returncode == 1
    assert "empty.txt" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.skipif(not SEEDS, reason="the shared page captures are missing")
def test_the_page_captures_make_an_edition_from_the_archive(demo: Demo) -> None:
    result = demo.run(*(str(path) for path in SEEDS))
    assert (result.returncode, result.stderr) == (0, "")
    assert "439 read, 406 new" in result.stdout
    assert result.stdout.count(" 0 rejected") == 6
    mails = demo.mails()
    assert len(mails) == len(READERS)
    for mail in mails:
        html, text = part(mail, "html"), part(mail, "plain")
        papers = len(TITLES.findall(html))
        assert papers >= 5, mail["To"]
        assert html.count("Why: you follow") == html.count("from the archive") == papers
        assert "trending" not in text.lower()
        assert len(mail.as_bytes()) < 100_000
    again = demo.run(*(str(path) for path in SEEDS))
    assert "439 read, 0 new" in again.stdout
    assert "0 new papers and 0 mails" in again.stdout
    assert len(demo.mails()) == len(READERS)
