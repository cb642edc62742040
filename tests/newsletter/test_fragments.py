"""Pieces joined in any order decode to exactly the text they were made of."""

import quopri
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from newsletter.fragments import Fragment, Hole, cut, fill, fragment, join, mark, plain

# All that may stand in a mail's text; PostgreSQL keeps no NUL and no half of a surrogate pair.
TEXT = some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)
LONG = some.text(some.sampled_from("ab=. \té漢\n"), min_size=60, max_size=240)


def decoded(wire: bytes) -> str:
    """What a mail program reads: decoded, with its own line ends."""
    return quopri.decodestring(wire).decode().replace("\r\n", "\n")


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
    joined = join([fragment(text) for text in texts])
    assert joined.text == "".join(normal(text) for text in texts)
    assert decoded(joined.wire) == joined.text


@given(some.lists(TEXT | LONG, max_size=6))
@example(["a" * 76, "b"])
@example(["a" * 73 + "=", "b"])
@example(["...dots", "a" * 75 + "..."])
def test_every_line_on_the_wire_is_short_ascii_ends_in_crlf_and_begins_with_no_dot(texts: list[str]) -> None:
    wire = join([fragment(text) for text in texts]).wire
    assert wire == b"" or wire.endswith(b"\r\n")
    assert re.fullmatch(rb"(?:[ -~\t]{0,76}\r\n)*", wire)
    assert not re.search(rb"^\.", wire, re.MULTILINE)
    assert not re.search(rb"[ \t]\r\n", wire), "white space at the end of a line is lost on the way"


def test_nothing_is_nothing() -> None:
    assert fragment("") == Fragment("", b"")


@given(some.text("ABCabc019_.-", min_size=1, max_size=70))
def test_a_plain_piece_is_what_the_encoder_would_make_of_it(text: str) -> None:
    assert decoded(plain(text).wire) == plain(text).text == text
    assert max(map(len, plain(text).wire.split(b"\r\n"))) <= 76


def test_a_template_is_cut_at_its_marks_and_filled_by_name() -> None:
    pieces = cut(f"Dear {mark('name')}xylophone, {mark('mix')}{mark('mix')} and {mark('link')}")
    assert [piece.name if isinstance(piece, Hole) else piece.text for piece in pieces] == [
        *("Dear ", "name", "xylophone, ", "mix", "mix", " and ", "link")
    ]
    once = fill(pieces, {"name": fragment("Ada "), "mix": fragment("=")})
    assert once == [
        Fragment(
            "Dear Ada xylophone, == and ",
            b"Dear=20=\r\nAda=20=\r\nxylophone,=20=\r\n=3D=\r\n=3D=\r\n and=20=\r\n",
        ),
        Hole("link"),
    ]
    assert [decoded(join(fill(once, {"link": plain("x")})).wire)] == ["Dear Ada xylophone, == and x"]


@pytest.mark.parametrize("rendered", ["", "no hole at all"])
def test_a_template_without_holes_is_one_piece_or_none(rendered: str) -> None:
    assert cut(rendered) == ([fragment(rendered)] if rendered else [])
