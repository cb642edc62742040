import io
from datetime import UTC, date, datetime

import pytest

from papers.sources import arxiv
from papers.sources.record import PaperRecord, Records, Reject, SourceError

HEAD = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
xmlns="http://www.w3.org/2005/Atom">
<id>https://arxiv.org/api/x</id><title>arXiv Query: made up</title><updated>2026-04-12T22:45:06Z</updated>
"""
UPDATED = datetime(2026, 4, 12, 22, 45, 6, tzinfo=UTC)
ENTRY = """<entry><id>http://arxiv.org/abs/{id}</id><title>On a
  Made-up $\\alpha$ Title</title><updated>2022-02-24T15:05:19Z</updated>
<summary>  A made-up summary
of two lines.
</summary>
<category term="cs.LG" scheme="http://arxiv.org/schemas/atom"/>
<category term="cs.SY"/><category term="eess.SY"/>
<category term="I.2.7"/><category term="68T05; 68T50"/>
<published>2021-12-31T20:05:19-05:00</published><arxiv:comment>{comment}</arxiv:comment>
<arxiv:primary_category term="cs.SY"/><arxiv:journal_ref>J. Made Up 1</arxiv:journal_ref>
<author><name>Ada Example</name><arxiv:affiliation>Lab</arxiv:affiliation></author>
<author><name>Bob \u00c9xample</name></author>
<arxiv:doi>10.1/x</arxiv:doi></entry>
"""
ANNOUNCED = """<entry><id>oai:arXiv.org:2508.00001v{version}</id><title>Announced</title>
<summary>arXiv:2508.00001v{version} Announce Type: {kind}
Abstract: What it is about.</summary><category term="cs.LG"/><category term="cs.AI"/>
<published>2025-08-20T00:00:00-04:00</published><arxiv:announce_type>{kind}</arxiv:announce_type>
<dc:creator>Ada Example (Lab, City), Bob Example, Jr., Cy Example</dc:creator></entry>
"""
RSS = """<?xml version='1.0' encoding='UTF-8'?>
<rss xmlns:arxiv="http://arxiv.org/schemas/atom"
xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"><channel>
<title>cs.AI updates</title><link>http://rss.arxiv.org/rss/cs.AI</link>
<pubDate>Wed, 20 Aug 2025 00:00:00 -0400</pubDate>
<item><title>Announced</title><link>https://arxiv.org/abs/2508.00001</link>
<description>arXiv:2508.00001v1 Announce Type: cross
Abstract: What it is about.</description><guid isPermaLink="false">oai:arXiv.org:2508.00001v1</guid>
<category>cs.LG</category><category>cs.AI</category><pubDate>Wed, 20 Aug 2025 00:00:00 -0400</pubDate>
<arxiv:announce_type>cross</arxiv:announce_type><dc:creator>Ada Example, Bob Example</dc:creator></item>
</channel></rss>"""


def parsed(text: str) -> list[PaperRecord | Reject]:
    return list(reading(text))


def reading(text: str) -> Records:
    return arxiv.parse(io.BytesIO(text.encode()))


def entry(identifier: str = "2112.00001v3", comment: str = "5 pages") -> str:
    return ENTRY.format(id=identifier, comment=comment)


def test_an_api_entry_gives_every_field() -> None:
    assert parsed(HEAD + entry() + "</feed>") == [
        PaperRecord(
            source="arxiv",
            title="On a Made-up $\\alpha$ Title",
            arxiv_id="2112.00001",
            arxiv_version=3,
            abstract="A made-up summary of two lines.",
            authors=("Ada Example", "Bob \u00c9xample"),
            author_count=2,
            published_on=date(2022, 1, 1),
            categories=("eess.SY", "cs.LG"),
            primary_category="eess.SY",
            doi="10.1/x",
            journal_ref="J. Made Up 1",
            comment="5 pages",
            read_at=UPDATED,
        )
    ]


def test_an_announcement_gives_a_list_day_and_no_day_of_publication() -> None:
    assert parsed(HEAD + ANNOUNCED.format(version=1, kind="cross") + "</feed>") == [
        PaperRecord(
            source="arxiv",
            title="Announced",
            arxiv_id="2508.00001",
            arxiv_version=1,
            abstract="What it is about.",
            authors=("Ada Example", "Bob Example, Jr.", "Cy Example"),
            author_count=3,
            categories=("cs.LG", "cs.AI"),
            listed_on=date(2025, 8, 20),
            read_at=UPDATED,
        )
    ]


def test_a_replacement_is_no_new_listing() -> None:
    (record,) = parsed(HEAD + ANNOUNCED.format(version=2, kind="replace-cross") + "</feed>")
    assert isinstance(record, PaperRecord)
    assert (record.arxiv_version, record.listed_on) == (2, None)


def test_the_rss_flavour_says_the_same() -> None:
    assert parsed(RSS) == [
        PaperRecord(
            source="arxiv",
            title="Announced",
            arxiv_id="2508.00001",
            arxiv_version=1,
            abstract="What it is about.",
            authors=("Ada Example", "Bob Example"),
            author_count=2,
            categories=("cs.LG", "cs.AI"),
            listed_on=date(2025, 8, 20),
        )
    ]


@pytest.mark.parametrize(
    ("comment", "withdrawn"),
    [
        ("This paper has been withdrawn by the author due to an error", True),
        ("Withdrawn: see 2112.00002", True),
        ("We study drugs that were withdrawn from the market", False),
    ],
)
def test_a_withdrawal_is_read_from_the_comment(comment: str, withdrawn: bool) -> None:
    (record,) = parsed(HEAD + entry(comment=comment) + "</feed>")
    assert isinstance(record, PaperRecord)
    assert record.withdrawn is withdrawn


def test_old_ids_lose_their_subject_class() -> None:
    (record,) = parsed(HEAD + entry("math.GT/0309136v1") + "</feed>")
    assert isinstance(record, PaperRecord)
    assert record.arxiv_id == "math/0309136"


def test_an_error_entry_is_reported() -> None:
    error = (
        "<entry><id>https://arxiv.org/api/errors#x</id><title>Error</title>"
        "<summary>incorrect id format for x</summary></entry>"
    )
    assert parsed(HEAD + error + "</feed>") == [
        Reject("entry 1", "arXiv answered with an error: incorrect id format for x")
    ]


def test_an_empty_feed_has_no_records() -> None:
    assert parsed(HEAD + "</feed>") == []


def test_an_entry_without_id_or_title_costs_only_itself() -> None:
    broken = entry().replace("<id>http://arxiv.org/abs/2112.00001v3</id>", "")
    assert [getattr(r, "reason", "read") for r in parsed(HEAD + broken + entry() + "</feed>")] == [
        "id is missing",
        "read",
    ]


def test_a_cut_feed_keeps_its_whole_entries_and_reports_the_cut() -> None:
    text = HEAD + entry() + entry("2112.00002v1")
    records = parsed(text[:-80])
    assert [getattr(record, "arxiv_id", None) for record in records] == ["2112.00001", None]
    assert records[1] == Reject("after entry 1", "the feed breaks off here")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<html><body>Hello</body></html>", "no arXiv feed"),
        ("<!DOCTYPE feed [<!ENTITY a 'b'>]><feed>&a;</feed>", "document type or entities"),
        ("<feed xmlns='http://www.w3.org/2005/Atom'", "not a whole XML document"),
        (HEAD + "<a>" * 100_000, "nested more than 30 deep"),
        (HEAD + "<entry>" + "<a/>" * 60_000 + "</entry></feed>", "more than 50,000 elements"),
    ],
)
def test_what_is_no_feed_is_refused(text: str, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        parsed(text)
