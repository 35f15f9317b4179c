"""Chains against every order tried: each cas history of a few operations, and random ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest

from checker.history.algorithms import chains
from checker.history.algorithms.decision import CAS, READ, WRITE, Decision, Registers
from tests.history.brute import Op, every, linearizable, recorded
from tests.history.decided import agrees, exchange, times_of

INITIAL = 0
KINDS = {"read": READ, "write": WRITE, "cas": CAS}


def steps(state: Any, o: Op) -> Iterable[Any]:
    if o.f == "write":
        return [o.argument]
    if o.f == "read":
        return [state] if o.returned is None or o.result == state else []
    old, new = o.argument
    if state == old:
        return [new]
    return [state] if o.returned is None else []


def decide(operations: Sequence[Op]) -> Decision | None:
    """None: a value that is used has two sources."""
    firsts = [o.argument[0] if o.f == "cas" else o.argument or o.result or 0 for o in operations]
    seconds = [o.argument[1] if o.f == "cas" else 0 for o in operations]
    given = Registers(
        kind=np.array([KINDS[o.f] for o in operations], dtype=np.int64),
        value=np.array(firsts, dtype=np.int64),
        then=np.array(seconds, dtype=np.int64),
        times=times_of(operations),
        initial=np.array([INITIAL], dtype=np.int64),
        values=1 + max([INITIAL, *firsts, *seconds]),
    )
    return chains.decide(given) if chains.unambiguous(given).all() else None


def compare(operations: Sequence[Op]) -> bool | None:
    decided = decide(operations)
    if decided is None:
        return None
    conflict = agrees(decided, operations, INITIAL, steps)
    if not decided.linearizable and "never written" not in decided.reason:
        assert not linearizable(explained(conflict), INITIAL, steps), (operations, conflict)
    return decided.linearizable


def explained(conflict: list[Op]) -> list[Op]:
    """With a write, at any time, of each value that is used and comes from elsewhere."""
    first = {o.result if o.f == "read" else o.argument[0] for o in conflict if o.f != "write"}
    given = {o.argument[1] if o.f == "cas" else o.argument for o in conflict if o.f != "read"}
    sources = [Op("write", v, None, -1, None) for v in sorted(first - given - {INITIAL, None})]
    return sources + conflict


CALLS = [
    ("write", 1, None),
    *[("read", None, v) for v in range(3)],
    *[("cas", pair, None) for pair in [(0, 1), (1, 2), (2, 1), (2, 2), (0, 2)]],
]


@pytest.mark.parametrize(
    ("count", "most_open"),
    [(1, 1), (2, 2), (3, 2), pytest.param(4, 0, marks=pytest.mark.slow)],
)
def test_every_history_of_a_few_operations(count: int, most_open: int) -> None:
    verdicts = {compare(h) for h in every(count, CALLS, most_open)}
    assert verdicts >= {True, False}


def call(random: Random, state: int) -> tuple[str, Any, Any, int]:
    kind = random.random()
    value = random.randrange(1, 1000)
    if kind < 0.4:
        return "read", None, state, state
    if kind < 0.85:
        return "cas", (state, value), None, value
    return "write", value, None, value


def damaged(random: Random, operations: list[Op]) -> list[Op]:
    """A read returns another value, a cas replaces another, or two operations change places."""
    values = [INITIAL, *[o.argument for o in operations if o.f == "write"]]
    values += [o.argument[1] for o in operations if o.f == "cas"]
    i = random.randrange(len(operations))
    o = operations[i]
    if o.f == "cas":
        operations[i] = o._replace(argument=(random.choice(values), o.argument[1]))
    elif o.f == "read" and o.returned is not None and random.random() < 0.5:
        operations[i] = o._replace(result=random.choice(values))
    else:
        j = random.randrange(len(operations))
        p = operations[j]
        if o.returned is not None and p.returned is not None:
            exchange(operations, i, j)
    return operations


@pytest.mark.parametrize("seed", range(10))
def test_random_histories(seed: int) -> None:
    random = Random(seed)
    verdicts = []
    for _ in range(400):
        history = recorded(
            random, random.randint(1, 9), INITIAL, call, clients=random.randint(1, 5), crash=0.15
        )
        if random.random() < 0.6:
            history = damaged(random, history)
        verdicts.append(compare(history))
    assert verdicts.count(True) > 50
    assert verdicts.count(False) > 50


def test_crashed_ones_in_a_circle() -> None:
    """Each is the proof of the other, and only the read is one that answered."""
    assert (
        compare(
            [
                Op("cas", (1, 2), None, 0, None),
                Op("cas", (2, 1), None, 1, None),
                Op("cas", (1, 3), None, 2, None),
                Op("read", None, 3, 3, 4),
            ]
        )
        is False
    )
