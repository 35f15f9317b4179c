"""From a Python exception inside a user's method to a `ModelError` with place, rule and mend."""

from __future__ import annotations

import linecache
import os
from collections.abc import Iterator
from contextlib import contextmanager

from checker.lang.errors import LimitReached, ModelError, NotEnabled, Place, QuorateError

_LANGUAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep

_RULES: list[tuple[type[Exception], str, str, str]] = [
    (AssertionError, "", "an assertion of the spec fails", "see the state before this step"),
    (ZeroDivisionError, "", "division by zero", "guard it: require(divisor != 0)"),
    (IndexError, "", "no item at this index", "guard it with the length: require(i < len(...))"),
    (KeyError, "", "no such key or member: {0}", "guard it with `in`"),
    (ValueError, "empty", "the least or greatest of nothing", "guard it, or give default=..."),
    (ValueError, "", "{0}", "guard it with `in`"),
    (TypeError, "NoneType", "a value that may be absent is used where it is absent",
     "guard it with `is not None`"),
    (AttributeError, "NoneType", "a value that may be absent is used where it is absent",
     "guard it with `is not None`"),
    (AttributeError, "", "{0}", "see the types of the fields"),
    (TypeError, "", "{0}", "see the types in this line"),
    (RecursionError, "", "the recursion does not end", "make each call smaller than its caller"),
]  # fmt: skip


def explain(error: Exception, during: str) -> QuorateError:
    """The `ModelError` (or the original, if it is one of ours already) for an exception."""
    if isinstance(error, MemoryError):
        return LimitReached("memory ran out")  # a limit of the machine, not a fault of the spec
    place = place_of(error)
    if isinstance(error, ModelError):
        if error.place is None:
            error.place = place
        error.during = error.during or during
        return error
    if isinstance(error, NotEnabled):
        return ModelError(
            "a guard (`require`) does not belong in a property",
            "return a truth value",
            place,
            during,
        )
    if isinstance(error, QuorateError):
        return error
    text = str(error.args[0]) if error.args else type(error).__name__
    for kind, mark, rule, mend in _RULES:
        if isinstance(error, kind) and mark in text:
            return ModelError(rule.format(text), mend, place, during)
    return ModelError(f"{type(error).__name__}: {text}", "see the line", place, during)


def place_of(error: BaseException) -> Place | None:
    """The innermost line of the user's own code in the traceback."""
    trace = error.__traceback__
    found = None
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not os.path.abspath(file).startswith(_LANGUAGE):
            column = _column(trace.tb_frame.f_code, trace.tb_lasti)
            text = linecache.getline(file, trace.tb_lineno).rstrip("\n")
            if text:
                found = Place(file, trace.tb_lineno, column, text)
        trace = trace.tb_next
    return found


def _column(code: object, instruction: int) -> int:
    positions = list(code.co_positions())  # type: ignore[attr-defined]
    column = positions[instruction // 2][2] if instruction >= 0 else None
    return column or 0


@contextmanager
def explained(during: str) -> Iterator[None]:
    """Turn what goes wrong inside into a `SpecError` or `ModelError` that names `during`."""
    try:
        yield
    except Exception as error:
        raise explain(error, during) from error


__all__ = ["explain", "explained", "place_of"]
