"""The ground form does what CPython does: every binding, every state, every property."""

from __future__ import annotations

import itertools
import os
import random
import re
from bisect import bisect_left
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
from checker.ground.images import NoImage
from checker.ground.lower import lowered
from checker.ground.symbols import NotGroundError
from checker.lang import (
    AtMost,
    Map,
    Range,
    Seq,
    Set,
    Sort,
    Spec,
    action,
    enabled,
    everywhere,
    invariant,
    members,
    refinement,
    require,
    step_property,
    strong,
    weak,
)
from checker.lang.compile import compile_model
from checker.lang.ir import Program
from checker.lang.model import Model
from spec import catalogue
from spec.paxos import Paxos
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec
from tests.ground.compare import compare
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


def test_true_and_false_keep_their_negations() -> None:
    """Also where a formula that is not plainly false has a negation that is plainly true."""
    chance = random.Random(0)
    held = [atom(cell, {code}) for cell in CELLS for code in range(cell.size)]
    for _ in range(400):
        parts = [chance.choice(held) for _ in range(chance.randrange(1, 4))]
        formula = chance.choice([both(parts), either(parts), count(parts, {1})])
        held.append(negation(formula) if chance.randrange(2) else formula)
    for formula in held:
        negation(negation(formula))
    assert negation(TRUE) is FALSE
    assert negation(FALSE) is TRUE


def test_what_is_plain_is_seen() -> None:
    a, b = atom(CELLS[0], {1}), atom(CELLS[1], {1})
    assert both(a, negation(a)) is FALSE
    assert either(a, negation(a)) is TRUE
    assert both(a, either(a, b)) is a
    assert both(a, either(negation(a), b)) is both(a, b)
    assert count((a, b), {2}) is both(a, b)
    assert both(b, a) is both(a, b)


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


class Small(Spec):
    """What `Mapped` is mapped to; its domains are narrower."""

    nodes: Set[Node] = members(2)
    level: Annotated[int, Range(3, beyond="block")] = 0
    seen: Map[Node, Set[Annotated[int, Range(2, beyond="prune")]]]
    few: Annotated[Set[Node], AtMost(1)]
    one: Annotated[int, Range(1)] = 0
    top: Annotated[int, Range(2)] | None

    @action
    def any(self) -> None:
        self.level = 0


class Mapped(Spec):
    """A refinement with misfits of all kinds, step properties, fairness with conditions."""

    nodes: Set[Node] = members(2)
    level: Annotated[int, Range(4)] = 0
    held: Map[Node, Set[Annotated[int, Range(3)]]]
    last: Node | None

    @action(fairness=weak(for_each="n", when=lambda self, n, k: self.biggest(n) < k))
    def put(self, n: Node, k: Annotated[int, Range(3)]) -> None:
        require(n != self.last)
        self.held[n].add(k)
        self.last = n

    @action(fairness=strong(when=lambda self, up: up or self.level > 1))
    def move(self, up: bool) -> None:
        require(self.level < 3 if up else self.level > 0)
        self.level += 1 if up else -1
        if up:
            self.last = None

    def biggest(self, n: Node) -> int:
        return max(self.held[n])

    @step_property
    def grows(self, n: Node) -> bool:
        return self.held[n] >= self.old.held[n] and self.level != self.old.level

    @step_property
    def fails(self, n: Node) -> bool:
        return self.biggest(n) >= self.old.biggest(n)

    @refinement
    def small(self) -> Small:
        return Small.at(
            level=self.level,
            seen=self.held,
            few={n for n in self.nodes if 2 in self.held[n]},
            one=0,
            top=None if self.last is None else 3 // self.level,
        )


def test_steps_fairness_and_images() -> None:
    assert compare(Model(Mapped, {}), 400) > 100


class Line(Spec):
    items: Annotated[Seq[Annotated[int, Range(3)]], AtMost(3)]

    @action
    def drop(self) -> None:
        self.items.clear()


class Lined(Spec):
    """A refinement that sorts by a key, which cannot be made ground."""

    held: Set[Annotated[int, Range(3)]]

    @action
    def put(self, k: Annotated[int, Range(3)]) -> None:
        self.held.add(k)

    @refinement
    def line(self) -> Line:
        return Line.at(items=sorted(self.held, key=lambda k: 0 - k))


def test_a_mapping_that_cannot_be_made_ground_hinders_nothing_else() -> None:
    ground = lowered(compile_model(Model(Lined, {})))
    assert ground.images == (NoImage("line", "sorting by a key"),)
    assert len(ground.bindings) == 3


def test_what_is_given_up_does_not_depend_on_what_was_lowered_before() -> None:
    program = compile_model(Model(Branches, {}))
    least = least_work(program)
    assert least > 1000
    held = lowered(program)
    assert least_work(program) == least
    assert repr(held.bindings) == repr(lowered(program, least).bindings)
    with pytest.raises(NotGroundError, match=f"more than {least - 1:,} units of work"):
        lowered(program, least - 1)


def least_work(program: Program) -> int:
    """The least limit under which a program can be lowered."""

    def can_be_lowered(work: int) -> bool:
        try:
            lowered(program, work)
        except NotGroundError:
            return False
        return True

    return bisect_left(range(10**6), True, key=can_be_lowered)


class Turns(Spec):
    """Some cells keep their codes wherever the action is enabled."""

    nodes: Set[Node] = members(2)
    turn: Annotated[int, Range(3)] = 0
    seen: Set[Node]
    last: Node | None

    @action
    def go(self, n: Node) -> None:
        require(self.turn == 1 and n in self.seen and self.last is None)
        self.turn = 1
        self.seen.add(n)
        self.last = n

    @action
    def back(self) -> None:
        self.last = None if self.last is None else self.last


def test_cells_that_keep_their_codes_are_left_out() -> None:
    ground = lowered(compile_model(Model(Turns, {})))
    written = [[effect.cell.name for effect in binding.effects] for binding in ground.bindings]
    assert written == [["last"], ["last"], []]


class Recursive(Spec):
    """Calls that end only because control does not come back here."""

    limit: Annotated[int, Range(4)] = 0
    sum: Annotated[int, Range(7)] = 0

    @action
    def up(self) -> None:
        self.sum = self.total(self.limit)
        self.limit = (self.limit + 1) % 4

    @action
    def twice(self) -> None:
        require(enabled(self.up) and any(self.total(n) > 2 for n in [self.limit, self.sum]))
        self.sum = 0

    def total(self, n: int) -> int:
        if n == 0:
            return 0
        return n + sum(self.total(m) for m in [n - 1])


def test_calls_that_end_by_where_control_is() -> None:
    assert compare(Model(Recursive, {}), 40) > 4


class Keyed(Spec):
    """A map whose keys may lie outside a bound that blocks, in an expression."""

    held: Map[Annotated[int, Range(2, beyond="block")], bool] = everywhere(False)
    ready: bool

    @action
    def fill(self, by: Annotated[int, Range(2)]) -> None:
        require(by == 0 or self.ready)
        self.held = {k + by: k == 0 for k in range(2)}

    @action
    def arm(self) -> None:
        self.ready = True


def test_a_bound_that_blocks_is_an_error_in_an_expression() -> None:
    assert compare(Model(Keyed, {}), 40) > 2


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


def with_more(text: str, rng: random.Random) -> str:
    """A random spec whose invariant, about some fields as they were, is a step property too.

    And the condition of the fairness of its first action.
    """
    head, _, test = text.rstrip().rpartition("        return ")
    fields = sorted(set(re.findall(r"self[.](f[0-9]+)", test)))
    old = {name for name in fields if rng.randrange(2)}
    before = re.sub(
        r"self[.](f[0-9]+)", lambda m: f"self.old.{m[1]}" if m[1] in old else m[0], test
    )
    first = re.search(r"    @action\n    def a0\(self, p: Node(.*?)\) -> None:", head)
    assert first is not None
    names = ", ".join(["self", "p", *re.findall(r", ([a-z0-9]+):", first[1])])
    fair = f"    @action(fairness=weak(when=lambda {names}: {test}))"
    head = head.replace(first[0], first[0].replace("    @action", fair, 1))
    step = f"    @step_property\n    def moves(self, p: Node) -> bool:\n        return {before}\n"
    return f"{head}        return {test}\n\n{step}"


@pytest.mark.parametrize("slice_", range(4))
def test_random_specs(slice_: int, tmp_path: Path) -> None:
    """Most random specs can be made ground, and then mean the same."""
    ground = 0
    seeds = range(slice_ * EXAMPLES, (slice_ + 1) * EXAMPLES)
    for seed in seeds:
        rng = random.Random(seed)
        text = with_more(random_spec(rng.randrange), rng)
        model = Model(load_text(text, tmp_path).Random, {})
        try:
            compare(model, 25)
        except NotGroundError:
            continue
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
        ground += 1
    assert ground > len(seeds) // 2
