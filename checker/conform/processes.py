"""Nodes as processes of the operating system: killed by SIGKILL, started again from a real journal.

What `cluster.py` does in one process is done here with nothing in its place: the asyncio transport
of the server with its links that call again, journals in a folder with fdatasync, memory that is
gone because the process is.  A crash kills the process, and starts another one on the same folder;
the connections of the dead break, and are made again.

There are no snapshots: a state is reached from the start.  So this is for walks, not all edges:

    quorate conform paxos --system processes --walks 200

Where a step of the spec is several acts of the implementation (`Controller`), they are taken in
turn.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from checker.conform.binding import Binding, Frame
from checker.conform.controller import Controller, Local, Way
from checker.conform.host import Held
from checker.conform.network import Network
from checker.conform.system import Step
from checker.conform.wires import PATIENCE_S, WireError, Wires
from checker.lang.spec import Spec
from impl.journal import RealFiles
from impl.journal.recovery import recover

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[bytes]).decode


class NodeFailed(Exception):
    """A node raised an exception, ended, or said nothing for too long."""


class Child:
    """A process that is a node, and the pipes to it."""

    def __init__(self, core: str, log: Path, order: dict[str, Any]) -> None:
        with log.open("ab") as errors:
            # With the same modules as here: -P, for else those of the working folder come first.
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "checker.conform.node_process", core],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        self.log = log
        self._said = b""
        self._selector = selectors.DefaultSelector()
        assert self.process.stdout is not None
        self._selector.register(self.process.stdout, selectors.EVENT_READ)
        self.order(order)

    def order(self, order: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
        except BrokenPipeError:
            raise NodeFailed(self._ended()) from None

    def report(self) -> dict[str, Any]:
        """The next one; `NodeFailed` if it tells of an exception, or does not come."""
        pipe = self.process.stdout
        assert pipe is not None
        end = time.monotonic() + PATIENCE_S
        while b"\n" not in self._said:
            if not self._selector.select(max(0.0, end - time.monotonic())):
                raise NodeFailed(f"a node said nothing for {PATIENCE_S:g} s{self._last_words()}")
            data = os.read(pipe.fileno(), 1 << 16)
            if not data:
                raise NodeFailed(self._ended())
            self._said += data
        line, _, self._said = self._said.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        if said["error"]:
            raise NodeFailed(said["error"].strip())
        return said

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        self._selector.close()

    def _ended(self) -> str:
        return f"a node's process ended by itself{self._last_words()}"

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            if lines:
                return ": " + "\n".join(lines[-3:])
        return ""


class Processes(Controller):
    """The nodes, each a process; `core` is the `MODULE:CORE` of `node_process.py`."""

    def __init__(
        self, spec: Spec, binding: Binding, core: str, network: Network | None = None
    ) -> None:
        super().__init__(spec, binding, network)
        self.core = core
        self.children: list[Child] = []
        self.wires: Wires | None = None
        self.home: Path | None = None
        self.folders: list[Path] = []
        self.acts = 0
        self.begun = 0
        self._recovered: dict[tuple[int, bytes], bytes] = {}

    # ------------------------------------------------------------- Controller

    def begin(self) -> list[Held]:
        self.acts = 0
        self.begun += 1
        if self.home is None:
            self.home = Path(tempfile.mkdtemp(prefix="quorate-conform-"))
        old, self.folders = self.folders, [self._folder(node) for node in self.nodes]
        if len(self.children) == len(self.nodes):
            for node, child in enumerate(self.children):
                child.order({"do": "begin"} | self._start(node))
            reports = [child.report() for child in self.children]
        else:
            reports = self._spawn_all()
        for folder in old:
            shutil.rmtree(folder)
        return [self._held(node, said) for node, said in enumerate(reports)]

    def perform(self, local: Local, way: Way) -> tuple[Held, list[Frame]]:
        self.acts += 1
        try:
            return self._perform(local.node, way)
        except BaseException:
            self._end()  # the next `begin` has new processes
            raise

    def _perform(self, node: int, way: Way) -> tuple[Held, list[Frame]]:
        wires = self._wires()
        match way.act:
            case "receive":
                one = self.frames[way.what]
                if one.source == node:
                    self.children[node].order({"do": "own", "payload": one.frame.payload.hex()})
                else:
                    wires.deliver((one.source, node), one.framed)
            case "fire":
                event = self.binding.encode_event(way.what)
                self.children[node].order({"do": "fire", "event": event.hex()})
            case "sync":
                self.children[node].order({"do": "sync"})
            case _:
                return self._held(node, self._kill_and_restart(node)), []
        said = self.children[node].report()
        frames = [Frame(node, node, bytes.fromhex(payload)) for payload in said["own"]]
        for to, count in said["sent"]:
            frames += (Frame(node, to, payload) for payload in wires.collect((node, to), count))
        return self._held(node, said), frames

    def chosen(self, local: Local, step: Step, ways: list[Way]) -> Way:
        return ways[self.acts % len(ways)]

    def on_disk(self, node: int, held: Held) -> bytes:
        found = self._recovered.get((node, held.disk))
        if found is None:
            core = self.binding.core(node)
            core.recover(_unpack(held.disk))
            found = self._recovered[node, held.disk] = core.save()
        return found

    def close(self) -> None:
        self._end()
        if self.home is not None:
            shutil.rmtree(self.home, ignore_errors=True)
            self.home = None
            self.folders = []

    # ------------------------------------------------------------- processes

    def _wires(self) -> Wires:
        if self.wires is None:
            self.wires = Wires([(i, j) for i in self.nodes for j in self.nodes if i != j])
        return self.wires

    def _folder(self, node: int) -> Path:
        assert self.home is not None
        return self.home / f"node-{node}-{self.begun}"

    def _start(self, node: int) -> dict[str, Any]:
        first = [record.hex() for record in self.binding.first_records(node)]
        return {"folder": str(self.folders[node]), "first": first}

    def _spawn(self, node: int) -> Child:
        assert self.home is not None
        doors = self._wires().doors
        ports = {j: doors[node, j].getsockname()[1] for j in self.nodes if j != node}
        order = {"node": node, "nodes": len(self.nodes), "ports": ports} | self._start(node)
        return Child(self.core, self.home / f"node-{node}.log", order)

    def _spawn_all(self) -> list[dict[str, Any]]:
        self._end()
        wires = self._wires()
        self.children = [self._spawn(node) for node in self.nodes]
        reports = [child.report() for child in self.children]
        for source, dest in wires.doors:
            self._connect((source, dest), reports[dest]["port"])
        self._linked()
        return reports

    def _kill_and_restart(self, node: int) -> dict[str, Any]:
        """Kill a node's process, start another one in its place, and connect it."""
        wires = self._wires()
        self.children[node].kill()
        pairs = [pair for pair in wires.doors if node in pair]
        for pair in pairs:
            wires.drop(pair)
        self.children[node] = self._spawn(node)
        said = self.children[node].report()
        for source, dest in pairs:
            port = said["port"] if dest == node else self._ports[dest]
            self._connect((source, dest), port)
        self._linked()
        return said

    def _connect(self, pair: tuple[int, int], port: int) -> None:
        """Take the call of a link, and bring it through; a call that was given up is passed by."""
        wires = self._wires()
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                wires.accept(pair, port, handshake=True)
                wires.answer(pair)
                break
            except (WireError, ConnectionError):
                if time.monotonic() > end:
                    raise
        wires.opened(pair)

    def _linked(self) -> None:
        """Wait until each node knows that its links are there."""
        self._ports = []
        for child in self.children:
            child.order({"do": "linked"})
            self._ports.append(int(child.report()["port"]))

    def _held(self, node: int, said: dict[str, Any]) -> Held:
        """A node's state: what it says of its memory, and what is on its disk."""
        records: list[bytes] = []
        recover(RealFiles(self.folders[node]), records.append)
        return Held(bytes.fromhex(said["memory"]), _pack(records), tuple(said["waiting"]))

    def _end(self) -> None:
        for child in self.children:
            child.kill()
        self.children = []
        if self.wires is not None:
            self.wires.close()
            self.wires = None
