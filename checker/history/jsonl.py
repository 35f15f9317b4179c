"""The project's format: one JSON object a line.

    {"process": 3, "type": "invoke", "f": "read", "key": "x", "value": null, "time": 12}
    {"process": 3, "type": "ok", "f": "read", "key": "x", "value": 7, "time": 19}

`process` (an integer or a text), `type` and `f` must be there; `key`, `value` and `time` (an
integer, best in nanoseconds) may be missing or null, and so may `revision` (an integer: see
algorithms/revisions.py); anything else is passed over.  Blank lines are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from checker.history.building import KIND_CODES, Builder
from checker.history.building import Events as Columns
from checker.history.errors import HistoryError
from checker.history.streams import BLOCK

MEND = (
    '{"process": 3, "type": "invoke", "f": "read", "key": null, "value": null}; '
    "type is one of invoke, ok, fail, info"
)


Integer = Annotated[int, msgspec.Meta(ge=1 - 2**63, le=2**63 - 1)]


class Event(msgspec.Struct, gc=False):
    """One line."""

    process: int | str
    type: Literal["invoke", "ok", "fail", "info"]
    f: str
    key: Any = None
    value: Any = None
    time: Integer | None = None
    revision: Integer | None = None


_DECODER = msgspec.json.Decoder(Event)
FEW_BYTES = BLOCK // 2
"""What is smaller is decoded sooner than a library is loaded."""

_GETTERS = [attrgetter(name) for name in Event.__struct_fields__ if name != "type"]

_WRONG = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError)


def read(
    blocks: Iterable[tuple[int, bytes]], builder: Builder, tick: Callable[[int], None]
) -> None:
    """Blocks of lines (streams.py) into a builder.  HistoryError with the line."""
    with ExitStack() as stack:
        scan: Callable[[int, bytes], int] | None = None
        for first, block in blocks:
            count = -1
            if len(block) > FEW_BYTES:
                if scan is None:
                    from checker.history.scan import Scanner

                    scan = stack.enter_context(Scanner(builder)).scan
                count = scan(first, block)
            tick(count if count >= 0 else _decoded(first, block, builder))


def _decoded(first: int, block: bytes, builder: Builder) -> int:
    """A block of lines into a builder, by way of objects.  How many."""
    try:
        events: list[Event] = _DECODER.decode_lines(block)
        count = block.count(b"\n") + (not block.endswith(b"\n"))
        if len(events) != count:
            lines = np.fromiter(_lines_of(first, block), dtype=np.int64)
            _check(len(lines) == len(events))
        else:
            lines = np.arange(first, first + count)
        wrong = None
    except _WRONG:
        events, lines, wrong = _slowly(first, block, builder.source)
    process, f, key, value, time, revision = (list(map(get, events)) for get in _GETTERS)
    codes = [KIND_CODES[event.type] for event in events]
    builder.chunk(Columns(process, codes, f, key, value, time, revision, lines))
    if wrong is not None:
        raise wrong
    return len(events)


def _check(right: bool) -> None:
    if not right:
        raise ValueError("several objects on a line")


def _lines_of(first: int, block: bytes) -> Iterator[int]:
    """The numbers of the lines that are not blank."""
    return (n for n, line in enumerate(block.split(b"\n"), first) if line.strip())


def _slowly(first: int, block: bytes, source: str) -> tuple[list[Event], Any, HistoryError | None]:
    """The same, line by line: the events before the line that is wrong, and what is wrong."""
    events: list[Event] = []
    lines: list[int] = []
    wrong = None
    for number, line in enumerate(block.split(b"\n"), first):
        if line.strip():
            try:
                events.append(event(line, number, source))
            except HistoryError as error:
                wrong = error
                break
            lines.append(number)
    return events, np.array(lines, dtype=np.int64), wrong


def event(line: bytes, number: int = 0, source: str = "") -> Event:
    """One line, that is not blank.  HistoryError with its number."""
    try:
        return _DECODER.decode(line)
    except msgspec.ValidationError as error:
        reason = f"this is no event of a history: {_plain(error)}"
    except _WRONG as error:
        reason = f"this is not JSON: {_plain(error)}"
    raise HistoryError(reason, line=number, source=source, mend=f"write it like this: {MEND}")


def _plain(error: Exception) -> str:
    text = str(error)
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


__all__ = ["Event", "event", "read"]
