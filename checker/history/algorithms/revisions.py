"""Revisions: histories whose answers say where in the system's own order they belong.

A store that numbers its changes tells the number with each answer: the `revision` of etcd (of a
change its own, of a read that of the last change it saw), the `zxid` of ZooKeeper, a version.  An
event carries it as `revision`.  That is an order to try, whatever the model is:

* by revision; at one revision the change comes first, then what observed it, in the order of
  invocations; if that cannot be, whichever of them can come next;
* operations that never returned have no revision: one is put before an operation that is
  impossible without it, if that makes it possible.

**Claim.**  If the model allows this order step by step, and no operation returns before one that
stands before it is invoked, the history is linearizable: the order is a linearization.  (The
lemma of logs.py says that points of effect exist.)

Nothing follows if not: revisions may be wrong where the answers are right.  So this never says
"not linearizable"; the general search then decides.

O(n log n), but for operations that never returned and for those at one revision: of both a few
are tried for each, at most TRIES.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, Final

import numpy as np

from checker.history.algorithms.decision import Decision, Ints, holds
from checker.history.budget import Spending
from checker.history.history import NO_TIME, OPEN, UNKNOWN, History
from checker.history.models.model import Model

TRIES: Final = 64
LOOK_EVERY: Final = 4096


def has_revisions(history: History) -> bool:
    """Whether every operation that returned has one."""
    closed = history.returned < OPEN
    return bool(closed.any()) and bool((history.revision[closed] != NO_TIME).all())


def decide(history: History, model: Model, spending: Spending) -> Decision | None:
    """Of one object.  None: the witness is missing, or is refused."""
    if not has_revisions(history):
        return None
    found = _Replay(history, model, spending).order()
    if found is None:
        return None
    order = np.array(found, dtype=np.int64)
    latest = np.maximum.accumulate(history.invoked[order])
    if (history.returned[order] < latest).any():
        return None
    return holds(lambda: order)


class _Replay:
    def __init__(self, history: History, model: Model, spending: Spending) -> None:
        self.history, self.model, self.spending = history, model, spending
        self.state: Hashable = model.initial()
        self.f = [history.functions[f] for f in history.f.tolist()]
        self.argument = [history.values[a] for a in history.argument.tolist()]
        self.result = [UNKNOWN if r < 0 else history.values[r] for r in history.result.tolist()]
        self.open: list[int] = np.flatnonzero(history.returned >= OPEN).tolist()
        self.found: list[int] = []

    def order(self) -> list[int] | None:
        for waiting in self._groups():
            while waiting:
                i = next((i for i in waiting[:TRIES] if self._take(i)), None)
                if i is None:
                    i = next((i for i in waiting[:TRIES] if self._helped(i)), None)
                if i is None:
                    return None
                waiting.remove(i)
                if len(self.found) % LOOK_EVERY == 0:
                    self.spending.look()
        return self.found

    def _groups(self) -> Iterator[list[int]]:
        """The operations of each revision, in order."""
        history = self.history
        closed = np.flatnonzero(history.returned < OPEN)
        reads = history.f_is(*self.model.reads)[closed] | np.array(
            [self.result[i] is False for i in closed.tolist()], dtype=np.bool_
        )
        revision = history.revision[closed]
        order: Ints = np.lexsort((history.invoked[closed], reads, revision))
        ends = np.flatnonzero(np.diff(revision[order])) + 1
        for group in np.split(closed[order], ends):
            yield group.tolist()

    def _after(self, state: Any, i: int) -> Any:
        return self.model.step(state, self.f[i], self.argument[i], self.result[i])

    def _take(self, i: int) -> bool:
        after = self._after(self.state, i)
        if after is None:
            return False
        self.state = after
        self.found.append(i)
        return True

    def _helped(self, i: int) -> bool:
        """By one operation that never returned, and was invoked before this one returned."""
        for j in self.open[:TRIES]:
            if self.history.invoked[j] > self.history.returned[i]:
                break
            for between in self.model.steps(self.state, self.f[j], self.argument[j]):
                after = self._after(between, i)
                if after is not None:
                    self.state = after
                    self.found += [j, i]
                    self.open.remove(j)
                    return True
        return False


__all__ = ["decide", "has_revisions"]
