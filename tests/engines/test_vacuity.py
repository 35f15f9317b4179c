"""Warnings of what was never tried: premises, branches, parameters' values."""

from __future__ import annotations

import ast
from enum import Enum
from typing import Annotated

import pytest

from checker import check
from checker.engines.python.vacuity import _premises
from checker.lang import (
    Range,
    Set,
    Sort,
    Spec,
    Steps,
    action,
    final,
    invariant,
    leads_to,
    members,
    process,
    require,
    weak,
)


class Node(Sort):
    """Somebody."""


class Mode(Enum):
    CALM = 1
    ALERT = 2
    PANIC = 3


class Alarm(Spec):
    """Never panics; the third node is never asked."""

    nodes: Set[Node] = members(3)
    asked: Set[Node]
    mode: Mode = Mode.CALM
    n: Annotated[int, Range(4)] = 0

    @action
    def ask(self, who: Node) -> None:
        require(len(self.asked) < 2 and who not in self.asked)
        self.asked.add(who)
        self.n += 1
        if self.n == 1:
            self.mode = Mode.ALERT
        elif self.n == 3:
            self.mode = Mode.PANIC
        else:
            self.mode = Mode.CALM

    @action
    def react(self, to: Mode) -> None:
        require(self.mode == to)
        match self.mode:
            case Mode.CALM:
                self.asked = set()
                self.n = 0
            case Mode.ALERT:
                require(self.n < 2)
            case Mode.PANIC:
                self.mode = Mode.CALM

    @invariant
    def panics_late(self) -> bool:
        return self.mode != Mode.PANIC or self.n == 3

    @invariant
    def alert_with_one(self) -> bool:
        return self.mode != Mode.ALERT or self.n == 1

    @invariant
    def all_small(self) -> bool:
        return all(k < 100 for k in range(self.n) if k > 7)

    @invariant
    def nested(self) -> bool:
        return self.n < 4 and all(k not in {5, 6} or self.n > 5 for k in range(self.n))

    @invariant
    def conditional(self) -> bool:
        return self.n == 3 if self.mode == Mode.PANIC else True

    @final
    def anything(self) -> bool:
        return True


def test_what_was_never_tried_is_told() -> None:
    result = check(Alarm)
    assert result.verdict == "holds"
    text = "\n".join(result.warnings)
    for invariant_, premise in [
        ("panics_late", "self.mode == Mode.PANIC"),
        ("all_small", "k > 7"),
        ("nested", "k in {5, 6}"),
        ("conditional", "self.mode == Mode.PANIC"),
    ]:
        assert f"`{invariant_}` was never put to the test: its premise `{premise}`" in text
    assert "alert_with_one" not in text
    assert "`ask`: the branch `if self.n == 3`" in text
    assert "`react`: the branch `case Mode.PANIC`" in text
    assert "`react` was never taken with to = PANIC" in text
    assert "`if self.n == 1`" not in text
    assert "case Mode.ALERT" not in text
    assert "`ask` was never taken" not in text
    assert len(result.warnings) == 7


class Rounds(Spec):
    """Code that two steps lead to: the loop is never left from "begin", the `if` never taken."""

    @process
    def clerk(self) -> Steps:
        n: Annotated[int, Range(4)] = 0
        yield "begin"
        while n < 3:
            yield "again"
            n += 1
        if n < 3:
            n = 0

    @final
    def is_over(self) -> bool:
        return self.clerk.at == "done"


def test_code_that_several_steps_lead_to_counts_once() -> None:
    result = check(Rounds)
    assert result.verdict == "holds"
    (warning,) = result.warnings
    assert "the branch `if self.clerk.n < 3` (line " in warning


def test_nothing_is_told_of_a_violated_or_unfinished_check() -> None:
    assert check(Alarm, max_states=2).warnings == ()


@pytest.mark.parametrize(
    ("claim", "premises"),
    [
        ("not p or q", ["p"]),
        ("not p or not q or r", ["p"]),
        ("p or q", []),
        ("x != y or q", ["x == y"]),
        ("x not in y or q", ["x in y"]),
        ("x is None or q", ["x is not None"]),
        ("x < y or q", []),
        ("q if p else True", ["p"]),
        ("True if p else q", ["not p"]),
        ("q if p else r", []),
        ("all(q for x in s)", []),
        ("all(q for x in s if p)", ["any((True for x in s if p))"]),
        ("all(not p or q for x in s if r)", ["any((True for x in s if r))",
                                             "any((p for x in s if r))"]),
        ("all(all(not p or q for y in t) for x in s)", ["any((any((p for y in t)) for x in s))"]),
        ("(not p or q) and (not r or q) and q", ["p", "r"]),
    ],
)  # fmt: skip
def test_the_premises_of_a_claim(claim: str, premises: list[str]) -> None:
    tree = ast.parse(claim, mode="eval").body
    assert [ast.unparse(premise) for premise, _ in _premises(tree)] == premises


def test_a_leads_to_that_nothing_calls_for_is_said() -> None:
    class Idle(Spec):
        on: bool

        @action(fairness=weak())
        def flip(self) -> None:
            self.on = not self.on

        @leads_to
        def never_asked(self) -> tuple[bool, bool]:
            return self.on and not self.on, self.on

        @leads_to
        def asked(self) -> tuple[bool, bool]:
            return not self.on, self.on

    result = check(Idle())
    assert result
    said = [warning for warning in result.warnings if "leads from" in warning]
    assert said == ["`never_asked` holds because what it leads from is never true"]
