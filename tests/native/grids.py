"""Specs whose states are counted in the head: a square, in which steps go right and up."""

from __future__ import annotations

from typing import Annotated

from checker.engines.native.generate import generate
from checker.engines.native.library import Library, Search, Status
from checker.engines.python.plan import Plan
from checker.engines.python.watch import memory_bytes
from checker.lang import Range, Set, Spec, action, require
from checker.lang.model import Model


class Grid(Spec):
    """1,600 states.  The last one is a deadlock."""

    x: Annotated[int, Range(40)] = 0
    y: Annotated[int, Range(40)] = 0

    @action
    def right(self) -> None:
        require(self.x < 39)
        self.x += 1

    @action
    def up(self) -> None:
        require(self.y < 39)
        self.y += 1


class Plane(Spec):
    """90,000 states."""

    x: Annotated[int, Range(300)] = 0
    y: Annotated[int, Range(300)] = 0

    @action
    def right(self) -> None:
        require(self.x < 299)
        self.x += 1

    @action
    def up(self) -> None:
        require(self.y < 299)
        self.y += 1


class Wide(Plane):
    """The same, each of 128 bytes."""

    marks: Set[Annotated[int, Range(1000)]] = Set()

    @action
    def up(self) -> None:
        require(self.y < 299)
        self.y += 1
        self.marks = {self.y}


def wide_bytes(fingerprint: int | None = None, most_in_memory: int | None = None) -> int:
    """What a search of `Wide` takes in memory for states, after it has ended."""
    model = Model(Wide, {})
    library = Library(generate(model, Plan.of(model, ["model error"])), fingerprint)
    assert library.state_bytes == 128
    search = Search(library, 1, deadlock=False, most_states=None, most_in_memory=most_in_memory)
    search.begin([library.generated.packing.encode(state) for state in model.initial_states()])
    before = memory_bytes()
    while (status := search.run(1)) == Status.RUNNING:
        pass
    after = memory_bytes()
    assert status == Status.COMPLETE
    search.close()
    return after - before
