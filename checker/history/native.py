"""The C of this package as libraries; None where it cannot be compiled: Python then does the same.

What is missing is remembered, and said once in the answer: it may be slower by orders of magnitude.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

from checker.engines.native.build import NoCompilerError, building

_missing: list[str] = []


def library(source: Path | str, options: tuple[str, ...]) -> ctypes.CDLL | None:
    """Compiled C (a file, or text), from the cache if it is there.  Keep what it returns."""
    try:
        return building(source, options).load()
    except NoCompilerError as error:
        _missing.append(error.rule)
    except OSError as error:
        _missing.append(f"what was compiled cannot be used: {error}")
    return None


def missing() -> str | None:
    """Why something of this process was done in Python; None: nothing was."""
    return _missing[0] if _missing else None


__all__ = ["library", "missing"]
