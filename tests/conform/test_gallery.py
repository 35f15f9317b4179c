"""Conformance bites: each bug of the gallery is found, by a shortest path, and only where it is."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conform.seeded import (
    GALLERY,
    ROOT,
    Bug,
    DoesNotApply,
    bugs,
    conform,
    copy_of_impl,
    printed,
    replay,
)
from tests.docs.test_docs import assert_shows

BUGS = bugs()
INSTANCES = {
    "ballots=1 values=1": 9_522,
    "acceptors=1": 374,
    "acceptors=2": 11_944,
    "acceptors=2 ballots=3 crashes=0": 38_690,
}
"""The instances of the gallery, and how many edges each has."""
SLOW = {"first-vote-taken"}
"""What takes long, and is much like another one."""


def test_the_gallery_is_as_large_as_was_promised() -> None:
    assert len(BUGS) >= 15
    assert len({bug.name for bug in BUGS}) == len(BUGS)
    assert {bug.constants for bug in BUGS} == set(INSTANCES)
    assert {bug.name for bug in BUGS} >= SLOW


@pytest.mark.parametrize("constants", INSTANCES)
def test_without_a_bug_nothing_is_found(constants: str, tmp_path: Path) -> None:
    copy_of_impl(tmp_path)
    answer = conform(tmp_path, constants)
    assert (answer["status"], answer["verdict"]) == (0, "holds")
    assert answer["edges_covered"] == answer["edges"] == INSTANCES[constants]


def each() -> list[Any]:
    """The bugs, as parameters of a test."""
    slow = pytest.mark.slow
    return [
        pytest.param(bug, id=bug.name, marks=[slow] if bug.name in SLOW else []) for bug in BUGS
    ]


@pytest.mark.parametrize("bug", each())
def test_the_bug_is_found(bug: Bug, tmp_path: Path) -> None:
    copy_of_impl(tmp_path, bug.file)
    answer = conform(tmp_path, bug.constants)
    assert (answer["status"], answer["verdict"]) == (1, "violated")
    found = answer["divergence"]
    assert (found["kind"], found["length"]) == (bug.diverges, bug.steps)
    assert bug.says in found["explanation"]
    assert found["confirmed"]
    assert answer["seconds"] < 60


def test_what_a_snapshot_does_not_hold_is_shown_by_a_path_that_can_be_replayed(
    tmp_path: Path,
) -> None:
    """A set in a variable of a module: all steps of the path count, in a process of its own."""
    (bug,) = (bug for bug in BUGS if bug.name == "set-shared")
    copy_of_impl(tmp_path, bug.file)
    saved, shorter = tmp_path / "found.json", tmp_path / "shorter.json"
    assert conform(tmp_path, bug.constants, "--save", str(saved))["replays"] > 0
    again = replay(tmp_path, saved)
    assert (again["verdict"], again["same"]) == ("violated", True)
    held = json.loads(saved.read_text(encoding="utf-8"))
    steps = held["steps"]
    assert len(steps) == bug.steps
    shorter.write_text(json.dumps({**held, "steps": steps[:-1]}), encoding="utf-8")
    assert replay(tmp_path, shorter)["verdict"] == "holds"


def test_a_patch_that_no_longer_applies_says_so(tmp_path: Path) -> None:
    stale = tmp_path / "01-stale.patch"
    shutil.copy(BUGS[0].file, stale)
    stale.write_text(stale.read_text(encoding="utf-8").replace("m.ballot", "m.term"))
    with pytest.raises(DoesNotApply, match=r"01-stale\.patch no longer applies to impl/.*") as said:
        copy_of_impl(tmp_path / "copy", stale)
    assert "impl/paxos/instance.py" in str(said.value)
    assert "on a copy" in str(said.value)


@pytest.mark.parametrize("head", ["Bug: x\n", "Bug: x\nWhere: y\n"])
def test_a_patch_without_its_head_says_so(head: str, tmp_path: Path) -> None:
    file = tmp_path / "01-bare.patch"
    file.write_text(f"{head}\n--- a/impl/paxos/node.py\n")
    with pytest.raises(ValueError, match="01-bare"):
        Bug.read(file)


def test_the_docs_show_what_is_printed(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    section = text[text.index("## One bug, from divergence to cause") :]
    commands, output = section.split("```")[1:4:2]
    (name,) = re.findall(r"gallery/(\S+\.patch)", commands)
    (constants,) = re.findall(r"quorate conform paxos -c (\S+)", commands)
    copy_of_impl(tmp_path, GALLERY / name)
    assert_shows(output, printed(tmp_path, constants))


def test_the_docs_have_the_whole_table() -> None:
    text = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    for bug in BUGS:
        (line,) = (line for line in text.splitlines() if f"/{bug.file.name})" in line)
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        constants = bug.constants.replace(" ", ", ")
        assert cells[0].startswith(f"[{bug.what}](")
        assert cells[2:5] == [constants, bug.diverges, str(bug.steps)]
