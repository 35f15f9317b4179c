"""The connections to the other nodes: one each way, so that neither waits for the other.

Rules of this file:

* A `Link` carries messages to one node.  It calls that node, again and again, after a random time
  that doubles; it never gives up, and never waits for an answer.
* Messages may be lost, and Paxos tolerates it: what cannot be sent now, because there is no
  connection or `queue_bytes` wait already, is dropped and counted.  The newest is dropped: older
  ones are the begun part of something, and a retry sends all again.
* A node that is called says nothing after its `Hello`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from dataclasses import dataclass

from impl.transport.connection import LOG, Connection, reason_of
from impl.transport.frames import ProtocolError
from impl.transport.handshake import hello, read_answer

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
CALL_S = 5.0
"""A call that is not answered for so long has failed."""


@dataclass(frozen=True)
class Call:
    """Whom to call, and what to say."""

    cluster: str
    me: int
    node: int
    nodes: int
    host: str
    port: int
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return f"node {self.node} at {self.host}:{self.port}"


class _Outgoing(Connection):
    """The calling side of a connection between nodes."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.call = call
        loop = asyncio.get_running_loop()
        self.answered: asyncio.Future[bool] = loop.create_future()
        """Whether the node agreed, once that is known."""
        self.over: asyncio.Future[str] = loop.create_future()

    def opened(self) -> None:
        self.peer = str(self.call)
        self.send(hello(self.call.cluster, self.call.me, self.call.node))

    def payloads(self, payloads: list[bytes]) -> None:
        if self.answered.done() or len(payloads) > 1:
            raise ProtocolError("it speaks on a connection that is for listening")
        read_answer(payloads[0], self.call.cluster, self.call.node, self.call.nodes)
        self.answered.set_result(True)

    def end(self, reason: str, last: bytes | None = None) -> None:
        """The link says why, and the same thing only once."""
        if not self.ended and self.transport is not None:
            self._over(reason)
            self.transport.abort()

    def closed(self, reason: str) -> None:
        if not self.answered.done():
            self.answered.set_result(False)
        if not self.over.done():
            self.over.set_result(reason)


class Link:
    """Messages to one other node."""

    def __init__(self, call: Call, queue_bytes: int, chance: random.Random) -> None:
        self.call = call
        self.queue_bytes = queue_bytes
        self.sent = 0
        """Messages that were handed to the connection."""
        self.dropped = 0
        """Messages that were not."""
        self._chance = chance
        self._connection: _Outgoing | None = None
        self._task: asyncio.Task[None] | None = None
        self._said = ""

    @property
    def connected(self) -> bool:
        return self._connection is not None

    def start(self) -> None:
        self._task = asyncio.create_task(self._stay_connected())

    def send(self, frames: bytes, messages: int) -> None:
        """Send so many messages, as frames one after the other; or drop them all."""
        connection = self._connection
        if connection is None or connection.ended:
            self.dropped += messages
            return
        transport = connection.transport
        assert transport is not None
        if transport.get_write_buffer_size() + len(frames) > self.queue_bytes:
            self.dropped += messages
            return
        transport.write(frames)
        self.sent += messages

    async def close(self) -> None:
        """Send what waits, for a moment; then close."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _stay_connected(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            begun = asyncio.get_running_loop().time()
            reason = await self._one_connection()
            self._say(f"{self.call}: not connected: {reason}")
            if asyncio.get_running_loop().time() - begun > LONGEST_PAUSE_S:
                pause = FIRST_PAUSE_S  # it was there for some time
            await asyncio.sleep(pause * self._chance.uniform(0.5, 1.0))
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _one_connection(self) -> str:
        """Call, agree, and stay until it is over; why it is over."""
        outgoing: _Outgoing | None = None
        try:
            async with asyncio.timeout(CALL_S):
                _, outgoing = await asyncio.get_running_loop().create_connection(
                    lambda: _Outgoing(self.call),
                    self.call.host,
                    self.call.port,
                    ssl=self.call.tls,
                    server_hostname=self.call.host if self.call.tls else None,
                )
                agreed = await outgoing.answered
            if agreed:
                self._connection = outgoing
                self._say(f"{self.call}: connected")
            return await outgoing.over
        except TimeoutError:
            return f"no answer in {CALL_S:g} s"
        except (OSError, ssl.SSLError) as error:
            return reason_of(error)
        finally:
            self._connection = None
            if outgoing is not None and outgoing.transport is not None:
                outgoing.transport.close()

    def _say(self, what: str) -> None:
        """The same thing is said once, however often it happens."""
        if what != self._said:
            self._said = what
            LOG.info(what)
