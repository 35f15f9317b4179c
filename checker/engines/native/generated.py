"""What a generator makes of a program: C, and what its numbers mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from checker.lang.ir import RefinementIR
from checker.lang.model import State

if TYPE_CHECKING:
    from checker.engines.native.symmetry import Symmetry

Words = tuple[int, ...]
"""A packed state."""

Args = tuple[Any, ...]


class Packed(Protocol):
    """How a state is packed into machine words."""

    @property
    def words(self) -> int: ...

    @property
    def bits(self) -> int:
        """How many bits of the words are used, counted from the first."""
        ...

    def encode(self, state: State) -> Words: ...

    def decode(self, words: Words) -> State: ...


@dataclass(frozen=True)
class What:
    """What is wrong where a number is reported: a property of some kind, or a model error."""

    kind: str
    name: str
    args: Args


@dataclass(frozen=True)
class LivenessSource:
    """The C by which liveness is judged, and what its numbers mean."""

    observing: str
    """What `runtime/graph.h` asks for."""
    assumptions: tuple[tuple[str, Args], ...]
    """By number: an action, and the values of the parameters that its fairness is for each of."""


@dataclass(frozen=True)
class Generated:
    """A program in C, and how to read what it says."""

    source: str
    packing: Packed
    whats: tuple[What, ...]
    """By the number that is reported.  The last is the model error."""
    goals: tuple[tuple[str, Args], ...]
    """By the number of the bit in `open`."""
    used: Callable[[bytes], dict[str, list[set[Any]]]]
    """From the flags `taken`: for each action that was taken, the values of each parameter."""
    refinements: tuple[RefinementIR, ...] = ()
    """By the number of the model's image."""
    others: tuple[Generated, ...] = ()
    """The programs that are refined, in the same order; filled in by `generate`."""
    liveness: Callable[[Iterable[tuple[str, Args]]], LivenessSource] | None = None
    """The C by which these instances of properties are judged; `None`: there is no such C."""
    symmetry: Symmetry | None = None
    """What was asked for: one state for each orbit."""
    notes: tuple[str, ...] = field(default=())
    """How it was made, for people: `unrolled`, or why not."""
