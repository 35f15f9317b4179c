"""The peers of the benchmark search the state space of `spec/paxos.py`, and check agreement there.

How many states it has is in `spec/manifest.toml`.  SPIN need not be installed: its model
is tested where it is.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

MODELS = Path(__file__).parents[2] / "bench" / "models"
STATES = {(2, 2): 3_921, (3, 1): 68_921}  # by ballots and values

Search = Callable[[str, int, int, Path], str]
"""Of a source, ballots and values, in a folder: what the search says."""


def by_hand(source: str, ballots: int, values: int, folder: Path) -> str:
    program = folder / "program"
    options = ["-O1", f"-DBALLOTS={ballots}", f"-DVALUES={values}", "-x", "c"]
    subprocess.run(
        ["gcc", "-std=gnu11", *options, "-o", program, "-"], input=source, text=True, check=True
    )
    return said([str(program), "18"], folder)


def by_spin(source: str, ballots: int, values: int, folder: Path) -> str:
    (folder / "paxos.pml").write_text(source)
    constants = [f"-DBALLOTS={ballots}", f"-DVALUES={values}"]
    subprocess.run(["spin", *constants, "-a", "paxos.pml"], cwd=folder, check=True)
    subprocess.run(["gcc", "-DSAFETY", "-o", "pan", "pan.c"], cwd=folder, check=True)
    return said(["./pan", "-w18"], folder)


def said(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


PEERS = [
    pytest.param(by_hand, "paxos_by_hand.c", id="by hand"),
    pytest.param(
        by_spin,
        "paxos.pml",
        id="SPIN",
        marks=pytest.mark.skipif(not shutil.which("spin"), reason="SPIN is not installed"),
    ),
]


@pytest.mark.parametrize(("search", "file"), PEERS)
def test_the_states_are_those_of_the_spec(search: Search, file: str, tmp_path: Path) -> None:
    source = (MODELS / file).read_text()
    for (ballots, values), states in STATES.items():
        found = search(source, ballots, values, tmp_path)
        assert f" {states} states, stored" in f" {' '.join(found.split())}", found


BROKEN = {
    "paxos_by_hand.c": ("return highest == 1 ?", "return highest ?"),
    "paxos.pml": ("(highest(w, x, b) == 0 ||", "(highest(w, x, b) >= 0 ||"),
}


@pytest.mark.parametrize(("search", "file"), PEERS)
def test_ignoring_the_highest_vote_breaks_agreement(
    search: Search, file: str, tmp_path: Path
) -> None:
    source = (MODELS / file).read_text()
    right, wrong = BROKEN[file]
    assert source.count(right) == 1
    found = search(source.replace(right, wrong), 2, 2, tmp_path)
    assert "no agreement" in found or "assertion violated" in found, found
