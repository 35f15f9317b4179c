"""Processes become one action for each named step."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from checker import check
from checker.lang import (
    Map,
    Range,
    Set,
    Sort,
    Spec,
    SpecError,
    Steps,
    action,
    eventually,
    final,
    members,
    process,
    require,
    the,
    weak,
)
from checker.lang.model import Model
from tests.lang.test_interpret import walk
from tests.lang.walking import explored

Digit = Annotated[int, Range(3)]


class Proc(Sort):
    pass


class Peterson(Spec):
    """Peterson's lock, 1981."""

    procs: Set[Proc] = members(2)
    want: Map[Proc, bool]
    turn: Proc | None

    @process(fairness=weak(for_each="p"))
    def worker(self, p: Proc) -> Steps:
        while True:
            yield "idle"
            self.want[p] = True
            yield "give way"
            self.turn = the(self.procs - {p})
            yield "wait"
            require(self.turn == p or not self.want[the(self.procs - {p})])
            yield "critical"
            self.want[p] = False


class Counting(Spec):
    """A process without a parameter, with a local, a test, a loop with a condition, an end."""

    total: Annotated[int, Range(8)] = 0

    @process
    def clerk(self) -> Steps:
        left: Annotated[int, Range(4)] = 3
        yield "start"
        while left > 0:
            yield "count"
            if left == 2:
                left -= 1
                yield "extra"
                self.total += 2
            else:
                left -= 1
                self.total += 1
        self.total += 1


def test_steps_are_actions_and_at_is_state() -> None:
    model = Model.of(Peterson())
    assert [action.name for action in model.actions] == [
        "worker.idle",
        "worker.give way",
        "worker.wait",
        "worker.critical",
    ]
    assert [field.name for field in model.fields] == ["want", "turn", "worker.at"]
    assert all(action.fairness == weak(for_each="p") for action in model.actions)


def test_mutual_exclusion_over_all_states() -> None:
    model = Model.of(Peterson())
    states = [model.show(state) for state in explored(model)]
    assert not any(shown["worker.at"] == "{p1: critical, p2: critical}" for shown in states)
    assert any("critical" in shown["worker.at"] for shown in states)


class Loops(Spec):
    """A step after a loop is reached before the last of the loop's own."""

    n: Annotated[int, Range(3)] = 0

    @process
    def clerk(self) -> Steps:
        yield "first"
        while self.n < 2:
            yield "second"
            self.n += 1
            yield "third"
        yield "fourth"


def test_steps_are_in_the_order_of_the_text() -> None:
    names = [action.name.partition(".")[2] for action in Model.of(Loops()).actions]
    assert names == ["first", "second", "third", "fourth"]


class Choosing(Spec):
    """Steps with parameters of their own: one from a set in the state, and which way to go."""

    procs: Set[Proc] = members(2)
    free: Set[Annotated[int, Range(3)]] = {0, 1, 2}
    has: Map[Proc, Annotated[int, Range(3)] | None]

    @process(fairness=weak(for_each="p"))
    def worker(self, p: Proc) -> Steps:
        tries: Annotated[int, Range(2)] = 0
        number: Annotated[int, Range(3)] = yield "take"
        require(number in self.free)
        self.free.remove(number)
        self.has[p] = number
        tries += 1
        back: bool = yield "decide"
        if back:
            self.free.add(self.number_of(p))
            self.has[p] = None

    def number_of(self, p: Proc) -> int:
        number = self.has[p]
        assert number is not None
        return number

    @eventually
    def all_come_to_an_end(self) -> bool:
        return all(self.worker.at[p] == "done" for p in self.procs)

    @final
    def is_over(self) -> bool:
        return self.all_come_to_an_end()


def test_a_step_may_have_a_parameter() -> None:
    model = Model.of(Choosing())
    assert {action.name: [p.name for p in action.params] for action in model.actions} == {
        "worker.take": ["p", "number"],
        "worker.decide": ["p", "back"],
    }
    result = check(Choosing())
    assert result, result
    # Each worker is at "take", at "decide" with one of three numbers, or done with one or none;
    # no two have the same.
    assert result.distinct_states == 8 * 8 - 3 * 2 * 2
    assert result.transitions == 108
    states, steps, _ = walk(Choosing())
    assert (states, steps) == (52, 108)
    assert "for each p: if `worker.take` for some number stays possible" in result.fairness[0]


def test_a_process_runs_to_its_end() -> None:
    model = Model.of(Counting())
    shown = [model.show(state) for state in explored(model)]
    run = [(s["clerk.at"], s["clerk.left"], s["total"]) for s in shown]
    assert run == [
        ("start", "3", "0"),
        ("count", "3", "0"),
        ("count", "2", "1"),
        ("extra", "1", "1"),
        ("count", "1", "3"),
        ("done", "0", "5"),
    ]


def test_a_process_is_read_by_properties_and_actions() -> None:
    class Watched(Peterson):
        alarms: Annotated[int, Range(2)] = 0

        @action
        def watch(self) -> None:
            require(any(self.worker.at[p] == "critical" for p in self.procs))
            self.alarms = 1

    model = Model.of(Watched())
    assert any(model.show(state)["alarms"] == "1" for state in explored(model))


class Forms:
    """Wrong forms, each with the message that it must give."""

    class NoFirstStep(Spec):
        n: Annotated[int, Range(3)] = 0

        @process
        def p(self) -> Steps:
            self.n = 1
            yield "a"

    class EndlessWay(Spec):
        n: Annotated[int, Range(3)] = 0

        @process
        def p(self) -> Steps:
            yield "a"
            while self.n < 2:
                if self.n == 1:
                    yield "b"
                self.n += 1

    class SameName(Spec):
        n: Annotated[int, Range(3)] = 0

        @process
        def p(self) -> Steps:
            yield "a"
            self.n = 1
            yield "a"

    class InFor(Spec):
        n: Annotated[int, Range(3)] = 0

        @process
        def p(self) -> Steps:
            yield "a"
            for _ in range(2):
                yield "b"

    class ChoosesItself(Spec):
        procs: Set[Proc] = members(2)
        last: Proc | None

        @process
        def p(self, a: Proc) -> Steps:
            a: Proc = yield "a"  # type: ignore[no-redef]
            require(a != self.last)

    class ChoosesALocal(Spec):
        @process
        def p(self) -> Steps:
            n: Digit = 0
            n: Digit = yield "a"  # type: ignore[no-redef]
            require(n > 0)

    class NoType(Spec):
        n: Annotated[int, Range(3)] = 0

        @process
        def p(self) -> Steps:
            yield "a"
            n = yield "b"
            self.n = n

    class TwoParameters(Spec):
        procs: Set[Proc] = members(2)

        @process
        def p(self, a: Proc, b: Proc) -> Steps:
            yield "a"


@pytest.mark.parametrize(
    ("form", "rule", "line"),
    [
        (Forms.NoFirstStep, "a process begins with a named step", "self.n = 1"),
        (Forms.EndlessWay, "a way round this loop passes no named step", "while self.n < 2:"),
        (Forms.SameName, "two steps are named `a`", 'yield "a"'),
        (Forms.InFor, "a named step cannot stand inside `for` or `match`", "for _ in range(2):"),
        (Forms.ChoosesItself, "`a` is the process's own parameter", 'a: Proc = yield "a"'),
        (Forms.ChoosesALocal, "`n` is a local of the process", 'n: Digit = yield "a"'),
        (Forms.NoType, "`yield` names a step", 'n = yield "b"'),
        (
            Forms.TwoParameters,
            "a process has at most one parameter",
            "def p(self, a: Proc, b: Proc",
        ),
    ],
)
def test_wrong_forms_are_named(form: Any, rule: str, line: str) -> None:
    with pytest.raises(SpecError) as caught:
        form()
    assert caught.value.rule == rule
    assert caught.value.place is not None
    assert line in caught.value.place.text
    assert caught.value.mend
