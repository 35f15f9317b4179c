"""The frontier in plain Python: for machines on which the kernel cannot be compiled.

The same verdicts as the kernel's, at the same returns; slower by a factor of a hundred or so.  It
follows rules R1 (reads at once), R2 (of the same kind, that which returns first) and R4 (dominance)
of engine.py.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

from checker.history.budget import resident_bytes
from checker.history.history import OPEN
from checker.history.search.front import Front
from checker.history.search.problem import Problem
from checker.history.search.transitions import State
from checker.history.search.verdict import Budget, Configuration, Verdict

LOOK_EVERY: Final = 128
STEP_WORK: Final = 128
"""Of one configuration here, in the units of `Budget.work`."""
MOST_LAST: Final = 64

Path = tuple[Any, int] | None
"""Operations that took effect: the others, and the last one."""
Used = tuple[tuple[int, int], ...]
"""Of open operations: kind, and how many; by kind."""


class _Node(NamedTuple):
    state: State
    done: frozenset[int]
    used: Used
    path: Path

    @property
    def taken(self) -> int:
        return sum(count for _, count in self.used)


class _Spent(Exception):
    def __init__(self, limit: Literal["time", "memory"] | None) -> None:
        self.limit = limit


def search_plainly(
    problem: Problem, budget: Budget, *, with_order: bool = False, deadline: float = float("inf")
) -> Verdict:
    """As `search_problem` of engine.py."""
    return _Frontier(problem, budget, with_order, deadline).verdict()


class _Frontier:
    def __init__(self, problem: Problem, budget: Budget, with_order: bool, deadline: float) -> None:
        self.problem, self.budget = problem, budget
        self.with_order, self.deadline = with_order, min(deadline, budget.deadline())
        self.kind = problem.kind.tolist()
        self.returned = problem.returned.tolist()
        self.pending: list[int] = []
        self.open: dict[int, list[int]] = {}
        """Of each kind the open operations that were invoked."""
        self.front = [_Node(problem.initial, frozenset(), (), None)]
        self.position = -1
        self.steps = self.configurations = 0
        self.widest = 1
        self._followers: dict[tuple[State, int], Any] = {}
        self._reads: dict[int, bool] = {}

    def verdict(self) -> Verdict:
        begun = time.monotonic()
        kind: Literal["linearizable", "not linearizable", "unknown"] = "linearizable"
        failed: int | None = None
        limit: Literal["time", "memory"] | None = None
        last: tuple[Configuration, ...] = ()
        try:
            for at, i, is_return in self._events():
                self.position = at
                if not is_return:
                    self._invoke(i)
                elif not self._return(i):
                    kind, failed = "not linearizable", i
                    last = tuple(map(self._told, self.front[:MOST_LAST]))
                    break
        except _Spent as spent:
            kind, limit = "unknown", spent.limit
        return Verdict(
            kind=kind,
            engine="frontier",
            order=self._order() if self.with_order and kind == "linearizable" else None,
            failed_at=failed,
            position=None if failed is None else self.position,
            verified=max(0, self.position + (kind == "linearizable")),
            last=last,
            limit=limit,
            configurations=self.configurations,
            widest=self.widest,
            seconds=time.monotonic() - begun,
        )

    def _events(self) -> Iterator[tuple[int, int, bool]]:
        """Position, operation, whether it returns.  Open reads are left out: they say nothing."""
        invoked = self.problem.invoked.tolist()
        events = []
        for i, (begun, ended) in enumerate(zip(invoked, self.returned, strict=True)):
            if ended < OPEN:
                events.append((ended, i, True))
            elif self._is_read(i):
                continue
            events.append((begun, i, False))
        return iter(sorted(events))

    def _is_read(self, i: int) -> bool:
        kind = self.kind[i]
        found = self._reads.get(kind)
        if found is None:
            found = self._reads[kind] = self.problem.is_read(kind)
        return found

    def _after(self, state: State, i: int) -> Any:
        key = state, self.kind[i]
        found = self._followers.get(key)
        if found is None:
            found = self._followers[key] = self.problem.step(state, self.kind[i])
        return found

    def _look(self) -> None:
        self.steps += 1
        if self.budget.work is not None and self.steps * STEP_WORK > self.budget.work:
            raise _Spent(None)
        if self.steps % LOOK_EVERY:
            return
        if time.monotonic() > self.deadline:
            raise _Spent("time")
        most = self.budget.memory_bytes
        if most is not None and resident_bytes() > most:
            raise _Spent("memory")

    # ------------------------------------------------------------------- events

    def _invoke(self, i: int) -> None:
        if self.returned[i] < OPEN:
            self.pending.append(i)
        else:
            self.open.setdefault(self.kind[i], []).append(i)

    def _return(self, returning: int) -> bool:
        """Extend each configuration until it has taken effect; False: none can."""
        self.pending.sort(key=self.returned.__getitem__)
        seen, after = Front[_Node](), Front[_Node]()
        # Those that used fewer open operations first: they replace the others.
        layers: dict[int, list[_Node]] = {}
        for one in self.front:
            layers.setdefault(one.taken, []).append(self._with_reads(one))
        self.front = [one for layer in layers.values() for one in layer]
        while layers:
            least = min(layers)
            layer = layers.pop(least)
            while layer:
                self._look()
                one = layer.pop()
                if not seen.add(one):
                    continue
                self.configurations += 1
                if returning in one.done:
                    after.add(one._replace(done=one.done - {returning}))
                    continue
                for new in map(self._with_reads, self._following(one)):
                    (layer if new.used == one.used else layers.setdefault(new.taken, [])).append(
                        new
                    )
        if not after.kept:
            return False
        self.pending.remove(returning)
        self.front = after.kept
        self.widest = max(self.widest, len(self.front))
        return True

    def _with_reads(self, one: _Node) -> _Node:
        """R1."""
        more = [
            i
            for i in self.pending
            if i not in one.done and self._is_read(i) and self._after(one.state, i)
        ]
        if not more:
            return one
        path = one.path
        for i in more:
            path = self._longer(path, i)
        return one._replace(done=one.done.union(more), path=path)

    def _following(self, one: _Node) -> Iterator[_Node]:
        tried: set[int] = set()
        for i in self.pending:
            if i not in one.done and self.kind[i] not in tried:
                tried.add(self.kind[i])  # R2
                for after in self._after(one.state, i):
                    yield _Node(after, one.done | {i}, one.used, self._longer(one.path, i))
        counts = dict(one.used)
        for kind, operations in self.open.items():
            count = counts.get(kind, 0)
            if count < len(operations):
                for after in self._after(one.state, operations[count]):
                    if after != one.state:
                        used = tuple(sorted((counts | {kind: count + 1}).items()))
                        path = self._longer(one.path, operations[count])
                        yield _Node(after, one.done, used, path)

    def _longer(self, path: Path, i: int) -> Path:
        return (path, i) if self.with_order else None

    # ------------------------------------------------------------------- answers

    def _order(self) -> tuple[int, ...]:
        path, found = self.front[0].path, []
        while path is not None:
            path, i = path
            found.append(i)
        return tuple(reversed(found))

    def _told(self, one: _Node) -> Configuration:
        used = [i for kind, count in one.used for i in self.open[kind][:count]]
        waiting = [i for i in self.pending if i not in one.done]
        return Configuration(one.state, tuple(sorted([*one.done, *used])), tuple(sorted(waiting)))


__all__ = ["search_plainly"]
