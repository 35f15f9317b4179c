"""Specs that use every construct of docs/language.md, for the tests of the compiler.

They mean nothing; each method is there for the constructs in it, plain or clumsy.
"""

# ruff: noqa: B905, C403, C413, C416, C419, C420, RUF007
from enum import Enum
from typing import Generic, TypeVar

from checker.lang import (
    Annotated,
    AtMost,
    Bag,
    Map,
    Range,
    Record,
    Seq,
    Set,
    Sort,
    Spec,
    Steps,
    action,
    arbitrary,
    const,
    constraint,
    enabled,
    eventually,
    everywhere,
    final,
    ghost,
    greatest,
    init,
    invariant,
    leads_to,
    least,
    majorities,
    members,
    part,
    process,
    reachable,
    require,
    step_property,
    strong,
    subsets,
    the,
    weak,
)


class Node(Sort):
    """ids"""


Num = Annotated[int, Range("top")]


class Colour(Enum):
    RED = 1
    GREEN = 2
    BLUE = 3


class Vote(Record):
    ballot: Num
    value: Colour = Colour.RED

    @invariant
    def ok(self) -> bool:
        return self.ballot < 2 or self.value != Colour.BLUE

    def higher(self, other: "Vote") -> bool:
        return self.ballot > other.ballot


class Ask(Record):
    ballot: Num


class Tell(Record):
    ballot: Num
    vote: Vote | None


class Bye(Record):
    pass


Message = Ask | Tell | Bye
LIMIT = 2


def clip(x: int) -> int:
    if x < 0:
        return 0
    if x >= LIMIT:
        return LIMIT
    return x


def best(a: Vote | None, b: Vote | None) -> Vote | None:
    if a is None:
        return b
    if b is None or a.higher(b):
        return a
    return b


class Wide(Spec):
    """many constructs"""

    nodes: Set[Node] = members(2)
    top: int = const(3)
    quorums: Set[Set[Node]] = const(lambda self: majorities(self.nodes))

    votes: Map[Node, Vote | None]
    inbox: Map[Node, Annotated[Seq[Message], AtMost(2, beyond="block")]]
    bag: Annotated[Bag[Colour], AtMost(2, beyond="prune")]
    seen: Map[tuple[Node, Node], bool]
    count: Annotated[int, Range(-1, 4, beyond="block")] = 0
    leader: Node | None
    pair: tuple[Num, Colour] = (0, Colour.RED)
    sets: Set[Set[Node]]
    hist: Annotated[Seq[Num], AtMost(3, beyond="prune")] = ghost()

    @init
    def start(self, c: Colour) -> None:
        require(c != Colour.GREEN)
        self.pair = (1, c)

    @init
    def start2(self, n: Node) -> None:
        self.leader = n
        self.bag.add(Colour.RED)

    @action
    def vote(self, n: Node, v: Vote) -> None:
        held = self.votes[n]
        require(held is None or v.higher(held))
        self.votes[n] = v
        self.count += 1
        self.hist.append(v.ballot)

    @action
    def send(self, n: Node, b: Num) -> None:
        for m in self.nodes:
            if m != n:
                self.inbox[m].append(Ask(b))
                self.seen[n, m] = True

    @action
    def reply(self, n: Node) -> None:
        require(self.inbox[n] != [])
        m = self.inbox[n].pop(0)
        match m:
            case Ask(ballot=b) if b > 1:
                self.bag.add(Colour.BLUE)
            case Ask(b):
                self.inbox[n].append(Tell(b, self.votes[n]))
            case Tell(ballot=b, vote=v):
                if v is not None and v.ballot == b:
                    self.leader = n
                    self.pair = (v.ballot, v.value)
                else:
                    self.leader = None
            case Bye():
                pass

    @action
    def shuffle(self, q: Set[Node], c: Colour) -> None:
        require(q <= self.nodes)
        require(q in self.quorums)
        self.sets.add(q)
        require(c in self.bag)
        self.bag.remove(c)
        a, b = self.pair
        self.pair = a, c if b != c else b
        total = 0
        for n in q:
            v = self.votes[n]
            if v is not None:
                total += v.ballot
        self.count = clip(total) - 1

    def high(self) -> Vote | None:
        found: Vote | None = None
        for c in Colour:
            for i in range(self.top):
                if any(
                    v is not None and v.ballot == i and v.value == c for v in self.votes.values()
                ):
                    found = best(found, Vote(i, c))
        return found

    @action
    def elect(self) -> None:
        h = self.high()
        require(h is not None)
        assert h is not None
        assert h.ballot >= 0, "always"
        self.leader = (
            the({n for n in self.nodes if self.votes[n] == h})
            if len([1 for c in Colour]) == 4
            else None
        )
        self.bag.clear()

    @action(fairness=weak(for_each="n"), optional=True)
    def step(self, n: Node) -> None:
        require(enabled(self.elect))
        require(self.leader != n)
        self.inbox[n].insert(0, Bye())
        h = {m: self.votes[m] for m in self.nodes}
        self.votes = h
        self.seen = everywhere(False)
        xs = sorted({self.count, 2, 1}, reverse=True)
        for i, x in enumerate(xs):
            if i == 0:
                self.count = min(x, 3)
        for i, (x, y) in enumerate(zip(xs, xs[1:])):
            assert x > y
            assert i < 2

    @invariant
    def inv1(self) -> bool:
        return all(v is None or v.ballot < self.top for n, v in self.votes.items())

    @action
    def raise_vote(self, n: Node) -> None:
        v = self.votes[n]
        if v is None:
            return
        better = v.replace(ballot=v.ballot + 1)  # may break the invariant, or leave the domain
        self.votes[n] = better

    @action
    def swap(self, n: Node, x: Num) -> None:
        weight = {c: 0 for c in Colour}
        require(self.pair[0] != 1)
        even = {False: 1, True: 0}
        require(even[x == 1] == 1)
        weight[self.pair[1]] += x
        table = [0, 1, 2]
        table[x] = weight[Colour.RED]
        require(len(weight) == 3 and self.pair[1] in weight)
        require(self.pair[0] in range(x, self.top) or x in table)
        self.pair = (table[x], Colour.RED if max((1, 2), (x, 0))[0] == 1 else Colour.BLUE)

    @invariant
    def inv2(self) -> bool:
        balls = {v.ballot for v in {self.votes[n] for n in self.nodes} if v is not None}
        return sum(balls) >= 0 and max(balls, default=-1) < 3 and -7 // 2 == -4 and -7 % 3 == 2

    @invariant
    def inv3(self) -> bool:
        vs = {v for v in self.votes.values() if v is not None}
        if not vs:
            return True
        g = greatest({v.ballot for v in vs}, key=lambda x: x)
        return g == max(v.ballot for v in vs) and (g, 0) <= (g, 1) and not (1, 2) < (1, 2)

    @step_property
    def grows(self) -> bool:
        return self.old.sets <= self.sets or self.old.leader is None

    @leads_to
    def lt(self, n: Node) -> tuple[bool, bool]:
        return (self.leader == n, self.votes[n] is not None)


# --------------------------------------------------------------------------- sequences and bags


class Lists(Spec):
    """Every change in place, slices, indexes, tuples; model errors where they are due."""

    top: int = const(3)

    q: Annotated[Seq[Num], AtMost(3, beyond="block")]
    pair: tuple[Num, bool] = (0, False)
    bag: Annotated[Bag[Num], AtMost(2, beyond="block")]
    done: Set[Num]
    n: Annotated[int, Range(-4, 5, beyond="block")] = 0

    @action
    def push(self, x: Num) -> None:
        self.q.append(x)
        self.bag.add(x)

    @action
    def front(self, x: Num) -> None:
        require(len(self.q) < 2 and x not in self.q)
        self.q.insert(0, x)
        self.done.update({x, 0})
        self.done |= {y for y in self.q if y > 0}

    @action
    def take(self) -> None:
        last = self.q.pop()  # fails on the empty sequence
        self.n += last
        self.done.discard(last)

    @action
    def drop(self, x: Num) -> None:
        require(x in self.bag)
        self.bag.remove(x)
        require(self.q.count(x) == 1)
        at = self.q.index(x)
        del self.q[at]
        self.n = at - self.bag.count(x)

    @action
    def cut(self) -> None:
        require(len(self.q) == 3)
        del self.q[0:2]
        self.q[0] = (self.q[-1] + 1) % self.top
        self.q.extend([0])
        self.pair = (self.q[0], self.q == [0, 0])

    @action
    def turn(self) -> None:
        require(self.bag.support() <= {0, 1})
        self.q = [x for x in reversed(self.q)]
        self.n = -self.n // 2 if self.n % 2 == 0 else abs(self.n) - 3 * self.pair[0]
        self.bag.clear()

    @action
    def odd(self, x: Num) -> None:
        self.done.remove(x)  # fails if it is not there
        self.done = self.done ^ {1}
        if {x} < self.done and x in self.q:
            self.q.remove(x)
        self.bag = Bag(y for y in self.q if y != x)
        self.pair = (x, x + 1 == self.top)

    @action
    def count(self) -> None:
        total = 0
        for i in range(len(self.q)):
            total += self.q[i] * i
        for x in self.done:
            total = max(total, x)
        self.n = min(total, 4)
        self.done.clear()

    @invariant
    def sane(self) -> bool:
        first, flag = self.pair
        rest = self.q[1:]
        ends = self.q[:1] + rest == self.q and self.q[-2:] == self.q[max(0, len(self.q) - 2) :]
        return ends and 0 <= first < self.top and (not flag or len(self.q) >= 0)

    @invariant
    def folds(self) -> bool:
        squares = [x * x for x in self.q]
        return (
            sum(squares) >= max(squares, default=0)
            and sum(x > 0 for x in self.q) <= len(self.q)
            and sorted(self.q) == list(reversed(sorted(self.q, reverse=True)))
            and sorted(self.q, key=lambda x: -x)[:1] == sorted(self.q, reverse=True)[:1]
            and all(a <= b for a, b in zip(sorted(self.q), sorted(self.q)[1:]))
            and self.done in subsets(self.done)
            and (not self.done or arbitrary(self.done) == min(self.done))
        )

    @invariant
    def picks(self) -> bool:
        if len(self.done) < 2:
            return True
        low = least(self.done, key=lambda x: (x, 0))
        return low < greatest(self.done, key=lambda x: (0, x)) and {low} == {low} & self.done - {9}


# --------------------------------------------------------------------------- parts and processes

M = TypeVar("M", bound=Record)


class Net(Spec, Generic[M]):
    """A part: its action `lose` happens by itself, `send` only when called."""

    room: int = const(1)

    sent: Annotated[Bag[M], AtMost("room", beyond="block")]
    lost: Annotated[int, Range(2, beyond="block")] = 0

    @action
    def send(self, m: M) -> None:
        self.sent.add(m)

    @action
    def lose(self, m: M) -> None:
        require(m in self.sent)
        self.sent.remove(m)
        self.lost += 1

    def receive(self, m: M) -> bool:
        require(m in self.sent)
        self.sent.remove(m)
        return self.lost == 0


class Base(Spec):
    """What `Team` overrides."""

    nodes: Set[Node] = members(2)
    top: int = const(2)

    def may(self, n: Node) -> bool:
        return n in self.nodes


class Team(Base):
    """Parts, processes, super, nested maps, constraints, fairness."""

    net: Net[Ask] = part(room="top")
    grid: Map[Node, Map[Node, Num]] = everywhere(0)
    token: Node | None

    @init
    def begin(self, n: Node, others: Set[Node]) -> None:
        require(n not in others)
        self.token = n if len(others) == 1 else None

    def may(self, n: Node) -> bool:
        return super().may(n) and (self.token is None or self.token == n)

    @action(fairness=weak(for_each="n", when=lambda self, n, b: self.may(n)))
    def ask(self, n: Node, b: Num) -> None:
        require(self.may(n))
        self.net.send(Ask(b))
        for m in self.nodes:
            self.grid[n][m] = b
        self.token = None

    @action(fairness=strong())
    def hear(self, m: Ask) -> None:
        require(self.token is None)
        clean = self.net.receive(m)
        for a in self.nodes:
            for b in self.nodes:
                if clean and a == b:
                    self.grid[a][b] = 0

    @process(fairness=weak(for_each="n"))
    def worker(self, n: Node) -> Steps:
        tries: Annotated[int, Range(2, beyond="block")] = 0
        while True:
            yield "idle"
            require(self.may(n))
            self.token = n
            yield "wait"
            if self.token != n:
                tries += 1
                return
            yield "done_it"
            self.token = None

    @constraint
    def small(self) -> bool:
        return self.net.lost < 2

    @final
    def over(self) -> bool:
        return all(self.worker.at[n] == "done" for n in self.nodes)

    @reachable
    def both_wait(self, n: Node) -> bool:
        return self.worker.at[n] in {"wait", "done_it"} and self.worker.tries[n] == 0

    @eventually
    def asks(self) -> bool:
        return len(self.net.sent) == 1

    @invariant
    def quorums_meet(self) -> bool:
        return all(p & q for p in majorities(self.nodes) for q in majorities(self.nodes))

    @invariant
    def one_at_most(self) -> bool:
        holders = {n for n in self.nodes if self.token == n}
        return len(holders) == 0 or the(holders) in self.nodes


class Counts(Spec):
    """Lists made on the spot, of which the order does not matter."""

    nodes: Set[Node] = members(3)
    colour: Map[Node, Colour] = everywhere(Colour.RED)
    count: Annotated[int, Range(4)] = 0
    others: Set[Node]

    @action
    def paint(self, n: Node, c: Colour) -> None:
        self.colour[n] = c
        self.others = set([m for m in self.nodes if self.colour[m] != c])
        red = len([m for m in self.nodes if self.colour[m] == Colour.RED])
        self.count = red + sum([1 for m in self.nodes if self.colour[m] == Colour.BLUE])

    @invariant
    def some(self) -> bool:
        numbers = sorted([len([m for m in self.nodes if self.colour[m] == c]) for c in Colour])
        return any([self.colour[n] == Colour.RED for n in self.nodes]) or max(numbers) > 0

    @invariant
    def fails_where_a_list_is_longer_than_its_answer(self) -> bool:
        return any([1 // self.count > 0 or n in self.others for n in self.nodes])


def factorial(n: Num) -> int:
    return 1 if n == 0 else n * factorial(n - 1)


class Forest(Spec):
    """Methods and helpers that call themselves."""

    nodes: Set[Node] = members(4)
    top: int = const(4)
    parent: Map[Node, Node | None]
    steps: Num = 0

    def root(self, a: Node, fuel: Num) -> Node:
        p = self.parent[a]
        if p is None or fuel == 0:
            return a
        return self.root(p, fuel - 1)

    def reach(self, s: Set[Node], fuel: Num) -> Set[Node]:
        if fuel == 0:
            return s
        return self.reach(s | {b for b in self.nodes if self.parent[b] in s}, fuel - 1)

    def endless(self, n: Num) -> bool:
        return self.endless(n + 1)

    @action
    def link(self, a: Node, b: Node) -> None:
        require(self.parent[a] is None)
        require(self.root(b, 3) != a)
        self.parent[a] = b
        self.steps = factorial(self.steps) % self.top

    @invariant
    def roots_have_no_parent(self) -> bool:
        return all(self.parent[self.root(a, 3)] is None for a in self.nodes)

    @invariant
    def all_below_a_root_are_reached(self, a: Node) -> bool:
        return a in self.reach({self.root(a, 3)}, 3)

    @invariant
    def never_ends(self) -> bool:
        return self.endless(0)
