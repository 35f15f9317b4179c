"""Large files of JSON lines by C: columns of numbers at once, instead of an object for each line.

`scan.c` cuts lines into parts and gives equal parts equal numbers; it knows no JSON but where a
value ends.  All different parts, a block at a time, are then decoded and checked here as in
jsonl.py.  A block in which anything is unusual is left to jsonl.py as a whole, so that there is
one place that says what is malformed; after a few such blocks nothing is scanned any more.
"""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_int, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from checker.history.building import Builder, Unusable
from checker.history.history import Integers
from checker.history.native import library

TABLES: Final = ("process", "f", "key", "value")
OTHER: Final = 4
SHORTEST_LINE: Final = len('{"process":1,"type":"ok","f":""}')
UNUSUAL_BLOCKS: Final = 8

_DECODERS: Final[tuple[Any, ...]] = (
    msgspec.json.Decoder(int | str),
    msgspec.json.Decoder(str),
    *(msgspec.json.Decoder(),) * 3,
)
_WRONG = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError)


@cache
def _library() -> ctypes.CDLL | None:
    """None if there is no compiler: everything is read without it, more slowly."""
    loaded = library(Path(__file__).with_name("scan.c"), ("-O2",))
    if loaded is None:
        return None
    loaded.scan_new.restype = c_void_p
    loaded.scan_free.argtypes = loaded.scan_forget.argtypes = [c_void_p]
    loaded.scan.restype = c_int64
    loaded.scan.argtypes = [c_void_p, c_char_p, c_int64, c_int64, *(c_void_p,) * 4]
    loaded.scan_fresh.restype = c_void_p
    loaded.scan_fresh.argtypes = [c_void_p, c_int, c_void_p, c_void_p]
    return loaded


class Scanner:
    """Scans blocks into one builder.  Use it as a context."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._library = _library()
        self._handle = self._library.scan_new() if self._library else None
        self._numbers = [_Growing() for _ in TABLES]
        self._unusual = 0

    def __enter__(self) -> Scanner:
        return self

    def __exit__(self, *_: object) -> None:
        if self._library and self._handle:
            self._library.scan_free(self._handle)
        self._handle = None

    def scan(self, first: int, block: bytes) -> int:
        """How many events were put into the builder; -1: this block is not for a scanner."""
        if self._library is None or self._handle is None or self._unusual >= UNUSUAL_BLOCKS:
            return -1
        most = len(block) // SHORTEST_LINE + 1
        kinds = np.empty(most, dtype=np.int8)
        times, revisions = np.empty((2, most), dtype=np.int64)
        parts = np.empty((len(TABLES), most), dtype=np.int32)
        pointers = (column.ctypes.data for column in (kinds, times, revisions, parts))
        count = self._library.scan(self._handle, block, len(block), most, *pointers)
        if count < 0 or not self._decoded():
            self._unusual += 1
            return -1
        columns = {name: self._numbers[t].take(parts[t, :count]) for t, name in enumerate(TABLES)}
        columns["kind"] = kinds[:count].copy()
        columns["time"], columns["revision"] = times[:count].copy(), revisions[:count].copy()
        columns["line"] = np.arange(first, first + count, dtype=np.int32)
        self._builder.numbered(columns)
        return int(count)

    def _decoded(self) -> bool:
        """The new parts are looked at, and get the builder's numbers."""
        assert self._library is not None
        try:
            fresh = [self._fresh(t) for t in range(OTHER + 1)]
            numbers = [
                self._builder.numbers(name, fresh[t]) if fresh[t] else None
                for t, name in enumerate(TABLES)
            ]
        except (*_WRONG, Unusable):
            self._library.scan_forget(self._handle)
            return False
        for growing, new in zip(self._numbers, numbers, strict=True):
            if new is not None:
                growing.add(new)
        return True

    def _fresh(self, t: int) -> list[Any]:
        assert self._library is not None
        size, count = c_int64(), c_int64()
        at = self._library.scan_fresh(self._handle, t, ctypes.byref(size), ctypes.byref(count))
        if not count.value:
            return []
        values: list[Any] = _DECODERS[t].decode_lines(ctypes.string_at(at, size.value))
        if len(values) != count.value:
            raise ValueError("a part is not one value")
        return values


class _Growing:
    """An array that is added to."""

    def __init__(self) -> None:
        self._room = np.empty(1024, dtype=np.int32)
        self._used = 0

    def add(self, new: Integers) -> None:
        end = self._used + len(new)
        if end > len(self._room):
            room = np.empty(2 * end, dtype=np.int32)
            room[: self._used] = self._room[: self._used]
            self._room = room
        self._room[self._used : end] = new
        self._used = end

    def take(self, places: Integers) -> Integers:
        taken: Integers = self._room[places]
        return taken


__all__ = ["Scanner"]
