"""The runtime (`runtime/explore.c`) from Python: one search over the states of one model."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from ctypes import POINTER, c_double, c_int, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from enum import IntEnum

from checker.engines.native.build import RUNTIME, building
from checker.engines.native.generated import Generated, What, Words

NO_NUMBER = 0xFFFFFFF0
"""More states than this have no number."""

RUNTIME_OPTIONS = ("-O2",)
MODEL_OPTIONS = ("-O1",)


DEADLOCK = What("deadlock", "deadlock", ())
FAILING = What("model error", "model error", ())
NO_ROOM = What("no room", "no room", ())
"""What the runtime itself reports: of a state, or of extending it."""


class Status(IntEnum):
    """What `Search.run` returns.  As in `explore.c`."""

    RUNNING = 0
    LEVEL_DONE = 1
    COMPLETE = 2
    FULL = 3
    NO_MEMORY = 4


@dataclass(frozen=True)
class Numbers:
    """Where a search stands."""

    states: int
    extended: int
    depth: int
    table_bytes: int
    cut: bool
    failed: bool


@dataclass(frozen=True)
class Seen:
    """What was reported under one number: a state, or a step, and the state's level."""

    state: Words
    after: Words | None
    level: int


class Library:
    """A generated model and the runtime for states of its size, loaded."""

    def __init__(self, generated: Generated) -> None:
        self.generated = generated
        self.words = generated.packing.words
        used_bytes = (
            8 * (self.words - 1) + (generated.packing.bits - 64 * (self.words - 1) + 7) // 8
        )
        size = (f"-DNW={self.words}", f"-DBYTES={used_bytes}")
        self.model_options = (*MODEL_OPTIONS, size[0])
        self.runtime_options = (*RUNTIME_OPTIONS, *size)
        model = building(generated.source, self.model_options)
        runtime = building(RUNTIME / "explore.c", self.runtime_options)
        others = [
            building(other.source, (*MODEL_OPTIONS, f"-DNW={other.packing.words}"))
            for other in generated.others
        ]
        self.model = model.load()
        self.others = [other.load() for other in others]
        self.runtime = _typed(runtime.load())
        self.state_type = c_uint64 * self.words

    def pack(self, states: Iterable[Words]) -> ctypes.Array[c_uint64]:
        flat = [word for words in states for word in words]
        return (c_uint64 * len(flat))(*flat)


class Search:
    """One search.  `close` it."""

    def __init__(
        self,
        library: Library,
        workers: int,
        deadlock: bool,
        most_states: int | None,
        address_space: int,
    ) -> None:
        self.library = library
        self.runtime = library.runtime
        generated = library.generated
        self.whats = (*generated.whats, DEADLOCK, FAILING, NO_ROOM)
        """By the number under which it is reported."""
        self._engine = self.runtime.engine_new(
            ctypes.addressof(c_uint64.in_dll(library.model, "model")),
            workers,
            len(self.whats),
            deadlock,
            NO_NUMBER if most_states is None else min(most_states, NO_NUMBER),
            address_space,
        )
        if not self._engine:
            raise MemoryError("the native engine could not get memory for its tables")
        for number, refinement in enumerate(generated.refinements):
            what = generated.whats.index(What("refinement", refinement.name, ()))
            other = ctypes.addressof(c_uint64.in_dll(library.others[number], "model"))
            self.runtime.engine_refines(self._engine, number, other, refinement.steps, what)

    def close(self) -> None:
        if self._engine:
            self.runtime.engine_free(self._engine)
            self._engine = None

    @property
    def engine(self) -> int:
        """Where the engine's own structure is, for other parts of the runtime."""
        return int(self._engine)

    def begin(self, states: list[Words]) -> Status:
        return Status(
            self.runtime.engine_begin(self._engine, self.library.pack(states), len(states))
        )

    def run(self, seconds: float) -> Status:
        return Status(self.runtime.engine_run(self._engine, seconds))

    def numbers(self) -> Numbers:
        held = (c_uint64 * 6)()
        self.runtime.engine_numbers(self._engine, held)
        return Numbers(held[0], held[1], held[2], held[3], bool(held[4]), bool(held[5]))

    def actions(self, names: Iterable[str]) -> tuple[dict[str, int], bytes]:
        """How often each action was taken, and the flags of `Generated.used`."""
        model = _Model.in_dll(self.library.model, "model")
        counts = (c_uint64 * (model.actions + 1))()
        taken = (ctypes.c_uint8 * (model.taken + 1))()
        self.runtime.engine_actions(self._engine, counts, taken)
        named = dict(zip(names, counts, strict=False))
        return named, bytes(taken)[: model.taken]

    def open_goals(self) -> list[int]:
        """The numbers of the goals not met."""
        goals = len(self.library.generated.goals)
        held = (c_uint64 * (goals // 64 + 1))()
        self.runtime.engine_open(self._engine, held)
        return [goal for goal in range(goals) if held[goal // 64] >> goal % 64 & 1]

    def found(self, what: int) -> Seen | None:
        s, t, level = self.library.state_type(), self.library.state_type(), c_uint32()
        kind = self.runtime.engine_found(self._engine, what, s, t, ctypes.byref(level))
        if kind == 0:
            return None
        return Seen(tuple(s), tuple(t) if kind == 2 else None, level.value)

    def state(self, number: int) -> Words:
        s = self.library.state_type()
        self.runtime.engine_state(self._engine, number, s)
        return tuple(s)

    def canonical(self, state: Words) -> Words:
        """The state that stands for its orbit; itself, if there is no symmetry."""
        s = self.library.state_type(*state)
        self.runtime.engine_canonical(self._engine, s)
        return tuple(s)

    def path(self, state: Words, level: int) -> list[Words]:
        """A shortest run to a state of a level.  Only when the search has ended."""
        states = [state]
        for at in range(level - 1, -1, -1):
            t, s = self.library.state_type(*states[-1]), self.library.state_type()
            if not self.runtime.engine_before(self._engine, at, t, s):
                raise AssertionError("a state that was reached has no predecessor")
            states.append(tuple(s))
        return states[::-1]


class _Model(ctypes.Structure):
    """The numbers at the start of `Model`."""

    actions: int
    taken: int
    _fields_ = [
        ("words", c_uint32),
        ("actions", c_uint32),
        ("taken", c_uint32),
        ("goals", c_uint32),
        ("most", c_uint32),
    ]


def _typed(runtime: ctypes.CDLL) -> ctypes.CDLL:
    words, number = POINTER(c_uint64), c_uint32
    signatures: dict[str, tuple[object, list[object]]] = {
        "engine_new": (c_void_p, [c_void_p, number, number, c_int, c_uint64, c_uint64]),
        "engine_refines": (None, [c_void_p, number, c_void_p, number, number]),
        "engine_free": (None, [c_void_p]),
        "engine_begin": (c_int, [c_void_p, words, number]),
        "engine_run": (c_int, [c_void_p, c_double]),
        "engine_numbers": (None, [c_void_p, words]),
        "engine_actions": (None, [c_void_p, words, POINTER(ctypes.c_uint8)]),
        "engine_open": (None, [c_void_p, words]),
        "engine_found": (c_int, [c_void_p, number, words, words, POINTER(number)]),
        "engine_state": (None, [c_void_p, number, words]),
        "engine_number": (number, [c_void_p, words]),
        "engine_level_start": (number, [c_void_p, number]),
        "engine_canonical": (None, [c_void_p, words]),
        "engine_before": (c_int, [c_void_p, number, words, words]),
    }
    for name, (returned, arguments) in signatures.items():
        function = getattr(runtime, name)
        function.restype, function.argtypes = returned, arguments
    return runtime
