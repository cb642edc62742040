"""Readers from CSV files: each row is taken or named with its line, and nobody is brought back."""

from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from newsletter.mixes import mix_for
from newsletter.models import Subscriber
from newsletter.subscriber_import import Importer, ImportReport, Note
from newsletter.suppression import suppress
from papers.models import Topic
from tests.factories import make_subscriber, make_topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def topics() -> tuple[Topic, Topic]:
    return make_topic(slug="alpha-x", name="Alpha Topic"), make_topic(slug="beta-x", name="Beta Topic")


def run(path: Path, content: str | bytes, **options: object) -> tuple[ImportReport, list[Note]]:
    path = path / "readers.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    notes: list[Note] = []
    settings = {"state": "active", "update": False, "dry_run": False, **options}
    report = Importer(now=timezone.now(), note=notes.append, **settings).run(path)  # type: ignore[arg-type]
    counted = report.new + report.updated + report.unchanged + report.skipped + report.rejected
    assert report.read == counted
    return report, notes


def counts(report: ImportReport) -> tuple[int, ...]:
    return report.read, report.new, report.updated, report.unchanged, report.skipped, report.rejected


def test_rows_become_readers_with_their_choice(tmp_path: Path, topics: tuple[Topic, Topic]) -> None:
    alpha, beta = topics
    report, notes = run(
        tmp_path,
        "email,topics,length,when_empty\nAnn@Example.org,alpha-x;BETA topic,5,top\nbob@example.org,,,\n",
    )
    assert (counts(report), notes) == ((2, 2, 0, 0, 0, 0), [])
    ann, bob = Subscriber.objects.order_by("pk")
    assert ann.mix == mix_for({alpha: "normal", beta: "normal"}, length=5, when_empty="top")
    assert bob.mix == mix_for({})
    assert (ann.email_key, ann.state, ann.origin, ann.active_from is None) == (
        "ann@example.org", "active", "import", False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        "email;topics\na@example.org;alpha-x|beta-x\n",
        "\ufeffEmail,Topics\r\na@example.org,alpha-x|beta-x\r\n",
        'topics,email\n"alpha-x;beta-x",a@example.org',
        "email\ttopics\na@example.org\talpha-x;beta-x\n",
    ],
)
def test_delimiter_order_and_byte_order_mark_are_told_by_content(
    tmp_path: Path, topics: tuple[Topic, Topic], content: str
) -> None:
    report, notes = run(tmp_path, content)
    assert (counts(report), notes) == ((1, 1, 0, 0, 0, 0), [])
    assert set(Subscriber.objects.get().mix.topics.all()) == set(topics)


def test_bad_rows_cost_only_themselves(tmp_path: Path, topics: tuple[Topic, Topic]) -> None:
    long = "x" * 1_000_000
    lines = [
        b"email,topics,length",
        b"no address,alpha-x,",
        b"a@example.org,gamma,",
        b'"open@example.org,alpha-x,',
        b'"line\rbreak@example.org",alpha-x,',
        b"nul\0@example.org,alpha-x,",
        f"{long}@example.org,alpha-x,".encode(),
        b"=cmd@example.org,alpha-x,",
        b"b@example.org,alpha-x,7",
        b"c@example.org,alpha-x,5,6",
        b"good@example.org,alpha-x,5",
        b"GOOD@example.org,beta-x,5",
    ]
    report, notes = run(tmp_path, b"\n".join(lines))
    assert counts(report) == (11, 1, 0, 0, 1, 9)
    assert [note.line for note in notes] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 12]
    reasons = {note.line: note.reason for note in notes}
    assert reasons[3] == "there is no topic 'gamma'"
    assert reasons[7] == "longer than 65,536 bytes"
    assert reasons[8] == "email looks like a spreadsheet formula"
    assert reasons[12] == "the same address as line 11"
    assert list(Subscriber.objects.values_list("email", flat=True)) == ["good@example.org"]


def test_nobody_who_left_or_is_suppressed_comes_back(tmp_path: Path, topics: tuple[Topic, Topic]) -> None:
    make_subscriber(email="left@example.org", state="unsubscribed")
    make_subscriber(email="bounced@example.org", state="suppressed")
    suppress("banned@example.org", "complained")
    names = ["left", "bounced", "banned"]
    content = "email,topics\n" + "".join(f"{name}@example.org,alpha-x\n" for name in names)
    report, notes = run(tmp_path, content, update=True)
    assert (counts(report), [note.line for note in notes]) == ((3, 0, 0, 0, 3, 0), [2, 3, 4])
    states = dict(Subscriber.objects.values_list("email", "state"))
    assert states == {"left@example.org": "unsubscribed", "bounced@example.org": "suppressed"}


def test_known_readers_change_only_when_asked_and_keep_their_weights(
    tmp_path: Path, topics: tuple[Topic, Topic]
) -> None:
    alpha, beta = topics
    reader = make_subscriber(email="a@example.org", topics={alpha: "more"})
    content = "email,topics\na@example.org,alpha-x;beta-x\n"
    report, _ = run(tmp_path, content)
    assert (counts(report), report.differing) == ((1, 0, 0, 1, 0, 0), 1)
    reader.refresh_from_db()
    assert reader.mix == mix_for({alpha: "more"})
    assert counts(run(tmp_path, content, update=True)[0]) == (1, 0, 1, 0, 0, 0)
    reader.refresh_from_db()
    assert reader.mix == mix_for({alpha: "more", beta: "normal"})
    assert counts(run(tmp_path, content, update=True)[0]) == (1, 0, 0, 1, 0, 0)


def test_a_dry_run_counts_and_writes_nothing(tmp_path: Path, topics: tuple[Topic, Topic]) -> None:
    from newsletter.models import TopicMix

    report, _ = run(tmp_path, "email,topics\na@example.org,alpha-x\n", dry_run=True)
    assert (counts(report), Subscriber.objects.count(), TopicMix.objects.count()) == (
        (1, 1, 0, 0, 0, 0),
        0,
        0,
    )


def test_ten_thousand_rows_come_in_and_a_second_run_changes_nothing(
    tmp_path: Path, topics: tuple[Topic, Topic]
) -> None:
    content = "email,topics\n" + "".join(f"reader{n}@example.org,alpha-x;beta-x\n" for n in range(10_000))
    assert counts(run(tmp_path, content)[0]) == (10_000, 10_000, 0, 0, 0, 0)
    assert counts(run(tmp_path, content)[0]) == (10_000, 0, 0, 10_000, 0, 0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "has no first line"),
        (b"name,phone\n", "has no column email or topics"),
        (
            "email,topics\na@example.org,K\u00fcnstlich\n".encode("latin-1"),
            "is not UTF-8 (line 2; it looks like Latin-1)",
        ),
        ("email,topics\n".encode("utf-16"), "is UTF-16"),
        (b"PK\x03\x04rest", "is a spreadsheet or an archive"),
        (b"email,topics,email\n", "has the column email twice"),
        (b"em\0ail,topics\n", "is not a text file"),
    ],
)
def test_a_file_that_cannot_be_read_gets_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "readers.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError) as caught:
        call_command("import_subscribers", path)
    assert str(caught.value).startswith("readers.csv ")
    assert sentence in str(caught.value)


def test_the_command_prints_what_became_of_the_rows(
    tmp_path: Path, topics: tuple[Topic, Topic], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "readers.csv"
    path.write_text("email,topics,phone\na@example.org,alpha-x,1\nb@example.org,gamma,2\n")
    call_command("import_subscribers", path, "--state", "pending")
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "Columns not used: 'phone'",
        "readers.csv: 2 read, 1 new, 0 updated, 0 unchanged, 0 skipped, 1 rejected",
    ]
    assert err.splitlines() == ["line 3: there is no topic 'gamma'"]
    assert Subscriber.objects.get().state == "pending"


def test_a_file_that_is_not_there_gets_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("import_subscribers", tmp_path / "none.csv")


def test_readers_own_time_is_read_from_four_columns(tmp_path: Path, topics: tuple[Topic, Topic]) -> None:
    lines = [
        "email,topics,timezone,hour,days,paused_until",
        "a@example.org,,europe/berlin,7,Mon-Fri,2026-12-24",
        "b@example.org,,Asia/Tokyo,07:00,saturday,",
        "c@example.org,,,,,",
        "d@example.org,,Mars/Base,7,,",
        "e@example.org,,,24,,",
        "f@example.org,,,,someday,",
        "g@example.org,,,,,24.12.2026",
    ]
    report, notes = run(tmp_path, "\n".join(lines))
    assert counts(report) == (7, 3, 0, 0, 0, 4)
    assert [(note.line, note.reason) for note in notes] == [
        (5, "'Mars/Base' is no time zone; write a name such as Europe/Berlin"),
        (6, "hour is '24'; it can be 0 to 23"),
        (7, "days is 'someday'; write for example daily, Mon-Fri, or Sat"),
        (8, "paused_until is '24.12.2026'; write a day such as 2026-12-24"),
    ]
    fields = ("email", "timezone", "hour", "weekdays", "paused_until")
    assert list(Subscriber.objects.order_by("email").values_list(*fields)) == [
        ("a@example.org", "Europe/Berlin", 7, 31, date(2026, 12, 24)),
        ("b@example.org", "Asia/Tokyo", 7, 32, None),
        ("c@example.org", "UTC", None, 127, None),
    ]


def test_a_known_readers_time_changes_only_when_asked_and_owes_nothing_backwards(
    tmp_path: Path, topics: tuple[Topic, Topic]
) -> None:
    reader = make_subscriber(email="a@example.org", hour=7, weekdays=31)
    content = "email,topics,hour,days\na@example.org,,9,\n"
    report, _ = run(tmp_path, content)
    assert (counts(report), report.differing) == ((1, 0, 0, 1, 0, 0), 1)
    before = timezone.now()
    assert counts(run(tmp_path, content, update=True)[0]) == (1, 0, 1, 0, 0, 0)
    reader.refresh_from_db()
    assert (reader.hour, reader.weekdays) == (9, 31)
    assert reader.active_from is not None and reader.active_from >= before
    since = reader.active_from
    assert counts(run(tmp_path, content, update=True)[0]) == (1, 0, 0, 1, 0, 0)
    reader.refresh_from_db()
    assert reader.active_from == since
