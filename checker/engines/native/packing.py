"""Where each cell of a ground state lies in its machine words.

Cells stand in order, from the low bits of the first word upwards; none lies across two words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from checker.engines.native.generated import Words
from checker.ground.conditions import Cell
from checker.ground.layout import Layout
from checker.lang.model import State

WORD = 64


@dataclass(frozen=True)
class Place:
    """Where a cell lies: `bits` bits of the word `word`, from the bit `shift` on."""

    word: int
    shift: int
    bits: int

    @property
    def ones(self) -> int:
        """As many ones as there are bits."""
        return (1 << self.bits) - 1

    @property
    def mask(self) -> int:
        """The ones where the cell lies in its word."""
        return self.ones << self.shift


class Packing:
    """The places of a layout's cells.  `words`: how many machine words a state takes."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.places: list[Place] = []
        word, used = 0, 0
        for cell in layout.cells:
            bits = max(1, (cell.size - 1).bit_length())
            if used + bits > WORD:
                word, used = word + 1, 0
            self.places.append(Place(word, used, bits))
            used += bits
        self.words = word + 1
        self.bits = 64 * word + used

    def of(self, cell: Cell) -> Place:
        return self.places[cell.number]

    def encode(self, state: State) -> Words:
        return self.pack(self.layout.encode(state))

    def pack(self, codes: list[int]) -> Words:
        """The words of a state whose cells hold these codes."""
        made = [0] * self.words
        for place, code in zip(self.places, codes, strict=True):
            made[place.word] |= code << place.shift
        return tuple(made)

    def decode(self, words: Words) -> State:
        codes = [words[place.word] >> place.shift & place.ones for place in self.places]
        return self.layout.decode(codes)

    def mask(self, cells: frozenset[int]) -> Words:
        """The ones where these cells lie."""
        made = [0] * self.words
        for number in cells:
            made[self.places[number].word] |= self.places[number].mask
        return tuple(made)


def unpacked(packing: Packing, words: Words) -> dict[str, Any]:
    """For people: what each cell holds, by its name."""
    layout = packing.layout
    return {
        cell.name: layout.values[cell.number][words[place.word] >> place.shift & place.ones]
        for cell, place in zip(layout.cells, packing.places, strict=True)
    }
