"""Which types of operands give which type: one row for each operator of the IR.

`RULES[op](type of the result, types of the operands)` says whether that is sound.
"""

from __future__ import annotations

from collections.abc import Callable

from checker.lang.infer import alike, item_of
from checker.lang.types import BagT, BoolT, IntT, MapT, SeqT, SetT, TupleT, Type

OpRule = Callable[[Type, tuple[Type, ...]], bool]


def _is(kind: type[Type]) -> Callable[[Type], bool]:
    return lambda of: isinstance(of, kind)


def _all_of(kind: type[Type], result: type[Type], count: int | None = None) -> OpRule:
    def rule(of: Type, args: tuple[Type, ...]) -> bool:
        right = (count is None and bool(args)) or len(args) == count
        return right and isinstance(of, result) and all(isinstance(arg, kind) for arg in args)

    return rule


def _equal(of: Type, args: tuple[Type, ...]) -> bool:
    if not isinstance(of, BoolT) or len(args) != 2:
        return False
    return args[0] == args[1] or all(isinstance(arg, IntT) for arg in args)


def _items(kind: type[Type]) -> OpRule:
    def rule(of: Type, args: tuple[Type, ...]) -> bool:
        return isinstance(of, kind) and all(arg == item_of(of) for arg in args)

    return rule


def _two_sets(of: Type, args: tuple[Type, ...]) -> bool:
    return isinstance(of, SetT) and len(args) == 2 and all(arg == of for arg in args)


def _compare_sets(of: Type, args: tuple[Type, ...]) -> bool:
    return (
        isinstance(of, BoolT)
        and len(args) == 2
        and args[0] == args[1]
        and isinstance(args[0], SetT)
    )


def _has(kind: type[Type]) -> OpRule:
    def rule(of: Type, args: tuple[Type, ...]) -> bool:
        right = isinstance(of, BoolT) and len(args) == 2 and isinstance(args[1], kind)
        return right and args[0] == item_of(args[1])

    return rule


def _length(kind: type[Type]) -> OpRule:
    return lambda of, args: isinstance(of, IntT) and len(args) == 1 and isinstance(args[0], kind)


def _same_items(of: Type, held: Type, kind: type[Type]) -> bool:
    return isinstance(of, kind) and isinstance(held, kind) and item_of(of) == item_of(held)


def _with_item(kind: type[Type]) -> OpRule:
    """(container, item) gives the container."""

    def rule(of: Type, args: tuple[Type, ...]) -> bool:
        return len(args) == 2 and _same_items(of, args[0], kind) and args[1] == item_of(of)

    return rule


def _map_get(of: Type, args: tuple[Type, ...]) -> bool:
    held = args[0] if len(args) == 2 else None
    return isinstance(held, MapT) and of == held.value and alike(args[1], held.key)


def _map_set(of: Type, args: tuple[Type, ...]) -> bool:
    right = isinstance(of, MapT) and len(args) == 3 and args[0] == of
    return right and isinstance(of, MapT) and alike(args[1], of.key) and args[2] == of.value


def _map_of(of: Type, args: tuple[Type, ...]) -> bool:
    if not isinstance(of, MapT) or len(args) % 2:
        return False
    return all(k == of.key for k in args[0::2]) and all(v == of.value for v in args[1::2])


def _seq_get(of: Type, args: tuple[Type, ...]) -> bool:
    held = args[0] if len(args) == 2 else None
    return isinstance(held, SeqT) and of == held.item and isinstance(args[1], IntT)


def _seq_with(*rest: str) -> OpRule:
    """A sequence from a sequence; the rest of the operands are indexes ("i") or items ("x")."""

    def rule(of: Type, args: tuple[Type, ...]) -> bool:
        if len(args) != 1 + len(rest) or not _same_items(of, args[0], SeqT):
            return False
        return all(
            isinstance(arg, IntT) if what == "i" else arg == item_of(of)
            for what, arg in zip(rest, args[1:], strict=True)
        )

    return rule


def _concat(of: Type, args: tuple[Type, ...]) -> bool:
    return len(args) == 2 and all(_same_items(of, arg, SeqT) for arg in args)


def _from(kind: type[Type], result: type[Type]) -> OpRule:
    """A container of one kind from one of another, with the same items."""

    def rule(of: Type, args: tuple[Type, ...]) -> bool:
        return (
            len(args) == 1
            and isinstance(of, result)
            and isinstance(args[0], kind)
            and item_of(of) == item_of(args[0])
        )

    return rule


def _member_of(of: Type, args: tuple[Type, ...]) -> bool:
    return len(args) == 1 and isinstance(args[0], SetT) and of == args[0].item


def _sets_of(of: Type, args: tuple[Type, ...]) -> bool:
    return len(args) == 1 and isinstance(of, SetT) and of.item == args[0]


def _count(kind: type[Type]) -> OpRule:
    def rule(of: Type, args: tuple[Type, ...]) -> bool:
        right = isinstance(of, IntT) and len(args) == 2 and isinstance(args[0], kind)
        return right and args[1] == item_of(args[0])

    return rule


_BOOLS = _all_of(BoolT, BoolT)
_COMPARE = _all_of(IntT, BoolT, 2)
_NUMBERS = _all_of(IntT, IntT, 2)

RULES: dict[str, OpRule] = {
    "not": _all_of(BoolT, BoolT, 1),
    "and": _BOOLS,
    "or": _BOOLS,
    "==": _equal,
    "!=": _equal,
    "<": _COMPARE,
    "<=": _COMPARE,
    ">": _COMPARE,
    ">=": _COMPARE,
    "+": _NUMBERS,
    "-": _NUMBERS,
    "*": _NUMBERS,
    "//": _NUMBERS,
    "%": _NUMBERS,
    "neg": _all_of(IntT, IntT, 1),
    "abs": _all_of(IntT, IntT, 1),
    "min": _all_of(IntT, IntT),
    "max": _all_of(IntT, IntT),
    "tuple.of": lambda of, args: isinstance(of, TupleT) and of.items == args,
    "set.of": _items(SetT),
    "set.union": _two_sets,
    "set.both": _two_sets,
    "set.minus": _two_sets,
    "set.xor": _two_sets,
    "set.subset": _compare_sets,
    "set.strict": _compare_sets,
    "set.has": _has(SetT),
    "set.len": _length(SetT),
    "set.add": _with_item(SetT),
    "set.discard": _with_item(SetT),
    "set.remove": _with_item(SetT),
    "set.sorted": _from(SetT, SeqT),
    "set.subsets": _sets_of,
    "set.majorities": _sets_of,
    "set.the": _member_of,
    "set.arbitrary": _member_of,
    "map.get": _map_get,
    "map.set": _map_set,
    "map.fill": lambda of, args: isinstance(of, MapT) and args == (of.value,),
    "map.of": _map_of,
    "map.keys": _from(MapT, SetT),
    "map.len": _length(MapT),
    "seq.of": _items(SeqT),
    "seq.get": _seq_get,
    "seq.slice": _seq_with("i", "i"),
    "seq.set": _seq_with("i", "x"),
    "seq.append": _seq_with("x"),
    "seq.concat": _concat,
    "seq.insert": _seq_with("i", "x"),
    "seq.delete": _seq_with("i"),
    "seq.cut": _seq_with("i", "i"),
    "seq.remove": _seq_with("x"),
    "seq.has": _has(SeqT),
    "seq.len": _length(SeqT),
    "seq.count": _count(SeqT),
    "seq.index": _count(SeqT),
    "seq.reversed": _seq_with(),
    "seq.sorted": _seq_with(),
    "bag.of": _items(BagT),
    "bag.add": _with_item(BagT),
    "bag.remove": _with_item(BagT),
    "bag.has": _has(BagT),
    "bag.len": _length(BagT),
    "bag.count": _count(BagT),
    "bag.support": _from(BagT, SetT),
}
