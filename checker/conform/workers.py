"""The edges of a graph, shared by several processes.

The spanning tree is cut into parts: whole subtrees, and single states near the root.  A process
takes the edges of its parts, and only passes through the states on the way to them.  So no
snapshot ever goes from one process to another, and a system needs nothing for it.

Who takes which part does not show in the answer: the first edge that diverges is the first of
all, whoever found it.  Processes are forked, so that the graph is shared memory; each makes a
system of its own.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from checker.conform.graph import Graph
from checker.conform.system import AdapterError
from checker.lang.errors import QuorateError

T = TypeVar("T")

PARTS_PER_WORKER = 16
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 5.0
"""How long processes that were told to stop may take before they are ended."""


# --------------------------------------------------------------------------- who does what


@dataclass(frozen=True)
class Share:
    """The states whose edges one process takes, and those that it passes through."""

    owned: set[int] | None
    passed: set[int]


def shares(graph: Graph, workers: int) -> list[Share]:
    """Parts of about as many edges for each process."""
    if workers == 1:
        return [Share(None, set())]
    parent = [graph.source(edge) if edge >= 0 else -1 for edge in graph.tree]
    weights = [len(graph.edges_of(state)) for state in range(graph.states)]
    below = weights[:]
    for state in range(graph.states - 1, -1, -1):
        if parent[state] >= 0:
            below[parent[state]] += below[state]
    most = max(1, graph.edges // (PARTS_PER_WORKER * workers))
    part_of = [-1] * graph.states
    sizes: list[tuple[int, int]] = []
    for state in range(graph.states):
        before = parent[state]
        if before >= 0 and below[before] <= most:
            part_of[state] = part_of[before]
            continue
        part_of[state] = state
        sizes.append((below[state] if below[state] <= most else weights[state], state))
    owner = _dealt(sizes, workers)
    owned: list[set[int]] = [set() for _ in range(workers)]
    for state in range(graph.extended):
        owned[owner[part_of[state]]].add(state)
    return [Share(mine, _ancestors(mine, parent)) for mine in owned]


def _dealt(sizes: list[tuple[int, int]], workers: int) -> dict[int, int]:
    """Each part to whoever has least, the largest parts first."""
    loads = [0] * workers
    owner = {}
    for size, part in sorted(sizes, key=lambda one: (-one[0], one[1])):
        least = loads.index(min(loads))
        loads[least] += size
        owner[part] = least
    return owner


def _ancestors(states: set[int], parent: list[int]) -> set[int]:
    """The states on the tree's paths to these, that are not among them."""
    found: set[int] = set()
    for state in states:
        while (state := parent[state]) >= 0 and state not in found:
            found.add(state)
    return found - states


# --------------------------------------------------------------------------- processes


class Shared:
    """What processes tell each other while they work."""

    def __init__(self, workers: int) -> None:
        self.counts = multiprocessing.RawArray("q", workers)
        """What each has done so far."""
        self.first = multiprocessing.RawArray("q", [1 << 62] * workers)
        """The first edge that each has seen to diverge."""
        self.stop = multiprocessing.RawValue("b", 0)

    def until(self) -> int:
        """No edge beyond this one needs to be taken."""
        return -2 if self.stop.value else min(self.first)


class Crew(Generic[T]):
    """Runs `work(number)` for each of several workers."""

    def __init__(self, workers: int, shared: Shared, poll: Callable[[], None]) -> None:
        self.workers = workers
        self.shared = shared
        self.poll = poll
        self.interrupted = False

    def run(self, work: Callable[[int], T]) -> list[T]:
        """What they give, in order.  `AdapterError` if one of them could not do its work."""
        context = multiprocessing.get_context("fork")
        crew = []
        for number in range(self.workers):
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=_child, args=(work, number, there), daemon=True)
            process.start()
            there.close()
            crew.append((process, here))
        try:
            return self._results([here for _, here in crew])
        finally:
            self.shared.stop.value = 1
            for process, here in crew:
                process.join(PATIENCE_SECONDS)
                if process.is_alive():
                    process.kill()
                    process.join()
                here.close()

    def _results(self, pipes: list[Connection]) -> list[T]:
        held: dict[int, T] = {}
        end = float("inf")
        while len(held) < len(pipes) and time.monotonic() < end:
            try:
                waiting = [pipe for n, pipe in enumerate(pipes) if n not in held]
                for pipe in wait(waiting, POLL_SECONDS):
                    assert isinstance(pipe, Connection)
                    held[pipes.index(pipe)] = received(pipe)
                self.poll()
            except KeyboardInterrupt:
                self.interrupted = True
                self.shared.stop.value = 1
                end = time.monotonic() + PATIENCE_SECONDS
        return [held[number] for number in sorted(held)]


def received(pipe: Connection) -> Any:
    """What a process has done; `AdapterError` if it could not, or is gone."""
    try:
        kind, what = pipe.recv()
    except (EOFError, OSError):
        kind, what = "ended", None
    if kind == "ended":
        raise AdapterError(
            "a process that drove the system ended without a word: was it killed, or out of "
            "memory?  Try --workers 1"
        )
    if kind == "error":
        raise AdapterError(what)
    return what


def _child(work: Callable[[int], Any], number: int, pipe: Connection) -> None:
    try:
        answer = ("done", work(number))
    except QuorateError as error:
        answer = ("error", str(error))
    with suppress(OSError):
        pipe.send(answer)
    pipe.close()


def in_turn(count: int, worker: int, workers: int) -> Iterator[int]:
    """The numbers, of `count` in all, that one of several workers does."""
    yield from range(worker, count, workers)
