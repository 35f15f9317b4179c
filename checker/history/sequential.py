"""Sequential consistency: one order that each process agrees with, whatever the clocks say.

L. Lamport, "How to make a multiprocessor computer that correctly executes multiprocess programs",
IEEE Trans. Computers C-28(9), 1979.  There must be one legal order of all operations in which those
of each process stand as it issued them.  Real time does not count, and so it is not local: the
keys cannot be decided one by one (but if one key by itself has no such order, the whole has none).

An operation that never returned takes effect somewhere after those that its process issued before
it, or never: nobody waited for it, so that what the process did next may come first.

So a linearizable history has such an order, and check.py looks for that first.

A *configuration* is how far each process came, which of the operations that never returned took
effect, and the state of each key.  The search goes depth first through configurations; of several
operations it tries that first which was invoked first.  It remembers those from which there is no
way (`ordered.c`; without a compiler `plain` below, which is also what the C is tested against).
What it leaves out:

S1, *reads at once*.  The next operation of a process, if it never changes the state and agrees with
    it, takes effect now: from wherever it is in an order of the rest it can be moved to the front.
S2, *values that are needed still* (registers and key-value).  While an operation that observes the
    value v has not taken effect, and none that is left installs v, what replaces v has no way on.
S3, *of the same kind*.  Of operations that never returned, of one kind and key, the first is used.

Deciding it is NP-complete (P. Gibbons and E. Korach, "Testing shared memories", SIAM J. Computing
26(4), 1997), so this is exponential at worst, in the number of processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from checker.history.budget import LimitReached, Spending, preparing
from checker.history.history import History
from checker.history.models.model import Model
from checker.history.result import Limit
from checker.history.search.native import NoKernelError
from checker.history.search.ordered import Lines, Search, lines_of

LOOK_EVERY = 256
STEP_WORK = 128
"""Of one configuration in Python, in the units of the kernel."""
SLICE = 1 << 26
"""Of the kernel's work; about a second, and no longer for Ctrl-C."""


@dataclass(frozen=True)
class Ordered:
    """`furthest`: the most operations that one order came to have.  `limit` None, and "unknown":
    the work was done."""

    kind: Literal["linearizable", "not linearizable", "unknown"]
    furthest: int
    limit: Limit | None = None
    order: tuple[int, ...] | None = None
    """Of those that take effect, if there is one."""


def sequential(
    history: History, model: Model, spending: Spending, *, work: int | None = None
) -> Ordered:
    """Whether the operations, all keys together, are sequentially consistent.

    The history is as `rules.checked` and `model.prepare` give it.  `work`: at most so much, about
    2^26 a second.
    """
    try:
        with preparing():
            lines = lines_of(history, model)
            search = Search(lines)
    except NoKernelError:
        return plain(history, model, spending, work=work)
    try:
        done, slice_ = 0, min(SLICE, work or SLICE)
        while True:
            status = search.run(slice_, spending.deadline, spending.memory_bytes or 0)
            done += slice_
            if status == "paused" and (work is None or done < work):
                continue
            if status == "ordered":
                return Ordered("linearizable", search.furthest, order=search.order())
            if status == "no order":
                return Ordered("not linearizable", search.furthest)
            limit: Limit | None = None if status == "paused" else status
            return Ordered("unknown", search.furthest, limit)
    finally:
        search.close()


# --------------------------------------------------------------------------- in Python


def plain(
    history: History, model: Model, spending: Spending, *, work: int | None = None
) -> Ordered:
    """The same without C, and without S2."""
    one = _Plain(lines_of(history, model), spending, work)
    try:
        found = one.found()
    except LimitReached as reached:
        return Ordered("unknown", one.furthest, reached.limit)
    if found is None:
        return Ordered("unknown", one.furthest)
    return Ordered("linearizable" if found else "not linearizable", one.furthest)


Configuration = tuple[tuple[int, ...], tuple[Any, ...]]
"""How many operations of each line have taken effect; the state of each key."""


class _Plain:
    def __init__(self, lines: Lines, spending: Spending, work: int | None) -> None:
        self.lines, self.spending, self.work, self.furthest = lines, spending, work, 0
        self.first = lines.first.tolist()
        self.kind, self.key = lines.kind.tolist(), lines.key.tolist()
        self.gates = list(zip(lines.gate_line.tolist(), lines.gate_at.tolist(), strict=True))
        self.reads = [lines.problem.is_read(kind) for kind in range(len(lines.problem.opened))]

    def found(self) -> bool | None:
        """None: the work was done."""
        initial = self.lines.problem.initial
        start = tuple(self.first[:-1]), (initial,) * self.lines.keys
        seen: set[Configuration] = set()
        stack: list[Configuration] = [start]
        while stack:
            at, states = self.settled(*stack.pop())
            if (at, states) in seen:
                continue
            seen.add((at, states))
            done = sum(at[: self.lines.closed]) - sum(self.first[: self.lines.closed])
            self.furthest = max(self.furthest, done)
            if self.work is not None and len(seen) * STEP_WORK > self.work:
                return None
            if len(seen) % LOOK_EVERY == 0:
                self.spending.look()
            if done == self.first[self.lines.closed]:
                return True
            stack += reversed(list(self.following(at, states)))
        return False

    def settled(self, at: tuple[int, ...], states: tuple[Any, ...]) -> Configuration:
        """With all reads that can be taken at once (S1)."""
        now = list(at)
        for line in range(self.lines.closed):
            while now[line] < self.first[line + 1]:
                i = now[line]
                if not self.reads[self.kind[i]]:
                    break
                if not self.lines.problem.step(states[self.key[i]], self.kind[i]):
                    break
                now[line] += 1
        return tuple(now), states

    def following(self, at: tuple[int, ...], states: tuple[Any, ...]) -> Iterator[Configuration]:
        for line, i in enumerate(at):
            if i == self.first[line + 1]:
                continue
            gate, begins = self.gates[line]
            if gate >= 0 and at[gate] < begins:
                continue
            key = self.key[i]
            after = (*at[:line], i + 1, *at[line + 1 :])
            for new in self.lines.problem.step(states[key], self.kind[i]):
                yield after, (*states[:key], new, *states[key + 1 :])


__all__ = ["Ordered", "plain", "sequential"]
