"""Who is let in, and what the others are told."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.transport.frames import ProtocolError
from impl.transport.handshake import hello, read_answer, read_call, refusal
from tests.impl.garbage import anything_packed

encode = msgspec.msgpack.encode


def call(payload: bytes) -> int | None:
    """A call to node 0 of the cluster `ours`, of 3 nodes."""
    return read_call(payload, "ours", 0, 3).sender


def test_nodes_and_clients_are_let_in() -> None:
    assert call(hello("ours", 1, 0)) == 1
    assert call(hello("ours", 2, None)) == 2
    assert call(hello("ours", None, None)) is None
    assert call(hello(None, None, None)) is None


REFUSED = [
    (hello("theirs", 1, 0), "its cluster is 'theirs', this one is 'ours'"),
    (hello("theirs", None, None), "its cluster is 'theirs', this one is 'ours'"),
    (hello(None, 1, 0), "its cluster is '', this one is 'ours'"),
    (hello("ours", 0, 0), "two nodes have one number"),
    (hello("ours", 3, 0), "node 3 is not one of 0 to 2"),
    (hello("ours", -1, 0), "node -1 is not one of 0 to 2"),
    (hello("ours", 1, 2), "this is node 0, not node 2"),
    (encode(["hello", "quorate", 2, "ours", 1, 0, "new"]), "it speaks version 2"),
    (encode(["hello", "quorum", 1, "ours", 1, 0]), "it begins with 'quorum'"),
    (refusal("go away"), "refused: 'go away'"),
    (b"", "not a handshake"),
    (b"\xc1", "not a handshake"),
    (b"\x91" * 900, "not a handshake"),
    (encode({"type": "hello"}), "not a handshake"),
    (encode(["hello", "quorate", 1, "ours", True, 0]), "not a handshake"),
    (encode(["hello", b"\xff", 1, "ours", 1, 0]), "not a handshake"),
    (b"\x00" * 1025, "a handshake of 1,025 bytes"),
]


@pytest.mark.parametrize(("payload", "reason"), REFUSED)
def test_others_are_refused_with_a_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(ProtocolError) as error:
        call(payload)
    assert reason in str(error.value)


def test_an_old_node_understands_what_a_new_one_adds_at_the_end() -> None:
    assert call(encode(["hello", "quorate", 1, "ours", 1, 0, "new"])) == 1


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (hello("ours", 2, None), "node 2 answered, not node 1"),
        (hello("theirs", 1, None), "its cluster is 'theirs'"),
        (hello("ours", None, None), "the address of no node"),
        (refusal("too many clients"), "refused: 'too many clients'"),
        (refusal("x" * 10_000), "refused: 'xxx"),
    ],
)
def test_who_calls_checks_who_answers(payload: bytes, reason: str) -> None:
    with pytest.raises(ProtocolError) as error:
        read_answer(payload, "ours", 1, 3)
    assert reason in str(error.value)
    assert len(str(error.value)) < 300


def test_a_client_takes_any_node() -> None:
    assert read_answer(hello("ours", 2, None), None, None, None).sender == 2


@given(st.one_of(st.binary(max_size=300), anything_packed("hello", "refused", "quorate", 1)))
def test_any_bytes_are_a_handshake_or_refused(payload: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        assert read_call(payload, "ours", 0, 3).magic == "quorate"
    with contextlib.suppress(ProtocolError):
        assert read_answer(payload, "ours", 1, 3).magic == "quorate"
    with contextlib.suppress(ProtocolError):
        assert read_answer(payload, None, None, None).magic == "quorate"
