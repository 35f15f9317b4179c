"""Which operations explain which: what a sub-history must keep to mean anything.

Take any operations out of a linearizable history, and the rest need not be linearizable: a read
whose write was taken out reads what nobody wrote; a value that left a queue unseen blocks it.
So a sub-history that is not linearizable shows nothing, unless what was taken out may be.  Here a
sub-history is a set of operations that is *closed*: with each it has those that it `needs`.

**Rule.**  If a history is linearizable, so is each of its closed sub-histories.  So a closed one
that is not linearizable is a proof.

Registers (register, cas-register, kv without append).  An operation that observes the value v
    needs every operation that may have installed that v: one that installs v, was invoked before
    the observer returned, and was not surely replaced before the observer was invoked.  *Why*: in
    an order of the whole history, the last change before an observer is one of these (or the
    initial state), and is kept; nothing changes the register in between; so the observer sees
    the same in the order of what is kept.  A refused cas observes every other value: it
    needs all that may have been the last change.  If none can have installed v, no order exists
    anyhow; then the last that tried is kept, so that one sees where the value came from.
Queue.  The operations of one value need each other: enqueue and dequeue.  *Why*: leave a value out
    of a queue's whole life, and all other values come in the same order.  A value that is
    enqueued more often than it is dequeued may have been taken by a dequeue that crashed: it needs
    all of these.  A dequeue that found the queue empty is needed by none.
Mutex.  A client's `acquire` and its next `release` need each other.  For mutexes the rule is only
    a convention: where a client releases what another acquired, or was refused, it does not hold.
Set.  The operations that add and remove one element are those of a register with two values.
Others.  Nothing is known of which operations explain which; then see explain.py, `sensible`.

None of this decides anything: witnesses are verified by the general search.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np

from checker.history.history import NO_RESULT, OK, OPEN, History, Integers
from checker.history.models.kv import KeyValue
from checker.history.models.model import NULL, Model, stored
from checker.history.models.mutex import Mutex
from checker.history.models.queue import Queue
from checker.history.models.register import CasRegister, Register
from checker.history.models.set import Set

NOTHING: Final = -1
"""No value: what an operation installs or observes that does not."""
EARLIEST: Final = -1
LATEST: Final = 2**63 - 1


class Needs:
    """Of the operations of one object, by index: those that each needs itself.

    `direct(i, before)`: what i needs, of what was invoked before that position.  An open operation
    that is there for the sake of another took effect before that one returned, and so did what
    it needs itself.
    """

    def __init__(
        self,
        direct: Callable[[int, int], Iterable[int]] = lambda i, before: (),
        returned: Integers | None = None,
    ) -> None:
        self._direct, self._returned = direct, returned
        self._before: dict[int, int] = {}
        self._known: dict[int, tuple[int, ...]] = {}

    def of(self, i: int) -> tuple[int, ...]:
        """As far as `closed` has asked."""
        found = self._known.get(i)
        if found is None:
            direct = self._direct(i, self._before.get(i, self._end(i)))
            found = self._known[i] = tuple(sorted({int(j) for j in direct} - {i}))
        return found

    def closed(self, some: Iterable[int]) -> list[int]:
        """These and all that they need, ascending."""
        found = set(some)
        waiting = list(found)
        while waiting:
            i = waiting.pop()
            before = self._before.setdefault(i, self._end(i))
            for j in self.of(i):
                end = self._end(j)
                if end == OPEN:
                    end = before
                if j not in found or end > self._before.setdefault(j, end):
                    self._before[j] = max(end, self._before.get(j, end))
                    self._known.pop(j, None)
                    found.add(j)
                    waiting.append(j)
        return sorted(found)

    def without(self, some: Sequence[int], dropped: Iterable[int]) -> list[int]:
        """These but the dropped ones, and but all that need one of those."""
        users: dict[int, list[int]] = defaultdict(list)
        for i in some:
            for j in self.of(i):
                users[j].append(i)
        gone = set(dropped)
        waiting = list(gone)
        while waiting:
            for i in users[waiting.pop()]:
                if i not in gone:
                    gone.add(i)
                    waiting.append(i)
        return [i for i in some if i not in gone]

    def _end(self, i: int) -> int:
        return OPEN if self._returned is None else int(self._returned[i])


def needs_of(history: History, model: Model) -> Needs | None:
    """For the operations of one object that did not fail; None: nothing is known."""
    kind = type(model)
    if kind is Mutex:
        return Needs(_Holds(history).direct, history.returned)
    if kind is Queue:
        return Needs(_Values(history).direct, history.returned)
    if kind is Set:
        return (
            None
            if history.f_is("read").any()
            else Needs(_elements(history).direct, history.returned)
        )
    if kind in (Register, CasRegister):
        return Needs(_registers(history, model).direct, history.returned)
    if kind is KeyValue and not history.f_is("append").any():
        return Needs(_registers(history, model).direct, history.returned)
    return None


# --------------------------------------------------------------------------- registers


class _Changes:
    """Operations that install one value, and operations that observe some; values are numbers.

    `installs`: of each operation, the value, or NOTHING.  `sure`: it did install it.  `observes`:
    of an operation, a test of values, or None if it observes nothing.
    """

    def __init__(
        self,
        history: History,
        installs: Integers,
        sure: Integers,
        observes: Callable[[int], Callable[[Integers], Any] | None],
        initial: int,
    ) -> None:
        self.invoked, self.returned = history.invoked, history.returned
        self.installs, self.observes, self.initial = installs, observes, initial
        self.swapped: dict[int, int] = {}
        """Of the argument of a cas, the number of the value that it replaces."""
        self.changes = np.flatnonzero(installs != NOTHING)
        known = np.flatnonzero(sure & (installs != NOTHING))
        known = known[np.argsort(self.returned[known], kind="stable")]
        self._ends = self.returned[known]
        self._latest = np.maximum.accumulate(self.invoked[known]) if len(known) else known

    def direct(self, i: int, before: int) -> Sequence[int]:
        observes = self.observes(i)
        if observes is None:
            return ()
        changes = self.changes[: np.searchsorted(self.invoked[self.changes], before)]
        changes = changes[changes != i]
        right = changes[observes(self.installs[changes])]
        ended = int(np.searchsorted(self._ends, self.invoked[i]))
        replaced = int(self._latest[ended - 1]) if ended else EARLIEST
        found = right[self.returned[right] >= replaced]
        if len(found) or not len(right):
            near: list[int] = found.tolist()
            return near
        if bool(observes(np.array([self.initial]))[0]):
            return ()
        last: list[int] = right[-1:].tolist()
        return last


def _registers(history: History, model: Model) -> _Changes:
    """Values are indices into the history's, and after them what it has no index for."""
    numbers: dict[Any, int] = {}

    def number(state: Any) -> int:
        if not numbers:
            numbers.update((stored(value), i) for i, value in enumerate(history.values))
        return numbers.setdefault(state, len(numbers))

    count = len(history)
    installs = np.full(count, NOTHING, dtype=np.int64)
    sure = history.status == OK
    asked, told = history.argument, history.result
    puts = history.f_is("write", "put")
    installs[puts] = asked[puts]
    swaps, deletes = history.f_is("cas"), history.f_is("delete")
    pairs: dict[int, tuple[int, int]] = {}
    refused = _is(history, False)
    if swaps.any():
        arguments, places = np.unique(asked[swaps], return_inverse=True)
        for index in arguments.tolist():
            old, new = history.values[index]
            pairs[index] = number(stored(old)), number(stored(new))
        installs[swaps] = np.array([pairs[i][1] for i in arguments.tolist()])[places]
        installs[swaps & refused] = NOTHING
    if deletes.any():
        installs[deletes] = number(NULL)
        installs[deletes & refused] = NOTHING
    nothing, empty = number(NULL), number("")
    keyed = isinstance(model, KeyValue)

    def observes(i: int) -> Callable[[Integers], Any] | None:
        index = int(told[i])
        if swaps[i]:
            old = pairs[int(asked[i])][0]
            if refused[i]:
                return lambda values: values != old
            return lambda values: values == old
        if deletes[i]:
            if not sure[i] or type(history.values[index]) is not bool:
                return None
            if refused[i]:
                return lambda values: values == nothing
            return lambda values: values != nothing
        if puts[i] or index == NO_RESULT:
            return None
        if keyed and index == empty:
            return lambda values: np.isin(values, (nothing, empty))
        return lambda values: values == index

    initial = number(model.initial())
    changes = _Changes(history, installs, sure, observes, initial)
    changes.swapped = {index: old for index, (old, _) in pairs.items()}
    return changes


def values_of(history: History, model: Model) -> tuple[Integers, Integers, int] | None:
    """For registers: of each operation the number of the value that it may install, and of the only
    one that it can observe, or NOTHING; and of the initial value.  None: for no other model.
    """
    kind = type(model)
    if kind not in (Register, CasRegister, KeyValue) or history.f_is("append").any():
        return None
    changes = _registers(history, model)
    observes = np.where(history.f_is("read", "get"), history.result, NOTHING).astype(np.int64)
    if kind is KeyValue:
        empty = [i for i, value in enumerate(history.values) if value == ""]
        observes[np.isin(observes, empty)] = NOTHING
    swaps = history.f_is("cas") & (history.status == OK) & ~_is(history, False)
    for i in np.flatnonzero(swaps).tolist():
        observes[i] = changes.swapped[int(history.argument[i])]
    observes[history.result == NO_RESULT] = NOTHING
    return changes.installs, observes, changes.initial


def _is(history: History, value: Any) -> Any:
    """A mask: operations that were answered with this value."""
    same = [i for i, one in enumerate(history.values) if one is value]
    return np.isin(history.result, same)


# --------------------------------------------------------------------------- sets


def _elements(history: History) -> _Changes:
    """As registers: value 2e + 1 is "e is in it", 2e "e is not", where e is an element's index."""
    there = history.argument.astype(np.int64) * 2 + 1
    yes, no = _is(history, True), _is(history, False)
    adds, removes = history.f_is("add"), history.f_is("remove")
    installs = np.full(len(history), NOTHING, dtype=np.int64)
    installs[adds] = there[adds]
    installs[removes] = there[removes] - 1
    installs[no] = NOTHING
    sure = history.status == OK

    def observes(i: int) -> Callable[[Integers], Any] | None:
        if not yes[i] and not no[i]:
            return None
        inside = bool(yes[i]) is not bool(adds[i])
        value = int(there[i]) - (not inside)
        return lambda values: values == value

    class Elements(_Changes):
        def direct(self, i: int, before: int) -> Sequence[int]:
            """As in one register an element: what happens to others replaces nothing."""
            found = parts.get(int(history.argument[i]))
            if found is None:
                mine = np.flatnonzero(history.argument == history.argument[i])
                part = history.take(mine)
                mask = sure[mine]
                found = parts[int(history.argument[i])] = (
                    mine,
                    _Changes(
                        part,
                        installs[mine],
                        mask,
                        lambda j: observes(int(mine[j])),
                        int(there[i]) - 1,
                    ),
                )
            mine, changes = found
            inner = changes.direct(int(np.searchsorted(mine, i)), before)
            return [int(mine[j]) for j in inner]

    parts: dict[int, tuple[Any, _Changes]] = {}
    return Elements(history, installs, sure, observes, NOTHING)


# --------------------------------------------------------------------------- queues, mutexes


class _Values:
    """A queue: the operations of one value."""

    def __init__(self, history: History) -> None:
        nothing = np.isin(
            history.result, [i for i, value in enumerate(history.values) if value is None]
        )
        self.value = np.where(
            history.f_is("enqueue"),
            history.argument,
            np.where(nothing | (history.result == NO_RESULT), NOTHING, history.result),
        )
        self._order = np.argsort(self.value, kind="stable")
        self._sorted = self.value[self._order]
        change = np.where(history.f_is("enqueue"), 1, -1)[self.value != NOTHING]
        self._left = np.bincount(self.value[self.value != NOTHING] * 2 + (change < 0), minlength=2)
        self._crashed = np.flatnonzero(history.f_is("dequeue") & history.is_open).tolist()

    def direct(self, i: int, before: int) -> Sequence[int]:
        value = self.value[i]
        if value == NOTHING:
            return ()
        first, last = np.searchsorted(self._sorted, [value, value + 1])
        found: list[int] = self._order[first:last].tolist()
        counts = np.append(self._left, 0)[2 * value : 2 * value + 2]
        return found + self._crashed if counts[0] > counts[1] else found


class _Holds:
    """A mutex: each client's acquire with its next release."""

    def __init__(self, history: History) -> None:
        done = ~_is(history, False)
        acquires = history.f_is("acquire") & done
        releases = history.f_is("release") & done
        self.other: dict[int, int] = {}
        who = np.flatnonzero(acquires | releases)
        who = who[np.argsort(history.process[who], kind="stable")]
        pairs = np.flatnonzero(
            acquires[who[:-1]]
            & releases[who[1:]]
            & (history.process[who[:-1]] == history.process[who[1:]])
        )
        self._partner = np.full(len(history), NOTHING, dtype=np.int64)
        self._partner[who[pairs]] = who[pairs + 1]
        self._partner[who[pairs + 1]] = who[pairs]

    def direct(self, i: int, before: int) -> Sequence[int]:
        other = int(self._partner[i])
        return () if other == NOTHING else (other,)


__all__ = ["Needs", "needs_of", "values_of"]
