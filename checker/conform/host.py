"""One node in this process: the protocol's code, its connections, its disk.

It does what `impl/server/driver.py` does, one event at a time and when it is told to:

    receive, fire   the node handles an event; its records go to the journal, what it sends
                    goes to its sockets
    sync            the journal syncs; the node is told `written`; what it sends now goes out
    crash           memory is gone; what was not synced is gone; a new node opens the journal

Rules of this file:

* An instance whose write is not on the disk handles nothing else: `waiting` says so, and the
  controller keeps to it, as the driver does.
* Bytes come from a socket and go to a socket, through the framing, the handshake and the
  payloads of `impl`.  What a node sends to itself has a connection as well.
* Connections outlast a crash here.  That they break, too, is what `processes.py` tries.
* A node is loaded when it acts, not when a snapshot is restored; its journal only if it is needed.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable
from typing import NamedTuple

from checker.conform.binding import Binding, Core, Effects
from checker.conform.disk import Disk
from checker.conform.wires import LOOPBACK, Wires, blocking, called, port, ready, reset
from impl.transport.frames import FrameReader, frame
from impl.transport.handshake import HELLO_LIMIT, hello, read_answer, read_call
from impl.transport.payloads import FRAME_LIMIT

CLUSTER = "conformance"


class Held(NamedTuple):
    """A node's state: its memory, its disk, the instances that wait for a write."""

    memory: bytes
    disk: bytes
    waiting: tuple[str, ...]


class Incoming:
    """The end of a connection at which a node reads."""

    __slots__ = ("reader", "sender", "socket")

    def __init__(self, one: socket.socket, sender: int) -> None:
        self.socket = one
        self.sender = sender
        self.reader = FrameReader(FRAME_LIMIT)

    def payload(self) -> bytes:
        """The next frame, which the controller has written."""
        found = self.reader.feed(self.socket.recv(65536))
        while not found:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the controller ended a connection")
            found = self.reader.feed(data)
        if len(found) > 1 or self.reader.inside:
            raise AssertionError("one frame was delivered, and more was read")
        return found[0]


class Host:
    """A node, and what is around it."""

    def __init__(self, binding: Binding, node: int) -> None:
        self.binding = binding
        self.node = node
        self.incoming: dict[int, Incoming] = {}
        self.outgoing: dict[int, socket.socket] = {}
        self.held: Held | None = None
        """The state in which it is, if that is known."""
        self.core: Core
        self.saved_disk = b""
        self.disk: Disk | None = None
        """Its disk, if it is loaded; else it is as `saved_disk`."""
        self.waiting: tuple[str, ...] = ()
        self.sent: list[tuple[int, int]] = []
        """To whom, and how many bytes, the last event made it send."""

    # ------------------------------------------------------------- states

    def begin(self) -> Held:
        """A node that has never run, but for the records on its disk."""
        self.disk = Disk.new(self.binding.first_records(self.node))
        self._recover()
        return self.hold()

    def load(self, held: Held) -> None:
        self.core = self.binding.load(held.memory)
        self.disk, self.saved_disk, self.waiting = None, held.disk, held.waiting
        self.held = held

    def hold(self) -> Held:
        """Its state now; the same object as before if nothing has changed."""
        memory, held = self.core.save(), self.held
        if self.disk is None:
            if held is not None and memory == held.memory and self.waiting == held.waiting:
                return held
            disk = self.saved_disk
        else:
            disk = self.disk.save()
        self.held = held = Held(memory, disk, self.waiting)
        return held

    def _disk(self) -> Disk:
        """Its disk, loaded."""
        if self.disk is None:
            self.disk = Disk.load(self.saved_disk)
        return self.disk

    # ------------------------------------------------------------- events

    def receive(self, source: int) -> None:
        """Read a frame from the connection of a node, and handle it."""
        incoming = self.incoming[source]
        self._bring_about(self.core.receive(incoming.sender, incoming.payload()))

    def fire(self, event: object) -> None:
        """An event of its client, or of its timer."""
        self._bring_about(self.core.fire(event))

    def sync(self) -> None:
        """Its write reaches the disk, and what rests on it is sent."""
        self._disk().sync()
        waiting, self.waiting = self.waiting, ()
        for key in waiting:
            self._bring_about(self.core.written(key))

    def crash(self) -> None:
        """Start again, with what is on the disk."""
        self._disk().crash()
        self._recover()

    def _recover(self) -> None:
        assert self.disk is not None
        self.core = self.binding.core(self.node)
        self.core.recover(self.disk.recovered)
        self.waiting = ()
        self.held = None

    def _bring_about(self, effects: Effects) -> None:
        for key, record in effects.records:
            self._disk().append(record)
            self.waiting += (key,)
        if effects.sends:
            self._send(effects.sends)

    def _send(self, sends: Iterable[tuple[int, bytes]]) -> None:
        """One write for each connection, as the driver does."""
        outbox: dict[int, bytes] = {}
        for to, framed in sends:
            outbox[to] = outbox[to] + framed if to in outbox else framed
        for to, frames in outbox.items():
            self.outgoing[to].sendall(frames)
            self.sent.append((to, len(frames)))

    # ------------------------------------------------------------- ends

    def close(self) -> None:
        for incoming in self.incoming.values():
            reset(incoming.socket)
        for one in self.outgoing.values():
            reset(one)
        self.incoming.clear()
        self.outgoing.clear()


def connect(hosts: list[Host], wires: Wires) -> None:
    """Make the connections between nodes of this process, through the controller."""
    doors = {host.node: socket.create_server((LOOPBACK, 0)) for host in hosts}
    try:
        for pair in wires.doors:
            _connect(hosts, wires, doors, pair)
    finally:
        for door in doors.values():
            door.close()


def _connect(
    hosts: list[Host], wires: Wires, doors: dict[int, socket.socket], pair: tuple[int, int]
) -> None:
    """Node i calls the controller for node j, and each learns from the handshake who it is."""
    source, dest = pair
    count = len(hosts)
    calling = called(port(wires.doors[pair]))
    hosts[source].outgoing[dest] = calling
    is_other = source != dest
    if is_other:
        calling.sendall(frame(hello(CLUSTER, source, dest)))
    wires.accept(pair, port(doors[dest]), handshake=is_other)
    listening = ready(doors[dest].accept()[0])
    sender = source
    if is_other:
        said = read_call(first_payload(listening), CLUSTER, dest, count)
        assert said.sender is not None
        sender = said.sender
        listening.sendall(frame(hello(CLUSTER, dest, None)))
        wires.answer(pair)
        read_answer(first_payload(calling), CLUSTER, dest, count)
    hosts[dest].incoming[source] = Incoming(listening, sender)
    for one in (calling, listening):
        blocking(one)
    wires.opened(pair)


def first_payload(one: socket.socket) -> bytes:
    """The only frame that waits, or will come."""
    reader = FrameReader(HELLO_LIMIT)
    found: Collection[bytes] = ()
    while not found:
        data = one.recv(4096)
        if not data:
            raise ConnectionError("a connection ended in its handshake")
        found = reader.feed(data)
    (payload,) = found
    return payload
