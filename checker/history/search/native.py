"""The C kernel (`kernel/*.c`) from Python: problems prepared for it, and one search.

The kernel is compiled for the number of words that a configuration takes, once on each machine.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Sequence
from ctypes import POINTER, c_double, c_int, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from checker.history.budget import called_by_c
from checker.history.history import OPEN
from checker.history.native import library
from checker.history.search.problem import Problem
from checker.history.search.transitions import (
    MOST_ANSWERS,
    NONE,
    Complete,
    State,
    States,
    as_numbers,
    complete,
)

if TYPE_CHECKING:
    from checker.history.search.compiled import CompiledAsking

KERNEL = Path(__file__).parent / "kernel"
MOST_LAST = 64
MOST_NUMBER = 0x7FFFFFF0
FEW_ENTRIES = 4096
"""Of a complete table, at least; more for longer histories."""


class Engine(IntEnum):
    FRONTIER = 0
    DEPTH_FIRST = 1
    UNLIMITED = 2
    REUSABLE = 3


class Status(IntEnum):
    """As in `kernel/3_expand.c`."""

    PAUSED = 0
    LINEARIZABLE = 1
    VIOLATED = 2
    OUT_OF_TIME = 3
    OUT_OF_MEMORY = 4
    ASK_FAILED = 5


@dataclass(frozen=True)
class Numbers:
    configurations: int
    """Configurations that were kept (frontier) or met (depth first)."""
    widest: int
    """The most configurations of one front."""
    levels: int
    """Returns passed."""
    furthest: int
    """The event that the search came to: all before it can be explained."""
    bytes: int
    forgotten: int
    work: int


@dataclass(frozen=True)
class Last:
    """A configuration at the furthest return, in numbers."""

    state: int
    linearized: list[int]
    """Pending operations that have taken effect."""
    used: list[int]
    """Open operations that have."""


ASK = ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32, c_uint32)


class NoKernelError(Exception):
    """The kernel cannot be compiled here: plain.py does its work."""


@cache
def _library(mask_words: int, used_words: int) -> ctypes.CDLL | None:
    source = "\n".join(path.read_text() for path in sorted(KERNEL.glob("*.c")))
    sizes = (f"-DMASK_WORDS={mask_words}", f"-DUSED_WORDS={used_words}")
    loaded = library(source, ("-O2", *sizes))
    if loaded is None:
        return None
    words = POINTER(c_uint32)
    arrays: list[object] = [c_void_p] * 4
    signatures: dict[str, tuple[object, list[object]]] = {
        "machine_new": (c_void_p, [c_uint32, c_uint32, c_void_p, c_void_p, c_void_p, words]),
        "machine_free": (None, [c_void_p]),
        "machine_asked": (c_uint64, [c_void_p]),
        "search_new": (
            c_void_p,
            [c_void_p, c_int, c_uint32, c_uint32, *arrays, c_uint32, c_void_p, c_uint32, c_int],
        ),
        "search_free": (None, [c_void_p]),
        "search_run": (c_int, [c_void_p, c_int, c_uint64, c_double, c_uint64]),
        "search_numbers": (None, [c_void_p, POINTER(c_uint64)]),
        "search_last": (c_uint64, [c_void_p, c_int, c_uint64, POINTER(c_uint64)]),
        "search_pending": (None, [c_void_p, words]),
        "search_order": (
            c_uint64,
            [c_void_p, c_int, c_double, c_uint64, c_void_p, POINTER(c_int)],
        ),
    }
    for name, (returned, arguments) in signatures.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = returned, arguments
    return loaded


def _rounded(words: int) -> int:
    """Few sizes are compiled: 0 to 4, and powers of two."""
    return words if words <= 4 else 1 << (words - 1).bit_length()


class Asking:
    """What the kernel asks Python for: which states follow."""

    asked_of = None

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.states = problem.known.states = problem.known.states or States(problem.initial)
        self.error: BaseException | None = None
        self.memory_bytes = 0
        self.answers = (c_uint32 * MOST_ANSWERS)()
        self.callback = ASK(self._answer)

    def complete(self, opened: Sequence[bool], most: int) -> Complete | None:
        """The table of all transitions, if there can be one."""
        return complete(self.states, self.problem.step, opened, most)

    def limit(self, memory_bytes: int) -> None:
        """Of the search that asks; 0: there is none."""
        self.memory_bytes = memory_bytes

    def state(self, number: int) -> State:
        return self.states.of[number]

    def check(self) -> None:
        """Raise what the model raised."""
        error, self.error = self.error, None
        if error is not None:
            raise error

    @called_by_c
    def _answer(self, _: int | None, state: int, kind: int) -> int:
        """Called by the kernel."""
        try:
            after = self.problem.step(self.states.of[state], kind)
            if len(after) > MOST_ANSWERS:
                raise ValueError(f"more than {MOST_ANSWERS} states may follow one operation")
            for i, one in enumerate(after):
                self.answers[i] = self.states.number(one)
            if len(self.states.of) >= self.states.grows_at:
                self.states.look(self.memory_bytes)
            if len(self.states.of) > MOST_NUMBER:
                raise MemoryError("too many states")
            return len(after)
        except BaseException as error:  # it is raised again, outside of C
            self.error = error
            return -1


def asking(problem: Problem) -> Asking | CompiledAsking:
    """Who answers for a problem."""
    known = problem.known
    if known.states is None and known.compiled is None:
        compiled = problem.compiled()
        known.compiled = None if compiled is None else compiled.asking()
    return known.compiled or Asking(problem)


class Prepared:
    """A problem as the kernel wants it, and the transitions that its searches share.

    Open reads are left out: they change nothing, and nobody waits for them.  `close` it.
    `object_of`: of each operation, if those of different objects are never searched together.
    NoKernelError: there is no compiler.
    """

    def __init__(self, problem: Problem, object_of: NDArray[Any] | None = None) -> None:
        self.problem = problem
        known = problem.known
        self.asking = asking(problem)
        if not known.tried:
            most = FEW_ENTRIES + 2 * problem.operations
            known.table = self.asking.complete(problem.opened, most)
            known.tried = True
        table = known.table
        self.is_complete = table is not None
        self.reads = self._reads(table)
        self.kind = self._kinds(table)
        opened = np.array(problem.opened, dtype=np.bool_)
        is_open = opened[self.kind] if len(self.kind) else np.zeros(0, dtype=np.bool_)
        left_out = is_open & self.reads[self.kind] if len(self.kind) else is_open
        self.taken = np.flatnonzero(~left_out)
        self.events, self.positions = _events(problem, self.taken, is_open)
        self.field_of, self.fields, used_words = self._fields(table, is_open, object_of)
        mask_words = max(1, -(-_most_pending(self.events, is_open) // 64))
        self.mask_words, self.used_words = _rounded(mask_words), _rounded(used_words)
        self.machine = None
        loaded = _library(self.mask_words, self.used_words)
        if loaded is None:
            raise NoKernelError
        self.library = loaded
        entries = None if table is None else as_numbers(table.table, np.uint32)
        self.machine = self.library.machine_new(
            len(problem.opened),
            0 if entries is None else len(entries),
            None if entries is None else entries.ctypes.data,
            ctypes.cast(self.asking.callback, c_void_p),
            self.asking.asked_of,
            self.asking.answers,
        )
        if not self.machine:
            raise MemoryError("the general search could not get memory for its transitions")

    def close(self) -> None:
        if self.machine:
            self.library.machine_free(self.machine)
            self.machine = None

    @property
    def asked(self) -> int:
        """Transitions that the model was asked for."""
        return int(self.library.machine_asked(self.machine))

    def _reads(self, table: Complete | None) -> NDArray[np.bool_]:
        if table is not None:
            return table.reads
        kinds = range(len(self.problem.opened))
        return np.fromiter(map(self.problem.is_read, kinds), dtype=np.bool_, count=len(kinds))

    def _kinds(self, table: Complete | None) -> NDArray[np.uint32]:
        if table is None:
            return as_numbers(self.problem.kind, np.uint32)
        return as_numbers(np.array(table.alike, dtype=np.uint32)[self.problem.kind], np.uint32)

    def _fields(
        self, table: Complete | None, is_open: NDArray[np.bool_], object_of: NDArray[Any] | None
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint32], int]:
        """For each kind its field; for each field kind, word, shift, bits; how many words."""
        field_of = np.full(len(self.problem.opened), NONE, dtype=np.uint32)
        taken = self.taken[is_open[self.taken]]
        if not len(taken):
            return field_of, np.zeros(0, dtype=np.uint32), 0
        taken = taken[np.argsort(self.problem.invoked[taken], kind="stable")]
        kinds: list[int] = self.kind[taken].tolist()
        objects = [0] * len(kinds) if object_of is None else object_of[taken].tolist()
        counts = dict.fromkeys(kinds, 0)
        for (_, kind), count in Counter(zip(objects, kinds, strict=True)).items():
            counts[kind] = max(counts[kind], count)
        fields: list[int] = []
        word = shift = 0
        for field, (kind, count) in enumerate(counts.items()):
            bits = count.bit_length()
            if shift + bits + 1 > 64:
                word, shift = word + 1, 0
            fields += (kind, word, shift, bits)
            shift += bits + 1
            field_of[kind] = field
        if table is not None:
            for kind, twin in enumerate(table.twins):
                if twin >= 0:
                    field_of[kind] = field_of[twin]
        return field_of, np.array(fields, dtype=np.uint32), word + 1


def _events(
    problem: Problem, taken: NDArray[Any], is_open: NDArray[np.bool_]
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Invocations (twice the operation) and returns (and 1) in their order; their positions."""
    closed = taken[~is_open[taken]]
    positions = np.concatenate([problem.invoked[taken], problem.returned[closed]])
    codes = np.concatenate([2 * taken, 2 * closed + 1])
    if len(positions) and int(positions.max()) < 8 * len(positions) + 1024:
        at = np.full(int(positions.max()) + 1, -1, dtype=np.int64)
        at[positions] = codes
        where = np.flatnonzero(at >= 0)
        if len(where) != len(codes):
            raise ValueError("two events have one position")
        return as_numbers(at[where], np.uint32), where
    order = np.argsort(positions, kind="stable")
    return as_numbers(codes[order], np.uint32), positions[order]


def _most_pending(events: NDArray[np.uint32], is_open: NDArray[np.bool_]) -> int:
    if not len(events):
        return 0
    change = 1 - 2 * (events & 1).astype(np.int32)
    change[is_open[events >> 1]] = 0
    return int(np.cumsum(change).max())


class Search:
    """One search of a prepared problem by one engine.  `close` it.

    `events`: only these of the problem's; `operations`: they are of these, and name them from 0.
    What is told of operations is then of no use, and `furthest` counts these events.
    """

    def __init__(
        self,
        prepared: Prepared,
        engine: Engine,
        *,
        with_order: bool,
        events: NDArray[np.uint32] | None = None,
        operations: slice | None = None,
    ) -> None:
        self.prepared, self.engine = prepared, engine
        self.library = prepared.library
        p = prepared
        flags = as_numbers(p.reads, np.uint8)
        events = p.events if events is None else events
        kind = p.kind if operations is None else p.kind[operations]
        self._search = self.library.search_new(
            p.machine,
            engine,
            len(kind),
            len(events),
            kind.ctypes.data,
            events.ctypes.data,
            flags.ctypes.data,
            p.field_of.ctypes.data,
            len(p.fields) // 4,
            p.fields.ctypes.data,
            0,
            with_order,
        )
        if not self._search:
            raise MemoryError("the general search could not get memory for the history")

    def close(self) -> None:
        if self._search:
            self.library.search_free(self._search)
            self._search = None

    def run(self, work: int, deadline: float, memory_bytes: int) -> Status:
        """`deadline`: of `time.monotonic`; `memory_bytes`: of the process, 0: no limit."""
        self.prepared.asking.limit(memory_bytes)
        status = self.library.search_run(self._search, self.engine, work, deadline, memory_bytes)
        self.prepared.asking.check()
        return Status(status)

    def numbers(self) -> Numbers:
        held = (c_uint64 * 7)()
        self.library.search_numbers(self._search, held)
        return Numbers(*held)

    def last(self) -> list[Last]:
        """Some configurations at the furthest return, none of which can pass it."""
        p = self.prepared
        each = 1 + p.mask_words + p.used_words
        held = (c_uint64 * (MOST_LAST * each))()
        count = self.library.search_last(self._search, self.engine, MOST_LAST, held)
        self.prepared.asking.check()
        return [self._last(held[i * each : (i + 1) * each]) for i in range(count)]

    def pending(self) -> list[int]:
        """After `last`: the operations that are pending at the furthest return."""
        return sorted(op for op in self._slots() if op != NONE)

    def _slots(self) -> list[int]:
        slots = (c_uint32 * (64 * self.prepared.mask_words))()
        self.library.search_pending(self._search, slots)
        return list(slots)

    def _last(self, words: Sequence[int]) -> Last:
        p = self.prepared
        mask, counters = words[1 : 1 + p.mask_words], words[1 + p.mask_words :]
        linearized = [
            op for i, op in enumerate(self._slots()) if op != NONE and mask[i // 64] >> i % 64 & 1
        ]
        used: list[int] = []
        for kind, word, shift, bits in p.fields.reshape(-1, 4).tolist():
            count = counters[word] >> shift & (1 << bits) - 1
            if count:
                which = np.flatnonzero((p.kind == kind) & (p.problem.returned >= OPEN))
                used += which[np.argsort(p.problem.invoked[which], kind="stable")][:count].tolist()
        return Last(words[0], sorted(linearized), sorted(used))

    def order(self, deadline: float, memory_bytes: int) -> list[int] | Status:
        """After LINEARIZABLE: the operations that take effect, or the limit that was reached."""
        to = np.empty(len(self.prepared.kind) + 1, dtype=np.uint32)
        status = c_int()
        count = self.library.search_order(
            self._search, self.engine, deadline, memory_bytes, to.ctypes.data, ctypes.byref(status)
        )
        self.prepared.asking.check()
        if status.value > 0:
            return Status(status.value)
        assert status.value == 0, "a linearization that was found could not be told"
        found: list[int] = to[:count].tolist()
        return found
