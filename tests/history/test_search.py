"""The general search against the definition, and against itself, on thousands of histories."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from checker.history.budget import resident_bytes
from checker.history.history import OPEN
from checker.history.search import Budget, Objects, Problem, Trials, Verdict, search_problem
from checker.history.search import engine as engine_module
from checker.history.search import native as native_module
from checker.history.search.engine import RELAXED
from checker.history.search.objects import LINEARIZABLE
from checker.history.search.plain import search_plainly
from checker.history.search.problem import problem_from
from checker.history.search.reference import depth_first, frontier
from tests.history.objects import ANY, MODELS, recorded, register
from tests.history.oracle import explains, is_linearizable

Operation = tuple[Any, Any, Any, int, int | None]


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


@pytest.mark.parametrize("name", MODELS)
def test_trials_of_parts_agree_with_the_definition(name: str) -> None:
    seen = set()
    for seed in range(60):
        random = Random(seed)
        problem = recorded(name, 8, 2 + seed % 4, seed, crash=0.2 + 0.4 * (seed % 2))
        whole = range(problem.operations)
        base = sorted(random.sample(whole, random.randint(1, len(whole))))
        with closing(Trials(problem, base)) as trials:
            for _ in range(8):
                some = sorted(random.sample(base, random.randint(0, len(base))))
                expected = not is_linearizable(problem.part(some))
                assert trials.refuted(some, float("inf"), 0) is expected, (name, seed, some)
                seen.add(expected)
            assert trials.refuted(base, 0.0, 0) in (None, False), "no time is left"
    assert len(seen) == 2


@pytest.mark.parametrize("name", MODELS)
def test_objects_decided_together_agree_with_the_definition(name: str) -> None:
    seen, useful = set(), 0
    for seed in range(60):
        random = Random(seed)
        problem = recorded(name, 4 + seed % 8, 2 + seed % 4, seed, crash=0.2 + 0.4 * (seed % 2))
        count = random.randint(1, 3)
        object_of = np.array([random.randrange(count) for _ in range(problem.operations)])
        with closing(Objects(problem, object_of, count)) as objects:
            useful += objects.is_useful
            if not objects.is_useful:
                continue
            for one in range(count):
                part = problem.part(np.flatnonzero(object_of == one))
                position = objects.refuted(one, float("inf"), 0)
                assert position is not None
                assert (position == LINEARIZABLE) is is_linearizable(part), (name, seed)
                if position != LINEARIZABLE:
                    assert position == decided(part, "frontier").position
                seen.add(position == LINEARIZABLE)
    if name in ("register", "cas-register", "mutex"):  # others may have too many states
        assert useful == 60
        assert len(seen) == 2


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


def test_without_a_compiler_other_kinds_are_no_fewer() -> None:
    """What crashed first must have been the cas: the write is needed for the last read."""
    crashed: list[tuple[str, Any]] = [("cas", (0, 1)), ("write", 1)]
    for one, other in (crashed, crashed[::-1]):
        rows: list[Operation] = [(*one, ANY, 0, None), (*other, ANY, 1, None)]
        for at, (f, argument, told) in enumerate(
            [("read", None, 1), ("write", 5, None), ("read", None, 1)]
        ):
            rows.append((f, argument, told, 2 * at + 2, 2 * at + 3))
        problem = problem_from(rows, 0, register, lambda f, argument, result: f == "read")
        assert is_linearizable(problem)
        assert search_plainly(problem, Budget()).kind == "linearizable"


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
