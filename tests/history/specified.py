"""Specs as models: objects that `checker.history.models` has, too, and one with every type."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from checker.lang import (
    AtMost,
    Map,
    Range,
    Record,
    Seq,
    Set,
    Sort,
    Spec,
    action,
    const,
    everywhere,
    members,
    require,
)


class Value(Sort):
    """What is stored."""


class Register(Spec):
    values: Set[Value] = members(2)
    value: Value | None = None

    @action
    def read(self, result: Value | None) -> None:
        require(self.value == result)

    @action
    def write(self, value: Value | None) -> None:
        self.value = value

    @action
    def cas(self, old: Value | None, new: Value | None, result: bool | None) -> None:
        refused = result is not None and not result
        require((self.value == old) != refused)
        if not refused:
            self.value = new


class Queue(Spec):
    values: Set[Value] = members(2)
    room: int = const(9)
    items: Annotated[Seq[Value], AtMost("room")]

    @action
    def enqueue(self, value: Value) -> None:
        self.items.append(value)

    @action
    def dequeue(self, result: Value | None) -> None:
        if result is None:
            require(len(self.items) == 0)
        else:
            require(len(self.items) > 0)
            require(self.items[0] == result)
            self.items = self.items[1:]


Total = Annotated[int, Range("0 - most", "most + 1")]


class Counter(Spec):
    most: int = const(2000)
    total: Total = 0

    @action
    def read(self, result: Total) -> None:
        require(self.total == result)

    @action
    def add(self, amount: Annotated[int, Range(-99, 100)]) -> None:
        self.total += amount


class Mutex(Spec):
    held: bool = False

    @action
    def acquire(self, result: bool | None) -> None:
        refused = result is not None and not result
        require(self.held == refused)
        self.held = True

    @action
    def release(self, result: bool | None) -> None:
        refused = result is not None and not result
        require(self.held != refused)
        self.held = False


class Bag(Spec):
    """What nobody answered may have taken any."""

    values: Set[Value] = members(2)
    items: Set[Value]

    @action
    def put(self, value: Value) -> None:
        self.items.add(value)

    @action
    def take(self, result: Value | None) -> None:
        if result is None:
            require(len(self.items) == 0)
        else:
            require(result in self.items)
            self.items.remove(result)

    @action
    def read(self, result: Set[Value]) -> None:
        require(self.items == result)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Pair(Record):
    value: Value
    colour: Colour


class Everything(Spec):
    """Each type that a value of a history can have."""

    values: Set[Value] = members(2)
    pairs: Set[Pair]
    count: Map[Value, Annotated[int, Range(4)]] = everywhere(0)

    @action
    def put(self, pair: Pair, also: Annotated[Seq[Value], AtMost(3)]) -> None:
        self.pairs.add(pair)
        for value in also:
            self.count[value] += 1

    @action
    def colours(self, value: Value, result: Set[Colour]) -> None:
        require(result == {pair.colour for pair in self.pairs if pair.value == value})

    @action
    def counted(self, value: Value, result: Annotated[int, Range(4)]) -> None:
        require(self.count[value] == result)

    @action
    def swap(self, both: tuple[Value, Value], result: bool) -> None:
        require(result == (self.count[both[0]] != self.count[both[1]]))
        held = self.count[both[0]]
        self.count[both[0]] = self.count[both[1]]
        self.count[both[1]] = held
