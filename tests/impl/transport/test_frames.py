"""The reader of frames against an obvious one, on any bytes in any pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.transport.frames import FrameReader, ProtocolError, frame

LIMIT = 40
PAYLOADS = st.lists(st.binary(max_size=LIMIT), max_size=8)


def obvious(data: bytes, limit: int) -> tuple[list[bytes], bool]:
    """The complete payloads in all the bytes, and whether they end in a refusal."""
    payloads: list[bytes] = []
    while len(data) >= 4:
        length = int.from_bytes(data[:4], "big")
        if length > limit:
            return payloads, True
        if len(data) < 4 + length:
            break
        payloads.append(data[4 : 4 + length])
        data = data[4 + length :]
    return payloads, False


def cut(data: bytes, places: list[int]) -> list[bytes]:
    at = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(at)]


@given(PAYLOADS, st.binary(max_size=20), st.lists(st.integers(0, 10**6), max_size=30))
def test_any_pieces_give_the_same_payloads(
    payloads: list[bytes], rest: bytes, places: list[int]
) -> None:
    data = b"".join(map(frame, payloads)) + rest
    expected, refused = obvious(data, LIMIT)
    reader = FrameReader(LIMIT)
    found = []
    try:
        for piece in cut(data, places):
            found += reader.feed(piece)
    except ProtocolError:
        assert refused
        # What came in the same piece before the refusal is lost with it.
        assert found == expected[: len(found)]
        with pytest.raises(ProtocolError):
            reader.feed(b"")
    else:
        assert not refused
        assert found == expected
        assert reader.inside == (data != b"".join(map(frame, expected)))


@given(st.lists(st.binary(max_size=64), max_size=20))
def test_it_never_holds_more_than_the_limit(pieces: list[bytes]) -> None:
    reader = FrameReader(LIMIT)
    try:
        for piece in pieces:
            reader.feed(piece)
            assert len(reader._begun) <= 4 + LIMIT
    except ProtocolError:
        assert not reader.inside


def test_the_refusal_says_how_long_and_what_the_limit_is() -> None:
    reader = FrameReader(2**20)
    with pytest.raises(ProtocolError, match=r"a frame of 1,195,725,856 bytes; the limit is 1,048"):
        reader.feed(b"GET / HTTP/1.1\r\n\r\n")


def test_a_frame_of_the_limit_passes_and_one_byte_more_does_not() -> None:
    assert FrameReader(3).feed(frame(b"abc")) == [b"abc"]
    with pytest.raises(ProtocolError):
        FrameReader(3).feed(frame(b"abcd")[:4])


def test_many_small_pieces_of_a_large_frame_take_linear_time() -> None:
    """A copy of all that is held for each piece would be 25 GB here."""
    payload = bytes(2**18)
    reader = FrameReader(2**18)
    data = frame(payload)
    found = [one for at in range(len(data)) for one in reader.feed(data[at : at + 1])]
    assert found == [payload]
