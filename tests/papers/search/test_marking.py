"""Hits set apart from the text around them."""

from papers.search.marking import Piece, all_words, marked, telling_part


def test_hits_are_pieces_of_their_own_and_nothing_is_lost() -> None:
    text = "Sparse, steering of <b>models</b>"
    pieces = marked(text, {"Sparse", "models"})
    assert pieces == [
        Piece("Sparse", True),
        Piece(", steering of <b>"),
        Piece("models", True),
        Piece("</b>"),
    ]
    assert "".join(piece.text for piece in pieces) == text


def test_hits_side_by_side_are_one_piece() -> None:
    assert marked("a fine-tuned world model.", {"fine", "tuned", "world", "model"}) == [
        Piece("a "),
        Piece("fine-tuned world model", True),
        Piece("."),
    ]


def test_text_without_hits_is_one_piece_and_no_text_none() -> None:
    assert (marked("nothing here", {"x"}), marked("", {"x"})) == ([Piece("nothing here")], [])


def test_only_whole_words_are_hits() -> None:
    assert marked("remodelled model_a", {"model"}) == [
        Piece("remodelled "),
        Piece("model", True),
        Piece("_a"),
    ]


BEGINNING = "We look at birds. They fly. They sing."
TEXT = f"{BEGINNING} Then there is more. At last a probe finds the sparse probe direction. Nobody knew."


def test_the_beginning_is_told_where_it_has_a_hit_or_nothing_has() -> None:
    assert (
        telling_part(TEXT, {"fly"})
        == telling_part(TEXT, {"absent"})
        == telling_part(TEXT, set())
        == BEGINNING
    )


def test_else_the_sentence_with_the_most_hits_is_told() -> None:
    expected = "… At last a probe finds the sparse probe direction."
    assert telling_part(TEXT, {"probe", "sparse", "Then"}) == expected


def test_of_a_long_sentence_the_part_around_the_hit_is_told() -> None:
    text = "First one. Second one. Third one. " + "word " * 200 + "probe " + "word " * 200
    part = telling_part(text, {"probe"}, max_chars=120)
    assert part.startswith("… word") and "probe" in part and part.endswith("word…") and len(part) < 130


def test_all_words_are_told_once_in_a_fixed_order() -> None:
    assert all_words(["fine-tuning a model", "a Model_2"]) == ["2", "Model", "a", "fine", "model", "tuning"]
