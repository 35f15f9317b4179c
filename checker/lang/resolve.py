"""From an annotation, as Python evaluates it, to a `Type` with numbers for bounds."""

from __future__ import annotations

import ast
import enum
import inspect
import sys
import types as python_types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin

from checker.lang.declare import AtMost, Range, declaration_of
from checker.lang.errors import Place, SpecError
from checker.lang.rewrite import rewritten
from checker.lang.source import names_around, source_of
from checker.lang.types import (
    BagT,
    BoolT,
    EnumT,
    IntT,
    MapT,
    OptionT,
    RecordT,
    SeqT,
    SetT,
    SortT,
    TupleT,
    Type,
    UnionT,
    union_of,
)
from checker.lang.values import Bag, Map, Record, Seq, Set, Sort

WRITE_INT = 'write it as Annotated[int, Range(0, 4)], or Range("max_ballot + 1") over a constant'


class Resolver:
    """Turns annotations into types, for one instance of a spec.

    `constants` gives the numbers that bounds refer to; `sorts` the members of each Sort;
    `variables` what the type variables of a generic part stand for.
    """

    def __init__(
        self,
        constants: Mapping[str, Any],
        sorts: dict[type[Sort], SortT],
        variables: Mapping[Any, Type],
    ) -> None:
        self.constants = constants
        self.sorts = sorts
        self.variables = variables
        self.records: dict[type[Record], RecordT | None] = {}

    def resolve(self, annotation: Any, place: Place | None = None) -> Type:
        """The type of an annotation.  `SpecError` if it has none."""

        def fail(rule: str, mend: str) -> typing.NoReturn:
            raise SpecError(rule, mend, place)

        origin, args = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self._bounded(annotation.__origin__, annotation.__metadata__, place)
        if annotation is bool:
            return BoolT()
        if annotation is int:
            return IntT()
        if isinstance(annotation, TypeVar):
            if annotation not in self.variables:
                fail(
                    f"the type variable {annotation} stands for nothing here",
                    "give the generic part its type, as in `net: Lossy[Message]`",
                )
            return self.variables[annotation]
        if origin in (typing.Union, python_types.UnionType):
            return self._union(args, place)
        if origin is Set:
            return SetT(self.resolve(args[0], place))
        if origin is Seq:
            return SeqT(self.resolve(args[0], place))
        if origin is Bag:
            return BagT(self.resolve(args[0], place))
        if origin is Map:
            if len(args) != 2:
                fail("a Map has a type for its keys and one for its values", "write Map[K, V]")
            return MapT(self.resolve(args[0], place), self.resolve(args[1], place))
        if origin is tuple:
            return TupleT(tuple(self.resolve(arg, place) for arg in args))
        if isinstance(annotation, type):
            if issubclass(annotation, enum.Enum):
                return EnumT(annotation)
            if issubclass(annotation, Sort):
                return self._sort(annotation, place)
            if issubclass(annotation, Record):
                return self._record(annotation, place)
            if annotation in (Set, Map, Seq, Bag):
                name = annotation.__name__
                fail(f"a {name} of what?", f"write {name}[...] with the type of its items")
            if annotation in (set, frozenset, dict, list):
                ours = {set: "Set", frozenset: "Set", dict: "Map", list: "Seq"}[annotation]
                fail(f"`{annotation.__name__}` is not a type of the language", f"write {ours}[...]")
        if origin in (set, frozenset, dict, list):
            ours = {set: "Set", frozenset: "Set", dict: "Map", list: "Seq"}[origin]
            fail(f"`{origin.__name__}` is not a type of the language", f"write {ours}[...]")
        if isinstance(annotation, Range | AtMost):
            of = "int" if isinstance(annotation, Range) else "Seq[...]"
            word = type(annotation).__name__
            fail(f"{word} is a bound, not a type", f"write Annotated[{of}, {word}(...)]")
        return fail(
            f"{_name(annotation)} is not a type of the language",
            "use bool, int, an Enum, a Sort, a Record, Set, Map, Seq, Bag, tuple or `| None`",
        )

    # ------------------------------------------------------------- the kinds

    def _bounded(self, inner: Any, metadata: tuple[Any, ...], place: Place | None) -> Type:
        made = self.resolve(inner, place)
        for bound in metadata:
            if isinstance(bound, Range):
                if not isinstance(made, IntT):
                    raise SpecError(f"Range bounds an int, not a {made}", WRITE_INT, place)
                low = self.number(bound.start, place)
                made = IntT(low, self.number(bound.stop, place) - 1, bound.beyond)
            elif isinstance(bound, AtMost):
                number = self.number(bound.number, place)
                match made:
                    case SeqT(item):
                        made = SeqT(item, number, bound.beyond)
                    case BagT(item):
                        made = BagT(item, number, bound.beyond)
                    case SetT(item):
                        made = SetT(item, number, bound.beyond)
                    case _:
                        raise SpecError(
                            f"AtMost bounds a Seq, a Bag or a Set, not a {made}",
                            "bound an int with Range",
                            place,
                        )
        return made

    def _union(self, args: tuple[Any, ...], place: Place | None) -> Type:
        some = [arg for arg in args if arg is not type(None)]
        kinds: list[RecordT] = []
        items = [self.resolve(arg, place) for arg in some]
        for item in items:
            if isinstance(item, RecordT):
                kinds.append(item)
            elif isinstance(item, UnionT):
                kinds.extend(item.kinds)
        if len(items) == 1:
            whole = items[0]
        elif len(kinds) >= len(items) and all(isinstance(i, RecordT | UnionT) for i in items):
            whole = union_of(kinds)
        else:
            raise SpecError(
                f"a union is of Records: {' | '.join(map(str, items))} is not",
                "wrap the alternatives in Records",
                place,
            )
        if len(some) == len(args):
            return whole
        if isinstance(whole, OptionT):
            raise SpecError("`| None` twice says nothing more", "write it once", place)
        return OptionT(whole)

    def _sort(self, kind: Any, place: Place | None) -> Type:
        if kind not in self.sorts:
            raise SpecError(
                f"how many members has the Sort `{kind.__name__}`?",
                f"declare a constant of the spec: `{kind.__name__.lower()}s: "
                f"Set[{kind.__name__}] = members(3)`",
                place,
            )
        return self.sorts[kind]

    def _record(self, kind: type[Record], place: Place | None) -> RecordT:
        if kind in self.records:
            known = self.records[kind]
            if known is None:
                raise SpecError(
                    f"the Record `{kind.__name__}` contains itself, so it has no finite domain",
                    "refer to other records by an identity or a number",
                    place,
                )
            return known
        self.records[kind] = None
        prepare_record(kind)
        fields = []
        for name in kind._fields:
            owner = next(c for c in kind.__mro__ if name in inspect.get_annotations(c))
            fields.append((name, self.resolve(annotations_of(owner)[name], place)))
        made = RecordT(kind, tuple(fields))
        self.records[kind] = made
        return made

    # ------------------------------------------------------------- bounds

    def number(self, bound: int | str, place: Place | None) -> int:
        """The value of a bound: a number, or text over the constants."""
        if isinstance(bound, int):
            return bound
        try:
            return self._value(ast.parse(bound, mode="eval").body)
        except (SyntaxError, KeyError, TypeError) as error:
            known = ", ".join(sorted(self.constants)) or "none"
            raise SpecError(
                f"the bound {bound!r} is not a number over the constants of the spec ({error})",
                f"use numbers, + - * and these constants: {known}",
                place,
            ) from None

    def _value(self, node: ast.expr) -> int:
        match node:
            case ast.Constant(value=int(value)):
                return value
            case ast.Name(id=name):
                value = self.constants[name]
                if isinstance(value, int):
                    return int(value)
                if isinstance(value, Set | Map):
                    return len(value)
                raise TypeError(f"`{name}` is not a number")
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -self._value(inner)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return _ARITHMETIC[type(op)](self._value(left), self._value(right))
        raise TypeError(f"`{ast.unparse(node)}` is not allowed")


_ARITHMETIC: dict[type, Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
}


def _name(annotation: Any) -> str:
    return f"`{getattr(annotation, '__name__', annotation)}`"


def prepare_record(kind: type[Record]) -> None:
    """Give a Record's own methods value semantics, and find its invariants.  Once."""
    if "_prepared" in kind.__dict__:
        return
    checks = []
    for cls in reversed(kind.__mro__):
        for name, method in list(vars(cls).items()):
            if not inspect.isfunction(method) or name.startswith("__") or cls is Record:
                continue
            if issubclass(cls, Record) and not hasattr(method, "__wrapped__"):
                if method.__module__ == Record.__module__:
                    continue
                method = rewritten(method, cls)
                type.__setattr__(cls, name, method)
            said = declaration_of(method)
            if said and said.kind == "invariant":
                checks.append(getattr(kind, name))
    for made in kind._interned.values():  # defaults of fields, made before anything was checked
        for check in checks:
            if not check(made):
                raise SpecError(
                    f"{made!r} breaks the invariant `{check.__name__}` of its record",
                    f"make only records for which `{check.__name__}` holds",
                    source_of(check).place(),
                )
    type.__setattr__(kind, "_checks", tuple(dict.fromkeys(checks)))
    type.__setattr__(kind, "_prepared", True)


def annotations_of(cls: type) -> dict[str, Any]:
    """The annotations of a class itself, evaluated where they are written as text."""
    found = inspect.get_annotations(cls)
    names = dict(vars(sys.modules[cls.__module__])) if cls.__module__ in sys.modules else {}
    names.update(names_around(cls))
    made = {}
    for name, value in found.items():
        try:
            made[name] = evaluated(value, names)
        except SpecError as error:
            from checker.lang.spec import field_places

            raise SpecError(error.rule, error.mend, field_places(cls).get(name)) from None
    return made


def evaluated(annotation: Any, names: dict[str, Any]) -> Any:
    if isinstance(annotation, str):
        try:
            # The user's own annotation, which Python would have evaluated itself without
            # `from __future__ import annotations`.
            return evaluated(eval(annotation, names), names)
        except Exception as error:
            raise SpecError(
                f"the annotation `{annotation}` cannot be evaluated: {error}",
                "import or define the names in it",
            ) from None
    return annotation
