"""C from the typed form does what CPython does: every step and every property of every state.

Each comparison walks the first states of a spec with `Model`, and asks the C about each of them.

    QUORATE_RANDOM_SPECS=4000 pytest tests/native/test_general.py -k random

looks at more random specs.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    byref,
    c_int,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
)
from pathlib import Path
from typing import Annotated, Any

import pytest

from checker.engines.native.build import RUNTIME
from checker.engines.native.general import general
from checker.engines.native.generated import Generated, What
from checker.lang import (
    AtMost,
    Bag,
    Range,
    Record,
    Seq,
    Set,
    Sort,
    Spec,
    action,
    invariant,
    members,
    require,
)
from checker.lang.compile import compile_model
from checker.lang.errors import ModelError, NotEnabled
from checker.lang.model import Model, Property, State
from spec import catalogue
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec
from tests.lang.constructs import Counts, Forest, Lists, Team, Wide
from tests.protocols.test_protocols import HOLDING

EXAMPLES = int(os.environ.get("QUORATE_RANDOM_SPECS", "60")) // 2
STATES = 40
OPTIONS = ("-O0", "-std=gnu11", "-fPIC", "-shared", "-Wall", "-Werror", f"-I{RUNTIME}")

Words = POINTER(c_uint64)


class Report(Structure):
    pass


See = CFUNCTYPE(None, POINTER(Report), c_uint32, Words, Words)
Report._fields_ = [("see", See)]


class Out(Structure):
    _fields_ = [
        ("next", Words),
        ("count", c_uint32),
        ("room", c_uint32),
        ("actions", Words),
        ("taken", POINTER(c_uint8)),
        ("labels", POINTER(c_uint16)),
        ("cut", c_uint8),
        ("failed", c_uint8),
        ("report", POINTER(Report)),
    ]


class Image(Structure):
    _fields_ = [("of", CFUNCTYPE(c_int, Words, Words)), ("reads", Words), ("words", c_uint32)]


class CModel(Structure):
    _fields_ = [
        ("words", c_uint32),
        ("actions", c_uint32),
        ("taken", c_uint32),
        ("goals", c_uint32),
        ("most", c_uint32),
        ("expand", CFUNCTYPE(None, Words, POINTER(Out))),
        ("judge", CFUNCTYPE(None, Words, Words, POINTER(Report))),
        ("cut", CFUNCTYPE(c_int, Words)),
        ("final", CFUNCTYPE(c_int, Words, POINTER(Report))),
        ("canonical", ctypes.c_void_p),
        ("images", c_uint32),
        ("image", POINTER(Image)),
    ]


class Compiled:
    """A generated model that is loaded, and what it said since `seen` was last emptied."""

    def __init__(self, generated: Generated, model: CModel) -> None:
        self.generated = generated
        self.packing = generated.packing
        self.model = model
        self.seen: list[tuple[What, Any]] = []
        self.report = Report(See(self._see))
        self.actions = (c_uint64 * max(1, model.actions))()
        self.taken = (c_uint8 * max(1, model.taken))()
        self.out = Out(actions=self.actions, taken=self.taken)
        self.out.report = ctypes.pointer(self.report)

    def _see(self, _to: Any, what: int, _s: Any, t: Any) -> None:
        after = self._state(t) if t else None
        self.seen.append((self.generated.whats[what], after))

    def _state(self, words: Any, at: int = 0) -> State:
        size = self.packing.words
        return self.packing.decode(tuple(words[at * size : (at + 1) * size]))

    def words(self, state: State) -> Any:
        return (c_uint64 * self.packing.words)(*self.packing.encode(state))

    def expand(self, state: State) -> None:
        self.out.count = self.out.cut = self.out.failed = 0
        for number in range(self.model.actions):
            self.actions[number] = 0
        self.seen.clear()
        self.model.expand(self.words(state), byref(self.out))

    def successors(self) -> Counter[State]:
        return Counter(self._state(self.out.next, at) for at in range(self.out.count))

    def judged(self, state: State) -> tuple[list[What], set[Any]]:
        """What is wrong with a state, and which goals it meets."""
        self.seen.clear()
        goals = self.generated.goals
        size = len(goals) // 64 + 1
        goal_bits = (c_uint64 * size)(*[2**64 - 1] * size)
        self.model.judge(self.words(state), goal_bits, byref(self.report))
        met = {goal for at, goal in enumerate(goals) if not goal_bits[at // 64] >> at % 64 & 1}
        return [what for what, _ in self.seen], met


def built(programs: Iterable[Generated], folder: Path) -> list[Compiled]:
    """Programs, compiled in one go."""
    held = list(programs)
    files = []
    for number, each in enumerate(held):
        file = folder / f"model_{number}.c"
        defines = f"#define NW {each.packing.words}\n#define model model_{number}\n"
        file.write_text(defines + each.source)
        files.append(str(file))
    library = folder / "models.so"
    subprocess.run(["gcc", *OPTIONS, *files, "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    return [
        Compiled(each, CModel.in_dll(loaded, f"model_{number}")) for number, each in enumerate(held)
    ]


def outcome(attempt: Callable[..., Any], *args: Any) -> Any:
    try:
        return attempt(*args)
    except ModelError:
        return "model error"


def compare(model: Model, compiled: Compiled, most: int) -> int:
    """Compare the two in the first states; how many states that were."""
    waiting = outcome(model.initial_states)
    if waiting == "model error":
        return 0
    seen, taken = set(waiting), set()
    for state in itertools.islice(waiting, most):
        assert compiled.packing.decode(compiled.packing.encode(state)) == state
        compare_judgements(model, compiled, state)
        compare_images(model, compiled, state)
        steps = compare_steps(model, compiled, state)
        taken |= {(action, args) for action, args, _ in steps}
        for after in [after for _, _, after in steps] or one_by_one(model, state):
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    used = compiled.generated.used(bytes(compiled.taken))
    assert set(used) == {action.name for action, _ in taken}
    for done, args in taken:
        for held, arg in zip(used[done.name], args, strict=True):
            assert not held or arg in held
    for name, by_param in used.items():
        for at, held in enumerate(by_param):
            assert held <= {args[at] for action, args in taken if action.name == name}
    return min(most, len(waiting))


def one_by_one(model: Model, state: State) -> Iterator[State]:
    """Where those steps lead that are no model error, from a state with one that is."""
    for each in model.actions:
        model.load(state)
        for args in list(each.bindings.of(each.machine)):
            try:
                yield model.step(state, each, args)
            except (ModelError, NotEnabled):
                continue


def compare_steps(model: Model, compiled: Compiled, state: State) -> list[Any]:
    flags = bytes(compiled.taken)
    model.pruned = False
    ours = outcome(model.successors, state)
    compiled.expand(state)
    out, shown = compiled.out, model.show(state)
    if ours == "model error":
        assert out.failed == 1, shown
        assert (out.count, out.cut, compiled.seen) == (0, 0, [])
        assert not any(compiled.actions)
        assert bytes(compiled.taken) == flags
        return []
    assert not out.failed, shown
    assert bool(out.cut) == model.pruned, shown
    others = Counter(after for _, _, after in ours if after != state)
    assert compiled.successors() == others, shown
    counts = Counter(action.name for action, _, _ in ours)
    assert [counts[action.name] for action in model.actions] == list(compiled.actions)[
        : len(model.actions)
    ], shown
    said = {(what.kind, what.name, what.args, after) for what, after in compiled.seen}
    assert said == set(wrong_steps(model, state, others)), shown
    return list(ours)


def wrong_steps(model: Model, state: State, others: Iterable[State]) -> Iterator[Any]:
    for prop in model.properties:
        for after in others if prop.kind == "step_property" else ():
            for args in prop.bindings():
                holds = outcome(model.holds_step, prop, state, after, args)
                if holds == "model error":
                    yield "model error", "model error", (), after
                elif not holds:
                    yield prop.kind, prop.name, args, after


def compare_judgements(model: Model, compiled: Compiled, state: State) -> None:
    wrong, met = judgement(model, state)
    said, goals = compiled.judged(state)
    assert [(what.kind, what.name, what.args) for what in said] == wrong, model.show(state)
    assert goals == met, model.show(state)
    cut, final = compiled.model.cut, compiled.model.final
    assert bool(cut) == bool(model.constraints)
    if cut:
        first = next(verdicts(model, model.constraints, state, False), True)
        assert bool(cut(compiled.words(state))) == (first is False)
    assert bool(final) == bool(model.final)
    if final:
        some = next(verdicts(model, model.final, state, True), False)
        assert bool(final(compiled.words(state), byref(compiled.report))) == bool(some)


def compare_images(model: Model, compiled: Compiled, state: State) -> None:
    assert compiled.model.images == len(model.refinements)
    for number, refinement in enumerate(model.refinements):
        image, other = compiled.model.image[number], compiled.generated.others[number].packing
        assert image.words == other.words
        words = (c_uint64 * other.words)()
        known = image.of(compiled.words(state), words)
        expected = outcome(model.abstract, refinement, state)
        assert bool(known) == (expected != "model error"), model.show(state)
        if known:
            assert other.decode(tuple(words)) == expected
            bits = zip(compiled.words(state), image.reads[: compiled.packing.words], strict=True)
            again = (c_uint64 * other.words)()
            image.of((c_uint64 * compiled.packing.words)(*(w & r for w, r in bits)), again)
            assert list(again) == list(words)


def verdicts(model: Model, props: Iterable[Property], state: State, stop: bool) -> Iterator[Any]:
    """The first instance that decides: one that is `stop`, or a model error."""
    for prop in props:
        for args in prop.bindings():
            holds = outcome(model.holds, prop, state, args)
            if holds == "model error" or bool(holds) == stop:
                yield holds


def judgement(model: Model, state: State) -> tuple[list[Any], set[Any]]:
    """What the C is to say of a state: up to the first model error."""
    wrong: list[Any] = []
    met: set[Any] = set()
    for refinement in model.refinements:
        if outcome(model.abstract, refinement, state) == "model error":
            wrong.append(("refinement", refinement.name, ()))
    invariants = [prop for prop in model.properties if prop.kind == "invariant"]
    goals = [prop for prop in model.properties if prop.kind == "reachable"]
    for prop in (*invariants, *goals, *model.constraints):
        for args in prop.bindings():
            holds = outcome(model.holds, prop, state, args)
            if holds == "model error":
                return [*wrong, ("model error", "model error", ())], met
            if prop.kind == "invariant" and not holds:
                wrong.append((prop.kind, prop.name, args))
            if prop.kind == "reachable" and holds:
                met.add((prop.name, args))
    return wrong, met


def compare_all(models: list[Model], folder: Path, most: int) -> list[int]:
    compiled = built((general(compile_model(model)) for model in models), folder)
    return [compare(model, each, most) for model, each in zip(models, compiled, strict=True)]


class Node(Sort):
    pass


Digit = Annotated[int, Range(10)]
Big = Annotated[int, Range(-(10**15), 10**15)]


class Vote(Record):
    by: Node
    at: Digit
    weight: Big


class Large(Spec):
    """Large numbers, and domains too large for bit sets."""

    nodes: Set[Node] = members(3)

    total: Big = 0
    triples: Set[tuple[Digit, Digit, Digit]]
    log: Annotated[Seq[Big], AtMost(9)]
    some: Annotated[Set[Big], AtMost(9)]
    best: Big | None
    votes: Annotated[Bag[Vote], AtMost(4, beyond="block")]
    group: Set[Node]
    rows: Annotated[Seq[Set[Digit]], AtMost(2, beyond="block")]
    last: Vote | None
    wide: Annotated[int, Range(-40_000, 40_000, beyond="prune")] = 0

    @action
    def grow(self, n: Digit) -> None:
        require(n > 6)
        self.total = -self.total * 100_000 - n
        self.best = None if self.total < 0 else self.total
        self.wide = self.wide * 40 + n

    @action
    def note(self, n: Digit) -> None:
        require(n < 2 and self.total < 10)
        self.triples.add((n, len(self.triples) % 10, 9 - n))
        self.log.append(self.total)
        self.some.add(self.total - n)
        self.rows.append({n, 3} | {x for x in self.some if 0 <= x < 10})

    @action
    def vote(self, n: Node, q: Set[Node]) -> None:
        require(q <= self.nodes - self.group)
        require(len(q) == 1 and n not in q)
        self.group = q | {n}
        made = Vote(n, len(self.votes), self.total)
        self.votes.add(made)
        self.last = made.replace(weight=made.weight + 1)

    @action
    def recount(self, v: Vote) -> None:
        require(v in self.votes)
        self.votes.remove(v)
        self.total = sum(w.weight for w in self.votes) // 7 - v.at
        self.group = {m for m in self.nodes if any(w.by == m for w in self.votes)}

    @action
    def late(self, x: Digit) -> None:
        """Where there is no row its range cannot be read, and no value passes the first guard."""
        require(x + len(self.rows) > 9)
        require(x in self.rows[0])
        self.rows.clear()

    @action
    def drop(self, t: tuple[Digit, Digit, Digit]) -> None:
        require(t in self.triples and t[0] == 1)
        self.triples.discard(t)
        self.some = self.some - {self.total} ^ {1}

    @invariant
    def few(self, n: Node) -> bool:
        most = max((w.weight for w in self.votes if w.by == n), default=0)
        return len(self.log) < 2 and most == 0 and n not in self.group

    @invariant
    def ties_stay_in_order(self) -> bool:
        some = {x for x in range(7) if x != self.wide}
        numbers = sorted(some)
        up = sorted(numbers, key=lambda x: x % 3)
        down = sorted(some, key=lambda x: x % 3, reverse=True)
        return up == [x for r in range(3) for x in numbers if x % 3 == r] and down == [
            x for r in range(3) for x in numbers if x % 3 == 2 - r
        ]

    @invariant
    def sorted_alike(self) -> bool:
        numbers = sorted(self.some)
        return sorted(self.some, key=lambda x: -x) == list(reversed(numbers)) and (
            self.best is None or self.best in self.log or self.best > 0
        )


def test_numbers_and_containers_without_bounds(tmp_path: Path) -> None:
    assert compare_all([Model(Large, {})], tmp_path, 100) == [100]


class Grows(Spec):
    """Numbers and lists that are too large to be held on the way to what can be."""

    total: Annotated[int, Range(2**62)] = 1
    log: Annotated[Seq[bool], AtMost(20)]

    @action
    def square(self) -> None:
        self.total = self.total * self.total // 1_000_000

    @action
    def more(self) -> None:
        require(self.total == 1)
        self.total = len([x for x in self.log for y in self.log if x and y])


def test_the_label_of_a_step_is_its_action(tmp_path: Path) -> None:
    model = Model(Team, {})
    (compiled,) = built([general(compile_model(model))], tmp_path)
    malloc = ctypes.CDLL(None).malloc
    malloc.restype = ctypes.c_void_p
    compiled.out.labels = ctypes.cast(malloc(2), POINTER(c_uint16))
    for state in model.initial_states():
        compiled.expand(state)
        names = [model.actions[at].name for at in compiled.out.labels[: compiled.out.count]]
        steps = model.successors(state)
        assert names == [done.name for done, _, after in steps if after != state]


def test_what_there_is_no_room_for_is_told(tmp_path: Path) -> None:
    model = Model(Grows, {})
    (compiled,) = built([general(compile_model(model), room=4)], tmp_path)
    for total, length, room in [(2**30, 0, True), (2**31, 0, False), (1, 16, True), (1, 17, False)]:
        compiled.expand((total, (True,) * length))
        assert compiled.out.failed == (0 if room else 2)
        assert (compiled.out.count > 0) == room


def test_shipped_specs(tmp_path: Path) -> None:
    right = [cls for cls in catalogue().values() if "broken" not in cls.__module__]
    models = [Model(cls, {}) for cls in right]
    assert min(compare_all(models, tmp_path, STATES)) > 2


@pytest.mark.parametrize("spec", [Wide, Lists, Team, Counts, Forest])
def test_every_construct(spec: type[Spec], tmp_path: Path) -> None:
    assert compare_all([Model(spec, {})], tmp_path, STATES) > [30]


@pytest.mark.parametrize("half", range(2))
def test_protocols(half: int, tmp_path: Path) -> None:
    models = [Model.of(case.spec) for case in HOLDING[half::2]]
    assert min(compare_all(models, tmp_path, STATES)) > 5


@pytest.mark.parametrize("slice_", range(4))
def test_random_specs(slice_: int, tmp_path: Path) -> None:
    seeds = range(slice_ * EXAMPLES // 4, (slice_ + 1) * EXAMPLES // 4)
    models = [
        Model(load_text(random_spec(random.Random(seed).randrange), tmp_path).Random, {})
        for seed in seeds
    ]
    compiled = built((general(compile_model(model)) for model in models), tmp_path)
    states = 0
    for seed, model, each in zip(seeds, models, compiled, strict=True):
        try:
            states += compare(model, each, 25)
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
    assert states > len(seeds)
