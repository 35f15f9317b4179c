"""A history from a file: which format it has, and the history that it holds.

The format is seen by the first lines, if it is not said: JSON lines begin with `{"`, EDN with
`{:`, `[{` or `#`; what is neither is a log, in which Jepsen's lines are looked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import chain
from typing import Final, Literal

from checker.history.building import Builder
from checker.history.history import History
from checker.history.streams import blocks, opened

Format = Literal["json", "edn", "jepsen"]

_READERS: Final = {"json": "jsonl", "edn": "edn", "jepsen": "jepsen"}
"""The module of each, imported when it is used."""

_EDN = re.compile(rb"(?:[\s,]|;[^\n]*\n)*+(?:\{\s*:|[\[(](?:[\s,]|;[^\n]*\n)*+(?:[{#\])]|\Z)|#)")


def read_history(
    path: str,
    *,
    format: Format | None = None,
    independent: bool | None = None,
    tick: Callable[[int], None] = lambda events: None,
) -> History:
    """The history in a file; `-` is standard input.  HistoryError: where, what, the mend.

    `independent`: whether values are pairs of a key and a value, as of jepsen.independent; None:
    as tuples.py finds out, and never for JSON lines.  `tick` is told now and then how many more
    events were read.
    """
    builder = Builder("standard input" if path == "-" else path)
    with opened(path) as stream:
        parts = blocks(stream, builder.source)
        first = next(parts, None)
        start = b"" if first is None else first[1]
        format = format or format_of(start)
        whole: Iterator[tuple[int, bytes]] = parts if first is None else chain([first], parts)
        import_module(f"checker.history.{_READERS[format]}").read(whole, builder, tick)
    history = builder.finish()
    if independent is False or (independent is None and format == "json"):
        return history
    from checker.history.tuples import are_keyed, keyed

    return keyed(history) if independent or are_keyed(history) else history


def format_of(start: bytes) -> Format:
    """The format of a history that begins with these lines."""
    if _EDN.match(start):
        return "edn"
    start = start.lstrip()
    return "jepsen" if start and not start.startswith(b"{") else "json"


__all__ = ["Format", "format_of", "read_history"]
