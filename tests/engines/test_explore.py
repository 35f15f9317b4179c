"""Breadth-first exploration: counts, depths, verdicts and shortest runs, known by hand."""

from __future__ import annotations

from typing import Annotated

import pytest

from checker import Progress, Result, check
from checker.engines.python.explore import explore_graph
from checker.lang import (
    Map,
    Range,
    Set,
    Sort,
    Spec,
    SpecError,
    action,
    constraint,
    eventually,
    final,
    init,
    invariant,
    members,
    reachable,
    require,
    step_property,
)
from checker.lang.model import Model


class Jugs(Spec):
    """Two jugs, of 3 and 5 litres, a tap and a drain: 16 states, and 4 litres can be measured."""

    small: Annotated[int, Range(4)] = 0
    big: Annotated[int, Range(6)] = 0

    @action
    def fill_small(self) -> None:
        self.small = 3

    @action
    def fill_big(self) -> None:
        self.big = 5

    @action
    def empty_small(self) -> None:
        self.small = 0

    @action
    def empty_big(self) -> None:
        self.big = 0

    @action
    def small_to_big(self) -> None:
        poured = min(self.small, 5 - self.big)
        self.small -= poured
        self.big += poured

    @action
    def big_to_small(self) -> None:
        poured = min(self.big, 3 - self.small)
        self.big -= poured
        self.small += poured

    @invariant
    def never_four_litres(self) -> bool:
        """The puzzle: show that this is false."""
        return self.big != 4

    @invariant
    def within(self) -> bool:
        return self.small <= 3 and self.big <= 5


def actions_of(result: Result) -> list[str | None]:
    assert result.counterexample is not None
    return [step.action for step in result.counterexample.steps]


def test_the_shortest_violation_of_an_invariant() -> None:
    result = check(Jugs)
    assert result.verdict == "violated"
    assert not result
    assert result.properties["never_four_litres"] == "violated"
    assert result.properties["within"] == "undecided"
    assert actions_of(result) == [
        None,
        "fill_big",
        "big_to_small",
        "empty_small",
        "big_to_small",
        "fill_big",
        "big_to_small",
    ]
    assert result.counterexample is not None
    assert result.counterexample.steps[-1].state == (3, 4)
    assert "The puzzle" in result.counterexample.explanation


def test_counts_of_a_whole_state_space() -> None:
    result = check(Jugs, stop_at_first=False)
    # Six steps are possible in each of the 16 states; several change nothing, and count.
    assert (result.distinct_states, result.transitions, result.depth) == (16, 96, 7)
    assert sum(result.actions.values()) == 96
    assert result.properties["within"] == "holds"
    assert result.properties["coverage"] == "holds"
    assert result.frontier == 0


def test_the_level_of_the_violation_is_finished() -> None:
    """So that the counts do not depend on the order inside a level."""
    whole = check(Jugs, properties=["within"])
    assert whole
    result = check(Jugs)
    graph, _ = explore_graph(Model.of(Jugs()))
    depth = [0] * len(graph.states)
    for state, parent in enumerate(graph.parents):
        depth[state] = depth[parent] + 1 if parent >= 0 else 0
    assert result.depth == 6
    assert result.distinct_states == sum(d <= 6 for d in depth)


def test_only_the_properties_asked_for() -> None:
    result = check(Jugs, properties=["within", "coverage"])
    assert result
    assert result.properties == {"within": "holds", "coverage": "holds", "model error": "holds"}
    with pytest.raises(SpecError, match="has no property `without`"):
        check(Jugs, properties=["without"])
    with pytest.raises(SpecError, match="there is no engine `quick`"):
        check(Jugs, engine="quick")


class Node(Sort):
    """A place in a ring."""


class Token(Spec):
    """A token that is handed on; where it begins is open, and it stops at the first node."""

    nodes: Set[Node] = members(3)
    spot: Annotated[int, Range(3)] = 0
    hops: Annotated[int, Range(5)] = 0

    @init
    def begin(self, place: Annotated[int, Range(3)]) -> None:
        require(place != 1)
        self.spot = place

    @action
    def hop(self) -> None:
        require(self.spot != 0 and self.hops < 4)
        self.spot = (self.spot + 1) % 3
        self.hops += 1

    @reachable
    def is_at(self, place: Annotated[int, Range(3)]) -> bool:
        return self.spot == place


def test_several_initial_states_goals_by_parameter_and_deadlock() -> None:
    result = check(Token)
    assert result.properties == {
        "is_at": "undecided",
        "deadlock": "violated",
        "coverage": "undecided",
        "model error": "undecided",
    }
    # Two initial states; the one with the token at 0 is stuck at once.
    assert result.distinct_states == 3
    assert actions_of(result) == [None]
    whole = check(Token, properties=["is_at"])
    assert (whole.distinct_states, whole.transitions, whole.depth) == (3, 1, 1)
    assert whole.verdict == "violated"
    assert whole.counterexample is not None
    assert whole.counterexample.steps == ()
    assert whole.counterexample.explanation == "No reachable state satisfies `is_at(place=1)`."


class Stops(Token):
    """It is right to stop with the token at the first node."""

    @final
    def arrived(self) -> bool:
        return self.spot == 0


class StopsElsewhere(Token):
    @final
    def arrived(self) -> bool:
        return self.spot == 2


def test_final_states_are_no_deadlocks() -> None:
    assert check(Stops, properties=["deadlock"])
    assert check(StopsElsewhere, properties=["deadlock"]).verdict == "violated"


class Spins(Spec):
    """It can always do something, and it changes nothing."""

    done: bool = False

    @action
    def finish(self) -> None:
        self.done = True


def test_a_state_that_only_stutters_is_a_deadlock() -> None:
    result = check(Spins)
    assert result.verdict == "violated"
    assert result.counterexample is not None
    assert result.counterexample.property == "deadlock"
    assert "changes nothing" in result.counterexample.explanation
    assert (result.distinct_states, result.transitions) == (2, 2)
    assert actions_of(result) == [None, "finish"]


class Clock(Spec):
    """Counts to ten, or back, or does not move."""

    now: Annotated[int, Range(11)] = 0

    @action
    def forward(self) -> None:
        require(self.now < 10)
        self.now += 1

    @action
    def back(self) -> None:
        require(self.now == 7)
        self.now -= 1

    @action
    def look(self) -> None:
        pass

    @step_property
    def only_forward(self) -> bool:
        return self.now > self.old.now

    @step_property
    def never_to(self, hour: Annotated[int, Range(11)]) -> bool:
        return not (hour == 9 and self.now == 9)


def test_step_properties_speak_of_steps_that_change_something() -> None:
    result = check(Clock, properties=["only_forward"])
    assert result.verdict == "violated"
    # Seven steps there and one back; `look` changes nothing, and is no offence.
    assert actions_of(result) == [None, *["forward"] * 7, "back"]
    other = check(Clock, properties=["never_to"])
    assert actions_of(other) == [None, *["forward"] * 9]
    assert other.counterexample is not None
    assert "never_to(hour=9)" in other.counterexample.explanation


class Bounded(Clock):
    @constraint
    def early(self) -> bool:
        return self.now <= 3

    @invariant
    def not_four(self) -> bool:
        return self.now != 4


def test_a_constraint_cuts_off_but_the_state_is_counted_and_judged() -> None:
    result = check(Bounded, properties=["coverage"])
    # 0 to 4; 4 is not extended.  `back` was never taken, but might be beyond: undecided.
    assert (result.distinct_states, result.transitions, result.depth) == (5, 8, 4)
    assert result.bounded
    assert result.verdict == "undecided"
    assert "`back` was never taken" in result.undecided_because
    assert check(Bounded, properties=["not_four"]).verdict == "violated"
    held = check(Bounded, properties=["deadlock"])
    assert held.verdict == "holds"
    assert held.bounded


class Pruned(Spec):
    n: Annotated[int, Range(4, beyond="prune")] = 0

    @action
    def up(self) -> None:
        self.n += 1


def test_a_pruned_bound_is_no_deadlock_and_says_bounded() -> None:
    result = check(Pruned)
    assert result.verdict == "holds"
    assert result.bounded
    assert (result.distinct_states, result.transitions) == (4, 3)


class Overflows(Spec):
    """The third step leaves the domain."""

    n: Annotated[int, Range(3)] = 0
    quiet: bool = False

    @action
    def up(self) -> None:
        self.n += 1

    @action
    def hush(self) -> None:
        self.quiet = not self.quiet


def test_a_model_error_is_a_counterexample() -> None:
    result = check(Overflows)
    assert result.verdict == "violated"
    assert result.properties["model error"] == "violated"
    found = result.counterexample
    assert found is not None
    assert found.kind == "model error"
    assert [step.action for step in found.steps] == [None, "up", "up"]
    assert found.steps[-1].state == (2, False)
    assert "`n` cannot hold this" in found.explanation
    assert "during: up()" in found.explanation
    assert "self.n += 1" in found.explanation


class WrongProperty(Overflows):
    @action
    def up(self) -> None:
        require(self.n < 2)
        self.n += 1

    @invariant
    def fraction(self) -> bool:
        return 6 // (2 - self.n) > 0


def test_a_model_error_in_a_property() -> None:
    result = check(WrongProperty)
    found = result.counterexample
    assert found is not None
    assert found.kind == "model error"
    assert "division by zero" in found.explanation
    assert found.steps[-1].state == (2, False)


class Lazy(Spec):
    """One action is impossible, and one is declared so."""

    n: Annotated[int, Range(2)] = 0

    @action
    def flip(self) -> None:
        self.n = 1 - self.n

    @action
    def never(self) -> None:
        require(self.n == 5)

    @action(optional=True)
    def perhaps(self) -> None:
        require(self.n == 5)


def test_an_action_that_is_never_taken_fails_unless_optional() -> None:
    result = check(Lazy)
    assert result.verdict == "violated"
    assert result.properties["coverage"] == "violated"
    assert result.counterexample is not None
    assert "`never`" in result.counterexample.explanation
    assert "`perhaps`" not in result.counterexample.explanation
    assert result.actions == {"flip": 2, "never": 0, "perhaps": 0}


def test_every_violation_when_asked_to_go_on() -> None:
    result = check(Jugs, stop_at_first=False)
    assert [found.property for found in result.counterexamples] == ["never_four_litres"]
    result = check(Clock, stop_at_first=False)
    lengths = [(found.property, len(found.steps)) for found in result.counterexamples]
    assert lengths == [("only_forward", 9), ("never_to", 10), ("deadlock", 11)]


class Several(Spec):
    """Violates much: what has no run to show comes last, the shortest first."""

    n: Annotated[int, Range(4)] = 0

    @action
    def up(self) -> None:
        require(self.n < 3)
        self.n += 1

    @reachable
    def five(self) -> bool:
        return self.n == 5

    @eventually
    def six(self) -> bool:
        return self.n == 6

    @invariant
    def below_three(self) -> bool:
        return self.n < 3

    @invariant
    def below_two(self) -> bool:
        return self.n < 2


def test_the_order_of_counterexamples() -> None:
    result = check(Several, stop_at_first=False)
    assert [found.property for found in result.counterexamples] == [
        "below_two",
        "below_three",
        "deadlock",
        "six",
        "five",
    ]
    assert [found.property for found in check(Several).counterexamples] == ["below_two"]


class Grid(Spec):
    """Large enough to be stopped: 40 by 40."""

    x: Annotated[int, Range(40)] = 0
    y: Annotated[int, Range(40)] = 0

    @action
    def right(self) -> None:
        require(self.x < 39)
        self.x += 1

    @action
    def up(self) -> None:
        require(self.y < 39)
        self.y += 1

    @final
    def corner(self) -> bool:
        return self.x == 39 and self.y == 39

    @reachable
    def middle(self) -> bool:
        return self.x == 20 and self.y == 20

    @reachable
    def near(self) -> bool:
        return self.x == 2


def test_limits_leave_the_verdict_undecided() -> None:
    result = check(Grid, max_states=50)
    assert result.verdict == "undecided"
    assert result.distinct_states == 50
    assert "50 states" in result.undecided_because
    assert result.frontier > 0
    assert result.properties["near"] == "holds"
    assert result.properties["middle"] == "undecided"
    assert check(Grid, max_states=1600).verdict == "holds"
    assert check(Grid, max_states=1599).verdict == "undecided"
    assert "seconds" in check(Grid, max_seconds=0).undecided_because
    assert "memory" in check(Grid, max_memory=1).undecided_because


def test_an_interruption_gives_an_honest_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checker.engines.python.watch.PROGRESS_EVERY_SECONDS", 0)
    seen: list[Progress] = []

    def stop(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 3:
            raise KeyboardInterrupt

    result = check(Grid, engine="python", progress=stop)
    assert result.verdict == "undecided"
    assert result.undecided_because == "it was interrupted"
    assert 0 < result.distinct_states < 1600
    assert [p.distinct_states for p in seen] == sorted(p.distinct_states for p in seen)
    assert seen[-1].depth > 0


class NoStart(Token):
    @init
    def begin(self, place: Annotated[int, Range(3)]) -> None:
        require(place > 2)
        self.spot = place


def test_a_spec_without_initial_states_is_wrong() -> None:
    with pytest.raises(SpecError, match="has no initial state"):
        check(NoStart)


def test_an_instance_and_its_class_are_both_accepted() -> None:
    assert check(Grid()).distinct_states == check(Grid).distinct_states == 1600


class Owned(Spec):
    nodes: Set[Node] = members(3)
    owner: Map[Node, Node | None]

    @action
    def own(self, n: Node, m: Node) -> None:
        require(self.owner[n] is None)
        self.owner[n] = m


def test_the_graph_has_every_edge_with_its_label() -> None:
    graph, result = explore_graph(Model.of(Owned()))
    assert len(graph.states) == result.distinct_states == 4**3
    assert graph.edge_count == result.transitions == 3 * 3 * 4**2
    for source, state in enumerate(graph.states):
        expected = [(a, args, after) for a, args, after in graph.model.successors(state)]
        found = [(a, args, graph.states[t]) for a, args, t in graph.steps(source)]
        assert found == expected
        for edge in graph.edges(source):
            assert graph.source(edge) == source
