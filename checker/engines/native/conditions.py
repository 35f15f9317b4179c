"""Conditions over cells as C expressions over the words of a state.

    one cell has this code, and another that       (s0 & MASK) == VALUE
    one of several bits is set                     (s0 & MASK) != 0
    so many of these bits are set                  popcount(s0 & MASK) looked up in a constant

A condition that is used in several places and is not small is a function of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from checker.engines.native.packing import Packing
from checker.ground.conditions import Codes, Condition

SMALL = 12
"""Atoms in a condition that is written out wherever it is used."""
MOST_BY_VALUE = 6
"""States of more words than this are passed by a pointer."""


class Conditions:
    """Writes conditions for one file of C."""

    def __init__(self, packing: Packing) -> None:
        self.packing = packing
        self.uses: Counter[int] = Counter()
        self.sizes: dict[int, int] = {}
        self.named: dict[int, str] = {}
        self.functions: list[str] = []
        """The functions for conditions that several places share, in the order of their needs."""
        by_value = self.by_value = packing.words <= MOST_BY_VALUE
        """Whether the words of a state are arguments; else a pointer `s` to them is."""
        words = range(packing.words)
        self.word = [f"s{w}" if by_value else f"s[{w}]" for w in words]
        """The words of the state, inside a function."""
        self.params = ", ".join(f"u64 s{w}" for w in words) if by_value else "const u64 *s"
        self.args = ", ".join(f"s{w}" for w in words) if by_value else "s"
        self.spread = ", ".join(f"s[{w}]" for w in words) if by_value else "s"
        """The arguments, from a pointer `s`."""

    # ------------------------------------------------------------- sharing

    def expect(self, conditions: Iterable[Condition]) -> None:
        """These will be written: count what they share."""
        waiting = list(conditions)
        while waiting:
            of = waiting.pop()
            self.uses[of.number] += 1
            if self.uses[of.number] == 1:
                waiting += of.parts

    def size(self, of: Condition) -> int:
        """How many atoms the condition has where nothing is shared."""
        held = self.sizes.get(of.number)
        if held is None:
            held = self.sizes[of.number] = sum(map(self.size, of.parts)) if of.parts else 1
        return held

    def text(self, of: Condition) -> str:
        """The condition as an expression that is 0 or 1."""
        if self.uses[of.number] < 2 or self.size(of) <= SMALL:
            return self._written(of)
        name = self.named.get(of.number)
        if name is None:
            body = self._written(of)
            name = self.named[of.number] = f"c{len(self.named)}"
            self.functions.append(f"static int {name}({self.params}) {{ return {body}; }}")
        return f"{name}({self.args})"

    # ------------------------------------------------------------- writing

    def _written(self, of: Condition) -> str:
        match of.kind:
            case "true":
                return "1"
            case "false":
                return "0"
            case "atom":
                return self._atom(of)
            case "count":
                return self._count(of)
        return self._joined(of)

    def code(self, number: int) -> str:
        """What a cell holds."""
        place = self.packing.places[number]
        word = self.word[place.word]
        shifted = f"{word} >> {place.shift}" if place.shift else word
        if place.shift + place.bits == 64:
            return f"({shifted})"
        return f"({shifted} & {place.ones:#x})"

    def _atom(self, of: Condition) -> str:
        assert of.cell is not None
        cell, codes = of.cell, of.codes
        place = self.packing.of(cell)
        word = self.word[place.word]
        if cell.size == 2:
            bit = f"({word} >> {place.shift} & 1)"
            return bit if codes == {1} else f"!{bit}"
        if len(codes) == 1:
            return f"(({word} & {place.mask:#x}u) == {min(codes) << place.shift:#x}u)"
        without = cell.codes - codes
        if len(without) == 1:
            return f"(({word} & {place.mask:#x}u) != {min(without) << place.shift:#x}u)"
        held = self.code(cell.number)
        low, high = min(codes), max(codes)
        if len(codes) == high - low + 1:
            if low == 0:
                return f"({held} <= {high})"
            if high == cell.size - 1:
                return f"({held} >= {low})"
            return f"({held} - {low} <= {high - low})"
        if cell.size <= 64:
            return f"({_bits(codes):#x}ull >> {held} & 1)"
        ranges = _ranges(codes)
        return "(" + " | ".join(f"({held} - {a}u <= {b - a}u)" for a, b in ranges) + ")"

    def _count(self, of: Condition) -> str:
        masks: Counter[int] = Counter()
        rest = []
        for part in of.parts:
            if part.cell is not None and part.cell.size == 2 and part.codes == {1}:
                place = self.packing.of(part.cell)
                if masks[place.word] & place.mask:
                    rest.append(part)  # a part that stands there twice counts twice
                masks[place.word] |= place.mask
            else:
                rest.append(part)
        counted = [
            f"__builtin_popcountll({self.word[word]} & {mask:#x}u)"
            for word, mask in sorted(masks.items())
        ]
        total = " + ".join(counted + [self.text(part) for part in rest])
        if len(of.parts) < 64:
            return f"({_bits(of.codes):#x}ull >> ({total}) & 1)"
        ranges = " || ".join(f"(n - {a}u <= {b - a}u)" for a, b in _ranges(of.codes))
        return f"({{ u32 n = {total}; {ranges}; }})"

    def _joined(self, of: Condition) -> str:
        """A conjunction or a disjunction; cells that hold one known code go together, by word."""
        conjunction = of.kind == "and"
        masks: Counter[int] = Counter()
        values: Counter[int] = Counter()
        loose: dict[int, list[Condition]] = {}
        rest = []
        for part in of.parts:
            if part.cell is None:
                rest.append(part)
                continue
            codes = part.codes if conjunction else part.cell.codes - part.codes
            place = self.packing.of(part.cell)
            if len(codes) == 1:
                masks[place.word] |= place.mask
                values[place.word] |= min(codes) << place.shift
                loose.setdefault(place.word, []).append(part)
            else:
                rest.append(part)
        sign = "==" if conjunction else "!="
        tests = []
        for word, mask in sorted(masks.items()):
            if len(loose[word]) == 1:
                tests.append(self._atom(loose[word][0]))
            else:
                tests.append(f"(({self.word[word]} & {mask:#x}u) {sign} {values[word]:#x}u)")
        rest.sort(key=self.size)
        tests += [self.text(part) for part in rest]
        return "(" + (" && " if conjunction else " || ").join(tests) + ")"


def _bits(numbers: Codes) -> int:
    return sum(1 << number for number in numbers)


def _ranges(numbers: Codes) -> list[tuple[int, int]]:
    """The numbers as runs without a gap."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found
