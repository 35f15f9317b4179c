"""A refinement mapping compiles, and means on the IR what it means in CPython."""

from __future__ import annotations

import itertools
from typing import Annotated, Any

import pytest

from checker.lang import (
    ModelError,
    Range,
    Set,
    Sort,
    Spec,
    SpecError,
    action,
    interpret,
    members,
    refinement,
)
from checker.lang.compile import compile_model
from checker.lang.model import Model
from spec.paxos import Paxos
from spec.two_phase import TwoPhase


class Node(Sort):
    pass


class Light(Spec):
    on: bool
    used: Annotated[int, Range(3)] = 0

    @action
    def flip(self) -> None:
        self.on = not self.on
        self.used = min(self.used + 1, 2)


class Lamp(Spec):
    nodes: Set[Node] = members(2)
    lit: Set[Node]
    flips: Annotated[int, Range(4)] = 0

    @action
    def turn(self, n: Node) -> None:
        self.lit ^= {n}
        self.flips = min(self.flips + 1, 3)

    @refinement
    def light(self) -> Light:
        some = len(self.lit) > 0
        if self.flips == 0:
            return Light.at(on=some, used=0)
        return Light.at(on=some, used=self.flips)


@pytest.mark.parametrize("cls", [Lamp, Paxos, TwoPhase])
def test_both_meanings_map_states_alike(cls: Any) -> None:
    model = Model(cls, {})
    program = compile_model(model)
    mapping, compiled = model.refinements[0], program.refinements[0]
    waiting = model.initial_states()
    seen = set(waiting)
    mapped = outside = 0
    for state in itertools.islice(waiting, 400):
        for _, _, after in model.successors(state):
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    for state in waiting[:400]:
        try:
            expected = model.abstract(mapping, state)
        except ModelError:
            outside += 1
            with pytest.raises(ModelError, match="gives no state of `Light`"):
                interpret.abstract(program, compiled, state)
        else:
            mapped += 1
            assert interpret.abstract(program, compiled, state) == expected
    assert mapped
    assert (outside > 0) == (cls is Lamp), "three flips are more than a Light can count"


class Wrong:
    class Missing(Lamp):
        @refinement
        def light(self) -> Light:
            return Light.at(on=True)

    class Extra(Lamp):
        @refinement
        def light(self) -> Light:
            return Light.at(on=True, used=0, colour=1)

    class NoState(Lamp):
        @refinement
        def light(self) -> Light:
            return Light()


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (Wrong.Missing, "`used` is missing here"),
        (Wrong.Extra, "`colour` is no field of `Light`"),
        (Wrong.NoState, "a refinement returns a state of `Light`"),
    ],
)
def test_a_wrong_mapping_is_named(wrong: Any, rule: str) -> None:
    with pytest.raises(SpecError) as caught:
        compile_model(Model(wrong, {}))
    assert caught.value.rule == rule
    assert caught.value.place is not None
    assert "return Light" in caught.value.place.text
