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

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
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
        self.codecs: dict[Type, Codec] = {}

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

    def codec(self, of: Type) -> Codec:
        """How values of a type become numbers; made once."""
        if of not in self.codecs:
            self.codecs[of] = self._codec(of)
        return self.codecs[of]

    def _codec(self, of: Type) -> Codec:
        if is_plain(of):
            if codes(of) is None:
                return Codec(WORD, lambda value: value & ALL_ONES, _signed)
            return Codec(self.of(of), _remembered(partial(code_of, of)), partial(value_of, of))
        match of:
            case OptionT(item):
                held = self.codec(item)
                return Codec(
                    1 + held.bits,
                    lambda value: 0 if value is None else 1 | held.put(value) << 1,
                    lambda number: held.take(number >> 1) if number & 1 else None,
                )
            case TupleT(items):
                put, take = _row([self.codec(item) for item in items])
                return Codec(self.of(of), put, lambda number: tuple(take(number)))
            case RecordT(kind, fields):
                return self._record(of, kind, [name for name, _ in fields])
            case UnionT(kinds):
                return self._union(of, kinds)
            case MapT(key, value):
                keys = [value_of(key, code) for code in members(key)]
                put, take = _row([self.codec(value)] * len(keys))
                return Codec(
                    self.of(of),
                    lambda held: put(held.values()),
                    lambda number: Map(zip(keys, take(number), strict=True)),
                )
            case SetT(item) if self.by_codes(of):
                code = _remembered(partial(code_of, item))
                values = [value_of(item, at) for at in members(item)]
                by_code = dict(zip(members(item), values, strict=True))
                return Codec(
                    self.of(of),
                    lambda held: sum(1 << code(one) for one in held),
                    lambda number: Set(by_code[at] for at in ones(number)),
                )
            case SetT() | SeqT() | BagT():
                return self._items(of)
        raise TypeError(of)

    def _record(self, of: RecordT, kind: Callable[..., Any], names: list[str]) -> Codec:
        put, take = _row([self.codec(part) for part in parts_of(of)])
        return Codec(
            self.of(of),
            lambda value: put(getattr(value, name) for name in names),
            lambda number: kind(*take(number)),
        )

    def _union(self, of: UnionT, kinds: tuple[RecordT, ...]) -> Codec:
        bits, held = width(len(kinds)), [self.codec(kind) for kind in kinds]
        places = {kind.kind: at for at, kind in enumerate(kinds)}

        def put(value: Any) -> int:
            at = places[type(value)]
            return at | held[at].put(value) << bits

        return Codec(
            self.of(of),
            put,
            lambda number: held[number & ((1 << bits) - 1)].take(number >> bits),
        )

    def _items(self, of: SetT | SeqT | BagT) -> Codec:
        most, each = self.most(of), self.item(of)
        counted = width(most + 1)
        item = self.codec(of.item)
        if isinstance(self.shapes.of(of), Bits):
            item = Codec(each, partial(code_of, of.item), partial(value_of, of.item))
        made: Callable[[Any], Any] = {SetT: Set, SeqT: tuple, BagT: Bag}[type(of)]

        def put(held: Any) -> int:
            number, at = 0, counted
            items = tuple(held)
            if len(items) > most:
                raise OverflowError(f"{len(items)} items of {of}")
            for one in items:
                number |= item.put(one) << at
                at += each
            return number | len(items)

        def take(number: int) -> Any:
            count = number & ((1 << counted) - 1)
            starts = range(counted, counted + count * each, each) if each else [0] * count
            return made(item.take(number >> at & ((1 << each) - 1)) for at in starts)

        return Codec(self.of(of), put, take)


@dataclass(frozen=True)
class Codec:
    """Values of one type as numbers of so many bits, and back."""

    bits: int
    put: Callable[[Any], int]
    take: Callable[[int], Any]


Put = Callable[[Iterable[Any]], int]
Take = Callable[[int], list[Any]]


def _row(parts: list[Codec]) -> tuple[Put, Take]:
    """Values that stand one after the other."""

    def put(values: Iterable[Any]) -> int:
        number, at = 0, 0
        for part, value in zip(parts, values, strict=True):
            number |= part.put(value) << at
            at += part.bits
        return number

    def take(number: int) -> list[Any]:
        found = []
        for part in parts:
            found.append(part.take(number & ((1 << part.bits) - 1)))
            number >>= part.bits
        return found

    return put, take


def _signed(number: int) -> int:
    return number - 2**WORD if number >> (WORD - 1) else number


def _remembered(code: Callable[[Any], int]) -> Callable[[Any], int]:
    return lru_cache(maxsize=None)(code)


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

    @cached_property
    def _state(self) -> tuple[Put, Take]:
        return _row([self.widths.codec(field.type) for field in self.fields])

    def encode(self, state: State) -> tuple[int, ...]:
        number = self._state[0](state)
        return tuple(number >> WORD * at & ALL_ONES for at in range(self.words))

    def decode(self, words: tuple[int, ...]) -> State:
        number = sum(word << WORD * at for at, word in enumerate(words))
        return tuple(self._state[1](number))
