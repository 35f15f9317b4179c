"""From events to a history: invocations and their answers are paired.

Rules:

* A process does one thing at a time: `invoke`, then `ok`, `fail` or `info`, then the next one.
  An answer without an invocation and a second invocation without an answer are errors.
* `fail` never happened; `info`, and an invocation that the history ends without answering, may
  have happened, or may happen yet.  A process may go on after an `info`.
* An answer has the function of its invocation, and its key, or none.
* Events of the process `nemesis` are what the test did to the system, and no operations.

All events of a process lie together after a stable sort by process; then each rule is a
comparison of neighbours, and the cost is that of the sort.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any, Final, NamedTuple

import numpy as np

from checker.history.errors import HistoryError
from checker.history.history import NO_RESULT, NO_TIME, OPEN, History, Integers
from checker.history.history import STATUS as STATUS_NAMES
from checker.history.values import Value, freeze, typed, untyped

KINDS: Final = ("ok", "info", "fail", "invoke")
"""Of events.  A number in a column is an index into this, so that an answer's is its status."""
INVOKE: Final = 3
assert KINDS[:INVOKE] == STATUS_NAMES

KIND_CODES: Final = {name: code for code, name in enumerate(KINDS)}

NEMESIS: Final = "nemesis"

_PLAIN = frozenset({type(None), int, str})


class Interned:
    """Values as numbers: the same number exactly for the same JSON value.

    A value's number is the place of its first occurrence, so that one pass of `dict.setdefault`
    does all the work; `finish` makes the numbers dense.
    """

    def __init__(self) -> None:
        self._first: dict[Any, int] = {}
        self._seen = 0
        self._plain = True

    def add(self, values: Sequence[Any], *, plain: bool = False) -> Integers:
        """Numbers for some values; `plain` promises that they are texts and integers.

        `Unusable` if one is no JSON value.
        """
        keys: Any = values
        if not plain and not _PLAIN.issuperset(map(type, values)):
            self._plain = False
            keys = _frozen(values)
        codes = map(self._first.setdefault, keys, count(self._seen))
        self._seen += len(values)
        return np.fromiter(codes, dtype=np.int32, count=len(values))

    def values(self) -> list[Value]:
        return list(self._first) if self._plain else list(map(untyped, self._first))

    def dense(self, codes: Integers) -> Integers:
        """Numbers of `add` as indices into `values`."""
        if not self._first:
            return codes
        first = np.fromiter(self._first.values(), dtype=np.int32, count=len(self._first))
        place = np.zeros(self._seen, dtype=np.int32)
        place[first] = np.arange(len(first), dtype=np.int32)
        return place[codes]

    def code(self, value: Any) -> int:
        """The number that `add` gave this value; -1 if it was never added."""
        return self._first.get(typed(value), -1)


class Unusable(ValueError):
    """The value at an index is no JSON value."""

    def __init__(self, index: int, reason: str) -> None:
        self.index = index
        super().__init__(reason)


def _frozen(values: Sequence[Any]) -> list[Any]:
    try:
        return [
            one if type(one) in _PLAIN
            else tuple(one) if type(one) is list and _PLAIN.issuperset(map(type, one))
            else typed(freeze(one))
            for one in values
        ]  # fmt: skip
    except ValueError:
        for i, one in enumerate(values):
            try:
                freeze(one)
            except ValueError as error:
                raise Unusable(i, str(error)) from None
        raise


class Events(NamedTuple):
    """Some events, one after the other, by columns."""

    process: Sequence[int | str]
    kind: Sequence[int]
    """Indices into KINDS."""
    f: Sequence[str]
    key: Sequence[Any]
    value: Sequence[Any]
    time: Sequence[int | None]
    revision: Sequence[int | None]
    line: Sequence[int] | Integers


class Builder:
    """Takes events in the order of the file, many or one at a time; `finish` gives the history."""

    def __init__(self, source: str = "") -> None:
        """`source` is named in errors."""
        self.source = source
        self._tables = {"process": Interned(), "f": Interned(), "key": Interned()}
        self._values = Interned()
        self._chunks: list[dict[str, Integers]] = []
        self._waiting: list[tuple[Any, ...]] = []

    def event(
        self,
        process: int | str,
        kind: str,
        f: str,
        value: Any = None,
        *,
        key: Any = None,
        time: int | None = None,
        revision: int | None = None,
        line: int | None = None,
    ) -> None:
        """One event; `kind` is invoke, ok, fail or info.  Its line is its number unless given."""
        if line is None:
            line = self._waiting[-1][-1] + 1 if self._waiting else self._last_line() + 1
        self._waiting.append((process, KIND_CODES[kind], f, key, value, time, revision, line))
        if len(self._waiting) >= 50_000:
            self._flush()

    def chunk(self, events: Events) -> None:
        """Many events.  HistoryError if a key or a value is no JSON value."""
        try:
            columns = {
                "process": self._tables["process"].add(events.process, plain=True),
                "kind": np.array(events.kind, dtype=np.int8),
                "f": self._tables["f"].add(events.f, plain=True),
                "key": self._tables["key"].add(events.key),
                "value": self._values.add(events.value),
                "time": _times(events.time),
                "revision": _times(events.revision),
                "line": np.asarray(events.line, dtype=np.int32),
            }
        except Unusable as error:
            raise HistoryError(
                str(error), line=int(events.line[error.index]), source=self.source
            ) from None
        self._chunks.append(columns)

    def numbers(self, table: str, values: Sequence[Any]) -> Integers:
        """Numbers of some values in one of the tables process, f, key and value: for `numbered`.

        `Unusable` if one is no JSON value.
        """
        self._flush()
        return (self._values if table == "value" else self._tables[table]).add(values)

    def numbered(self, columns: dict[str, Integers]) -> None:
        """Many events, in which `numbers` stand for processes, functions, keys and values."""
        self._flush()
        self._chunks.append(columns)

    def finish(self) -> History:
        """All events as a history.  HistoryError if they do not fit together."""
        self._flush()
        return self._paired(self._joined())

    # ------------------------------------------------------------------- columns of events

    def _last_line(self) -> int:
        return int(self._chunks[-1]["line"][-1]) if self._chunks else 0

    def _flush(self) -> None:
        if self._waiting:
            rows = list(zip(*self._waiting, strict=True))
            self._waiting = []
            self.chunk(Events(*rows))

    def _joined(self) -> dict[str, Integers]:
        """One column of each kind, without the nemesis.  The chunks are let go as it is made."""
        if not self._chunks:
            self.chunk(Events([], [], [], [], [], [], [], []))
        nemesis = self._tables["process"].code(NEMESIS)
        keep = None
        if nemesis >= 0:
            keep = np.concatenate([chunk["process"] for chunk in self._chunks]) != nemesis
        joined = {}
        for name in list(self._chunks[0]):
            parts = [chunk.pop(name) for chunk in self._chunks]
            column = parts[0] if len(parts) == 1 else np.concatenate(parts)
            joined[name] = column if keep is None else column[keep]
        for name, table in self._tables.items():
            joined[name] = table.dense(joined[name])
        joined["value"] = self._values.dense(joined["value"])
        return joined

    # ------------------------------------------------------------------- pairs

    def _paired(self, events: dict[str, Integers]) -> History:
        kind, f, key, line = (events[name] for name in ("kind", "f", "key", "line"))
        ends = self._ends(events)
        invoked = np.flatnonzero(kind == INVOKE)
        end = ends[invoked]
        answered = end >= 0
        status = np.where(answered, kind[end], KIND_CODES["info"]).astype(np.int8)
        self._check_answers(invoked, end, f, key, line)
        return History(
            process=events["process"][invoked],
            f=f[invoked],
            key=key[invoked],
            argument=events["value"][invoked],
            result=np.where(status == KIND_CODES["ok"], events["value"][end], NO_RESULT).astype(
                np.int32
            ),
            status=status,
            invoked=invoked.astype(np.int64),
            returned=np.where(status == KIND_CODES["info"], OPEN, end).astype(np.int64),
            ended=np.where(answered, end, OPEN).astype(np.int64),
            invoked_line=line[invoked],
            ended_line=np.where(answered, line[end], 0).astype(np.int32),
            invoked_time=events["time"][invoked],
            ended_time=np.where(answered, events["time"][end], NO_TIME).astype(np.int64),
            revision=np.where(answered, events["revision"][end], NO_TIME).astype(np.int64),
            origin=np.arange(len(invoked), dtype=np.int32),
            processes=self._tables["process"].values(),
            functions=self._tables["f"].values(),
            keys=self._tables["key"].values(),
            values=self._values.values(),
            source=self.source,
            events=len(kind),
        )

    def _ends(self, events: dict[str, Integers]) -> Integers:
        """For each invocation the event that answers it, -1 if none does (and for all else)."""
        process, kind = events["process"], events["kind"]
        if len(process) and process.max() < 2**15:
            process = process.astype(np.int16)  # which numpy sorts by radix
        order = np.argsort(process, kind="stable")
        invoke = kind[order] == INVOKE
        follows = np.zeros(len(order) + 1, dtype=bool)
        follows[1:-1] = process[order[1:]] == process[order[:-1]]
        before = np.zeros(len(order), dtype=bool)
        before[1:] = invoke[:-1]
        before &= follows[:-1]
        wrong = order[invoke == before]
        # Both are invocations, or neither is; an answer after an invocation is right, and so is
        # an invocation at the front or after an answer.
        if len(wrong):
            at = int(wrong.min())
            self._out_of_turn(events, at, bool(kind[at] == INVOKE))
        ends = np.full(len(order), -1, dtype=np.int64)
        answers = np.flatnonzero(~invoke)
        ends[order[answers - 1]] = order[answers]
        return ends

    def _out_of_turn(self, events: dict[str, Integers], at: int, again: bool) -> None:
        process = self._tables["process"].values()[events["process"][at]]
        f = self._tables["f"].values()[events["f"][at]]
        line = int(events["line"][at])
        if again:
            mine = np.flatnonzero(events["process"][:at] == events["process"][at])
            first = int(events["line"][mine[-1]])
            raise HistoryError(
                f"process {process} invokes {f}, but its operation of line {first} has no answer",
                line=line,
                source=self.source,
                mend="end an operation that nobody will answer with a line of type info, and let "
                "a client that does several things at once be several processes",
            )
        raise HistoryError(
            f"process {process} is answered ({KINDS[events['kind'][at]]} of {f}), but has invoked "
            "nothing",
            line=line,
            source=self.source,
            mend="record the invocation before the call; each has one answer",
        )

    def _check_answers(
        self, invoked: Integers, end: Integers, f: Integers, key: Integers, line: Integers
    ) -> None:
        """An answer has the function and the key of what it answers."""
        keys = self._tables["key"].values()
        none = keys.index(None) if None in keys else -1
        pairs = np.flatnonzero(end >= 0)
        asked, told = invoked[pairs], end[pairs]
        other_f = f[asked] != f[told]
        other_key = (key[asked] != key[told]) & (key[told] != none)
        wrong = np.flatnonzero(other_f | other_key)
        if not len(wrong):
            return
        i = wrong[np.argmin(told[wrong])]
        where = f"the invocation that it answers (line {line[asked[i]]})"
        if other_f[i]:
            names = self._tables["f"].values()
            reason = f"the answer is of {names[f[told[i]]]}, but {where} is of {names[f[asked[i]]]}"
        else:
            reason = (
                f"the answer has the key {keys[key[told[i]]]!r}, "
                f"but {where} has {keys[key[asked[i]]]!r}"
            )
        raise HistoryError(
            reason,
            line=int(line[told[i]]),
            source=self.source,
            mend="an answer repeats the f and the key of its invocation",
        )


def _times(times: Sequence[int | None]) -> Integers:
    missing = times.count(None)
    if missing == len(times):
        return np.full(len(times), NO_TIME, dtype=np.int64)
    if missing:
        times = [NO_TIME if time is None else time for time in times]
    return np.array(times, dtype=np.int64)


__all__ = ["INVOKE", "KINDS", "KIND_CODES", "NEMESIS", "Builder", "Events", "Unusable"]
