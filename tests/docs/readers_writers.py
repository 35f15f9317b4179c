"""A readers-writers lock, written from the docs alone: many may read, or one may write."""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *


class Thread(Sort):
    """Who reads and writes."""


class ReadersWriters(Spec):
    """Readers share, a writer is alone, and whoever asks gets in: in order of asking."""

    threads: Set[Thread] = members(3)

    reading: Set[Thread]
    writing: Thread | None
    queue: Annotated[Seq[tuple[Thread, bool]], AtMost("threads")]  # True: wants to write

    @action
    def ask(self, t: Thread, to_write: bool) -> None:
        require(t not in self.reading and t != self.writing)
        require(all(waiting != t for waiting, _ in self.queue))
        self.queue.append((t, to_write))

    @action(fairness=weak())
    def enter(self) -> None:
        require(len(self.queue) > 0 and self.writing is None)
        t, to_write = self.queue.pop(0)
        if to_write:
            require(len(self.reading) == 0)
            self.writing = t
        else:
            self.reading.add(t)

    @action(fairness=weak(for_each="t"))
    def leave(self, t: Thread) -> None:
        require(t in self.reading or t == self.writing)
        self.reading.discard(t)
        if t == self.writing:
            self.writing = None

    def inside(self, t: Thread) -> bool:
        return t in self.reading or t == self.writing

    @invariant
    def a_writer_is_alone(self) -> bool:
        return self.writing is None or len(self.reading) == 0

    @reachable
    def readers_share(self) -> bool:
        return len(self.reading) > 1

    @leads_to
    def who_asks_gets_in(self, t: Thread) -> tuple[bool, bool]:
        return any(waiting == t for waiting, _ in self.queue), self.inside(t)


class WritesAmongReaders(ReadersWriters):
    """The mistake: to look for a writer only."""

    def enter(self) -> None:
        require(len(self.queue) > 0 and self.writing is None)
        t, to_write = self.queue.pop(0)
        if to_write:
            self.writing = t
        else:
            self.reading.add(t)


class ReadersFirst(ReadersWriters):
    """The mistake: a reader enters while others read, past a writer that waits."""

    @action
    def overtake(self, t: Thread) -> None:
        require((t, False) in self.queue and self.writing is None)
        require(len(self.reading) > 0)
        self.queue.remove((t, False))
        self.reading.add(t)
