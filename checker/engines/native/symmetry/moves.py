"""What exchanging two members of a Sort does to the cells of a state.

It moves cells (the member stands in the key of a Map, or in the item of a Set) and changes codes
(the value of the cell contains the member).  A *feature* is a cell with one of its codes; features
are numbered, and an exchange is a permutation of them that takes the codes of one cell to the
codes of one cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from checker.ground.layout import Layout
from checker.ground.symbols import Maps, Sets, Symbol
from checker.lang.effects import renamed
from checker.lang.types import SortT

Moves = tuple[int, ...]
"""For each feature: where it goes."""


@dataclass(frozen=True)
class Exchange:
    """Two members exchanged.  `cells`: where each goes; `codes`: what its codes become there."""

    cells: tuple[int, ...]
    codes: tuple[tuple[int, ...], ...]

    def changes_codes(self, cell: int) -> bool:
        return any(code != old for old, code in enumerate(self.codes[cell]))


class Features:
    """The features of a layout, and how exchanges move them."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.first: list[int] = []
        """For each cell: the number of the feature that is its code 0."""
        self.cell: list[int] = []
        """For each feature: its cell."""
        for cell in layout.cells:
            self.first.append(len(self.cell))
            self.cell += [cell.number] * cell.size
        self._paths = [path for name, of in layout.state.items() for path in _paths((name,), of)]
        self._numbers = {path: number for number, path in enumerate(self._paths)}
        self._codes = [{v: code for code, v in enumerate(values)} for values in layout.values]

    def __len__(self) -> int:
        return len(self.cell)

    def code(self, feature: int) -> int:
        return feature - self.first[self.cell[feature]]

    def exchange(self, one: Any, other: Any) -> Exchange:
        swap = {one: other, other: one}
        known: dict[Any, Any] = {}

        def moved(value: Any) -> Any:
            if value not in known:
                known[value] = renamed(value, swap)
            return known[value]

        cells = tuple(self._numbers[tuple(map(moved, path))] for path in self._paths)
        codes = tuple(
            tuple(self._codes[target][moved(value)] for value in values)
            for values, target in zip(self.layout.values, cells, strict=True)
        )
        return Exchange(cells, codes)

    def moves(self, exchange: Exchange) -> Moves:
        """The exchange as a permutation of the features."""
        return tuple(
            self.first[target] + code
            for target, codes in zip(exchange.cells, exchange.codes, strict=True)
            for code in codes
        )


def _paths(path: tuple[Any, ...], of: Symbol) -> Iterator[tuple[Any, ...]]:
    """For each cell, in order: the field, the keys, and the item of the Set."""
    if isinstance(of, Maps):
        for key, inner in of.of.items():
            yield from _paths((*path, key), inner)
    elif isinstance(of, Sets):
        yield from ((*path, item) for item in of.of)
    else:
        yield path


class Action:
    """How the permutations of one Sort's members act on the features."""

    def __init__(self, features: Features, sort: SortT) -> None:
        self.features = features
        self.sort = sort
        self.members: tuple[Any, ...] = sort.members or ()
        self.neighbours = [features.exchange(one, other) for one, other in pairwise(self.members)]
        """The exchanges of each member with the next; they make all permutations."""
        self.steps = [features.moves(exchange) for exchange in self.neighbours]

    @property
    def size(self) -> int:
        return len(self.members)

    def swap(self, one: int, other: int) -> Moves:
        """The exchange of any two members, as a permutation of the features."""
        low, high = min(one, other), max(one, other)
        made = self.steps[low]
        for step in self.steps[low + 1 : high]:
            made = tuple(step[made[step[feature]]] for feature in range(len(step)))
        return made

    def moved(self) -> list[bool]:
        """For each feature: whether some permutation moves it."""
        return [
            any(step[feature] != feature for step in self.steps)
            for feature in range(len(self.features))
        ]

    def owners(self) -> list[int | None] | None:
        """For each feature: the one member that it is about, `None` if it is about none.

        It is about a member if it stays where it is unless that member is exchanged.  No list at
        all if some feature is about more than one member.  With two members each feature that
        moves would be about both; the Sort is handled without this then.
        """
        total = range(len(self.features))
        stays: list[set[int]] = [set() for _ in total]
        for one in range(self.size):
            rest = [member for member in range(self.size) if member != one]
            swaps = [self.swap(a, b) for a, b in pairwise(rest)]
            for feature in total:
                if all(swap[feature] == feature for swap in swaps):
                    stays[feature].add(one)
        if not all(stays):
            return None
        return [min(found) if len(found) == 1 else None for found in stays]


def orbits(size: int, steps: Sequence[Moves]) -> list[int]:
    """For each of `size` points: the least point that the steps take it to, or bring to it."""
    leader = list(range(size))

    def find(point: int) -> int:
        while leader[point] != point:
            leader[point] = leader[leader[point]]
            point = leader[point]
        return point

    for step in steps:
        for point in range(size):
            a, b = find(point), find(step[point])
            leader[max(a, b)] = min(a, b)
    return [find(point) for point in range(size)]
