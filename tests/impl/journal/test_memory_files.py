"""MemoryFiles: the same as a real folder while the power is on, and as forgetful as allowed when it
goes."""

import errno
import pickle
import random
from pathlib import Path

import pytest

from impl.journal import MemoryFiles, PowerCut, RealFiles
from impl.journal.files import LOCK, File
from impl.journal.memory_files import cut_at, fail_at, fail_on, kept_pages, kept_prefix


def content(files: MemoryFiles | RealFiles) -> dict[str, bytes]:
    return {name: files.read(name) for name in files.list() if name != LOCK}


def test_it_does_what_a_real_folder_does(tmp_path: Path) -> None:
    """Random operations on both, compared after each."""
    randomness = random.Random(1)
    for round_ in range(40):
        memory, real = MemoryFiles(), RealFiles(tmp_path / str(round_))
        assert memory.lock()
        assert real.lock()
        assert not memory.lock()
        handles: dict[str, tuple[File, File]] = {}
        opened: list[File] = []
        for _ in range(60):
            name = randomness.choice("abc")
            match randomness.randrange(7):
                case 0:
                    handles[name] = memory.create(name), real.create(name)
                    opened += handles[name]
                case 1 | 2 | 3 if name in handles:
                    offset, data = randomness.randrange(9), randomness.randbytes(5)
                    for file in handles[name]:
                        file.write(offset, data)
                case 4 if name in handles:
                    size = randomness.randrange(9)
                    for file in handles[name]:
                        file.truncate(size)
                        file.sync()
                case 5 if name in handles:
                    other = randomness.choice("abc")
                    handles[other] = handles.pop(name)
                    memory.rename(name, other)
                    real.rename(name, other)
                case 6 if name in memory.list():
                    memory.remove(name)
                    real.remove(name)
                    handles.pop(name, None)
                    memory.sync_folder()
                    real.sync_folder()
            assert content(memory) == content(real)
        for file in opened:
            file.close()
        real.unlock()


@pytest.mark.parametrize("real", [False, True])
def test_what_is_not_there_is_an_error(tmp_path: Path, real: bool) -> None:
    files = RealFiles(tmp_path) if real else MemoryFiles()
    for call in (files.read, files.open, files.remove):
        with pytest.raises(FileNotFoundError):
            call("nothing")
    with pytest.raises(FileNotFoundError):
        files.rename("nothing", "something")


def a_file(data: bytes = b"synced") -> tuple[MemoryFiles, File]:
    files = MemoryFiles()
    file = files.create("file")
    file.write(0, data)
    file.sync()
    files.sync_folder()
    return files, file


def test_a_crash_forgets_bytes_that_were_not_synced() -> None:
    files, file = a_file()
    file.write(4, b"not synced")
    assert files.read("file") == b"syncnot synced"
    files.crash()
    assert files.read("file") == b"synced"


def test_a_crash_forgets_names_that_were_not_synced() -> None:
    files, _ = a_file()
    files.create("new").sync()
    files.rename("file", "renamed")
    assert sorted(files.list()) == ["new", "renamed"]
    assert files.unsynced_changes == 2
    state = files.save()
    files.crash()
    assert files.list() == ["file"]
    files.restore(state)
    files.crash(changes=[1])
    assert files.list() == ["renamed"]
    files.restore(state)
    files.sync_folder()
    files.remove("new")
    files.crash()
    assert sorted(files.list()) == ["new", "renamed"]


def test_a_crash_forgets_that_a_file_became_shorter() -> None:
    files, file = a_file(b"long content")
    file.truncate(4)
    state = files.save()
    files.crash()
    assert files.read("file") == b"long content"
    files.restore(state)
    files.crash(kept_pages(lambda name, page: page < 2, page=4))
    assert files.read("file") == b"long content"
    files.restore(state)
    files.crash(kept_pages(lambda name, page: page == 2, page=4))
    assert files.read("file") == b"long"


def test_what_a_torn_write_leaves() -> None:
    files, file = a_file(b"0123")
    file.write(4, b"456789ab")
    state = files.save()
    for size in range(9):
        files.restore(state)
        files.crash(kept_prefix(size))
        assert files.read("file") == b"0123456789ab"[: 4 + size]
    files.restore(state)
    files.crash(kept_pages(lambda name, page: page == 2, page=4))
    assert files.read("file") == b"0123\0\0\0\0" + b"89ab"


def test_a_failed_sync_brings_nothing_to_the_disk_and_neither_does_the_next() -> None:
    files, file = a_file()
    file.write(6, b", lost")
    files.fault = fail_on("sync")
    with pytest.raises(OSError, match="Input/output error"):
        file.sync()
    files.fault = None
    file.sync()
    assert files.read("file") == b"synced, lost"
    file.write(12, b", kept")
    file.sync()
    files.crash()
    assert files.read("file") == b"synced\0\0\0\0\0\0, kept"


def test_a_failed_write_is_half_done() -> None:
    files, file = a_file()
    files.fault = fail_at(files.operations, errno.ENOSPC)
    with pytest.raises(OSError, match="No space left on device"):
        file.write(6, b"1234")
    assert files.read("file") == b"synced12"


def test_after_a_crash_no_file_is_open() -> None:
    files, file = a_file()
    files.lock()
    files.fault = cut_at(files.operations)
    with pytest.raises(PowerCut, match="sync file"):
        file.sync()
    files.fault = None
    files.crash()
    with pytest.raises(OSError, match="Bad file descriptor"):
        file.write(0, b"x")
    assert files.lock()


def test_a_saved_state_is_plain_and_stays_as_it_was() -> None:
    files, file = a_file()
    state = files.save()
    packed = pickle.dumps(state)
    file.write(0, b"other")
    files.rename("file", "other")
    files.create("third")
    files.sync_folder()
    assert pickle.dumps(state) == packed
    files.restore(pickle.loads(packed))
    assert content(files) == {"file": b"synced"}
