"""Where each part of a state lies in its machine words.

Fields stand one after the other, bit by bit, from the low bits of the first word upwards, and so
do the parts of each field.  Every part has its place, whatever the others hold; what is not in
use is zero, so that equal states have equal words.

| type | bits |
| --- | --- |
| what has a code and no parts | the code |
| int without both bounds | 64 |
| Option of something with parts | 1, and the item |
| record, tuple, Map | its parts |
| union | its kind, and room for the widest kind |
| Set with few codes | one for each code; or the codes of its members, if a bound makes that less |
| Seq, Bag, other Sets | how many, and room for as many items as there may be |
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from checker.engines.native.general.codes import (
    code_of,
    codes,
    members,
    ones,
    parts_of,
    value_of,
)
from checker.engines.native.general.shapes import Bits, List, Shapes, is_short
from checker.lang import ir
from checker.lang.infer import NeverT
from checker.lang.model import State
from checker.lang.types import (
    BagT,
    BoolT,
    EnumT,
    IntT,
    LabelT,
    MapT,
    OptionT,
    RecordT,
    SeqT,
    SetT,
    SortT,
    TupleT,
    Type,
    UnionT,
)
from checker.lang.values import Bag, Map, Set

WORD = 64
ALL_ONES = 2**WORD - 1


def is_plain(of: Type) -> bool:
    """Whether a value is one number: its code, or an int itself."""
    if isinstance(of, OptionT):
        return is_short(of.item)
    return isinstance(of, BoolT | EnumT | LabelT | SortT | IntT | NeverT)


class Widths:
    """How many bits the values of each type take."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes
        self.known: dict[Type, int] = {}

    def of(self, of: Type) -> int:
        if of not in self.known:
            self.known[of] = self._of(of)
        return self.known[of]

    def _of(self, of: Type) -> int:
        if is_plain(of):
            size = codes(of)
            return WORD if size is None else width(size)
        match of:
            case OptionT(item):
                return 1 + self.of(item)
            case RecordT() | TupleT():
                return sum(self.of(part) for part in parts_of(of))
            case UnionT(kinds):
                return width(len(kinds)) + max(self.of(kind) for kind in kinds)
            case MapT(key, value):
                return len(members(key)) * self.of(value)
            case SetT(item) if self.by_codes(of):
                return codes(item) or 0
            case SetT() | SeqT() | BagT():
                return width(self.most(of) + 1) + self.most(of) * self.item(of)
        raise TypeError(of)

    def by_codes(self, of: SetT) -> bool:
        """Whether a set is packed as one bit for each code."""
        shape = self.shapes.of(of)
        if not isinstance(shape, Bits):
            return False
        most = self.most(of)
        return shape.codes <= width(most + 1) + most * width(shape.codes)

    def most(self, of: SetT | SeqT | BagT) -> int:
        """For how many items there is room."""
        shape = self.shapes.of(of)
        known = [shape.room if isinstance(shape, List) else shape.codes]  # type: ignore[attr-defined]
        if of.at_most is not None:
            known.append(of.at_most)
        return min(known)

    def item(self, of: SetT | SeqT | BagT) -> int:
        """The width of one item; of a bit set, that of its code."""
        if isinstance(self.shapes.of(of), Bits):
            return width(codes(of.item) or 0)
        return self.of(of.item)

    # ------------------------------------------------------------- values as numbers

    def put(self, of: Type, value: Any) -> int:
        if is_plain(of):
            return code_of(of, value) if codes(of) is not None else value & ALL_ONES
        match of:
            case OptionT(item):
                return 0 if value is None else 1 | self.put(item, value) << 1
            case TupleT(items):
                return self._row(items, value)
            case RecordT(_, fields):
                return self._row(parts_of(of), [getattr(value, name) for name, _ in fields])
            case UnionT(kinds):
                at = next(i for i, kind in enumerate(kinds) if kind.kind is type(value))
                return at | self.put(kinds[at], value) << width(len(kinds))
            case MapT(_, held):
                return self._row([held] * len(value), list(value.values()))
            case SetT(item) if self.by_codes(of):
                return sum(1 << code_of(item, one) for one in value)
            case SetT() | SeqT() | BagT():
                return self._items(of, tuple(value))
        raise TypeError(of)

    def _row(self, types: Any, values: Any) -> int:
        number, at = 0, 0
        for of, value in zip(types, values, strict=True):
            number |= self.put(of, value) << at
            at += self.of(of)
        return number

    def _items(self, of: SetT | SeqT | BagT, items: tuple[Any, ...]) -> int:
        if len(items) > self.most(of):
            raise OverflowError(f"{len(items)} items of {of}")
        by_code = isinstance(self.shapes.of(of), Bits)
        number, at = len(items), width(self.most(of) + 1)
        for item in items:
            held = code_of(of.item, item) if by_code else self.put(of.item, item)
            number |= held << at
            at += self.item(of)
        return number

    def take(self, of: Type, number: int) -> Any:
        """The value in the low bits of a number."""
        if is_plain(of):
            number &= (1 << self.of(of)) - 1
            if codes(of) is not None:
                return value_of(of, number)
            return number - 2**WORD if number >> (WORD - 1) else number
        match of:
            case OptionT(item):
                return self.take(item, number >> 1) if number & 1 else None
            case TupleT(items):
                return tuple(self._rows(items, number))
            case RecordT(kind):
                return kind(*self._rows(parts_of(of), number))
            case UnionT(kinds):
                bits = width(len(kinds))
                return self.take(kinds[number & ((1 << bits) - 1)], number >> bits)
            case MapT(key, held):
                keys = [value_of(key, code) for code in members(key)]
                return Map(zip(keys, self._rows([held] * len(keys), number), strict=True))
            case SetT(item) if self.by_codes(of):
                held_codes = number & ((1 << self.of(of)) - 1)
                return Set(value_of(item, code) for code in ones(held_codes))
            case SetT():
                return Set(self._taken(of, number))
            case SeqT():
                return tuple(self._taken(of, number))
            case BagT():
                return Bag(self._taken(of, number))
        raise TypeError(of)

    def _rows(self, types: Any, number: int) -> list[Any]:
        found = []
        for of in types:
            found.append(self.take(of, number))
            number >>= self.of(of)
        return found

    def _taken(self, of: SetT | SeqT | BagT, number: int) -> list[Any]:
        bits, each = width(self.most(of) + 1), self.item(of)
        count = number & ((1 << bits) - 1)
        number >>= bits
        by_code = isinstance(self.shapes.of(of), Bits)
        found = []
        for _ in range(count):
            held = number & ((1 << each) - 1)
            found.append(value_of(of.item, held) if by_code else self.take(of.item, number))
            number >>= each
        return found


def width(size: int) -> int:
    """How many bits tell so many numbers apart."""
    return max(0, size - 1).bit_length()


class GeneralPacking:
    """The places of a program's fields.  `words`: how many machine words a state takes."""

    def __init__(self, program: ir.Program, shapes: Shapes) -> None:
        self.fields = program.fields
        self.widths = Widths(shapes)

    @cached_property
    def places(self) -> dict[str, int]:
        """The first bit of each field."""
        found, at = {}, 0
        for field in self.fields:
            found[field.name] = at
            at += self.widths.of(field.type)
        return found

    @cached_property
    def bits(self) -> int:
        return sum(self.widths.of(field.type) for field in self.fields)

    @cached_property
    def words(self) -> int:
        return max(1, -(-self.bits // WORD))

    def encode(self, state: State) -> tuple[int, ...]:
        number = 0
        for field, value in zip(self.fields, state, strict=True):
            number |= self.widths.put(field.type, value) << self.places[field.name]
        return tuple(number >> WORD * at & ALL_ONES for at in range(self.words))

    def decode(self, words: tuple[int, ...]) -> State:
        number = sum(word << WORD * at for at, word in enumerate(words))
        return tuple(
            self.widths.take(field.type, number >> self.places[field.name]) for field in self.fields
        )
