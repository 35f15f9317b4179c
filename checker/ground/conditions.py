"""Conditions over the cells of a state: formulas that are kept simple as they are made.

A cell holds a small code, from 0 to size - 1.  The atoms are "this cell holds one of these
codes"; they are closed under negation, so a formula is true, false, an atom, a conjunction, a
disjunction, or a count ("so many of these hold").

Rules: equal formulas of one program are one object, so that equality is identity; true and false
never stand inside another formula; the parts of a conjunction do not repeat what its atoms say
already.
Simplification is not complete: two formulas that mean the same may differ.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import Literal
from weakref import WeakValueDictionary

Codes = frozenset[int]
Given = dict[int, Codes]
Kind = Literal["true", "false", "atom", "and", "or", "count"]


@dataclass(frozen=True)
class Cell:
    """A piece of the state that holds one of `size` codes.  `name` is for people."""

    number: int
    name: str
    size: int

    @property
    def codes(self) -> Codes:
        return frozenset(range(self.size))


class Condition:
    """A formula.  Made by the functions of this file only; equality is identity."""

    __slots__ = (
        "__weakref__",
        "_negation",
        "_told",
        "cell",
        "cells",
        "codes",
        "kind",
        "number",
        "parts",
    )

    def __init__(
        self, kind: Kind, parts: tuple[Condition, ...], cell: Cell | None, codes: Codes, number: int
    ) -> None:
        self.kind = kind
        self.parts = parts
        self.cell = cell
        """Of an atom."""
        self.codes = codes
        """Of an atom: what the cell may hold.  Of a count: how many of the parts may hold."""
        self.number = number
        """The order in which formulas were made: one that does not depend on addresses."""
        self.cells: frozenset[int] = (
            frozenset({cell.number}) if cell else frozenset().union(*(p.cells for p in parts))
        )
        self._negation: Condition | None = None
        self._told: tuple[Given, frozenset[int]] | None = None

    @property
    def told(self) -> tuple[Given, frozenset[int]]:
        """What is known where it holds: the codes of cells, and formulas by number."""
        if self._told is None:
            parts = self.parts if self.kind == "and" else (self,)
            given = {part.cell.number: part.codes for part in parts if part.cell is not None}
            self._told = given, frozenset(part.number for part in parts)
        return self._told

    def __repr__(self) -> str:
        match self.kind:
            case "atom":
                assert self.cell is not None
                return f"{self.cell.name} in {sorted(self.codes)}"
            case "and" | "or":
                return "(" + f" {self.kind} ".join(map(repr, self.parts)) + ")"
            case "count":
                return f"count{self.parts} in {sorted(self.codes)}"
        return self.kind


Key = tuple[Kind, tuple[int, ...], Cell | None, Codes]
Joined = tuple[str, frozenset[int]]


@dataclass
class Workshop:
    """The formulas made so far, what joining formulas gave, and how much work is left."""

    made: MutableMapping[Key, Condition]
    joined: MutableMapping[Joined, Condition]
    left: float


# Formulas are forgotten with the last program that uses them.
_open = Workshop(WeakValueDictionary(), WeakValueDictionary(), inf)
_numbers = itertools.count()


class TooMuchWorkError(Exception):
    """More work than `limited` allows."""


@contextmanager
def limited(work: int) -> Iterator[None]:
    """Raise `TooMuchWorkError` where what is done inside takes more work.

    Work is counted, not timed, and from an empty workshop: what is given up does not depend on
    the machine, nor on what was done before.
    """
    held = _open.made, _open.joined, _open.left
    made: dict[Key, Condition] = {}
    _open.made, _open.joined, _open.left = made, {}, work
    try:
        yield
    finally:
        _open.made, _open.joined, _open.left = held
        _open.made.update(made)


def spend(work: int) -> None:
    """Count some work."""
    _open.left -= work
    if _open.left < 0:
        raise TooMuchWorkError


def _make(
    kind: Kind,
    parts: tuple[Condition, ...] = (),
    cell: Cell | None = None,
    codes: Codes = frozenset(),
) -> Condition:
    key = (kind, tuple([part.number for part in parts]), cell, codes)
    found = _open.made.get(key)
    if found is None:
        found = _open.made[key] = Condition(kind, parts, cell, codes, next(_numbers))
    return found


TRUE = _make("true")
FALSE = _make("false")
TRUE._negation, FALSE._negation = FALSE, TRUE


def atom(cell: Cell, codes: Collection[int]) -> Condition:
    """The cell holds one of these codes."""
    if not codes:
        return FALSE
    if len(codes) == cell.size:
        return TRUE
    return _make("atom", cell=cell, codes=frozenset(codes))


def negation(of: Condition) -> Condition:
    if of._negation is None:
        made = _negated(of)
        of._negation = made
        # A formula may have been simplified to one that has its own negation: true, above all.
        if made._negation is None:
            made._negation = of
    return of._negation


def _negated(of: Condition) -> Condition:
    match of.kind:
        case "true":
            return FALSE
        case "false":
            return TRUE
        case "atom":
            assert of.cell is not None
            return atom(of.cell, of.cell.codes - of.codes)
        case "and":
            return either(negation(part) for part in of.parts)
        case "or":
            return both(negation(part) for part in of.parts)
    return count(of.parts, frozenset(range(len(of.parts) + 1)) - of.codes)


def count(parts: Sequence[Condition], allowed: Collection[int]) -> Condition:
    """How many of the parts hold is one of these numbers."""
    sure = sum(part is TRUE for part in parts)
    rest = tuple(part for part in parts if part is not TRUE and part is not FALSE)
    numbers = frozenset(n - sure for n in allowed if 0 <= n - sure <= len(rest))
    if not numbers:
        return FALSE
    if len(numbers) == len(rest) + 1:
        return TRUE
    if numbers == {0}:
        return both(negation(part) for part in rest)
    if numbers == {len(rest)}:
        return both(rest)
    if 0 not in numbers and len(numbers) == len(rest):
        return either(rest)
    return _make("count", rest, codes=numbers)


def both(*parts: Condition | Iterable[Condition]) -> Condition:
    """All of these hold."""
    return _join("and", _flat(parts))


def either(*parts: Condition | Iterable[Condition]) -> Condition:
    """At least one of these holds."""
    return _join("or", _flat(parts))


def _flat(parts: tuple[Condition | Iterable[Condition], ...]) -> list[Condition]:
    found: list[Condition] = []
    for part in parts:
        if isinstance(part, Condition):
            found.append(part)
        else:
            found += part
    return found


def _join(kind: Literal["and", "or"], parts: list[Condition]) -> Condition:
    spend(len(parts))
    neutral, absorbing = (TRUE, FALSE) if kind == "and" else (FALSE, TRUE)
    flat: dict[int, Condition] = {}
    for part in parts:
        if part is absorbing:
            return absorbing
        for inner in part.parts if part.kind == kind else (part,):
            if inner is not neutral:
                flat[inner.number] = inner
    if len(flat) < 2:
        return next(iter(flat.values()), neutral)
    key = (kind, frozenset(flat))
    known = _open.joined.get(key)
    if known is None:
        known = _open.joined[key] = _simplified(kind, list(flat.values()), absorbing)
    return known


def _simplified(
    kind: Literal["and", "or"], parts: list[Condition], absorbing: Condition
) -> Condition:
    atoms, given = _merged_atoms(kind, parts)
    if absorbing in atoms:
        return absorbing
    rest = [part for part in parts if part.kind != "atom"]
    shorter = [restricted(part, given) for part in rest]
    if any(a is not b for a, b in zip(rest, shorter, strict=True)):
        return _join(kind, atoms + shorter)
    whole = atoms + sorted(rest, key=lambda part: part.number)
    numbers = {part.number for part in whole}
    if any(part._negation is not None and part._negation.number in numbers for part in whole):
        return absorbing
    # a and (a or b) is a; a or (a and b) is a
    other = "or" if kind == "and" else "and"
    whole = [
        part
        for part in whole
        if part.kind != other or not any(inner.number in numbers for inner in part.parts)
    ]
    return whole[0] if len(whole) == 1 else _make(kind, tuple(whole))


def _merged_atoms(
    kind: Literal["and", "or"], parts: list[Condition]
) -> tuple[list[Condition], Given]:
    """One atom for each cell; and what stands beside them may take for granted.

    Under `a and ...` that is a; under `a or ...` it is that a does not hold.
    """
    codes: dict[int, set[int]] = {}
    cells: dict[int, Cell] = {}
    for part in parts:
        if part.cell is not None:
            number = part.cell.number
            if number not in codes:
                cells[number] = part.cell
                codes[number] = set(part.codes)
            elif kind == "and":
                codes[number] &= part.codes
            else:
                codes[number] |= part.codes
    atoms = [atom(cells[number], codes[number]) for number in sorted(codes)]
    if kind == "or":
        return atoms, {number: cells[number].codes - held for number, held in codes.items()}
    return atoms, {number: frozenset(held) for number, held in codes.items()}


def restricted(of: Condition, given: Given) -> Condition:
    """The condition, where each cell is known to hold one of the codes given for it."""
    if not given or of.cells.isdisjoint(given):
        return of
    if of.cell is not None:
        possible = given[of.cell.number]
        if possible <= of.codes:
            return TRUE
        return of if possible & of.codes else FALSE
    spend(len(of.parts))
    parts = [restricted(part, given) for part in of.parts]
    if all(a is b for a, b in zip(parts, of.parts, strict=True)):
        return of
    match of.kind:
        case "and":
            return _join("and", parts)
        case "or":
            return _join("or", parts)
    return count(parts, of.codes)


def under(of: Condition, known: Condition) -> Condition:
    """The condition, made shorter for where `known` holds."""
    spend(1)
    given, parts = known.told
    made = restricted(of, given)
    if made.cell is not None or made is TRUE or made is FALSE:
        return made
    if made.number in parts:
        return TRUE
    return FALSE if negation(made).number in parts else made


def holds(of: Condition, codes: Sequence[int]) -> bool:
    """Whether the condition holds where cell n holds `codes[n]`: the obvious way."""
    if of.cell is not None:
        return codes[of.cell.number] in of.codes
    match of.kind:
        case "and":
            return all(holds(part, codes) for part in of.parts)
        case "or":
            return any(holds(part, codes) for part in of.parts)
        case "count":
            return sum(holds(part, codes) for part in of.parts) in of.codes
    return of is TRUE
