"""Messages, requests and answers as bytes: there and back, and nothing else passes."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.paxos.messages import Accept, Accepted, Decided, Message, Prepare, Promise, Vote
from impl.transport.frames import FrameReader, ProtocolError, frame
from impl.transport.handshake import hello
from impl.transport.payloads import (
    BALLOT_LIMIT,
    FRAME_LIMIT,
    Answer,
    Chosen,
    Learn,
    NothingChosen,
    Propose,
    Rejected,
    Request,
    Unknown,
    encode,
    message_frame,
    read_answer,
    read_message,
    read_request,
)
from tests.impl.garbage import anything_packed

ME, NODES = 1, 3

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
NUMBER = st.integers(0, 2**53 - 1)
TURN = st.integers(0, 10**6)


def ballots(node: int) -> st.SearchStrategy[int]:
    return TURN.map(lambda turn: NODES * turn + node)


@st.composite
def sent_messages(draw: st.DrawFn) -> tuple[int, str, Message]:
    """A sender, a key and a message that it may send to node 1 of 3."""
    sender = draw(st.sampled_from([0, 2]))
    mine = draw(ballots(ME))
    theirs = draw(ballots(sender))
    vote = st.builds(Vote, st.integers(0, mine - 1), TEXT)
    message: Message = draw(
        st.one_of(
            st.builds(Prepare, TURN),
            st.builds(Promise, st.just(mine), st.one_of(st.none(), vote)),
            st.builds(Accept, st.just(theirs), TEXT),
            st.builds(Accepted, st.just(mine), TEXT),
            st.builds(Decided, TEXT),
        )
    )
    return sender, draw(TEXT), message


@given(sent_messages())
def test_messages_there_and_back(sent: tuple[int, str, Message]) -> None:
    sender, key, message = sent
    (payload,) = FrameReader(FRAME_LIMIT).feed(message_frame(key, message))
    assert read_message(payload, sender, ME, NODES) == (key, message)


def test_the_bytes_are_those_of_the_document() -> None:
    """docs/protocol.md, "The wire"."""
    call = "00 00 00 17 96 a5 68 65 6c 6c 6f a7 71 75 6f 72 61 74 65 01 a4 64 65 6d 6f 01 00"
    assert frame(hello("demo", 1, 0)).hex(" ") == call
    promise = "00 00 00 0c 92 a1 78 93 02 03 92 01 a3 72 65 64"
    assert message_frame("x", Promise(3, Vote(1, "red"))).hex(" ") == promise
    text = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text(encoding="utf-8")
    blocks = ["".join(line[:31] for line in b.splitlines()) for b in text.split("```")]
    shown = {" ".join(block.removeprefix("text").split()) for block in blocks}
    assert {call, promise} <= shown


REQUESTS = st.one_of(st.builds(Propose, NUMBER, TEXT, TEXT), st.builds(Learn, NUMBER, TEXT))
ANSWERS = st.one_of(
    st.builds(Chosen, NUMBER, TEXT),
    st.builds(NothingChosen, NUMBER),
    st.builds(Rejected, NUMBER, TEXT),
    st.builds(Unknown, NUMBER, TEXT),
)


@given(REQUESTS, ANSWERS)
def test_requests_and_answers_there_and_back(request: Request, answer: Answer) -> None:
    assert read_request(encode(request)) == request
    assert read_answer(encode(answer)) == answer


@pytest.mark.parametrize(
    ("sender", "message", "reason"),
    [
        (0, Accept(2, "v"), "ballot 2 is not one of node 0"),
        (0, Promise(2, None), "ballot 2 is not one of node 1"),
        (0, Accepted(3, "v"), "ballot 3 is not one of node 1"),
        (0, Prepare(BALLOT_LIMIT), "ballot 9007199254740992 is not one"),
        (0, Promise(4, Vote(4, "v")), "a promise for ballot 4 with a vote in 4"),
    ],
)
def test_a_message_that_its_sender_cannot_have_sent(
    sender: int, message: Message, reason: str
) -> None:
    with pytest.raises(ProtocolError) as error:
        read_message(encode(("x", message)), sender, ME, NODES)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    "value",
    [
        ("x", [1, -1]),
        ("x", [1, 1.0]),
        ("x", [1, 0, 0]),
        ("x", [1]),
        ("x", [6, 0]),
        ("x", [5, None]),
        (0, [1, 0]),
        ("x",),
        ("x", [1, 0], 0),
        (b"x", [1, 0]),
        ("x", [1, 2**64 - 1]),
    ],
)
def test_what_is_no_message(value: object) -> None:
    with pytest.raises(ProtocolError):
        read_message(msgspec.msgpack.encode(value), 0, ME, NODES)


def test_text_must_be_utf_8() -> None:
    with pytest.raises(ProtocolError):
        read_request(encode(Learn(1, "xy")).replace(b"xy", b"\xed\xa0"))


@given(st.one_of(st.binary(max_size=100), anything_packed("x", 1, 2, 3, 4, 5)))
def test_any_bytes_are_a_message_or_refused(payload: bytes) -> None:
    try:
        key, message = read_message(payload, 0, ME, NODES)
    except ProtocolError:
        pass
    else:
        assert isinstance(key, str)
        assert isinstance(message, Message)


@given(
    st.one_of(
        st.binary(max_size=100),
        anything_packed("propose", "learn", "chosen", "nothing_chosen", "rejected", "unknown"),
    )
)
def test_any_bytes_are_a_request_or_an_answer_or_refused(payload: bytes) -> None:
    for read in (read_request, read_answer):
        try:
            found = read(payload)
        except ProtocolError:
            pass
        else:
            assert isinstance(found.request, int)


def test_deep_nesting_is_refused() -> None:
    for payload in (b"\x91" * 100_000, b"\x92\xa1x" + b"\x91" * 100_000, b"\x81\xa1x" * 100_000):
        with pytest.raises(ProtocolError):
            read_message(payload, 0, ME, NODES)
        with pytest.raises(ProtocolError):
            read_request(payload)
