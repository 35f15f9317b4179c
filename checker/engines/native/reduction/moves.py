"""What bindings do to conditions and to each other: the reasoning behind the tables.

It is symbolic, on formulas that are not simplified completely, and it may not take long: every
answer yes is right, and no may mean that it is not known.
"""

from __future__ import annotations

from checker.engines.native.reduction.facts import Facts
from checker.ground.conditions import FALSE, TRUE, Condition, both, count, either, negation, under
from checker.ground.lower import Binding

LARGEST = 1_500
"""What one question may cost, in atoms that are looked at."""
MOST_WORK = 2_000_000
"""What all questions may cost together."""


class Work:
    """How much may still be asked."""

    def __init__(self) -> None:
        self.left = MOST_WORK
        self._weights: dict[int, int] = {}

    def weight(self, of: Condition) -> int:
        """How many atoms a formula has where nothing is shared."""
        if not of.parts:
            return 1
        found = self._weights.get(of.number)
        if found is None:
            found = self._weights[of.number] = sum(map(self.weight, of.parts))
        return found

    def allows(self, cost: int) -> bool:
        """Whether a question of this cost is answered.  It counts formulas, never time."""
        if cost > min(LARGEST, self.left):
            return False
        self.left -= cost
        return True


def independent(a: Move, b: Move) -> bool:
    """Whether, wherever both are enabled, neither disables the other, and their order is one."""
    if not a.shares(b) or a.excludes(b):
        return True
    weight = a.work.weight
    if not a.work.allows(weight(a.guard) * b.weight + weight(b.guard) * a.weight):
        return False
    known = a.facts.told(both(a.guard, b.guard), a.touched | b.touched)
    if known is FALSE:
        return True
    if not (a.keeps(b.guard, known) and b.keeps(a.guard, known)):
        return False
    for cell in sorted(a.changes_what_is_written_by(b) | b.changes_what_is_written_by(a)):
        if not a.work.allows(2 * a.weight * b.weight):
            return False
        first, second = a.then(b, cell), b.then(a, cell)
        for code in first.keys() | second.keys():
            where, there = first.get(code, FALSE), second.get(code, FALSE)
            if under(where, known) is not under(there, known):
                return False
    return True


class Move:
    """A binding, to reason about."""

    def __init__(self, binding: Binding, facts: Facts, work: Work) -> None:
        self.facts = facts
        self.work = work
        self.guard = both(binding.guard, negation(binding.errors))
        self.written = {effect.cell.number: dict(effect.codes) for effect in binding.effects}
        self.touched = self.guard.cells.union(
            self.written, *(effect.reads for effect in binding.effects)
        )
        self.reads_for = {effect.cell.number: effect.reads for effect in binding.effects}
        self.weight = 1 + max(
            (sum(map(work.weight, codes.values())) for codes in self.written.values()), default=0
        )
        """Of what stands after it for an atom."""
        self._after: dict[int, Condition] = {}

    def shares(self, other: Move) -> bool:
        """Whether one writes a cell that the other reads or writes."""
        return not (
            self.touched.isdisjoint(other.written) and other.touched.isdisjoint(self.written)
        )

    def excludes(self, other: Move) -> bool:
        """Whether it is plain that they are never enabled together: a cell would hold two codes."""
        ours, theirs = self.guard.told[0], other.guard.told[0]
        return any(ours[cell].isdisjoint(theirs[cell]) for cell in ours.keys() & theirs.keys())

    def changes_what_is_written_by(self, other: Move) -> set[int]:
        """The cells that the other writes, and that this writes, too, or changes what they get."""
        return {
            cell
            for cell, reads in other.reads_for.items()
            if cell in self.written or not reads.isdisjoint(self.written)
        }

    def then(self, other: Move, cell: int) -> dict[int, Condition]:
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
        known = self.guard if known is None else known
        if not self.work.allows(self.work.weight(of) * self.weight + self.work.weight(known)):
            return False
        known = self.facts.told(both(known, of), of.cells | self.after(of).cells)
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
