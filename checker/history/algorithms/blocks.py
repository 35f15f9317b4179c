"""The test of two blocks: may groups of operations take effect one group after another?

A *block* is a set of operations that must take effect without an operation of another block
between them.  Let `first` be the first return and `last` the last invocation of its operations.

* If `first < last` the block is *forward*: one of its operations has taken effect by `first` and
  another does so after `last`, so the block occupies all of `[first, last]`, its zone.
* Otherwise all its operations run during `[last, first]` and the block fits in any one point
  there: it is *backward*.

**Theorem** (Gibbons and Korach, "Testing shared memories", SIAM J. Comput. 26(4), 1997, for the
values of a register; the argument uses nothing else of registers).  If each block by itself can be
ordered, and any sequence of blocks is legal, then there is a linearization exactly if

1. no two forward zones overlap, and
2. no backward zone lies inside a forward zone.

*Necessary*: two blocks cannot both occupy a point; a backward block takes effect in its zone.
*Sufficient*: let each forward block take effect within its zone: an operation at the later of
`first` and its own invocation (and those it must follow), which is at most `last`.  Zones are
disjoint, so a backward zone that lies inside none of them sticks out of them somewhere: a point
there holds the whole block.  `gaps` below computes these points.

Sorting is all that it costs: O(b log b) for b blocks.
"""

from __future__ import annotations

import numpy as np

from checker.history.algorithms.decision import Bools, Ints


def clash(first: Ints, last: Ints, counts: Bools | None = None) -> tuple[int, int] | None:
    """Two blocks that break rule 1 or 2, the forward one (the earlier) first; None: there are none.

    `first`, `last`: one entry a block.  Blocks where `counts` is False are left out.
    """
    forward = first < last
    backward = ~forward
    if counts is not None:
        forward &= counts
        backward &= counts
    ahead = np.flatnonzero(forward)
    ahead = ahead[np.argsort(first[ahead], kind="stable")]
    starts, ends = first[ahead], last[ahead]
    overlap = np.flatnonzero(ends[:-1] > starts[1:])
    if len(overlap):
        return int(ahead[overlap[0]]), int(ahead[overlap[0] + 1])
    behind = np.flatnonzero(backward)
    if not len(ahead) or not len(behind):
        return None
    around = np.searchsorted(starts, last[behind]) - 1  # the last zone to begin before this one
    inside = np.flatnonzero((around >= 0) & (first[behind] < ends[around]))
    if not len(inside):
        return None
    return int(ahead[around[inside[0]]]), int(behind[inside[0]])


def gaps(first: Ints, last: Ints) -> tuple[Ints, Bools]:
    """The gap in which each block begins to take effect, and which blocks are forward.

    A backward block takes effect in that gap altogether.  For blocks without a `clash`.
    """
    forward = first < last
    begin = np.where(forward, first, last + 1)
    ahead = np.flatnonzero(forward)
    behind = np.flatnonzero(~forward)
    if len(ahead) and len(behind):
        ahead = ahead[np.argsort(first[ahead], kind="stable")]
        around = np.searchsorted(first[ahead], last[behind]) - 1
        ends = np.where(around >= 0, last[ahead][around], -1)
        begin[behind] = np.maximum(last[behind], ends) + 1
    return begin, forward


def in_order(gap: Ints, block: Ints, rank: Ints, begin: Ints, forward: Bools) -> Ints:
    """Indices of operations, in an order in which they may take effect.

    `gap`, `block`, `rank`: one entry an operation: the gap where it takes effect, its block, its
    place among the operations of its block.  In one gap, a forward block that ends there is first,
    backward blocks follow one by one, and a forward block that begins there is last.
    """
    starts_here = gap == begin[block]
    phase = np.where(forward[block], np.where(starts_here, 2, 0), 1)
    return np.lexsort((rank, block, phase, gap)).astype(np.int64)
