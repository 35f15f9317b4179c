"""Queues against every order tried: each history of a few operations, and random ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest

from checker.history.algorithms import queues
from checker.history.algorithms.decision import Decision
from tests.history.brute import Op, every, linearizable, recorded
from tests.history.decided import agrees, exchange, times_of


def steps(state: Any, o: Op) -> Iterable[Any]:
    if o.f == "enqueue":
        return [(*state, o.argument)]
    if o.returned is None:
        return [state[1:]]
    if o.result is None:
        return [] if state else [state]
    return [state[1:]] if state and state[0] == o.result else []


def decide(operations: Sequence[Op]) -> Decision | None:
    """None: a value that is dequeued is enqueued twice."""
    empty = [o.f == "dequeue" and o.result is None and o.returned is not None for o in operations]
    kind = [
        queues.EMPTY if e else queues.ENQUEUE if o.f == "enqueue" else queues.DEQUEUE
        for o, e in zip(operations, empty, strict=True)
    ]
    value = [(o.argument if o.f == "enqueue" else o.result) or 0 for o in operations]
    given = queues.Queue(
        kind=np.array(kind, dtype=np.int64),
        value=np.array(value, dtype=np.int64),
        times=times_of(operations),
        values=1 + max([0, *value]),
    )
    return queues.decide(given) if queues.unambiguous(given).all() else None


def compare(operations: Sequence[Op]) -> bool | None:
    decided = decide(operations)
    if decided is None:
        return None
    conflict = agrees(decided, operations, (), steps)
    if not decided.linearizable:
        assert not linearizable(conflict, (), steps), (operations, conflict)
        assert sources(operations) & dequeued(conflict) <= sources(conflict)
        if "first was dequeued last" in decided.reason:
            assert len(conflict) == 4
    return decided.linearizable


def sources(operations: Sequence[Op]) -> set[Any]:
    return {o.argument for o in operations if o.f == "enqueue"}


def dequeued(operations: Sequence[Op]) -> set[Any]:
    return {o.result for o in operations if o.f == "dequeue" and o.result is not None}


CALLS = [
    ("enqueue", 1, None),
    ("enqueue", 2, None),
    ("dequeue", None, 1),
    ("dequeue", None, 2),
    ("dequeue", None, None),
]


@pytest.mark.parametrize(
    ("count", "most_open"),
    [(1, 1), (2, 2), (3, 3), pytest.param(4, 1, marks=pytest.mark.slow)],
)
def test_every_history_of_a_few_operations(count: int, most_open: int) -> None:
    verdicts = {compare(h) for h in every(count, CALLS, most_open)}
    assert verdicts >= {True, False}


def call(random: Random, state: Any) -> tuple[str, Any, Any, Any]:
    if random.random() < 0.5:
        value = random.randrange(1, 1000)
        return "enqueue", value, None, (*state, value)
    return "dequeue", None, state[0] if state else None, state[1:]


def damaged(random: Random, operations: list[Op]) -> list[Op]:
    """Two operations of one kind change places, or a dequeue finds nothing, or another value."""
    i, j = random.randrange(len(operations)), random.randrange(len(operations))
    o, p = operations[i], operations[j]
    if o.returned is None or p.returned is None:
        return operations
    if o.f == "dequeue" and random.random() < 0.5:
        known = sorted(sources(operations) - dequeued(operations))
        operations[i] = o._replace(result=random.choice([None, *known]))
    else:
        exchange(operations, i, j)
    return operations


@pytest.mark.parametrize("crash", [0.0, 0.15, 0.4])
@pytest.mark.parametrize("seed", range(4))
def test_random_histories(seed: int, crash: float) -> None:
    random = Random(f"{seed} {crash}")
    verdicts = []
    for _ in range(300):
        history = recorded(
            random, random.randint(1, 9), (), call, clients=random.randint(1, 5), crash=crash
        )
        for _ in range(random.choice([0, 1, 1, 2])):
            history = damaged(random, history)
        verdicts.append(compare(history))
    assert verdicts.count(True) > 50
    assert verdicts.count(False) > 10
