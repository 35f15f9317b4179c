"""The errors of `checker/errors.py`, by the name that the language has for them."""

from __future__ import annotations

from checker.errors import (
    Blocked,
    LimitReached,
    LocatedError,
    ModelError,
    NotEnabled,
    Place,
    Pruned,
    QuorateError,
    SpecError,
)

__all__ = [
    "Blocked",
    "LimitReached",
    "LocatedError",
    "ModelError",
    "NotEnabled",
    "Place",
    "Pruned",
    "QuorateError",
    "SpecError",
]
