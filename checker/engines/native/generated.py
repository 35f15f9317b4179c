"""What a generator makes of a program: C, and what its numbers mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from checker.lang.ir import RefinementIR
from checker.lang.model import State

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
    notes: tuple[str, ...] = field(default=())
    """How it was made, for people: `unrolled`, or why not."""
