"""`runtime/graph.c` from Python: the graph of a complete search, and lassos in it.

The functions of C that take long are called in threads, and told to stop where a limit is reached
or the user interrupts.  Several instances of properties are searched at once, by as many threads
as there is memory for.
"""

from __future__ import annotations

import ctypes
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from ctypes import POINTER, byref, c_int, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from checker.engines.errors import NotNativeError
from checker.engines.native.build import RUNTIME, building
from checker.engines.native.generated import Words
from checker.engines.native.library import Search
from checker.engines.native.liveness.lasso import Run, Served
from checker.engines.python.plan import Instance
from checker.engines.python.watch import Watch, memory_bytes
from checker.lang.errors import LimitReached

SLICE_SECONDS = 0.1
"""How long C works before limits are looked at."""
NOBODY, SERVES_NONE, GIVEN_UP = 0xFFFFFFFF, 0xFFFF, -1
KINDS = ("eventually", "infinitely_often", "eventually_always", "leads_to")
"""By number, as in `runtime/graph_edges.h`."""
BYTES_OF_STATE, BYTES_OF_EDGE = 9, 6
"""What the graph takes."""
BYTES_SEARCHED = 33
"""What one search takes for each state, at most."""

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What was found of an instance."""

    caused: bool
    """Of a leads-to: whether what it leads from is true anywhere."""
    run: Run | None
    """A lasso that violates it."""


class LivenessGraph:
    """The graph of a complete search.  `build` it first, and `close` it."""

    def __init__(self, search: Search, instances: list[Instance], watch: Watch) -> None:
        library = search.library
        make = library.generated.liveness
        if make is None:
            raise NotNativeError("liveness properties have no native form here")
        self.search = search
        self.instances = instances
        self.watch = watch
        self.states = search.numbers().states
        self.edges = 0
        source = make([(what.name, args) for what, args in instances])
        self.assumptions = source.assumptions
        observing = building(source.observing, library.model_options)
        runtime = building(RUNTIME / "graph.c", library.runtime_options)
        self.observing = observing.load()
        self.runtime = _typed(runtime.load())
        model, liveness = _address(library.model, "model"), _address(self.observing, "liveness")
        self.graph = self._made(self.runtime.graph_new(search.engine, model, liveness))
        self.made = [self.graph]

    def close(self) -> None:
        for made in reversed(self.made):
            self.runtime.graph_free(made)

    def _made(self, pointer: int | None) -> int:
        if not pointer:
            raise LimitReached("there is no more memory for the graph")
        return pointer

    # ------------------------------------------------------------- the graph

    def build(self) -> tuple[Words, int] | None:
        """Find all edges.  A state where telling of liveness is a model error, and its level."""
        self.edges = self._together([lambda: int(self.runtime.graph_count(self.graph))])[0]
        failing = self._failing()
        if failing is not None:
            return failing
        self._check_room(BYTES_OF_STATE * self.states + BYTES_OF_EDGE * self.edges)
        if not self._together([lambda: int(self.runtime.graph_fill(self.graph))])[0]:
            raise LimitReached("there is no more memory for the graph")
        return self._failing()

    def _failing(self) -> tuple[Words, int] | None:
        level = c_uint32()
        state = self.runtime.graph_failing(self.graph, byref(level))
        return None if state == NOBODY else (self.search.state(state), level.value)

    # ------------------------------------------------------------- lassos

    def answers(self) -> dict[int, Answer]:
        """By the number of the instance; of one property, at least up to a violation."""
        each = BYTES_SEARCHED * self.states
        self._check_room(each)
        hands = self.runtime.graph_hands(self.graph)
        count = min(hands, len(self.instances), self._room() // each)
        searchers = [self.searcher(hands // count) for _ in range(count)]
        waiting = deque(range(len(self.instances)))
        found: dict[int, Answer] = {}
        self._together([partial(self._search_on, made, waiting, found) for made in searchers])
        return found

    def searcher(self, hands: int) -> int:
        """What `search_for` works with: it has arrays of its own, and so many threads."""
        made = self._made(self.runtime.graph_searcher(self.graph, hands))
        self.made.append(made)
        return made

    def _search_on(self, searcher: int, waiting: deque[int], found: dict[int, Answer]) -> None:
        while waiting:
            try:
                number = waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            name = self.instances[number][0].name
            if not any(
                answer.run and other < number and self.instances[other][0].name == name
                for other, answer in found.copy().items()
            ):
                found[number] = self.search_for(searcher, number)

    def search_for(self, searcher: int, number: int) -> Answer:
        """Look for a violation of one instance, by its number."""
        kind, caused = KINDS.index(self.instances[number][0].kind), c_uint8()
        given = self.runtime.graph_search(searcher, number, kind, byref(caused))
        if given == GIVEN_UP:
            raise AssertionError("a fair component has no way to what makes it fair")
        return Answer(bool(caused.value), self._run(searcher) if given else None)

    def _run(self, searcher: int) -> Run:
        stem_length, loop_length = c_uint64(), c_uint64()
        self.runtime.graph_length(searcher, byref(stem_length), byref(loop_length))
        stem, loop = (c_uint32 * stem_length.value)(), (c_uint32 * loop_length.value)()
        serves = (c_uint16 * loop_length.value)()
        self.runtime.graph_lasso(searcher, stem, loop, serves)
        decode, state = self.search.library.generated.packing.decode, self.search.state
        return Run(
            [decode(state(number)) for number in stem],
            [
                (self._served(served), decode(state(number)))
                for served, number in zip(serves, loop, strict=True)
            ],
        )

    def _served(self, number: int) -> Served:
        return None if number == SERVES_NONE else self.assumptions[number]

    # ------------------------------------------------------------- limits

    def _room(self) -> int:
        """How many bytes the limit leaves."""
        most = self.watch.limits.max_memory_bytes
        return sys.maxsize if most is None else most - memory_bytes()

    def _check_room(self, needed: int) -> None:
        if needed >= self._room():
            most = self.watch.limits.max_memory_bytes
            raise LimitReached(f"the limit of {most:,} bytes of memory was reached")

    def _together(self, calls: list[Callable[[], T]]) -> list[T]:
        """What these calls give, each in a thread; they are stopped where the watch says so."""
        with ThreadPoolExecutor(len(calls)) as pool:
            futures = [pool.submit(call) for call in calls]
            try:
                while wait(futures, SLICE_SECONDS, FIRST_EXCEPTION).not_done:
                    self.watch.weigh()
                    self.watch.tick(self.states, self.edges, 0, 0, "liveness")
                return [future.result() for future in futures]
            except BaseException:
                for made in self.made:
                    c_uint8.from_address(self.runtime.graph_stop(made)).value = 1
                raise


def _address(library: ctypes.CDLL, name: str) -> int:
    return ctypes.addressof(c_uint64.in_dll(library, name))


def _typed(runtime: ctypes.CDLL) -> ctypes.CDLL:
    number, large = POINTER(c_uint32), POINTER(c_uint64)
    signatures: dict[str, tuple[object, list[object]]] = {
        "graph_new": (c_void_p, [c_void_p, c_void_p, c_void_p]),
        "graph_hands": (c_uint32, [c_void_p]),
        "graph_stop": (c_void_p, [c_void_p]),
        "graph_count": (c_uint64, [c_void_p]),
        "graph_fill": (c_int, [c_void_p]),
        "graph_failing": (c_uint32, [c_void_p, number]),
        "graph_searcher": (c_void_p, [c_void_p, c_uint32]),
        "graph_search": (c_int, [c_void_p, c_uint32, c_uint32, POINTER(c_uint8)]),
        "graph_length": (None, [c_void_p, large, large]),
        "graph_lasso": (None, [c_void_p, number, number, POINTER(c_uint16)]),
        "graph_free": (None, [c_void_p]),
    }
    for name, (returned, arguments) in signatures.items():
        function = getattr(runtime, name)
        function.restype, function.argtypes = returned, arguments
    return runtime
