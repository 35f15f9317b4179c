"""Switches (mutexes, elements of sets) against every order tried, and C against Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest

from checker.history.algorithms import switches
from checker.history.algorithms.decision import side_by_side
from checker.history.history import OPEN
from tests.history.brute import Op, every, linearizable, recorded
from tests.history.decided import agrees, exchange

INITIAL = 0
KINDS = {"up": switches.UP, "down": switches.DOWN, "on": switches.ON, "off": switches.OFF}
"""Operations have the object as argument."""


def steps(state: int, o: Op) -> Iterable[int]:
    """A state has one bit for each object."""
    bit = 1 << o.argument
    on = bool(state & bit)
    if o.f in {"on", "off"}:
        return [state] if o.returned is None or on == (o.f == "on") else []
    if on == (o.f == "down"):
        return [state ^ bit]
    return [] if o.returned is not None else [state]


def given_by(operations: Sequence[Op]) -> switches.Switches:
    objects = np.array([o.argument for o in operations], dtype=np.int64)
    returned = np.array([OPEN if o.returned is None else o.returned for o in operations])
    invoked = np.array([o.invoked for o in operations], dtype=np.int64)
    return switches.Switches(
        kind=np.array([KINDS[o.f] for o in operations], dtype=np.int64),
        objects=objects,
        times=side_by_side(objects, 1 + int(objects.max()), invoked, returned),
    )


def compare(operations: Sequence[Op]) -> bool:
    decided = switches.decide(given_by(operations))
    conflict = agrees(decided, operations, INITIAL, steps)
    if not decided.linearizable:
        assert not linearizable(conflict, INITIAL, steps), (operations, conflict)
        assert len({o.argument for o in conflict}) == 1
    return decided.linearizable


CALLS = [(f, 0, None) for f in KINDS]


@pytest.mark.parametrize(
    ("count", "most_open"),
    [(1, 1), (2, 2), (3, 3), (4, 0), pytest.param(4, 1, marks=pytest.mark.slow)],
)
def test_every_history_of_a_few_operations(count: int, most_open: int) -> None:
    verdicts = {compare(h) for h in every(count, CALLS, most_open)}
    assert verdicts == {True, False}


def call(random: Random, state: int) -> tuple[str, Any, Any, int]:
    """Two objects, one of them asked for often."""
    thing = random.choice([0, 0, 0, 1])
    on = bool(state >> thing & 1)
    f = random.choice(["up", "down", "on" if on else "off"])
    if on == (f == "up"):
        return ("on" if on else "off"), thing, None, state
    return f, thing, None, state if f in {"on", "off"} else state ^ (1 << thing)


def damaged(random: Random, operations: list[Op]) -> list[Op]:
    """Two operations change places, or an operation becomes another one of its object."""
    i, j = random.randrange(len(operations)), random.randrange(len(operations))
    o, p = operations[i], operations[j]
    if o.returned is None or p.returned is None:
        return operations
    if random.random() < 0.5:
        operations[i] = o._replace(f=random.choice(list(KINDS)))
    else:
        exchange(operations, i, j)
    return operations


@pytest.mark.parametrize("seed", range(6))
def test_random_histories(seed: int) -> None:
    random = Random(seed)
    verdicts = []
    for _ in range(300):
        history = recorded(
            random,
            random.randint(1, 10),
            INITIAL,
            call,
            clients=random.randint(1, 6),
            crash=random.choice([0, 0.2]),
        )
        for _ in range(random.choice([0, 1, 2])):
            history = damaged(random, history)
        verdicts.append(compare(history))
    assert verdicts.count(True) > 50
    assert verdicts.count(False) > 30


def test_c_is_as_python(monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(1)
    histories = [
        damaged(random, recorded(random, 60, INITIAL, call, clients=8, crash=0.05))
        for _ in range(100)
    ]
    native = [switches.run(given_by(h)) for h in histories]
    monkeypatch.setattr(switches, "_library", lambda: None)
    for history, there in zip(histories, native, strict=True):
        here = switches.run(given_by(history))
        for name in ("failed", "turn", "gap"):
            assert getattr(here, name).tolist() == getattr(there, name).tolist()
    assert {bool((there.failed >= 0).any()) for there in native} == {True, False}


def test_a_conflict_late_in_a_long_history_is_small() -> None:
    """A million operations later it is no larger; here some thousands."""
    one = [Op("up", 0, None, 0, 1), Op("down", 0, None, 2, 3)]
    long = [
        o._replace(invoked=o.invoked + 4 * k, returned=(o.returned or 0) + 4 * k)
        for k in range(2000)
        for o in one
    ]
    twice = [Op("up", 0, None, 8000, 8001), Op("up", 0, None, 8002, 8003)]
    decided = switches.decide(given_by([*long, *twice]))
    assert decided.conflict.tolist() == [4000, 4001]
