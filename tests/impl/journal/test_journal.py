"""The journal as its users see it: what it takes, keeps, refuses and says."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from impl.journal import (
    Journal,
    JournalBusy,
    JournalStopped,
    Limits,
    MemoryFiles,
    RealFiles,
    RecordRefused,
)
from impl.journal.memory_files import fail_on
from tests.impl.journal.numbered_records import count_of, record, snapshot_of

ROOT = Path(__file__).resolve().parents[3]
SMALL = Limits(record=100, segment=200)


def recovered(folder: Path, limits: Limits = SMALL) -> list[bytes]:
    with Journal.open(folder, limits=limits) as journal:
        return journal.recovered


def test_what_is_synced_is_there_again(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "down"
    with Journal.open(folder) as journal:
        assert journal.recovered == []
        for text in (b"one", b"two", b"\0" * 1000):
            journal.append(text)
        journal.sync()
    assert recovered(folder) == [b"one", b"two", b"\0" * 1000]
    assert (folder / "journal-00000001").stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0


def test_what_waits_is_synced_by_close_but_not_by_a_failing_block(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        journal.append(b"closed")
    with contextlib.suppress(ZeroDivisionError), Journal.open(tmp_path) as journal:
        journal.append(b"failed")
        raise ZeroDivisionError
    assert recovered(tmp_path) == [b"closed"]


def test_records_go_to_replay_in_order(tmp_path: Path) -> None:
    with Journal.open(tmp_path, limits=SMALL) as journal:
        for number in range(30):
            journal.append(record(number))
    seen: list[bytes] = []
    with Journal.open(tmp_path, replay=seen.append) as journal:
        assert journal.recovered == []
    assert count_of(seen) == 30


def test_a_group_costs_one_write_and_one_sync() -> None:
    files = MemoryFiles()
    done: list[str] = []
    journal = Journal.open("node", files=files)
    files.fault = lambda number, operation, name: done.append(operation)
    for number in range(1000):
        journal.append(record(number))
    journal.sync()
    assert done == ["write", "sync"]
    journal.sync()
    assert done == ["write", "sync"], "there was nothing to sync"


def test_a_full_segment_is_followed_by_the_next(tmp_path: Path) -> None:
    with Journal.open(tmp_path, limits=SMALL) as journal:
        for number in range(50):
            journal.append(record(number))
            if number % 7 == 0:
                journal.sync()
        journal.sync()
        segments = sorted(tmp_path.glob("journal-*"))
        assert len(segments) == 10
        assert journal.size == sum(file.stat().st_size for file in segments)
        assert all(file.stat().st_size <= SMALL.segment for file in segments)
    with Journal.open(tmp_path, limits=SMALL) as journal:
        assert count_of(journal.recovered) == 50
        assert journal.size == sum(file.stat().st_size for file in segments)


def test_one_record_of_the_longest_length_fits(tmp_path: Path) -> None:
    longest = Limits(record=200 - 44 - 16, segment=200)
    with Journal.open(tmp_path, limits=longest) as journal:
        for _ in range(3):
            journal.append(b"x" * longest.record)
            journal.append(b"y")
    assert recovered(tmp_path, longest) == [b"x" * longest.record, b"y"] * 3
    with pytest.raises(ValueError, match="does not fit into a segment"):
        Limits(record=200 - 44 - 15, segment=200)
    with pytest.raises(ValueError, match="less than 4 GiB"):
        Limits(segment=2**32 - 1)


def test_a_snapshot_in_steps_stands_for_what_was_before_it_began(tmp_path: Path) -> None:
    with Journal.open(tmp_path, limits=SMALL) as journal:
        for number in range(30):
            journal.append(record(number))
        first, second = snapshot_of(30)
        journal.begin_snapshot()
        journal.add_to_snapshot([first])
        for number in range(30, 50):
            journal.append(record(number))
        journal.sync()
        with pytest.raises(RecordRefused, match="a record of 0 bytes"):
            journal.add_to_snapshot([b""])
        journal.add_to_snapshot([second])
        journal.finish_snapshot()
        with pytest.raises(ValueError, match="begin_snapshot comes first"):
            journal.finish_snapshot()
        on_disk = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
        assert min(name for name in on_disk if name.startswith("journal")) == "journal-00000007"
        assert journal.size == sum(on_disk.values())
        assert journal.snapshot_size == on_disk["snapshot-00000007"]
        journal.begin_snapshot()
    assert list(tmp_path.glob("*.new")), "left as it is, and removed at the next start"
    assert count_of(recovered(tmp_path)) == 50
    assert not list(tmp_path.glob("*.new"))


def test_a_snapshot_takes_the_place_of_what_was_before(tmp_path: Path) -> None:
    with Journal.open(tmp_path, limits=SMALL) as journal:
        for number in range(30):
            journal.append(record(number))
        journal.snapshot(snapshot_of(30))
        assert sorted(os.listdir(tmp_path)) == ["journal-00000007", "lock", "snapshot-00000007"]
        on_disk = sum(file.stat().st_size for file in tmp_path.iterdir())
        assert journal.size == on_disk
        assert journal.snapshot_size == (tmp_path / "snapshot-00000007").stat().st_size
        journal.append(record(30))
    assert count_of(recovered(tmp_path)) == 31
    with Journal.open(tmp_path, limits=SMALL) as journal:
        assert journal.size == sum(file.stat().st_size for file in tmp_path.iterdir())
        journal.snapshot(snapshot_of(31))
        journal.snapshot([])
    assert recovered(tmp_path) == []


def test_a_snapshot_is_written_in_pieces(tmp_path: Path) -> None:
    def many() -> Iterator[bytes]:
        for number in range(3000):
            yield record(number, 1000)

    with Journal.open(tmp_path) as journal:
        journal.snapshot(many())
        assert journal.snapshot_size == 44 + 3000 * 1016 + 16
    assert count_of(recovered(tmp_path)) == 3000


def test_a_snapshot_that_its_caller_fails_leaves_all_as_it_was(tmp_path: Path) -> None:
    def failing() -> Iterator[bytes]:
        yield b"x" * 90
        raise ZeroDivisionError

    with Journal.open(tmp_path, limits=SMALL) as journal:
        journal.append(record(0))
        with pytest.raises(ZeroDivisionError):
            journal.snapshot(failing())
        with pytest.raises(RecordRefused):
            journal.snapshot([b"x", b"x" * 101])
        journal.append(record(1))
    assert count_of(recovered(tmp_path)) == 2
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize("size", [0, 101])
def test_a_record_of_a_bad_length_is_refused_and_harms_nothing(tmp_path: Path, size: int) -> None:
    with Journal.open(tmp_path, limits=SMALL) as journal:
        journal.append(record(0))
        with pytest.raises(RecordRefused) as refused:
            journal.append(b"x" * size)
        journal.append(record(1))
    assert str(refused.value) == (
        f"{tmp_path}: a record of {size} bytes, where 1 to 100 are allowed;"
        " split the record or raise the limit"
    )
    assert count_of(recovered(tmp_path)) == 2


def test_records_of_a_larger_limit_are_still_read(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        journal.append(b"x" * 5000)
    assert recovered(tmp_path, SMALL) == [b"x" * 5000]


def test_only_one_may_open_it(tmp_path: Path) -> None:
    files = MemoryFiles()
    for in_memory in (False, True):
        layer = files if in_memory else None
        with Journal.open(tmp_path, files=layer) as journal:
            with pytest.raises(JournalBusy) as busy:
                Journal.open(tmp_path, files=layer)
            journal.append(b"x")
        assert str(busy.value) == (
            f"{tmp_path}: the journal is open in another process;"
            " stop that one, or give this one a folder of its own"
        )
        journal.close()
        with Journal.open(tmp_path, files=layer) as journal:
            assert journal.recovered == [b"x"]


def test_no_other_process_may_open_it(tmp_path: Path) -> None:
    program = (
        "import sys; from impl.journal import Journal, JournalBusy\n"
        "try: print(Journal.open(sys.argv[1]).recovered)\n"
        "except JournalBusy as busy: print('busy')"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with Journal.open(tmp_path) as journal:
        journal.append(b"x")
        journal.sync()
        assert subprocess.check_output(command, cwd=ROOT) == b"busy\n"
    assert subprocess.check_output(command, cwd=ROOT) == b"[b'x']\n"


def test_after_close_every_call_is_refused(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.close()
    journal.close()
    refused = pytest.raises(JournalStopped, match="takes no more calls: it is closed; open it aga")
    with refused:
        journal.append(b"x")
    with refused:
        journal.sync()
    with refused:
        journal.snapshot([])


def test_a_failed_sync_on_the_real_disk_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(handle: int) -> None:
        raise OSError(5, "Input/output error")

    journal = Journal.open(tmp_path)
    journal.append(record(0))
    journal.sync()
    journal.append(record(1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fails)
        with pytest.raises(JournalStopped) as stopped:
            journal.sync()
    assert str(stopped.value) == (
        f"{tmp_path}: the journal cannot be written (Input/output error);"
        " see what the kernel's log says about the disk, then start again:"
        " what was acknowledged is intact"
    )
    with pytest.raises(JournalStopped, match="takes no more calls"):
        journal.sync()
    journal.close()
    assert count_of(recovered(tmp_path)) in (1, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc which folder was synced")
def test_a_new_folder_is_synced_in_the_ones_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def note(handle: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        sync(handle)

    monkeypatch.setattr(os, "fsync", note)
    Journal.open(tmp_path / "one" / "two").close()
    assert synced[:2] == [str(tmp_path), str(tmp_path / "one")]
    assert set(synced[2:]) == {str(tmp_path / "one" / "two")}


def test_what_cannot_be_opened_says_why_and_lets_go(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    with pytest.raises(JournalStopped, match="cannot be opened"):
        Journal.open(file)
    files = MemoryFiles()
    for operation in ("lock", "list", "create", "write", "sync", "rename", "sync_folder"):
        files.fault = fail_on(operation)
        with pytest.raises(JournalStopped, match=r"node.*: the journal cannot be opened"):
            Journal.open("node", files=files)
    files.fault = None
    Journal.open("node", files=files).close()
    files.fault = fail_on("read")
    with pytest.raises(JournalStopped, match="node/journal-00000001: the journal cannot be op"):
        Journal.open("node", files=files)


def test_a_replay_that_raises_lets_go(tmp_path: Path) -> None:
    def fails(found: bytes) -> None:
        raise ZeroDivisionError

    with Journal.open(tmp_path) as journal:
        journal.append(b"x")
    with pytest.raises(ZeroDivisionError):
        Journal.open(tmp_path, replay=fails)
    assert recovered(tmp_path) == [b"x"]


def test_append_beside_a_sync_in_another_thread(tmp_path: Path) -> None:
    """What is appended while a sync runs is lost by none of the two."""
    journal = Journal.open(tmp_path)
    done = threading.Event()

    def sync() -> None:
        while not done.is_set():
            journal.sync()

    syncing = threading.Thread(target=sync)
    syncing.start()
    for number in range(20_000):
        journal.append(record(number))
    done.set()
    syncing.join()
    journal.close()
    assert count_of(recovered(tmp_path, Limits())) == 20_000


class Interrupted(list[bytes]):
    """What waits; another thread appends just after a sync has looked at it."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        if len(self) < 2:
            self.append(record(1))
        return found


def test_append_in_the_middle_of_a_sync_stays_for_the_next() -> None:
    files = MemoryFiles()
    journal = Journal.open("node", files=files)
    journal._waiting = Interrupted()
    journal.append(record(0))
    for count in (1, 2):
        journal.sync()
        disk = MemoryFiles()
        disk.restore(files.save())
        disk.crash()
        assert count_of(Journal.open("node", files=disk).recovered) == count


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    names = ["journal-1", "journal-0000000²", "journal-000000011.new", "notes", "journal-x.new"]
    for name in names:
        (tmp_path / name).write_text("mine")
    for name in ("journal-00000001.new", "snapshot-00000009.new"):
        (tmp_path / name).write_text("never finished")
    with Journal.open(tmp_path) as journal:
        journal.append(record(0))
    assert sorted(os.listdir(tmp_path)) == sorted([*names, "journal-00000001", "lock"])
    assert count_of(recovered(tmp_path)) == 1


def test_real_files_are_given_back(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    for _ in range(3):
        with Journal.open(tmp_path, files=RealFiles(tmp_path), limits=SMALL) as journal:
            for number in range(20):
                journal.append(record(number))
            journal.snapshot([])
    after = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    assert after == before
