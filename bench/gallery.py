"""How long it takes to find each bug of the gallery: the table of docs/conformance.md.

    .venv/bin/python bench/gallery.py [--rounds N] [NAME ...]

Each patch of tests/conform/gallery is applied to a copy of `impl/`, and `quorate conform paxos` is
run on it, on one core.  Seconds are processor seconds of the whole command, from the start of
Python to its end, the best of N rounds after one that fills the cache of generated C: a busy
machine changes them little.  The line at the end has the longest wall time.  Asked for: 60 s.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.conform.seeded import Bug, bugs, conform, copy_of_impl

COLUMNS = "| bug | compare | `-c` | diverges | steps | edges taken | s |"
LINE = "| --- | --- | --- | --- | --- | --- | --- |"
PATCHES = "../tests/conform/gallery"
"""As seen from docs/."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("names", nargs="*", help="of bugs; without: all")
    said = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    print(COLUMNS, LINE, sep="\n")
    longest, slowest = 0.0, ""
    for bug in bugs():
        if said.names and bug.name not in said.names:
            continue
        answer, cpu, wall = measured(bug, said.rounds)
        row(bug, answer, cpu)
        if wall > longest:
            longest, slowest = wall, bug.name
    print(f"longest wall time: {longest:.1f} s, {slowest}")


def measured(bug: Bug, rounds: int) -> tuple[dict[str, Any], float, float]:
    """The answer, and the least processor and wall seconds."""
    with tempfile.TemporaryDirectory() as folder:
        copy_of_impl(Path(folder), bug.file)
        answer = conform(Path(folder), bug.constants)
        cpu = wall = float("inf")
        for _ in range(rounds):
            began, used = time.perf_counter(), children_seconds()
            answer = conform(Path(folder), bug.constants)
            wall = min(wall, time.perf_counter() - began)
            cpu = min(cpu, children_seconds() - used)
    return answer, cpu, wall


def row(bug: Bug, answer: dict[str, Any], cpu: float) -> None:
    found = answer["divergence"]
    kind, steps = (found["kind"], found["length"]) if found else ("not found", 0)
    before = f"{answer['edges_covered']:,} of {answer['edges']:,}"
    if answer["replays"]:
        before = f"all, and {answer['replays']} again"
    cells = (
        f"[{bug.what}]({PATCHES}/{bug.file.name})",
        place(bug.like),
        bug.constants.replace(" ", ", "),
        kind,
        str(steps),
        before,
        f"{cpu:.1f}",
    )
    print(f"| {' | '.join(cells)} |", flush=True)


def place(like: str) -> str:
    """A link to where a bug like it was seen or asked about, with a short text."""
    address = like.partition(" ")[0]
    _, _, path = address.partition("://")
    parts = path.split("/")
    if parts[0] == "github.com":
        return f"[{parts[2]} #{parts[-1]}]({address})"
    return f"[{parts[0]}]({address})" if address else ""


def children_seconds() -> float:
    """Processor seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
