"""Facts of reachable states: which two cells may hold which codes together.

A literal is "this cell holds this code", a bit; a set of literals is the bits of a number.  For
each literal the literals that some reachable state may have beside it are kept, from the initial
states on, until no binding adds any.  So `at[p] is "eat"` is found to imply that p's fork is taken.

What is found is true of every reachable state, and perhaps of others: two codes that are never
together may be thought possible, never the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from checker.ground.conditions import FALSE, Cell, Condition, atom, both, negation
from checker.ground.lower import Binding

MOST_LITERALS = 2_000
"""With more, nothing is known."""
LARGEST = 300
"""A formula with more atoms than this is not looked into."""


class Facts:
    """`cells`: all.  `starts`: the codes of the initial states."""

    def __init__(
        self, cells: Sequence[Cell], bindings: Iterable[Binding], starts: Iterable[Sequence[int]]
    ) -> None:
        self.cells = cells
        self.first: list[int] = []
        """By cell: the number of the literal of its code 0."""
        count = 0
        for cell in cells:
            self.first.append(count)
            count += cell.size
        self.fields = [
            (1 << cell.size) - 1 << at for cell, at in zip(cells, self.first, strict=True)
        ]
        """By cell: its literals."""
        self.every = (1 << count) - 1
        self.known = count <= MOST_LITERALS
        if not self.known:
            return
        self.beside = [0] * count
        for codes in starts:
            held = [at + code for at, code in zip(self.first, codes, strict=True)]
            whole = sum(1 << literal for literal in held)
            for literal in held:
                self.beside[literal] |= whole
        waiting = [_Effects(binding, self) for binding in bindings]
        while sum(self._take(effects) for effects in waiting):
            pass

    def told(self, known: Condition, cells: Iterable[int]) -> Condition:
        """The condition, with what it implies for these cells where a state is reachable."""
        if not self.known or known is FALSE:
            return known
        possible = self.possible(known)
        if not self.feasible(possible):
            return FALSE
        return both(known, *(atom(self.cells[n], self._codes(possible, n)) for n in sorted(cells)))

    def possible(self, of: Condition) -> int:
        """The literals that a reachable state may have where the condition holds."""
        if of.cell is not None:
            at, found = self.first[of.cell.number], 0
            for code in of.codes:
                found |= self.beside[at + code]
            return found
        if of is FALSE:
            return 0
        found = self.every
        if of.kind == "and":
            for part in of.parts:
                found &= self.possible(part)
        elif of.kind == "or" and len(of.parts) <= LARGEST:
            found = 0
            for part in of.parts:
                found |= self.possible(part)
        return found

    def feasible(self, possible: int) -> bool:
        """Whether each cell may still hold some code."""
        return all(possible & field for field in self.fields)

    def _codes(self, possible: int, cell: int) -> frozenset[int]:
        field = possible >> self.first[cell]
        return frozenset(code for code in range(self.cells[cell].size) if field >> code & 1)

    def _take(self, effects: _Effects) -> bool:
        """Add the literals that stand beside each other after a step; whether any is new."""
        before = self.possible(effects.guard)
        if not self.feasible(before):
            return False
        written = []
        for literal, where in effects.codes:
            possible = before & self.possible(where)
            if self.feasible(possible):
                written.append((literal, possible))
        more = False
        for literal, possible in written:
            together = possible & effects.untouched | 1 << literal
            for other, there in written:
                if not effects.same_cell(literal, other) and self.feasible(possible & there):
                    together |= 1 << other
            new = together & ~self.beside[literal]
            if new:
                more = True
                self.beside[literal] |= new
                while new:
                    other = (new & -new).bit_length() - 1
                    self.beside[other] |= 1 << literal
                    new &= new - 1
        return more


class _Effects:
    """What a binding writes, by literals."""

    def __init__(self, binding: Binding, facts: Facts) -> None:
        self.guard = both(binding.guard, negation(binding.errors))
        self.codes = [
            (facts.first[effect.cell.number] + code, where)
            for effect in binding.effects
            for code, where in effect.codes
        ]
        self.field = {
            facts.first[effect.cell.number] + code: effect.cell.number
            for effect in binding.effects
            for code, _ in effect.codes
        }
        written = sum(facts.fields[effect.cell.number] for effect in binding.effects)
        self.untouched = facts.every & ~written

    def same_cell(self, a: int, b: int) -> bool:
        return self.field[a] == self.field[b]
