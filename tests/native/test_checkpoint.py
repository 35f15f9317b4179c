"""A search that was stopped goes on from its checkpoint to the answer that it would have had."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import pytest

from checker import check
from checker.engines.native import checkpoint, explore
from checker.engines.native.checkpoint import CheckpointError, Identity, Saved
from checker.engines.native.disk import DiskFile
from checker.engines.native.generate import generate
from checker.engines.native.library import Library, Search, Status
from checker.engines.native.options import Options
from checker.engines.python.plan import Plan
from checker.lang import Range, Spec, action, const, invariant, reachable, require, step_property
from checker.lang.errors import SpecError
from checker.lang.model import Model
from spec.paxos import Paxos
from tests.native.answers import answer

Side = Annotated[int, Range(90)]


class Grid(Spec):
    """States in thin levels, with something wrong in the middle and at the end."""

    side: int = const(60)

    x: Side = 0
    y: Side = 0

    @action
    def right(self) -> None:
        require(self.x < self.side - 1)
        self.x += 1

    @action
    def up(self) -> None:
        require(self.y < self.side - 1)
        self.y += 1

    @invariant
    def inside(self) -> bool:
        return self.x != 41 or self.y != 27

    @step_property
    def no_jump(self) -> bool:
        return self.x <= 44 or self.old.y != 31

    @reachable
    def corner(self) -> bool:
        return self.x == self.side - 1 and self.y == self.side - 1


class Interruptions:
    """Ctrl-C after so many looks at the clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        look = explore._Run._look_at_the_time

        def looked(run: Any) -> None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            look(run)

        monkeypatch.setattr(explore._Run, "_look_at_the_time", looked)
        monkeypatch.setattr(explore, "SLICE_SECONDS", 0.0)


@pytest.mark.parametrize("stop_at_first", [True, False])
@pytest.mark.parametrize("spec", [Grid(), Paxos(ballots=2, values=2)])
def test_what_is_interrupted_goes_on(
    spec: Spec, stop_at_first: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {"stop_at_first": stop_at_first}
    model = Model.of(spec)
    expected = explore.explore(model, **asked)
    file = tmp_path / "saved"
    pick = random.Random(7)
    interruptions = Interruptions(monkeypatch)
    stops = 0
    while True:
        interruptions.left = pick.randrange(24)
        result = explore.explore(
            model,
            Options(
                pick.randrange(1, 4),
                checkpoint=file,
                resume=file if stops else None,
                most_in_memory=pick.choice([None, 30, 700]),
            ),
            **asked,
        )
        if not file.exists():  # it has its answer
            break
        stops += 1
    assert stops > 2
    assert answer(result) == answer(expected)
    assert result.frontier == expected.frontier
    assert [one.steps for one in result.counterexamples] == [
        one.steps for one in expected.counterexamples
    ]
    assert not list(tmp_path.iterdir())


# --------------------------------------------------------------------------- kill -9


def command(*more: object) -> list[str]:
    asked = ["two_phase", "-c", "resource_managers=8", "--property", "deadlock", "--json"]
    return [sys.executable, "-m", "checker.cli", "check", *asked, *map(str, more)]


def counts(text: str) -> dict[str, Any]:
    result = json.loads(text)
    names = ("verdict", "distinct_states", "transitions", "depth", "actions", "properties")
    return {name: result[name] for name in names}


def test_a_run_that_is_killed_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "saved"
    pick = random.Random(3)
    kept = ["--checkpoint", file, "--checkpoint-every", "0.02"]
    for workers in (2, 1):
        resumed = ["--resume", file] if file.exists() else []
        run = subprocess.Popen(
            command("--workers", workers, *kept, *resumed), stdout=subprocess.DEVNULL
        )
        before = file.stat().st_mtime_ns if file.exists() else 0
        while not (file.exists() and file.stat().st_mtime_ns > before) and run.poll() is None:
            time.sleep(0.005)
        time.sleep(pick.random() / 20)
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    assert file.exists()
    plain = subprocess.run(command(), capture_output=True, check=True, text=True)
    result = subprocess.run(command("--resume", file), capture_output=True, check=True, text=True)
    assert counts(result.stdout) == counts(plain.stdout)


# --------------------------------------------------------------------------- what is refused


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint of the grid, after some levels."""
    file = tmp_path / "saved"
    with monkeypatch.context() as patch:
        Interruptions(patch).left = 20
        check(Grid(), checkpoint=file, workers=1)
    assert file.exists()
    return file


class Reader:
    """Reads checkpoints of the grid."""

    def __init__(self, file: Path) -> None:
        self.file = file
        model = Model.of(Grid())
        plan = Plan.of(model)
        self.library = Library(generate(model, plan, Options()))
        self.identity = Identity.of(model, plan, self.library.generated, True)

    def read(self, held: bytes) -> None:
        self.file.write_bytes(held)
        search = Search(self.library, 1, True, None, 10_000)
        disk = DiskFile(None)
        try:
            assert Saved(self.file, self.identity).restore(search, disk) == Status.RUNNING
        finally:
            search.close()
            disk.close()


def test_damage_is_noticed(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any byte that differs, and any end that is missing."""
    whole = saved.read_bytes()
    reader = Reader(saved)
    reader.read(whole)
    for at in range(0, len(whole), 3):
        with pytest.raises(CheckpointError):
            reader.read(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        with pytest.raises(CheckpointError):
            reader.read(whole[:at])
    with pytest.raises(CheckpointError):
        reader.read(whole + b"more")


def test_pieces_that_changed_places_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "PIECE", 50)
    file = tmp_path / "saved"
    with monkeypatch.context() as patch:
        Interruptions(patch).left = 20
        check(Grid(), checkpoint=file, workers=1)
    reader = Reader(file)
    whole = file.read_bytes()
    size = 50 * reader.library.state_bytes + checkpoint.DIGEST
    start = Saved(file, reader.identity).states_at
    one, two = whole[start : start + size], whole[start + size : start + 2 * size]
    with pytest.raises(CheckpointError):
        reader.read(whole[:start] + two + one + whole[start + 2 * size :])


def refusal(file: Path, spec: Spec | None = None, **asked: Any) -> str:
    with pytest.raises(CheckpointError) as refused:
        check(spec or Grid(), resume=file, **asked)
    return str(refused.value).replace(f"{file.parent}/", "")


def test_what_is_said_of_a_checkpoint_that_cannot_be_resumed(saved: Path) -> None:
    begin = "saved cannot be resumed: "
    assert refusal(saved, Grid(side=61)) == (
        f"{begin}it is of a run of Grid(side=60), and this is Grid(side=61)\n"
        "  mend: give the same spec and constants, or begin anew"
    )
    assert refusal(saved, properties=["inside"]) == (
        f"{begin}it judges inside, no_jump, corner, deadlock, and this run inside\n"
        "  mend: give the same --property and --all, or begin anew"
    )
    assert "(--all)" in refusal(saved, stop_at_first=False)
    whole = saved.read_bytes()
    saved.write_bytes(whole.replace(b'"program": "', b'"program": "0'))
    assert refusal(saved).startswith(f"{begin}it is damaged, at byte 21 or after it\n")
    saved.write_bytes(whole[:-1])
    assert refusal(saved).endswith("mend: begin anew, or give a copy that is whole")
    saved.write_bytes(whole.replace(b"checkpoint 1", b"checkpoint 2", 1))
    assert refusal(saved).startswith(f"{begin}another version of quorate wrote it\n")
    saved.write_bytes(b"{}")
    assert refusal(saved).startswith(f"{begin}it is no checkpoint\n")
    saved.unlink()
    assert refusal(saved).startswith(f"{begin}No such file or directory\n")


def test_a_spec_that_changed_is_refused(saved: Path) -> None:
    class Changed(Grid):
        @action
        def right(self) -> None:
            require(self.x < self.side - 2)
            self.x += 1

    Changed.__name__ = "Grid"
    assert refusal(saved, Changed()).startswith(
        "saved cannot be resumed: the spec, or quorate, has changed since it was written\n"
    )


# --------------------------------------------------------------------------- trouble while writing


def test_an_older_checkpoint_stays_where_a_newer_one_cannot_be_written(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved.read_bytes()

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    Interruptions(monkeypatch).left = 30
    result = check(Grid(), checkpoint=saved, workers=1)
    assert saved.read_bytes() == before
    assert [one.name for one in saved.parent.iterdir()] == ["saved"]
    assert f"no checkpoint could be written to {saved}: No space left on device" in result.warnings


def test_a_reduced_search_has_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="do not go together"):
        check(Grid(), properties=["inside"], por=True, checkpoint=tmp_path / "saved")


def test_a_folder_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="in a folder that can be written"):
        check(Grid(), checkpoint=tmp_path / "none" / "saved")
