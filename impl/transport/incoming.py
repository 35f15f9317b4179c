"""The connections that others make to this node: nodes with messages, clients with requests.

Rules of this file:

* Until its `Hello` is accepted a connection may send one short frame, within a few seconds.
* What comes then is handed to the `Host`, in order; who reads too slowly, or asks for more than
  the limits, is not read from until that is over.
* There is one connection from each node: a new one replaces the old, which may be dead without
  a word.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Protocol

from impl.paxos.messages import Message
from impl.transport.connection import Connection
from impl.transport.frames import ProtocolError
from impl.transport.handshake import Hello, hello, read_call, refusal
from impl.transport.payloads import FRAME_LIMIT, Request, read_message, read_request
from impl.transport.tls import is_for

CLIENT_BUFFER = 2**18
"""Bytes of answers that may wait before a client's next requests are not read."""


@dataclass(frozen=True)
class Doorway:
    """Who is called here, and how many may come."""

    cluster: str
    me: int
    hosts: tuple[str, ...]
    """Of all nodes, by number."""
    connections: int = 1024
    handshake_s: float = 5.0


class Host(Protocol):
    """To whom it is handed."""

    def receive(self, sender: int, key: str, message: Message) -> None:
        """A message from another node."""

    def request(self, client: Incoming, request: Request) -> None:
        """A request of a client."""

    def vanished(self, client: Incoming) -> None:
        """A client is gone; nobody waits for its answers."""

    def overloaded(self) -> bool:
        """Whether too much waits, and connections must not be read from; `Door.resume` ends it."""


@dataclass
class Door:
    """All connections that were made to this node."""

    doorway: Doorway
    host: Host
    open: set[Incoming] = field(default_factory=set)
    nodes: dict[int, Incoming] = field(default_factory=dict)
    paused: list[Incoming] = field(default_factory=list)

    def connection(self) -> Incoming:
        """For `loop.create_server`."""
        return Incoming(self)

    def resume(self) -> None:
        """What was too much is done."""
        paused, self.paused = self.paused, []
        for one in paused:
            one.overfull = False
            one.read_or_not()

    def close(self) -> None:
        for one in sorted(self.open, key=lambda one: one.peer):
            if one.transport is not None:
                one.transport.close()


class Incoming(Connection):
    """A connection that somebody made to this node."""

    def __init__(self, door: Door) -> None:
        super().__init__()
        self.door = door
        self.said: Hello | None = None
        self.overfull = False
        """The host has too much to do."""
        self.unread = False
        """The client does not read its answers."""
        self.crowded = False
        """The client waits for too many answers: set by the host."""
        self._late: asyncio.TimerHandle | None = None

    def opened(self) -> None:
        door = self.door
        door.open.add(self)
        # A node can always come in: it replaces its own old connection, or a place is kept for it.
        if len(door.open) > door.doorway.connections + len(door.doorway.hosts):
            self.end("too many connections")
            return
        loop = asyncio.get_running_loop()
        self._late = loop.call_later(door.doorway.handshake_s, self._too_late)

    def closed(self, reason: str) -> None:
        door = self.door
        door.open.discard(self)
        self._settle()
        if self.said is None:
            return
        if self.said.sender is None:
            door.host.vanished(self)
        elif door.nodes.get(self.said.sender) is self:
            del door.nodes[self.said.sender]

    def payloads(self, payloads: list[bytes]) -> None:
        said = self.said
        if said is None:
            if len(payloads) > 1:
                raise ProtocolError("it said more before its handshake was answered")
            self._greet(payloads[0])
            return
        host, me, nodes = self.door.host, self.door.doorway.me, len(self.door.doorway.hosts)
        sender = said.sender
        if sender is None:
            for payload in payloads:
                host.request(self, read_request(payload))
        else:
            for payload in payloads:
                host.receive(sender, *read_message(payload, sender, me, nodes))
        if host.overloaded() and not self.overfull:
            self.overfull = True
            self.door.paused.append(self)
            self.read_or_not()

    # ------------------------------------------------------------------- the handshake

    def _greet(self, payload: bytes) -> None:
        door, doorway = self.door, self.door.doorway
        try:
            said = read_call(payload, doorway.cluster, doorway.me, len(doorway.hosts))
            self._check_certificate(said)
            clients = len(door.open) - len(door.nodes)
            if said.sender is None and clients > doorway.connections:
                raise ProtocolError("too many clients")
        except ProtocolError as error:
            self.end(str(error), last=refusal(str(error)))
            return
        self._settle()
        self.said = said
        self.reader.limit = FRAME_LIMIT
        assert self.transport is not None
        if said.sender is None:
            self.transport.set_write_buffer_limits(CLIENT_BUFFER)
        else:
            self.peer = f"node {said.sender} ({self.peer})"
            old = door.nodes.get(said.sender)
            door.nodes[said.sender] = self
            if old is not None:
                old.end("replaced by a new connection")
        self.send(hello(doorway.cluster, doorway.me, None))

    def _check_certificate(self, said: Hello) -> None:
        assert self.transport is not None
        tls = self.transport.get_extra_info("ssl_object")
        if said.sender is None or not isinstance(tls, ssl.SSLObject):
            return
        host = self.door.doorway.hosts[said.sender]
        if not is_for(tls.getpeercert(), host):
            raise ProtocolError(f"its certificate is not for {host}, the host of that node")

    def _too_late(self) -> None:
        self.end(f"no handshake in {self.door.doorway.handshake_s:g} s")

    def _settle(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    # ------------------------------------------------------------------- back-pressure

    def pause_writing(self) -> None:
        self.unread = True
        self.read_or_not()

    def resume_writing(self) -> None:
        self.unread = False
        self.read_or_not()

    def read_or_not(self) -> None:
        """Read from the socket only if nothing speaks against it."""
        if self.transport is None or self.transport.is_closing():
            return
        if self.overfull or self.unread or self.crowded:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()
