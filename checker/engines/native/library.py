"""The runtime (`runtime/explore.c`) from Python: one search over the states of one model."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from ctypes import POINTER, c_double, c_int, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from enum import IntEnum

from checker.engines.native.build import RUNTIME, building
from checker.engines.native.generated import Generated, What, Words

NO_LIMIT = (1 << 64) - 1
LINE_BYTES, LINE_SLOTS = 64, 12
"""Of the table.  As in `states.h`."""
FULLEST = 0.8
"""The share of the table's slots that is used before it grows."""

RESTORED = 1
"""What `engine_restore` returns if it has done so."""

# States are words: gcc would put two of them together in a vector, only to store it.
RUNTIME_OPTIONS = ("-O2", "-fno-tree-vectorize")
MODEL_OPTIONS = ("-O2", "-fno-tree-vectorize")


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
    NEED_DISK = 5
    DISK_FAILED = 6


@dataclass(frozen=True)
class Numbers:
    """Where a search stands."""

    states: int
    extended: int
    depth: int
    table_bytes: int
    cut: bool
    failed: bool
    in_memory: int
    """States that memory holds."""

    @property
    def table_load(self) -> float:
        """How full the table is: 0 to 1."""
        return self.in_memory / (self.table_bytes / LINE_BYTES * LINE_SLOTS)


@dataclass(frozen=True)
class Standing:
    """Where each level begins, the end of the last one, and the next state to be expanded."""

    starts: list[int]
    cursor: int


@dataclass(frozen=True)
class Seen:
    """What was reported under one number: a state, or a step, and the state's level."""

    state: Words
    after: Words | None
    level: int


class Library:
    """A generated model and the runtime for states of its size, loaded."""

    def __init__(self, generated: Generated, fingerprint: int | None = None) -> None:
        """`fingerprint`: bits that stand for a state; `None`: the state itself does."""
        self.generated = generated
        self.words = generated.packing.words
        used_bits = generated.packing.bits - 64 * (self.words - 1)
        self.state_bytes = 8 * (self.words - 1) + (used_bits + 7) // 8
        """What a state takes where it is kept."""
        size = (f"-DNW={self.words}", f"-DBYTES={self.state_bytes}")
        self.model_options = (*MODEL_OPTIONS, size[0])
        print_words = (fingerprint or 0) // 64
        self.compared_bytes = 8 * print_words or self.state_bytes
        """What tells a state from others, and is kept to the end."""
        self.runtime_options = (
            *RUNTIME_OPTIONS,
            *size,
            f"-DFINGERPRINT={print_words}",
            f"-DFULLEST={FULLEST}",
        )
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

    def most_in_memory(self, memory_bytes: float, reduced: bool) -> int:
        """How many states there is room for.

        Each is kept whole or as its fingerprint, and has a slot of the table, a bit while the
        candidates are sifted (see `disk.h`), and a byte for partial-order reduction.
        """
        each = self.compared_bytes + LINE_BYTES / (LINE_SLOTS * FULLEST) + 1 / 8 + reduced
        return int(memory_bytes / each)

    def worker_bytes(self) -> int:
        """About what a worker takes beside that: states met lately, batches, blocks, and the
        pairs of images that each refinement remembers (`refine.h`)."""
        return 16_384 * 8 * self.words + 2**20 * len(self.others)


class Search:
    """One search.  `close` it."""

    def __init__(
        self,
        library: Library,
        workers: int,
        deadlock: bool,
        most_states: int | None,
        most_in_memory: int | None,
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
            NO_LIMIT if most_states is None else most_states,
            NO_LIMIT if most_in_memory is None else most_in_memory,
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

    def to_disk(self, file: int) -> Status:
        """After `NEED_DISK`: go on with this file (its descriptor), which is empty."""
        return Status(self.runtime.engine_to_disk(self._engine, file))

    def disk_error(self) -> OSError:
        """After `DISK_FAILED`: what failed."""
        number = int(self.runtime.engine_disk_error(self._engine))
        return OSError(number, os.strerror(number))

    def settle(self) -> Status:
        """Finish what was begun.  `LEVEL_DONE`: the search can be written down now."""
        return Status(self.runtime.engine_settle(self._engine))

    def standing(self) -> Standing:
        """After `settle`."""
        starts, cursor = (c_uint64 * (self.numbers().depth + 2))(), c_uint64()
        self.runtime.engine_starts(self._engine, starts, ctypes.byref(cursor))
        return Standing(list(starts), cursor.value)

    def read_states(self, number: int, count: int) -> bytearray:
        """`count` states from a number on, as they are kept."""
        held = bytearray(count * self.library.state_bytes)
        at = (ctypes.c_uint8 * len(held)).from_buffer(held)
        read = self.runtime.engine_states(self._engine, number, count, at)
        del at
        if not read:
            raise self.disk_error()
        return held

    def restore_states(self, states: bytes, count: int) -> bool:
        """Put back the states that follow.  `False`: memory has no room for them."""
        done = self.runtime.engine_restore(self._engine, states, count)
        if not done:
            raise self.disk_error()
        return bool(done == RESTORED)

    def restore_counts(
        self,
        actions: list[int],
        taken: bytes,
        open_goals: list[int],
        extended: int,
        *,
        cut: bool,
        failed: bool,
    ) -> None:
        goals = [0] * (len(self.library.generated.goals) // 64 + 1)
        for goal in open_goals:
            goals[goal // 64] |= 1 << goal % 64
        self.runtime.engine_restore_counts(
            self._engine,
            (c_uint64 * (len(actions) + 1))(*actions),
            taken,
            (c_uint64 * len(goals))(*goals),
            extended,
            cut,
            failed,
        )

    def restore_found(self, what: int, seen: Seen) -> None:
        s = self.library.state_type(*seen.state)
        t = None if seen.after is None else self.library.state_type(*seen.after)
        self.runtime.engine_restore_found(self._engine, what, s, t, seen.level)

    def resume(self, standing: Standing) -> Status:
        """Everything was put back: what `run` would have returned before."""
        starts = (c_uint64 * len(standing.starts))(*standing.starts)
        depth = len(standing.starts) - 2
        return Status(self.runtime.engine_resume(self._engine, starts, depth, standing.cursor))

    def level_sizes(self) -> tuple[int, int]:
        """How many states the level before this one has, and this one."""
        depth = self.numbers().depth
        starts = [self.runtime.engine_level_start(self._engine, n) for n in (depth, depth + 1)]
        before = self.runtime.engine_level_start(self._engine, depth - 1) if depth else starts[0]
        return starts[0] - before, starts[1] - starts[0]

    def numbers(self) -> Numbers:
        held = (c_uint64 * 7)()
        self.runtime.engine_numbers(self._engine, held)
        return Numbers(held[0], held[1], held[2], held[3], bool(held[4]), bool(held[5]), held[6])

    def actions(self) -> tuple[list[int], bytes]:
        """How often each action was taken, and the flags of `Generated.used`."""
        model = ModelHead.in_dll(self.library.model, "model")
        counts = (c_uint64 * (model.actions + 1))()
        taken = (ctypes.c_uint8 * (model.taken + 1))()
        self.runtime.engine_actions(self._engine, counts, taken)
        return counts[: model.actions], bytes(taken)[: model.taken]

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
        if not self.runtime.engine_state(self._engine, number, s):
            raise self.disk_error()
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
                if self.disk_error().errno:
                    raise self.disk_error()
                raise AssertionError("a state that was reached has no predecessor")
            states.append(tuple(s))
        return states[::-1]


class ModelHead(ctypes.Structure):
    """The start of `Model` in `native/runtime/model.h`."""

    actions: int
    taken: int
    most: int
    expand: int
    cut: int | None
    _fields_ = [
        ("words", c_uint32),
        ("actions", c_uint32),
        ("taken", c_uint32),
        ("goals", c_uint32),
        ("most", c_uint32),
        ("expand", c_void_p),
        ("judge", c_void_p),
        ("cut", c_void_p),
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
        "engine_to_disk": (c_int, [c_void_p, c_int]),
        "engine_disk_error": (c_int, [c_void_p]),
        "engine_settle": (c_int, [c_void_p]),
        "engine_starts": (None, [c_void_p, words, words]),
        "engine_states": (c_int, [c_void_p, c_uint64, c_uint64, POINTER(ctypes.c_uint8)]),
        "engine_restore": (c_int, [c_void_p, ctypes.c_char_p, c_uint64]),
        "engine_restore_counts": (
            None,
            [c_void_p, words, ctypes.c_char_p, words, c_uint64, c_int, c_int],
        ),
        "engine_restore_found": (None, [c_void_p, number, words, words, number]),
        "engine_resume": (c_int, [c_void_p, words, number, c_uint64]),
        "engine_state": (c_int, [c_void_p, c_uint64, words]),
        "engine_number": (number, [c_void_p, words]),
        "engine_level_start": (c_uint64, [c_void_p, number]),
        "engine_canonical": (None, [c_void_p, words]),
        "engine_before": (c_int, [c_void_p, number, words, words]),
    }
    for name, (returned, arguments) in signatures.items():
        function = getattr(runtime, name)
        function.restype, function.argtypes = returned, arguments
    return runtime
