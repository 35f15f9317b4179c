"""A real process on a real disk, killed with SIGKILL at any moment and at the worst ones.

What it had acknowledged on its pipe has to be recovered, and no more than it had begun to append.
(SIGKILL leaves what the kernel holds; test_journal_faults.py takes that away, too.)
"""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from impl.journal import Journal
from tests.impl.journal.journal_writer import LIMITS
from tests.impl.journal.numbered_records import count_of, record

ROOT = Path(__file__).resolve().parents[3]


class Writer:
    """The process, and what it said so far."""

    def __init__(self, folder: Path, seed: int, *point: str) -> None:
        program = [sys.executable, "-m", "tests.impl.journal.journal_writer"]
        command = [*program, os.fspath(folder), str(seed), *point]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.last = {"recovered": 0, "appending": 0, "acknowledged": 0}
        self.ended = False

    def read(self) -> str:
        """The next line's first word; empty at the end."""
        assert self.process.stdout is not None
        word, _, number = self.process.stdout.readline().partition(" ")
        if word in self.last:
            self.last[word] = int(number)
        return word.strip()

    def kill(self) -> None:
        """Kill it, and read what it still said."""
        self.process.send_signal(signal.SIGKILL)
        while self.read():
            pass
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def check(self, folder: Path) -> int:
        """Recover what it left; how many records."""
        with Journal.open(folder, limits=LIMITS) as journal:
            count = count_of(journal.recovered)
        certain = max(self.last["acknowledged"], self.last["recovered"])
        assert certain <= count <= max(self.last["appending"], certain)
        return count


def test_killed_at_any_moment(tmp_path: Path) -> None:
    randomness = random.Random(5)
    count = 0
    for seed in range(6):
        writer = Writer(tmp_path, seed)
        try:
            for _ in range(randomness.randrange(1, 500)):
                assert writer.read()
        finally:
            writer.kill()
        assert writer.last["recovered"] == count
        count = writer.check(tmp_path)
    assert count > 200


# The operation of the file layer, a part of the file's name, the how manieth, and when in it.
POINTS = [
    ("create", "journal-00000001", "0", "after"),  # the first start
    ("rename", "journal-00000001", "0", "before"),
    ("rename", "journal-00000001", "0", "after"),
    ("write", "journal-00000001", "3", "before"),
    ("write", "journal-00000001", "3", "half"),
    ("write", "journal-00000001", "3", "after"),  # and before the sync
    ("sync", "journal-00000001", "3", "after"),  # and before the acknowledgement
    ("rename", "journal-00000003", "0", "before"),  # a new segment
    ("rename", "journal-00000003", "0", "after"),  # and before the sync of the folder
    ("write", "snapshot", "1", "half"),
    ("sync", "snapshot", "1", "before"),
    ("sync", "snapshot", "1", "after"),
    ("rename", "snapshot", "1", "before"),
    ("rename", "snapshot", "1", "after"),  # and before the sync of the folder
    ("remove", "journal", "0", "before"),
    ("remove", "journal", "0", "after"),
    ("remove", "snapshot", "0", "before"),
]


@pytest.mark.parametrize("point", POINTS, ids=["-".join(point) for point in POINTS])
def test_killed_at_a_chosen_point(tmp_path: Path, point: tuple[str, ...]) -> None:
    writer = Writer(tmp_path, 7, *point)
    try:
        while (word := writer.read()) != "paused":
            assert word, "it ended before the point"
    finally:
        writer.kill()
    count = writer.check(tmp_path)
    snapshot = [int(file.name[-8:]) for file in tmp_path.glob("snapshot-*")] or [1]
    segments = sorted(int(file.name[-8:]) for file in tmp_path.glob("journal-*"))
    assert segments == list(range(snapshot[0], segments[-1] + 1)), "what is older is gone"
    assert len(snapshot) == 1
    assert not list(tmp_path.glob("*.new"))
    with Journal.open(tmp_path, limits=LIMITS) as journal:
        assert count_of(journal.recovered) == count
        journal.append(record(count))


# The end of the file is torn; the process is killed while it mends that.
MENDING = [
    ("truncate", "journal", "0", "before"),
    ("truncate", "journal", "0", "after"),
    ("write", "journal", "0", "half"),
    ("sync", "journal", "0", "before"),
    ("write", "journal", "1", "half"),  # the mark
]


@pytest.mark.parametrize("point", MENDING, ids=["-".join(point) for point in MENDING])
def test_killed_while_it_recovers(tmp_path: Path, point: tuple[str, ...]) -> None:
    journal = Journal.open(tmp_path, limits=LIMITS)
    for number in range(6):
        journal.append(record(number))
        if number in (2, 5):
            journal.sync()
    abandoned(journal)
    file = tmp_path / "journal-00000001"
    os.truncate(file, file.stat().st_size - 5)
    writer = Writer(tmp_path, 7, *point)
    try:
        while (word := writer.read()) != "paused":
            assert word, "it ended before the point"
    finally:
        writer.kill()
    with Journal.open(tmp_path, limits=LIMITS) as journal:
        assert count_of(journal.recovered) == 5


def abandoned(journal: Journal) -> None:
    """Let go of the folder without a sync or a mark, as a crash does."""
    try:
        with journal:
            raise InterruptedError
    except InterruptedError:
        pass
