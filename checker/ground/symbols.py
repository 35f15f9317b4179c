"""Values that depend on the state, as conditions over its cells.

    Cases   {value: condition}      the value is that one whose condition holds: exactly one does
    Sets    {item: condition}       a Set: the item is a member where the condition holds
    Maps    {key: symbol}           a Map

A bool is Cases of True and False.  A container of which nothing is open may also stand as Cases
of one whole value.  Where the code says *flat*, a symbol becomes Cases of whole values, which is
possible only if little of it is open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

from checker.ground.conditions import FALSE, TRUE, Condition, both, either, negation, spend
from checker.lang.values import Map, Set, in_order

MOST_CASES = 4096
MOST_OPEN = 10
"""A set with more open members than this is not made flat."""


class NotGroundError(Exception):
    """This cannot be made ground within the limits; the message says what."""


@dataclass(frozen=True)
class Cases:
    of: dict[Any, Condition]


@dataclass(frozen=True)
class Sets:
    of: dict[Any, Condition]


@dataclass(frozen=True)
class Maps:
    of: dict[Any, Symbol]


Symbol = Cases | Sets | Maps


def known(value: Any) -> Cases:
    """A value that does not depend on the state."""
    return Cases({value: TRUE})


def truth(of: Condition) -> Cases:
    """A bool that is true where the condition holds."""
    if of is TRUE:
        return Cases({True: TRUE})
    return Cases({False: TRUE}) if of is FALSE else Cases({True: of, False: negation(of)})


def condition(of: Symbol) -> Condition:
    """Where a bool is true."""
    assert isinstance(of, Cases)
    return of.of.get(True, FALSE)


def changed(of: Symbol, change: Callable[[Condition], Condition]) -> Symbol:
    """The symbol with another condition for each of its conditions."""
    if isinstance(of, Maps):
        return Maps({key: changed(inner, change) for key, inner in of.of.items()})
    if isinstance(of, Sets):
        return Sets({item: change(where) for item, where in of.of.items()})
    pairs = ((value, change(where)) for value, where in of.of.items())
    return Cases({value: where for value, where in pairs if where is not FALSE})


def cases(pairs: Iterable[tuple[Any, Condition]]) -> Cases:
    """The value that stands beside the condition that holds."""
    found: dict[Any, list[Condition]] = {}
    for value, where in pairs:
        if where is not FALSE:
            found.setdefault(value, []).append(where)
    if len(found) > MOST_CASES:
        raise NotGroundError(f"a value with more than {MOST_CASES} cases")
    return Cases(
        {
            value: wheres[0] if len(wheres) == 1 else either(wheres)
            for value, wheres in found.items()
        }
    )


def combined(parts: list[Cases]) -> list[tuple[tuple[Any, ...], Condition]]:
    """Each combination of values that can be, with its condition."""
    size = prod(len(part.of) for part in parts)
    if size > 32 * MOST_CASES:
        raise NotGroundError(f"{size} combinations of values")
    spend(size)
    found: list[tuple[tuple[Any, ...], Condition]] = [((), TRUE)]
    for part in parts:
        longer = [
            ((*values, value), isit if where is TRUE else both(where, isit))
            for values, where in found
            for value, isit in part.of.items()
        ]
        found = [pair for pair in longer if pair[1] is not FALSE]
    return found


def flat(of: Symbol) -> Cases:
    """The symbol as Cases of whole values."""
    if isinstance(of, Cases):
        return of
    if isinstance(of, Maps):
        keys = list(of.of)
        parts = [flat(of.of[key]) for key in keys]
        return cases(
            (Map(zip(keys, values, strict=True)), where) for values, where in combined(parts)
        )
    sure = [item for item, where in of.of.items() if where is TRUE]
    rest = [item for item, where in of.of.items() if where is not TRUE and where is not FALSE]
    if len(rest) > MOST_OPEN:
        raise NotGroundError(f"a set of {len(rest)} open members as one value")
    chosen = combined([truth(of.of[item]) for item in rest])
    return cases(
        (Set([*sure, *(item for item, isin in zip(rest, ins, strict=True) if isin)]), where)
        for ins, where in chosen
    )


def membership(of: Symbol) -> dict[Any, Condition]:
    """The items that a Set may have, in canonical order, each with where it has it."""
    if isinstance(of, Sets):
        return of.of
    assert isinstance(of, Cases)
    found: dict[Any, list[Condition]] = {}
    for value, where in of.of.items():
        for item in value:
            found.setdefault(item, []).append(where)
    return {item: either(found[item]) for item in in_order(found)}


def items_of(pairs: Iterable[tuple[Symbol, Condition]]) -> Sets:
    """The set of these items, each a member where its condition holds."""
    found: dict[Any, list[Condition]] = {}
    for symbol, where in pairs:
        for value, isit in flat(symbol).of.items():
            found.setdefault(value, []).append(both(where, isit))
    members = {item: either(found[item]) for item in in_order(found)}
    return Sets({item: where for item, where in members.items() if where is not FALSE})


def item_at(of: Symbol, key: Any) -> Symbol:
    """The value of a Map at a known key, or of a tuple at a known index."""
    if isinstance(of, Maps):
        return of.of[key]
    assert isinstance(of, Cases)
    return cases((value[key], where) for value, where in of.of.items())


def choose(where: Condition, yes: Symbol, no: Symbol) -> Symbol:
    """`yes` where the condition holds, else `no`."""
    if where is TRUE or yes is no:
        return yes
    if where is FALSE:
        return no
    other = negation(where)
    if isinstance(yes, Maps) or isinstance(no, Maps):
        keys = yes.of if isinstance(yes, Maps) else no.of
        return Maps({key: choose(where, item_at(yes, key), item_at(no, key)) for key in keys})
    if isinstance(yes, Sets) or isinstance(no, Sets):
        a, b = membership(yes), membership(no)
        found = {}
        for item in in_order(dict.fromkeys([*a, *b])):
            p, q = a.get(item, FALSE), b.get(item, FALSE)
            found[item] = p if p is q else either(both(where, p), both(other, q))
        return Sets(found)
    if yes.of == no.of:
        return yes
    return cases(
        [(value, both(where, isit)) for value, isit in yes.of.items()]
        + [(value, both(other, isit)) for value, isit in no.of.items()]
    )


def equal(a: Symbol, b: Symbol) -> Condition:
    """Where two symbols are the same value."""
    if isinstance(a, Maps) or isinstance(b, Maps):
        keys = a.of if isinstance(a, Maps) else b.of
        return both(equal(item_at(a, key), item_at(b, key)) for key in keys)
    if isinstance(a, Sets) or isinstance(b, Sets):
        x, y = membership(a), membership(b)
        return both(same(x.get(item, FALSE), y.get(item, FALSE)) for item in {**x, **y})
    return either(both(where, b.of[value]) for value, where in a.of.items() if value in b.of)


def same(a: Condition, b: Condition) -> Condition:
    """Where both hold, or neither."""
    return TRUE if a is b else either(both(a, b), both(negation(a), negation(b)))
