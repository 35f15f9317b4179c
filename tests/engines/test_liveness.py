"""Liveness under fairness: a table of small specs with the verdicts that theory gives."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import pytest

from checker import Result, check
from checker.lang import (
    Map,
    Range,
    Set,
    Sort,
    Spec,
    Steps,
    action,
    constraint,
    eventually,
    eventually_always,
    everywhere,
    final,
    infinitely_often,
    leads_to,
    members,
    process,
    require,
    strong,
    weak,
)
from checker.lang.declare import Fairness

LIVE = ("eventually", "infinitely_often", "eventually_always", "leads_to")


def live(spec: Spec | type[Spec]) -> dict[str, str]:
    """The verdicts of the liveness properties."""
    result = check(spec)
    return {p.name: result.properties[p.name] for p in result.model.properties if p.kind in LIVE}


def assert_lasso(result: Result) -> list[str | None]:
    """Every step of the counterexample is one of the model's, and it ends where it loops."""
    found = result.counterexample
    assert found is not None
    assert found.loop is not None
    assert found.steps[0].state in result.model.initial_states()
    for before, after in zip(found.steps, found.steps[1:], strict=False):
        action = result.model.action(after.action or "")
        assert result.model.step(before.state, action, after.args) == after.state
    assert found.steps[-1].state == found.steps[found.loop].state
    return [step.action for step in found.steps]


# --------------------------------------------------------------------------- a light switch


class Switch(Spec):
    """On and off; without fairness it may simply stay."""

    on: bool = False

    @action
    def press(self) -> None:
        self.on = not self.on

    @eventually
    def lit(self) -> bool:
        return self.on

    @infinitely_often
    def lit_again(self) -> bool:
        return self.on

    @eventually_always
    def stays_lit(self) -> bool:
        return self.on

    @leads_to
    def dark_then_lit(self) -> tuple[bool, bool]:
        return (not self.on, self.on)


class FairSwitch(Switch):
    @action(fairness=weak())
    def press(self) -> None:
        self.on = not self.on


def test_a_switch_without_fairness_may_never_be_pressed() -> None:
    assert live(Switch) == {
        "lit": "violated",
        "lit_again": "violated",
        "stays_lit": "violated",
        "dark_then_lit": "violated",
    }
    result = check(Switch, properties=["lit"])
    assert assert_lasso(result) == [None]
    assert result.counterexample is not None
    assert "stays in the last state for ever" in result.counterexample.explanation
    assert "`press()`" in result.counterexample.explanation
    assert "No fairness is assumed" in result.counterexample.explanation


def test_a_switch_with_weak_fairness_goes_on_and_off() -> None:
    assert live(FairSwitch) == {
        "lit": "holds",
        "lit_again": "holds",
        "stays_lit": "violated",
        "dark_then_lit": "holds",
    }
    result = check(FairSwitch, properties=["stays_lit"])
    assert assert_lasso(result) == [None, "press", "press"]
    assert result.counterexample is not None
    assert result.counterexample.loop == 0
    assert result.fairness == (
        "if `press` stays possible, it is taken again and again (weak fairness)",
    )
    assert result.fairness[0] in result.counterexample.explanation


# --------------------------------------------------------------------------- weak is not enough


class Channel(Spec):
    """A lossy channel: every message that is sent may be lost, and is then sent again."""

    holds: bool = False
    received: bool = False

    @action(fairness=weak())
    def send(self) -> None:
        require(not self.received)
        self.holds = True

    @action
    def lose(self) -> None:
        self.holds = False

    @action(fairness=weak())
    def receive(self) -> None:
        require(self.holds)
        self.received = True
        self.holds = False

    @final
    def is_done(self) -> bool:
        return self.received

    @eventually
    def arrives(self) -> bool:
        return self.received


class StrongChannel(Channel):
    @action(fairness=strong())
    def receive(self) -> None:
        require(self.holds)
        self.received = True
        self.holds = False


def test_a_lossy_channel_needs_strong_fairness() -> None:
    result = check(Channel, properties=["arrives"])
    assert result.verdict == "violated"
    assert assert_lasso(result) == [None, "send", "lose"]
    assert check(StrongChannel).verdict == "holds"
    assert "possible again and again" in check(StrongChannel).fairness[1]


# --------------------------------------------------------------------------- for each, for some


class Client(Sort):
    """Who waits to be served."""


class Server(Spec):
    """Serves one client after the other, in any order, again and again."""

    clients: Set[Client] = members(2)
    served: Set[Client]

    @action(fairness=weak())
    def serve(self, c: Client) -> None:
        require(c not in self.served)
        self.served.add(c)

    @action(fairness=weak(for_each="c"))
    def come_back(self, c: Client) -> None:
        require(c in self.served)
        self.served.discard(c)

    @infinitely_often
    def is_served(self, c: Client) -> bool:
        return c in self.served

    @infinitely_often
    def somebody_is_served(self) -> bool:
        return len(self.served) > 0


class FairServer(Server):
    @action(fairness=weak(for_each="c"))
    def serve(self, c: Client) -> None:
        require(c not in self.served)
        self.served.add(c)


def test_fairness_for_some_client_is_not_fairness_for_each() -> None:
    assert live(Server) == {"is_served": "violated", "somebody_is_served": "holds"}
    result = check(Server, properties=["is_served"])
    assert set(assert_lasso(result)) == {None, "serve", "come_back"}
    assert live(FairServer) == {"is_served": "holds", "somebody_is_served": "holds"}


def test_fairness_in_words_tells_each_from_some() -> None:
    assert check(Server).fairness == (
        "if `serve` for some c stays possible, it is taken again and again (weak fairness)",
        "for each c: if `come_back` stays possible, it is taken again and again (weak fairness)",
    )


# --------------------------------------------------------------------------- when


def elevator(fairness: Fairness | None) -> type[Spec]:
    class Elevator(Spec):
        """Goes up to the third floor; the doors may open and close."""

        floor: Annotated[int, Range(3)] = 0
        closed: bool = True

        @action(fairness=fairness)
        def up(self) -> None:
            require(self.floor < 2)
            self.floor += 1

        @action
        def door(self) -> None:
            require(self.floor == 1)
            self.closed = not self.closed

        @eventually
        def arrives(self) -> bool:
            return self.floor == 2

    return Elevator


@pytest.mark.parametrize(
    ("fairness", "verdict"),
    [
        (None, "violated"),
        (weak(), "holds"),
        (weak(when=lambda self: self.floor == 0), "violated"),
        (weak(when=lambda self: self.closed), "violated"),  # the door may open again and again
        (strong(when=lambda self: self.closed), "violated"),  # or stay open
        (strong(when=lambda self: self.floor < 2), "holds"),
    ],
)
def test_a_condition_restricts_fairness(fairness: Fairness | None, verdict: str) -> None:
    result = check(elevator(fairness), properties=["arrives"])
    assert result.properties["arrives"] == verdict
    if verdict == "violated":
        assert_lasso(result)


def test_a_condition_is_shown_in_words() -> None:
    fairness = weak(when=lambda self: self.closed)
    assert "(while self.closed)" in check(elevator(fairness)).fairness[0]


# --------------------------------------------------------------------------- leads to, parameters


class Colour(Enum):
    RED = 1
    GREEN = 2
    BLUE = 3


class Lights(Spec):
    """Red leads to green, green to blue or back; blue is the end."""

    now: Colour = Colour.RED

    @action(fairness=weak())
    def go(self) -> None:
        require(self.now == Colour.RED)
        self.now = Colour.GREEN

    @action(fairness=weak())
    def back(self) -> None:
        require(self.now == Colour.GREEN)
        self.now = Colour.RED

    @action(fairness=weak())
    def stop(self) -> None:
        require(self.now == Colour.GREEN)
        self.now = Colour.BLUE

    @leads_to
    def leads(self, first: Colour, then: Colour) -> tuple[bool, bool]:
        return (self.now == first, self.now == then)

    @final
    def ended(self) -> bool:
        return self.now == Colour.BLUE


class LightsOneWay(Lights):
    @leads_to
    def leads(self, first: Colour, then: Colour) -> tuple[bool, bool]:
        wanted = first == Colour.RED and then == Colour.GREEN
        return (wanted and self.now == first, self.now == then)


def test_leads_to_for_every_value_of_its_parameters() -> None:
    result = check(Lights, properties=["leads"])
    assert result.verdict == "violated"
    assert_lasso(result)
    assert check(LightsOneWay).verdict == "holds"


def test_weak_fairness_of_two_choices_lets_one_be_taken_for_ever() -> None:
    class Ends(Lights):
        @leads_to
        def leads(self, first: Colour, then: Colour) -> tuple[bool, bool]:
            return (True, self.now == Colour.BLUE)

    class EndsStrongly(Ends):
        @action(fairness=strong())
        def stop(self) -> None:
            require(self.now == Colour.GREEN)
            self.now = Colour.BLUE

    result = check(Ends)
    assert result.verdict == "violated"
    assert assert_lasso(result) == [None, "go", "back"]
    assert check(EndsStrongly).verdict == "holds"


# --------------------------------------------------------------------------- stutters


class Busy(Spec):
    """`spin` is fair and always possible, and changes nothing: it obliges to nothing."""

    done: bool = False

    @action(fairness=strong())
    def spin(self) -> None:
        pass

    @action
    def finish(self) -> None:
        self.done = True

    @final
    def may_end(self) -> bool:
        return True

    @eventually
    def ends(self) -> bool:
        return self.done


class BusyTogether(Busy):
    """A fair action that changes something or nothing: only the changes count."""

    @action(fairness=weak())
    def finish(self) -> None:
        self.done = True


def test_a_step_that_changes_nothing_neither_serves_nor_enables_fairness() -> None:
    result = check(Busy)
    assert result.properties["ends"] == "violated"
    assert assert_lasso(result) == [None]
    assert check(BusyTogether).verdict == "holds"


# --------------------------------------------------------------------------- bounded


class Forever(Spec):
    """Counts on; cut off at five."""

    n: Annotated[int, Range(10)] = 0

    @action(fairness=weak())
    def up(self) -> None:
        self.n += 1

    @constraint
    def small(self) -> bool:
        return self.n < 5

    @eventually
    def reaches(self, k: Annotated[int, Range(3)]) -> bool:
        return self.n == k

    @eventually
    def beyond_what_is_explored(self) -> bool:
        return self.n == 8


class ForeverBranching(Forever):
    @action
    def reset(self) -> None:
        require(self.n == 2)
        self.n = 1

    @eventually
    def large(self) -> bool:
        return self.n == 4


def test_a_state_that_is_cut_off_is_no_end() -> None:
    result = check(Forever)
    assert result.bounded
    assert result.verdict == "holds"
    assert result.properties["reaches"] == "holds"
    assert any("states were cut off" in warning for warning in result.warnings)
    assert result.properties["deadlock"] == "holds"


def test_a_lasso_found_in_a_bounded_search_is_real() -> None:
    result = check(ForeverBranching)
    assert result.bounded
    assert result.properties["large"] == "violated"
    assert assert_lasso(result) == [None, "up", "up", "reset"]


def test_the_shorter_of_a_loop_and_an_end_is_shown() -> None:
    class Long(Spec):
        """A loop of two steps at once, or an end after five."""

        n: Annotated[int, Range(-2, 6)] = 0

        @action(fairness=weak())
        def round(self) -> None:
            require(self.n <= 0)
            self.n = -1 if self.n == 0 else 0

        @action
        def away(self) -> None:
            require(0 <= self.n < 5)
            self.n += 1

        @action(fairness=weak())
        def on(self) -> None:
            require(0 < self.n < 5)
            self.n += 1

        @eventually_always
        def never(self) -> bool:
            return False

    class Short(Long):
        @action(fairness=weak())
        def round(self) -> None:
            require(self.n in {0, -1, -2})
            self.n = -2 if self.n == 0 else self.n + 1

        @action(fairness=weak())
        def on(self) -> None:
            require(self.n == 1)
            self.n = 1

    assert assert_lasso(check(Long, properties=["never"])) == [None, "round", "round"]
    assert assert_lasso(check(Short, properties=["never"])) == [None, "away"]


# --------------------------------------------------------------------------- processes


class Proc(Sort):
    """Two processes that exclude each other."""


class Peterson(Spec):
    """Peterson's algorithm for two."""

    procs: Set[Proc] = members(2)
    wants: Map[Proc, bool] = everywhere(False)
    turn: Proc | None = None

    @process(fairness=weak(for_each="p"))
    def worker(self, p: Proc) -> Steps:
        while True:
            yield "idle"
            self.wants[p] = True
            yield "yield_turn"
            self.turn = p
            yield "wait"
            require(self.turn != p or not any(self.wants[q] for q in self.procs if q != p))
            yield "critical"
            self.wants[p] = False

    @leads_to
    def enters(self, p: Proc) -> tuple[bool, bool]:
        return (self.worker.at[p] == "wait", self.worker.at[p] == "critical")

    @infinitely_often
    def enters_again(self, p: Proc) -> bool:
        return self.worker.at[p] in {"critical"}


class Unfair(Peterson):
    """One of the two may stop anywhere."""

    @process(fairness=weak())
    def worker(self, p: Proc) -> Steps:
        while True:
            yield "idle"
            self.wants[p] = True
            yield "yield_turn"
            self.turn = p
            yield "wait"
            require(self.turn != p or not any(self.wants[q] for q in self.procs if q != p))
            yield "critical"
            self.wants[p] = False


def test_peterson_lets_everybody_in() -> None:
    result = check(Peterson)
    assert result.verdict == "holds", result
    assert result.properties["enters"] == "holds"


def test_peterson_with_fairness_for_some_process_only() -> None:
    result = check(Unfair, properties=["enters_again"])
    assert result.verdict == "violated"
    assert_lasso(result)


# --------------------------------------------------------------------------- trouble


def test_a_model_error_in_a_liveness_property() -> None:
    class Wrong(Switch):
        @eventually
        def lit(self) -> bool:
            return 1 // (0 if self.on else 1) > 5

    result = check(Wrong, properties=["lit"])
    assert result.counterexample is not None
    assert result.counterexample.kind == "model error"
    assert [step.action for step in result.counterexample.steps] == [None, "press"]
    assert result.properties["lit"] == "undecided"


def test_a_model_error_in_the_condition_of_fairness() -> None:
    fairness = weak(when=lambda self: 1 // (1 - self.floor) > 0)
    result = check(elevator(fairness), properties=["arrives"])
    assert result.counterexample is not None
    assert result.counterexample.kind == "model error"
    assert "fairness of up()" in result.counterexample.explanation


def test_liveness_is_not_judged_when_the_search_was_stopped() -> None:
    result = check(FairSwitch, max_states=1)
    assert result.verdict == "undecided"
    assert set(live(FairSwitch)) <= {k for k, v in result.properties.items() if v == "undecided"}
