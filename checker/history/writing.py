"""A history as a file: JSON lines, EDN, or Jepsen's lines.  What was read is written again.

Events come in their order.  A format that has no keys gets them into the values, as pairs, if any
is not null; a `fail` and an `info` repeat what was invoked.  Jepsen's lines have no times, and
their processes are numbers: those with names get one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, Final

import msgspec
import numpy as np

from checker.history.errors import HistoryError
from checker.history.history import NO_TIME, OK, OPEN, STATUS, History
from checker.history.reading import Format
from checker.history.values import Frozen, Value, to_json


def write_history(history: History, stream: IO[bytes], format: Format = "json") -> None:
    """The events of a history as lines of bytes."""
    stream.writelines(_WRITERS[format](history))


def _events(history: History) -> Iterator[tuple[int, str, Value, dict[str, int]]]:
    """Each event in order: its operation, type, value, and what it has of time and revision."""
    count = len(history)
    positions = np.concatenate([history.invoked, history.ended])
    for at in np.argsort(positions, kind="stable").tolist():
        if positions[at] == OPEN:
            return
        i = at % count
        argument = history.values[history.argument[i]]
        if at < count:
            yield i, "invoke", argument, _given(time=history.invoked_time[i])
            continue
        status = int(history.status[i])
        value = history.values[history.result[i]] if status == OK else argument
        more = _given(time=history.ended_time[i], revision=history.revision[i])
        yield i, STATUS[status], value, more


def _given(**numbers: Any) -> dict[str, int]:
    return {name: int(number) for name, number in numbers.items() if number != NO_TIME}


# --------------------------------------------------------------------------- JSON lines


def _json_lines(history: History) -> Iterator[bytes]:
    for i, kind, value, more in _events(history):
        event = {
            "process": history.processes[history.process[i]],
            "type": kind,
            "f": history.functions[history.f[i]],
            "key": to_json(history.keys[history.key[i]]),
            "value": to_json(value),
        }
        yield _encoded(event | more) + b"\n"


def _encoded(event: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(event)
    except (OverflowError, msgspec.MsgspecError):  # integers above 64 bits
        return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


# --------------------------------------------------------------------------- EDN


def _edn_lines(history: History) -> Iterator[bytes]:
    pair = _pairing(history)
    for i, kind, value, more in _events(history):
        numbers = "".join(f", :{name} {number}" for name, number in more.items())
        yield (
            f"{{:type :{kind}, :f {_name(history.functions[history.f[i]])}, "
            f":value {_edn(pair(i, value))}, "
            f":process {_edn(history.processes[history.process[i]])}{numbers}}}\n"
        ).encode()


def _jepsen_lines(history: History) -> Iterator[bytes]:
    pair = _pairing(history)
    numbers: Sequence[int | str] = history.processes
    if not all(type(name) is int and 0 <= name < 10**18 for name in numbers):
        numbers = range(len(numbers))
    for i, kind, value, _ in _events(history):
        process, f = numbers[history.process[i]], history.functions[history.f[i]]
        if not _is_plain(f):
            raise HistoryError(
                f"Jepsen's lines have no place for the function {f!r}",
                line=int(history.invoked_line[i]),
                source=history.source,
                mend="write EDN or JSON lines",
            )
        yield f"{process}\t:{kind}\t:{f}\t{_edn(pair(i, value))}\n".encode()


def _pairing(history: History) -> Callable[[int, Value], Value]:
    if all(history.keys[key] is None for key in np.unique(history.key).tolist()):
        return lambda i, value: value
    return lambda i, value: (history.keys[history.key[i]], value)


def _name(f: str) -> str:
    return f":{f}" if _is_plain(f) else _edn(f)


def _is_plain(f: str) -> bool:
    return f.replace("-", "").replace("_", "").isalnum() and f.isascii()


def _edn(value: Value) -> str:
    if value is None:
        return "nil"
    if type(value) is tuple:
        return "[" + " ".join(map(_edn, value)) + "]"
    if isinstance(value, Frozen):
        return "{" + ", ".join(f"{_edn(name)} {_edn(part)}" for name, part in value.items()) + "}"
    if type(value) is str:
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


_WRITERS: Final = {"json": _json_lines, "edn": _edn_lines, "jepsen": _jepsen_lines}

__all__ = ["write_history"]
