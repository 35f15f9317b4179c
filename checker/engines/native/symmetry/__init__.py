"""Symmetry: one state for each orbit of the permutations of symmetric Sorts' members.

`symmetry(program, packing)` writes the C function `canonical`, which replaces a packed state by
the one that stands for its orbit: exactly one state of each orbit does.  It does not try all
permutations:

* Sorts whose features are about one member each are *sorted*: see `blocks.py`.  So are
  Sorts of two members, whatever they do: of two states the lesser is taken.  Two Sorts can both
  be sorted if no feature is about both.
* The orders of the members of the other Sorts are *tried*, in front of that, but only those which
  agree with what holds of the members: see `search.c`.

Which Sorts are symmetric is said by `checker/lang/effects.py`.  What is judged must be the same
in the whole orbit: a goal or a property with parameters stands for its images as well (`images`).

Source: C. N. Ip and D. L. Dill, "Better Verification Through Symmetry" (1996); the refinement of
colours is that of B. D. McKay, "Practical Graph Isomorphism" (1981).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, permutations, product
from pathlib import Path
from typing import Any

from checker.engines.native.packing import Packing
from checker.engines.native.symmetry.blocks import (
    BLOCKS,
    Blocks,
    Tables,
    exchange_text,
    hexadecimal,
    least_of_two,
)
from checker.engines.native.symmetry.moves import Action, Features, Moves, orbits
from checker.lang import ir
from checker.lang.effects import renamed, singled_out
from checker.lang.model import State
from checker.lang.types import SortT

SEARCH = Path(__file__).with_name("search.c")


@dataclass(frozen=True)
class Symmetry:
    """The symmetric Sorts of a program, and what is made of them."""

    packing: Packing
    symmetric: tuple[SortT, ...]
    """Those that have more than one member."""
    reasons: dict[str, str]
    """For each other Sort: why it is not symmetric."""
    source: str
    """C: `static void canonical(u64 *s)` and what it needs; empty if no Sort is symmetric."""

    @property
    def sorts(self) -> tuple[str, ...]:
        return tuple(map(str, self.symmetric))

    def permutations(self) -> Iterator[dict[Any, Any]]:
        """Every way to permute the members of each symmetric Sort, as a renaming."""
        members = [sort.members or () for sort in self.symmetric]
        for chosen in product(*map(permutations, members)):
            pairs = zip(members, chosen, strict=True)
            yield {old: new for olds, news in pairs for old, new in zip(olds, news, strict=True)}

    def permuted(self, state: State, permutation: Mapping[Any, Any]) -> State:
        """The state with its members renamed."""
        return tuple(renamed(value, dict(permutation)) for value in state)

    def canonical(self, state: State) -> State:
        """The least state of the orbit by its packed words: the slow and obvious way.

        Another state may stand for the orbit in C.
        """
        orbit = (self.permuted(state, permutation) for permutation in self.permutations())
        return min(orbit, key=self.packing.encode)

    def images(self, values: tuple[Any, ...]) -> frozenset[tuple[Any, ...]]:
        """What permutations make of these values (of an action's or a property's parameters)."""
        swaps = [
            {one: other, other: one}
            for sort in self.symmetric
            for one, other in pairwise(sort.members or ())
        ]
        found = {values}
        waiting = [values]
        while waiting:
            held = waiting.pop()
            for swap in swaps:
                image = tuple(renamed(value, swap) for value in held)
                if image not in found:
                    found.add(image)
                    waiting.append(image)
        return frozenset(found)


def symmetry(program: ir.Program, packing: Packing) -> Symmetry:
    """The symmetry of a program whose states are packed so."""
    reasons = {str(sort): singled_out(program, sort) for sort in program.sorts}
    symmetric = tuple(
        sort for sort in program.sorts if reasons[str(sort)] is None and (sort.size or 0) > 1
    )
    told = {name: reason for name, reason in reasons.items() if reason is not None}
    source = _Writer(packing, symmetric).text() if symmetric else ""
    return Symmetry(packing, symmetric, told, source)


BEFORE = """\
/* Whether a state is less than another, word by word. */
static inline int before(const u64 *a, const u64 *b) {
    for (u32 i = 0; i < NW; i++)
        if (a[i] != b[i]) return a[i] < b[i];
    return 0;
}
"""

TOUCH = """\
/* A point that a feature is about.  `role` is the same for points that are in the same way. */
typedef struct Touch {
    u64 role;
    u32 point;
} Touch;
"""


class _Writer:
    """Writes the C of one program."""

    def __init__(self, packing: Packing, symmetric: tuple[SortT, ...]) -> None:
        self.packing = packing
        self.features = Features(packing.layout)
        self.tables = Tables()
        actions = [Action(self.features, sort) for sort in symmetric]
        # A Sort of which nothing stands in the state has no effect on it.
        self.actions = [action for action in actions if any(action.moved())]
        self.sorted: list[tuple[Action, Blocks | None]] = []
        self.tried: list[Action] = []
        self._choose()

    def _choose(self) -> None:
        """Which Sorts are sorted: the larger ones, as long as no feature is about two of them."""
        taken = [False] * len(self.features)
        for action in sorted(self.actions, key=lambda action: -action.size):
            moved = action.moved()
            owners = None if action.size == 2 else action.owners()
            apart = not any(a and b for a, b in zip(taken, moved, strict=True))
            if not apart or (owners is None and action.size > 2):
                self.tried.append(action)
                continue
            blocks = None if owners is None else Blocks(action, self.packing, owners)
            self.sorted.append((action, blocks))
            taken = [a or b for a, b in zip(taken, moved, strict=True)]

    def text(self) -> str:
        parts = [BEFORE]
        if any(blocks for _, blocks in self.sorted):
            parts.append(BLOCKS)
        functions = [*self._exchanges(), *self._sorting()]
        if [action.size for action in self.tried] == [2]:
            functions.append(least_of_two("canonical", self._exchange(self.tried[0], 0), "settle"))
        elif self.tried:
            functions += [self._points(), *self._features(), SEARCH.read_text()]
        return "\n".join([*parts, self.tables.text(), *functions])

    # ------------------------------------------------------------- functions

    def _exchange(self, action: Action, one: int) -> str:
        return f"exchange_{self.actions.index(action)}_{one}"

    def _exchanges(self) -> Iterator[str]:
        for action in self.actions:
            if any(action is held and blocks for held, blocks in self.sorted):
                continue
            for one, exchange in enumerate(action.neighbours):
                text = exchange_text(
                    self._exchange(action, one), exchange, self.packing, self.tables
                )
                names = f"{action.members[one]} and {action.members[one + 1]}"
                yield f"/* Exchange {names} of {action.sort}. */\n{text}"

    def _sorting(self) -> Iterator[str]:
        """A function for each Sort that is sorted, and one that calls them all."""
        calls = []
        for action, blocks in self.sorted:
            name = f"sort_{self.actions.index(action)}"
            calls.append(f"    {name}(s);\n")
            if blocks is None:
                text = least_of_two(name, self._exchange(action, 0))
            else:
                text = blocks.text(name, self.tables)
            yield f"/* Sort the members of {action.sort}. */\n{text}"
        name = "settle" if self.tried else "canonical"
        yield f"static void {name}(u64 *s) {{\n    (void)s;\n{''.join(calls)}}}\n"

    # ------------------------------------------------------------- what the search reads

    def _points(self) -> str:
        tried = [(number, one) for number, a in enumerate(self.tried) for one in range(a.size)]
        names = [
            self._exchange(self.tried[number], one) if one + 1 < self.tried[number].size else "NULL"
            for number, one in tried
        ]
        return "\n".join(
            [
                f"#define TRIED {len(tried)}",
                f"#define POINTS {sum(action.size for action in self.actions)}",
                f"#define LISTED {len(self.packing.places)}",
                f"static const u8 SORT_OF[] = {{{', '.join(str(number) for number, _ in tried)}}};",
                f"static void (*const EXCHANGE[])(u64 *) = {{{', '.join(names)}}};",
                "",
            ]
        )

    def _features(self) -> Iterator[str]:
        """The features that are about tried points, and the function that lists what holds."""
        tried = sum(action.size for action in self.tried)
        touches = self._touches(tried)
        first = [0]
        other: list[int] = []
        rows: list[str] = []
        for held in touches.values():
            other.append(len(rows) + sum(point < tried for point, _ in held))
            rows += [f"    {{{hexadecimal(role)}, {point}}},\n" for point, role in held]
            first.append(len(rows))
        yield TOUCH
        yield f"static const u32 TOUCH_FIRST[] = {{{', '.join(map(str, first))}}};\n"
        yield f"static const u32 TOUCH_OTHER[] = {{{', '.join(map(str, other))}}};\n"
        yield f"static const Touch TOUCH[] = {{\n{''.join(rows)}}};\n"
        yield self._list_features({feature: number for number, feature in enumerate(touches)})

    def _list_features(self, numbers: dict[int, int]) -> str:
        """Cells of one bit are walked together; others are looked up by their codes."""
        bits: dict[int, dict[int, int]] = {}
        others: list[str] = []
        tables = []
        for cell in self.packing.layout.cells:
            start = self.features.first[cell.number]
            mine = [numbers.get(start + code) for code in range(cell.size)]
            place = self.packing.places[cell.number]
            if all(number is None for number in mine):
                continue
            if cell.size == 2 and mine[0] is None and mine[1] is not None:
                bits.setdefault(place.word, {})[place.shift] = mine[1]
                continue
            values = ", ".join("0" if number is None else str(number + 1) for number in mine)
            tables.append(f"    static const u32 of_{cell.number}[] = {{{values}}};\n")
            code = f"s[{place.word}] >> {place.shift} & {place.ones}"
            others.append(
                f"    list[count] = of_{cell.number}[{code}] - 1;\n"
                f"    count += list[count] != (u32)-1;\n"
            )
        walks = []
        for word, held in bits.items():
            mask = sum(1 << shift for shift in held)
            values = ", ".join(str(held.get(bit, 0)) for bit in range(max(held) + 1))
            tables.append(f"    static const u32 bits_{word}[] = {{{values}}};\n")
            walks.append(
                f"    for (u64 w = s[{word}] & {hexadecimal(mask)}; w; w &= w - 1)\n"
                f"        list[count++] = bits_{word}[__builtin_ctzll(w)];\n"
            )
        return (
            f"static u32 features(const u64 *s, u32 *list) {{\n{''.join(tables)}"
            f"    u32 count = 0;\n{''.join(walks)}{''.join(others)}    return count;\n}}\n"
        )

    def _touches(self, tried: int) -> dict[int, list[tuple[int, int]]]:
        """For each feature that is about one of the first `tried` points: the points that it is
        about, each with its role.

        A role is an orbit of pairs of feature and point.  The points of a Sort that have the
        commonest role are left out, and so is code 0 where it is idle: the others say as much.
        """
        order = [*self.tried, *(action for action, _ in self.sorted)]
        total = sum(action.size for action in order)
        spans: list[range] = []
        steps: list[tuple[Moves, int]] = []
        for action in order:
            base = spans[-1].stop if spans else 0
            spans.append(range(base, base + action.size))
            steps += [(step, base + one) for one, step in enumerate(action.steps)]
        moved = sorted({f for step, _ in steps for f, to in enumerate(step) if f != to})
        index = {feature: number for number, feature in enumerate(moved)}
        pairs = []
        for step, one in steps:
            points = list(range(total))
            points[one], points[one + 1] = one + 1, one
            pairs.append(tuple(index[step[f]] * total + point for f in moved for point in points))
        roles = orbits(len(moved) * total, pairs)
        idle = self._idle()
        found = {}
        for number, feature in enumerate(moved):
            if feature in idle:
                continue
            held = []
            for span in spans:
                by_role: dict[int, list[int]] = {}
                for point in span:
                    by_role.setdefault(roles[number * total + point], []).append(point)
                commonest = max(by_role, key=lambda role: (len(by_role[role]), -role))
                held += [(p, _role(r)) for r, ps in by_role.items() for p in ps if r != commonest]
            if any(point < tried for point, _ in held):
                found[feature] = held
        return found

    def _idle(self) -> set[int]:
        """Code 0 of those cells where it only ever becomes code 0."""
        exchanges = [exchange for action in self.actions for exchange in action.neighbours]
        orbit = orbits(len(self.features.first), [exchange.cells for exchange in exchanges])
        changed = {orbit[c] for e in exchanges for c, codes in enumerate(e.codes) if codes[0]}
        return {f for c, f in enumerate(self.features.first) if orbit[c] not in changed}


def _role(number: int) -> int:
    """Roles are spread over all words, so that sums of them differ."""
    x = (number + 1) * 0x9E3779B97F4A7C15
    for _ in range(2):
        x = (x ^ x >> 31) * 0xBF58476D1CE4E5B9 & (1 << 64) - 1
    return x ^ x >> 31


__all__ = ["Symmetry", "symmetry"]
