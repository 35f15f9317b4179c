"""One node as a process: the transport and the journal of the server, and a controller's orders.

    python -m checker.conform.node_process MODULE:CORE < orders > reports

It has what a server has: a door for the other nodes' connections, a link to each of them that calls
again when it is lost, a journal in a folder.  What it does not have is a will of its own: a
controller says when its client asks, when its timer is over, when its journal syncs.

Orders and reports are lines of JSON.  The first order says who it is, and is answered when its door
is open; each other order, and each frame that comes, is answered by a report when it is done.

    {"node": 0, "nodes": 3, "folder": "...", "first": ["<hex>"], "ports": {"1": 40001, "2": 40002}}
    {"do": "begin", "folder": "...", "first": ["<hex>"]}   a new node, these records on its disk
    {"do": "linked"}                                       report when all links are there
    {"do": "fire", "event": "<hex>"}    {"do": "sync"}     {"do": "own", "payload": "<hex>"}

    {"port": 40007, "memory": "<hex>", "waiting": ["x"], "sent": [[1, 24]], "own": ["<hex>"],
     "error": ""}

`sent`: to which node, and how many bytes; `own`: what it sent to itself; `error`: what was raised.
It ends with its standard input.  To crash it, kill it.

CORE is a class with `new(node, nodes)`, `decode_event` and the methods of `binding.Core`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import random
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from checker.conform.binding import Core, Effects
from checker.conform.host import CLUSTER
from checker.conform.wires import LOOPBACK
from impl.journal import Journal
from impl.transport import peers
from impl.transport.frames import HEADER
from impl.transport.incoming import Door, Doorway, Incoming
from impl.transport.payloads import Request

LINK_BYTES = 2**20
LINE_LIMIT = 2**26


class NodeProcess:
    """The node, and what it is told."""

    def __init__(self, make: Any, order: dict[str, Any]) -> None:
        self.make = make
        self.node, self.nodes = int(order["node"]), int(order["nodes"])
        self.links = {
            int(to): peers.Link(self._call(int(to), port), LINK_BYTES, random.Random(0))
            for to, port in order["ports"].items()
        }
        hosts = (LOOPBACK,) * self.nodes
        self.door = Door(Doorway(CLUSTER, self.node, hosts, handshake_s=60.0), self)
        self.journal: Journal | None = None
        self.core: Core
        self.waiting: list[str] = []
        self.sent: list[tuple[int, int]] = []
        self.own: list[str] = []
        self.port = 0
        self.begin(order["folder"], [bytes.fromhex(record) for record in order["first"]])

    def _call(self, to: int, port: int) -> peers.Call:
        return peers.Call(CLUSTER, self.node, to, self.nodes, LOOPBACK, port)

    def begin(self, folder: str, first: Sequence[bytes]) -> None:
        """Start with what is in a folder; with these records, if it is new."""
        if self.journal is not None:
            self.journal.close()
        journal = Journal.open(folder)
        if not journal.recovered and first:
            for record in first:
                journal.append(record)
            journal.close()
            journal = Journal.open(folder)
        self.journal = journal
        self.core = self.make.new(self.node, self.nodes)
        self.core.recover(journal.recovered)
        self.waiting = []

    async def open(self) -> None:
        """Open the door; the links begin to call."""
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(self.door.connection, LOOPBACK, 0)
        self.port = self.server.sockets[0].getsockname()[1]
        for link in self.links.values():
            link.start()

    # ------------------------------------------------------------- what comes

    def receive(self, sender: int, key: str, message: Any) -> None:
        """A message has come: `incoming.Host`."""
        self._report(lambda: self.core.take(sender, key, message))

    def request(self, client: Incoming, request: Request) -> None:
        raise AssertionError("there are no clients here")

    def vanished(self, client: Incoming) -> None:
        raise AssertionError("there are no clients here")

    def overloaded(self) -> bool:
        return False

    async def obey(self, order: dict[str, Any]) -> None:
        match order["do"]:
            case "begin":
                first = [bytes.fromhex(record) for record in order["first"]]
                self._report(lambda: self.begin(order["folder"], first))
            case "linked":
                while not all(link.connected for link in self.links.values()):
                    await asyncio.sleep(0.001)
                self._report(lambda: None)
            case "fire":
                event = self.make.decode_event(bytes.fromhex(order["event"]))
                self._report(lambda: self.core.fire(event))
            case "own":
                payload = bytes.fromhex(order["payload"])
                self._report(lambda: self.core.receive(self.node, payload))
            case "sync":
                self._report(self._sync)
            case other:
                raise AssertionError(f"no such order: {other}")

    def _sync(self) -> None:
        assert self.journal is not None
        self.journal.sync()
        waiting, self.waiting = self.waiting, []
        for key in waiting:
            self._bring_about(self.core.written(key))

    # ------------------------------------------------------------- what it does

    def _report(self, act: Any) -> None:
        error = ""
        self.sent.clear()
        self.own.clear()
        try:
            effects = act()
            if effects is not None:
                self._bring_about(effects)
        except Exception:
            error = traceback.format_exc(limit=-3)
        self.report(error)

    def report(self, error: str = "") -> None:
        said = {
            "port": self.port,
            "memory": self.core.save().hex(),
            "waiting": self.waiting,
            "sent": self.sent,
            "own": self.own,
            "error": error,
        }
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()

    def _bring_about(self, effects: Effects) -> None:
        assert self.journal is not None
        for key, record in effects.records:
            self.journal.append(record)
            self.waiting.append(key)
        outbox: dict[int, list[bytes]] = {}
        for to, framed in effects.sends:
            if to == self.node:
                self.own.append(framed[HEADER:].hex())
            else:
                outbox.setdefault(to, []).append(framed)
        for to, frames in outbox.items():
            link, together = self.links[to], b"".join(frames)
            before = link.dropped
            link.send(together, len(frames))
            if link.dropped != before:
                raise ConnectionError(f"the link to node {to} dropped what was sent")
            self.sent.append((to, len(together)))


async def main(core: str) -> None:
    """Obey until standard input ends."""
    # The controller is on this machine, and is there: to wait before a call only takes time.
    peers.FIRST_PAUSE_S = peers.LONGEST_PAUSE_S = 0.01
    peers.CALL_S = 60.0
    module, _, name = core.partition(":")
    make = getattr(importlib.import_module(module), name)
    orders = asyncio.StreamReader(limit=LINE_LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    node = NodeProcess(make, json.loads(await orders.readline()))
    await node.open()
    node.report()
    while line := await orders.readline():
        await node.obey(json.loads(line))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(sys.argv[1]))
