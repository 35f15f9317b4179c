"""Sequential consistency: the C, Python, and every order that the processes allow."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from checker.history.budget import Spending
from checker.history.building import Builder
from checker.history.check import linearize
from checker.history.history import OPEN, History
from checker.history.models import MODELS, Model, model
from checker.history.rules import checked
from checker.history.sequential import plain, sequential
from tests.history.generated import EVERY, built, made, model_of
from tests.history.test_check import history_of, one_by_one, witness_of


def some(history: History, model: Model, order: tuple[int, ...] | None = None) -> bool:
    """By the definition: some order is legal, agrees with each process, and has all that returned.

    What never returned comes after what its process did before, or not at all.  With an `order`:
    whether that is one.
    """
    operations = list(history)
    before = {
        i: {j for j, p in enumerate(operations[:i]) if p.process == o.process and not p.is_open}
        for i, o in enumerate(operations)
    }
    must = {i for i, o in enumerate(operations) if not o.is_open}
    tried: set[Any] = set()

    def goes_on(done: frozenset[int], states: tuple[tuple[str, Any], ...]) -> bool:
        if must <= done and (order is None or len(done) == len(order)):
            return True
        if (done, states) in tried:
            return False
        tried.add((done, states))
        held = dict(states)
        for i in range(len(operations)) if order is None else order[len(done) : len(done) + 1]:
            o = operations[i]
            if i in done or not before[i] <= done:
                continue
            key = repr(o.key) if model.independent_by_key else ""
            state = held.get(key, model.initial())
            if o.is_open:
                following = list(model.steps(state, o.f, o.argument))
            else:
                one = model.step(state, o.f, o.argument, o.result)
                following = [] if one is None else [one]
            for after in following:
                now = tuple(sorted((held | {key: after}).items(), key=lambda pair: pair[0]))
                if goes_on(done | {i}, now):
                    return True
        return False

    return goes_on(frozenset(), ())


@pytest.mark.parametrize("name", EVERY)
def test_c_and_python_agree_with_every_order(name: str) -> None:
    verdicts: list[bool] = []
    mine = model_of(name)

    @settings(max_examples=60, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(st.randoms(use_true_random=True))
    def every_history(random: Random) -> None:
        operations = made(random, name)
        note("\n".join(map(str, operations)))
        history = mine.prepare(checked(built(operations), mine))
        history = with_few_processes(history, random)
        expected = some(history, mine)
        verdicts.append(expected)
        native = sequential(history, mine, Spending())
        assert native.kind == ("linearizable" if expected else "not linearizable")
        assert native.order is None or some(history, mine, native.order)
        assert plain(history, mine, Spending()).kind == native.kind
        result = linearize(history, Given(mine), consistency="sequential")
        assert bool(result) is expected
        if linearize(history, Given(mine), explain=False):
            assert expected
        if not expected:
            assert result.witness is not None
            assert not some(result.witness, mine)

    every_history()
    assert verdicts.count(False) >= 1
    assert verdicts.count(True) > 10


def with_few_processes(history: History, random: Random) -> History:
    """Each does one thing at a time, and goes on after a crash."""
    busy_until = [-1] * 5
    processes = []
    for invoked, returned in zip(history.invoked, history.returned, strict=True):
        free = [p for p, until in enumerate(busy_until) if until < invoked]
        processes.append(random.choice(free))
        busy_until[processes[-1]] = int(returned) if returned < OPEN else -1
    return history.with_columns(process=processes, processes=range(5))


class Given(Model):
    """A model whose histories are prepared already."""

    def __init__(self, model: Model) -> None:
        self.initial, self.step, self.steps = model.initial, model.step, model.steps  # type: ignore[method-assign]
        self.show = model.show  # type: ignore[method-assign]
        self.reads = model.reads  # type: ignore[misc]


@pytest.mark.parametrize("name", ["register", "cas-register", "kv"])
def test_it_goes_back_and_on(name: str) -> None:
    """Three processes, three values: many orders begin well and end nowhere."""
    random, mine, verdicts = Random(name), MODELS[name](), []
    read, write = ("get", "put") if name == "kv" else ("read", "write")
    for _ in range(500):
        builder = Builder("test")
        for _event in range(12):
            f = random.choice([read, read, write, write if name == "register" else "cas"])
            argument: Any = {read: None, write: random.randrange(3)}.get(f)
            if f == "cas":
                argument = [random.randrange(3), random.randrange(3)]
            told = random.randrange(3) if f == read else None
            process = random.randrange(3)
            builder.event(f"{process}", "invoke", f, argument)
            builder.event(f"{process}", "ok", f, told)
        history = builder.finish()
        verdicts.append(some(history, mine))
        native = sequential(history, mine, Spending())
        assert (native.kind == "linearizable") is verdicts[-1]
        assert native.order is None or some(history, mine, native.order)
    assert 20 < verdicts.count(True) < 480


def test_not_local() -> None:
    """Each key has an order that both processes agree with; both keys together have none."""
    builder = Builder("test")
    for process, f, key, argument, told in (
        (0, "write", "x", 1, None), (1, "write", "y", 1, None),
        (0, "read", "y", None, None), (1, "read", "x", None, None),
    ):  # fmt: skip
        builder.event(process, "invoke", f, argument, key=key)
        builder.event(process, "ok", f, told, key=key)
    history = builder.finish()
    result = linearize(history, "register", consistency="sequential", per_key=True)
    assert result.verdict == "not linearizable"
    assert result.keys == {"x": "linearizable", "y": "linearizable"}
    assert len(witness_of(result)) == 4
    assert result.minimal
    timed = linearize(history, "register", per_key=True)
    assert timed.keys == {"x": "not linearizable", "y": "not linearizable"}


def test_what_crashed_may_come_late() -> None:
    rows: list[tuple[Any, ...]] = [(0, "invoke", "write", 1), (0, "info", "write")]
    rows += [(0, "invoke", "read"), (0, "ok", "read", None)]
    late = history_of(*rows, (0, "invoke", "read"), (0, "ok", "read", 1))
    assert linearize(late, "register", consistency="sequential")
    early = history_of((0, "invoke", "read"), (0, "ok", "read", 1), *rows[:2])
    assert not linearize(early, "register", consistency="sequential")


def lagging(operations: int, clients: int, lag: int, wrong: bool) -> History:
    """One writes; the others read what was written `lag` writes ago, in turn."""
    builder = Builder("test")
    for n in range(operations):
        process = n % clients
        value = n - n % clients
        f, told = ("write", None) if not process else ("read", max(0, value - lag * clients))
        if wrong and process == 1 and n > operations - clients:
            told = 0
        builder.event(process, "invoke", f, None if process else value)
        builder.event(process, "ok", f, told)
    return builder.finish()


@pytest.mark.parametrize("wrong", [False, True])
def test_old_values(wrong: bool) -> None:
    history = lagging(20_000, 5, 3, wrong)
    begun = time.monotonic()
    result = linearize(history, "register", consistency="sequential", explain=False)
    assert bool(result) is not wrong
    assert result.algorithm == "depth first"
    assert time.monotonic() - begun < 20
    assert not linearize(history, "register", explain=False)


def test_limits() -> None:
    rows: list[tuple[Any, ...]] = [(n % 8, "invoke", "enqueue", n % 3) for n in range(8)]
    rows += [(n % 8, "ok", "enqueue") for n in range(8)]
    take = [(8, "invoke", "dequeue"), (8, "ok", "dequeue", 7)]
    hard = history_of(*(rows * 12), *take)
    begun = time.monotonic()
    result = linearize(hard, "queue", consistency="sequential", seconds=0.5)
    assert (result.verdict, result.limit) == ("unknown", "time")
    assert "one order came to have" in result.reason
    assert time.monotonic() - begun < 3
    for found in (sequential, plain):
        assert found(hard, model("queue"), Spending(), work=1 << 16).kind == "unknown"


def test_models_have_no_other_order() -> None:
    history = one_by_one((0, "write", 1, None), (0, "read", None, 2))
    assert not linearize(history, MODELS["register"](), consistency="sequential")
