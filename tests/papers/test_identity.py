import pytest

from papers.identity import identity, title_hash, title_key
from papers.sources.record import PaperRecord


@pytest.mark.parametrize(
    "titles",
    [
        ["L$^2$M: A Study", "L^2M:  a study", "L2M A Study"],
        ["\u03b3-MoD", "$\\gamma$-MoD", "Gamma MoD", "\u0393-mod"],
        ["Schr\u00f6dinger's Cat", 'Schr\\"odinger\u2019s cat', "Schro\u0308dinger\u2019s Cat"],
        ["\\textbf{Mamba} and \\emph{More}", "Mamba and More"],
        ["Fast O(n log n) Search", "Fast $O(n\\log n)$ Search"],
        ["Multi-\n  Task Nets", "Multi-Task Nets"],
        ["Stra\u00dfe", "STRASSE"],
        ["\u6df1\u5ea6\u5b66\u4e60", " \u6df1\u5ea6\u5b66\u4e60! "],
    ],
)
def test_titles_that_differ_in_dress_only_have_one_key(titles: list[str]) -> None:
    assert {title_key(title) for title in titles} == {title_key(titles[0])}
    assert title_key(titles[0])


def test_other_titles_have_other_keys() -> None:
    titles = [
        "A Study of Nets",
        "A Study of Net",
        "\u6df1\u5ea6\u5b66\u4e60",
        "\u5f3a\u5316\u5b66\u4e60",
        "GPT-2",
        "GPT-3",
    ]
    assert len({title_key(title) for title in titles}) == len(titles)


@pytest.mark.parametrize("title", ["???", "\U0001f600", " -- ", "$$", "\\textbf{}"])
def test_a_title_without_letters_names_nothing(title: str) -> None:
    assert title_key(title) == ""


def test_a_key_always_fits_the_index() -> None:
    one, other = (title_key("\u6df1" * 999 + end) for end in "ab")
    assert len(one.encode()) < 2_704
    assert one != other


def test_an_id_decides_and_else_the_title() -> None:
    with_id = PaperRecord(source="arxiv", title="A Title", arxiv_id="2605.00001")
    without = PaperRecord(source="capture", title="A title")
    assert identity(with_id) == "arxiv:2605.00001"
    assert identity(without) == identity(PaperRecord(source="jsonl", title="a TITLE."))
    assert len(title_hash(title_key("A Title"))) == 16
