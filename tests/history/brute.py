"""The oracle of the special algorithms: every order of a few operations is tried.

An operation is `(f, argument, result, invoked, returned)`; `returned` is None if it never
answered, and then its result is None and means nothing.  A model is a function `steps(state,
operation) -> states`: where the operation may lead from there; for one that never answered, all
states that it may lead to.

Histories come from `shapes` (all of them) or are recorded of a run with random points of effect
(`recorded`), and then perhaps damaged.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import cache
from itertools import product
from random import Random
from typing import Any, NamedTuple


class Op(NamedTuple):
    f: str
    argument: Any
    result: Any
    invoked: int
    returned: int | None


Steps = Callable[[Any, Op], Iterable[Hashable]]


def linearizable(operations: Sequence[Op], initial: Hashable, steps: Steps) -> bool:
    """Wing and Gong's search, with memory of what was tried."""
    tried: set[tuple[int, Hashable]] = set()
    must = sum(1 << i for i, o in enumerate(operations) if o.returned is not None)
    before = [
        sum(
            1 << j
            for j, p in enumerate(operations)
            if p.returned is not None and p.returned < o.invoked
        )
        for o in operations
    ]

    def search(done: int, state: Hashable) -> bool:
        if done & must == must:
            return True
        if (done, state) in tried:
            return False
        tried.add((done, state))
        for i, operation in enumerate(operations):
            if not done >> i & 1 and before[i] & ~done == 0:
                for following in steps(state, operation):
                    if search(done | 1 << i, following):
                        return True
        return False

    return search(0, initial)


def legal(order: Sequence[Op], initial: Hashable, steps: Steps) -> bool:
    """Is this order of operations one that the model allows, and one that time allows?"""
    if any(
        q.returned is not None and q.returned < p.invoked
        for i, p in enumerate(order)
        for q in order[i + 1 :]
    ):
        return False
    states = {initial}
    for operation in order:
        states = {s for state in states for s in steps(state, operation)}
    return bool(states)


@cache
def shapes(count: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    """All ways in which `count` intervals lie, by (invoked, returned): (2 count - 1)!! of them."""
    found: list[tuple[tuple[int, int], ...]] = []

    def extend(events: list[int], begun: int) -> None:
        if len(events) == 2 * count:
            places = {e: p for p, e in enumerate(events)}
            found.append(tuple((places[i], places[i + count]) for i in range(count)))
            return
        if begun < count:
            extend([*events, begun], begun + 1)
        for i in range(begun):
            if i + count not in events:
                extend([*events, i + count], begun)

    extend([], 0)
    return tuple(found)


def every(
    count: int, calls: Sequence[tuple[str, Any, Any]], most_open: int = 0
) -> Iterator[list[Op]]:
    """Every history of `count` operations out of `calls` (f, argument, result)."""
    for shape in shapes(count):
        for chosen in product(calls, repeat=count):
            for crashed in product((False, True), repeat=count):
                if sum(crashed) <= most_open:
                    yield [
                        Op(f, a, None, i, None) if c else Op(f, a, r, i, e)
                        for (f, a, r), (i, e), c in zip(chosen, shape, crashed, strict=True)
                    ]


def intervals(random: Random, count: int, clients: int) -> list[tuple[int, int]]:
    """Random intervals in order of invocation, at most `clients` at one time."""
    found: list[list[int]] = []
    pending: list[int] = []
    for at in range(2 * count):
        free = len(found) < count and len(pending) < clients
        if free and (not pending or random.random() < 0.5):
            pending.append(len(found))
            found.append([at, -1])
        else:
            found[pending.pop(random.randrange(len(pending)))][1] = at
    return [(i, e) for i, e in found]


def recorded(
    random: Random,
    count: int,
    initial: Any,
    call: Callable[..., tuple[str, Any, Any, Any]],
    *,
    clients: int,
    crash: float = 0.0,
    tick: int | None = None,
) -> list[Op]:
    """A linearizable history: each operation takes effect at a random point of its interval.

    `call(random, state) -> (f, argument, result, next state)`; with a `tick`, the time at which it
    takes effect is its last argument: an event is at its position times that.  A crashed operation
    takes effect after its invocation or not at all.
    """
    spans = intervals(random, count, clients)
    crashed = [random.random() < crash for _ in spans]
    points = [
        random.uniform(i, 2 * count) if c else random.uniform(i, e)
        for (i, e), c in zip(spans, crashed, strict=True)
    ]
    made: dict[int, tuple[str, Any, Any]] = {}
    state = initial
    for i in sorted(range(count), key=points.__getitem__):
        now = () if tick is None else (int(points[i] * tick),)
        f, argument, result, following = call(random, state, *now)
        made[i] = (f, argument, result)
        if not crashed[i] or random.random() < 0.6:
            state = following
    return [
        Op(f, a, None, i, None) if c else Op(f, a, r, i, e)
        for (f, a, r), (i, e), c in zip(
            (made[i] for i in range(count)), spans, crashed, strict=True
        )
    ]
