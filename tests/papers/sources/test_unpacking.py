import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.sources.unpacking import DamagedError, TooLargeError, unpacked


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[begin : begin + size] for begin in range(0, len(data), size)]


@given(members=st.lists(st.binary(max_size=300), min_size=1, max_size=3), size=st.integers(1, 50))
def test_packed_or_not_and_cut_anywhere_it_is_what_was_packed(members: list[bytes], size: int) -> None:
    whole = b"".join(members)
    packed = b"".join(map(gzip.compress, members))
    assert unpacked(pieces(packed, size), "gzip", len(whole)) == whole
    assert unpacked(pieces(whole, size), "", len(whole)) == whole


@given(
    data=st.binary(min_size=1, max_size=300), size=st.integers(1, 50), encoding=st.sampled_from(["gzip", ""])
)
def test_one_byte_more_than_allowed_is_too_large(data: bytes, size: int, encoding: str) -> None:
    sent = gzip.compress(data) if encoding else data
    with pytest.raises(TooLargeError):
        unpacked(pieces(sent, size), encoding, len(data) - 1)


@given(data=st.binary(max_size=300), size=st.integers(1, 50), kept=st.floats(0, 0.999))
def test_packed_data_that_breaks_off_is_never_taken_for_whole(data: bytes, size: int, kept: float) -> None:
    packed = gzip.compress(data)
    with pytest.raises(DamagedError):
        unpacked(pieces(packed[: int(len(packed) * kept)], size), "gzip", len(data))


def test_a_body_of_empty_parts_without_an_end_is_damaged() -> None:
    part = gzip.compress(b"")
    assert unpacked([part * 1_000], "gzip", 0) == b""
    with pytest.raises(DamagedError, match="its gzip data is in more than 1,000 parts"):
        unpacked([part * 1_001], "gzip", 0)
