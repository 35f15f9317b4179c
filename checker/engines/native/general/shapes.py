"""How the values of each type of the IR are held in C.

| type | in C |
| --- | --- |
| bool, enum, label, Sort, int with small bounds, and Options of these | `i16`; absent is `NONE` |
| other ints | `i64`, all arithmetic checked |
| record, tuple | a struct |
| union | a struct with `kind`, and one member of the C union `as` for each kind |
| other Options | a struct with `some` and `it` |
| Set of items with few codes | a bit set over the codes (`codes.py`) |
| Seq, Bag, other Sets | a count and an array; Bags and Sets in canonical order |
| Map | an array over the codes of the keys |

Types that differ only by bounds mostly have one shape, so that a value moves between them
without being touched.  Parts of a value that are not in use are never looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from checker.engines.native.general.codes import codes
from checker.lang.infer import NeverT
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

SMALL = 30_000
"""Numbers between plus and minus this are held in 16 bits."""

MOST_BITS = 512
"""Sets over more codes than this are arrays."""

LONGEST = 256
"""Containers that may be longer than this have room for no more (or for `room`)."""


def is_short(of: Type) -> bool:
    """Whether the values of a type are small numbers."""
    if isinstance(of, IntT):
        return of.low is not None and of.low >= -SMALL and of.high is not None and of.high <= SMALL
    return isinstance(of, BoolT | EnumT | LabelT | SortT | NeverT)


class NotInCError(Exception):
    """This generator has no C for something in the program."""


@dataclass(frozen=True)
class Shape:
    """A C type.  `name` is its name."""

    name: str


@dataclass(frozen=True)
class Scalar(Shape):
    pass


SHORT = Scalar("i16")
LONG = Scalar("i64")


@dataclass(frozen=True)
class Struct(Shape):
    """A record or a tuple: its members with their shapes."""

    members: tuple[tuple[str, Shape], ...]


@dataclass(frozen=True)
class Tagged(Shape):
    """A union of records: `kind` counts from 0 in the order of `kinds`."""

    kinds: tuple[tuple[str, Shape], ...]


@dataclass(frozen=True)
class Maybe(Shape):
    item: Shape


@dataclass(frozen=True)
class Bits(Shape):
    codes: int

    @property
    def words(self) -> int:
        return max(1, -(-self.codes // 64))


@dataclass(frozen=True)
class List(Shape):
    item: Shape
    room: int


@dataclass(frozen=True)
class Array(Shape):
    item: Shape
    length: int


class Shapes:
    """The shapes of types; `room`: for how many items of a container without a bound."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.known: dict[Type, Shape] = {}
        self.named: dict[tuple[object, ...], Shape] = {}
        self.names: set[str] = set()
        self.declarations: list[str] = []

    def of(self, of: Type) -> Shape:
        if of not in self.known:
            self.known[of] = self._of(of)
        return self.known[of]

    def _of(self, of: Type) -> Shape:
        match of:
            case IntT() | BoolT() | EnumT() | LabelT() | SortT() | NeverT():
                return SHORT if is_short(of) else LONG
            case OptionT(item):
                return SHORT if is_short(item) else self._maybe(self.of(item))
            case RecordT(kind, fields):
                return self._struct(
                    kind.__name__, tuple((member(name), self.of(part)) for name, part in fields)
                )
            case TupleT(items):
                parts = tuple((f"part{at}", self.of(part)) for at, part in enumerate(items))
                return self._struct("Tuple" + "".join(stem(part) for part in items), parts)
            case UnionT(kinds):
                return self._tagged(tuple((member(str(kind)), self.of(kind)) for kind in kinds))
            case SetT(item):
                return self._set(of)
            case SeqT(item, at_most):
                return self._list(f"Seq{stem(item)}", self.of(item), self._room(at_most))
            case BagT(item, at_most):
                return self._list(f"Bag{stem(item)}", self.of(item), self._room(at_most))
            case MapT(key, value):
                length = codes(key)
                if length is None or length > 4096:
                    raise NotInCError(f"a Map with keys of {key}")
                return self._array(f"Map{stem(key)}To{stem(value)}", self.of(value), length)
        raise NotInCError(f"values of {of}")

    def _set(self, of: SetT) -> Shape:
        held = codes(of.item)
        if held is not None and held <= MOST_BITS:
            words = max(1, -(-held // 64))
            name = f"Set{stem(of.item)}"
            return self._declared(
                ("bits", self._code_key(of.item), held), name,
                lambda name: Bits(name, held), [f"u64 w[{words}];"],
            )  # fmt: skip
        most = held if held is not None and held < self.room else None
        return self._list(f"Set{stem(of.item)}", self.of(of.item), self._room(most))

    def _code_key(self, of: Type) -> Type:
        """The type without what does not count for codes."""
        match of:
            case IntT():
                return replace(of, beyond="error")
            case OptionT(item):
                return OptionT(self._code_key(item))
            case SetT(item):
                return SetT(self._code_key(item))
            case SeqT(item, at_most):
                return SeqT(self._code_key(item), at_most)
            case TupleT(items):
                return TupleT(tuple(map(self._code_key, items)))
            case RecordT(kind, fields):
                return RecordT(kind, tuple((n, self._code_key(part)) for n, part in fields))
            case MapT(key, value):
                return MapT(self._code_key(key), self._code_key(value))
            case UnionT(kinds):
                keys = [self._code_key(kind) for kind in kinds]
                return UnionT(tuple(key for key in keys if isinstance(key, RecordT)))
        return of

    def _room(self, at_most: int | None) -> int:
        """A little more than the bound, so that one item more is no other shape."""
        if at_most is None:
            return self.room
        return min((at_most + 4) // 4 * 4, max(self.room, LONGEST))

    # ------------------------------------------------------------- declaring

    def _declared(self, key: tuple[object, ...], name: str, make: object, body: list[str]) -> Shape:
        if key not in self.named:
            assert callable(make)
            name = self._fresh(name)
            inside = "".join(f"    {line}\n" for line in body)
            self.declarations.append(f"typedef struct {name} {{\n{inside}}} {name};\n")
            self.named[key] = make(name)
        return self.named[key]

    def _fresh(self, name: str) -> str:
        found, number = name, 1
        while found in self.names:
            number += 1
            found = f"{name}_{number}"
        self.names.add(found)
        return found

    def _struct(self, name: str, parts: tuple[tuple[str, Shape], ...]) -> Shape:
        body = [f"{shape.name} {part};" for part, shape in parts] or ["char nothing;"]
        return self._declared(("struct", name, parts), name, lambda n: Struct(n, parts), body)

    def _tagged(self, kinds: tuple[tuple[str, Shape], ...]) -> Shape:
        inside = "".join(f"        {shape.name} {part};\n" for part, shape in kinds)
        body = ["i16 kind;", f"union {{\n{inside}    }} as;"]
        name = "Or".join(shape.name for _, shape in kinds)
        return self._declared(("tagged", kinds), name, lambda n: Tagged(n, kinds), body)

    def _maybe(self, item: Shape) -> Shape:
        body = ["i16 some;", f"{item.name} it;"]
        name = f"Option{item.name[:1].upper()}{item.name[1:]}"
        return self._declared(("maybe", item), name, lambda n: Maybe(n, item), body)

    def _list(self, name: str, item: Shape, room: int) -> Shape:
        body = ["i16 n;", f"{item.name} at[{room}];"]
        return self._declared(("list", item, room), name, lambda n: List(n, item, room), body)

    def _array(self, name: str, item: Shape, length: int) -> Shape:
        body = [f"{item.name} at[{max(1, length)}];"]
        key = ("array", item, length)
        return self._declared(key, name, lambda n: Array(n, item, length), body)


RESERVED = frozenset(
    [
        "auto",
        "break",
        "case",
        "char",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extern",
        "float",
        "for",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "register",
        "restrict",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "typedef",
        "typeof",
        "union",
        "unsigned",
        "void",
        "volatile",
        "while",
        "asm",
        "linux",
        "unix",
        "i16",
        "u16",
        "i64",
        "u64",
        "u32",
        "u8",
        "self",
        "out",
        "status",
        "n",
        "at",
        "w",
        "it",
        "some",
        "kind",
        "as",
        "NONE",
        "DONE",
        "BLOCKED",
        "PRUNED",
        "WHOLE",
        "ERROR",
        "NO_ROOM",
    ]
)


def member(name: str) -> str:
    """A name of the spec as a name in C."""
    made = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    return f"{made}_" if made in RESERVED or made[:1].isdigit() else made


def stem(of: Type) -> str:
    """A word for a type, for names."""
    match of:
        case IntT():
            return "Int"
        case OptionT(item):
            return f"Option{stem(item)}"
        case RecordT(kind):
            return kind.__name__
        case UnionT(kinds):
            return "Or".join(str(kind) for kind in kinds) if len(kinds) < 3 else "Message"
        case TupleT(items):
            return "Tuple" + "".join(map(stem, items))
        case SetT(item):
            return f"Set{stem(item)}"
        case SeqT(item):
            return f"Seq{stem(item)}"
        case BagT(item):
            return f"Bag{stem(item)}"
        case MapT(key, value):
            return f"Map{stem(key)}To{stem(value)}"
        case LabelT(process):
            return member(f"Step{process}")
        case BoolT():
            return "Bool"
        case NeverT():
            return "Nothing"
    return member(str(of))
