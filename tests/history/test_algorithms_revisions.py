"""Revisions: what they prove is so, and what they do not is left to the search."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from checker.history.algorithms.revisions import decide
from checker.history.budget import Spending
from checker.history.building import Builder
from checker.history.check import AlgorithmError, linearize
from checker.history.history import NO_TIME, OPEN, History
from checker.history.models import Model
from checker.history.rules import checked
from checker.history.search import search
from tests.history.generated import EVERY, brute, built, made, model_of


def numbered(history: History, model: Model, random: Random) -> History:
    """With the revisions that a store would tell that did this; at times with a wrong one."""
    order = search(history, model, with_order=True).order
    if order is None:
        order = tuple(random.sample(range(len(history)), len(history)))
    revisions, revision, state = [NO_TIME] * len(history), 5, model.initial()
    for i in order:
        o = history.operation(i)
        if o.is_open:
            continue
        after = model.step(state, o.f, o.argument, o.result)
        revision += after != state
        state = state if after is None else after
        revisions[i] = revision
    if random.random() < 0.2:
        revisions[random.randrange(len(history))] = random.randrange(9)
    return history.with_columns(revision=revisions)


@pytest.mark.parametrize("name", EVERY)
def test_what_is_proved_is_so(name: str) -> None:
    random, mine = Random(name), model_of(name)
    proved = wrong = possible = 0
    for _ in range(80):
        history = mine.prepare(checked(built(made(random, name)), mine))
        for _, part in history.split():
            given = numbered(part, mine, random)
            expected, found = brute(part, mine), decide(given, mine, Spending())
            possible += expected
            if found is None:
                continue
            proved += 1
            assert expected
            assert found.order is not None
            order = found.order().tolist()
            assert len(set(order)) == len(order)
            assert {i for i, r in enumerate(part.returned) if r < OPEN} <= set(order)
        wrong += not expected
    assert proved > possible // 3
    assert wrong


def history_of(*rows: tuple[int, str, Any, Any, int | None]) -> History:
    builder = Builder("test")
    for process, f, argument, result, revision in rows:
        builder.event(process, "invoke", f, argument)
        builder.event(process, "ok", f, result, revision=revision)
    return builder.finish()


APPENDS = [(0, "append", "a", None, 2), (1, "append", "b", None, 3), (2, "get", None, "ab", 3)]


def test_appends_are_proved() -> None:
    result = linearize(history_of(*APPENDS), "kv", algorithm="revisions")
    assert (result.verdict, result.algorithm) == ("linearizable", "revisions")
    large = [(n % 4, "append", "a", None, n) for n in range(400)]
    assert linearize(history_of(*large), "kv").algorithm == "revisions"


def test_a_refused_witness_says_nothing() -> None:
    turned = [APPENDS[0], (1, "append", "b", None, 1), APPENDS[2]]
    with pytest.raises(AlgorithmError, match="revisions does not apply"):
        linearize(history_of(*turned), "kv", algorithm="revisions")
    assert linearize(history_of(*turned), "kv").verdict == "linearizable"
    stale = [*APPENDS, (2, "get", None, "a", 2)]
    assert linearize(history_of(*stale), "kv").verdict == "not linearizable"


def test_transactions_and_trees_carry_them() -> None:
    txn = [
        (0, "txn", [["w", "x", 1]], [["w", "x", 1]], 7),
        (1, "txn", [["r", "x", None]], [["r", "x", 1]], 7),
    ]
    assert linearize(history_of(*txn), "multi-register", algorithm="revisions")
    tree = [
        (0, "create", ["/a", 1], "/a", 1), (0, "set", ["/a", 2], 1, 2), (1, "get", "/a", [2, 1], 2),
        (0, "delete", "/a", None, 3), (1, "exists", "/a", None, 3),
    ]  # fmt: skip
    assert linearize(history_of(*tree), "tree", algorithm="revisions")
