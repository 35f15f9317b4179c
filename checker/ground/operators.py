"""Operators over symbols, where something better can be done than to go through all cases.

A rule gets the operator's node and its operands, and returns a symbol, or `None` where it has
nothing better.  What an operator means is said in `ir.OPERATORS`, and computed value by value
in `checker/lang/operations.py`; the tests compare.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checker.ground.conditions import FALSE, TRUE, Condition, both, count, either, negation
from checker.ground.symbols import (
    Cases,
    Maps,
    Sets,
    Symbol,
    cases,
    choose,
    combined,
    condition,
    equal,
    flat,
    item_at,
    items_of,
    known,
    membership,
    truth,
)
from checker.lang import ir, operations
from checker.lang.types import MapT
from checker.lang.values import Set, in_order

Rule = Callable[[ir.Op, list[Symbol]], Symbol | None]


def plain(e: ir.Op, args: list[Symbol]) -> Symbol:
    """The operator, computed for each combination of its operands' values."""
    rule = operations.OPERATORS[e.op]
    found = []
    for values, where in combined([flat(arg) for arg in args]):
        try:
            found.append((rule(*values), where))
        except (KeyError, IndexError, ValueError, ZeroDivisionError):
            continue  # a model error there, which was noted before
    return cases(found)


def _per_item(rule: Callable[[Condition, Condition], Condition]) -> Rule:
    def made(_e: ir.Op, args: list[Symbol]) -> Symbol:
        a, b = membership(args[0]), membership(args[1])
        items = in_order(dict.fromkeys([*a, *b]))
        return Sets({x: rule(a.get(x, FALSE), b.get(x, FALSE)) for x in items})

    return made


def _subset(a: Symbol, b: Symbol) -> Condition:
    has = membership(b)
    return both(
        either(negation(where), has.get(item, FALSE)) for item, where in membership(a).items()
    )


def _has(_e: ir.Op, args: list[Symbol]) -> Symbol:
    members = membership(args[1])
    return truth(
        either(both(where, members.get(x, FALSE)) for x, where in flat(args[0]).of.items())
    )


def _length(_e: ir.Op, args: list[Symbol]) -> Symbol | None:
    if not isinstance(args[0], Sets):
        return None
    parts = tuple(args[0].of.values())
    return cases((n, count(parts, {n})) for n in range(len(parts) + 1))


def _add(_e: ir.Op, args: list[Symbol]) -> Symbol:
    members = dict(membership(args[0]))
    for item, where in flat(args[1]).of.items():
        members[item] = either(members.get(item, FALSE), where)
    return Sets({item: members[item] for item in in_order(members)})


def _discard(_e: ir.Op, args: list[Symbol]) -> Symbol:
    members = dict(membership(args[0]))
    for item, where in flat(args[1]).of.items():
        if item in members:
            members[item] = both(members[item], negation(where))
    return Sets(members)


def _the(_e: ir.Op, args: list[Symbol]) -> Symbol:
    members = membership(args[0])
    return cases(
        (item, both(where, *(negation(w) for other, w in members.items() if other != item)))
        for item, where in members.items()
    )


def _map_get(_e: ir.Op, args: list[Symbol]) -> Symbol | None:
    if not isinstance(args[0], Maps):
        return None
    found: Symbol | None = None
    for key, where in flat(args[1]).of.items():
        if key in args[0].of:
            here = args[0].of[key]
            found = here if found is None else choose(where, here, found)
    return Cases({}) if found is None else found


def _map_set(e: ir.Op, args: list[Symbol]) -> Symbol:
    assert isinstance(e.type, MapT)
    keys = flat(args[1])
    return Maps(
        {
            key: choose(keys.of.get(key, FALSE), args[2], item_at(args[0], key))
            for key in e.type.keys
        }
    )


def _map_fill(e: ir.Op, args: list[Symbol]) -> Symbol:
    assert isinstance(e.type, MapT)
    return Maps(dict.fromkeys(e.type.keys, args[0]))


def _map_of(_e: ir.Op, args: list[Symbol]) -> Symbol:
    found: dict[Any, Symbol] = {}
    for keys, value in zip(args[0::2], args[1::2], strict=True):
        for key, where in flat(keys).of.items():
            found[key] = choose(where, value, found[key]) if key in found else value
    return Maps({key: found[key] for key in in_order(found)})


def _keys(e: ir.Op, _args: list[Symbol]) -> Symbol:
    of = e.args[0].type
    assert isinstance(of, MapT)
    return known(Set(of.keys) if e.op == "map.keys" else len(of.keys))


OPERATORS: dict[str, Rule] = {
    "not": lambda e, args: truth(negation(condition(args[0]))),
    "==": lambda e, args: truth(equal(args[0], args[1])),
    "!=": lambda e, args: truth(negation(equal(args[0], args[1]))),
    "set.of": lambda e, args: items_of((arg, TRUE) for arg in args),
    "set.union": _per_item(either),
    "set.both": _per_item(both),
    "set.minus": _per_item(lambda a, b: both(a, negation(b))),
    "set.xor": _per_item(lambda a, b: either(both(a, negation(b)), both(negation(a), b))),
    "set.subset": lambda e, args: truth(_subset(args[0], args[1])),
    "set.strict": lambda e, args: truth(
        both(_subset(args[0], args[1]), negation(equal(args[0], args[1])))
    ),
    "set.has": _has,
    "set.len": _length,
    "set.add": _add,
    "set.discard": _discard,
    "set.remove": _discard,
    "set.the": _the,
    "map.get": _map_get,
    "map.set": _map_set,
    "map.fill": _map_fill,
    "map.of": _map_of,
    "map.keys": _keys,
    "map.len": _keys,
}
