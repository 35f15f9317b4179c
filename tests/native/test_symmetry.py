"""Symmetry in C, against the slow and obvious way: try all permutations."""

from __future__ import annotations

import ctypes
import itertools
import os
import random
import subprocess
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

from checker.engines.native.generated import Words
from checker.engines.native.packing import Packing
from checker.engines.native.symmetry import Symmetry, symmetry
from checker.ground.layout import Layout
from checker.ground.symbols import NotGroundError
from checker.lang import (
    AtMost,
    Map,
    ModelError,
    Range,
    Record,
    Seq,
    Set,
    Sort,
    Spec,
    action,
    everywhere,
    init,
    members,
    values,
)
from checker.lang.compile import compile_model
from checker.lang.model import Model, State
from spec.paxos import Paxos
from spec.two_phase import Prepared, TwoPhase
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec

RUNTIME = Path(__file__).parents[2] / "checker" / "engines" / "native" / "runtime"

EXAMPLES = int(os.environ.get("QUORATE_RANDOM_SPECS", "60")) // 4


Canonical = Callable[[Sequence[Words]], list[Words]]


def symmetry_of(model: Model) -> Symmetry:
    program = compile_model(model)
    return symmetry(program, Packing(Layout(program)))


def built(symmetries: Sequence[Symmetry], folder: Path) -> list[Canonical]:
    """What `canonical` makes of packed states, for each of these."""
    files = []
    for number, held in enumerate(symmetries):
        file = folder / f"symmetry_{number}.c"
        file.write_text(
            f'#define NW {held.packing.words}\n#include "model.h"\n{held.source}\n'
            f"void map_{number}(u64 *s, u64 count) {{\n"
            "    for (u64 i = 0; i < count; i++) canonical(s + i * NW);\n}\n"
        )
        files.append(str(file))
    library = folder / "symmetry.so"
    flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", f"-I{RUNTIME}"]
    subprocess.run(["gcc", *flags, "-shared", "-fPIC", "-o", str(library), *files], check=True)
    loaded = ctypes.CDLL(str(library))

    def caller(number: int, words: int) -> Canonical:
        function = loaded[f"map_{number}"]

        def call(states: Sequence[Words]) -> list[Words]:
            flat = list(itertools.chain.from_iterable(states))
            array = (ctypes.c_uint64 * len(flat))(*flat)
            function(array, ctypes.c_uint64(len(states)))
            return [tuple(array[at : at + words]) for at in range(0, len(array), words)]

        return call

    return [caller(number, held.packing.words) for number, held in enumerate(symmetries)]


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


def compare(
    held: Symmetry, canonical: Canonical, states: Sequence[State], pick: random.Random
) -> int:
    """One state of each orbit stands for it.  Returns how many orbits there are."""
    packing = held.packing
    permutations = list(held.permutations())
    moved = [held.permuted(state, pick.choice(permutations)) for state in states]
    found = canonical([packing.encode(state) for state in (*states, *moved)])
    assert found[: len(states)] == found[len(states) :], "a renamed state has another"
    assert canonical(found) == found, "it stands for itself"
    orbits: dict[State, Words] = {}
    for state, words in zip(states, found, strict=False):
        orbit = held.canonical(state)
        if orbit not in orbits:
            orbits[orbit] = words
            assert held.canonical(packing.decode(words)) == orbit, "it is of the orbit"
        assert orbits[orbit] == words
    assert len(set(orbits.values())) == len(orbits)
    return len(orbits)


def any_states(held: Symmetry, pick: random.Random, count: int) -> list[State]:
    """States of the whole domain, reachable or not: with much, and with little that differs."""
    layout = held.packing.layout
    made: dict[State, None] = {}
    for _ in range(count):
        much = pick.choice([0.05, 0.2, 0.5, 1.0])
        codes = [pick.randrange(c.size) if pick.random() < much else 0 for c in layout.cells]
        made[layout.decode(codes)] = None
    return list(made)


# --------------------------------------------------------------------------- shipped specs


def test_orbits_of_shipped_specs(tmp_path: Path) -> None:
    models = [Model(TwoPhase, {}), Model(Paxos, {"acceptors": 2}), Model(Paxos, {"values": 3})]
    helds = [symmetry_of(model) for model in models]
    assert [held.sorts for held in helds] == [
        ("ResourceManager",),
        ("Acceptor", "Value"),
        ("Acceptor", "Value"),
    ]
    two_phase, small, large = built(helds, tmp_path)
    pick = random.Random(1)
    assert compare(helds[0], two_phase, reached(models[0], 1000), pick) == 80
    states = reached(models[1], 10_000)
    orbits = compare(helds[1], small, states, pick)
    assert (len(states), orbits) == (145, 56)
    compare(helds[2], large, any_states(helds[2], pick, 60), pick)


def test_many_members(tmp_path: Path) -> None:
    """More members than all permutations of which could be tried."""
    held = symmetry_of(Model(TwoPhase, {"resource_managers": 20}))
    (canonical,) = built([held], tmp_path)
    pick = random.Random(2)
    managers = list(held.symmetric[0].members or ())
    for state in any_states(held, pick, 50):
        others = [dict(zip(managers, pick.sample(managers, 20), strict=True)) for _ in range(10)]
        images = [state, *(held.permuted(state, renaming) for renaming in others)]
        found = canonical([held.packing.encode(image) for image in images])
        assert len(set(found)) == 1
        assert blocks(held.packing.decode(found[0])) == blocks(state)


def blocks(state: State) -> list[tuple[Any, ...]]:
    """What a state of two-phase commit says of each manager, without names."""
    rm_state, _, prepared, sent = state
    told = {message.rm for message in sent if isinstance(message, Prepared)}
    return sorted((rm_state[rm].value, rm in prepared, rm in told) for rm in rm_state)


# --------------------------------------------------------------------------- all kinds of cells


class Node(Sort):
    pass


class Item(Sort):
    pass


class Held(Record):
    node: Node
    item: Item | None


class Mood(Enum):
    CALM = 1
    BUSY = 2


class Pointers(Spec):
    """Every feature is about one of three nodes at most: also {n1, n2}, which is about n3."""

    nodes: Set[Node] = members(3)
    leader: Node | None
    pair: tuple[bool, Node | None] = (False, None)
    mood: Map[Node, Mood] = everywhere(Mood.CALM)
    votes: Set[tuple[Annotated[int, Range(3)], Node]]
    others: Set[Set[Node]]
    quorum: Annotated[Set[Node], AtMost(3)]
    queue: Annotated[Seq[Node], AtMost(1)]

    @action
    def step(self) -> None:
        self.leader = None


class Wide(Spec):
    """Blocks of more than one word."""

    nodes: Set[Node] = members(3)
    seen: Map[Node, Set[Annotated[int, Range(70)]]]
    last: Map[Node, Annotated[int, Range(1000)]] = everywhere(0)

    @action
    def step(self, n: Node) -> None:
        self.last[n] = 0


class Relations(Spec):
    """A graph of nodes and one of items, and who holds which item."""

    nodes: Set[Node] = members(4)
    items: Set[Item] = members(3)
    after: Map[Node, Node | None]
    before: Map[Item, Item | None]
    first: Node
    holds: Map[tuple[Node, Item], bool]
    queue: Annotated[Seq[Node], AtMost(2)]
    sent: Set[Held]

    @init
    def start(self, n: Node) -> None:
        self.first = n

    @action
    def step(self) -> None:
        self.queue = []


class Graph(Spec):
    """Two graphs that have nothing to do with each other: orders of both Sorts are tried."""

    nodes: Set[Node] = members(6)
    items: Set[Item] = members(3)
    after: Map[Node, Node | None]
    before: Map[Item, Item | None]

    @action
    def step(self, n: Node) -> None:
        self.after[n] = None


class Apart(Spec):
    """Nothing is about a node and an item: both Sorts are sorted."""

    nodes: Set[Node] = members(3)
    items: Set[Item] = members(2)
    idle: Set[Node]
    sold: Set[Item]
    next: Node | None
    wanted: Item | None
    queue: Annotated[Seq[Item], AtMost(2)]

    @action
    def step(self) -> None:
        self.queue = []


def test_all_kinds_of_cells(tmp_path: Path) -> None:
    models = [
        (Model(Pointers, {}), False),
        (Model(Pointers, {"nodes": 4}), True),
        (Model(Wide, {}), False),
        (Model(Relations, {"nodes": 3}), True),
        (Model(Relations, {"items": 2}), True),
        (Model(Relations, {"nodes": 2, "items": 2}), False),
        (Model(Apart, {}), False),
    ]
    helds = [symmetry_of(model) for model, _ in models]
    assert ["try_orders" in held.source for held in helds] == [tried for _, tried in models]
    pick = random.Random(3)
    for held, canonical in zip(helds, built(helds, tmp_path), strict=True):
        states = any_states(held, pick, 40)
        assert compare(held, canonical, states, pick) > 20


def test_a_ring_and_a_crowd(tmp_path: Path) -> None:
    """What holds of each node is the same: in a ring all orders are tried, in a crowd one."""
    held = symmetry_of(Model(Graph, {}))
    (canonical,) = built([held], tmp_path)
    pick = random.Random(4)
    nodes, items = (list(sort.members or ()) for sort in held.symmetric)

    def state(after: dict[Any, Any]) -> State:
        return (values.Map(after), values.Map(dict.fromkeys(items)))

    def ring(size: int) -> State:
        order = pick.sample(nodes, 6)
        parts = [order[at : at + size] for at in range(0, 6, size)]
        return state({part[i - 1]: part[i] for part in parts for i in range(size)})

    images = [ring(size) for size in (6, 3, 2, 1) for _ in range(5)]
    images += [state(dict.fromkeys(nodes, node)) for node in nodes]
    images += [state(dict.fromkeys(nodes))] * 2
    found = canonical([held.packing.encode(image) for image in images])
    assert [len(set(found[at : at + 5])) for at in (0, 5, 10, 15)] == [1, 1, 1, 1]
    assert len(set(found)) == 6


# --------------------------------------------------------------------------- random specs


def test_random_specs(tmp_path: Path) -> None:
    """With three nodes, on states of the whole domain."""
    helds = []
    for seed in range(EXAMPLES):
        text = random_spec(random.Random(seed).randrange)
        try:
            held = symmetry_of(Model(load_text(text, tmp_path).Random, {"nodes": 3}))
        except NotGroundError:
            continue
        if held.source:
            helds.append(held)
    assert len(helds) > EXAMPLES // 2
    pick = random.Random(5)
    for held, canonical in zip(helds, built(helds, tmp_path), strict=True):
        compare(held, canonical, any_states(held, pick, 40), pick)


# --------------------------------------------------------------------------- the rest of it


def test_images_of_parameters() -> None:
    held = symmetry_of(Model(Relations, {}))
    nodes, items = (sort.members or () for sort in held.symmetric)
    images = held.images((nodes[0], items[1], 7, values.Set({nodes[1]})))
    assert len(images) == 4 * 3 * 3
    assert (nodes[2], items[0], 7, values.Set({nodes[3]})) in images
    assert (nodes[2], items[0], 7, values.Set({nodes[2]})) not in images


def test_nothing_is_symmetric() -> None:
    held = symmetry_of(Model(TwoPhase, {"resource_managers": 1}))
    assert (held.sorts, held.source, held.reasons) == ((), "", {})


def test_a_sort_that_the_state_does_not_mention(tmp_path: Path) -> None:
    held = symmetry_of(Model(Wide, {"nodes": 2}))
    assert held.sorts == ("Node",)
    bare = symmetry_of(Model(Bare, {}))
    assert bare.sorts == ("Node",)
    (canonical,) = built([bare], tmp_path)
    assert canonical([(5,)]) == [(5,)]


class Bare(Spec):
    nodes: Set[Node] = members(3)
    count: Annotated[int, Range(8)] = 0

    @action
    def step(self, n: Node) -> None:
        self.count = (self.count + 1) % 8
