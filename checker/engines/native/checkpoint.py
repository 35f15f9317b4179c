"""A search on disk, to go on with after a crash.

    magic     one line: what this file is, and the version of its form
    header    its length (8 bytes), JSON, digest (16 bytes)
    states    pieces of `PIECE` states, the last one shorter; the digest of each follows it

The digest of a piece also covers the digest before it, and the first of them the header's: pieces
of two files cannot be mixed.  A file is written under another name, and takes the place of the
older one only when it is whole and on the disk.  One that is damaged, or of another run, is
refused before its search goes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from checker.engines.native.disk import DiskFile
from checker.engines.native.generated import Generated
from checker.engines.native.library import Search, Seen, Standing, Status
from checker.engines.python.plan import Plan
from checker.engines.python.watch import Watch
from checker.lang.errors import LocatedError
from checker.lang.model import Model

MAGIC = b"quorate checkpoint 1\n"
DIGEST = 16
LENGTH = 8
PIECE = 1 << 17
MOST_HEADER = 1 << 30


class CheckpointError(LocatedError):
    """A checkpoint that cannot be written, or not be gone on with."""


def _refused(path: Path, rule: str, mend: str) -> CheckpointError:
    return CheckpointError(f"{path} cannot be resumed: {rule}", mend)


@dataclass(frozen=True)
class Identity:
    """What two runs must have in common, so that one can go on with the other's states."""

    spec: str
    """The name and the constants, for people."""
    program: str
    """A digest of the generated C and of what its numbers mean."""
    judged: str
    """The properties, and whether the search goes on after a violation."""

    @classmethod
    def of(cls, model: Model, plan: Plan, made: Generated, stop_at_first: bool) -> Identity:
        constants = (f"{name}={c.type.text(c.value)}" for name, c in model.constants.items())
        sources = [part.source for part in (made, *made.others)]
        numbers = [(what.kind, what.name) for what in made.whats], [goal[0] for goal in made.goals]
        program = json.dumps([sources, numbers, made.packing.words, made.packing.bits])
        wanted = [*plan.names, *(["deadlock"] if plan.deadlock else [])]
        return cls(
            f"{model.name}({', '.join(constants)})",
            blake2b(program.encode(), digest_size=DIGEST).hexdigest(),
            ", ".join(wanted) + ("" if stop_at_first else " (--all)"),
        )

    def check(self, path: Path, other: dict[str, Any]) -> None:
        """`CheckpointError` if what is in a file is of another run."""
        if other["spec"] != self.spec:
            rule = f"it is of a run of {other['spec']}, and this is {self.spec}"
            raise _refused(path, rule, "give the same spec and constants, or begin anew")
        if other["judged"] != self.judged:
            rule = f"it judges {other['judged']}, and this run {self.judged}"
            raise _refused(path, rule, "give the same --property and --all, or begin anew")
        if other["program"] != self.program:
            rule = "the spec, or quorate, has changed since it was written"
            raise _refused(path, rule, "go back to that version, or begin anew")


# --------------------------------------------------------------------------- writing


def write(path: Path, search: Search, identity: Identity, seconds: float) -> None:
    """Write down a settled search.  `OSError`: the older file is still there."""
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        with unfinished.open("wb") as file:
            _write(file, search, identity, seconds)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write(file: IO[bytes], search: Search, identity: Identity, seconds: float) -> None:
    header = json.dumps(_header(search, identity, seconds)).encode()
    file.write(MAGIC + len(header).to_bytes(LENGTH, "little") + header)
    digest = blake2b(header, digest_size=DIGEST).digest()
    file.write(digest)
    for number, count in _pieces(search.numbers().states):
        states = search.read_states(number, count)
        digest = _digest(states, digest)
        file.write(states)
        file.write(digest)


def _header(search: Search, identity: Identity, seconds: float) -> dict[str, Any]:
    numbers, standing = search.numbers(), search.standing()
    counts, taken = search.actions()
    found = {number: search.found(number) for number in range(len(search.whats))}
    return {
        "identity": vars(identity),
        "states": numbers.states,
        "extended": numbers.extended,
        "cut": numbers.cut,
        "failed": numbers.failed,
        "starts": standing.starts,
        "cursor": standing.cursor,
        "actions": counts,
        "taken": taken.hex(),
        "open": search.open_goals(),
        "found": [
            [number, seen.state, seen.after, seen.level] for number, seen in found.items() if seen
        ],
        "seconds": seconds,
    }


def _pieces(states: int) -> Iterator[tuple[int, int]]:
    for number in range(0, states, PIECE):
        yield number, min(PIECE, states - number)


def _digest(states: bytes | bytearray, before: bytes) -> bytes:
    return blake2b(states, digest_size=DIGEST, key=before).digest()


# --------------------------------------------------------------------------- reading


class Saved:
    """A checkpoint that can be read.  `restore` puts it into a search that has not begun."""

    def __init__(self, path: Path, identity: Identity) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                header = self._read_header(file)
                self.states_at = file.tell()
            self.header: dict[str, Any] = json.loads(header)
            identity.check(path, self.header["identity"])
            self._digest = blake2b(header, digest_size=DIGEST).digest()
        except OSError as error:
            raise _refused(
                path, error.strerror or str(error), "give --resume such a file"
            ) from error

    def _read_header(self, file: IO[bytes]) -> bytes:
        magic = file.read(len(MAGIC))
        if magic != MAGIC:
            known = magic.startswith(MAGIC[:-2])
            rule = "another version of quorate wrote it" if known else "it is no checkpoint"
            raise _refused(self.path, rule, "give --resume a file that --checkpoint wrote")
        length = int.from_bytes(file.read(LENGTH), "little")
        header = file.read(min(length, MOST_HEADER))
        if file.read(DIGEST) != blake2b(header, digest_size=DIGEST).digest():
            raise self._damaged(len(MAGIC))
        return header

    def _damaged(self, at: int) -> CheckpointError:
        rule = f"it is damaged, at byte {at:,} or after it"
        return _refused(self.path, rule, "begin anew, or give a copy that is whole")

    @property
    def seconds(self) -> float:
        return float(self.header["seconds"])

    def restore(self, search: Search, disk: DiskFile) -> Status:
        """Put everything back; what `Search.run` would have returned last."""
        header = self.header
        self._restore_states(search, disk)
        search.restore_counts(
            header["actions"],
            bytes.fromhex(header["taken"]),
            header["open"],
            header["extended"],
            cut=header["cut"],
            failed=header["failed"],
        )
        for number, state, after, level in header["found"]:
            seen = Seen(tuple(state), None if after is None else tuple(after), level)
            search.restore_found(number, seen)
        return search.resume(Standing(header["starts"], header["cursor"]))

    def _restore_states(self, search: Search, disk: DiskFile) -> None:
        digest = self._digest
        size = search.library.state_bytes
        with self.path.open("rb") as file:
            file.seek(self.states_at)
            for _, count in _pieces(self.header["states"]):
                at = file.tell()
                states = file.read(count * size)
                digest = _digest(states, digest)
                if file.read(DIGEST) != digest:
                    raise self._damaged(at)
                try:
                    if not search.restore_states(states, count):
                        disk.begin(search)
                        search.restore_states(states, count)
                except OSError as error:
                    raise disk.failed(error) from error
            if file.read(1):
                raise self._damaged(file.tell() - 1)


# --------------------------------------------------------------------------- now and then


class Checkpoints:
    """Writes one every so many seconds, and spends a twentieth of the time on it at most."""

    SHARE = 20

    def __init__(self, path: Path, identity: Identity, every_seconds: float, watch: Watch) -> None:
        self.path = path
        self.identity = identity
        self.every_seconds = every_seconds
        self.watch = watch
        self.next_at = watch.seconds + every_seconds
        self.trouble: list[str] = []
        """Why the last one could not be written."""
        if not path.parent.is_dir() or path.is_dir() or not os.access(path.parent, os.W_OK):
            raise CheckpointError(
                f"a checkpoint cannot be written to {path}",
                "give --checkpoint a file in a folder that can be written",
            )

    @property
    def due(self) -> bool:
        return self.watch.seconds >= self.next_at

    def write(self, search: Search) -> None:
        """Write down a settled search.  Trouble is kept for the answer, and does not end it."""
        began = self.watch.seconds
        try:
            write(self.path, search, self.identity, began)
            self.trouble = []
        except OSError as error:
            self.trouble = [f"no checkpoint could be written to {self.path}: {error.strerror}"]
        now = self.watch.seconds
        self.next_at = now + max(self.every_seconds, self.SHARE * (now - began))

    def remove(self) -> None:
        """A run that has its answer needs none."""
        self.path.unlink(missing_ok=True)
