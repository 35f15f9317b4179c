"""Bytes of a history: from a file or standard input, plain, gzip or zstd, in blocks of lines.

What is compressed is seen by its first bytes, not by the file's name.  Nothing is held but one
block and one line, so a small file that unpacks to a huge one costs no more memory than its
lines do.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from checker.history.errors import HistoryError

LONGEST_LINE = 16 * 2**20
"""Bytes."""

BLOCK = 2**17
"""Bytes that are read at once: few enough for what they are decoded to to stay in the cache."""

LARGEST_WINDOW_LOG = 27
"""Of zstd: 128 MiB, what its command line unpacks without being asked."""

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"


@contextmanager
def opened(path: str) -> Iterator[Any]:
    """The unpacked bytes of a file, `-` is standard input.  HistoryError if it cannot be read.

    Errors while it is read are told by `blocks`.
    """
    if path == "-":
        yield unpacked(sys.stdin.buffer)
        return
    try:
        stream = Path(path).open("rb", max(BLOCK, io.DEFAULT_BUFFER_SIZE))  # noqa: SIM115  (closed below)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise HistoryError(f"cannot be read: {reason}", source=path) from None
    with stream:
        yield unpacked(stream)


def unpacked(stream: Any) -> Any:
    """A stream of bytes, with what it holds unpacked if it is packed."""
    if not hasattr(stream, "peek"):
        stream = io.BufferedReader(_Raw(stream))
    try:
        start = stream.peek(4)[:4]
    except OSError:
        return stream  # a folder: `blocks` will say so
    if start[:2] == GZIP:
        import gzip

        return gzip.GzipFile(fileobj=stream)
    if start == ZSTD:
        zstd = zstd_module()
        limit: dict[int, int] = {zstd.DecompressionParameter.window_log_max: LARGEST_WINDOW_LOG}
        return zstd.ZstdFile(stream, options=limit)
    return stream


def blocks(stream: Any, source: str) -> Iterator[tuple[int, bytes]]:
    """Whole lines, BLOCK bytes at a time, each block with the number of its first line.

    The last line may have no newline.  HistoryError if a line is too long, or what is packed
    is damaged.
    """
    rest: list[bytes] = []
    length, line = 0, 1
    try:
        while read := stream.read1(BLOCK) if hasattr(stream, "read1") else stream.read(BLOCK):
            cut = read.rfind(b"\n") + 1
            if cut:
                block = b"".join([*rest, read[:cut]])
                yield line, block
                line += block.count(b"\n")
                rest, length = [], 0
            rest.append(read[cut:])
            length += len(read) - cut
            if length > LONGEST_LINE:
                raise HistoryError(
                    f"the line is longer than {LONGEST_LINE:,} bytes",
                    line=line,
                    source=source,
                    mend="one event is one line",
                )
    except Exception as error:
        if _is_damage(error):
            reason = f"the compressed data is damaged: {error}"
            raise HistoryError(reason, line=line, source=source) from None
        if isinstance(error, OSError):
            reason = f"cannot be read: {error.strerror or error}"
            raise HistoryError(reason, source=source) from None
        raise
    if last := b"".join(rest):
        yield line, last


class _Raw(io.RawIOBase):
    """Any stream of bytes that can `read`, to be buffered: not all have `peek`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, to: Any) -> int:
        read: bytes = self._stream.read(len(to))
        to[: len(read)] = read
        return len(read)


# Imported when something is packed: most histories are not.


def zstd_module() -> Any:
    """Of Python, from 3.14 on."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


def _is_damage(error: Exception) -> bool:
    import gzip
    import zlib

    if isinstance(error, (EOFError, gzip.BadGzipFile, zlib.error)):
        return True
    return isinstance(error, zstd_module().ZstdError)


__all__ = ["BLOCK", "LONGEST_LINE", "blocks", "opened", "unpacked", "zstd_module"]
