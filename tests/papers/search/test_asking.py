"""What a reader types, taken apart."""

import pytest

from papers.search.asking import LONGEST, MOST_TERMS, Term, read

HOSTILE = (
    "", " ", "\0", "\0model\0", ":*&|!", "'; DROP TABLE papers_paper; --", "!!!", "<->", "a & | b", "(((((",
    '"', '""', '" "', "-", "--", "-*", "*", "*" * 500, "\\", "\\'", "%", "%s", "%(query)s", "{}", "{filters}",
    "model:*", "'model':A", "x" * 10_000, "a " * 5_000, "-a " * 4_000, '"a" ' * 3_000, "\ud800", "\u202etxt",
    "نماذج اللغة", "語言模型", "언어 모델", "языковая модель", "שפה מודל", "🤖 agents", "ﬁne",
    "½", "Ⅷ*", "x̂*", "²*", "é" * 400 + "*", "OR", "OR OR", "a OR", "OR b", "-a OR -b", "C++",
    "pass@1", "<script>alert(1)</script>",
)  # fmt: skip


def terms(typed: str) -> list[list[Term]]:
    return [list(alternative) for alternative in read(typed).alternatives]


def test_words_are_terms_of_one_alternative() -> None:
    assert terms("sparse  autoencoder") == [[Term("sparse"), Term("autoencoder")]]


@pytest.mark.parametrize("typed", ['"world model" agents', "“world model” agents", "«world model» agents"])
def test_what_stands_in_quotes_stays_together(typed: str) -> None:
    assert terms(typed) == [[Term("world model"), Term("agents")]]


def test_a_quote_without_its_fellow_quotes_nothing() -> None:
    assert terms('"world model') == [[Term("world"), Term("model")]]


def test_a_minus_before_a_word_or_a_phrase_excludes_it_and_one_inside_does_not() -> None:
    expected = [Term("fine-tuning"), Term("robot", excluded=True), Term("arm joint", excluded=True)]
    assert terms('fine-tuning -robot -"arm joint"') == [expected]


def test_beginnings_that_are_too_short_are_told() -> None:
    assert read("otter ab* self-s* -a* abc* *").too_short == ("ab*", "self-s*")


def test_a_star_leaves_the_last_part_of_a_word_open() -> None:
    assert terms("Self-Supervis*") == [[Term("self"), Term("supervis", beginning=True)]]
    assert terms("Schrödin*") == [[Term("schrodin", beginning=True)]]


@pytest.mark.parametrize("typed", ["mo*", "x-y*"])
def test_one_or_two_letters_are_no_beginning_but_a_word(typed: str) -> None:
    assert terms(typed) == [[Term(typed[:-1])]]


def test_or_in_capitals_divides_alternatives_and_one_that_only_excludes_is_dropped() -> None:
    assert terms("steering OR probing -robot OR -x") == [
        [Term("steering")],
        [Term("probing"), Term("robot", excluded=True)],
    ]
    assert terms("steering or probing") == [[Term("steering"), Term("or"), Term("probing")]]


def test_a_question_that_only_excludes_says_so() -> None:
    assert (read("-robot").only_excludes, read("robot").only_excludes, read("!?").only_excludes) == (
        True,
        False,
        False,
    )


@pytest.mark.parametrize(
    "typed",
    [
        "2604.13074",
        " arXiv:2604.13074v2 ",
        "arxiv: 2604.13074",
        "https://arxiv.org/abs/2604.13074",
        "http://www.arxiv.org/pdf/2604.13074v12.pdf",
        "arxiv.org/html/2604.13074v1#S2.p1",
        "https://arxiv.org/abs/2604.13074?context=cs",
        "https://huggingface.co/papers/2604.13074/",
    ],
)
def test_an_arxiv_id_is_known_in_every_dress(typed: str) -> None:
    assert read(typed).arxiv_id == "2604.13074"


def test_an_old_arxiv_id_is_known_and_other_numbers_are_not() -> None:
    ids = [read(typed).arxiv_id for typed in ("hep-th/9901001", "math.GT/0309136", "10.1000/182", "2026")]
    assert ids == ["hep-th/9901001", "math/0309136", None, None]


def test_of_a_long_question_the_beginning_is_read() -> None:
    question = read("word " * 3_000)
    assert len(question.typed) <= LONGEST
    assert question.alternatives == ((Term("word"),) * MOST_TERMS,)


@pytest.mark.parametrize("typed", HOSTILE)
def test_whatever_is_typed_gives_a_question_of_terms_with_letters_or_digits(typed: str) -> None:
    question = read(typed)
    assert "\0" not in question.typed and len(question.typed) <= LONGEST
    for alternative in question.alternatives:
        assert all(any(char.isalnum() for char in term.text) for term in alternative)
        assert all(term.text.isalnum() for term in alternative if term.beginning)
