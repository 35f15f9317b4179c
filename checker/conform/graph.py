"""The spec's bounded state graph, in a form that is walked fast: numbers in flat arrays.

* States are numbered in the order of their discovery, breadth first; the edges of a state stand
  together, in the order of the states.  So an edge with a smaller number starts from a state that
  is no farther from the start.
* Of one state, the edges that lead back to it stand first: a system that was seen to do nothing
  need not be brought there again.  The others are in the order of the model.
* Each state but an initial one has a *tree edge*, the one that reached it first.  Tree edges make
  shortest paths.

Two builders make the same graph: `reference` runs the spec in CPython; `native` asks generated C
for the successors of packed states and keeps them packed until somebody looks.
"""

from __future__ import annotations

import ctypes
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from ctypes import CFUNCTYPE, POINTER, byref, c_int, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass, field
from itertools import compress

from checker.conform.system import Step
from checker.engines.errors import NotNativeError
from checker.engines.native.build import building
from checker.engines.native.library import MODEL_OPTIONS, ModelHead
from checker.engines.native.packing import Packing
from checker.engines.native.unrolled import unrolled
from checker.engines.python.explore import INTERRUPTED
from checker.engines.python.judge import Judge
from checker.engines.python.plan import Plan, starts
from checker.engines.python.watch import Watch, no_garbage
from checker.ground.lower import lowered
from checker.ground.symbols import Maps, NotGroundError, Symbol
from checker.lang.compile import compile_model
from checker.lang.errors import LimitReached
from checker.lang.model import Model, State

MOST_UNROLLED = 2_000_000
"""More C than this, in bytes, takes a compiler longer than it saves."""
MOST_LABELS = 1 << 16
FEW_STATES = 2_000
"""So many are read by the reference before a compiler is asked."""


@dataclass(eq=False)
class Graph:
    """The states and edges of a spec, up to its bounds and the limits given."""

    model: Model
    initial: int
    """How many initial states there are: `0 .. initial - 1`."""
    state: Callable[[int], State]
    """The state of a number."""
    steps: list[Step] = field(default_factory=list)
    """By label."""
    first: array[int] = field(default_factory=lambda: array("q", [0]))
    """The edges of state `s` are `first[s] .. first[s + 1] - 1`."""
    targets: array[int] = field(default_factory=lambda: array("i"))
    labels: array[int] = field(default_factory=lambda: array("i"))
    """By edge: the label of its step."""
    tree: array[int] = field(default_factory=lambda: array("q"))
    """By state: its tree edge; -1 for an initial state."""
    levels: list[int] = field(default_factory=list)
    """The first state of each level, by the number of steps from the start."""
    cut: set[int] = field(default_factory=set)
    """States that a constraint cuts off: the spec says nothing of what is possible there."""
    pruned: set[int] = field(default_factory=set)
    """States of which some steps were cut off by a bound declared with `beyond="prune"`."""
    stopped: str = ""
    """Which limit stopped the building of it; the states left have no edges then."""

    @property
    def states(self) -> int:
        return len(self.tree)

    @property
    def edges(self) -> int:
        return len(self.targets)

    @property
    def extended(self) -> int:
        """How many states have their edges: those with the smallest numbers."""
        return len(self.first) - 1

    @property
    def depth(self) -> int:
        return len(self.levels) - 1

    def source(self, edge: int) -> int:
        """The state that an edge starts from."""
        return bisect_right(self.first, edge) - 1

    def level(self, state: int) -> int:
        """How many steps a state is from the start."""
        return bisect_right(self.levels, state) - 1

    def edges_of(self, state: int) -> range:
        return (
            range(self.first[state], self.first[state + 1]) if state < self.extended else range(0)
        )

    def edges_to(self, state: int) -> list[int]:
        """The tree edges from an initial state to this one."""
        found = []
        while (edge := self.tree[state]) >= 0:
            found.append(edge)
            state = self.source(edge)
        return found[::-1]

    def root(self, state: int) -> int:
        """The initial state from which the tree reaches this one."""
        while (edge := self.tree[state]) >= 0:
            state = self.source(edge)
        return state

    def path(self, edges: Iterable[int]) -> tuple[Step, ...]:
        return tuple(self.steps[self.labels[edge]] for edge in edges)

    def add(self, source: int, found: list[tuple[int, int]]) -> None:
        """The edges of the next state: label and target, in the order of the model."""
        edge, known = len(self.targets), len(self.tree)
        for back in (True, False):
            for label, target in found:
                if (target == source) is back:
                    self.labels.append(label)
                    self.targets.append(target)
                    if target == known:
                        self.tree.append(edge)
                        known += 1
                    edge += 1
        self.first.append(edge)


def build(model: Model, watch: Watch, *, native: bool | None = None) -> Graph:
    """The graph of a model.  `native`: by generated C; `None`: where that is worth it.

    `SpecError` or `ModelError` where the spec is wrong.  A limit of `watch` that is reached is in
    the graph.
    """
    return _built(model, watch, source_of(model, native))


def source_of(model: Model, native: bool | None = None) -> Source:
    """Where states and steps come from.  `native`: as for `build`."""
    if native is False or (native is None and not _is_large(model)):
        return _Reference(model)
    try:
        return _Native(model)
    except NotNativeError:
        if native:
            raise
        return _Reference(model)


def _is_large(model: Model) -> bool:
    """Whether the reference finds more than a few states."""
    source, at = _Reference(model), 0
    while at < source.count <= FEW_STATES:
        source.extend(at)
        at += 1
    return source.count > FEW_STATES


def _built(model: Model, watch: Watch, source: Source) -> Graph:
    graph = Graph(
        model, source.count, source.state, source.steps, cut=source.cut, pruned=source.pruned
    )
    graph.tree.extend([-1] * source.count)
    try:
        with no_garbage():
            while graph.extended < graph.states:
                graph.levels.append(graph.extended)
                for number in range(graph.extended, graph.states):
                    waiting = graph.states - number
                    watch.tick(graph.states, graph.edges, graph.depth, waiting, "reading the spec")
                    found = source.extend(number)
                    watch.admit(source.count - 1)
                    graph.add(number, found)
    except LimitReached as reached:
        graph.stopped = str(reached)
    except KeyboardInterrupt:
        graph.stopped = INTERRUPTED
    if graph.extended < graph.states and graph.tree[-1] >= graph.first[graph.levels[-1]]:
        graph.levels.append(_first_beyond(graph))
    return graph


def _first_beyond(graph: Graph) -> int:
    """After a stop: the first state of the level that was still being discovered."""
    return bisect_left(graph.tree, graph.first[graph.levels[-1]], lo=graph.levels[-1])


class Source:
    """Where the states and steps of a graph come from.  States are numbered as they are found."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.judge = Judge(model, Plan.of(model, ()))
        self.steps: list[Step] = []
        self.cut: set[int] = set()
        self.pruned: set[int] = set()

    @property
    def count(self) -> int:
        """How many states are known."""
        raise NotImplementedError

    def state(self, number: int) -> State:
        raise NotImplementedError

    def key(self, number: int) -> int:
        """A hash of a state: equal for equal states, also in other forks of this process."""
        raise NotImplementedError

    def extend(self, number: int) -> list[tuple[int, int]]:
        """The label and the target of each edge of a state, in the order of the model."""
        raise NotImplementedError


class _Reference(Source):
    """The spec itself, run in CPython."""

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self.states = starts(model)
        self.numbers = {state: number for number, state in enumerate(self.states)}
        self.known: dict[tuple[str, tuple[object, ...]], int] = {}

    @property
    def count(self) -> int:
        return len(self.states)

    def state(self, number: int) -> State:
        return self.states[number]

    def key(self, number: int) -> int:
        return hash(repr(self.states[number]))  # hash(record) is its address, and forks differ

    def extend(self, number: int) -> list[tuple[int, int]]:
        state, model = self.states[number], self.model
        if self.judge.constraints and self.judge.cut_off(state):
            self.cut.add(number)
            return []
        model.pruned = False
        found = [
            (self._label(action.name, args), self._number(after))
            for action, args, after in model.successors(state)
        ]
        if model.pruned:
            self.pruned.add(number)
        return found

    def _number(self, state: State) -> int:
        number = self.numbers.setdefault(state, len(self.states))
        if number == len(self.states):
            self.states.append(state)
        return number

    def _label(self, name: str, args: tuple[object, ...]) -> int:
        label = self.known.setdefault((name, args), len(self.steps))
        if label == len(self.steps):
            self.steps.append(Step(name, args))
        return label


class _Native(Source):
    """Generated C: one label for each binding of each action.

    Generated code leaves out successors that are the state itself, but says of every binding
    whether it was taken.  So what was taken and led nowhere leads back.
    """

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        program = compile_model(model)
        try:
            ground = lowered(program)
            labels = range(len(ground.bindings))
            if len(labels) > MOST_LABELS:
                raise NotGroundError(f"{len(labels):,} bindings")
            made = unrolled(program, ground, (), labels)
            if len(made.source) > MOST_UNROLLED:
                raise NotGroundError(f"{len(made.source):,} bytes of C")
        except NotGroundError as error:
            raise NotNativeError(str(error)) from None
        self.steps = [Step(binding.action, binding.args) for binding in ground.bindings]
        self.packing = Packing(ground.layout)
        self.unpack = Unpack(self.packing)
        self.code = _Code(made.source, self.packing.words, len(self.steps), len(model.actions))
        self.words: list[bytes] = [self._packed(state) for state in starts(model)]
        self.numbers = {words: number for number, words in enumerate(self.words)}

    def _packed(self, state: State) -> bytes:
        return b"".join(word.to_bytes(8, "little") for word in self.packing.encode(state))

    @property
    def count(self) -> int:
        return len(self.words)

    def state(self, number: int) -> State:
        return self.unpack(self.words[number])

    def key(self, number: int) -> int:
        return hash(self.words[number])

    def extend(self, number: int) -> list[tuple[int, int]]:
        code, held = self.code, self.words[number]
        if not code.expand(held):
            if code.failed:
                self.model.successors(self.state(number))
                raise AssertionError("generated code reports a model error that the spec has not")
            self.cut.add(number)
            return []
        if code.pruned:
            self.pruned.add(number)
        numbers, words = self.numbers, self.words
        found = dict.fromkeys(code.taken(), number)
        for label, after in sorted(code.successors()):
            target = numbers.setdefault(after, len(words))
            if target == len(words):
                words.append(after)
            found[label] = target
        return list(found.items())


class _Code:
    """Generated code that was compiled, and the memory that it writes to."""

    def __init__(self, source: str, words: int, labels: int, actions: int) -> None:
        self.library = building(source, (*MODEL_OPTIONS, f"-DNW={words}")).load()
        model = ModelHead.in_dll(self.library, "model")
        self._expand = _EXPAND(model.expand)
        self._cut = _CUT(model.cut) if model.cut else None
        self.size = 8 * words
        self._state = ctypes.create_string_buffer(self.size)
        self._next = ctypes.create_string_buffer(self.size * (model.most + 1))
        self._labels = (c_uint16 * (model.most + 1))()
        self._taken = ctypes.create_string_buffer(labels + 1)
        self._counts = (c_uint64 * (actions + 1))()
        self._out = _Out(
            next=ctypes.addressof(self._next),
            room=model.most + 1,
            actions=ctypes.addressof(self._counts),
            taken=ctypes.addressof(self._taken),
            labels=ctypes.addressof(self._labels),
        )
        self._out_at = byref(self._out)
        self._all = range(labels)

    def expand(self, state: bytes) -> bool:
        """Find the successors of a state; false where it is not extended."""
        out = self._out
        self._state.raw = state
        out.count = out.cut = out.failed = 0
        if self._cut is not None and self._cut(self._state):
            return False
        ctypes.memset(self._taken, 0, len(self._taken))
        self._expand(self._state, self._out_at)
        return not out.failed

    @property
    def failed(self) -> bool:
        return bool(self._out.failed)

    @property
    def pruned(self) -> bool:
        return bool(self._out.cut)

    def taken(self) -> Iterable[int]:
        """The labels of the steps that are possible, in order."""
        return compress(self._all, self._taken.raw)

    def successors(self) -> Iterator[tuple[int, bytes]]:
        """The label of each step that changes something, and the state it leads to."""
        size, count = self.size, self._out.count
        after = ctypes.string_at(self._next, size * count)
        for at, label in enumerate(self._labels[:count]):
            yield label, after[at * size : (at + 1) * size]


class Unpack:
    """Packed states as states, field by field: the same bits are the same value."""

    def __init__(self, packing: Packing) -> None:
        self.packing = packing
        symbols = packing.layout.state.values()
        self.masks = [self._mask(set(_cells(symbol))) for symbol in symbols]
        self.values: list[dict[int, object]] = [{} for _ in self.masks]

    def _mask(self, cells: set[int]) -> int:
        words = self.packing.mask(frozenset(cells))
        return int.from_bytes(b"".join(word.to_bytes(8, "little") for word in words), "little")

    def __call__(self, packed: bytes) -> State:
        bits = int.from_bytes(packed, "little")
        try:
            pairs = zip(self.masks, self.values, strict=True)
            return tuple([values[bits & mask] for mask, values in pairs])
        except KeyError:
            return self._new(packed, bits)

    def _new(self, packed: bytes, bits: int) -> State:
        size = len(packed) // 8
        words = tuple(int.from_bytes(packed[8 * at : 8 * at + 8], "little") for at in range(size))
        state = self.packing.decode(words)
        for mask, values, value in zip(self.masks, self.values, state, strict=True):
            values.setdefault(bits & mask, value)
        return state


def _cells(symbol: Symbol) -> Iterator[int]:
    """The numbers of the cells that hold a part of the state."""
    if isinstance(symbol, Maps):
        for inner in symbol.of.values():
            yield from _cells(inner)
        return
    wheres = symbol.of.values()
    yield from (where.cell.number for where in wheres if where.cell is not None)


class _Out(ctypes.Structure):
    """`Out` in `native/runtime/model.h`."""

    count: int
    cut: int
    failed: int
    _fields_ = [
        ("next", c_void_p),
        ("count", c_uint32),
        ("room", c_uint32),
        ("actions", c_void_p),
        ("taken", c_void_p),
        ("labels", c_void_p),
        ("cut", c_uint8),
        ("failed", c_uint8),
        ("report", c_void_p),
    ]


_EXPAND = CFUNCTYPE(None, c_void_p, POINTER(_Out))
_CUT = CFUNCTYPE(c_int, c_void_p)
