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

from checker.ground.conditions import (
    FALSE,
    TRUE,
    Condition,
    both,
    count,
    either,
    negation,
    under,
)
from checker.ground.lower import Binding

MOST_PAIRS = 200_000
"""So many pairs of bindings that share cells are looked at closely; others are dependent."""


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
    bindings: Iterable[Binding], sought: Iterable[Condition], extended: Condition
) -> Reduction:
    """How a search for states where one of `sought` holds may be reduced.

    `extended`: what holds in states that are extended.
    """
    moves = [_Move(binding) for binding in bindings]
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


def _dependence(moves: list[_Move]) -> tuple[int, ...]:
    against = [1 << number for number in range(len(moves))]
    looked_at = 0
    for i, a in enumerate(moves):
        for j, b in enumerate(moves[:i]):
            if not a.shares(b):
                continue
            looked_at += 1
            if looked_at > MOST_PAIRS or not _independent(a, b):
                against[i] |= 1 << j
                against[j] |= 1 << i
    return tuple(against)


def _independent(a: _Move, b: _Move) -> bool:
    """Whether, wherever both are enabled, neither disables the other, and their order is one."""
    if a.excludes(b):
        return True
    known = both(a.guard, b.guard)
    if known is FALSE:
        return True
    if not (a.keeps(b.guard, known) and b.keeps(a.guard, known)):
        return False
    for cell in sorted(a.changes_what_is_written_by(b) | b.changes_what_is_written_by(a)):
        first, second = a.then(b, cell), b.then(a, cell)
        for code in first.keys() | second.keys():
            where, there = first.get(code, FALSE), second.get(code, FALSE)
            if under(where, known) is not under(there, known):
                return False
    return True


class _Move:
    """A binding, to reason about."""

    def __init__(self, binding: Binding) -> None:
        self.guard = both(binding.guard, negation(binding.errors))
        self.written = {effect.cell.number: dict(effect.codes) for effect in binding.effects}
        self.touched = self.guard.cells.union(
            self.written, *(effect.reads for effect in binding.effects)
        )
        self.reads_for = {effect.cell.number: effect.reads for effect in binding.effects}
        self._after: dict[int, Condition] = {}

    def shares(self, other: _Move) -> bool:
        """Whether one writes a cell that the other reads or writes."""
        return not (
            self.touched.isdisjoint(other.written) and other.touched.isdisjoint(self.written)
        )

    def excludes(self, other: _Move) -> bool:
        """Whether it is plain that they are never enabled together: a cell would hold two codes."""
        ours, theirs = self.guard.told[0], other.guard.told[0]
        return any(ours[cell].isdisjoint(theirs[cell]) for cell in ours.keys() & theirs.keys())

    def changes_what_is_written_by(self, other: _Move) -> set[int]:
        """The cells that the other writes, and that this writes, too, or changes what they get."""
        return {
            cell
            for cell, reads in other.reads_for.items()
            if cell in self.written or not reads.isdisjoint(self.written)
        }

    def then(self, other: _Move, cell: int) -> dict[int, Condition]:
        """The codes of a cell after this and then the other, by conditions on the state before."""
        if cell not in other.written:
            return self.written[cell]
        return {code: self.after(where) for code, where in other.written[cell].items()}

    def after(self, of: Condition) -> Condition:
        """The condition on a state that says that `of` holds after this."""
        if of.cells.isdisjoint(self.written):
            return of
        found = self._after.get(of.number)
        if found is None:
            found = self._after[of.number] = self._replaced(of)
        return found

    def _replaced(self, of: Condition) -> Condition:
        match of.kind:
            case "atom":
                assert of.cell is not None
                held = self.written[of.cell.number]
                return either(where for code, where in held.items() if code in of.codes)
            case "and":
                return both(self.after(part) for part in of.parts)
            case "or":
                return either(self.after(part) for part in of.parts)
        return count([self.after(part) for part in of.parts], of.codes)

    def keeps(self, of: Condition, known: Condition | None = None) -> bool:
        """Whether `of` still holds after this, wherever this is enabled and `of` and `known` hold.

        The answer no may be wrong.
        """
        if of.cells.isdisjoint(self.written):
            return True
        known = both(self.guard if known is None else known, of)
        if known is FALSE or under(self.after(of), known) is TRUE:
            return True
        match of.kind:
            case "and":
                return all(self.keeps(part, known) for part in of.parts)
            case "or":
                return all(self.keeps(part, known) for part in of.parts)
            case "count" if max(of.codes) == len(of.parts):
                # At least so many: what holds must go on to hold.
                upwards = len(of.codes) == max(of.codes) - min(of.codes) + 1
                return upwards and all(self.keeps(part, known) for part in of.parts)
        return False


def _parts(guard: Condition) -> tuple[Condition, ...]:
    if guard is TRUE:
        return ()
    return guard.parts if guard.kind == "and" else (guard,)


def _set(members: Iterable[bool]) -> int:
    return sum(1 << number for number, member in enumerate(members) if member)


__all__ = ["Reduction", "reduction"]
