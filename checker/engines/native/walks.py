"""The runtime of random walks (`runtime/walk.c`) from Python: the walks of one simulation."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from ctypes import POINTER, c_double, c_int, c_uint16, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from enum import IntEnum

from checker.engines.native.build import RUNTIME, building
from checker.engines.native.generated import Generated, Words
from checker.engines.native.library import MODEL_OPTIONS, RUNTIME_OPTIONS

STEPS_OF_A_ROUND = 1 << 22
LEAST_WALKS, MOST_WALKS = 256, 1 << 16
"""A round has as many walks as make so many steps, but neither too few nor too many."""
MOST_SLOTS = 1 << 26
"""Six in ten of them are filled, 16 bytes each: more distinct states are not counted."""


class Status(IntEnum):
    """What `Walks.run` returns.  As in `walk.c`."""

    RUNNING = 0
    DONE = 1
    WRONG = 2
    NO_ROOM = 3


@dataclass(frozen=True)
class Numbers:
    """What the walks have done so far."""

    walks: int
    steps: int
    depth: int
    distinct_states: int
    cut: bool
    counted_all: bool
    actions: list[int]
    open_goals: set[int]
    """The numbers of the goals not met."""


@dataclass(frozen=True)
class Labelled:
    """A program in the build with labels, and the action's number for each label."""

    generated: Generated
    action_of: tuple[int, ...]


@dataclass(frozen=True)
class Walking:
    """How to walk."""

    walks: int
    depth: int
    seed: int
    deadlock: bool
    """Whether it is judged."""
    by_steps: bool
    weights: tuple[int, ...]
    """By action."""


class Walks:
    """The walks of one simulation.  `close` them."""

    def __init__(
        self, labelled: Labelled, starts: Iterable[Words], how: Walking, workers: int
    ) -> None:
        generated = labelled.generated
        self.goals = len(generated.goals)
        self.words = generated.packing.words
        used_bytes = (generated.packing.bits + 7) // 8
        size = (f"-DNW={self.words}", f"-DBYTES={used_bytes}")
        building_model = building(generated.source, (*MODEL_OPTIONS, size[0]))
        building_others = [
            building(other.source, (*MODEL_OPTIONS, f"-DNW={other.packing.words}"))
            for other in generated.others
        ]
        self.runtime = _typed(building(RUNTIME / "walk.c", (*RUNTIME_OPTIONS, *size)).load())
        self.model = building_model.load()
        self.others = [other.load() for other in building_others]
        flat = [word for words in starts for word in words]
        # The runtime reads these as long as it walks.
        self._starts = (c_uint64 * len(flat))(*flat)
        self._action_of = (c_uint16 * len(labelled.action_of))(*labelled.action_of)
        self._weights = (c_uint32 * len(how.weights))(*how.weights)
        self._walks = self.runtime.walks_new(
            _model(self.model),
            workers,
            how.seed % 2**64,
            how.depth,
            how.walks,
            max(LEAST_WALKS, min(MOST_WALKS, STEPS_OF_A_ROUND // how.depth)),
            how.deadlock,
            how.by_steps,
            self._action_of,
            self._weights,
            self._starts,
            len(flat) // self.words,
            MOST_SLOTS,
        )
        if not self._walks:
            raise MemoryError("the native engine could not get memory for its tables")
        for number, refinement in enumerate(generated.refinements):
            other = _model(self.others[number])
            self.runtime.walks_refine(self._walks, number, other, refinement.steps)

    def close(self) -> None:
        if self._walks:
            self.runtime.walks_free(self._walks)
            self._walks = None

    def run(self, seconds: float) -> Status:
        return Status(self.runtime.walks_run(self._walks, seconds))

    def numbers(self) -> Numbers:
        numbers = (c_uint64 * 6)()
        actions = (c_uint64 * len(self._weights))()
        still_open = (c_uint64 * (self.goals // 64 + 1))()
        self.runtime.walks_numbers(self._walks, numbers, actions, still_open)
        return Numbers(
            walks=numbers[0],
            steps=numbers[1],
            depth=numbers[2],
            distinct_states=numbers[3],
            cut=bool(numbers[4]),
            counted_all=bool(numbers[5]),
            actions=list(actions),
            open_goals={
                goal for goal in range(self.goals) if still_open[goal // 64] >> goal % 64 & 1
            },
        )

    def wrong_path(self) -> list[Words]:
        """The states of the first walk that went wrong; none if no walk is known to."""
        room = self.runtime.walks_path_room(self._walks)
        if not room:
            return []
        path = (c_uint64 * (room * self.words))()
        length = self.runtime.walks_path(self._walks, path)
        return [tuple(path[i * self.words : (i + 1) * self.words]) for i in range(length)]


def _model(library: ctypes.CDLL) -> int:
    return ctypes.addressof(c_uint64.in_dll(library, "model"))


def _typed(runtime: ctypes.CDLL) -> ctypes.CDLL:
    number, long, words = c_uint32, c_uint64, POINTER(c_uint64)
    new: list[object] = [c_void_p, number, long, long, long, long, number, number]
    new += [POINTER(c_uint16), POINTER(c_uint32), words, number, long]
    signatures: dict[str, tuple[object, list[object]]] = {
        "walks_new": (c_void_p, new),
        "walks_refine": (None, [c_void_p, number, c_void_p, number]),
        "walks_run": (c_int, [c_void_p, c_double]),
        "walks_numbers": (None, [c_void_p, words, words, words]),
        "walks_path_room": (long, [c_void_p]),
        "walks_path": (long, [c_void_p, words]),
        "walks_free": (None, [c_void_p]),
    }
    for name, (returned, arguments) in signatures.items():
        function = getattr(runtime, name)
        function.restype, function.argtypes = returned, arguments
    return runtime
