"""C that exchanges members, and C that sorts the blocks of a Sort's members.

If every feature is about one member at most, a state is what is about none, and one *block* for
each member.  A permutation of the members then permutes the blocks, no more; so the state with
its blocks in ascending order stands for the orbit, exactly, and equal blocks need no care.

A block is gathered into a *key* of one or more words:

* cells that are about the member: those that lie at the same distances from each other for every
  member are one *run*, and are moved together by one shift and one mask;
* cells that hold a value about the member (`leader: Node | None`): which of the values about the
  member it is, counted from 1, or 0 if the cell holds another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checker.engines.native.packing import WORD, Packing
from checker.engines.native.symmetry.moves import Action, Exchange, orbits


def hexadecimal(value: int) -> str:
    return f"{value:#x}ull"


def shifted(text: str, right: int) -> str:
    """The text of a word shifted right, or left by as much as `right` is below 0."""
    if right == 0:
        return text
    return f"({text} >> {right})" if right > 0 else f"({text} << {-right})"


class Tables:
    """Arrays of constants: each content once."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, tuple[int, ...]], str] = {}

    def name(self, values: Sequence[int]) -> str:
        """The name of an array that holds these values."""
        kind = "u8" if max(values) < 1 << 8 else "u16"  # a cell has few codes: LARGEST_CELL
        return self._names.setdefault((kind, tuple(values)), f"codes_{len(self._names)}")

    def text(self) -> str:
        return "".join(
            f"static const {kind} {name}[] = {{{', '.join(map(str, held))}}};\n"
            for (kind, held), name in self._names.items()
        )


# --------------------------------------------------------------------------- exchanges


def exchange_text(name: str, exchange: Exchange, packing: Packing, tables: Tables) -> str:
    """A function that exchanges two members in a state."""
    together: dict[tuple[int, int, int], int] = {}
    lines: list[str] = []
    for cell, other in enumerate(exchange.cells):
        a, b = packing.places[cell], packing.places[other]
        if cell <= other and exchange.changes_codes(cell):
            here = shifted(f"s[{a.word}]", a.shift) + f" & {a.ones}"
            if cell == other:
                flips = tables.name([old ^ new for old, new in enumerate(exchange.codes[cell])])
                lines.append(f"s[{a.word}] ^= (u64){flips}[{here}] << {a.shift};")
                continue
            there = shifted(f"s[{b.word}]", b.shift) + f" & {b.ones}"
            forth, back = (tables.name(exchange.codes[c]) for c in (cell, other))
            lines.append(f"x = {here}; y = {there};")
            lines.append(f"s[{a.word}] ^= (x ^ {back}[y]) << {a.shift};")
            lines.append(f"s[{b.word}] ^= (y ^ {forth}[x]) << {b.shift};")
        elif cell < other:
            apart = (a.word, b.word, b.shift - a.shift)
            together[apart] = together.get(apart, 0) | a.mask
    for (low, high, right), mask in together.items():
        lines.append(f"x = ({shifted(f's[{high}]', right)} ^ s[{low}]) & {hexadecimal(mask)};")
        lines.append(f"s[{low}] ^= x;")
        lines.append(f"s[{high}] ^= {shifted('x', -right)};")
    body = "".join(f"    {line}\n" for line in lines)
    return f"static void {name}(u64 *s) {{\n    u64 x, y;\n    (void)x, (void)y;\n{body}}}\n"


def least_of_two(name: str, exchange: str, settle: str = "") -> str:
    """A function that takes the lesser of a state and the one with two members exchanged.

    `settle`: a function that is called on both before they are compared.
    """
    settled = f"    {settle}(t);\n    {settle}(s);\n" if settle else ""
    return f"""\
static void {name}(u64 *s) {{
    u64 t[NW];
    memcpy(t, s, sizeof t);
    {exchange}(t);
{settled}    if (before(t, s)) memcpy(s, t, sizeof t);
}}
"""


# --------------------------------------------------------------------------- blocks


@dataclass(frozen=True)
class Run:
    """Cells of each member that move together.  `places`: word and lowest bit, by member."""

    places: tuple[tuple[int, int], ...]
    mask: int
    """The ones of the cells, from the lowest bit on."""


@dataclass(frozen=True)
class Pointer:
    """A cell that holds values about members."""

    cell: int
    owner: tuple[int, ...]
    """For each code: the member, 0 where it is about none."""
    which: tuple[int, ...]
    """For each code: which of the values about that member, from 1; 0 where it is about none."""
    codes: tuple[tuple[int, ...], ...]
    """For each member: the code of each such value; that of 0 is not used."""


class Blocks:
    """The blocks of a Sort whose features are about one member each, as `owners` says."""

    def __init__(self, action: Action, packing: Packing, owners: Sequence[int | None]) -> None:
        self.action = action
        self.packing = packing
        self.owners = owners
        self.runs = list(self._runs())
        self.pointers = list(self._pointers())
        self.words = 0
        """Of a key."""
        used = WORD
        self._at: list[tuple[int, int]] = []
        """For each run, then each pointer: the word of the key, and the lowest bit."""
        for size in [run.mask.bit_length() for run in self.runs] + [
            max(pointer.which).bit_length() for pointer in self.pointers
        ]:
            if used + size > WORD:
                self.words, used = self.words + 1, 0
            self._at.append((self.words - 1, used))
            used += size

    def _runs(self) -> Iterator[Run]:
        features, places = self.action.features, self.packing.places
        swaps = [self.action.swap(0, member) for member in range(1, self.action.size)]
        found: dict[tuple[tuple[int, int], ...], list[tuple[int, ...]]] = {}
        for first in features.first:
            cell = features.cell[first]
            if self.owners[first] != 0 or all(features.cell[s[first]] == cell for s in swaps):
                continue
            cells = (cell, *(features.cell[swap[first]] for swap in swaps))
            start = places[cell].shift
            apart = tuple((places[c].word, places[c].shift - start) for c in cells)
            found.setdefault(apart, []).append(cells)
        for apart, run in found.items():
            low = min(places[cells[0]].shift for cells in run)
            mask = 0
            for cells in run:
                mask |= places[cells[0]].ones << (places[cells[0]].shift - low)
            yield Run(tuple((word, low + shift) for word, shift in apart), mask)

    def _pointers(self) -> Iterator[Pointer]:
        features = self.action.features
        orbit = orbits(len(features), self.action.steps)
        for cell in features.layout.cells:
            first = features.first[cell.number]
            mine = range(first, first + cell.size)
            if all(self.owners[f] is None for f in mine) or self._moves(cell.number):
                continue
            number = {orbit[f]: 0 for f in mine if self.owners[f] is not None}
            number = {leader: which for which, leader in enumerate(number, start=1)}
            codes = [[0] * (len(number) + 1) for _ in range(self.action.size)]
            for f in mine:
                owner = self.owners[f]
                if owner is not None:
                    codes[owner][number[orbit[f]]] = f - first
            yield Pointer(
                cell.number,
                tuple(self.owners[f] or 0 for f in mine),
                tuple(0 if self.owners[f] is None else number[orbit[f]] for f in mine),
                tuple(map(tuple, codes)),
            )

    def _moves(self, cell: int) -> bool:
        return any(exchange.cells[cell] != cell for exchange in self.action.neighbours)

    def text(self, name: str, tables: Tables) -> str:
        """A function that sorts the blocks of a state."""
        size = self.action.size
        lines = [f"u64 key[{size}][{self.words}] = {{0}};", *self._gather(tables)]
        ordered = " || ".join(
            f"block_before(key[{m + 1}], key[{m}], {self.words})" for m in range(size - 1)
        )
        lines.append(f"if (!({ordered})) return;")
        lines += [f"in_order(key[{a}], key[{b}], {self.words});" for a, b in network(size)]
        lines += self._scatter(tables)
        body = "".join(f"    {line}\n" for line in lines)
        return f"static void {name}(u64 *s) {{\n{body}}}\n"

    def _gather(self, tables: Tables) -> Iterator[str]:
        for run, (word, bit) in zip(self.runs, self._at, strict=False):
            for member, (of, low) in enumerate(run.places):
                held = shifted(f"s[{of}]", low - bit)
                yield f"key[{member}][{word}] |= {held} & {hexadecimal(run.mask << bit)};"
        for pointer, (word, bit) in zip(self.pointers, self._at[len(self.runs) :], strict=True):
            place = self.packing.places[pointer.cell]
            owner, which = tables.name(pointer.owner), tables.name(pointer.which)
            yield "{"
            yield f"    u64 code = {shifted(f's[{place.word}]', place.shift)} & {place.ones};"
            yield f"    key[{owner}[code]][{word}] |= (u64){which}[code] << {bit};"
            yield "}"

    def _scatter(self, tables: Tables) -> Iterator[str]:
        masks: dict[int, int] = {}
        for run in self.runs:
            for word, low in run.places:
                masks[word] = masks.get(word, 0) | run.mask << low
        for word, mask in masks.items():
            yield f"s[{word}] &= ~{hexadecimal(mask)};"
        for run, (word, bit) in zip(self.runs, self._at, strict=False):
            for member, (of, low) in enumerate(run.places):
                held = f"(key[{member}][{word}] & {hexadecimal(run.mask << bit)})"
                yield f"s[{of}] |= {shifted(held, bit - low)};"
        for pointer, (word, bit) in zip(self.pointers, self._at[len(self.runs) :], strict=True):
            place = self.packing.places[pointer.cell]
            ones = (1 << max(pointer.which).bit_length()) - 1
            for member, codes in enumerate(pointer.codes):
                yield "{"
                yield f"    u64 which = key[{member}][{word}] >> {bit} & {ones};"
                set_to = f"(u64){tables.name(codes)}[which] << {place.shift}"
                cleared = f"s[{place.word}] & ~{hexadecimal(place.mask)}"
                yield f"    if (which) s[{place.word}] = ({cleared}) | {set_to};"
                yield "}"


def network(size: int) -> Iterator[tuple[int, int]]:
    """The comparisons of Batcher's odd-even merge sort (Knuth, volume 3, algorithm 5.2.2M)."""
    top = 1 << (size - 1).bit_length() >> 1
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while True:
            yield from ((i, i + d) for i in range(size - d) if i & p == r)
            if q == p:
                break
            q, r, d = q >> 1, p, q - p
        p >>= 1


BLOCKS = """\
/* Whether one block comes before another. */
static inline int block_before(const u64 *a, const u64 *b, u32 words) {
    for (u32 i = 0; i < words; i++)
        if (a[i] != b[i]) return a[i] < b[i];
    return 0;
}

/* Exchange two blocks if the second comes before the first. */
static inline void in_order(u64 *a, u64 *b, u32 words) {
    int swap = block_before(b, a, words);
    for (u32 i = 0; i < words; i++) {
        u64 low = swap ? b[i] : a[i], high = swap ? a[i] : b[i];
        a[i] = low, b[i] = high;
    }
}
"""
