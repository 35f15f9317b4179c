"""What frames carry after the handshake: messages between nodes, requests of clients, answers.

Rules of this file:

* No socket, no clock: values to bytes and back.
* What is decoded is checked before anybody acts on it: types, sizes, and that a message can be one
  of its sender's (a ballot belongs to node `ballot % nodes`).  All else is a `ProtocolError`.
* Decoding makes plain values by a fixed schema (msgspec): nothing in the bytes names code.
"""

from __future__ import annotations

from typing import NoReturn

import msgspec

from impl.paxos.messages import Accept, Accepted, Decided, Message, Prepare, Promise
from impl.transport.frames import ProtocolError, frame

FRAME_LIMIT = 2**20
"""Bytes: no payload is longer."""
BALLOT_LIMIT = 2**53
"""Ballots are below this: the integers that every language and JSON can hold."""
REQUEST_LIMIT = 2**53
"""Numbers of requests are below this."""


# --------------------------------------------------------------------------- clients


class Propose(msgspec.Struct, frozen=True, array_like=True, tag="propose"):
    """Let `value` be chosen for `key`, unless something is."""

    request: int
    key: str
    value: str


class Learn(msgspec.Struct, frozen=True, array_like=True, tag="learn"):
    """What is chosen for `key`?"""

    request: int
    key: str


Request = Propose | Learn


class Chosen(msgspec.Struct, frozen=True, array_like=True, tag="chosen"):
    """This is decided, now and for ever.  To `Propose` as well as to `Learn`."""

    request: int
    value: str


class NothingChosen(msgspec.Struct, frozen=True, array_like=True, tag="nothing_chosen"):
    """At some time since `Learn` was asked, nothing was chosen."""

    request: int


class Rejected(msgspec.Struct, frozen=True, array_like=True, tag="rejected"):
    """The request was not begun, and has no effect."""

    request: int
    reason: str


class Unknown(msgspec.Struct, frozen=True, array_like=True, tag="unknown"):
    """The node gave up; the value may be chosen all the same, now or later."""

    request: int
    reason: str


Answer = Chosen | NothingChosen | Rejected | Unknown

encode = msgspec.msgpack.Encoder().encode
_decode_request = msgspec.msgpack.Decoder(Request).decode
_decode_answer = msgspec.msgpack.Decoder(Answer).decode


def read_request(payload: bytes) -> Request:
    try:
        request: Request = _decode_request(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"not a request: {error}") from None
    if not 0 <= request.request < REQUEST_LIMIT:
        raise ProtocolError(f"the number of a request is {request.request}")
    return request


def read_answer(payload: bytes) -> Answer:
    try:
        answer: Answer = _decode_answer(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"not an answer: {error}") from None
    return answer


# --------------------------------------------------------------------------- nodes

_decode_message = msgspec.msgpack.Decoder(tuple[str, Message]).decode


def message_frame(key: str, message: Message) -> bytes:
    """The frame that carries a message about `key` to another node."""
    return frame(encode((key, message)))


def read_message(payload: bytes, sender: int, me: int, nodes: int) -> tuple[str, Message]:
    """The key and the message that node `sender` sent to node `me` of `nodes`."""
    try:
        found = _decode_message(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"not a message: {error}") from None
    message = found[1]
    match message:
        case Prepare():  # who is behind is told of a ballot by others than its leader, too
            if not 0 <= message.ballot < BALLOT_LIMIT:
                _not_its_ballot(message.ballot, sender)
        case Accept():
            if not 0 <= message.ballot < BALLOT_LIMIT or message.ballot % nodes != sender:
                _not_its_ballot(message.ballot, sender)
        case Promise():
            if not 0 <= message.ballot < BALLOT_LIMIT or message.ballot % nodes != me:
                _not_its_ballot(message.ballot, me)
            vote = message.vote
            if vote is not None and not 0 <= vote.ballot < message.ballot:
                raise ProtocolError(
                    f"a promise for ballot {message.ballot} with a vote in {vote.ballot}"
                )
        case Accepted():
            if not 0 <= message.ballot < BALLOT_LIMIT or message.ballot % nodes != me:
                _not_its_ballot(message.ballot, me)
        case Decided():
            pass
    return found


def _not_its_ballot(ballot: int, node: int) -> NoReturn:
    raise ProtocolError(f"ballot {ballot} is not one of node {node}")
