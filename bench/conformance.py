"""How fast the nodes of Paxos are held to their spec, over TCP.

    .venv/bin/python bench/conformance.py [--quick] [--walks N]

Every edge of `paxos_nodes` at its default constants (3 acceptors, 2 values, 2 competing ballots,
loss, duplication, one crash with restart: 2,336,028 edges), each taken by one node that reads and
writes real TCP connections: on one core, then by two processes with 10,000 edges taken again from
the start and without snapshots; then walks of nodes that are processes.  `--quick`: one value only.

Prints wall and processor seconds: a busy machine has more of the first.  Edges a second are of the
time after the spec was read.  Asked for: 10,000 edges a second on one core; everything under 180 s
on two; no difference.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from checker.conform.paxos import nodes, processes
from checker.conform.result import Conformance
from checker.conform.run import conform
from checker.conform.walks import walk
from spec.paxos_nodes import PaxosNodes

COLUMNS = f"{'what':<28} {'edges':>10} {'replays':>8} {'wall s':>8} {'cpu s':>8} {'edges/s':>9}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="an instance of one value")
    parser.add_argument("--walks", type=int, default=200, help="of nodes that are processes")
    said = parser.parse_args()
    constants: dict[str, Any] = {"values": 1} if said.quick else {}

    def edges(workers: int, replays: int) -> Conformance:
        return conform(PaxosNodes(**constants), nodes, workers=workers, replays=replays)

    cores = sorted(os.sched_getaffinity(0))
    print(COLUMNS)
    with only(cores[:1]):
        row("every edge, one core", lambda: edges(1, 0))
    with only(cores[:2]):
        row("and 10,000 replays, two", lambda: edges(2, 10_000))
        if said.walks:
            depth = 40
            title = f"{said.walks} walks of processes"
            row(title, lambda: walk(PaxosNodes(), processes, walks=said.walks, depth=depth))


def row(what: str, run: Callable[[], Conformance]) -> None:
    wall, cpu = time.perf_counter(), processor_seconds()
    result = run()
    wall, cpu = time.perf_counter() - wall, processor_seconds() - cpu
    taken = result.edges_covered if result.walks == 0 else result.steps
    rate = taken / (wall - result.spec_seconds)
    numbers = f"{taken:>10,} {result.replays:>8,} {wall:>8.1f} {cpu:>8.1f} {rate:>9,.0f}"
    print(f"{what:<28} {numbers}  {result.verdict}", flush=True)


def processor_seconds() -> float:
    """Of this process and of all its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@contextmanager
def only(cores: list[int]) -> Iterator[None]:
    """Run on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


if __name__ == "__main__":
    main()
