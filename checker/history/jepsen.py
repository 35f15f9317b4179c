"""Logs with Jepsen's lines in them: process, type, function, value.

    INFO  jepsen.util - 3    :invoke    :write    4
    2026-01-01 10:00:00,000{GMT} INFO [jepsen worker 3] jepsen.util: 3 :ok :write 4
    3    :fail    :cas    [0 1]    :timed-out

The first two are of logs, the last of `history.txt`.  A value is EDN; what follows it is the error.
That of a `fail` or an `info` is not looked at.  All other lines of a log are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from checker.history import edn
from checker.history.building import NEMESIS, Builder
from checker.history.errors import HistoryError
from checker.history.values import Value

LINE = re.compile(
    r"(?:.{0,400}\bjepsen[.\w]{0,100}(?:\s{1,9}-|:)\s+)?(?P<process>[0-9]{1,18}|:nemesis)\s+"
    r":(?P<type>invoke|ok|fail|info)\s+:(?P<f>[^\s,;()\[\]{}\"]+)(?:\s+(?P<value>.*))?"
)

REMEMBERED = 100_000
"""Values, by their text: most logs have few."""


def read(
    blocks: Iterable[tuple[int, bytes]], builder: Builder, tick: Callable[[int], None]
) -> None:
    """Blocks of lines (streams.py) into a builder.  HistoryError with the line."""
    known: dict[str, Value] = {}
    found = 0
    for first, block in blocks:
        for number, line in enumerate(block.split(b"\n"), first):
            match = LINE.fullmatch(line.decode(errors="replace").strip())
            if match is None or match["process"] == ":" + NEMESIS:
                continue
            text = match["value"] or ""
            if match["type"] in ("fail", "info"):
                text = ""
            if text not in known:
                if len(known) >= REMEMBERED:
                    known.clear()
                known[text] = _value(text, number, builder)
            builder.event(
                int(match["process"]), match["type"], match["f"], known[text], line=number
            )
            found += 1
        tick(block.count(b"\n"))
    if not found:
        raise HistoryError(
            "no line of this is an operation",
            source=builder.source,
            line=1,
            mend="a history is JSON lines, EDN, or a log of Jepsen: see docs/histories.md",
        )


def _value(text: str, line: int, builder: Builder) -> Value:
    try:
        return edn.value_of(text)
    except ValueError as error:
        raise HistoryError(
            f"the value is not EDN: {error}",
            line=line,
            source=builder.source,
            mend="values are nil, numbers, texts, keywords, or vectors of these",
        ) from None


__all__ = ["LINE", "read"]
