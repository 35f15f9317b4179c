"""What is in flight: frames by number, and which of them can be delivered.

A network's content is one immutable value, cheap to keep and to compare, so that a snapshot of it
is the value itself.  `MessageSet` is the network of a spec whose variable is the set of all that
was ever sent: what is never delivered is lost, and what is delivered twice was duplicated.
A bag or queues are other classes with the same methods.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any


class Network(ABC):
    """The rules of a network.  Frames are numbers; equal frames have the same number."""

    empty: Any
    """The content at the start.  A content is hashable."""

    @abstractmethod
    def sent(self, content: Any, frames: Iterable[int]) -> Any:
        """The content when these were sent, in this order."""

    @abstractmethod
    def delivered(self, content: Any, frame: int) -> Any:
        """The content when this one was delivered."""

    @abstractmethod
    def holds(self, content: Any, frame: int) -> bool:
        """Whether it can be delivered."""

    @abstractmethod
    def frames(self, content: Any) -> Iterator[int]:
        """All that can be delivered, each once, in order."""


class MessageSet(Network):
    """All frames ever sent, as the bits of one integer."""

    empty = 0

    def sent(self, content: int, frames: Iterable[int]) -> int:
        for frame in frames:
            content |= 1 << frame
        return content

    def delivered(self, content: int, frame: int) -> int:
        return content

    def holds(self, content: int, frame: int) -> bool:
        return content >> frame & 1 == 1

    def frames(self, content: int) -> Iterator[int]:
        while content:
            lowest = content & -content
            yield lowest.bit_length() - 1
            content ^= lowest
