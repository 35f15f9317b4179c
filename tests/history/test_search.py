"""The general search against the definition, and against itself, on thousands of histories."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from checker.history.budget import resident_bytes
from checker.history.history import OPEN
from checker.history.search import Budget, Problem, Verdict, search_problem
from checker.history.search import engine as engine_module
from checker.history.search import native as native_module
from checker.history.search.engine import RELAXED
from checker.history.search.plain import search_plainly
from checker.history.search.problem import problem_from
from checker.history.search.reference import depth_first, frontier
from tests.history.oracle import explains, is_linearizable

Operation = tuple[Any, Any, Any, int, int | None]
Step = Callable[[Any, Any, Any, Any], Sequence[Any]]
ANY = "any"
"""The result of an open operation."""


def register(state: Any, f: str, argument: Any, result: Any) -> Sequence[Any]:
    match f:
        case "read":
            return (state,) if result in (ANY, state) else ()
        case "write":
            return (argument,)
    fits = state == argument[0]
    if result is False:
        return () if fits else (state,)
    return (argument[1],) if fits else ()


def queue(state: tuple[int, ...], f: str, argument: Any, result: Any) -> Sequence[Any]:
    if f == "enqueue":
        return ((*state, argument),)
    if result == ANY:
        return (state[1:],) if state else (state,)
    if not state:
        return (state,) if result is None else ()
    return (state[1:],) if state[0] == result else ()


def a_set(state: frozenset[int], f: str, argument: Any, result: Any) -> Sequence[Any]:
    match f:
        case "add":
            return (state | {argument},)
        case "remove":
            return (state - {argument},)
    return (state,) if result in (ANY, argument in state) else ()


def counter(state: int, f: str, argument: Any, result: Any) -> Sequence[Any]:
    if f == "add":
        return (state + argument,)
    return (state,) if result in (ANY, state) else ()


def mutex(state: bool, f: str, argument: Any, result: Any) -> Sequence[Any]:
    return (f == "acquire",) if state is (f == "release") else ()


def bag(state: tuple[int, ...], f: str, argument: Any, result: Any) -> Sequence[Any]:
    """`take` takes any: what an open one took is not known."""
    if f == "put":
        return (tuple(sorted((*state, argument))),)
    wanted = sorted(set(state)) if result == ANY else [result]
    without = []
    for one in wanted:
        if one in state:
            rest = list(state)
            rest.remove(one)
            without.append(tuple(rest))
    return tuple(without)


def kv(state: Any, f: str, argument: Any, result: Any) -> Sequence[Any]:
    """Texts; None is "absent"."""
    match f:
        case "get":
            return (state,) if result in (ANY, state) else ()
        case "append":
            return ((state or "") + argument,)
        case "delete":
            fits = result in (ANY, state is not None)
            return (None,) if fits else ()
        case _:
            return register(state, "write" if f == "put" else f, argument, result)


MODELS: dict[str, tuple[Any, Step, dict[str, Callable[[random.Random], Any]], tuple[str, ...]]] = {
    "register": (
        0, register,
        {"read": lambda r: None, "write": lambda r: r.randrange(3)}, ("read",),
    ),
    "cas-register": (
        0, register,
        {
            "read": lambda r: None,
            "write": lambda r: r.randrange(3),
            "cas": lambda r: (r.randrange(3), r.randrange(3)),
        },
        ("read",),
    ),
    "queue": ((), queue, {"enqueue": lambda r: r.randrange(3), "dequeue": lambda r: None}, ()),
    "set": (
        frozenset(), a_set,
        {f: lambda r: r.randrange(3) for f in ("add", "remove", "contains")}, ("contains",),
    ),
    "counter": (
        0, counter, {"add": lambda r: r.choice([1, 1, 2, -1]), "read": lambda r: None}, ("read",),
    ),
    "mutex": (False, mutex, {"acquire": lambda r: None, "release": lambda r: None}, ()),
    "kv": (
        None, kv,
        {
            "get": lambda r: None,
            "put": lambda r: r.choice("ab"),
            "append": lambda r: r.choice("ab"),
            "delete": lambda r: None,
            "cas": lambda r: (r.choice(["a", "b", None]), r.choice("ab")),
        },
        ("get",),
    ),
    "bag": ((), bag, {"put": lambda r: r.randrange(3), "take": lambda r: None}, ()),
}  # fmt: skip


def result_of(f: str, argument: Any, state: Any, r: random.Random) -> Any:
    """What an object in this state may answer; a wrong one at times where nothing fits."""
    match f:
        case "read" | "get":
            return state
        case "delete":
            return state is not None
        case "cas":
            return state == argument[0]
        case "contains":
            return argument in state
        case "dequeue":
            return state[0] if state else None
        case "take":
            return r.choice(state) if state else 0
    return None


def recorded(name: str, operations: int, clients: int, seed: int, crash: float = 0.2) -> Problem:
    """A history of an object that works, but for at most two answers that are changed."""
    r = random.Random(seed)
    state, step, functions, reads = MODELS[name]
    initial, position = state, 0
    rows: list[list[Any]] = []
    running: list[tuple[int, bool]] = []
    while len(rows) < operations or running:
        if len(rows) < operations and len(running) < clients and r.random() < 0.5:
            f = r.choice(list(functions))
            rows.append([f, functions[f](r), ANY, position, None])
            running.append((len(rows) - 1, False))
            position += 1
        elif running:
            i, done = running.pop(r.randrange(len(running)))
            row = rows[i]
            if not done and r.random() < 0.8:
                told = result_of(row[0], row[1], state, r)
                after = step(state, row[0], row[1], told)
                if after:
                    state, row[2], done = after[0], told, True
            if done and r.random() < crash:
                row[2] = ANY
            elif done and r.random() < 0.6:
                row[4] = position
                position += 1
            elif done or r.random() < 0.7:
                running.append((i, done))
            else:
                row[2] = ANY
    for row in rows:
        if row[4] is None:
            row[2] = ANY
    for _ in range(r.choice([0, 0, 1, 2])):
        mutable = [row for row in rows if row[4] is not None]
        if mutable:
            row = r.choice(mutable)
            other = r.choice(rows)
            row[2] = other[2] if other[2] != ANY and other[0] == row[0] else row[2]
            if r.random() < 0.5:
                row[1] = functions[row[0]](r)
            if r.random() < 0.3:
                rows.remove(row)
    operation = [(row[0], row[1], row[2], row[3], row[4]) for row in rows]
    return problem_from(operation, initial, step, lambda f, argument, result: f in reads)


def decided(problem: Problem, engine: str | None) -> Verdict:
    verdict = search_problem(problem, Budget(60), with_order=True, engine=engine)
    if verdict.kind == "linearizable":
        assert verdict.order is not None
        assert explains(problem, verdict.order)
    else:
        assert verdict.kind == "not linearizable"
        assert verdict.position is not None
        assert verdict.verified <= verdict.position
        if engine is not None:
            assert verdict.verified == verdict.position
    return verdict


def until(problem: Problem, position: int) -> Problem:
    """The history with nothing after a position: what returns later is open."""
    kept = problem.invoked < position
    count = len(problem.opened)
    late = kept & (problem.returned >= position) & (problem.returned < OPEN)
    kind = problem.kind + count * late
    return replace(
        problem,
        kind=kind[kept],
        invoked=problem.invoked[kept],
        returned=problem.returned.clip(max=OPEN)[kept] + OPEN * late[kept],
        opened=[*problem.opened, *[True] * count],
        step=lambda state, kind: problem.step(state, kind % count),
    )


def without_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_module, "complete", lambda *_: None)


@pytest.mark.parametrize("table", ["complete", "asked"])
@pytest.mark.parametrize("name", MODELS)
def test_all_engines_agree_with_the_definition(
    name: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if table == "asked":
        without_table(monkeypatch)
    seen = set()
    for seed in range(250):
        problem = recorded(name, 2 + seed % 7, 2 + seed % 4, seed)
        expected = "linearizable" if is_linearizable(problem) else "not linearizable"
        seen.add(expected)
        one, two = decided(problem, "frontier"), decided(problem, "depth first")
        assert one.kind == two.kind == expected, (name, seed)
        assert one.position == two.position, (name, seed)
        assert decided(problem, None).kind == expected
        if one.position is not None:
            assert is_linearizable(until(problem, one.position)), (name, seed)
            assert not is_linearizable(until(problem, one.position + 1)), (name, seed)
    assert len(seen) == 2


@pytest.mark.parametrize("name", MODELS)
def test_longer_histories_agree_with_the_reference(name: str) -> None:
    for seed in range(60):
        problem = recorded(name, 16, 3, seed, crash=0.05)
        expected = frontier(problem)
        assert depth_first(problem) == (expected is None)
        one, two = decided(problem, "frontier"), decided(problem, "depth first")
        assert one.position == two.position == expected, (name, seed)


@pytest.mark.parametrize("name", ["register", "cas-register", "set", "mutex"])
def test_relaxed_frontiers_refute_only_what_is_not_linearizable(name: str) -> None:
    refuted = 0
    for seed in range(250):
        problem = recorded(name, 2 + seed % 7, 2 + seed % 4, seed)
        for engine in RELAXED:
            verdict = search_problem(problem, engine=engine)
            if verdict.kind == "not linearizable":
                refuted += 1
                assert verdict.position is not None
                assert not is_linearizable(until(problem, verdict.position + 1)), (name, seed)
            else:
                assert verdict.kind == "unknown" or verdict.order == ()  # nothing returned
    assert refuted > 3


def test_slices_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each engine is stopped in the middle and goes on."""
    monkeypatch.setattr(engine_module, "FIRST_SLICE", 1)
    monkeypatch.setattr(engine_module, "MOST_SLICE", 32)
    monkeypatch.setattr(engine_module, "EASY", 0)
    for name in MODELS:
        for seed in range(60):
            problem = recorded(name, 6, 3, seed)
            assert (decided(problem, None).kind == "linearizable") == is_linearizable(problem)


@pytest.mark.parametrize("name", MODELS)
def test_without_a_compiler_it_is_the_same(name: str) -> None:
    for seed in range(150):
        problem = recorded(name, 2 + seed % 12, 2 + seed % 4, seed)
        there = decided(problem, "frontier")
        here = search_plainly(problem, Budget(60), with_order=True)
        assert (here.kind, here.position) == (there.kind, there.position)
        assert here.failed_at == there.failed_at
        if here.order is not None:
            assert explains(problem, here.order)
        assert here.kind == "linearizable" or {one.state for one in here.last} >= {
            one.state for one in there.last
        }


def test_without_a_compiler_limits_are_kept() -> None:
    begun = time.monotonic()
    verdict = search_plainly(overlapping(40, 99), Budget(0.5))
    assert (verdict.kind, verdict.limit, verdict.verified) == ("unknown", "time", 40)
    assert time.monotonic() - begun < 2
    most = resident_bytes() + (16 << 20)
    verdict = search_plainly(overlapping(40, 99), Budget(60, most))
    assert (verdict.kind, verdict.limit) == ("unknown", "memory")
    verdict = search_plainly(overlapping(40, 99), Budget(work=1 << 16))
    assert (verdict.kind, verdict.limit) == ("unknown", None)


def overlapping(values: int, last: int) -> Problem:
    """All writes at once, then all return, and then a read."""
    writes: list[Operation] = [("write", i, None, i, values + i) for i in range(values)]
    read: Operation = ("read", None, last, 2 * values, 2 * values + 1)
    return problem_from([*writes, read], 0, register, lambda f, argument, result: f == "read")


def test_more_than_a_word_of_pending_operations() -> None:
    order = decided(overlapping(150, 149), "depth first").order
    assert order is not None
    assert order[-2:] == (149, 150)


@pytest.mark.parametrize("engine", ["frontier", "depth first", None])
def test_time_is_kept(engine: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    without_table(monkeypatch)
    begun = time.monotonic()
    verdict = search_problem(overlapping(40, 99), Budget(0.5), engine=engine)
    assert (verdict.kind, verdict.limit) == ("unknown", "time")
    assert time.monotonic() - begun < 2  # five percent, on a machine that does nothing else
    assert verdict.verified == (40 if engine == "frontier" else 81)


def test_memory_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    without_table(monkeypatch)
    most = resident_bytes() + (64 << 20)
    verdict = search_problem(overlapping(40, 99), Budget(60, most), engine="frontier")
    assert (verdict.kind, verdict.limit) == ("unknown", "memory")


def test_an_error_of_the_model_is_raised() -> None:
    def broken(state: Any, f: str, argument: Any, result: Any) -> Sequence[Any]:
        if state == 70:
            raise ZeroDivisionError("the model is broken")
        return (state + 1,)

    operations = [("f", i, None, 2 * i, 2 * i + 1) for i in range(200)]
    with pytest.raises(ZeroDivisionError, match="the model is broken"):
        search_problem(problem_from(operations, 0, broken))


def test_nothing_happened() -> None:
    assert search_problem(problem_from([], 0, register), with_order=True).order == ()
    only_open = problem_from([("write", 1, ANY, 0, None)], 0, register)
    assert search_problem(only_open).kind == "linearizable"
