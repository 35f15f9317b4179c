"""`Bag` as a type checker sees it (see the end of `checker.lang`'s imports)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Bag(Generic[T]):
    """A finite bag: how many there are of each item."""

    def __init__(self, items: Iterable[T] = ()) -> None: ...
    def add(self, item: T) -> None: ...
    def remove(self, item: T) -> None: ...
    def clear(self) -> None: ...
    def count(self, item: T) -> int:
        raise NotImplementedError

    def support(self) -> set[T]:
        raise NotImplementedError

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def __contains__(self, item: object) -> bool:
        raise NotImplementedError
