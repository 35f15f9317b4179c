"""The controller's place in the middle of every connection: it holds what is in flight.

From each node to each node goes a TCP connection, and the controller is its middle: node i calls
the address that it was given for node j, which is the controller's, and the controller calls j.

    node i  --- inner[i, j] --->  controller  --- outer[i, j] --->  node j

Rules of this file:

* The handshake goes through unchanged, so it is i and j that agree on who is who: who sent a frame
  is known to j from the connection only.
* After it the controller reads what i sends, keeps it, and writes to j what is to be delivered.
* Every byte that a node says it has sent is read, and there is none besides (`quiet`).
* On loopback, on ports that the system chose.  A read that takes longer than `PATIENCE_S` is an
  error (TimeoutError, or BlockingIOError once frames are held): nothing here waits for ever.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Collection

from impl.transport.frames import FrameReader, frame
from impl.transport.payloads import FRAME_LIMIT

LOOPBACK = "127.0.0.1"
PATIENCE_S = 60.0

Pair = tuple[int, int]


class WireError(Exception):
    """A node did not do with its connections what was expected."""


def listener() -> socket.socket:
    """Waits for calls on a port of its own."""
    made = socket.create_server((LOOPBACK, 0))
    made.settimeout(PATIENCE_S)
    return made


def port(of: socket.socket) -> int:
    number: int = of.getsockname()[1]
    return number


def ready(one: socket.socket) -> socket.socket:
    """Set for small frames that nobody may hold back."""
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    one.settimeout(PATIENCE_S)
    return one


def called(number: int) -> socket.socket:
    """A connection to a port."""
    return ready(socket.create_connection((LOOPBACK, number), PATIENCE_S))


def blocking(one: socket.socket) -> None:
    """Let the kernel keep the time: a read is one system call then."""
    seconds = int(PATIENCE_S).to_bytes(8, "little") + bytes(8)
    one.settimeout(None)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, seconds)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, seconds)


class Wires:
    """The middle of the connections between `nodes` nodes."""

    def __init__(self, pairs: Collection[Pair]) -> None:
        self.doors = {pair: listener() for pair in pairs}
        """Where the first of a pair calls the second."""
        self.inner: dict[Pair, socket.socket] = {}
        self.outer: dict[Pair, socket.socket] = {}
        self.readers: dict[Pair, FrameReader] = {}

    def accept(self, pair: Pair, number: int, *, handshake: bool) -> None:
        """Take the call of the first of a pair, call the second at port `number`, and relay."""
        self.drop(pair)
        self.inner[pair] = inner = ready(self.doors[pair].accept()[0])
        self.outer[pair] = called(number)
        if handshake:
            self._relay(inner, self.outer[pair])

    def answer(self, pair: Pair) -> None:
        """Relay the answer to a handshake; from then on frames are held."""
        self._relay(self.outer[pair], self.inner[pair])

    def opened(self, pair: Pair) -> None:
        """The connection is there: from now on it carries frames."""
        self.readers[pair] = FrameReader(FRAME_LIMIT)
        blocking(self.inner[pair])
        blocking(self.outer[pair])

    def _relay(self, source: socket.socket, dest: socket.socket) -> None:
        reader = FrameReader(FRAME_LIMIT)
        said: list[bytes] = []
        while not said:
            data = source.recv(4096)
            if not data:
                raise WireError("a node ended a connection in its handshake")
            said = reader.feed(data)
        if len(said) > 1 or reader.inside:
            raise WireError("a node said more before its handshake was answered")
        dest.sendall(frame(said[0]))

    # ------------------------------------------------------------- frames

    def deliver(self, pair: Pair, framed: bytes) -> None:
        self.outer[pair].sendall(framed)

    def collect(self, pair: Pair, count: int) -> list[bytes]:
        """The payloads in the next `count` bytes, which the node has sent."""
        inner, reader = self.inner[pair], self.readers[pair]
        data = inner.recv(count)
        found = reader.feed(data)
        left = count - len(data)
        while left:
            if not data:
                raise WireError("a node ended its connection")
            data = inner.recv(left)
            found += reader.feed(data)
            left -= len(data)
        if reader.inside:
            raise WireError("a node sent a part of a frame")
        return found

    def quiet(self) -> bool:
        """Whether nothing waits to be read that no node has said it sent."""
        return all(_quiet(one) for one in (*self.inner.values(), *self.outer.values()))

    # ------------------------------------------------------------- ends

    def drop(self, pair: Pair) -> None:
        """End the connection of a pair, both halves, without a word."""
        for held in (self.inner, self.outer):
            one = held.pop(pair, None)
            if one is not None:
                reset(one)

    def close(self) -> None:
        for pair, door in self.doors.items():
            self.drop(pair)
            door.close()


def _quiet(one: socket.socket) -> bool:
    try:
        return not one.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False


def reset(one: socket.socket) -> None:
    """End a connection at once, and leave no port waiting behind."""
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    one.close()
