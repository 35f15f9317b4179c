"""A history from a file: which format it has, and the history that it holds.

The format is seen by the first lines, if it is not said: JSON lines begin with `{"`, EDN with
`{:`, `[` or `#`; what is neither is a log with Jepsen's lines in it.
"""

from __future__ import annotations

from collections.abc import Callable

from checker.history import jsonl
from checker.history.building import Builder
from checker.history.history import History
from checker.history.streams import blocks, opened


def read_history(path: str, *, tick: Callable[[int], None] = lambda events: None) -> History:
    """The history in a file; `-` is standard input.  HistoryError: where, what, the mend.

    `tick` is told now and then how many more events were read.
    """
    builder = Builder("standard input" if path == "-" else path)
    with opened(path) as stream:
        jsonl.read(blocks(stream, builder.source), builder, tick)
    return builder.finish()


__all__ = ["read_history"]
