"""What each operator of the IR does to values: one row for each, as plainly as it can be said.

Where an operator is not defined these raise `KeyError`, `IndexError`, `ValueError` or
`ZeroDivisionError`.  `and`, `or`, `map.fill` and `map.of` need more than values, and stand in
`interpret.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checker.lang.values import Bag, Map, Set, in_order
from checker.lang.words import majorities


def tuple_set(of: tuple[Any, ...], index: int, item: Any) -> tuple[Any, ...]:
    index = range(len(of))[index]
    return (*of[:index], item, *of[index + 1 :])


def _tuple_delete(of: tuple[Any, ...], index: int) -> tuple[Any, ...]:
    index = range(len(of))[index]
    return (*of[:index], *of[index + 1 :])


def _tuple_insert(of: tuple[Any, ...], index: int, item: Any) -> tuple[Any, ...]:
    return (*of[:index], item, *of[index:])


def _tuple_cut(of: tuple[Any, ...], low: int, high: int) -> tuple[Any, ...]:
    kept = set(range(len(of))) - set(range(len(of))[low:high])
    return tuple(item for index, item in enumerate(of) if index in kept)


def _only(of: Set) -> Any:
    (item,) = of
    return item


def put(of: Map, key: Any, value: Any) -> Map:
    if key not in of:
        raise KeyError(key)
    return Map({**of, key: value})


def _remove(of: Set, item: Any) -> Set:
    if item not in of:
        raise KeyError(item)
    return Set(x for x in of if x != item)


def _seq_remove(of: tuple[Any, ...], item: Any) -> tuple[Any, ...]:
    return _tuple_delete(of, of.index(item))


OPERATORS: dict[str, Callable[..., Any]] = {
    "not": lambda a: not a,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "neg": lambda a: -a,
    "abs": abs,
    "min": lambda *items: min(items),
    "max": lambda *items: max(items),
    "tuple.of": lambda *items: items,
    "set.of": lambda *items: Set(items),
    "set.union": lambda a, b: Set((*a, *b)),
    "set.both": lambda a, b: Set(x for x in a if x in b),
    "set.minus": lambda a, b: Set(x for x in a if x not in b),
    "set.xor": lambda a, b: Set((*(x for x in a if x not in b), *(x for x in b if x not in a))),
    "set.subset": lambda a, b: all(x in b for x in a),
    "set.strict": lambda a, b: a != b and all(x in b for x in a),
    "set.has": lambda item, of: item in of,
    "set.len": len,
    "set.add": lambda of, item: Set((*of, item)),
    "set.discard": lambda of, item: Set(x for x in of if x != item),
    "set.remove": _remove,
    "set.sorted": lambda of: tuple(sorted(of)),
    "set.subsets": lambda of: Set(of.subsets()),
    "set.majorities": majorities,
    "set.the": _only,
    "set.arbitrary": lambda of: in_order(of)[0],
    "map.get": lambda of, key: of[key],
    "map.set": put,
    "map.keys": Set,
    "map.len": len,
    "seq.of": lambda *items: items,
    "seq.get": lambda of, index: of[index],
    "seq.slice": lambda of, low, high: of[low:high],
    "seq.set": tuple_set,
    "seq.append": lambda of, item: (*of, item),
    "seq.concat": lambda a, b: (*a, *b),
    "seq.insert": _tuple_insert,
    "seq.delete": _tuple_delete,
    "seq.cut": _tuple_cut,
    "seq.remove": _seq_remove,
    "seq.has": lambda item, of: item in of,
    "seq.len": len,
    "seq.count": lambda of, item: of.count(item),
    "seq.index": lambda of, item: of.index(item),
    "seq.reversed": lambda of: of[::-1],
    "seq.sorted": lambda of: tuple(sorted(of)),
    "bag.of": lambda *items: Bag(items),
    "bag.add": Bag.adding,
    "bag.remove": Bag.removing,
    "bag.has": lambda item, of: item in of,
    "bag.len": len,
    "bag.count": lambda of, item: of.count(item),
    "bag.support": lambda of: of.support(),
}
