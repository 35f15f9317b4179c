"""Logs as they come from disk: line by line, plain or gzip, with limits.

`LogError` names the file, the line (from 1) and the reason.  A last line that was cut off (its
writer was killed) has no newline at its end; who reads decides what that means.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from checker.lang.errors import QuorateError

LONGEST_LINE = 16 * 2**20
"""Bytes.  A line is held in memory as a whole."""

TICK = 10_000
"""Lines."""

T = TypeVar("T")

GZIP = b"\x1f\x8b"


class LogError(QuorateError):
    """A log cannot be read: where, and why."""

    def __init__(self, file: str, number: int, reason: str) -> None:
        self.file, self.number, self.reason = file, number, reason
        super().__init__(f"{file}:{number}: {reason}" if number else f"{file}: {reason}")


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank, without its newline, and its number (from 1)."""

    number: int
    text: bytes
    whole: bool
    """Whether a newline ends it."""


class LogFile:
    """A log that is read once, from the front; `-` is standard input.

    `first` may be looked at before; it is still the first that `lines` gives.
    """

    def __init__(self, path: str, tick: Callable[[int], None] = lambda lines: None) -> None:
        """`tick` is told now and then how many more lines were read."""
        self._tick = tick
        self.name = "standard input" if path == "-" else path
        self._path = path
        self._lines = self._read()
        self.first: Line | None = next(self._lines, None)

    def lines(self) -> Iterator[Line]:
        """Each line that is not blank."""
        if self.first is not None:
            yield self.first
            yield from self._lines

    def error(self, number: int, reason: str) -> LogError:
        return LogError(self.name, number, reason)

    def _read(self) -> Iterator[Line]:
        number = 0
        try:
            with _opened(self._path) as stream:
                for text in iter(partial(stream.readline, LONGEST_LINE), b""):
                    number += 1
                    if number % TICK == 0:
                        self._tick(TICK)
                    whole = text.endswith(b"\n")
                    if not whole and len(text) == LONGEST_LINE:
                        raise self.error(number, f"the line is longer than {LONGEST_LINE:,} bytes")
                    text = text.strip()
                    if text:
                        yield Line(number, text, whole)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise self.error(number + 1, f"the compressed data is damaged: {error}") from None
        except OSError as error:
            raise self.error(0, f"cannot be read: {error.strerror or error}") from None


@contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    if path == "-":
        yield _unpacked(sys.stdin.buffer)
        return
    with Path(path).open("rb") as stream:
        yield _unpacked(stream)


def _unpacked(stream: Any) -> Any:
    return gzip.GzipFile(fileobj=stream) if stream.peek(2)[:2] == GZIP else stream


class NotJson(ValueError):
    """Some bytes are no JSON at all."""


class WrongShape(ValueError):
    """Some bytes are JSON, but not of the form that is wanted."""


def decoded(decoder: msgspec.json.Decoder[T], text: bytes) -> T:
    """What `text` holds.  `NotJson` or `WrongShape` with the reason."""
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        raise WrongShape(_plain(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJson(f"this is not JSON: {_plain(error)}") from None


def _plain(error: Exception) -> str:
    text = str(error).removeprefix("JSON is malformed: ")
    return text[:1].lower() + text[1:]


__all__ = ["Line", "LogError", "LogFile", "NotJson", "WrongShape", "decoded"]
