"""Registers whose values are written once: zones.

Operations: `write(v)` and `read -> v`; a key-value store's `put` and `get` by key are the same.  A
value that is read is written at most once (values that nobody reads may repeat).  The operations
of one value, its write and its reads, are a block: no other write can be between them.  The
initial value is written by an operation before all others.

**Theorem** (Gibbons and Korach 1997; Golab, Li and Shah, "Analyzing consistency properties for fun
and profit", PODC 2011).  Such a history is linearizable exactly if every value read was written,
no read returns before its write was invoked, and the blocks pass the test of `blocks`.

A block by itself can be ordered exactly if no read returns before the write is invoked: the write
first, then the reads.  Any sequence of blocks is legal, since each begins with a write.

*Crashed operations.*  A crashed read observed nothing: left out.  A crashed write whose value was
read did happen, at any time after its invocation: it stays, and returns at `OPEN`.  A crashed
write whose value nobody read is left out: taking it out of a linearization changes what no read
returns, so the rest is a linearization still.

*Many objects at once.*  `side_by_side` lays the time lines of independent objects one after
another: blocks of different objects then never meet, and one pass decides all objects.

O(n log n), the sorting of zones; all else is O(n).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from checker.history.algorithms import blocks
from checker.history.algorithms.decision import (
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

NEVER, INITIAL = -2, -1


def unambiguous(given: Registers) -> Bools:
    """Which values (0 .. `values` - 1) are not read, or come from one write at most."""
    return from_one_source(given, given.value[given.kind == WRITE], _read(given))


@dataclass(frozen=True)
class _Blocks:
    """Blocks of operations: one for each value (unless `counts` is False: it is not read), then one
    for each write that nobody read.

    Indices of operations: `reads` that answered; `sources`, the writes whose value was read; and
    `others`, the rest of the writes that answered.  `write_of`: of each value, its write, or NEVER,
    or INITIAL.
    """

    reads: Ints
    sources: Ints
    others: Ints
    write_of: Ints
    first: Ints
    last: Ints
    counts: Bools


def decide(given: Registers) -> Decision:
    """Decide registers whose values are `unambiguous`, with reads and writes only."""
    times, value = given.times, given.value
    writes, read = given.kind == WRITE, _read(given)
    reads = np.flatnonzero(~writes & ~times.crashed)
    sources = np.flatnonzero(writes & read[value])
    others = np.flatnonzero(writes & ~read[value] & ~times.crashed)

    write_of = np.full(given.values, NEVER, dtype=np.int64)
    write_of[given.initial] = INITIAL
    write_of[value[sources]] = sources
    unknown = reads[write_of[value[reads]] == NEVER]
    if len(unknown):
        return violated("a read returned a value that was never written", unknown[:1])
    began = np.full(given.values, -1, dtype=np.int64)
    began[value[sources]] = times.invoked[sources]
    early = reads[times.returned[reads] < began[value[reads]]][:1]
    if len(early):
        source = write_of[value[early]]
        return violated("a read returned before its value's write began", early, source)

    first = np.full(given.values, np.iinfo(np.int64).max)
    last = np.full(given.values, -1, dtype=np.int64)
    first[given.initial] = last[given.initial] = times.begins
    for some in (reads, sources):
        np.minimum.at(first, value[some], times.returned[some])
        np.maximum.at(last, value[some], times.invoked[some])
    parts = _Blocks(
        reads,
        sources,
        others,
        write_of,
        np.concatenate([first, times.returned[others]]),
        np.concatenate([last, times.invoked[others]]),
        np.concatenate([read, np.ones(len(others), dtype=np.bool_)]),
    )
    found = blocks.clash(parts.first, parts.last, parts.counts)
    if found is not None:
        return _clash(found, parts, value, times)
    return holds(lambda: _order(parts, value, times))


def _read(given: Registers) -> Bools:
    """Which values are read (by an operation that answered)."""
    read = np.zeros(given.values, dtype=np.bool_)
    read[given.value[(given.kind != WRITE) & ~given.times.crashed]] = True
    return read


def _clash(found: tuple[int, int], parts: _Blocks, value: Ints, times: Times) -> Decision:
    """The conflict of two blocks: of each the write, the first to return and the last to begin."""
    named: list[Ints | int] = []
    for block in found:
        if block >= len(parts.write_of):
            named.append(int(parts.others[block - len(parts.write_of)]))
            continue
        write = int(parts.write_of[block])
        members = parts.reads[value[parts.reads] == block]
        if write >= 0:
            members = np.append(members, write)
        named += [write, int(members[np.argmax(times.invoked[members])])]
        if write >= 0:  # else the initial value is there before all returns
            named.append(int(members[np.argmin(times.returned[members])]))
    return violated("the value must be two at one time: each is seen before and after", *named)


def _order(parts: _Blocks, value: Ints, times: Times) -> Ints:
    """The linearization: by the theorem of `blocks`, the write first in each block."""
    used = np.flatnonzero(parts.counts)
    number = np.empty(len(parts.first), dtype=np.int64)
    number[used] = np.arange(len(used))
    begin, forward = blocks.gaps(parts.first[used], parts.last[used])
    alone = len(parts.write_of) + np.arange(len(parts.others))
    who = np.concatenate([parts.sources, parts.others, parts.reads])
    block = number[np.concatenate([value[parts.sources], alone, value[parts.reads]])]
    is_read = np.arange(len(who)) >= len(who) - len(parts.reads)
    late = is_read & forward[block]
    gap = np.where(late, np.maximum(begin[block], times.invoked[who] + 1), begin[block])
    return who[blocks.in_order(gap, block, is_read.astype(np.int64), begin, forward)]
