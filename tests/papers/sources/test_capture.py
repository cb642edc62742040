from datetime import date

from papers.sources import capture
from papers.sources.record import PaperRecord, Reading, Reject

BANNER = """new

Get trending papers in your email inbox!

Subscribe

Daily Papers

byAB and the research community

Jun 16

"""
LONG = (
    "This made-up abstract says what the paper does in far more words than a title would ever need to have. "
    * 3
)
FULL = f"""{BANNER}First Paper: A Test

{LONG}

  • 11 authors
·
Dec 13, 2023

Second Paper

{LONG}

acme Acme Research Lab
·
Apr 1 4

Third Paper Without Its Last Lines

{LONG}

Fourth Paper

{LONG}

  • 1 author
·
Feb 3, 2025 12
"""
BARE = f"""Get trending papers in your email inbox once a day!
Get trending papers in your email inbox!
SubscribeGlued Title
{LONG}
Next Title
{LONG}"""


def card(title: str, position: str, **told: object) -> PaperRecord:
    return PaperRecord(source="capture", title=title, abstract=LONG.strip(), position=position, **told)  # type: ignore[arg-type]


def test_a_full_capture_gives_authors_organisations_dates_and_comments() -> None:
    records = list(capture.parse(FULL))
    assert records == [
        card("First Paper: A Test", "", author_count=11, published_on=date(2023, 12, 13)),
        card(
            "Second Paper",
            "",
            organization_slug="acme",
            organization_name="Acme Research Lab",
            published_on=date(2026, 4, 1),
            published_inferred=True,
            reading=Reading(None, num_comments=4),
        ),
        card("Third Paper Without Its Last Lines", ""),
        card(
            "Fourth Paper",
            "",
            author_count=1,
            published_on=date(2025, 2, 3),
            reading=Reading(None, num_comments=12),
        ),
    ]
    assert [record.position for record in records] == [
        "line 13, card 1",
        "line 21, card 2",
        "line 29, card 3",
        "line 33, card 4",
    ]


def test_captured_on_decides_the_year_that_is_left_out() -> None:
    records = list(capture.parse(FULL, captured_on=date(2025, 6, 16)))
    assert isinstance(records[1], PaperRecord)
    assert (records[1].published_on, records[1].published_inferred) == (date(2025, 4, 1), True)


def test_without_any_written_year_a_date_without_year_stays_unknown() -> None:
    text = f"{BANNER}Only Paper\n\n{LONG}\n\n  • 2 authors\n·\nMay 4\n"
    assert list(capture.parse(text)) == [card("Only Paper", "", author_count=2)]


def test_a_day_that_does_not_exist_stays_unknown() -> None:
    text = f"{BANNER}Only Paper\n\n{LONG}\n\n  • 2 authors\n·\nFeb 30, 2025\n"
    assert list(capture.parse(text)) == [card("Only Paper", "", author_count=2)]


def test_a_bare_capture_has_a_glued_subscribe_and_nothing_but_titles_and_abstracts() -> None:
    assert list(capture.parse(BARE)) == [card("Glued Title", ""), card("Next Title", "")]


def test_a_title_that_begins_with_subscribe_keeps_it() -> None:
    text = f"{BANNER}Subscribe to Me: A Study\n\n{LONG}\n"
    assert list(capture.parse(text)) == [card("Subscribe to Me: A Study", "")]


def test_a_title_without_abstract_costs_only_itself() -> None:
    text = f"{BANNER}A Lonely Title\n\nNext Title\n\n{LONG}\n\nLast Title"
    assert list(capture.parse(text)) == [
        Reject("line 13, card 1", "a title without an abstract", "A Lonely Title"),
        card("Next Title", ""),
        Reject("line 19, card 3", "a title without an abstract", "Last Title"),
    ]


def test_an_abstract_of_several_paragraphs_is_one_abstract() -> None:
    text = f"{BANNER}First\n\n{LONG}\n\n{LONG * 2}\n\n  • 2 authors\n·\nFeb 3, 2025\n"
    (record,) = capture.parse(text)
    assert isinstance(record, PaperRecord)
    assert record.abstract == " ".join([LONG.strip()] * 3)


def test_windows_line_ends_change_nothing() -> None:
    assert list(capture.parse(FULL.replace("\n", "\r\n"))) == list(capture.parse(FULL))
