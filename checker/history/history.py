"""A history: what clients asked of a system, what they were told, and in which order.

Theory (Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects",
1990).  An operation lasts from its invocation to its response.  If one returned before another
was invoked it precedes that; else they are concurrent.  Only the order of these events counts,
so an event's *position* is its number in the file, from 0, and clocks are not trusted.

`History` holds n operations in the order of their invocations, as numpy columns of length n:

    column          dtype   what it holds
    process         int32   index into `processes` (numbers or texts, as they were named)
    f               int32   index into `functions` (texts)
    key             int32   index into `keys`; a missing key is None, a key like any other
    argument        int32   index into `values`: the value of the invocation
    result          int32   index into `values`: the value of the `ok`; NO_RESULT for INFO, FAIL
    status          int8    OK, INFO (may have happened), or FAIL (never happened)
    invoked         int64   position of the invocation
    returned        int64   position of the `ok` or `fail`; OPEN for INFO
    ended           int64   position of the `ok`, `fail` or `info`; OPEN if the history ends before
    invoked_line    int32   line number of the invocation, from 1
    ended_line      int32   line number of the event at `ended`; 0 if there is none
    invoked_time    int64   `time` of the invocation, NO_TIME if it has none
    ended_time      int64   `time` of the event at `ended`, NO_TIME if it has none
    revision        int64   `revision` of the event at `ended`, NO_TIME if it has none

Rules:

* Positions are 0..events-1, all different; n operations have at most 2n events.  They are *not*
  numbered anew in a part of a history (`take`, `of_key`), so that a part can be found in the whole.
* `invoked` is increasing.  `OPEN` is greater than every position: an operation that is open is
  concurrent with all that is invoked after it.  An operation without an answer is INFO.
* `values` are interned by `typed` (values.py): two operations have the same index exactly if
  they have the same JSON value.  Tables are shared by a history and its parts; they may hold
  more than the part needs.
* `origin` (int32) are the indices of these operations in the history that was read.
* Nobody writes into the columns: they are read-only, and parts may share memory with the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from checker.history.values import Value, text_of

OK: Final = 0
INFO: Final = 1
FAIL: Final = 2
STATUS: Final = ("ok", "info", "fail")

OPEN: Final = 2**62
"""A position after all events."""
NO_TIME: Final = -(2**63)
NO_RESULT: Final = -1


class _Unknown:
    """The result of an operation that is open.  There is one such object."""

    def __repr__(self) -> str:
        return "?"

    def __reduce__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
"""Stands for the result of an open operation: any result will do."""

Integers = NDArray[Any]

COLUMNS: Final = {
    "process": np.int32,
    "f": np.int32,
    "key": np.int32,
    "argument": np.int32,
    "result": np.int32,
    "status": np.int8,
    "invoked": np.int64,
    "returned": np.int64,
    "ended": np.int64,
    "invoked_line": np.int32,
    "ended_line": np.int32,
    "invoked_time": np.int64,
    "ended_time": np.int64,
    "revision": np.int64,
    "origin": np.int32,
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, to be read.  `result` is UNKNOWN unless `status` is OK."""

    index: int
    """In the history that it was asked of; `origin` in the one that was read."""
    origin: int
    process: int | str
    f: str
    key: Value
    argument: Value
    result: Value
    status: int
    invoked: int
    returned: int
    invoked_line: int
    ended_line: int
    invoked_time: int | None
    ended_time: int | None
    revision: int | None = None
    """The place in the store's own order that it was told; see algorithms/revisions.py."""

    @property
    def is_open(self) -> bool:
        return self.returned == OPEN

    def __str__(self) -> str:
        """`process 3: write(5) on "x" -> ok`, as short as it can be."""
        on = "" if self.key is None else f" on {text_of(self.key)}"
        given = "" if self.argument is None else text_of(self.argument)
        if self.status == OK:
            told = text_of(self.result)
        else:
            told = "?" if self.status == INFO else "failed"
        return f"process {self.process}: {self.f}({given}){on} -> {told}"


@dataclass(frozen=True, eq=False)
class History:
    """Operations as columns; see the top of this file."""

    process: Integers
    f: Integers
    key: Integers
    argument: Integers
    result: Integers
    status: Integers
    invoked: Integers
    returned: Integers
    ended: Integers
    invoked_line: Integers
    ended_line: Integers
    invoked_time: Integers
    ended_time: Integers
    revision: Integers
    origin: Integers
    processes: Sequence[int | str]
    functions: Sequence[str]
    keys: Sequence[Value]
    values: Sequence[Value]
    source: str = ""
    """The file's name."""
    events: int = field(default=0)
    """Events of the history that was read; every position is less."""

    def __post_init__(self) -> None:
        for name in COLUMNS:
            getattr(self, name).flags.writeable = False

    def __len__(self) -> int:
        """The number of operations."""
        return len(self.invoked)

    def __iter__(self) -> Iterator[Operation]:
        return map(self.operation, range(len(self)))

    def operation(self, i: int) -> Operation:
        """The operation with index `i`, from 0."""
        begun, ended = int(self.invoked_time[i]), int(self.ended_time[i])
        return Operation(
            index=i,
            origin=int(self.origin[i]),
            process=self.processes[self.process[i]],
            f=self.functions[self.f[i]],
            key=self.keys[self.key[i]],
            argument=self.values[self.argument[i]],
            result=UNKNOWN if self.result[i] == NO_RESULT else self.values[self.result[i]],
            status=int(self.status[i]),
            invoked=int(self.invoked[i]),
            returned=int(self.returned[i]),
            invoked_line=int(self.invoked_line[i]),
            ended_line=int(self.ended_line[i]),
            invoked_time=None if begun == NO_TIME else begun,
            ended_time=None if ended == NO_TIME else ended,
            revision=None if self.revision[i] == NO_TIME else int(self.revision[i]),
        )

    # ------------------------------------------------------------------- parts

    def take(self, which: Any) -> History:
        """The operations with these indices (in increasing order), or where a mask is true."""
        which = np.asarray(which)
        if which.dtype != np.bool_:
            which = which.astype(np.int64)
            assert (which[1:] > which[:-1]).all(), "indices must increase"
        parts: dict[str, Any] = {name: getattr(self, name)[which] for name in COLUMNS}
        return replace(self, **parts)

    def of_key(self, key: int) -> History:
        """The operations on one key, given as an index into `keys`."""
        first, last = self._bounds[key], self._bounds[key + 1]
        return self.take(self._by_key[first:last])

    def split(self) -> Iterator[tuple[int, History]]:
        """Each key that occurs, as an index into `keys`, with its operations: in order of keys."""
        for key in self.keys_here:
            yield key, self.of_key(key)

    @cached_property
    def _by_key(self) -> Integers:
        return np.argsort(self.key, kind="stable")

    @cached_property
    def _bounds(self) -> Integers:
        return np.searchsorted(self.key[self._by_key], np.arange(len(self.keys) + 1))

    @property
    def keys_here(self) -> list[int]:
        """The keys that occur, as indices into `keys`, ascending."""
        return occurring(self.key)

    # ------------------------------------------------------------------- changes

    def with_columns(self, **columns: Any) -> History:
        """The same with some columns or tables replaced; columns get their dtype."""
        typed: dict[str, Any] = {
            name: np.array(value, dtype=COLUMNS[name]) if name in COLUMNS else value
            for name, value in columns.items()
        }
        return replace(self, **typed)

    def f_is(self, *names: str) -> Integers:
        """A mask: the operations with one of these functions."""
        which = np.array([name in names for name in self.functions] or [False])
        mask: Integers = which[self.f]
        return mask

    @property
    def is_open(self) -> Integers:
        """A mask: the operations that are open for ever."""
        mask: Integers = self.returned == OPEN
        return mask


def occurring(codes: Integers) -> list[int]:
    """The different ones of some indices, ascending; `np.unique` takes longer to be loaded."""
    found: list[int] = np.flatnonzero(np.bincount(codes)).tolist()
    return found


__all__ = [
    "COLUMNS",
    "FAIL",
    "INFO",
    "NO_RESULT",
    "NO_TIME",
    "OK",
    "OPEN",
    "STATUS",
    "UNKNOWN",
    "History",
    "Operation",
    "occurring",
]
