"""A change in place is an assignment: no two names ever share something that changes."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from checker.lang import (
    AtMost,
    Bag,
    Map,
    ModelError,
    NotEnabled,
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
from checker.lang import values as runtime

Small = Annotated[int, Range(10)]


class Node(Sort):
    pass


class Item(Record):
    n: Small

    def bigger(self) -> Item:
        return self.replace(n=self.n + 1)


def collected(*numbers: int) -> Set[int]:
    found: Set[int] = set()
    for number in numbers:
        found.add(number)
    return found


class Box(Spec):
    nodes: Set[Node] = members(2)
    size: int = const(3)
    numbers: Set[Small]
    queue: Annotated[Seq[Small], AtMost(4)]
    table: Map[Node, Annotated[Seq[Small], AtMost(3)]]
    grid: Map[Node, Map[Node, Small]] = everywhere(0)
    bag: Annotated[Bag[Item], AtMost(3)]
    last: Small = 0

    @action
    def nothing(self) -> None:
        pass

    def run(self, n: Node, m: Node, kind: Small) -> None:
        if kind == 0:
            before = self.numbers
            self.numbers.add(1)
            require(before == set())
            self.numbers.update({2, 3})
            self.numbers.discard(9)
            self.numbers.remove(3)
        elif kind == 1:
            self.queue = [1, 2, 3]
            self.last = self.queue.pop(0)
            self.queue.append(self.last)
            self.queue[0] = 7
            del self.queue[1]
            self.queue.insert(0, 5)
            self.queue += [9]
        elif kind == 2:
            self.grid[n][m] = 4
            self.grid[m][n] += 2
            self.table[n].append(3)
            self.table[n].extend([4, 5])
            self.table[n].remove(4)
        elif kind == 3:
            self.grid[n][m], self.last = 6, 8
            local = {1, 2}
            other = local
            other.add(3)
            require(local == {1, 2})
            require(other == {1, 2, 3})
            self.numbers = local | collected(4, 4)
        elif kind == 4:
            self.bag.add(Item(1).bigger())
            self.bag.add(Item(2))
            self.bag.remove(Item(2))
        elif kind == 5:
            self.grid = {a: {b: 0 if a == b else 1 for b in self.nodes} for a in self.nodes}
            self.numbers = {x for row in self.grid.values() for x in row.values()}
            self.queue = sorted({3, 1, 2})
            self.table = everywhere([])
        elif kind == 6:
            self.numbers.clear()
            self.queue.clear()
            self.bag.clear()
            self.queue = list(range(3))[1:]
            x: Small = 5
            self.last = x


def after(kind: int) -> Any:
    box: Any = Box()
    n, m = box.nodes
    box.run(n, m, kind)
    return box


def test_changes_of_sets() -> None:
    assert after(0).numbers == {1, 2}


def test_changes_of_sequences() -> None:
    box = after(1)
    assert box.queue == (5, 7, 1, 9)
    assert box.last == 1


def test_changes_inside_maps() -> None:
    box = after(2)
    n, m = box.nodes
    assert box.grid == {n: {n: 0, m: 4}, m: {n: 2, m: 0}}
    assert box.table == {n: (3, 5), m: ()}


def test_spread_assignment_and_value_semantics_of_locals_and_helpers() -> None:
    box = after(3)
    n, m = box.nodes
    assert box.grid[n][m] == 6
    assert box.last == 8
    assert box.numbers == {1, 2, 4}


def test_changes_of_bags_and_methods_of_records() -> None:
    assert after(4).bag == runtime.Bag([Item(2)])


def test_displays_make_values() -> None:
    box = after(5)
    n, m = box.nodes
    assert type(box.grid) is runtime.Map
    assert box.numbers == {0, 1}
    assert box.queue == (1, 2, 3)
    assert box.table == {n: (), m: ()}


def test_clearing_and_slices() -> None:
    box = after(6)
    assert box.queue == (1, 2)
    assert box.last == 5


def test_a_value_outside_its_domain_is_refused_at_once() -> None:
    class Counter(Spec):
        n: Annotated[int, Range(3)] = 0

        @action
        def up(self) -> None:
            self.n += 1

    counter = Counter()
    counter.up()
    counter.up()
    with pytest.raises(ModelError, match=r"`n` cannot hold this: 3 is outside int\[0..2\]"):
        counter.up()
    assert counter.n == 2


def test_a_name_that_is_no_field_is_refused() -> None:
    class Typo(Spec):
        count: Small = 0

        @action
        def up(self) -> None:
            self.cuont = 1

    with pytest.raises(ModelError, match="`cuont` is not a field of `Typo`"):
        Typo().up()


def test_super_calls_the_base() -> None:
    class Base(Spec):
        count: Small = 0

        @action
        def up(self) -> None:
            self.count += 1

    class Faster(Base):
        def up(self) -> None:
            super().up()
            super().up()

    spec = Faster()
    spec.up()
    assert spec.count == 2


def test_a_failed_guard_raises_not_enabled() -> None:
    class Gate(Spec):
        open: bool

        @action
        def go(self) -> None:
            require(self.open)

    with pytest.raises(NotEnabled):
        Gate().go()


def test_line_numbers_stay_those_of_the_file() -> None:
    class Broken(Spec):
        queue: Annotated[Seq[Small], AtMost(2)]

        @action
        def take(self) -> None:
            self.queue.pop(0)

    with pytest.raises(IndexError) as caught:
        Broken().take()
    assert caught.traceback[-1].path == caught.traceback[-1].path
    lines = [str(entry.statement).strip() for entry in caught.traceback]
    assert "self.queue.pop(0)" in lines
