"""A cluster of real processes, its ports, and the end of all of them.

A port is kept for a test by holding it on another address of loopback, 127.0.0.2, for as long as
the test runs; nodes listen on 127.0.0.1.  So no two tests have the same port, though nodes that are
killed and started again leave theirs for a while.  Ports lie below those that the kernel gives to
callers.
"""

from __future__ import annotations

import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from impl.client import Client

PATIENCE_S = 30.0
"""For what takes a fraction of a second on an idle machine."""


@contextmanager
def kept_ports(count: int) -> Iterator[list[int]]:
    """So many ports that nobody else uses."""
    chance = random.Random(os.urandom(8))
    held: list[socket.socket] = []
    try:
        while len(held) < count:
            port = chance.randrange(12_000, 32_000)
            try:
                held.append(socket.create_server(("127.0.0.2", port), reuse_port=False))
                socket.create_server(("127.0.0.1", port)).close()
            except OSError:
                held = [one for one in held if one.getsockname()[1] != port]
        yield [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


class Process:
    """One `quorate serve`."""

    def __init__(self, folder: Path, node: int, *options: str, file_limit: int | None = None):
        self.log = folder / f"log-{node}"
        command = [sys.executable, "-m", "checker.cli", "serve", "--node", str(node)]
        command += ["--config", str(folder / "cluster.toml"), *options]
        if file_limit is not None:
            # As a full disk: no file can grow beyond this.
            command = ["prlimit", f"--fsize={file_limit}", *command]
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)

    def wait_ready(self) -> str:
        """The line that says where it listens."""
        assert self.popen.stdout is not None
        readable, _, _ = select.select([self.popen.stdout], [], [], PATIENCE_S)
        line = self.popen.stdout.readline().decode() if readable else ""
        assert "listens on" in line, f"{line!r}; its log:\n{self.log.read_text()}"
        return line.strip()

    def signal(self, number: signal.Signals) -> None:
        self.popen.send_signal(number)

    def wait(self) -> int:
        status = self.popen.wait(PATIENCE_S)
        self._close()
        return status

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait(PATIENCE_S)
        self._close()

    def _close(self) -> None:
        assert self.popen.stdout is not None
        self.popen.stdout.close()

    @property
    def running(self) -> bool:
        return self.popen.poll() is None


class Cluster:
    """Nodes 0 to `nodes` - 1; as a context, they are gone at its end."""

    def __init__(self, folder: Path, nodes: int = 3, more: str = "", host: str = "127.0.0.1"):
        self.folder = folder
        self.nodes = nodes
        self._ports = kept_ports(nodes)
        self.ports = self._ports.__enter__()
        self.processes: dict[int, Process] = {}
        rows = "".join(
            f'  {{ id = {i}, host = "{host}", port = {p} }},\n' for i, p in enumerate(self.ports)
        )
        text = f'cluster = "test"\nnodes = [\n{rows}]\ndata = "data-{{node}}"\n{more}\n'
        (folder / "cluster.toml").write_text(text)

    def address(self, node: int) -> str:
        return f"127.0.0.1:{self.ports[node]}"

    @property
    def addresses(self) -> list[str]:
        return [self.address(node) for node in range(self.nodes)]

    def client(self, *nodes: int, timeout: float = PATIENCE_S) -> Client:
        return Client([self.address(node) for node in nodes or range(self.nodes)], timeout=timeout)

    def start(self, *nodes: int, logs: bool = True, file_limit: int | None = None) -> None:
        """Start these nodes, or all; with history and trace."""
        chosen = nodes or tuple(range(self.nodes))
        for node in chosen:
            options = ["--history", str(self.history(node)), "--trace-log", str(self.trace(node))]
            self.processes[node] = Process(
                self.folder, node, *(options if logs else []), file_limit=file_limit
            )
        for node in chosen:
            self.processes[node].wait_ready()

    def kill(self, *nodes: int) -> None:
        """SIGKILL, at once."""
        for node in nodes or tuple(self.processes):
            self.processes.pop(node).kill()

    def stop(self, *nodes: int) -> list[int]:
        """SIGTERM; the exit statuses."""
        stopped = [self.processes.pop(node) for node in nodes or tuple(self.processes)]
        for one in stopped:
            one.signal(signal.SIGTERM)
        return [one.wait() for one in stopped]

    def history(self, node: int) -> Path:
        return self.folder / f"history-{node}.jsonl"

    def trace(self, node: int) -> Path:
        return self.folder / f"trace-{node}.jsonl"

    def log(self, node: int) -> str:
        return (self.folder / f"log-{node}").read_text()

    def logged(self, node: int, *words: str) -> bool:
        """Whether a line of the node's log has all these words."""
        return any(all(word in line for word in words) for line in self.log(node).splitlines())

    def wait_log(self, node: int, *words: str) -> None:
        """Until a line of the node's log has all these words."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if self.logged(node, *words):
                return
            time.sleep(0.01)
        raise AssertionError(f"no line has {words}:\n{self.log(node)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self.processes.values():
            process.signal(signal.SIGCONT)
        self.kill()
        self._ports.__exit__(kind, error, trace)
