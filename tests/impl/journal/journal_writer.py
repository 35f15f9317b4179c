"""A process that writes a journal for test_journal_kill.py and test_journal_disk_full.py.

``FOLDER SEED [OPERATION NAME NTH WHEN]``: append, sync and snapshot until killed. On standard
output one line for each thing that happened: ``recovered N``; ``appending N`` before record N - 1
is appended; ``acknowledged N`` after a sync. With OPERATION it stops in that operation of the
file layer on a file whose name contains NAME, when it comes to it for the NTH time (from 0): WHEN
is ``before``, ``half`` (of a write) or ``after``. It says ``paused`` then, and waits.
``error TEXT`` and ``refused`` tell of a JournalError, and of the next call after it.
"""

import os
import random
import sys
import time

from impl.journal import Journal, JournalError, JournalStopped, Limits, RealFiles
from impl.journal.files import File
from tests.impl.journal.numbered_records import count_of, record, snapshot_of

LIMITS = Limits(record=4000, segment=30_000)


def say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


class PausingFiles(RealFiles):
    """The real file layer, which stops once at a chosen point."""

    def __init__(self, folder: str, operation: str, name: str, nth: str, when: str) -> None:
        super().__init__(folder)
        self.point = (operation, name, when)
        self.left = int(nth)

    def reach(self, operation: str, name: str, when: str) -> bool:
        wanted, part, moment = self.point
        if operation != wanted or part not in name or when != moment:
            return False
        self.left -= 1
        return self.left == -1

    def pause(self, operation: str, name: str, when: str) -> None:
        if self.reach(operation, name, when):
            say("paused")
            time.sleep(600)

    def create(self, name: str) -> File:
        self.pause("create", name, "before")
        file = super().create(name)
        self.pause("create", name, "after")
        return PausingFile(self, name, file)

    def open(self, name: str) -> File:
        return PausingFile(self, name, super().open(name))

    def rename(self, old: str, new: str) -> None:
        self.pause("rename", new, "before")
        super().rename(old, new)
        self.pause("rename", new, "after")

    def remove(self, name: str) -> None:
        self.pause("remove", name, "before")
        super().remove(name)
        self.pause("remove", name, "after")


class PausingFile:
    """A file of PausingFiles."""

    def __init__(self, files: PausingFiles, name: str, file: File) -> None:
        self.files, self.name, self.file = files, name, file

    def write(self, offset: int, data: bytes) -> None:
        if self.files.reach("write", self.name, "half"):
            self.file.write(offset, data[: len(data) // 2])
            say("paused")
            time.sleep(600)
        self.files.pause("write", self.name, "before")
        self.file.write(offset, data)
        self.files.pause("write", self.name, "after")

    def truncate(self, size: int) -> None:
        self.files.pause("truncate", self.name, "before")
        self.file.truncate(size)
        self.files.pause("truncate", self.name, "after")

    def sync(self) -> None:
        self.files.pause("sync", self.name, "before")
        self.file.sync()
        self.files.pause("sync", self.name, "after")

    def close(self) -> None:
        self.file.close()


def main(folder: str, seed: str, *point: str) -> None:
    randomness = random.Random(int(seed))
    files = PausingFiles(folder, *point) if point else RealFiles(folder)
    journal = Journal.open(folder, files=files, limits=LIMITS)
    count = count_of(journal.recovered)
    say(f"recovered {count}")
    try:
        while True:
            for _ in range(randomness.randrange(1, 10)):
                count += 1
                say(f"appending {count}")
                journal.append(record(count - 1, randomness.choice((12, 200, 3900))))
            if randomness.random() < 0.05:
                journal.snapshot(snapshot_of(count))
            else:
                journal.sync()
            say(f"acknowledged {count}")
    except JournalError as error:
        say(f"error {error}")
        try:
            journal.sync()
        except JournalStopped:
            say("refused")
        journal.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
