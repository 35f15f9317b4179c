"""`quorate linearize --follow`: lines as they are written, and a verdict at once."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from checker.history.budget import Spending
    from checker.history.models.model import Model

POLL_SECONDS = 0.05
TELL_SECONDS = 5.0


def followed(
    path: str, model: Model, spending: Spending, explain: bool, *, as_json: bool, **rules: Any
) -> int:
    """Until a violation, the end of standard input, a limit, or Ctrl-C.  The exit status."""
    from checker.cli.linearize import give
    from checker.cli.output import note
    from checker.history.budget import LimitReached
    from checker.history.follow import Following
    from checker.history.jsonl import event

    source = "standard input" if path == "-" else path
    following = Following(model, spending, source=source, **rules)
    limit, told = None, time.monotonic()
    try:
        for number, line in enumerate(lines_of(path, spending), 1):
            if line.strip():
                following.add(event(line, number, source), number)
            if following.violated:
                break
            if time.monotonic() > told + TELL_SECONDS and not as_json:
                told = time.monotonic()
                note(f"linearizable so far: {following.operations:,} operations")
        following.finish()
    except KeyboardInterrupt:
        following.finish()
    except LimitReached as reached:
        limit = reached.limit
    return give([following.result(explained=explain, limit=limit)], as_json=as_json)


def lines_of(path: str, spending: Spending) -> Iterator[bytes]:
    """Whole lines.  A file has no end: it may grow; standard input has."""
    from checker.history.errors import HistoryError
    from checker.history.streams import LONGEST_LINE

    try:
        stream = sys.stdin.buffer if path == "-" else open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise HistoryError(f"cannot be read: {error.strerror}", source=path) from None
    rest = b""
    with stream:
        while True:
            part = stream.readline(LONGEST_LINE)
            rest += part
            if rest.endswith(b"\n"):
                yield rest
                rest = b""
            elif len(rest) >= LONGEST_LINE:
                raise HistoryError(
                    "the line is too long", source=path, mend="one event is one line"
                )
            elif not part:
                if path == "-":
                    break
                spending.look()
                time.sleep(POLL_SECONDS)
        if rest:
            yield rest


__all__ = ["followed", "lines_of"]
