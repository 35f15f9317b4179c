"""The gallery: bugs as patches of `impl/`, and how an implementation with one of them is checked.

A file of `gallery/` is a patch with a head:

    Bug: what is wrong, in one line
    Like: where in the world it was seen or asked about, if anywhere
    Constants: of the instance that is checked, as for `-c`
    Diverges: the kind of divergence
    Steps: how long the shortest path to it is
    Says: words of its explanation

The patch is applied to a copy of `impl/` in a folder of its own, and that folder is put first on
the import path of a `quorate conform paxos`: what is checked is the program as it ships, but for
the lines of the patch.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
GALLERY = Path(__file__).parent / "gallery"
LIMIT_S = 300
FIELDS = {"Bug", "Like", "Constants", "Diverges", "Steps", "Says"}


class DoesNotApply(Exception):
    """A patch is not one of the `impl/` that is there."""


@dataclass(frozen=True)
class Bug:
    """A patch, and what is to be found."""

    file: Path
    what: str
    like: str
    constants: str
    diverges: str
    steps: int
    says: str

    @property
    def name(self) -> str:
        """`vote-below-promise` of `15-vote-below-promise.patch`."""
        return self.file.stem.partition("-")[2]

    @classmethod
    def read(cls, file: Path) -> Bug:
        head, _, patch = file.read_text(encoding="utf-8").partition("\n\n")
        fields = dict(line.split(": ", 1) for line in head.splitlines())
        unknown, missing = set(fields) - FIELDS, FIELDS - {"Like"} - set(fields)
        if unknown or missing or not patch.startswith("--- a/impl/"):
            raise ValueError(f"{file}: a head of the lines {sorted(FIELDS)}, a blank line, a patch")
        return cls(
            file,
            fields["Bug"],
            fields.get("Like", ""),
            fields["Constants"],
            fields["Diverges"],
            int(fields["Steps"]),
            fields["Says"],
        )


def bugs() -> list[Bug]:
    return [Bug.read(file) for file in sorted(GALLERY.glob("*.patch"))]


def copy_of_impl(folder: Path, patch: Path | None = None) -> None:
    """A copy of `impl/` in `folder`, with a patch applied to it."""
    no_bytes = shutil.ignore_patterns("__pycache__")
    folder.mkdir(exist_ok=True)
    shutil.copytree(ROOT / "impl", folder / "impl", ignore=no_bytes)
    if patch is None:
        return
    if shutil.which("git") is None:
        raise DoesNotApply(f"{patch.name} is applied by git, which is not there: install it")
    # A repository around the folder would make git look for the files in there.
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)}
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", str(patch)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    if done.returncode:
        raise DoesNotApply(
            f"{patch.name} no longer applies to impl/: {done.stderr.strip()}\n"
            "The lines that it breaks have changed.  Break the new ones in the same way, on a copy,"
            f" and put the new `diff -u` below the head of {patch}."
        )


def conform(folder: Path, constants: str, *options: str) -> dict[str, Any]:
    """What `quorate conform paxos --json` says of the implementation in `folder`."""
    done = _run(folder, _conform(constants, "--replays", "20", "--json", *options))
    return _answer(done)


def replay(folder: Path, file: Path) -> dict[str, Any]:
    """What `quorate conform --replay FILE --json` says of it."""
    return _answer(_run(folder, ["conform", "--replay", str(file), "--json"]))


def _answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    if not done.stdout:
        raise AssertionError(f"exit status {done.returncode}, and no answer:\n{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer | {"status": done.returncode}


def printed(folder: Path, constants: str) -> str:
    """What it prints for a person, without colours and 100 columns wide."""
    return _run(folder, _conform(constants)).stdout


def _conform(constants: str, *options: str) -> list[str]:
    chosen = [word for constant in constants.split() for word in ("-c", constant)]
    return ["conform", "paxos", *chosen, "--workers", "1", *options]


def _run(folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(folder), str(ROOT)))
    plain = {"COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-P", "-m", "checker.cli", *command],
        cwd=folder,
        env=os.environ | plain | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=LIMIT_S,
        check=False,
    )
