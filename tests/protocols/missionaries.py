"""Missionaries and cannibals cross a river in a boat for two.

Where there are missionaries, on either bank, cannibals may not outnumber them.

Source: S. Amarel, "On representations of problems of reasoning about actions" (1968); as a TLA+
spec by L. Lamport (tlaplus/Examples, MissionariesAndCannibals).
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from enum import Enum

from checker.lang import *


class Missionary(Sort):
    """Gets eaten."""


class Cannibal(Sort):
    """Eats."""


class Bank(Enum):
    EAST = 1
    WEST = 2


class River(Spec):
    """All can cross, and nobody is eaten."""

    missionaries: Set[Missionary] = members(3)
    cannibals: Set[Cannibal] = members(3)
    seats: int = const(2)

    boat: Bank = Bank.EAST
    preachers: Map[Bank, Set[Missionary]]
    eaters: Map[Bank, Set[Cannibal]]

    @init
    def all_are_in_the_east(self) -> None:
        self.preachers[Bank.EAST] = self.missionaries
        self.eaters[Bank.EAST] = self.cannibals

    @action
    def cross(self, some: Set[Missionary], others: Set[Cannibal]) -> None:
        here = self.boat
        there = self.other(here)
        require(some <= self.preachers[here])
        require(others <= self.eaters[here])
        require(1 <= len(some) + len(others) <= self.seats)
        self.preachers[here] -= some
        self.eaters[here] -= others
        self.preachers[there] |= some
        self.eaters[there] |= others
        self.boat = there
        require(all(self.is_safe(b) for b in Bank))

    def other(self, b: Bank) -> Bank:
        return Bank.WEST if b == Bank.EAST else Bank.EAST

    def is_safe(self, b: Bank) -> bool:
        return len(self.preachers[b]) in {0} or len(self.preachers[b]) >= len(self.eaters[b])

    @invariant
    def nobody_is_lost(self) -> bool:
        return (
            self.preachers[Bank.EAST] | self.preachers[Bank.WEST] == self.missionaries
            and self.eaters[Bank.EAST] | self.eaters[Bank.WEST] == self.cannibals
        )

    @invariant
    def nobody_is_eaten(self) -> bool:
        return all(self.is_safe(b) for b in Bank)

    @reachable
    def all_can_cross(self) -> bool:
        return len(self.preachers[Bank.WEST]) + len(self.eaters[Bank.WEST]) == len(
            self.missionaries
        ) + len(self.cannibals)


class Careless(River):
    """Who rows does not look who stays behind."""

    def cross(self, some: Set[Missionary], others: Set[Cannibal]) -> None:
        here = self.boat
        there = self.other(here)
        require(some <= self.preachers[here])
        require(others <= self.eaters[here])
        require(1 <= len(some) + len(others) <= self.seats)
        self.preachers[here] -= some
        self.eaters[here] -= others
        self.preachers[there] |= some
        self.eaters[there] |= others
        self.boat = there
