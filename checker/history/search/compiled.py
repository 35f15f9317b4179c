"""A compiled model for the search: its states and its steps are in C (`compiled.c`).

So nobody asks Python while the search goes on.  What the numbers mean is known here.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Sequence
from ctypes import POINTER, c_int, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from checker.history.budget import LimitReached
from checker.history.native import library
from checker.history.search.transitions import MOST_ANSWERS, MOST_STATES, Complete, read_off

SOURCES = (
    Path(__file__).parent / "kernel" / "0_limits.c",
    Path(__file__).with_name("compiled.c"),
)
FAILED, FULL, TOO_MANY = 1, 2, 3
"""As in compiled.c."""

Words = tuple[int, ...]


def compiled_library(step: str, options: tuple[str, ...]) -> ctypes.CDLL | None:
    """With the C that general/stepping.py makes.  None: there is no compiler."""
    loaded = library("\n".join([step, *(path.read_text() for path in SOURCES)]), options)
    if loaded is None:
        return None
    loaded.model_step.argtypes = [c_void_p, c_uint32, c_void_p, c_void_p]
    loaded.compiled_new.argtypes = [c_void_p] * 3 + [c_uint32, c_void_p, c_void_p, c_uint32]
    loaded.compiled_new.restype = c_void_p
    loaded.compiled_free.argtypes = [c_void_p]
    loaded.compiled_free.restype = None
    loaded.compiled_limit.argtypes = [c_void_p, c_uint64]
    loaded.compiled_limit.restype = None
    loaded.compiled_state.argtypes = [c_void_p, c_uint32]
    loaded.compiled_state.restype = POINTER(c_uint64)
    loaded.compiled_failure.argtypes = [c_void_p, POINTER(c_uint32), POINTER(c_uint32)]
    loaded.compiled_failure.restype = c_uint32
    loaded.compiled_complete.argtypes = [c_void_p, c_uint32, c_uint32, c_void_p]
    loaded.compiled_complete.restype = c_uint32
    loaded.compiled_ask.argtypes = [c_void_p, c_uint32, c_uint32]
    loaded.compiled_ask.restype = c_int
    return loaded


@dataclass(frozen=True)
class Compiled:
    """The kinds of operations of a problem, as bindings of actions.

    `first`: of each kind where its bindings begin, and the end; `action` and `arguments`: of each
    binding.  `fail` raises what is wrong with a binding in a state.
    """

    library: ctypes.CDLL
    first: NDArray[np.uint32]
    action: NDArray[np.uint32]
    arguments: NDArray[np.uint64]
    initial: NDArray[np.uint64]
    state_of: Callable[[Words], Any]
    fail: Callable[[Any, int], NoReturn]

    def asking(self) -> CompiledAsking:
        return CompiledAsking(self)


class CompiledAsking:
    """As `Asking` of native.py, of all searches of one problem."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.answers = (c_uint32 * MOST_ANSWERS)()
        self.callback = compiled.library.compiled_ask
        self.asked_of = compiled.library.compiled_new(
            compiled.first.ctypes.data,
            compiled.action.ctypes.data,
            compiled.arguments.ctypes.data,
            compiled.arguments.shape[1],
            compiled.initial.ctypes.data,
            self.answers,
            MOST_ANSWERS,
        )
        if not self.asked_of:
            raise MemoryError("the general search could not get memory for states")
        weakref.finalize(self, compiled.library.compiled_free, self.asked_of)

    def complete(self, opened: Sequence[bool], most: int) -> Complete | None:
        """As transitions.py says."""
        kinds = len(opened)
        most_states = min(MOST_STATES, most // max(1, kinds))
        table = np.empty((most_states, kinds), dtype=np.uint32)
        count = self.compiled.library.compiled_complete(
            self.asked_of, kinds, most_states, table.ctypes.data
        )
        return read_off(table[:count], opened) if count else None

    def limit(self, memory_bytes: int) -> None:
        self.compiled.library.compiled_limit(self.asked_of, memory_bytes)

    def state(self, number: int) -> Any:
        words = self.compiled.library.compiled_state(self.asked_of, number)
        return self.compiled.state_of(tuple(words[: len(self.compiled.initial)]))

    def check(self) -> None:
        """Raise what went wrong while C was asked."""
        state, binding = c_uint32(), c_uint32()
        failure = self.compiled.library.compiled_failure(self.asked_of, state, binding)
        if failure == FULL:
            raise LimitReached("memory")
        if failure == TOO_MANY:
            raise ValueError(f"more than {len(self.answers)} states may follow one operation")
        if failure == FAILED:
            self.compiled.fail(self.state(state.value), binding.value)


__all__ = ["Compiled", "CompiledAsking", "Words", "compiled_library"]
