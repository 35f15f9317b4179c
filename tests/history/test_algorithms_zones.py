"""Zones against every order tried: each register history of four operations, and random ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from checker.history.algorithms import zones
from checker.history.algorithms.decision import (
    READ,
    WRITE,
    Decision,
    Registers,
    side_by_side,
)
from checker.history.history import OPEN
from tests.history.brute import Op, every, legal, linearizable, recorded
from tests.history.decided import agrees, times_of

INITIAL = 0


def steps(state: Any, o: Op) -> Iterable[Any]:
    if o.f == "write":
        return [o.argument]
    return [state] if o.returned is None or o.result == state else []


def registers(operations: Sequence[Op]) -> Registers:
    written = [o.argument if o.f == "write" else o.result or 0 for o in operations]
    return Registers(
        kind=np.array([WRITE if o.f == "write" else READ for o in operations], dtype=np.int64),
        value=np.array(written, dtype=np.int64),
        then=np.zeros(len(operations), dtype=np.int64),
        times=times_of(operations),
        initial=np.array([INITIAL], dtype=np.int64),
        values=1 + max([INITIAL, *written]),
    )


def decide(operations: Sequence[Op]) -> Decision | None:
    """None: a value that is read has two sources."""
    given = registers(operations)
    return zones.decide(given) if zones.unambiguous(given).all() else None


def compare(operations: Sequence[Op]) -> bool | None:
    """The verdict, compared with the oracle; so are the conflict and the order with it."""
    decided = decide(operations)
    if decided is None:
        return None
    conflict = agrees(decided, operations, INITIAL, steps)
    if not decided.linearizable:
        assert len(conflict) <= 6
        assert not linearizable(conflict, INITIAL, steps), (operations, conflict)
        read = {o.result for o in conflict if o.f == "read"} - {INITIAL}
        written = {o.argument for o in operations if o.f == "write"}
        assert read & written <= {o.argument for o in conflict if o.f == "write"}
    return decided.linearizable


CALLS = [("write", 1, None), ("write", 2, None), *[("read", None, v) for v in range(3)]]


@pytest.mark.parametrize(
    ("count", "most_open"),
    [(1, 1), (2, 2), (3, 3), pytest.param(4, 1, marks=pytest.mark.slow)],
)
def test_every_history_of_a_few_operations(count: int, most_open: int) -> None:
    verdicts = {compare(h) for h in every(count, CALLS, most_open)}
    assert verdicts >= {True, False}


def call(random: Random, state: int) -> tuple[str, Any, Any, int]:
    if random.random() < 0.5:
        return "read", None, state, state
    value = random.randrange(1, 1000)
    return "write", value, None, value


def damaged(random: Random, operations: list[Op]) -> list[Op]:
    """One read returns another value of the history."""
    reads = [i for i, o in enumerate(operations) if o.f == "read" and o.returned is not None]
    known = [INITIAL, *[o.argument for o in operations if o.f == "write"]]
    if reads:
        i = random.choice(reads)
        operations[i] = operations[i]._replace(result=random.choice(known))
    return operations


@pytest.mark.parametrize("seed", range(8))
def test_random_histories(seed: int) -> None:
    random = Random(seed)
    verdicts = []
    for _ in range(400):
        history = recorded(
            random, random.randint(1, 9), INITIAL, call, clients=random.randint(1, 5), crash=0.1
        )
        if random.random() < 0.6:
            history = damaged(random, history)
        verdicts.append(compare(history))
    assert verdicts.count(True) > 50
    assert verdicts.count(False) > 50


@pytest.mark.parametrize("seed", range(4))
def test_many_objects_in_one_pass(seed: int) -> None:
    """The verdict on keys side by side is that of all the keys one by one."""
    random = Random(seed)
    for _ in range(100):
        parts = [
            recorded(random, random.randint(1, 6), INITIAL, call, clients=3, crash=0.1)
            for _ in range(4)
        ]
        if random.random() < 0.5:
            parts[2] = damaged(random, parts[2])
        alone = [decide(part) for part in parts]
        if None in alone:
            continue
        operations = [o for part in parts for o in part]
        objects = np.repeat(np.arange(4), [len(part) for part in parts])
        returned = np.array([OPEN if o.returned is None else o.returned for o in operations])
        given = registers(operations)
        given = replace(
            given,
            value=given.value + 1000 * objects,
            times=side_by_side(objects, 4, np.array([o.invoked for o in operations]), returned),
            initial=1000 * np.arange(4, dtype=np.int64),
            values=4000,
        )
        together = zones.decide(given)
        assert together.linearizable == all(d is not None and d.linearizable for d in alone)
        if together.linearizable:
            assert together.order is not None
            order = together.order()
            for k in range(4):
                assert legal([operations[i] for i in order if objects[i] == k], INITIAL, steps)


def test_values_that_nobody_reads_may_repeat() -> None:
    history = [Op("write", 1, None, 0, 1), Op("write", 1, None, 2, 3), Op("read", None, 1, 4, 5)]
    assert decide(history) is None
    assert decide([*history[:2], Op("read", None, 0, 4, 5)]) is not None
