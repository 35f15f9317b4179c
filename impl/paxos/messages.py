"""What the nodes of one decision say to each other, and how it is written in bytes.

Ballot b belongs to node b % nodes, its leader.  A `Prepare`, an `Accept` and a `Decided` go to
all nodes; a `Promise` and an `Accepted` go to the leader of their ballot.  Who sent a message is
known from the connection that it came by, and so it is not in the message.

In bytes a message is a MessagePack array: the tag, then the fields in the order below.  A `Vote`
has no tag.

    [1, ballot]                     Prepare
    [2, ballot, [ballot, value]]    Promise; nil for the vote if there is none
    [3, ballot, value]              Accept
    [4, ballot, value]              Accepted
    [5, value]                      Decided

Source: L. Lamport, "Paxos Made Simple" (2001), section 2.2.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")

NodeId: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
Ballot: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
BallotOrNone: TypeAlias = Annotated[int, msgspec.Meta(ge=-1)]
"""-1: none yet, below every ballot."""
Value: TypeAlias = str


class Plain(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False, frozen=True):
    """Immutable plain data, an array in bytes."""


class Vote(Plain, frozen=True):
    """In which ballot for which value."""

    ballot: Ballot
    value: Value


class Prepare(Plain, tag=1, frozen=True):
    """The leader of `ballot` asks all to join it (1a)."""

    ballot: Ballot


class Promise(Plain, tag=2, frozen=True):
    """The sender has joined `ballot`, and this was its last vote before (1b)."""

    ballot: Ballot
    vote: Vote | None


class Accept(Plain, tag=3, frozen=True):
    """The leader of `ballot` asks all to vote for `value` in it (2a)."""

    ballot: Ballot
    value: Value


class Accepted(Plain, tag=4, frozen=True):
    """The sender has voted for `value` in `ballot` (2b)."""

    ballot: Ballot
    value: Value


class Decided(Plain, tag=5, frozen=True):
    """What was chosen."""

    value: Value


Message: TypeAlias = Prepare | Promise | Accept | Accepted | Decided


class Malformed(ValueError):
    """These bytes are not what they should be; nothing was changed."""


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    return _encoder.encode(message)


def decode(data: bytes) -> Message:
    """The message in these bytes; `Malformed` if there is none."""
    return decoded(_decoder, data, "message")


def decoded(decoder: msgspec.msgpack.Decoder[T], data: bytes, what: str) -> T:
    """What `decoder` reads, its failures as `Malformed`."""
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Malformed(f"this is no {what}: {error}") from error
