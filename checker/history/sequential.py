"""Sequential consistency: one order that each process agrees with, whatever the clocks say.

L. Lamport, "How to make a multiprocessor computer that correctly executes multiprocess programs",
IEEE Trans. Computers C-28(9), 1979.  There must be one legal order of all operations in which those
of each process stand as it issued them.  Real time does not count, and so it is not local: keys
cannot be decided one by one.

Depth first over how far each process came and the states of all keys, with memory of what failed.
An operation that changes nothing and agrees with the state is taken at once, as in rule R1 of
`search/engine.py`.  An open operation may be passed over.  Exponential at worst, in the number of
processes; written for histories of hundreds of operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from checker.history.budget import LimitReached, Spending
from checker.history.history import UNKNOWN, History
from checker.history.models.model import Model
from checker.history.result import Limit

LOOK_EVERY = 256


@dataclass(frozen=True)
class Ordered:
    """`furthest`: the most operations that one order came to have."""

    kind: Literal["linearizable", "not linearizable", "unknown"]
    furthest: int
    limit: Limit | None = None


def sequential(history: History, model: Model, spending: Spending) -> Ordered:
    """Whether the operations, all keys together, are sequentially consistent."""
    one = _Search(history, model, spending)
    try:
        return Ordered("linearizable" if one.found() else "not linearizable", one.furthest)
    except LimitReached as reached:
        return Ordered("unknown", one.furthest, reached.limit)


Configuration = tuple[tuple[int, ...], tuple[Any, ...]]
"""How many operations of each process are done; the state of each key."""


class _Search:
    def __init__(self, history: History, model: Model, spending: Spending) -> None:
        self.model, self.spending, self.furthest = model, spending, 0
        keys = {key: at for at, key in enumerate(np.unique(history.key).tolist())}
        if not model.independent_by_key:
            keys = dict.fromkeys(keys, 0)
        self.lines: list[list[tuple[int, str, Any, Any]]] = []
        lines: dict[int, list[tuple[int, str, Any, Any]]] = {}
        for i in range(len(history)):
            one = history.operation(i)
            result = UNKNOWN if one.is_open else one.result
            at = keys[int(history.key[i])]
            lines.setdefault(int(history.process[i]), []).append((at, one.f, one.argument, result))
        self.lines = list(lines.values())
        self.start: Configuration = (
            (0,) * len(self.lines),
            (model.initial(),) * len(set(keys.values())),
        )

    def found(self) -> bool:
        seen: set[Configuration] = set()
        stack = [self.start]
        while stack:
            done, states = self.settled(*stack.pop())
            if (done, states) in seen:
                continue
            seen.add((done, states))
            self.furthest = max(self.furthest, sum(done))
            if len(seen) % LOOK_EVERY == 0:
                self.spending.look()
            if all(at == len(line) for at, line in zip(done, self.lines, strict=True)):
                return True
            stack += reversed(self.following(done, states))
        return False

    def settled(self, done: tuple[int, ...], states: tuple[Any, ...]) -> Configuration:
        """With all that can be taken at once."""
        now, again = list(done), True
        while again:
            again = False
            for process, line in enumerate(self.lines):
                while now[process] < len(line):
                    key, f, argument, result = line[now[process]]
                    if f not in self.model.reads:
                        break
                    if self.model.step(states[key], f, argument, result) is None:
                        break
                    now[process] += 1
                    again = True
        return tuple(now), states

    def following(self, done: tuple[int, ...], states: tuple[Any, ...]) -> list[Configuration]:
        found: list[Configuration] = []
        for process, line in enumerate(self.lines):
            at = done[process]
            if at == len(line):
                continue
            key, f, argument, result = line[at]
            after = (*done[:process], at + 1, *done[process + 1 :])
            if result is UNKNOWN:
                nexts = [*self.model.steps(states[key], f, argument), states[key]]
            else:
                one = self.model.step(states[key], f, argument, result)
                nexts = [] if one is None else [one]
            found += [(after, (*states[:key], new, *states[key + 1 :])) for new in nexts]
        return found


__all__ = ["Ordered", "sequential"]
