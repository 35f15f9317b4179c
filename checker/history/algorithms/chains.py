"""Registers with compare-and-set whose values are installed once: chains.

Operations: `write(v)`, `read -> v`, and `cas(a, b)` that succeeded.  A value that is *used* (read,
or the first of a cas) is installed at most once: by a write, as the second of a cas, or initially.
(`cas(a, a)` changes nothing and is taken as a read of a.)

Since a is installed once, it is in force during one stretch of time.  `cas(a, b)` ends it and
begins that of b with nothing between.  So the values form trees with an edge a -> b for each cas;
two cas from one value cannot both have succeeded; hence each tree is a *chain*

    write(v0), reads of v0, cas(v0, v1), reads of v1, cas(v1, v2), ...

whose operations must take effect with no other operation between them: a block.  Number its
stages: 0 the write, 1 the reads of v0, 2 the cas to v1, 3 the reads of v1, ...

**Theorem.**  Such a history is linearizable exactly if

1. every used value is installed, by a chain that begins with a write or the initial value;
2. there is at most one cas from a value;
3. no operation returns before one of an earlier stage of its chain is invoked;
4. the chains pass the test of `blocks`.

*Necessary*: 1, 2 and 4 as above; 3 since the stages must take effect in their order.
*Sufficient*: rule 3 lets a chain be ordered by itself: in order of stages, each operation at the
latest invocation of it and of all earlier stages, which comes before its own return.  A chain
begins with a write, so any sequence of chains is legal, but for the initial value's, which must be
the first: its zone begins before all events, so rule 4 puts it there.  Within a zone `[first,
last]` an operation takes effect at the later of `first` and that point: not after `last`, nor after
its return, which is not before `first`.  The rest is the theorem of `blocks`.

*Crashed operations.*  A crashed read is left out.  A crashed write or cas whose value is used by an
operation that answered did happen, and then so did what it used itself: it stays, and returns at
`OPEN`.  One whose value nobody used is left out: in a linearization what follows it is a write or
nothing, so that without it the value before stays in force until then, unread.

Not decided here: a cas that failed (that its value was not in force is evidence of another kind).

O(n log n): the place in its chain of each value, by doubling; then sorting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from checker.history.algorithms import blocks
from checker.history.algorithms.decision import (
    CAS,
    WRITE,
    Bools,
    Decision,
    Ints,
    Registers,
    Times,
    from_one_source,
    holds,
    violated,
)

NEVER = -1


def used(given: Registers) -> Bools:
    """Which values (0 .. `values` - 1) an operation that did happen has read or replaced.

    Crashed operations did happen if their value is used.
    """
    value, then, crashed = given.value, given.then, given.times.crashed
    found = np.zeros(given.values, dtype=np.bool_)
    found[value[(given.kind != WRITE) & ~crashed]] = True
    perhaps = np.flatnonzero((given.kind == CAS) & crashed & (value != then))
    replaced: dict[int, list[int]] = {}
    for i in perhaps.tolist():
        replaced.setdefault(int(then[i]), []).append(int(value[i]))
    waiting = then[perhaps[found[then[perhaps]]]].tolist()
    while waiting:
        for before in replaced.pop(waiting.pop(), ()):
            found[before] = True
            waiting.append(before)
    return found


def _installs(given: Registers) -> tuple[Bools, Ints]:
    """Which operations install a value, and which it is."""
    cas = given.kind == CAS
    changes = (given.kind == WRITE) | (cas & (given.value != given.then))
    return changes, np.where(cas, given.then, given.value)


def unambiguous(given: Registers) -> Bools:
    """Which values are not used, or are installed once at most."""
    installs, target = _installs(given)
    return from_one_source(given, target[installs], used(given))


def decide(given: Registers) -> Decision:
    """Decide registers whose values are `unambiguous`.

    A conflict has the operations between the two that clash, along their chain, but not all those
    before: its first value may be one that none of its operations installs.
    """
    decided = _decide(given)
    if decided.linearizable:
        return decided
    return violated(decided.reason, decided.conflict, _proofs(decided.conflict, given))


def _decide(given: Registers) -> Decision:
    kind, value, times = given.kind, given.value, given.times
    count, objects = len(kind), len(given.initial)
    installs, target = _installs(given)
    needed = used(given)
    kept = ~times.crashed | (installs & needed[target])

    # Nodes are installations: operation i is node i, the initial value of object o node count + o.
    installer = np.full(given.values, NEVER, dtype=np.int64)
    installer[given.initial] = count + np.arange(objects)
    installing = np.flatnonzero(kept & installs)
    known = installing[needed[target[installing]]]
    installer[target[known]] = known
    users = np.flatnonzero(kept & (kind != WRITE))
    source = np.full(count, NEVER, dtype=np.int64)
    source[users] = installer[value[users]]
    lost = users[source[users] == NEVER]
    if len(lost):
        return violated("a value is used that was never written", lost[:1])

    swaps = np.flatnonzero(kept & installs & (kind == CAS))
    twice = _repeated(source[swaps])
    if twice is not None:
        both = swaps[list(twice)]
        install = np.where(source[both] < count, source[both], -1)
        return violated("two compare-and-sets replaced one value", both, install)

    parent = np.arange(count + objects, dtype=np.int64)
    parent[swaps] = source[swaps]
    root, depth = _places(parent)
    circle = swaps[parent[root[swaps]] != root[swaps]]
    if len(circle):
        return violated(
            "compare-and-sets install their values in a circle", _circle(int(circle[0]), parent)
        )

    who = np.flatnonzero(kept)
    node = np.where(installs, np.arange(count), source)[who]
    stage = 2 * depth[node] + ~installs[who]
    chain, sort = root[node], np.lexsort((stage, root[node]))
    return _in_chains(_Chains(who[sort], chain[sort], stage[sort]), times, count)


@dataclass(frozen=True)
class _Chains:
    """Operations `who` in order of chain (named by the node of its root) and stage."""

    who: Ints
    chain: Ints
    stage: Ints

    def between(self, ends: Ints) -> Ints:
        """Operations of a chain, by their places here, and the installations between their values:
        from that of the lowest on.
        """
        stages = self.stage[ends]
        low, high = int(stages.min()) // 2 * 2, int(stages.max())
        inside = (self.chain == self.chain[ends[0]]) & (self.stage % 2 == 0)
        inside &= (self.stage >= low) & (self.stage <= high)
        return np.concatenate([self.who[ends], self.who[inside]])


def _in_chains(chains: _Chains, times: Times, count: int) -> Decision:
    """Rules 3 and 4."""
    who, chain, stage = chains.who, chains.chain, chains.stage
    if not len(who):
        return holds(lambda: who)
    new_chain = np.append(True, chain[1:] != chain[:-1])
    heads, block = np.flatnonzero(new_chain), np.cumsum(new_chain) - 1
    invoked, returned = times.invoked[who], times.returned[who]
    span = int(invoked.max()) + 2
    latest = np.maximum.accumulate(invoked + block * span) - block * span

    # The latest invocation of earlier stages is the latest so far where the stage before ended.
    new_stage = new_chain | np.append(True, stage[1:] != stage[:-1])
    start = np.maximum.accumulate(np.where(new_stage, np.arange(len(who)), 0))
    before = np.where(start > heads[block], latest[start - 1], -1)
    early = np.flatnonzero(returned < before)
    if len(early):
        y = early[0]
        x = np.flatnonzero((invoked == before[y]) & (block == block[y]))[0]
        return violated(
            "an operation returned before one was invoked that must take effect earlier",
            chains.between(np.array([x, y])),
        )

    first, last = np.minimum.reduceat(returned, heads), np.maximum.reduceat(invoked, heads)
    initial = chain[heads] >= count
    first[initial] = times.begins[chain[heads][initial] - count]
    found = blocks.clash(first, last)
    if found is not None:
        return violated(
            "the value must be of two chains at one time",
            *(chains.between(_ends(block == b, invoked, returned, initial[b])) for b in found),
        )

    def order() -> Ints:
        begin, forward = blocks.gaps(first, last)
        gap = np.where(forward[block], np.maximum(begin[block], latest + 1), begin[block])
        return who[blocks.in_order(gap, block, np.arange(len(who)), begin, forward)]

    return holds(order)


def _ends(inside: Bools, invoked: Ints, returned: Ints, initial: np.bool_) -> Ints:
    """Places of the last to begin and the first to return; the initial value returned before all,
    and its chain's first place stands for it.
    """
    places = np.flatnonzero(inside)
    lowest = places[0] if initial else places[np.argmin(returned[places])]
    return np.array([places[np.argmax(invoked[places])], lowest], dtype=np.int64)


def _repeated(items: Ints) -> tuple[int, int] | None:
    """Two places with the same item, the first by item; None if all differ."""
    sort = np.argsort(items, kind="stable")
    same = np.flatnonzero(items[sort][1:] == items[sort][:-1])
    return (int(sort[same[0]]), int(sort[same[0] + 1])) if len(same) else None


def _places(parent: Ints) -> tuple[Ints, Ints]:
    """Of each node the root of its chain and the distance to it, by doubling of steps.

    A root is its own parent.  On a circle the "root" that is found is none.
    """
    root = parent.copy()
    depth = (root != np.arange(len(root))).astype(np.int64)
    for _ in range(len(root).bit_length()):
        further = root[root]
        if np.array_equal(further, root):
            break
        depth += depth[root]
        root = further
    return root, depth


def _circle(node: int, parent: Ints) -> Ints:
    """The nodes of the circle that is reached from `node` by parents."""
    seen: dict[int, None] = {}
    while node not in seen:
        seen[node] = None
        node = int(parent[node])
    order = list(seen)
    return np.array(order[order.index(node) :], dtype=np.int64)


def _proofs(some: Ints, given: Registers) -> Ints:
    """Of the crashed ones among `some`: operations that used their values, so they happened."""
    crashed = given.times.crashed
    installs, target = _installs(given)
    happened = (given.kind != WRITE) & (~crashed | (installs & used(given)[target]))
    waiting = some[crashed[some]].tolist()
    seen, found = set(waiting), []
    while waiting:
        uses = np.flatnonzero(happened & (given.value == target[waiting.pop()]))
        answered = uses[~crashed[uses]]
        # Of crashed ones all, for some may lead back to where they came from.
        for use in (answered[:1] if len(answered) else uses).tolist():
            found.append(use)
            if crashed[use] and use not in seen:
                seen.add(use)
                waiting.append(use)
    return np.array(found, dtype=np.int64)
