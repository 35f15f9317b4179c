"""The ground form does what CPython does: every binding, every state, every property."""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.ground.conditions import (
    FALSE,
    TRUE,
    Cell,
    Condition,
    atom,
    both,
    count,
    either,
    holds,
    negation,
    under,
)
from checker.ground.lower import Ground, lowered, step
from checker.ground.symbols import NotGroundError
from checker.lang import (
    AtMost,
    ModelError,
    NotEnabled,
    Range,
    Seq,
    Set,
    Sort,
    Spec,
    action,
    enabled,
    invariant,
    members,
    require,
)
from checker.lang.compile import compile_model
from checker.lang.model import Model, State
from spec import catalogue
from spec.paxos import Paxos
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec
from tests.lang.constructs import Counts

STATES = 250


class Node(Sort):
    pass


EXAMPLES = int(os.environ.get("QUORATE_RANDOM_SPECS", "60")) // 4

CELLS = [Cell(0, "a", 2), Cell(1, "b", 2), Cell(2, "c", 3), Cell(3, "d", 4)]
ALL_CODES = [list(codes) for codes in itertools.product(*(range(c.size) for c in CELLS))]

atoms = st.sampled_from(CELLS).flatmap(
    lambda cell: st.builds(lambda codes: atom(cell, codes), st.sets(st.integers(0, cell.size - 1)))
)
Formula = tuple[str, Any]
formulas: st.SearchStrategy[Any] = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or", "not", "count"]), st.lists(inner, max_size=4)),
    ),
    max_leaves=12,
)


def made(formula: Any) -> Condition:
    if isinstance(formula, Condition):
        return formula
    word, parts = formula
    conditions = [made(part) for part in parts]
    if word == "and":
        return both(conditions)
    if word == "or":
        return either(conditions)
    if word == "not":
        return negation(conditions[0]) if conditions else TRUE
    return count(conditions, {1, 3})


def meaning(formula: Any, codes: list[int]) -> bool:
    if isinstance(formula, Condition):
        return holds(formula, codes)
    word, parts = formula
    truths = [meaning(part, codes) for part in parts]
    if word == "and":
        return all(truths)
    if word == "or":
        return any(truths)
    if word == "not":
        return not truths[0] if truths else True
    return sum(truths) in {1, 3}


@given(formulas, formulas)
def test_simplified_conditions_mean_the_same(formula: Any, known: Any) -> None:
    condition, assumed = made(formula), made(known)
    shorter = under(condition, assumed)
    for codes in ALL_CODES:
        assert holds(condition, codes) == meaning(formula, codes)
        assert holds(negation(condition), codes) != holds(condition, codes)
        if holds(assumed, codes):
            assert holds(shorter, codes) == holds(condition, codes)


def test_what_is_plain_is_seen() -> None:
    a, b = atom(CELLS[0], {1}), atom(CELLS[1], {1})
    assert both(a, negation(a)) is FALSE
    assert either(a, negation(a)) is TRUE
    assert both(a, either(a, b)) is a
    assert both(a, either(negation(a), b)) is both(a, b)
    assert count((a, b), {2}) is both(a, b)
    assert both(b, a) is both(a, b)


def reached(model: Model, most: int) -> list[State]:
    waiting = model.initial_states()
    seen = set(waiting)
    for state in itertools.islice(waiting, most):
        try:
            successors = model.successors(state)
        except ModelError:
            continue
        for _, _, after in successors:
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return waiting[:most]


def compare_steps(model: Model, ground: Ground, state: State) -> None:
    codes = ground.layout.encode(state)
    theirs: Any = {}
    try:
        for binding in ground.bindings:
            try:
                theirs[binding.action, binding.args] = step(binding, codes)
            except NotEnabled:
                continue
    except ModelError:
        theirs = "model error"
    try:
        ours: Any = {
            (action.name, args): ground.layout.encode(after)
            for action, args, after in model.successors(state)
        }
    except ModelError:
        ours = "model error"
    assert theirs == ours, model.show(state)
    if ours != "model error":
        assert list(theirs) == list(ours), "the order of the bindings"


def compare_properties(model: Model, ground: Ground, state: State) -> None:
    codes = ground.layout.encode(state)
    known = {p.name: p for p in (*model.properties, *model.final, *model.constraints)}
    for judged in ground.judgements:
        prop = known[judged.name]
        try:
            ours: Any = model.holds(prop, state, judged.args)
        except ModelError:
            assert holds(judged.errors, codes)
            continue
        assert not holds(judged.errors, codes)
        first = holds(judged.holds, codes)
        if prop.kind == "leads_to":
            assert (first, holds(judged.second, codes)) == tuple(map(bool, ours))
        else:
            assert first == bool(ours)


def compare_codes(ground: Ground, state: State) -> None:
    decoded = ground.layout.decode(ground.layout.encode(state))
    assert decoded == state
    assert [type(value) for value in decoded] == [type(value) for value in state]


def compare(model: Model, most: int) -> int:
    ground = lowered(compile_model(model))
    states = reached(model, most)
    for state in states:
        compare_codes(ground, state)
        compare_steps(model, ground, state)
        compare_properties(model, ground, state)
    return len(states)


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_shipped_specs(name: str) -> None:
    assert compare(Model(catalogue()[name], {}), STATES) > 2


def test_lists_and_counts() -> None:
    assert compare(Model(Counts, {}), STATES) > 30


class Branches(Spec):
    """Guards, bounds, failures and returns inside branches and loops."""

    nodes: Set[Node] = members(2)
    count: Annotated[int, Range(5)] = 0
    low: Annotated[int, Range(3, beyond="block")] = 0
    high: Annotated[int, Range(3, beyond="prune")] = 0
    last: Node | None
    queue: Annotated[Seq[Node], AtMost(2, "block")]

    @action
    def guarded(self, n: Node) -> None:
        if self.count > 2:
            require(self.last == n)
            self.count = 0
        else:
            self.count += 1
            self.last = n

    @action
    def bounded(self, up: bool) -> None:
        if up:
            self.low += 1
        else:
            self.high += 1
            self.low = 0

    @action
    def queued(self, n: Node) -> None:
        if n in self.queue:
            self.queue.remove(n)
        elif self.count > 0:
            self.queue.append(n)
            self.count = self.old.count - 1

    @action
    def fails(self) -> None:
        require(self.count > 3)
        if self.low > 1:
            self.last = self.queue[0]
        self.count = min(self.count, 4 // max(self.high, 0))

    def first(self) -> int:
        for level in range(3):
            if level in {self.low, self.high}:
                return level
        return 4

    @invariant
    def possible(self, n: Node) -> bool:
        return enabled(self.guarded, n) or self.first() < 3


def test_branches_bounds_and_failures() -> None:
    assert compare(Model(Branches, {}), 400) > 100


def test_the_ground_form_of_paxos() -> None:
    ground = lowered(compile_model(Model(Paxos, {})))
    by_action: dict[str, int] = {}
    for binding in ground.bindings:
        by_action[binding.action] = by_action.get(binding.action, 0) + 1
    assert by_action == {"prepare": 2, "promise": 6, "propose": 60, "accept": 12}
    accept = next(b for b in ground.bindings if b.action == "accept")
    names = {cell.number: cell.name for cell in ground.layout.cells}
    assert {names[n] for n in accept.writes} == {
        "promised[a1]",
        "voted[a1]",
        "Accepted(acceptor=a1, ballot=0, value=v1) in sent",
    }
    assert {names[n] for n in accept.reads} == {
        "promised[a1]",
        "Accept(ballot=0, value=v1) in sent",
    }
    assert accept.errors is FALSE


@pytest.mark.parametrize("slice_", range(4))
def test_random_specs(slice_: int, tmp_path: Path) -> None:
    """Most random specs can be made ground, and then mean the same."""
    ground = 0
    seeds = range(slice_ * EXAMPLES, (slice_ + 1) * EXAMPLES)
    for seed in seeds:
        model = Model(load_text(random_spec(random.Random(seed).randrange), tmp_path).Random, {})
        try:
            compare(model, 25)
        except NotGroundError:
            continue
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
        ground += 1
    assert ground > len(seeds) // 2
