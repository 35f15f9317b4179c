"""A lock for many readers or one writer; a reader may have it several times.

Source: P. J. Courtois, F. Heymans and D. L. Parnas, "Concurrent control with readers and writers"
(1971), and the locks of today's libraries, which count how often each reader has the lock.
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *


class Thread(Sort):
    """Who reads and writes."""


class ReadersWriters(Spec):
    """Writers are alone, and nobody waits for ever, if readers let waiting writers go first."""

    threads: Set[Thread] = members(2)
    depth: int = const(2)  # so often each may have it

    reading: Annotated[Bag[Thread], AtMost("depth * threads")]
    writing: Thread | None
    wants_to_write: Set[Thread]

    @action
    def read(self, t: Thread) -> None:
        require(self.writing is None and t not in self.wants_to_write)
        require(self.reading.count(t) < self.depth)
        require(self.may_read(t))
        self.reading.add(t)

    def may_read(self, t: Thread) -> bool:
        """The first time only if no writer waits; again always, or it would wait for itself."""
        return t in self.reading or not self.wants_to_write

    @action(fairness=weak(for_each="t"))
    def give_back(self, t: Thread) -> None:
        require(self.reading.count(t) > 1)
        self.reading.remove(t)

    @action(fairness=strong(for_each="t"))  # strong, for else it may always take it again
    def stop_reading(self, t: Thread) -> None:
        require(self.reading.count(t) == 1)
        self.reading.remove(t)

    @action
    def ask_to_write(self, t: Thread) -> None:
        require(t not in self.reading and self.writing != t)
        self.wants_to_write.add(t)

    @action(fairness=strong(for_each="t"))
    def write(self, t: Thread) -> None:
        require(t in self.wants_to_write and self.writing is None)
        require(len(self.reading) == 0)
        self.wants_to_write.remove(t)
        self.writing = t

    @action(fairness=weak())
    def stop_writing(self) -> None:
        require(self.writing is not None)
        self.writing = None

    @invariant
    def a_writer_is_alone(self) -> bool:
        return self.writing is None or len(self.reading) == 0

    @leads_to
    def who_wants_to_write_writes(self, t: Thread) -> tuple[bool, bool]:
        return t in self.wants_to_write, self.writing == t

    @reachable
    def all_can_read(self) -> bool:
        return self.reading.support() == self.threads and len(self.reading) > len(self.threads)


class GivesBackAtOnce(ReadersWriters):
    """A reader who has it twice gives it back once, and the lock is thought to be free."""

    def write(self, t: Thread) -> None:
        require(t in self.wants_to_write and self.writing is None)
        require(all(self.reading.count(u) <= 1 for u in self.threads))
        self.wants_to_write.remove(t)
        self.writing = t


class ReadersFirst(ReadersWriters):
    """Readers who take turns keep a writer out for ever."""

    def may_read(self, t: Thread) -> bool:
        return True
