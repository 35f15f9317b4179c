"""The handshake: what each side says first, and when it is refused.

Rules of this file:

* No socket, no clock: payloads in, payloads out.
* Who calls speaks first: `Hello`.  The other side answers with its own `Hello`, or with `Refused`
  and a reason, and closes.  Nobody sends anything else before that.
* A `Hello` begins with the magic word and the version in every version of the protocol, and may
  have more at its end: so an old node can tell a new one why they do not understand each other.
* It says who speaks, and proves nothing: that is what TLS is for (`tls.py`).
"""

from __future__ import annotations

import msgspec

from impl.transport.frames import ProtocolError

MAGIC = "quorate"
VERSION = 1
HELLO_LIMIT = 1024
"""Bytes: no frame of a handshake is longer."""
REASON_LIMIT = 200
"""Characters: what is quoted of the other side's words."""


class Hello(msgspec.Struct, frozen=True, array_like=True, tag="hello"):
    """Who speaks, and to whom."""

    magic: str
    version: int
    cluster: str | None
    """The name of the cluster; a client that does not care which says None."""
    sender: int | None
    """The number of the node; None for a client."""
    receiver: int | None
    """The node that it means to speak to, if it knows."""


class Refused(msgspec.Struct, frozen=True, array_like=True, tag="refused"):
    """Why there will be no conversation."""

    reason: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Hello | Refused).decode


def hello(cluster: str | None, sender: int | None, receiver: int | None) -> bytes:
    """The payload that begins a conversation, or agrees to it."""
    return _encode(Hello(MAGIC, VERSION, cluster, sender, receiver))


def refusal(reason: str) -> bytes:
    return _encode(Refused(reason[:REASON_LIMIT]))


def read_call(payload: bytes, cluster: str, me: int, nodes: int) -> Hello:
    """What a caller says to node `me` of `nodes`; `ProtocolError` says why it is refused."""
    said = _read(payload)
    if said.sender is None:
        if said.cluster not in (None, cluster):
            raise ProtocolError(_other_cluster(said.cluster, cluster))
    else:
        _check_node(said, cluster, nodes)
        if said.sender == me:
            raise ProtocolError(f"node {me} is who is called: two nodes have one number")
    if said.receiver not in (None, me):
        raise ProtocolError(f"this is node {me}, not node {said.receiver}: compare the addresses")
    return said


def read_answer(payload: bytes, cluster: str | None, node: int | None, nodes: int | None) -> Hello:
    """What the side that was called answers; `ProtocolError` if it is not who was meant.

    `cluster`, `node` and `nodes` are None where the caller, a client, does not know them.
    """
    said = _read(payload)
    if said.sender is None:
        raise ProtocolError("a client answered: this is the address of no node")
    if cluster is not None:
        _check_node(said, cluster, nodes)
    if node is not None and said.sender != node:
        raise ProtocolError(f"node {said.sender} answered, not node {node}: compare the addresses")
    return said


def _read(payload: bytes) -> Hello:
    if len(payload) > HELLO_LIMIT:
        raise ProtocolError(f"a handshake of {len(payload):,} bytes")
    try:
        said: Hello | Refused = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"not a handshake of Quorate: {error}") from None
    if isinstance(said, Refused):
        raise ProtocolError(f"refused: {said.reason[:REASON_LIMIT]!r}")
    if said.magic != MAGIC:
        raise ProtocolError(f"not a handshake of Quorate: it begins with {said.magic[:20]!r}")
    if said.version != VERSION:
        raise ProtocolError(f"it speaks version {said.version}, this is version {VERSION}")
    return said


def _check_node(said: Hello, cluster: str, nodes: int | None) -> None:
    if said.cluster != cluster:
        raise ProtocolError(_other_cluster(said.cluster, cluster))
    if said.sender is not None and nodes is not None and not 0 <= said.sender < nodes:
        raise ProtocolError(f"node {said.sender} is not one of 0 to {nodes - 1}")


def _other_cluster(theirs: str | None, ours: str) -> str:
    return f"its cluster is {(theirs or '')[:64]!r}, this one is {ours!r}"
