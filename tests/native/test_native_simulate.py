"""Native walks: the same for any number of workers, real, and judged as the reference judges."""

from __future__ import annotations

import dataclasses
import random
import signal
import time
from pathlib import Path
from typing import Annotated, Any

import pytest

from checker import simulate
from checker.engines.check import model_of
from checker.engines.errors import NotNativeError
from checker.engines.native.simulate import simulate as walk
from checker.engines.python.explore import explore
from checker.engines.python.simulate import simulate as walk_in_python
from checker.engines.result import Counterexample, Limits, Progress, Result
from checker.engines.walked import Choice, Simulation
from checker.lang import (
    Range,
    Set,
    Spec,
    action,
    constraint,
    final,
    init,
    invariant,
    refinement,
    require,
)
from checker.lang.errors import SpecError
from checker.lang.model import Model
from spec import catalogue
from tests.engines.walking_specs import (
    Climbs,
    Fence,
    Height,
    Leaves,
    NeverRight,
    Stuck,
    TooHigh,
    Walk,
)
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec

SHORTENED = "checker.engines.walked.SEARCHED_STATES"


class BeginsHigh(Walk):
    @refinement
    def height(self) -> Height:
        return Height.at(h=self.y + 1)


class Ends(Stuck):
    @final
    def top(self) -> bool:
        return self.y == 102


class Near(Walk):
    @constraint
    def near(self) -> bool:
        return 97 <= self.x <= 103


class Bits(Spec):
    """Any of 65,536 sets."""

    held: Set[Annotated[int, Range(16)]] = Set()

    @action
    def add(self, i: Annotated[int, Range(16)]) -> None:
        self.held.add(i)

    @action
    def drop(self, i: Annotated[int, Range(16)]) -> None:
        self.held.discard(i)


def told(result: Simulation) -> dict[str, Any]:
    """What a simulation says, but for what depends on the machine."""
    fields = dataclasses.fields(Simulation)
    machine = ("model", "seconds", "search_seconds", "peak_memory_bytes")
    return {f.name: getattr(result, f.name) for f in fields if f.name not in machine}


def is_real(model: Model, found: Counterexample) -> bool:
    """Whether each step of a run is one of the spec's, from an initial state on."""
    state = found.steps[0].state
    real = state in model.initial_states()
    for step in found.steps[1:]:
        real &= model.step(state, model.action(step.action or ""), step.args) == step.state
        state = step.state
    return real


@pytest.mark.parametrize(
    ("cls", "by"),
    [
        (Fence, "steps"),
        (Near, "actions"),
        (catalogue()["paxos:IgnoresHighestVote"], "actions"),
    ],
)
def test_any_number_of_workers_walks_the_same(
    cls: type[Spec], by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SHORTENED, 0)
    model = model_of(cls)
    one, *others = (
        told(walk(model, walks=900, depth=60, seed=5, workers=n, choice=Choice(by)))
        for n in (1, 2, 5)
    )
    assert one == others[0] == others[1]
    assert one["transitions"] > 0


class Tortoise(Spec):
    """Most walks are short; a few are long, and go wrong at their end."""

    kind: Annotated[int, Range(20)] = 0
    low: Annotated[int, Range(300)] = 0
    high: Annotated[int, Range(300)] = 0
    held: Set[Annotated[int, Range(16)]] = Set()

    @init
    def begin(self, kind: Annotated[int, Range(20)]) -> None:
        self.kind = kind

    @action
    def plod(self) -> None:
        require(self.kind == 0)
        if self.low < 299:
            self.low += 1
        else:
            self.low = 0
            self.high += 1

    @action
    def hop(self, to: Annotated[int, Range(16)]) -> None:
        require(self.kind != 0 and self.low < 40 and to not in self.held)
        self.held.add(to)
        self.low += 1

    @final
    def done(self) -> bool:
        return self.kind != 0

    @invariant
    def not_there(self) -> bool:
        return self.high < 200


def test_walks_that_are_ahead_of_a_wrong_one_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    # So long a run is not explained.
    monkeypatch.setattr("checker.engines.native.simulate._Walker._explain", lambda *_: None)
    one, two = (told(walk(model_of(Tortoise), walks=10**5, depth=10**5, workers=n)) for n in (1, 4))
    assert one == two
    assert one["depth"] == 60_000


def test_rounds_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also not where the first wrong walk is in a later round."""
    monkeypatch.setattr(SHORTENED, 0)
    model = model_of(catalogue()["paxos:TakesAnyVote"])
    whole = told(walk(model, walks=100_000, depth=60, seed=2, workers=1))
    for most in (7, 100):
        monkeypatch.setattr("checker.engines.native.walks.LEAST_WALKS", most)
        monkeypatch.setattr("checker.engines.native.walks.MOST_WALKS", most)
        assert told(walk(model, walks=100_000, depth=60, seed=2, workers=2)) == whole
    assert whole["verdict"] == "violated"
    assert whole["walks"] > 100


def test_other_seeds_walk_otherwise() -> None:
    walked = [told(walk(model_of(Walk), walks=20, depth=50, seed=seed)) for seed in (1, 2, -1)]
    assert walked[0]["actions"] != walked[1]["actions"] != walked[2]["actions"]


def test_what_is_counted_is_what_was_walked() -> None:
    result = walk(model_of(Walk), walks=20, depth=30)
    assert (result.walks, result.transitions, result.depth) == (20, 600, 30)
    assert 30 < result.distinct_states < 600
    assert sum(result.actions.values()) == 600
    assert result.actions["stand"] == 0
    assert result.verdict == "undecided"
    assert (result.properties["moved"], result.properties["far"]) == ("holds", "undecided")


def test_distinct_states_are_counted_once() -> None:
    """A whole space, while the table grows."""
    result = walk(model_of(Bits), walks=1_000, depth=2_000, workers=2)
    assert result.distinct_states == 2**16


def test_more_states_than_can_be_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checker.engines.native.walks.MOST_SLOTS", 0)
    result = walk(model_of(Bits), walks=100, depth=2_000)
    assert 9_000 < result.distinct_states < 16_384
    assert result.warnings == (f"only the first {result.distinct_states:,} states were counted",)


@pytest.mark.parametrize(
    ("cls", "name", "steps"),
    [
        (Fence, "inside", ["up"] * 5),
        (NeverRight, "not_right_high", ["up"] * 3 + ["right"]),
        (Climbs, "height", ["up"] * 4),
        (TooHigh, "height", ["up"] * 2),
        (BeginsHigh, "height", []),
        (Stuck, "deadlock", ["up"] * 2),
        (Leaves, "model error", ["up"] * 2),
    ],
)
def test_each_kind_of_violation(
    cls: type[Spec], name: str, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SHORTENED, 0)
    result = walk(model_of(cls), walks=50, depth=200)
    assert result.verdict == result.properties[name] == "violated"
    assert result.counterexample is not None
    assert result.counterexample.property == name
    assert [step.action for step in result.counterexample.steps] == [None, *steps]


def test_where_walks_end() -> None:
    ends = walk(model_of(Ends), walks=5, depth=500)
    assert not ends.counterexamples
    assert 0 < ends.depth < 500
    assert not ends.bounded
    near = walk(model_of(Near), walks=5, depth=500)
    assert near.bounded
    assert near.depth < 500


BROKEN = (
    "voting:GoesBack",
    "paxos:ForgetsPromise",
    "paxos:DisjointQuorums",
    "two_phase:AbortsAfterPrepared",
)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_variants_are_found_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SHORTENED, 0)
    model = model_of(catalogue()[name])
    result = walk(model, walks=100_000, depth=100)
    assert result.verdict == "violated"
    assert result.counterexample is not None
    assert is_real(model, result.counterexample)


@pytest.mark.parametrize("seed", range(5))
def test_a_walk_finds_nothing_that_is_not_there(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SHORTENED, 0)
    made = load_text(random_spec(random.Random(seed).randrange), tmp_path)
    model = model_of(made.Random)
    searched = explore(model, limits=Limits(max_states=1500), stop_at_first=False)
    try:
        walked = walk(model, walks=2000, depth=15, seed=seed)
    except NotNativeError:
        pytest.skip("this spec has no native form")
    assert all(is_real(model, found) for found in walked.counterexamples)
    if not searched.undecided_because:
        assert agrees(searched, walked)


def agrees(searched: Result, walked: Simulation) -> bool:
    """Whether walks found only what is there, and all of it that is near."""
    shortest = {found.property: len(found.steps) for found in searched.counterexamples}
    real = all(shortest[found.property] <= len(found.steps) for found in walked.counterexamples)
    near = any(2 <= length <= 3 for length in shortest.values())
    few = walked.distinct_states <= searched.distinct_states
    return real and few and (not near or bool(walked.counterexamples))


class Unequal(Spec):
    """Two actions are possible at once: one has one step, the other eight."""

    a: Annotated[int, Range(2)] = 0
    b: Annotated[int, Range(9)] = 0

    @action
    def one(self) -> None:
        require(self.a == 0 and self.b == 0)
        self.a = 1

    @action
    def many(self, to: Annotated[int, Range(1, 9)]) -> None:
        require(self.a == 0 and self.b == 0)
        self.b = to

    @final
    def done(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("by", "weights", "expected"),
    [
        ("steps", {}, 1 / 9),
        ("steps", {"one": 8}, 1 / 2),
        ("actions", {}, 1 / 2),
        ("actions", {"many": 3}, 1 / 4),
        ("actions", {"many": 0}, 1),
    ],
)
def test_how_likely_an_action_is(by: str, weights: dict[str, int], expected: float) -> None:
    for engine, walks, near in ((walk, 40_000, 0.01), (walk_in_python, 2_000, 0.04)):
        taken = engine(model_of(Unequal), walks=walks, choice=Choice(by, weights)).actions
        assert abs(taken["one"] / walks - expected) < near


def test_limits_and_progress() -> None:
    heard: list[Progress] = []
    result = walk(
        model_of(Walk),
        walks=10**9,
        depth=10**6,
        limits=Limits(max_seconds=0.6),
        progress=heard.append,
    )
    assert "0.6 seconds" in result.undecided_because
    assert result.walks < 10**9
    assert 0 < heard[0].transitions <= result.transitions == sum(result.actions.values())
    assert heard[0].phase == "walking"


def test_the_user_can_stop_it() -> None:
    """Ctrl-C ends the walks, and what they did is told."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    model = model_of(Walk)
    walk(model, walks=1)  # the C is made before the clock starts
    signal.setitimer(signal.ITIMER_REAL, 1)
    started = time.perf_counter()
    try:
        result = walk(model, walks=10**9)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.perf_counter() - started < 60
    assert "interrupted" in result.undecided_because
    assert result.transitions > 0


class Pairs(Spec):
    held: Set[Set[Annotated[int, Range(7)]]] = Set()

    @action
    def put(self, a: Annotated[int, Range(7)], b: Annotated[int, Range(7)]) -> None:
        require(a < b)
        self.held.add({a, b})

    @action
    def clear(self) -> None:
        self.held = Set()

    @invariant
    def few(self) -> bool:
        return len(self.held) < 3


def test_the_typed_form_is_walked_where_the_ground_one_is_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("checker.engines.native.simulate.MOST_UNROLLED", 0)
    result = walk(model_of(Pairs), walks=100)
    assert result.counterexample is not None
    assert [step.action for step in result.counterexample.steps] == [None, "put", "put", "put"]
    walked = walk(model_of(Pairs), walks=100, properties=["deadlock"])
    assert 0 < walked.actions["clear"] < walked.actions["put"]
    climbed = walk(model_of(BeginsHigh), walks=10).counterexample
    assert climbed is not None
    assert climbed.property == "height"
    too_high = walk(model_of(TooHigh), walks=300, depth=200).counterexample
    assert too_high is not None
    assert (too_high.property, too_high.steps[-1].action) == ("height", "up")


def test_engines_by_name() -> None:
    few, many = simulate(Walk, walks=10), simulate(Walk, walks=1000)
    assert (few.engine, many.engine) == ("simulation", "native simulation")
    assert simulate(Walk, walks=10, engine="native").engine == "native simulation"
    with pytest.raises(SpecError, match="there is no engine `fast`"):
        simulate(Walk, engine="fast")
    with pytest.raises(SpecError, match="no action `jump` to weigh"):
        simulate(Walk, weights={"jump": 2})
    with pytest.raises(SpecError, match="cannot choose by `luck`"):
        simulate(Walk, choose="luck")
