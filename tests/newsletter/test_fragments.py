"""Pieces joined in any order decode to exactly the text they were made of."""

import quopri
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from newsletter.fragments import Fragment, Hole, cut, fragment, mark, plain, plain_wire, split_text

# All that may stand in a mail's text; PostgreSQL keeps no NUL and no half of a surrogate pair.
TEXT = some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)
LONG = some.text(some.sampled_from("ab=. \té漢\n"), min_size=60, max_size=240)


def decoded(wire: bytes) -> str:
    """What a mail program reads: decoded, with its own line ends."""
    return quopri.decodestring(wire).decode().replace("\r\n", "\n")


def wire_of(pieces: list[Fragment]) -> bytes:
    """As it goes over the wire; the pieces have no holes."""
    assert all(piece.runs[1:] == (b"",) for piece in pieces)
    return b"".join(piece.runs[0] for piece in pieces)


def normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(some.lists(TEXT | LONG, max_size=6))
@example(["a" * 76, "b"])
@example(["a" * 73 + "é", "b"])
@example(["a" * 75 + "=", "b"])
@example(["ends with a space ", "."])
@example([".", "\n.\n", "..", "--"])
@example(["one\rtwo\r\nthree\n", "\r"])
def test_joined_pieces_decode_to_the_joined_text(texts: list[str]) -> None:
    pieces = [fragment(text) for text in texts]
    joined = "".join(piece.text for piece in pieces)
    assert joined == "".join(normal(text) for text in texts)
    assert decoded(wire_of(pieces)) == joined


@given(some.lists(TEXT | LONG, max_size=6))
@example(["a" * 76, "b"])
@example(["a" * 73 + "=", "b"])
@example(["...dots", "a" * 75 + "..."])
def test_every_line_on_the_wire_is_short_ascii_ends_in_crlf_and_begins_with_no_dot(texts: list[str]) -> None:
    wire = wire_of([fragment(text) for text in texts])
    assert wire == b"" or wire.endswith(b"\r\n")
    assert re.fullmatch(rb"(?:[ -~\t]{0,76}\r\n)*", wire)
    assert not re.search(rb"^\.", wire, re.MULTILINE)
    assert not re.search(rb"[ \t]\r\n", wire), "white space at the end of a line is lost on the way"


def test_nothing_is_nothing() -> None:
    assert fragment("") == Fragment("", (b"", b""))


@given(some.text("ABCabc019_.-", min_size=1, max_size=70))
def test_a_plain_piece_is_what_the_encoder_would_make_of_it(text: str) -> None:
    wire = wire_of([plain(text)])
    assert decoded(wire) == plain(text).text == text
    assert max(map(len, wire.split(b"\r\n"))) <= 76


def test_a_template_is_cut_at_some_marks_and_keeps_the_others_as_holes() -> None:
    pieces = cut(
        f"Dear {mark('name')}xylophone, {mark('mix')}{mark('mix')} and {mark('link')}.", ("name", "mix")
    )
    assert [piece.name if isinstance(piece, Hole) else split_text(piece.text) for piece in pieces] == [
        *(["Dear "], "name", ["xylophone, "], "mix", "mix", [" and ", "link", "."])
    ]
    last = pieces[-1]
    assert isinstance(last, Fragment)
    assert last.runs == (b" and=20=\r\n", b"link", b"=2E=\r\n", b"")


@given(some.lists(TEXT | LONG, min_size=1, max_size=6))
@example(["", "", ""])
@example([".", " ", "="])
def test_holes_are_found_again_in_text_and_on_the_wire_and_all_else_is_whole(texts: list[str]) -> None:
    first, last = fragment(mark("link").join(texts)), fragment(f"{mark('mix')}.")
    assert split_text(first.text + last.text)[1::2] == ["link"] * (len(texts) - 1) + ["mix"]
    runs = [*first.runs, *last.runs]
    assert runs[1::2] == [b"link"] * (len(texts) - 1) + [b"", b"mix", b""]
    assert [decoded(run) for run in runs[::2]] == [*map(normal, texts), "", "."]
    tokens = {b"": b"", b"link": plain_wire("a-token.1"), b"mix": plain_wire("m")}
    runs[1::2] = [tokens[name] for name in runs[1::2]]
    filled = b"".join(runs)
    assert decoded(filled) == "a-token.1".join(map(normal, texts)) + "m."
    assert re.fullmatch(rb"(?:[ -~\t]{0,76}\r\n)*", filled)
    assert not re.search(rb"^\.", filled, re.MULTILINE)


@pytest.mark.parametrize("rendered", ["", "no hole at all"])
def test_a_template_without_holes_is_one_piece_or_none(rendered: str) -> None:
    assert cut(rendered, ("name",)) == ([fragment(rendered)] if rendered else [])
