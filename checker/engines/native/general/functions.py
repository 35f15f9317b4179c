"""Functions in C that are made when they are first asked for; values that are known.

They stand in the file in that order, so that each stands before its users.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checker.engines.native.general.codes import code_of, members
from checker.engines.native.general.packing import Widths
from checker.engines.native.general.shapes import (
    Bits,
    List,
    NotInCError,
    Scalar,
    Shape,
    Shapes,
    member,
    stem,
)
from checker.lang.infer import NeverT
from checker.lang.types import BagT, IntT, MapT, OptionT, RecordT, SeqT, SetT, TupleT, Type, UnionT

LARGEST = 2**62
"""No number in C is as large as this."""


class Functions:
    """What was made so far, and values that are known."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes
        self.widths = Widths(shapes)
        self.functions: list[str] = []
        self.made: dict[tuple[Any, ...], str] = {}
        self.names: set[str] = set()

    def shape(self, of: Type) -> Shape:
        return self.shapes.of(of)

    def scalar(self, of: Type) -> bool:
        return isinstance(self.shape(of), Scalar)

    def fresh(self, wanted: str) -> str:
        found, number = member(wanted), 1
        while found in self.names:
            number += 1
            found = f"{member(wanted)}_{number}"
        self.names.add(found)
        return found

    def once(self, key: tuple[Any, ...], name: str, make: Callable[[str], str]) -> str:
        """The function for a key, made the first time."""
        if key not in self.made:
            fresh = self.fresh(name)
            self.functions.append(make(fresh))
            self.made[key] = fresh
        return self.made[key]

    def table(self, key: tuple[Any, ...], name: str, of: str, values: tuple[int, ...]) -> str:
        def make(fresh: str) -> str:
            inside = ", ".join(map(str, values)) or "0"
            return f"static const {of} {fresh}[{max(1, len(values))}] = {{{inside}}};\n"

        return self.once(("table", *key), name, make)

    # ------------------------------------------------------------- values that are known

    def literal(self, of: Type, value: Any) -> str:
        if self.scalar(of):
            return self.initializer(of, value)

        def make(name: str) -> str:
            return f"static const {self.shape(of).name} {name} = {self.initializer(of, value)};\n"

        return self.once(("literal", self.shape(of).name, of, value), f"the{stem(of)}", make)

    def initializer(self, of: Type, value: Any) -> str:
        shape = self.shape(of)
        if isinstance(shape, Scalar):
            return self._number(of, value)
        match of:
            case OptionT(item):
                return "{0}" if value is None else f"{{1, {self.initializer(item, value)}}}"
            case RecordT(_, fields):
                held = [self.initializer(kind, getattr(value, name)) for name, kind in fields]
                return "{" + (", ".join(held) or "0") + "}"
            case TupleT(items):
                held = [self.initializer(kind, v) for kind, v in zip(items, value, strict=True)]
                return "{" + (", ".join(held) or "0") + "}"
            case UnionT(kinds):
                at = next(i for i, kind in enumerate(kinds) if kind.kind is type(value))
                inside = self.initializer(kinds[at], value)
                return f"{{{at}, {{.{member(str(kinds[at]))} = {inside}}}}}"
            case SetT(item) if isinstance(shape, Bits):
                bits = sum(1 << code_of(item, one) for one in value)
                words = [bits >> 64 * at & (2**64 - 1) for at in range(shape.words)]
                return "{{" + ", ".join(f"{word:#x}u" for word in words) + "}}"
            case SetT(item) | SeqT(item) | BagT(item):
                assert isinstance(shape, List)
                held = [self.initializer(item, one) for one in value]
                if len(held) > shape.room:
                    raise NotInCError(f"{len(held)} items of {of}")
                return f"{{{len(held)}, {{{', '.join(held) or '0'}}}}}" if held else "{0}"
            case MapT(key, kind):
                pairs = zip(members(key), value.values(), strict=True)
                held = [f"[{code}] = {self.initializer(kind, one)}" for code, one in pairs]
                return "{{" + (", ".join(held) or "0") + "}}"
        raise NotInCError(f"a value of {of}")

    def _number(self, of: Type, value: Any) -> str:
        match of:
            case OptionT(item):
                return "NONE" if value is None else self._number(item, value)
            case IntT():
                if not -LARGEST < value < LARGEST:
                    raise NotInCError(f"the number {value}")
                return str(value)
            case NeverT():
                return "0"
        return str(code_of(of, value))
