"""A node as a server: its journal, its connections, its clients, and the driver between them.

Rules of this file:

* It joins the parts and knows how they begin and end; what happens in between is in the parts.
* A data folder belongs to one node of one cluster, and says so in its file `node`: a node with
  another's memory could break its promises.
* It ends by `stop`, cleanly, or by an error of the disk: then nobody was told what is not on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import ssl
from pathlib import Path

import msgspec

from impl.journal import Journal, JournalError
from impl.paxos.messages import Malformed, Message
from impl.paxos.node import Node
from impl.server.config import Config
from impl.server.driver import Driver
from impl.server.history import History
from impl.server.operations import Client, Operations
from impl.server.trace_log import TraceLog
from impl.transport.connection import reason_of
from impl.transport.frames import ProtocolError, frame
from impl.transport.incoming import Door, Doorway, Incoming
from impl.transport.payloads import Answer, Propose, Rejected, Request, encode
from impl.transport.peers import Call, Link
from impl.transport.tls import contexts

IDENTITY = "node"
"""The file in a data folder that says whose it is."""


class StartError(Exception):
    """The node cannot begin; the message says why, and what would do."""


class DiskError(Exception):
    """The disk has failed, so the node stopped; the message says where."""


class Identity(msgspec.Struct, frozen=True):
    """Whose data folder this is."""

    cluster: str
    node: int
    nodes: int


class Server:
    """One node of a cluster."""

    def __init__(
        self, config: Config, *, history: Path | None = None, trace_log: Path | None = None
    ) -> None:
        self.config = config
        self._history_file = history
        self._trace_file = trace_log
        self._history: History | None = None
        self._trace: TraceLog | None = None
        self._answers: dict[Incoming, list[bytes]] = {}
        self._links: dict[int, Link] = {}
        self._listening: asyncio.Server | None = None
        self._stop = asyncio.Event()
        self.address = (config.own.host, config.own.port)
        """Where it listens, once it does."""

    # ------------------------------------------------------------------- beginning and end

    async def start(self) -> None:
        """Open everything and listen; `StartError` if that cannot be."""
        config, limits = self.config, self.config.limits
        nodes = len(config.nodes)
        try:
            tls = contexts(*config.tls) if config.tls else (None, None)
        except OSError as error:
            raise StartError(f"[tls] cannot be used: {error}") from None
        journal = self._open_journal()
        try:
            node = self._recovered(journal)
            self._open_lines(nodes)
            self.operations = Operations(self._answer, self._history, limits.request_s)
            self.driver = Driver(
                node,
                journal,
                self.operations,
                send=self._send,
                answer=self._send_answers,
                chance=random.Random(),
                retry_s=limits.retry_s,
                journal_bytes=limits.journal_bytes,
                history=self._history,
                trace=self._trace,
                eased=self._eased,
            )
            self.driver.log_recovered()
            hosts = tuple(one.host for one in config.nodes)
            self.door = Door(
                Doorway(config.cluster, config.me, hosts, limits.connections, limits.handshake_s),
                self,
            )
            await self._listen(tls[0])
        except BaseException:
            journal.close()
            raise
        for other in config.nodes:
            if other.id != config.me:
                call = Call(
                    config.cluster, config.me, other.id, nodes, other.host, other.port, tls[1]
                )
                link = Link(call, limits.queue_bytes, random.Random())
                self._links[other.id] = link
                link.start()

    async def run(self) -> None:
        """Until `stop`; `DiskError` if the disk fails."""
        driving = asyncio.create_task(self.driver.run())
        stopping = asyncio.create_task(self._stop.wait())
        failed: DiskError | None = None
        try:
            await asyncio.wait([driving, stopping], return_when=asyncio.FIRST_COMPLETED)
            self.driver.stop()
            await driving
        except (JournalError, OSError) as error:
            failed = DiskError(str(error))
        try:
            await self._close()
        except (JournalError, OSError) as error:
            failed = failed or DiskError(str(error))
        if failed is not None:
            raise failed
        stopping.cancel()

    def stop(self) -> None:
        """Stop cleanly, soon."""
        self._stop.set()

    async def _listen(self, tls: ssl.SSLContext | None) -> None:
        own = self.config.own
        host = own.listen or own.host
        try:
            self._listening = await asyncio.get_running_loop().create_server(
                self.door.connection,
                host,
                own.port,
                ssl=tls,
                ssl_handshake_timeout=self.config.limits.handshake_s if tls else None,
                backlog=1024,
            )
        except OSError as error:
            raise StartError(
                f"node {own.id} cannot listen on {host}:{own.port}: {reason_of(error)}; stop what "
                "has the port, or give the node another address in the configuration"
            ) from None
        self.address = self._listening.sockets[0].getsockname()[:2]

    async def _close(self) -> None:
        if self._listening is not None:
            self._listening.close()
        self.door.close()
        for link in self._links.values():
            await link.close()
        self.operations.stop()
        if self._history is not None:
            with contextlib.closing(self._history):
                self._history.flush()
        if self._trace is not None:
            with contextlib.closing(self._trace):
                self._trace.flush()
        self.driver.journal.close()

    # ------------------------------------------------------------------- the disk

    def _open_journal(self) -> Journal:
        try:
            return Journal.open(self.config.data)
        except JournalError as error:
            raise StartError(str(error)) from None

    def _recovered(self, journal: Journal) -> Node:
        records, journal.recovered = journal.recovered, []
        self._check_identity(bool(records))
        node = Node(self.config.me, len(self.config.nodes))
        try:
            node.recover(records)
        except Malformed as error:
            raise StartError(f"{self.config.data}: {error}") from None
        return node

    def _check_identity(self, used: bool) -> None:
        config = self.config
        own = Identity(config.cluster, config.me, len(config.nodes))
        file = config.data / IDENTITY
        try:
            found = msgspec.json.decode(file.read_bytes(), type=Identity)
        except FileNotFoundError:
            if used:
                raise StartError(
                    f"{file} is missing, and the folder holds a journal: restore it"
                ) from None
            _write_identity(file, own)
            return
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StartError(f"{file} cannot be read: {error}") from None
        if found != own:
            raise StartError(
                f"{config.data} is the data of node {found.node} of {found.nodes} in cluster "
                f"{found.cluster!r}, and not of node {own.node} of {own.nodes} in "
                f"{own.cluster!r}: give this node a folder of its own"
            )

    def _open_lines(self, nodes: int) -> None:
        me = self.config.me
        try:
            if self._history_file is not None:
                self._history = History(self._history_file, me, nodes)
            if self._trace_file is not None:
                self._trace = TraceLog(self._trace_file, me, nodes)
        except (OSError, ValueError) as error:
            raise StartError(str(error)) from None

    # ------------------------------------------------------------------- what comes in

    def receive(self, sender: int, key: str, message: Message) -> None:
        self.driver.receive(sender, key, message)

    def request(self, client: Incoming, request: Request) -> None:
        if self.operations.is_waiting(client, request.request):
            raise ProtocolError(f"there are two requests of number {request.request}")
        reason = self._impossible(request)
        if reason is not None:
            self._answer(client, Rejected(request.request, reason))
            self.driver.nudge()
            return
        now = asyncio.get_running_loop().time()
        if not self.operations.ask(client, request, now):
            self.driver.attempt(request.key)
        if self.operations.count(client) >= self.config.limits.requests:
            client.crowded = True
            client.read_or_not()

    def vanished(self, client: Incoming) -> None:
        self._answers.pop(client, None)
        self.operations.vanished(client)

    def overloaded(self) -> bool:
        return self.driver.overloaded()

    def _impossible(self, request: Request) -> str | None:
        limits = self.config.limits
        if _longer(request.key, limits.key_bytes):
            return f"the key is longer than {limits.key_bytes:,} bytes"
        if isinstance(request, Propose) and _longer(request.value, limits.value_bytes):
            return f"the value is longer than {limits.value_bytes:,} bytes"
        return None

    # ------------------------------------------------------------------- what goes out

    def _send(self, to: int, frames: bytes, messages: int) -> None:
        self._links[to].send(frames, messages)

    def _answer(self, client: Client, answer: Answer) -> None:
        assert isinstance(client, Incoming)
        self._answers.setdefault(client, []).append(frame(encode(answer)))

    def _send_answers(self) -> None:
        if not self._answers:
            return
        answers, self._answers = self._answers, {}
        for client, frames in answers.items():
            if client.transport is not None and not client.ended:
                client.transport.write(b"".join(frames))
                if client.crowded:
                    client.crowded = False
                    client.read_or_not()

    def _eased(self) -> None:
        if self.door.paused:
            self.door.resume()


def _longer(text: str, limit: int) -> bool:
    """Whether it has more bytes than that in UTF-8."""
    return len(text) * 4 > limit and len(text.encode()) > limit


def _write_identity(file: Path, identity: Identity) -> None:
    """All of it or nothing, whatever happens."""
    new = file.with_suffix(".new")
    try:
        with new.open("wb") as opened:
            opened.write(msgspec.json.encode(identity))
            opened.flush()
            os.fsync(opened.fileno())
        new.rename(file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StartError(f"{file} cannot be written: {error.strerror or error}") from None
