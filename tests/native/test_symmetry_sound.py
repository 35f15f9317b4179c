"""A Sort is symmetric only if renaming its members changes nothing that a spec can say."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest

from checker.lang import (
    Map,
    ModelError,
    Range,
    Record,
    Set,
    Sort,
    Spec,
    SpecError,
    action,
    everywhere,
    invariant,
    members,
    refinement,
    require,
)
from checker.lang.compile import compile_model
from checker.lang.effects import renamed, singled_out, symmetric_sorts
from checker.lang.model import Model, State
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec

EXAMPLES = int(os.environ.get("QUORATE_RANDOM_SPECS", "60")) // 2

Small = Annotated[int, Range(3)]


class Node(Sort):
    pass


FIRST = Node.member(0, "n1")


class Numbered(Spec):
    """What the specs below share: it is symmetric."""

    nodes: Set[Node] = members(3)
    number: Map[Node, Small] = everywhere(0)
    done: Map[Node, bool]
    low: Map[Node, Annotated[int, Range(2, beyond="block")]] = everywhere(0)

    @action
    def count(self, n: Node, i: Small) -> None:
        self.number[n] = i


class StopsBeforeFailing(Numbered):
    @action
    def divide(self) -> None:
        require(any(4 // self.number[n] == 2 for n in self.nodes))


class AllStopsBeforeFailing(Numbered):
    @invariant
    def divided(self) -> bool:
        return all(self.half(n) == 1 for n in self.nodes)

    def half(self, n: Node) -> int:
        return 2 // self.number[n]


class GuardsAndFailures(Numbered):
    @action
    def divide(self) -> None:
        for n in self.nodes:
            require(not self.done[n])
            self.number[n] = 2 // self.number[n]


class BoundsAndFailures(Numbered):
    @action
    def raise_all(self) -> None:
        for n in self.nodes:
            self.low[n] += 1
            self.number[n] += 1


class ReturnsAndFailures(Numbered):
    @action
    def look(self) -> None:
        require(self.found())

    def found(self) -> bool:
        for n in self.nodes:
            half = 2 // self.number[n]
            if self.done[n] or half > 2:
                return True
        return False


class Named(Numbered):
    """A member in a variable of the module."""

    @action
    def finish(self, n: Node) -> None:
        require(n != FIRST)
        self.done[n] = True


class NamedInChoice(Numbered):
    @action
    def finish(self, n: Node) -> None:
        require(n in {FIRST})
        self.done[n] = True


class Vote(Record):
    node: Node
    number: Small

    @invariant
    def first_has_none(self) -> bool:
        return self.node != FIRST or self.number == 0


class Votes(Numbered):
    @action
    def vote(self, v: Vote) -> None:
        self.number[v.node] = v.number


class RefinesNamed(Numbered):
    @refinement
    def named(self) -> Named:
        return Named.at(number=self.number, done=self.done, low=self.low)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (Numbered, None),
        (StopsBeforeFailing, "the order of what is walked in `divide`"),
        (AllStopsBeforeFailing, "the order of what is walked in `divided`"),
        (GuardsAndFailures, "the order of what is walked in `divide`"),
        (BoundsAndFailures, "the order of what is walked in `raise_all`"),
        (ReturnsAndFailures, "the order of what is walked in `found`"),
        (Named, "a value in `finish`"),
        (NamedInChoice, "a value in `finish`"),
        (Votes, "the invariants of `Vote`"),
        (RefinesNamed, "a value in `finish` of `Named`"),
    ],
)
def test_what_singles_a_member_out(spec: type[Spec], reason: str | None) -> None:
    program = compile_model(Model(spec, {}))
    found = singled_out(program, program.sorts[0])
    assert (found and found.split(", line ")[0]) == reason
    assert bool(symmetric_sorts(program)) is (reason is None)


@pytest.mark.parametrize(
    "spec", [StopsBeforeFailing, GuardsAndFailures, BoundsAndFailures, ReturnsAndFailures, Named]
)
def test_these_do_single_it_out(spec: type[Spec]) -> None:
    """There is a state in which a renamed step is another: what is refused must be."""
    model = Model(spec, {})
    pick = random.Random(1)
    fields = [list(field.type.values()) for field in compile_model(model).fields]
    states = [tuple(map(pick.choice, fields)) for _ in range(300)]
    assert not all(commutes(model, state, renaming(model, pick)) for state in states)


class Sure(Record):
    number: Small


class Safe(Numbered):
    """Rounds that stop, or fail, but not both; what is narrowed cannot fail."""

    last: Map[Node, Sure | None]

    @action
    def every(self) -> None:
        for n in self.nodes:
            require(not self.done[n])
            self.low[n] += 1

    @action
    def halves(self) -> None:
        for n in self.nodes:
            self.number[n] = 2 // self.number[n]

    @invariant
    def narrowed(self) -> bool:
        return any(v is not None and v.number == 1 for v in self.last.values())


def test_rounds_that_end_in_one_way_do_not() -> None:
    program = compile_model(Model(Safe, {}))
    assert singled_out(program, program.sorts[0]) is None


ORDERS = {
    "sorted": "len(sorted(self.nodes)) > 0",
    "sorted with a key": "sorted(self.nodes, key=lambda n: self.number[n])[0] == n",
    "arbitrary": "arbitrary(self.nodes) == n",
    "least of members": "min(self.nodes) == n",
    "comparison": "n < m",
    "comparison of pairs": "(n, 1) < (m, 1)",
    "a list": "[x for x in self.nodes][0] == n",
    "a list of the Set": "list(self.nodes)[0] == n",
    "the items of a Map": "[i for _, i in self.number.items()] == [0]",
    "enumerate": "any(i == 0 for i, x in enumerate(self.nodes))",
}


@pytest.mark.parametrize("test", ORDERS.values(), ids=ORDERS)
def test_the_order_of_members_cannot_be_asked_for(test: str, tmp_path: Path) -> None:
    text = f"""\
from checker.lang import *


class Node(Sort):
    pass


class Asks(Spec):
    nodes: Set[Node] = members(3)
    number: Map[Node, bool]

    @action
    def ask(self, n: Node, m: Node) -> None:
        require({test})
"""
    with pytest.raises(SpecError):
        compile_model(Model(load_text(text, tmp_path).Asks, {}))


# --------------------------------------------------------------------------- by running it


Rename = Callable[[Any], Any]


def renaming(model: Model, pick: random.Random) -> Rename:
    """Some permutation of the nodes, as a function of values."""
    nodes = list(model.constants["nodes"].value)
    other = dict(zip(nodes, pick.sample(nodes, len(nodes)), strict=True))
    return lambda value: renamed(value, other)


def reached(model: Model, most: int) -> list[State]:
    waiting = model.initial_states()
    seen = set(waiting)
    for state in waiting:
        for _, _, after in steps(model, state) or ():
            if after not in seen and len(waiting) < most:
                seen.add(after)
                waiting.append(after)
    return waiting[:most]


def steps(model: Model, state: State) -> set[tuple[str, Any, State]] | None:
    """`None`: a model error."""
    try:
        return {(action.name, args, after) for action, args, after in model.successors(state)}
    except ModelError:
        return None


def commutes(model: Model, state: State, rename: Rename) -> bool:
    """Whether renaming and then stepping is stepping and then renaming."""
    here, there = steps(model, state), steps(model, rename(state))
    if here is None or there is None:
        return here is there
    return {(name, rename(args), rename(after)) for name, args, after in here} == there


def test_steps_of_random_specs_commute_with_renaming(tmp_path: Path) -> None:
    compared = 0
    for seed in range(EXAMPLES):
        text = random_spec(random.Random(seed).randrange)
        model = Model(load_text(text, tmp_path).Random, {"nodes": 3})
        if symmetric_sorts(compile_model(model)):
            for state in reached(model, 12):
                rename = renaming(model, random.Random(seed))
                assert commutes(model, state, rename), f"seed {seed}: {model.show(state)}"
                compared += 1
    assert compared > 2 * EXAMPLES
