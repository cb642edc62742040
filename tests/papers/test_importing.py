"""What a file may be, and that a bad one costs a sentence and little memory."""

import gzip
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from papers.importing import import_file, read_file
from papers.models import Paper, SourceRun
from papers.sources.record import PaperRecord, Reject, SourceError
from tests.papers.sources.test_arxiv import HEAD
from tests.papers.sources.test_arxiv import entry as arxiv_entry
from tests.papers.sources.test_capture import BARE, FULL
from tests.papers.sources.test_huggingface import item

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
RECORDING = json.dumps(
    {"list_date": "2026-05-20", "observed_at": "2026-05-20T04:17:30Z", "items": [item(1), item(2)]}
)
LINES = '{"title": "First", "id": "2605.00001", "upvotes": 3}\n\n{"title": "Second", "authors": ["Ada"]}\n'


def written(folder: Path, content: str | bytes, name: str = "file.dat") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def opened(path: Path, **told: Any) -> tuple[str, list[PaperRecord | Reject]]:
    source, records = read_file(path, **told)
    return source, list(records)


def titles(records: list[PaperRecord | Reject]) -> list[str]:
    return [record.title if isinstance(record, PaperRecord) else f"- {record.position}" for record in records]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("content", "source", "expected"),
    [
        (
            FULL,
            "capture",
            ["First Paper: A Test", "Second Paper", "Third Paper Without Its Last Lines", "Fourth Paper"],
        ),
        (BARE, "capture", ["Glued Title", "Next Title"]),
        ("\ufeff" + BARE, "capture", ["Glued Title", "Next Title"]),
        (json.dumps([item(1)]), "huggingface", ["Paper Number 1"]),
        ("\ufeff \n" + json.dumps([item(1)], indent=2), "huggingface", ["Paper Number 1"]),
        ("[]\n", "huggingface", []),
        (RECORDING + "\n" + RECORDING, "huggingface", ["Paper Number 1", "Paper Number 2"] * 2),
        (RECORDING[:-300], "huggingface", ["Paper Number 1", "- line 1, item 2"]),
        ("\ufeff" + json.dumps(item(3)), "huggingface", ["Paper Number 3"]),
        (LINES, "jsonl", ["First", "Second"]),
        (LINES + "{broken\n" + LINES, "jsonl", ["First", "Second", "- line 4", "First", "Second"]),
        ('{"broken\n' + LINES, "jsonl", ["- line 1", "First", "Second"]),
        (HEAD + arxiv_entry() + "</feed>", "arxiv", ["On a Made-up $\\alpha$ Title"]),
        (HEAD + "</feed>", "arxiv", []),
    ],
)
def test_the_format_is_told_by_content(
    tmp_path: Path, content: str, source: str, expected: list[str], packed: bool
) -> None:
    data = gzip.compress(content.encode()) if packed else content.encode()
    told, records = opened(written(tmp_path, data))
    assert (told, titles(records)) == (source, expected)


def test_the_day_of_a_capture_can_be_told(tmp_path: Path) -> None:
    _, records = opened(written(tmp_path, FULL), captured_on=date(2024, 2, 1))
    assert isinstance(records[1], PaperRecord)
    assert records[1].published_on == date(2024, 4, 1)


def test_a_line_that_is_not_utf8_costs_only_itself(tmp_path: Path) -> None:
    content = LINES.encode() + '{"title": "caf\u00e9"}\n'.encode("latin-1") + LINES.encode()
    _, records = opened(written(tmp_path, content))
    assert titles(records) == ["First", "Second", "- line 4", "First", "Second"]
    assert records[2].reason == "not UTF-8 text (byte 0xe9)"  # type: ignore[union-attr]


def test_gzip_data_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    lines = "".join(
        json.dumps({"title": f"Paper {n}", "comment": os.urandom(400).hex()}) + "\n" for n in range(50)
    )
    data = gzip.compress(lines.encode())
    _, records = opened(written(tmp_path, data[: len(data) // 2]))
    assert 15 < len(records) < 30
    assert [type(record).__name__ for record in records[-3:]] == ["PaperRecord", "Reject", "Reject"]
    assert records[-1] == Reject("end of file", "the gzip data breaks off here")


REFUSED: list[tuple[str, bytes, str]] = [
    ("empty", b"", "it is empty"),
    ("blank", b" \n\t\n", "it is empty"),
    ("prose", b"Dear reader,\n\nthis is a letter.\n", "none of the formats"),
    ("csv", b"title,id\nA,1\n", "none of the formats"),
    ("binary", bytes(range(256)) * 400, "a binary file"),
    ("picture", b"\x89PNG\r\n\x1a\n" + b"\0\1\2" * 99, "a binary file"),
    ("utf16", BARE.encode("utf-16"), "UTF-16"),
    ("latin1", BARE.replace("Glued", "Gl\u00fced").encode("latin-1"), "not UTF-8 text (byte 0xfc in line 3)"),
    ("latin1-lines", '{"title": "caf\u00e9"}'.encode("latin-1"), "not UTF-8"),
    ("numbers", b"[1, 2, 3]", "none of the formats"),
    ("object", b'{\n  "name": "x"\n}\n', "none of the formats"),
    ("other-objects", b'{"name": "x"}\n{"name": "y"}\n', "its objects have no title"),
    ("web-page", b"<!DOCTYPE html><html><body>Daily Papers</body></html>", "document type or entities"),
    ("other-xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no arXiv feed"),
    ("deep-list", b"[" * 3_000_000, "none of the formats"),
    ("deep-object", b'{"paper":' * 1_000_000, "nested too deeply"),
    ("deep-item", b'[{"paper":' + b"[" * 3_000_000, "nested too deeply"),
    ("deep-xml", HEAD.encode() + b"<a>" * 3_000_000, "nested more than"),
    ("wide-xml", HEAD.encode() + b"<entry>" + b"<a/>" * 3_000_000, "elements"),
    (
        "entity-bomb",
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(12))
        + b"]><feed xmlns='http://www.w3.org/2005/Atom'>&m;</feed>",
        "document type or entities",
    ),
    (
        "external",
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><feed>&a;</feed>',
        "document type",
    ),
    ("long-line", b'{"title": "' + b"x" * 20_000_000, "more than 16 MB"),
    ("long-list", b'[{"paper": "' + b"x" * 20_000_000, "more than 16 MB"),
    ("gzip-of-nothing", gzip.compress(b""), "it is empty"),
    ("gzip-of-zeros", gzip.compress(b"\0" * 5_000_000), "a binary file"),
    ("gzip-of-gzip", gzip.compress(gzip.compress(LINES.encode() * 50)), "is"),
    ("no-gzip", b"\x1f\x8bnonsense", "gzip data"),
]


@pytest.mark.parametrize(("name", "content", "says"), REFUSED, ids=[case[0] for case in REFUSED])
def test_a_file_that_cannot_be_papers_is_refused_in_one_sentence(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = written(tmp_path, content, f"{name}.dat")
    with pytest.raises(SourceError) as refused:
        opened(path)
    message = str(refused.value)
    assert message.startswith(f"{name}.dat was not imported: ")
    assert says in message
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 400


def test_a_directory_a_missing_file_and_a_device_are_refused(tmp_path: Path) -> None:
    for path, says in (
        (tmp_path, "a directory"),
        (tmp_path / "gone", "no such file"),
        (Path("/dev/zero"), "regular file"),
    ):
        with pytest.raises(SourceError, match=says):
            read_file(path)


BOUNDED = """
import resource, sys, time
from config import embedded
import os
os.environ.setdefault("DATABASE_URL", "postgresql://unused")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
import django
django.setup()
from pathlib import Path
from papers.importing import read_file
from papers.sources.record import SourceError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    for _ in read_file(Path(sys.argv[1]))[1]:
        pass
except SourceError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def bounded(path: Path) -> tuple[str, int]:
    """(message, megabytes it took) of reading a file in a process of its own, which may not hang."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BOUNDED, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    *message, megabytes = done.stdout.splitlines()
    return " ".join(message), int(megabytes)


def gzip_of(path: Path, chunk: bytes, times: int) -> Path:
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(times):
            file.write(chunk)
    return path


def sparse(path: Path, size: int, beginning: bytes) -> Path:
    with path.open("wb") as file:
        file.write(beginning)
        file.truncate(size)
    return path


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda folder: sparse(folder / "a", 200_000_000, b'{"title": "A"}\n'),
            "it has 200 MB, more than 100",
        ),
        (lambda folder: gzip_of(folder / "b", b"\0" * 1_000_000, 1_000), "unpacked it has more than 100 MB"),
        (
            lambda folder: gzip_of(folder / "c", b'{"title": "A"}\n' * 70_000, 300),
            "unpacked it has more than 100 MB",
        ),
        (lambda folder: written(folder, b'{"paper":' * 1_500_000, "d"), "nested too deeply"),
        (lambda folder: written(folder, HEAD.encode() + b"<a>" * 5_000_000, "e"), "nested more than"),
    ],
    ids=["200-mb", "gzip-bomb", "gzip-bomb-of-lines", "deep-json", "deep-xml"],
)
def test_bombs_are_refused_in_bounded_memory(tmp_path: Path, make: Any, says: str) -> None:
    message, megabytes = bounded(make(tmp_path))
    assert says in message
    assert megabytes < 250


def test_a_long_file_of_lines_is_streamed(tmp_path: Path) -> None:
    line = json.dumps({"title": "A title", "abstract": "word " * 900}) + "\n"
    message, megabytes = bounded(gzip_of(tmp_path / "many.gz", line.encode() * 100, 150))
    assert message == ""
    assert megabytes < 60


@pytest.mark.django_db
def test_a_refused_file_leaves_a_failed_run_and_no_paper(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        import_file(written(tmp_path, "a letter"), now=NOW)
    run = SourceRun.objects.get()
    assert (run.source, run.target, run.verdict, run.read_count) == ("unknown", "file.dat", "failed", 0)
    assert run.message.startswith("file.dat was not imported: it is none of the formats")
    assert not Paper.objects.exists()
