"""The general search: is a history of one object linearizable?  Two engines under one budget.

Deciding it is NP-complete (Gibbons and Korach, "Testing shared memories", 1997), so that both
engines are exponential in what is concurrent, at worst; neither is in the length of the history.

A *configuration* belongs to the next return, that of an operation o that has not taken effect:
the object's state, the pending operations that have taken effect, and the open operations that
have.  All that returned before has taken effect, so that this says the whole past.

**frontier** goes from return to return with all configurations that there can be, and from each
by as few steps as make o take effect ("just in time": G. Lowe, "Testing for linearizability",
Concurrency and Computation 29(4), 2017).  Memory holds two fronts, not the history's past.
**depth first** follows one order as long as it goes (J. Wing and C. Gong, "Testing and verifying
concurrent objects", 1993) and remembers the configurations that it met (Lowe 2017).  It needs to
find only one order, where the frontier keeps them all.  Its memory may forget: that repeats work.

Histories with several keys are decided by key, which is right since linearizability is local
(Herlihy and Wing 1990, theorem 1; as "P-compositionality": A. Horn and D. Kroening, "Faster
linearizability checking via P-compositionality", FORTE 2015).

What is left out, and why nothing is lost.  Let w be an order in which the rest of the history can
take effect from a configuration.  Each rule shows that if there is a w, there is one that the
engines follow.

R1, *reads at once*.  A pending operation that never changes the state, in whichever state, and
    that agrees with this one, takes effect now.  Wherever it is in w, taking it away from there
    changes nothing for the others, and it was invoked already.
R2, *of the same kind, that which returns first*.  Let a and b be pending, of the same kind, a
    returning earlier, and let w have b first.  Exchange them: both are invoked already; b moves
    to where a was, which is before a's return and so before its own; the states are the same.
    So it is with an open operation for a: it returns never.  Hence open operations need no
    identity: those of one kind are used in the order of invocation, and a count says which.  A
    closed pending operation goes before its open *twin*, which does the same in all states.
R3, *open operations late*.  An open operation x may take effect at any time after its invocation,
    or never.  If x can be left out of w and the states that follow stay, leave it out: R4.
    If x and the operation y after it give the same state the other way round, and y is closed,
    put x behind y; if y is open, too, put that first whose kind comes first, in any one order of
    all kinds: x never returns, and so holds nobody back.  Each change makes w smaller in this
    order: fewer open operations; then, more closed operations before the open ones; then, fewer
    adjacent open ones out of order.  So it comes to an end, in a w whose open operations stand in
    chains x1 ... xk y, y closed, where none can be left out, form a loop, or be put behind y.
    Only such chains are tried, each with its y.
R4, *dominance*.  Of two configurations with the same state and the same pending operations that
    are not reads, one *dominates* if it has all reads of the other, and of no kind more open
    operations.  Any w of the other is one of it, less its reads.  The frontier drops the other.

R1 needs to know which operations are reads: the model says so of some (`Model.reads`), and where a
history reaches few states a table of all transitions shows them all (transitions.py).

Where the states are few, two *relaxed* frontiers help the others to a "not": they allow more
orders, so that where they find none there is none, and what else they say is ignored.  In
**unlimited**, open operations take effect as often as one likes, so that nothing is counted.  In
**reusable**, so do pending operations that are no reads: states and reads are all that is left.

Verdicts.  "not linearizable": at `position`, the return of an operation, no configuration is left.
By the frontier and depth first, the events before it are linearizable, with that operation still
pending: no shorter beginning of the history shows it.  By a relaxed frontier, one may (`verified`
is then less).  "unknown" says which limit was reached.  Events before `verified` are linearizable.

Under one budget: one thread, in slices of work that double (not of time, so that a run repeats
itself).  The others get slices only while a return costs the frontier much.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from checker.history.budget import LimitReached, preparing
from checker.history.search.native import (
    Engine,
    NoKernelError,
    Numbers,
    Prepared,
    Search,
    Status,
)
from checker.history.search.problem import Problem, checked_operations, problem_of
from checker.history.search.verdict import Budget, Configuration, Kind, Verdict

if TYPE_CHECKING:
    from checker.history.history import History
    from checker.history.models.model import Model

ENGINES = {"frontier": Engine.FRONTIER, "depth first": Engine.DEPTH_FIRST}
RELAXED = {"unlimited": Engine.UNLIMITED, "reusable": Engine.REUSABLE}
"""They can only refute."""

LIMITS: dict[Status, Literal["time", "memory"]] = {
    Status.OUT_OF_TIME: "time",
    Status.OUT_OF_MEMORY: "memory",
}

FIRST_SLICE, MOST_SLICE = 1 << 16, 1 << 26
"""Of work: transitions and comparisons.  The last is about a second, and no longer for Ctrl-C."""
EASY = 300
"""Work for each return; below this, the frontier goes alone."""


def search(
    history: History,
    model: Model,
    budget: Budget | None = None,
    *,
    with_order: bool = False,
    with_last: bool = True,
    engine: str | None = None,
    deadline: float | None = None,
) -> Verdict:
    """Decides a history of one object.  `engine`: one of `ENGINES`; None: both.

    `with_last`: the verdict has its `last` configurations.  `deadline`, of `time.monotonic`: if it
    is earlier than the budget's, it counts.
    Errors: whatever `model.step` raises.  Without a C compiler plain.py does it, whatever `engine`.
    """
    verdict = search_problem(
        problem_of(history, model), budget,
        with_order=with_order, with_last=with_last, engine=engine, deadline=deadline,
    )  # fmt: skip
    if len(checked := checked_operations(history)) == len(history):
        return verdict
    return _renumbered(verdict, checked.tolist())


def search_keys(
    history: History, model: Model, budget: Budget | None = None, *, workers: int = 1
) -> Iterator[tuple[int, Verdict]]:
    """Each key's index and verdict, in the order of keys; all under one budget.

    With several workers the kernel runs in threads; what Python's model does, it does in turn.
    """
    deadline = (budget or Budget()).deadline()
    parts = history.split()
    if workers <= 1:
        for key, part in parts:
            yield key, search(part, model, budget, deadline=deadline)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(workers) as pool:
        running = [
            (key, pool.submit(search, part, model, budget, deadline=deadline))
            for key, part in parts
        ]
        try:
            for key, future in running:
                yield key, future.result()
        finally:
            for _, future in running:
                future.cancel()


def search_problem(
    problem: Problem,
    budget: Budget | None = None,
    *,
    with_order: bool = False,
    with_last: bool = True,
    engine: str | None = None,
    deadline: float | None = None,
) -> Verdict:
    """As `search`."""
    budget = budget or Budget()
    begun = time.monotonic()
    ends = min(budget.deadline(), float("inf") if deadline is None else deadline)
    with ExitStack() as stack:
        try:
            with preparing():
                prepared = stack.enter_context(closing(Prepared(problem)))
        except NoKernelError:
            from checker.history.search.plain import search_plainly

            return search_plainly(problem, budget, with_order=with_order, deadline=ends)
        names = list(ENGINES) if engine is None else [engine]
        if engine is None and prepared.is_complete:
            names += RELAXED if len(prepared.fields) else ["reusable"]
        run = _Run(prepared, names, ends, budget, with_order=with_order, with_last=with_last)
        stack.callback(run.close)
        return replace(run.verdict(), seconds=time.monotonic() - begun)


class _Run:
    """Slices, until one engine has decided or no engine is left."""

    def __init__(
        self,
        prepared: Prepared,
        names: list[str],
        deadline: float,
        budget: Budget,
        *,
        with_order: bool,
        with_last: bool,
    ) -> None:
        self.prepared, self.names = prepared, names
        self.with_order, self.with_last = with_order, with_last
        self.deadline, self.memory = deadline, budget.memory_bytes or 0
        self.work = budget.work
        self.searches: dict[str, Search] = {}
        """Made when they are needed: most histories are easy."""
        self.numbers: dict[str, Numbers] = {}
        self.limit: Status | None = None

    def close(self) -> None:
        for search in self.searches.values():
            search.close()

    def _search(self, name: str) -> Search:
        found = self.searches.get(name)
        if found is None:
            engine = (ENGINES | RELAXED)[name]
            found = self.searches[name] = Search(self.prepared, engine, with_order=self.with_order)
        return found

    def verdict(self) -> Verdict:
        if not len(self.prepared.events):
            return self._made("linearizable", self.names[0], order=())
        name, status = self._decided()
        if status is Status.LINEARIZABLE:
            order = self._order(name) if self.with_order else None
            if isinstance(order, Status):
                self.limit = order
                return self._made("unknown", name)
            return self._made("linearizable", name, order=order)
        if status is Status.VIOLATED:
            return self._violated(name)
        tried = [name for name in self.numbers if name not in RELAXED]
        return self._made("unknown", " and ".join(tried))

    def _decided(self) -> tuple[str, Status]:
        left = list(self.names)
        work = FIRST_SLICE
        while True:
            for name in tuple(left):
                if name != left[0] and self._is_easy(left[0]):
                    continue
                search = self._search(name)
                try:
                    status = search.run(work, self.deadline, self.memory)
                except LimitReached as reached:  # seen while the model was asked
                    out = reached.limit == "memory"
                    status = Status.OUT_OF_MEMORY if out else Status.OUT_OF_TIME
                self.numbers[name] = search.numbers()
                if name in RELAXED and status in (Status.LINEARIZABLE, Status.OUT_OF_MEMORY):
                    left.remove(name)  # it says nothing
                    self.searches.pop(name).close()
                    if not left:
                        return name, Status.PAUSED
                    continue
                if status in (Status.LINEARIZABLE, Status.VIOLATED):
                    return name, status
                if status is Status.OUT_OF_TIME:
                    self.limit = status
                    return name, status
                if status is Status.OUT_OF_MEMORY:
                    self.limit = status
                    left.remove(name)
                    if not set(left) & set(ENGINES):
                        return name, status
                    self.searches.pop(name).close()  # the other one may have its memory
            if self.work is not None and self._spent() >= self.work:
                return left[0], Status.PAUSED
            work = min(2 * work, MOST_SLICE)

    def _spent(self) -> int:
        return sum(numbers.work for numbers in self.numbers.values())

    def _is_easy(self, name: str) -> bool:
        numbers = self.numbers[name]
        return name == "frontier" and numbers.work < EASY * (numbers.levels + 1)

    def _order(self, name: str) -> tuple[int, ...] | Status:
        found = self.searches[name].order(self.deadline, self.memory)
        return found if isinstance(found, Status) else tuple(found)

    def _violated(self, name: str) -> Verdict:
        found = self.searches[name]
        at = self.numbers[name].furthest
        last = found.last() if self.with_last else []
        pending = found.pending() if self.with_last else []
        configurations = tuple(
            Configuration(
                self.prepared.asking.state(one.state),
                tuple(sorted(one.linearized + one.used)),
                tuple(sorted(set(pending) - set(one.linearized))),
            )
            for one in last
        )
        return self._made(
            "not linearizable",
            name,
            failed_at=int(self.prepared.events[at] >> 1),
            position=int(self.prepared.positions[at]),
            last=configurations,
        )

    def _made(
        self,
        kind: Kind,
        engine: str,
        *,
        order: tuple[int, ...] | None = None,
        failed_at: int | None = None,
        position: int | None = None,
        last: tuple[Configuration, ...] = (),
    ) -> Verdict:
        limit = None if kind != "unknown" or self.limit is None else LIMITS[self.limit]
        positions, numbers = self.prepared.positions, self.numbers.values()
        verified = int(positions[-1]) + 1 if len(positions) else 0
        if kind != "linearizable":
            exact = [one.furthest for name, one in self.numbers.items() if name not in RELAXED]
            verified = int(positions[max(exact, default=0)])
        return Verdict(
            kind, engine, order, failed_at, position, verified, last, limit,
            sum(one.configurations for one in numbers),
            max((one.widest for one in numbers), default=1),
            0.0,
        )  # fmt: skip


def _renumbered(verdict: Verdict, checked: list[int]) -> Verdict:
    def of(operations: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(checked[i] for i in operations)

    return replace(
        verdict,
        order=None if verdict.order is None else of(verdict.order),
        failed_at=None if verdict.failed_at is None else checked[verdict.failed_at],
        last=tuple(
            replace(one, linearized=of(one.linearized), waiting=of(one.waiting))
            for one in verdict.last
        ),
    )


__all__ = [
    "Budget",
    "Configuration",
    "Verdict",
    "search",
    "search_keys",
    "search_problem",
]
