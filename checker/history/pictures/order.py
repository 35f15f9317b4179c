"""In which order did the operations of one object take effect, and what was its state then?

The verdict is known already, but most algorithms give no order with it: a special one is asked for
it, and else the general search.  Of a history that is not linearizable there is an order up to the
return at which the last one fails: its *longest linearizable beginning*.

Rules of this file:

* The beginning of a history at a position p are the events before p: operations that were
  invoked by then, and those of them open that return later: their answers do not count.  If a
  beginning is linearizable, so is each shorter one (take its order, less what is invoked later),
  so that bisection finds the longest.  The search knows the answers of what is pending, and may so
  see earlier that no order goes on; where it does, the beginning ends there.
* No order is believed.  `ordered` looks whether it has each operation that returned, none twice,
  and keeps real time; `replayed` whether the model allows each step.  If not, that is a bug of
  ours, and raises.
* Limits are counts, so that a picture does not depend on the machine; but where a search came to
  the end of the user's own budget, there is no order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from checker.history.algorithms.special import special
from checker.history.budget import LimitReached, Spending
from checker.history.history import INFO, NO_RESULT, OPEN, UNKNOWN, History
from checker.history.models.model import Model, State
from checker.history.search import Budget, search
from checker.history.values import Value

MOST_BISECTED: Final = 50_000
"""Operations of an object whose longest linearizable beginning is looked for in many steps."""
MOST_SEARCHED: Final = 1 << 30
"""Work of a search: about 16 seconds."""
MOST_UNTOLD: Final = 4_000
"""Operations of an object whose algorithm gives no order (logs, locks), so that it is searched: a
search keeps each state of a log, which is as long as the log."""
CHUNK: Final = 4096
MOST_WORK: Final = 3_000_000
"""Of a replay: one for each step, and one for each 16 values in the state that it may copy."""


@dataclass(frozen=True)
class Order:
    """`operations`: indices into the history of one object, as they take effect.

    `until`: the events before this position are explained by it (OPEN: all).  `failed`: the index
    of the operation that returns there, if the history is not linearizable.
    """

    operations: tuple[int, ...]
    until: int = OPEN
    failed: int | None = None


class OrderError(AssertionError):
    """An order that an algorithm gave is none: a bug of ours."""


class TooFar(Exception):
    """A replay would take too long."""


@dataclass(frozen=True)
class _Tried:
    """`order` if it is linearizable.  If not, and the search said so: no order explains the return
    at `position`, and events before `verified` are explained."""

    order: tuple[int, ...] | None = None
    position: int | None = None
    verified: int = 0


def ordered(
    part: History,
    model: Model,
    spending: Spending,
    *,
    until: int | None = None,
    work: int = MOST_SEARCHED,
) -> Order | None:
    """The order of operations on one object, as `rules.checked` and `model.prepare` give them.

    `until`: the position of a return that is known to be explained by no order.  `work`: of each
    search, at most.  Not linearizable: the order of the longest linearizable beginning.  None: a
    limit was reached, or the history is longer than MOST_BISECTED, and its longest beginning is
    not known.
    """
    try:
        found = _ordered(part, model, spending, until, work)
    except LimitReached:
        return None
    if found is not None:
        _assert_real_time(part, found)
    return found


def _ordered(
    part: History, model: Model, spending: Spending, until: int | None, work: int
) -> Order | None:
    if until is None:
        tried = _tried(part, model, spending, work)
        if tried.order is not None:
            return Order(tried.order)
    else:
        tried = _Tried(position=until)
    returns = np.sort(part.returned[part.returned < OPEN])
    # The beginning at returns[low] is linearizable: that at returns[0] has no return.  The one at
    # returns[high] is not; behind the last return it is the whole.
    low, high = 0, len(returns)
    known: tuple[int, ...] = ()
    known_at = -1
    probe = None if until is None else int(np.searchsorted(returns, until))
    while high - low > 1 or known_at != low:
        if tried.position is not None:
            high = min(high, int(np.searchsorted(returns, tried.position)) + 1)
        low = max(low, int(np.searchsorted(returns, tried.verified, side="right")) - 1)
        if probe is None and tried.position is None and len(part) > MOST_BISECTED:
            return None
        at, probe = (low + high) // 2 if probe is None else probe, None
        kept, begun = beginning(part, int(returns[at]), model)
        tried = _tried(begun, model, spending, work)
        if tried.order is None:
            if at <= low:
                raise OrderError("a beginning is linearizable, and then it is not")
            high = at
        else:
            low = known_at = at
            known = tuple(kept[list(tried.order)].tolist())
    position = int(returns[low])
    return Order(known, position, int(np.flatnonzero(part.returned == position)[0]))


def begun_before(
    part: History,
    position: int,
    model: Model,
    spending: Spending,
    *,
    work: int = MOST_SEARCHED,
) -> Order | None:
    """The order of the beginning at `position`, which was found to be linearizable."""
    kept, begun = beginning(part, position, model)
    try:
        tried = _tried(begun, model, spending, work)
    except LimitReached:
        return None
    if tried.order is None:
        return None
    found = Order(tuple(kept[list(tried.order)].tolist()), position)
    _assert_real_time(part, found)
    return found


def beginning(part: History, position: int, model: Model) -> tuple[Any, History]:
    """The indices of its operations, and these; reads that are open say nothing."""
    late = part.returned >= position
    kept = np.flatnonzero((part.invoked < position) & ~(late & part.f_is(*model.reads)))
    begun, late = part.take(kept), late[kept]
    return kept, begun.with_columns(
        returned=np.where(late, OPEN, begun.returned),
        status=np.where(late, INFO, begun.status),
        result=np.where(late, NO_RESULT, begun.result),
    )


def _tried(part: History, model: Model, spending: Spending, work: int) -> _Tried:
    """By the algorithm that applies.  LimitReached."""
    spending.look()
    if len(part) == 0:
        return _Tried(())
    answer = special(part, model)
    if answer is not None and len(answer.left) == 0:
        decision = answer.decision
        if not decision.linearizable:
            return _Tried()
        if decision.order is not None:
            return _Tried(tuple(decision.order().tolist()))
        if len(part) > MOST_UNTOLD:
            raise LimitReached("memory")
    budget = Budget(memory_bytes=spending.memory_bytes, work=work)
    verdict = search(part, model, budget, with_order=True, deadline=spending.deadline)
    if verdict.kind == "unknown":
        raise LimitReached(verdict.limit or "time")
    return _Tried(verdict.order, verdict.position, verdict.verified)


def _assert_real_time(part: History, order: Order) -> None:
    """Each that returned is there, none twice, and none after one that it precedes."""
    places = np.array(order.operations, dtype=np.int64)
    returned = np.where(part.returned < order.until, part.returned, OPEN)
    must = np.flatnonzero(returned < OPEN)
    times = np.bincount(places, minlength=len(part))
    if (times > 1).any() or (times[must] == 0).any():
        raise OrderError("an order leaves an operation out, or has one twice")
    begun = np.maximum.accumulate(part.invoked[places]) if len(places) else places
    if (returned[places][1:] < begun[:-1]).any() or (begun >= order.until).any():
        raise OrderError("an order does not keep real time")


# --------------------------------------------------------------------------- states


def replayed(
    part: History, model: Model, order: Order, *, most_work: int = MOST_WORK
) -> Iterator[tuple[int, State]]:
    """Each operation of an order and the state after it, by the model alone.

    Where an open operation may have left several states, one that explains the rest is told.
    OrderError if the model refuses a step; TooFar after `most_work`.
    """
    now: dict[State, State | None] = {model.initial(): None}
    waiting: list[tuple[int, dict[State, State | None]]] = []
    work = 0
    for i, f, argument, result in _calls(part, order):
        after: dict[State, State | None] = {}
        for state in now:
            if result is UNKNOWN:
                for new in model.steps(state, f, argument):
                    after.setdefault(new, state)
            else:
                new = model.step(state, f, argument, result)
                if new is not None:
                    after.setdefault(new, state)
        if not after:
            raise OrderError(f"the model refuses a step of an order: {part.operation(i)}")
        work += sum(1 + size(state) // 16 for state in after)
        if work > most_work:
            raise TooFar
        waiting.append((i, after))
        now = after
        if len(after) == 1:
            yield from _certain(waiting)
            waiting = []
    yield from _certain(waiting)


def _calls(part: History, order: Order) -> Iterator[tuple[int, str, Value, Value]]:
    """(index, function, argument, result) in the order.  Some at once: one by one is slow."""
    for begin in range(0, len(order.operations), CHUNK):
        chunk = np.array(order.operations[begin : begin + CHUNK], dtype=np.int64)
        told = part.returned[chunk] < order.until
        rows = zip(
            chunk.tolist(),
            part.f[chunk].tolist(),
            part.argument[chunk].tolist(),
            np.where(told, part.result[chunk], NO_RESULT).tolist(),
            strict=True,
        )
        for i, f, argument, result in rows:
            answer = UNKNOWN if result == NO_RESULT else part.values[result]
            yield i, part.functions[f], part.values[argument], answer


def _certain(steps: list[tuple[int, dict[State, State | None]]]) -> list[tuple[int, State]]:
    """From the last state backwards: each step knows from where it came."""
    if not steps:
        return []
    found: list[tuple[int, State]] = []
    state = next(iter(steps[-1][1]))
    for i, after in reversed(steps):
        found.append((i, state))
        state = after[state]
    return found[::-1]


def size(state: State) -> int:
    """About how many values are in a state; cheap."""
    if not isinstance(state, tuple | frozenset | str):
        return 1
    if not isinstance(state, tuple):
        return len(state)
    inner = [len(one) for one in state[:4] if isinstance(one, tuple | frozenset)]
    return len(state) + sum(inner)


__all__ = ["Order", "OrderError", "TooFar", "beginning", "begun_before", "ordered", "replayed"]
