"""The search for sequential consistency (`ordered.c`) from Python; its theory: ../sequential.py."""

from __future__ import annotations

import ctypes
from ctypes import c_double, c_int, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from checker.history.history import OPEN, History
from checker.history.models.model import Model
from checker.history.native import library
from checker.history.needs import values_of
from checker.history.search.native import KERNEL, NoKernelError, asking
from checker.history.search.problem import Problem, problem_of
from checker.history.search.transitions import NONE, as_numbers

Status = Literal["paused", "ordered", "no order", "time", "memory"]
STATUSES: Final[tuple[Status, ...]] = ("paused", "ordered", "no order", "time", "memory")


@dataclass(frozen=True)
class Lines:
    """Operations by line; a line is what one process did, or one operation that never returned.

    One entry an operation: `origin` (its index in the history), `kind` (as in `problem`), `key`
    (0 .. `keys` - 1), `installs` and `observes` (numbers of values of one key, or NONE), `rank`
    (when it was invoked).  One entry a line: `first` (where it begins; one more: the end of the
    last), `gate_line` and `gate_at` (it can begin when that line came there; -1: at once).  Lines
    from `closed` on are of operations that never returned.  `held`: of each key the number of its
    first value.
    """

    problem: Problem
    origin: NDArray[Any]
    kind: NDArray[np.uint32]
    key: NDArray[np.uint32]
    keys: int
    installs: NDArray[np.uint32]
    observes: NDArray[np.uint32]
    ids: int
    held: NDArray[np.uint32]
    rank: NDArray[np.uint64]
    first: NDArray[np.uint32]
    closed: int
    gate_line: NDArray[np.int64]
    gate_at: NDArray[np.int64]


def lines_of(history: History, model: Model) -> Lines:
    """Of a history without operations that failed."""
    problem = problem_of(history, model)
    is_open = history.returned >= OPEN
    closed = np.flatnonzero(~is_open)
    closed = closed[np.argsort(history.process[closed], kind="stable")]
    process = history.process[closed]
    begins = np.flatnonzero(np.append(True, process[1:] != process[:-1])) if len(closed) else closed
    late = np.flatnonzero(is_open)
    order = np.concatenate([closed, late])
    first = np.concatenate([begins, len(closed) + np.arange(len(late) + 1)])
    gate_line = np.full(len(begins) + len(late), -1, dtype=np.int64)
    gate_at = np.zeros(len(gate_line), dtype=np.int64)
    line_of = {int(process[at]): line for line, at in enumerate(begins.tolist())}
    for line, i in enumerate(late.tolist(), len(begins)):
        mine = line_of.get(int(history.process[i]))
        if mine is not None:
            part = closed[first[mine] : first[mine + 1]]
            gate_line[line] = mine
            gate_at[line] = first[mine] + np.searchsorted(part, i)
    distinct, key = np.unique(history.key, return_inverse=True)
    if not model.independent_by_key:
        distinct, key = distinct[:1], np.zeros(len(history), dtype=np.int64)
    installs, observes, ids, held = _values(history, model, key, len(distinct))
    return Lines(
        problem=problem,
        origin=order,
        kind=as_numbers(problem.kind[order], np.uint32),
        key=as_numbers(key[order], np.uint32),
        keys=max(1, len(distinct)),
        installs=installs[order],
        observes=observes[order],
        ids=ids,
        held=held,
        rank=as_numbers(history.invoked[order], np.uint64),
        first=as_numbers(first, np.uint32),
        closed=len(begins),
        gate_line=gate_line,
        gate_at=gate_at,
    )


def _values(
    history: History, model: Model, key: NDArray[Any], keys: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint32], int, NDArray[np.uint32]]:
    """What each installs and observes, how many numbers there are, and what is there at first."""
    known = values_of(history, model)
    if known is None:
        nothing = np.full(len(history), NONE, dtype=np.uint32)
        return nothing, nothing, 0, np.full(max(1, keys), NONE, dtype=np.uint32)
    installs, observes, initial = known
    width = 1 + max(int(installs.max(initial=0)), int(observes.max(initial=0)), initial)
    parts = [np.where(codes < 0, -1, key * width + codes) for codes in (installs, observes)]
    parts.append(np.arange(max(1, keys)) * width + initial)
    distinct, places = np.unique(np.concatenate(parts), return_inverse=True)
    numbers = np.where(distinct[places] < 0, NONE, places).astype(np.uint32)
    count = len(history)
    return numbers[:count], numbers[count : 2 * count], len(distinct), numbers[2 * count :]


@cache
def _library() -> ctypes.CDLL | None:
    files = [
        KERNEL / "0_limits.c",
        KERNEL / "1_transitions.c",
        Path(__file__).with_name("ordered.c"),
    ]
    loaded = library("\n".join(path.read_text() for path in files), ("-O2",))
    if loaded is None:
        return None
    loaded.machine_new.restype = loaded.ordered_new.restype = c_void_p
    loaded.machine_new.argtypes = [c_uint32, c_uint32] + [c_void_p] * 4
    loaded.machine_free.argtypes = loaded.ordered_free.argtypes = [c_void_p]
    loaded.machine_free.restype = loaded.ordered_free.restype = None
    loaded.ordered_new.argtypes = [c_void_p] + [c_uint32] * 4 + [c_void_p] * 10
    loaded.ordered_run.argtypes = [c_void_p, c_uint64, c_double, c_uint64]
    loaded.ordered_run.restype = c_int
    loaded.ordered_furthest.argtypes = [c_void_p]
    loaded.ordered_furthest.restype = loaded.ordered_order.restype = c_uint64
    loaded.ordered_order.argtypes = [c_void_p, c_void_p]
    return loaded


class Search:
    """One search.  `close` it.  NoKernelError: there is no compiler."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self._machine = self._search = None
        loaded = _library()
        if loaded is None:
            raise NoKernelError
        self._library = loaded
        self._asking = asking(lines.problem)
        kinds = range(len(lines.problem.opened))
        reads = np.fromiter(map(lines.problem.is_read, kinds), dtype=np.uint8, count=len(kinds))
        self._machine = loaded.machine_new(
            len(kinds),
            0,
            None,
            ctypes.cast(self._asking.callback, c_void_p),
            self._asking.asked_of,
            self._asking.answers,
        )
        gates = [
            as_numbers(g, np.int64).astype(np.uint32) for g in (lines.gate_line, lines.gate_at)
        ]
        columns = [
            lines.first, lines.kind, lines.key, lines.installs, lines.observes, *gates,
            lines.rank, reads, lines.held,
        ]  # fmt: skip
        kept = [np.ascontiguousarray(column) for column in columns]
        if self._machine:
            self._search = loaded.ordered_new(
                self._machine, len(lines.first) - 1, lines.closed, lines.keys, lines.ids,
                *(column.ctypes.data for column in kept),
            )  # fmt: skip
        if not self._search:
            self.close()
            raise MemoryError("the search could not get memory for the history")

    def close(self) -> None:
        if self._search:
            self._library.ordered_free(self._search)
        if self._machine:
            self._library.machine_free(self._machine)
        self._machine = self._search = None

    def run(self, work: int, deadline: float, memory_bytes: int) -> Status:
        """`deadline`: of `time.monotonic`; `memory_bytes`: of the process, 0: no limit."""
        self._asking.limit(memory_bytes)
        status = self._library.ordered_run(self._search, work, deadline, memory_bytes)
        self._asking.check()
        if status >= len(STATUSES):
            raise MemoryError("the search could not get memory for its transitions")
        found: Status = STATUSES[status]
        return found

    @property
    def furthest(self) -> int:
        """The most operations that returned that one order came to have."""
        return int(self._library.ordered_furthest(self._search))

    def order(self) -> tuple[int, ...]:
        """After "ordered": indices into the history."""
        to = np.empty(len(self.lines.kind) + 1, dtype=np.uint32)
        count = self._library.ordered_order(self._search, to.ctypes.data)
        return tuple(self.lines.origin[to[:count]].tolist())


__all__ = ["Lines", "Search", "lines_of"]
