"""Every operation of a run fails, or is where the power goes, once; nothing acknowledged is lost.

The run is scripted and uses all that the journal does. It is repeated for each operation on the
file layer, which then fails or is cut. After that the disk holds one of many things (nothing that
was not synced, all of it, a torn part, some pages of it, some of the changed names), and each of
them has to be recovered: all that was acknowledged, at most what was appended, in order.
What a recovery gives is on disk from then on, so recovery itself is cut at each of its operations.
"""

import contextlib
import errno
import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from impl.journal import Journal, JournalStopped, Limits, MemoryFiles, PowerCut
from impl.journal.memory_files import (
    Keep,
    State,
    cut_at,
    fail_at,
    fail_on,
    kept_all,
    kept_pages,
    kept_prefix,
)
from tests.impl.journal.numbered_records import count_of, record, snapshot_of

LIMITS = Limits(record=60, segment=160)
PAGE = 16


class Run:
    """A journal in use, and what its user knows."""

    def __init__(self) -> None:
        self.files = MemoryFiles()
        self.journal: Journal | None = None
        self.appended = 0
        self.acknowledged = 0

    def open(self) -> None:
        """Open and compare; what is recovered counts as acknowledged from here on."""
        self.journal = None
        self.journal = Journal.open("node", files=self.files, limits=LIMITS)
        count = count_of(self.journal.recovered)
        assert self.acknowledged <= count <= self.appended
        self.acknowledged = self.appended = count

    def append(self, size: int = 12) -> None:
        assert self.journal is not None
        self.appended += 1
        self.journal.append(record(self.appended - 1, size))

    def sync(self) -> None:
        assert self.journal is not None
        self.journal.sync()
        self.acknowledged = self.appended

    def snapshot(self) -> None:
        assert self.journal is not None
        self.journal.snapshot(snapshot_of(self.appended))
        self.acknowledged = self.appended

    def begin(self) -> None:
        """A snapshot in steps; its content is what was appended when it was begun."""
        assert self.journal is not None
        self.parts = snapshot_of(self.appended)
        self.journal.begin_snapshot()
        self.acknowledged = self.appended

    def add(self) -> None:
        assert self.journal is not None
        self.journal.add_to_snapshot(self.parts[:1])
        del self.parts[0]

    def finish(self) -> None:
        assert self.journal is not None
        self.journal.add_to_snapshot(self.parts)
        self.parts = []
        self.journal.finish_snapshot()

    def close(self) -> None:
        assert self.journal is not None
        self.journal.close()
        self.acknowledged = self.appended

    def script(self) -> None:
        self.open()
        self.append()
        self.sync()
        for size in (30, 12, 12):
            self.append(size)
        self.sync()
        for _ in range(9):
            self.append(20)
        self.sync()
        self.snapshot()
        self.append()
        self.sync()
        self.close()
        self.open()
        self.append()
        self.snapshot()
        self.append()
        self.append()
        self.sync()
        self.files.crash()
        self.open()
        self.snapshot()
        self.files.crash()
        self.open()
        self.append()
        self.close()

    def script_of_steps(self) -> None:
        """Snapshots in steps, with records in between; one is left, one is begun again."""
        self.open()
        self.append()
        self.begin()
        self.append()
        self.sync()
        self.add()
        for _ in range(5):  # more than a segment
            self.append(40)
        self.sync()
        self.append()
        self.finish()
        self.append()
        self.sync()
        self.begin()
        self.append()
        self.add()
        self.close()
        self.open()
        self.begin()
        self.snapshot()
        self.append()
        self.sync()

    def goes_on(self) -> None:
        """The journal can be opened, and what it takes then survives a loss of power."""
        self.open()
        self.append()
        self.sync()
        self.files.crash()
        self.open()

    def works(self) -> None:
        """The journal can be opened, goes on, and keeps what it says even if the power goes."""
        self.open()
        self.files.crash()
        self.open()
        self.append()
        self.sync()
        self.files.crash()
        self.open()
        self.snapshot()
        self.files.crash()
        self.open()


Script = Callable[[Run], None]


def operations_of(script: Script) -> int:
    run = Run()
    script(run)
    return run.files.operations


OPERATIONS = operations_of(Run.script)
STEPS = operations_of(Run.script_of_steps)


def crashed(run: "Run", seed: int) -> Iterator[State]:
    """What a crash of ``run`` now may leave, each different disk once."""
    files = run.files
    state = files.save()
    seen = set()
    for keep, changes in list(leftovers(files, seed)):
        files.restore(state)
        files.crash(keep, changes)
        disk = tuple(sorted((name, files.read(name)) for name in files.list()))
        if disk not in seen:
            seen.add(disk)
            yield files.save()


def leftovers(files: MemoryFiles, seed: int) -> Iterator[tuple[Keep | None, list[int]]]:
    """What a crash may leave: of the bytes, and which of the changes of names."""
    randomness = random.Random(seed)
    none: list[int] = []
    every = list(range(files.unsynced_changes))
    yield None, none
    yield None, every
    yield kept_all, none
    yield kept_all, every
    for change in every:
        yield kept_all, [change]
        yield None, [other for other in every if other != change]
    for size in range(0, 100, 7):
        yield kept_prefix(size), every
    for _ in range(20):
        pages = {page for page in range(20) if randomness.random() < 0.5}
        changes = [change for change in every if randomness.random() < 0.5]
        yield kept_pages(lambda name, page, pages=pages: page in pages, PAGE), changes  # type: ignore[misc]


def after(run: Run, files: MemoryFiles) -> Run:
    """A new run on the same files."""
    other = Run()
    other.files = files
    other.appended, other.acknowledged = run.appended, run.acknowledged
    return other


def recovers_from_all(run: Run, seed: int) -> None:
    """Every leftover of a crash now is recovered, even if that is cut and begun again."""
    files = run.files
    for state in crashed(run, seed):
        files.restore(state)
        again = after(run, files)
        first = files.operations
        again.open()
        operations = files.operations - first
        files.restore(state)
        after(run, files).works()
        for cut in range(operations):
            for second in (None, kept_all, kept_prefix(8)):
                files.restore(state)
                files.fault = cut_at(files.operations + cut)
                with pytest.raises(PowerCut):
                    after(run, files).open()
                files.fault = None
                files.crash(second, range(files.unsynced_changes) if second else ())
                after(run, files).works()


def test_the_script_is_worth_it() -> None:
    seen: dict[str, int] = {}
    run = Run()

    def fault(number: int, operation: str, name: str) -> None:
        seen[operation] = seen.get(operation, 0) + 1

    run.files.fault = fault
    run.script()
    assert OPERATIONS > 90
    assert min(seen.values()) >= 3, seen
    assert {"write", "sync", "rename", "remove", "sync_folder", "create", "open"} < set(seen)


def cut(number: int, script: Script = Run.script) -> Run:
    run = Run()
    run.files.fault = cut_at(number)
    with pytest.raises(PowerCut):
        script(run)
    run.files.fault = None
    return run


def failed(number: int, error: int, script: Script = Run.script) -> Run:
    run = Run()
    run.files.fault = fail_at(number, error)
    with pytest.raises(JournalStopped) as stopped:
        script(run)
    run.files.fault = None
    assert "cannot be" in stopped.value.what
    return run


def test_the_power_goes_at_every_operation() -> None:
    for number in range(OPERATIONS):
        recovers_from_all(cut(number), number)


def test_the_power_goes_at_every_operation_of_a_snapshot_in_steps() -> None:
    assert STEPS > 50
    for number in range(STEPS):
        run = cut(number, Run.script_of_steps)
        for state in crashed(run, number):
            run.files.restore(state)
            after(run, run.files).works()


def test_every_operation_of_a_snapshot_in_steps_fails() -> None:
    for number in range(STEPS):
        run = failed(number, errno.EIO, Run.script_of_steps)
        state = run.files.save()
        after(run, run.files).works()
        run.files.restore(state)
        after(run, run.files).goes_on()


def test_what_a_failed_sync_left_in_memory_is_written_again_a_mark_too() -> None:
    """The mark of `close` is read from the kernel's memory, and not on the disk.

    Were it not written again, the next records would stand behind a hole, and be cut with it.
    """
    run = Run()
    run.open()
    run.append()
    run.sync()
    run.files.fault = fail_on("sync")
    with pytest.raises(JournalStopped):
        run.close()
    run.files.fault = None
    run.goes_on()


def test_the_process_dies_at_every_operation_and_then_the_power_goes() -> None:
    """The kernel still has what was not synced: it is read, acted upon, and then not there."""
    for number in range(OPERATIONS):
        run = cut(number)
        files = run.files
        state = files.save()
        files.restore(state)
        first = files.operations
        after(run, files).open()
        for step in range(1, files.operations - first + 1):
            files.restore(state)
            files.fault = cut_at(files.operations + step)
            again = after(run, files)
            with contextlib.suppress(PowerCut):
                again.open()
            files.fault = None
            for left in crashed(again, step):
                files.restore(left)
                after(again, files).works()


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
def test_every_operation_fails_and_then_the_power_goes(error: int) -> None:
    for number in range(OPERATIONS):
        run = failed(number, error)
        for state in crashed(run, number):
            run.files.restore(state)
            after(run, run.files).works()


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
def test_every_operation_fails_and_the_process_starts_again(error: int) -> None:
    """The file system still shows what a failed sync did not bring to the disk, as clean."""
    for number in range(OPERATIONS):
        run = failed(number, error)
        state = run.files.save()
        after(run, run.files).works()
        run.files.restore(state)
        after(run, run.files).goes_on()


def test_after_a_failure_every_call_is_refused_and_the_disk_is_left_alone() -> None:
    for number in range(OPERATIONS):
        run = failed(number, errno.EIO)
        if run.journal is None:
            continue
        before = run.files.operations
        for call in (run.append, run.sync, run.snapshot):
            with pytest.raises(JournalStopped, match="takes no more calls"):
                call()
        run.journal.close()
        assert run.files.operations == before


def test_what_was_cut_never_comes_back() -> None:
    """A torn batch of which the second record is whole; it is cut, and the first is written again.

    Were the new length not on disk before that, a crash could leave both.
    """
    run = Run()
    run.open()
    cut_in_sync(run, [0, 1])
    run.files.crash(lambda name, disk, content: content[:44] + bytes(28) + content[72:])
    run.open()
    assert run.appended == 0
    cut_in_sync(run, [0])
    run.files.crash(lambda name, disk, content: content + disk[len(content) :])
    run.open()


def cut_in_sync(run: Run, numbers: list[int]) -> None:
    for _ in numbers:
        run.append()
    run.files.fault = cut_at(run.files.operations + 1)
    with pytest.raises(PowerCut, match="sync journal-00000001"):
        run.sync()
    run.files.fault = None


class Machine(RuleBasedStateMachine):
    """Any order of calls, faults and crashes, against the oracle in ``Run``."""

    @initialize()
    def begin(self) -> None:
        self.run = Run()
        self.run.open()
        self.works = True
        self.making = False

    def attempt(self, call: str, *arguments: int) -> bool:
        """Whether it went through; after a power cut the journal has been opened again."""
        try:
            getattr(self.run, call)(*arguments)
            return True
        except JournalStopped:
            assert self.run.files.fault is not None, "it stopped, and nothing had failed"
            self.works = False
        except PowerCut:
            self.crash_with(None, [])
        return False

    def crash_with(self, keep: Keep | None, changes: list[int]) -> None:
        self.making = False
        self.run.files.fault = None
        self.run.files.crash(keep, changes)
        self.run.open()
        self.works = True

    @precondition(lambda self: self.works)
    @rule(sizes=st.lists(st.integers(12, 60), max_size=5))
    def append(self, sizes: list[int]) -> None:
        for size in sizes:
            self.attempt("append", size)

    @precondition(lambda self: self.works)
    @rule()
    def sync(self) -> None:
        self.attempt("sync")

    @precondition(lambda self: self.works)
    @rule()
    def snapshot(self) -> None:
        self.making = False
        self.attempt("snapshot")

    @precondition(lambda self: self.works)
    @rule()
    def begin_snapshot(self) -> None:
        self.making = self.attempt("begin")

    @precondition(lambda self: self.works and self.making and len(self.run.parts) > 1)
    @rule()
    def add_to_snapshot(self) -> None:
        self.making = self.attempt("add")

    @precondition(lambda self: self.works and self.making)
    @rule()
    def finish_snapshot(self) -> None:
        self.attempt("finish")
        self.making = False

    @precondition(lambda self: self.works)
    @rule()
    def close_and_open(self) -> None:
        self.making = False
        if self.attempt("close"):
            self.attempt("open")

    @rule()
    def start_again_after_a_failure(self) -> None:
        if not self.works:
            self.making = False
            self.run.files.fault = None
            self.run.open()
            self.works = True

    @precondition(lambda self: self.run.files.fault is None)
    @rule(distance=st.integers(0, 8), error=st.sampled_from([errno.EIO, errno.ENOSPC, 0]))
    def arm(self, distance: int, error: int) -> None:
        number = self.run.files.operations + distance
        self.run.files.fault = fail_at(number, error) if error else cut_at(number)

    @rule(
        pages=st.none() | st.sets(st.integers(0, 12)),
        changes=st.sets(st.integers(0, 6)),
    )
    def crash(self, pages: set[int] | None, changes: set[int]) -> None:
        keep = kept_pages(lambda name, page: page in pages, PAGE) if pages is not None else None
        survive = [change for change in changes if change < self.run.files.unsynced_changes]
        self.crash_with(keep, survive)

    @invariant()
    def no_more_acknowledged_than_appended(self) -> None:
        assert self.run.acknowledged <= self.run.appended


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=150, stateful_step_count=40)
