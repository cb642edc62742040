"""Other spellings for what finds nothing."""

import pytest

from papers.search.asking import read
from papers.search.slips import corrected, nearest, slips
from tests.factories import make_paper


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        ("model", "model", 0),
        ("modle", "model", 1),  # swapped
        ("modl", "model", 1),  # left out
        ("moddel", "model", 1),  # put in
        ("nodel", "model", 1),  # changed
        ("mdole", "model", 2),
        ("", "ab", 2),
        ("abc", "xyz", 3),
    ],
)
def test_slips_are_counted(one: str, other: str, count: int) -> None:
    assert (slips(one, other), slips(other, one)) == (count, count)


def test_a_short_word_may_have_one_slip_and_a_long_one_two() -> None:
    assert nearest("stering", ["steering", "string", "starring"]) == ["steering", "string"]
    assert nearest("raodr", ["radar"]) == []
    assert nearest("difusoin", ["diffusion"]) == ["diffusion"]


def test_fewer_slips_are_nearer_and_then_a_word_with_the_same_first_letter() -> None:
    assert nearest("quantizaton", ["quantizatia", "quantization", "quantizations"]) == ["quantization"]
    assert nearest("cake", ["lake", "cage", "care", "cake"]) == ["cage", "care", "lake"]


@pytest.mark.django_db
class TestAmongTitles:
    def test_unknown_words_are_replaced_and_all_else_stays_as_typed(self) -> None:
        make_paper(title="Diffusion Models for Sparse Steering")
        assert corrected(read('"Difusion modles" -robot  SPARSE ster*')) == (
            '"diffusion models" -robot SPARSE ster*'
        )

    @pytest.mark.parametrize(
        "typed", ["siffusion", "diffusoin", "diffusio", "ddiffusion", "dfifusion", "diffuison"]
    )
    def test_one_slip_is_mended_wherever_it_is(self, typed: str) -> None:
        make_paper(title="Diffusion")
        assert corrected(read(typed)) == "diffusion"

    @pytest.mark.parametrize("typed", ["ttter", "otetr", "oter", "otters", "potter", "ottre", "toter"])
    def test_one_slip_in_a_short_word_is_mended_wherever_it_is(self, typed: str) -> None:
        make_paper(title="Otter", abstract="")
        expected = {"ttter": "otter", "toter": "otter"}.get(typed, "otter")
        assert corrected(read(typed)) == (None if typed == "otters" else expected)

    def test_of_words_as_near_the_one_that_more_titles_have_is_offered(self) -> None:
        make_paper(title="Beard")
        for _ in range(2):
            make_paper(title="Bread")
        assert corrected(read("Breard")) == "bread"

    def test_a_word_that_some_paper_has_is_right(self) -> None:
        make_paper(title="Steering", abstract="About stering.")
        assert corrected(read("stering")) is None

    def test_where_one_unknown_word_has_no_other_spelling_nothing_is_offered(self) -> None:
        make_paper(title="Steering")
        assert corrected(read("stering zyzzyva")) is None

    def test_hidden_papers_tell_no_spelling(self) -> None:
        make_paper(title="Secret otters", hidden=True)
        make_paper(title="Seconds")
        assert corrected(read("secre")) in (None, "secret")
