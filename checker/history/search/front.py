"""What a frontier in Python keeps: configurations that no other makes needless (R4, engine.py)."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

T = TypeVar("T", bound=tuple[Any, ...])


class Front(Generic[T]):
    """Configurations of which none did the same as another with more open operations.

    A configuration is a tuple; it begins with its state, the pending operations that took effect,
    and pairs of a kind and how many open operations of it did.  They must be added in the order of
    how many that are.
    """

    def __init__(self) -> None:
        self.kept: list[T] = []
        self._least: dict[tuple[Any, ...], list[dict[Any, int]]] = {}

    def add(self, one: T) -> bool:
        """Whether it is new."""
        known = self._least.setdefault(one[:2], [])
        counts = dict(one[2])
        for less in known:
            if all(counts.get(kind, 0) >= count for kind, count in less.items()):
                return False
        known.append(counts)
        self.kept.append(one)
        return True


__all__ = ["Front"]
