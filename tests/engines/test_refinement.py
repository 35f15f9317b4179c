"""Refinement: holds, a wrong start, a wrong step, several steps there, errors in the mapping."""

from __future__ import annotations

from typing import Annotated

from checker import check
from checker.lang import (
    Range,
    Set,
    Sort,
    Spec,
    action,
    final,
    init,
    members,
    refinement,
    require,
    weak,
)


class Hours(Spec):
    """A clock of four hours."""

    now: Annotated[int, Range(4)] = 0

    @init
    def begin(self, hour: Annotated[int, Range(2)]) -> None:
        self.now = hour

    @action(fairness=weak())
    def tick(self) -> None:
        self.now = (self.now + 1) % 4


class Minutes(Spec):
    """The same clock with two half hours: what is between is a stutter there."""

    half: Annotated[int, Range(8)] = 0

    @action
    def tick(self) -> None:
        self.half = (self.half + 1) % 8

    @refinement
    def hours(self) -> Hours:
        return Hours.at(now=self.half // 2)


class StartsLate(Minutes):
    half: Annotated[int, Range(8)] = 5


class Skips(Minutes):
    @action
    def skip(self) -> None:
        require(self.half == 2)
        self.half = 6


class SkipsInTwo(Skips):
    @refinement(steps=2)
    def hours(self) -> Hours:
        return Hours.at(now=self.half // 2)


class WrongMapping(Minutes):
    @refinement
    def hours(self) -> Hours:
        return Hours.at(now=self.half)


def test_a_refinement_that_holds() -> None:
    result = check(Minutes)
    assert result
    assert result.properties["hours"] == "holds"
    assert (result.distinct_states, result.transitions) == (8, 8)


def test_an_initial_state_that_is_none_there() -> None:
    result = check(StartsLate)
    found = result.counterexample
    assert found is not None
    assert (found.property, found.kind) == ("hours", "refinement")
    assert "This initial state is no initial state of Hours()" in found.explanation
    assert "now = 2" in found.explanation
    assert len(found.steps) == 1


def test_a_step_that_is_none_there() -> None:
    result = check(Skips)
    found = result.counterexample
    assert found is not None
    assert [step.action for step in found.steps] == [None, "tick", "tick", "skip"]
    assert "`skip()` is no step of Hours()" in found.explanation
    assert "now: 1 -> 3" in found.explanation
    assert "Possible there:\n  tick()" in found.explanation


def test_a_step_may_be_several_there() -> None:
    assert check(SkipsInTwo)

    class SkipsInThree(SkipsInTwo):
        @action
        def skip(self) -> None:
            require(self.half == 2)
            self.half = 0

    result = check(SkipsInThree)
    assert result.counterexample is not None
    assert "nor up to 2 steps" in result.counterexample.explanation


def test_a_state_that_is_none_there() -> None:
    result = check(WrongMapping)
    found = result.counterexample
    assert found is not None
    assert found.property == "hours"
    assert "now" in found.explanation
    assert found.steps[-1].state == (4,)
    assert result.properties["hours"] == "violated"


class Item(Sort):
    """What is collected."""


class Count(Spec):
    """Counts up, one by one."""

    n: Annotated[int, Range(4)] = 0

    @action
    def up(self) -> None:
        require(self.n < 3)
        self.n += 1

    @final
    def may_stop(self) -> bool:
        return True


class Collect(Spec):
    """Collects items; many states have one image."""

    items: Set[Item] = members(3)
    held: Set[Item]

    @action
    def take(self, i: Item) -> None:
        require(i not in self.held)
        self.held.add(i)

    @final
    def full(self) -> bool:
        return self.held == self.items

    @refinement
    def count(self) -> Count:
        return Count.at(n=len(self.held))


class Drops(Collect):
    @action
    def drop(self, i: Item) -> None:
        require(i in self.held and len(self.held) == 2)
        self.held.discard(i)


def test_many_states_with_one_image() -> None:
    result = check(Collect)
    assert result
    assert (result.distinct_states, result.transitions, result.depth) == (8, 12, 3)
    broken = check(Drops)
    assert broken.counterexample is not None
    assert [s.action for s in broken.counterexample.steps] == [None, "take", "take", "drop"]
    assert "n: 2 -> 1" in broken.counterexample.explanation


def test_a_refinement_can_be_left_out() -> None:
    assert check(Skips, properties=["deadlock"])


class WrongThere(Count):
    """The other spec is itself wrong: a step there is a model error."""

    @action
    def up(self) -> None:
        self.n += 4


class WrongStart(Count):
    @init
    def begin(self) -> None:
        self.n = 9


class BeginsWrong(Collect):
    @refinement
    def count(self) -> WrongStart:
        return WrongStart.at(n=len(self.held))


def test_a_model_error_in_the_other_spec_at_the_start() -> None:
    result = check(BeginsWrong)
    assert result.counterexample is not None
    assert result.counterexample.property == "count"
    assert "`n` cannot hold this" in result.counterexample.explanation
    assert len(result.counterexample.steps) == 1


class CollectsWrong(Collect):
    @refinement
    def count(self) -> WrongThere:
        return WrongThere.at(n=len(self.held))


def test_a_model_error_in_the_other_spec() -> None:
    result = check(CollectsWrong)
    assert result.counterexample is not None
    assert result.counterexample.property == "count"
    assert "`n` cannot hold this" in result.counterexample.explanation
