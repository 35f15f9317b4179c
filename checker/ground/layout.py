"""Which cells hold which part of the state.

    Set[T]          one cell of two codes for each value of T
    Map[K, V]       the cells of V, for each key
    anything else   one cell; its codes are the values in canonical order

So a value and its code are found from each other by counting, and a state is a list of codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from checker.ground.conditions import FALSE, TRUE, Cell, Condition, atom, negation, spend, under
from checker.ground.symbols import (
    Cases,
    Maps,
    NotGroundError,
    Sets,
    Symbol,
    flat,
    item_at,
    membership,
)
from checker.lang import ir
from checker.lang.model import State
from checker.lang.types import MapT, SetT, Type
from checker.lang.values import Map, Set

LARGEST_CELL = 4096
"""A part of the state with more values than this is not made one cell."""


@dataclass(frozen=True)
class Effect:
    """What a cell is to hold: each code, and where it is that one (one holds)."""

    cell: Cell
    codes: tuple[tuple[int, Condition], ...]

    def under(self, known: Condition) -> Effect:
        """The effect, made shorter for where `known` holds."""
        made = ((code, under(where, known)) for code, where in self.codes)
        return Effect(self.cell, tuple((code, w) for code, w in made if w is not FALSE))

    @property
    def idle(self) -> bool:
        """Whether it is seen that the cell keeps its code."""
        return all(where is atom(self.cell, {code}) for code, where in self.codes)

    @property
    def reads(self) -> frozenset[int]:
        """The cells that it depends on."""
        return frozenset().union(*(where.cells for _, where in self.codes))


class Layout:
    """The cells of a program's state, and the state as symbols over them."""

    def __init__(self, program: ir.Program) -> None:
        self.program = program
        self.cells: list[Cell] = []
        self.values: list[list[Any]] = []
        """For each cell: the value that each code stands for."""
        self.kept: list[Effect] = []
        """For each cell: it holds what it holds."""
        self.state: dict[str, Symbol] = {
            field.name: self._place(field.name, field.type) for field in program.fields
        }

    def _cell(self, name: str, values: list[Any]) -> Cell:
        spend(len(values))
        made = Cell(len(self.cells), name, len(values))
        self.cells.append(made)
        self.values.append(values)
        codes = range(made.size)
        self.kept.append(Effect(made, tuple((code, atom(made, {code})) for code in codes)))
        return made

    def _place(self, name: str, of: Type) -> Symbol:
        if isinstance(of, MapT):
            return Maps(
                {key: self._place(f"{name}[{of.key.text(key)}]", of.value) for key in of.keys}
            )
        if isinstance(of, SetT) and of.item.size is not None and of.item.size <= LARGEST_CELL:
            found = {}
            for item in of.item.values():
                cell = self._cell(f"{of.item.text(item)} in {name}", [False, True])
                found[item] = atom(cell, {1})
            return Sets(found)
        if of.size is None or of.size > LARGEST_CELL:
            raise NotGroundError(f"`{name}` has no small domain: {of}")
        values = list(of.values())
        cell = self._cell(name, values)
        return Cases({value: atom(cell, {code}) for code, value in enumerate(values)})

    def encode(self, state: State) -> list[int]:
        """The codes of a state."""
        codes = [0] * len(self.cells)
        for field, value in zip(self.program.fields, state, strict=True):
            self._encode(self.state[field.name], value, codes)
        return codes

    def _encode(self, symbol: Symbol, value: Any, codes: list[int]) -> None:
        if isinstance(symbol, Maps):
            for key, inner in symbol.of.items():
                self._encode(inner, value[key], codes)
        elif isinstance(symbol, Sets):
            for item, where in symbol.of.items():
                assert where.cell is not None
                codes[where.cell.number] = int(item in value)
        elif symbol.of[value] is not TRUE:
            cell = symbol.of[value].cell
            assert cell is not None
            codes[cell.number] = min(symbol.of[value].codes)

    def decode(self, codes: Sequence[int]) -> State:
        """The state of which these are the codes."""
        return tuple(self._decode(symbol, codes) for symbol in self.state.values())

    def _decode(self, symbol: Symbol, codes: Sequence[int]) -> Any:
        if isinstance(symbol, Maps):
            return Map((key, self._decode(inner, codes)) for key, inner in symbol.of.items())
        if isinstance(symbol, Sets):
            return Set(
                item
                for item, where in symbol.of.items()
                if where.cell is not None and codes[where.cell.number]
            )
        value, where = next(iter(symbol.of.items()))
        return (
            value
            if where.cell is None
            else self.values[where.cell.number][codes[where.cell.number]]
        )

    def placed(self, field: str, value: Symbol) -> Iterator[Effect]:
        """What the cells of a field hold where the field has this value."""
        return self._placed(self.state[field], value)

    def _placed(self, place: Symbol, value: Symbol) -> Iterator[Effect]:
        if value is place:
            return
        if isinstance(place, Maps):
            for key, inner in place.of.items():
                yield from self._placed(inner, item_at(value, key))
        elif isinstance(place, Sets):
            members = membership(value)
            for item, was in place.of.items():
                assert was.cell is not None
                spend(2)
                where = members.get(item, FALSE)
                if where is was:
                    yield self.kept[was.cell.number]
                else:
                    yield Effect(was.cell, ((0, negation(where)), (1, where)))
        else:
            cell = next(iter(place.of.values())).cell
            if cell is not None:
                spend(cell.size)
                codes = {item: code for code, item in enumerate(self.values[cell.number])}
                held = flat(value).of.items()
                yield Effect(cell, tuple((codes[item], where) for item, where in held))
