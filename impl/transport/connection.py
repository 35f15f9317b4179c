"""One TCP connection: frames in and out, an end with a reason, and nothing left behind.

Rules of this file:

* What a connection does with bytes is said by its subclass; a `ProtocolError` that it raises ends
  this connection, is logged with who and why, and harms nothing else.  So does any other exception:
  that one is a bug of ours, and logged as such.
* `peer` is for the log only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl

from impl.transport.frames import FrameReader, ProtocolError, frame
from impl.transport.handshake import HELLO_LIMIT

LOG = logging.getLogger("quorate")

UNACKNOWLEDGED_MS = 10_000
"""A connection whose bytes nobody acknowledges for so long is dead (TCP_USER_TIMEOUT)."""
KEEPALIVE_S = 15
"""An idle connection is asked for life after so long, and every third of it."""


class Connection(asyncio.Protocol):
    """A connection that cuts what it reads into frames."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.reader = FrameReader(HELLO_LIMIT)
        self.peer = "?"
        self.ended = False

    # What a subclass says.

    def opened(self) -> None:
        """The connection is there."""

    def payloads(self, payloads: list[bytes]) -> None:
        """Frames have come, in order."""
        raise NotImplementedError

    def closed(self, reason: str) -> None:
        """It is over; called once, if it was opened."""

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.peer = address(transport)
        outlive_no_dead_peer(transport)
        self.opened()

    def data_received(self, data: bytes) -> None:
        if self.ended:
            return
        try:
            frames = self.reader.feed(data)
            if frames:
                self.payloads(frames)
        except ProtocolError as error:
            self.end(str(error))
        except Exception as error:
            LOG.exception("a bug: while reading from %s", self.peer)
            self.end(f"a bug of this node: {type(error).__name__}")

    def eof_received(self) -> bool:
        return False  # so the transport closes

    def connection_lost(self, exc: Exception | None) -> None:
        self._over(str(exc) if exc else "the other side closed it")

    # What a subclass does.

    def send(self, payload: bytes) -> None:
        if self.transport is not None and not self.ended:
            self.transport.write(frame(payload))

    def end(self, reason: str, last: bytes | None = None) -> None:
        """Close it, after a last payload if there is one; what waits to be read is thrown away."""
        if self.ended or self.transport is None:
            return
        LOG.warning("%s: closed: %s", self.peer, reason)
        if last is not None:
            self.send(last)
        transport = self.transport
        self._over(reason)
        transport.close()
        # A peer that reads nothing must not keep it half open.
        asyncio.get_running_loop().call_later(1.0, transport.abort)

    def _over(self, reason: str) -> None:
        if not self.ended:
            self.ended = True
            self.closed(reason)


def reason_of(error: OSError) -> str:
    """Why a call failed, without the address that asyncio repeats."""
    if isinstance(error, ssl.SSLError) or not error.errno or error.errno < 0:
        return error.strerror or str(error)
    return os.strerror(error.errno)


def address(transport: asyncio.BaseTransport) -> str:
    """`host:port` of the other side, for the log."""
    name = transport.get_extra_info("peername")
    return f"{name[0]}:{name[1]}" if name else "?"


def outlive_no_dead_peer(transport: asyncio.BaseTransport) -> None:
    """A peer whose machine is gone sends no word of it: the kernel is told to find out."""
    found = transport.get_extra_info("socket")
    if found is None:
        return
    wanted = [
        (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
        (socket.IPPROTO_TCP, "TCP_KEEPIDLE", KEEPALIVE_S),
        (socket.IPPROTO_TCP, "TCP_KEEPINTVL", KEEPALIVE_S // 3),
        (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
        (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", UNACKNOWLEDGED_MS),
    ]
    for level, name, value in wanted:
        if hasattr(socket, name):  # not every system has all of them
            with contextlib.suppress(OSError):
                found.setsockopt(level, getattr(socket, name), value)
