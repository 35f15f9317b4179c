"""Partial-order reduction: which bindings a search may leave for later, from their ground form.

In a state the search may take a *stubborn set* instead of every enabled binding (Valmari 1990; in
this form, by guards: Laarman, Pater, van de Pol and Hansen, "Guard-based partial-order reduction",
2016).  A set of bindings is stubborn in a state if

* with an enabled binding it has all that this one depends on: all that, from some state in which
  both are enabled, may disable it, may be disabled by it, or do not lead to the same state in
  both orders (`against`);
* with a disabled binding it has, for some guard of it that is false, all that may make this guard
  true (`enabling`).

So of every run from the state, either some step is in the set, and the first such step may as well
come first; or none is, and an enabled binding of the set may be taken first and changes nothing of
what the run can do.  The second is of use only if the search gets on by it (it leads to a state
that is new: the proviso, which `runtime/reduce.h` keeps), and if it spoils nothing:

* what is looked for at the end of the run (an invariant that is violated, a goal, an error, a
  pruned step) is not undone by it: it is not `harmful`.  It may well bring it about.
* it does not lead where states are cut off or fail: no binding that may do so is in the set
  (`blocking`).

Then every property of single states, every deadlock, and every binding ever taken are found as
by the full search; runs may be longer.  Nothing here depends on the state: what does is in C.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checker.engines.native.reduction.facts import Facts
from checker.engines.native.reduction.moves import Move, Work, independent
from checker.ground.conditions import TRUE, Condition, negation
from checker.ground.lower import Binding


@dataclass(frozen=True)
class Reduction:
    """What the search must know of each binding, by its number; a set is a number's bits."""

    guards: tuple[Condition, ...]
    needs: tuple[tuple[int, ...], ...]
    """By binding: the numbers of the guards that must all hold."""
    enabling: tuple[int, ...]
    """By guard: the bindings that may make it true."""
    against: tuple[int, ...]
    """By binding: those that it depends on, itself among them."""
    harmful: int
    """The bindings that may undo what is looked for."""
    blocking: int
    """The bindings that may lead where states are not extended."""


def reduction(
    bindings: Iterable[Binding], facts: Facts, sought: Iterable[Condition], extended: Condition
) -> Reduction:
    """How a search for states where one of `sought` holds may be reduced.

    `extended`: what holds in states that are extended.
    """
    work = Work()
    moves = [Move(binding, facts, work) for binding in bindings]
    numbers: dict[Condition, int] = {}
    needs = tuple(
        tuple(numbers.setdefault(part, len(numbers)) for part in _parts(move.guard))
        for move in moves
    )
    wanted = list(dict.fromkeys(sought))
    return Reduction(
        tuple(numbers),
        needs,
        tuple(_set(not move.keeps(negation(guard)) for move in moves) for guard in numbers),
        _dependence(moves),
        _set(not all(move.keeps(what) for what in wanted) for move in moves),
        _set(not move.keeps(extended) for move in moves),
    )


def _dependence(moves: list[Move]) -> tuple[int, ...]:
    against = [1 << number for number in range(len(moves))]
    for i, a in enumerate(moves):
        for j, b in enumerate(moves[:i]):
            if not independent(a, b):
                against[i] |= 1 << j
                against[j] |= 1 << i
    return tuple(against)


def _parts(guard: Condition) -> tuple[Condition, ...]:
    if guard is TRUE:
        return ()
    return guard.parts if guard.kind == "and" else (guard,)


def _set(members: Iterable[bool]) -> int:
    return sum(1 << number for number, member in enumerate(members) if member)


__all__ = ["Reduction", "reduction"]
