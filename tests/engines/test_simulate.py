"""Random walks: real and short counterexamples, honest verdicts, the same walks from one seed."""

from __future__ import annotations

import signal
from functools import partial
from typing import Annotated

import pytest

import checker
from checker import check
from checker.lang import (
    Range,
    Spec,
    action,
    constraint,
    final,
    invariant,
    require,
    step_property,
    subsets,
)
from tests.engines.walking_specs import (
    Climbs,
    Fence,
    Leaves,
    NeverRight,
    Stuck,
    TooHigh,
    Walk,
)

simulate = partial(checker.simulate, engine="python")


def test_walks_that_find_nothing_are_undecided() -> None:
    result = simulate(Walk, walks=20, depth=30)
    assert result.verdict == "undecided"
    assert "never that there is none" in result.undecided_because
    assert (result.walks, result.transitions, result.depth) == (20, 600, 30)
    assert 30 < result.distinct_states < 600
    assert result.properties["moved"] == "holds"
    assert result.properties["far"] == "undecided"
    assert result.steps_per_second > 0
    assert result.actions["stand"] == 0


def test_one_seed_gives_the_same_walks() -> None:
    one, same, other = (simulate(Walk, walks=5, seed=seed) for seed in (1, 1, 2))
    assert (one.distinct_states, one.actions) == (same.distinct_states, same.actions)
    assert one.actions != other.actions


@pytest.mark.parametrize("searched", [0, 10_000])
def test_counterexamples_are_made_short(monkeypatch: pytest.MonkeyPatch, searched: int) -> None:
    """By leaving out steps alone, and with a search."""
    monkeypatch.setattr("checker.engines.walked.SEARCHED_STATES", searched)
    for spec, name, steps in [
        (Fence, "inside", ["up"] * 5),
        (NeverRight, "not_right_high", ["up"] * 3 + ["right"]),
        (Climbs, "height", ["up"] * 4),
        (TooHigh, "height", ["up"] * 2),
        (Stuck, "deadlock", ["up"] * 2),
        (Leaves, "model error", ["up"] * 2),
    ]:
        result = simulate(spec, walks=50, depth=200, seed=3)
        assert result.verdict == "violated"
        assert result.counterexample is not None
        assert result.counterexample.property == name
        assert [step.action for step in result.counterexample.steps] == [None, *steps]
        assert result.properties[name] == "violated"


def test_steps_that_only_together_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checker.engines.walked.SEARCHED_STATES", 0)

    class Aligned(Walk):
        @invariant
        def not_straight_above(self) -> bool:
            return not (self.x == 100 and self.y == 102)

    for seed in range(5):
        found = simulate(Aligned, walks=300, seed=seed).counterexample
        assert found is not None
        assert [step.action for step in found.steps] == [None, "up", "up"]


def test_loops_of_a_walk_are_cut_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checker.engines.walked.SEARCHED_STATES", 0)
    monkeypatch.setattr("checker.engines.python.judge.SHORTEN_SECONDS", 0)

    class Line(Spec):
        n: Annotated[int, Range(-3, 4)] = 0

        @action
        def left(self) -> None:
            require(self.n > -3)
            self.n -= 1

        @action
        def right(self) -> None:
            self.n += 1

        @invariant
        def not_there(self) -> bool:
            return self.n != 3

    for seed in range(5):
        found = simulate(Line, seed=seed).counterexample
        assert found is not None
        assert [step.action for step in found.steps] == [None, "right", "right", "right"]


def test_a_shorter_run_is_searched_for_near_the_start() -> None:
    class Ring(Spec):
        """Three places in a ring, and two floors."""

        place: Annotated[int, Range(3)] = 0
        floor: Annotated[int, Range(3)] = 0

        @action
        def hop(self) -> None:
            self.place = (self.place + 1) % 3

        @action
        def up(self) -> None:
            require(self.floor < 2)
            self.floor += 1

        @invariant
        def not_home_upstairs(self) -> bool:
            return not (self.place == 0 and self.floor == 2)

    for seed in range(10):
        found = simulate(Ring, seed=seed).counterexample
        assert found is not None
        assert [step.action for step in found.steps] == [None, "up", "up"]


def test_a_run_is_not_shortened_to_a_step_that_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("checker.engines.walked.SEARCHED_STATES", 0)

    class Grows(Spec):
        n: Annotated[int, Range(2)] = 0

        @action
        def put(self, v: Annotated[int, Range(2)]) -> None:
            self.n = v

        @step_property
        def only_grows(self) -> bool:
            return self.n > self.old.n

    found = simulate(Grows).counterexample
    assert found is not None
    assert [step.args for step in found.steps] == [(), (1,), (0,)]


def test_the_short_run_is_as_short_as_the_exhaustive_one() -> None:
    class Both(NeverRight):
        @constraint
        def near(self) -> bool:
            return 97 <= self.x <= 103

    walked = simulate(Both, walks=50, depth=200, seed=1, properties=["not_right_high"])
    searched = check(Both, properties=["not_right_high"])
    assert walked.counterexample is not None
    assert searched.counterexample is not None
    assert len(walked.counterexample.steps) == len(searched.counterexample.steps)
    assert walked.bounded


def test_a_final_state_ends_a_walk() -> None:
    class Ends(Stuck):
        @final
        def top(self) -> bool:
            return self.y == 102

    result = simulate(Ends, walks=5, depth=500)
    assert not result.counterexamples
    assert result.depth < 500


def test_limits_and_interruptions() -> None:
    assert "seconds" in simulate(Walk, max_seconds=0).undecided_because
    assert simulate(Fence, properties=["deadlock"], walks=3).properties == {
        "deadlock": "undecided",
        "model error": "undecided",
    }


class Slow(Spec):
    """One step that takes for ever."""

    count: Annotated[int, Range(4)] = 0

    @action
    def go(self) -> None:
        self.count = len(subsets(set(range(64)))) % 4


def test_a_step_that_takes_for_ever_keeps_to_the_limit() -> None:
    for result in (check(Slow(), max_seconds=0.3), simulate(Slow(), max_seconds=0.3)):
        assert result.verdict == "undecided"
        assert "0.3 seconds" in result.undecided_because
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
