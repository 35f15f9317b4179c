"""`runtime/graph.c` from Python: the graph of a complete search, and lassos in it.

Each function of C is called in a thread of its own, and told to stop where a limit is reached or
the user interrupts.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from ctypes import POINTER, byref, c_int, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from typing import Any

from checker.engines.errors import NotNativeError
from checker.engines.native.build import RUNTIME, building
from checker.engines.native.generated import Words
from checker.engines.native.library import Search
from checker.engines.native.liveness_lasso import Run, Served
from checker.engines.python.plan import Instance
from checker.engines.python.watch import Watch, memory_bytes
from checker.lang.errors import LimitReached

SLICE_SECONDS = 0.1
"""How long C works before limits are looked at."""
NOBODY, SERVES_NONE = 0xFFFFFFFF, 0xFFFF
KINDS = ("eventually", "infinitely_often", "eventually_always", "leads_to")
"""By number, as in `runtime/graph_edges.h`."""
BYTES_OF_STATE, BYTES_OF_EDGE = 41, 6
"""What the graph takes, at most."""


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
        self.caused = False
        """Whether what the leads-to that was searched for last leads from is true anywhere."""
        self.source = make([(what.name, args) for what, args in instances])
        observing = building(self.source.observing, library.model_options)
        runtime = building(RUNTIME / "graph.c", library.runtime_options)
        self.model = library.model
        if self.source.labelled is not None:
            self.model = building(self.source.labelled, library.model_options).load()
        self.observing = observing.load()
        self.runtime = _typed(runtime.load())
        self._graph = self.runtime.graph_new(
            search.engine, _address(self.model, "model"), _address(self.observing, "liveness")
        )
        if not self._graph:
            raise LimitReached("there is no more memory for the graph")
        self._stop = c_uint8.from_address(self.runtime.graph_stop(self._graph))

    def close(self) -> None:
        self.runtime.graph_free(self._graph)

    def build(self) -> tuple[Words, int] | None:
        """Find all edges.  A state where telling of liveness is a model error, and its level."""
        self.edges = self._call(self.runtime.graph_count)
        failing = self._failing()
        if failing is not None:
            return failing
        self._check_room()
        if not self._call(self.runtime.graph_fill):
            raise LimitReached("there is no more memory for the graph")
        return self._failing()

    def search_for(self, number: int) -> Run | None:
        """A lasso that violates an instance, by its number."""
        kind, caused = KINDS.index(self.instances[number][0].kind), c_uint8()
        found = self._call(self.runtime.graph_search, number, kind, byref(caused))
        self.caused = bool(caused.value)
        if found < 0:
            raise AssertionError("a fair component has no way to what makes it fair")
        return self._run() if found else None

    def _run(self) -> Run:
        stem_length, loop_length = c_uint64(), c_uint64()
        self.runtime.graph_length(self._graph, byref(stem_length), byref(loop_length))
        stem, loop = (c_uint32 * stem_length.value)(), (c_uint32 * loop_length.value)()
        serves = (c_uint16 * loop_length.value)()
        self.runtime.graph_lasso(self._graph, stem, loop, serves)
        decode, state = self.search.library.generated.packing.decode, self.search.state
        return Run(
            [decode(state(number)) for number in stem],
            [
                (self._served(served), decode(state(number)))
                for served, number in zip(serves, loop, strict=True)
            ],
        )

    def _served(self, number: int) -> Served:
        return None if number == SERVES_NONE else self.source.assumptions[number]

    def _failing(self) -> tuple[Words, int] | None:
        level = c_uint32()
        state = self.runtime.graph_failing(self._graph, byref(level))
        return None if state == NOBODY else (self.search.state(state), level.value)

    def _check_room(self) -> None:
        most = self.watch.limits.max_memory_bytes
        needed = BYTES_OF_STATE * self.states + BYTES_OF_EDGE * self.edges
        if most is not None and memory_bytes() + needed >= most:
            raise LimitReached(f"the limit of {most:,} bytes of memory was reached")

    def _call(self, function: Callable[..., int], *args: Any) -> int:
        """What a function of C gives; it is stopped where the watch says so."""
        given: list[int] = []
        thread = threading.Thread(target=lambda: given.append(function(self._graph, *args)))
        thread.start()
        try:
            while True:
                thread.join(SLICE_SECONDS)
                self.watch.tick(self.states, self.edges, 0, 0, "liveness")
                if not thread.is_alive():
                    return given[0]
        except BaseException:
            self._stop.value = 1
            thread.join()
            raise


def _address(library: ctypes.CDLL, name: str) -> int:
    return ctypes.addressof(c_uint64.in_dll(library, name))


def _typed(runtime: ctypes.CDLL) -> ctypes.CDLL:
    number, large = POINTER(c_uint32), POINTER(c_uint64)
    signatures: dict[str, tuple[object, list[object]]] = {
        "graph_new": (c_void_p, [c_void_p, c_void_p, c_void_p]),
        "graph_stop": (c_void_p, [c_void_p]),
        "graph_count": (c_uint64, [c_void_p]),
        "graph_fill": (c_int, [c_void_p]),
        "graph_failing": (c_uint32, [c_void_p, number]),
        "graph_search": (c_int, [c_void_p, c_uint32, c_uint32, POINTER(c_uint8)]),
        "graph_length": (None, [c_void_p, large, large]),
        "graph_lasso": (None, [c_void_p, number, number, POINTER(c_uint16)]),
        "graph_free": (None, [c_void_p]),
    }
    for name, (returned, arguments) in signatures.items():
        function = getattr(runtime, name)
        function.restype, function.argtypes = returned, arguments
    return runtime
