"""The native engine against SPIN and against a search written by hand, in pairs, in one run.

    make bench            or: .venv/bin/python bench/native_engine.py [--rounds N] [--json FILE]
    --large               Paxos with 5 ballots, too: 115,856,201 states
    --growth              instead: specs of growing size, one run each

All explore Paxos with 3 acceptors, 4 ballots and 1 value (2,825,761 states) and check agreement
in every state: SPIN the model `bench/models/paxos.pml`, exhaustively, with its fastest flags; the
search by hand is `bench/models/paxos_by_hand.c`.  Both leave out steps that change nothing, which
the native engine takes and counts: what is compared is states.

A rate is distinct states a second of the search itself, by wall clock.  What comes before (lowering
and loading; for SPIN and by hand, compiling) and after (warnings) does not count in rates and
ratios; `seconds` has it too, with the compiled library in the cache.  What a whole command takes is
measured apart.  Memory is the peak of a fresh process, everything included, by distinct states.
Of several rounds the medians are given; a ratio is the median of the ratios of each round.

Before each run half a gigabyte is touched and given back: on a virtual machine, memory that its
host has taken back costs up to 2 ms a megabyte when it is touched next, for whoever comes first.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "bench" / "models"
CORES = len(os.sched_getaffinity(0))

# -w: 2 to this power slots in the hash table; -m: the greatest depth, which is 32.
SPIN = ("-O2", "-DSAFETY", "-DNOREDUCE")
SPIN_VARIANTS = {
    "SPIN": (("-DNOCOMP", "-DSFH"), ("-m100", "-w24")),
    "SPIN, small table": ((), ("-m100", "-w20")),
    "SPIN, -DCOLLAPSE": (("-DCOLLAPSE",), ("-m100", "-w20")),
    "SPIN, -DMA (an automaton)": (("-DMA=28",), ("-m100",)),
}


@dataclass(frozen=True)
class Case:
    """What one of our runs checks; `None`: every property, or all cores."""

    spec: str
    constants: Mapping[str, int]
    states: int
    properties: tuple[str, ...] | None = None
    workers: int | None = None


@dataclass(frozen=True)
class Run:
    """One run of any of the searches."""

    states: int
    seconds: float
    peak_bytes: int
    search_seconds: float
    """What of `seconds` the search itself took."""
    transitions: int | None = None


PAXOS = ("paxos", {"acceptors": 3, "ballots": 4, "values": 1}, 2_825_761)
AGREEMENT = Case(*PAXOS, properties=("agreement",))
ONE_WORKER = Case(*PAXOS, properties=("agreement",), workers=1)
EVERYTHING = Case(*PAXOS, workers=1)
CONSISTENT = ("decisions_are_consistent", "commits_only_what_all_prepared")
TWO_PHASE = Case("two_phase", {"resource_managers": 8}, 1_745_408, CONSISTENT)
# Its links are sequences of up to 4 of 10 frames, too many to be written out: the general form.
WINDOW = Case(
    "sliding_window",
    {"numbers": 5, "capacity": 4, "size": 4},
    18_428_275,
    ("due_is_in_the_window",),
    workers=1,
)
LARGE = Case("paxos", PAXOS[1] | {"ballots": 5}, 115_856_201, ("agreement",))

PAXOS_SIZES = [
    (2, 2, 3_921),
    (3, 1, 68_921),
    (3, 2, 185_369),
    (4, 1, 2_825_761),
    (5, 1, LARGE.states),
]
VOTING_SIZES = [
    (3, 2, 6_752),
    (4, 2, 66_657),
    (5, 2, 608_964),
    (6, 2, 5_295_943),
    (7, 2, 44_617_252),
]
TWO_PHASE_SIZES = [
    (5, 8_832),
    (6, 50_816),
    (7, 296_448),
    (8, 1_745_408),
    (9, 10_340_352),
    (10, 61_515_776),
]
WINDOW_SIZES = [(2, 2_613), (3, 195_176), (4, WINDOW.states)]
GROWTH = [
    *(Case("paxos", {"ballots": b, "values": v}, n, ("agreement",)) for b, v, n in PAXOS_SIZES),
    *(
        Case("voting", {"ballots": b, "values": v}, n, ("votes_are_safe",))
        for b, v, n in VOTING_SIZES
    ),
    *(Case("two_phase", {"resource_managers": m}, n, CONSISTENT) for m, n in TWO_PHASE_SIZES),
    *(
        replace(WINDOW, constants={"numbers": n + 1, "capacity": n, "size": n}, states=states)
        for n, states in WINDOW_SIZES
    ),
]


# ------------------------------------------------------------------ one run


def touch_memory() -> None:
    """In a process of its own: what a process had at most, those that it starts inherit."""
    program = (
        "import mmap; m = mmap.mmap(-1, 2**29, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
        "m.madvise(mmap.MADV_HUGEPAGE)\n"
        "for page in range(0, len(m), 4096): m[page] = 1"
    )
    output([sys.executable, "-c", program])


def ours(case: Case) -> Run:
    """A run of the native engine in a process of its own."""
    command = [sys.executable, __file__, "--measure", json.dumps(asdict(case))]
    found = json.loads(output(command, env=os.environ | {"PYTHONPATH": str(ROOT)}))
    return checked(Run(**found), case.states, f"the native engine, {case}")


def measure(case: Case) -> Run:
    """What the process of `ours` does."""
    from bench.specs.sliding_window import SlidingWindow
    from checker.engines.check import check
    from spec import catalogue

    specs = catalogue() | {"sliding_window": SlidingWindow}
    machine = specs[case.spec](**case.constants)

    def run(max_states: int | None) -> Any:
        return check(
            machine,
            engine="native",
            workers=case.workers,
            properties=case.properties,
            max_states=max_states,
        )

    run(1)  # the library is made, and is in the cache from now on
    result = run(None)
    assert result, result
    return Run(
        states=result.distinct_states,
        seconds=result.seconds,
        peak_bytes=result.peak_memory_bytes,
        search_seconds=result.search_seconds,
        transitions=result.transitions,
    )


def spin(folder: Path, name: str) -> Callable[[], Run]:
    """Compile our model for SPIN; what is returned runs it."""
    flags, options = SPIN_VARIANTS[name]
    pan = folder / name.replace(" ", "_")
    output(["spin", *defines(), "-a", str(MODELS / "paxos.pml")], cwd=folder)
    output(["gcc", *SPIN, *flags, "-o", str(pan), "pan.c"], cwd=folder)

    memory = r"^\s*([\d.]+)\s+(?:total actual )?memory usage(?: \(Mbyte\))?$"
    return lambda: searched([str(pan), *options], memory, 2**20)


def by_hand(folder: Path) -> Callable[[], Run]:
    program = folder / "paxos_by_hand"
    source = str(MODELS / "paxos_by_hand.c")
    output(["gcc", "-std=gnu11", "-O3", "-march=native", *defines(), "-o", str(program), source])
    return lambda: searched([str(program)], r"peak memory (\d+) KiB", 2**10)


def defines() -> list[str]:
    constants = AGREEMENT.constants
    return [f"-DBALLOTS={constants['ballots']}", f"-DVALUES={constants['values']}"]


def searched(command: list[str], memory: str, unit_bytes: int) -> Run:
    """A run of SPIN or of the search by hand: both say in the same words what they found."""
    said = output(command)
    assert "errors: 0" in said, said
    seconds = number(r"elapsed time ([\d.]+) seconds", said)
    run = Run(
        states=int(number(r"(\d+) states, stored", said)),
        seconds=seconds,
        search_seconds=seconds,
        peak_bytes=int(number(memory, said) * unit_bytes),
    )
    return checked(run, AGREEMENT.states, command[0])


def checked(run: Run, states: int, name: str) -> Run:
    if run.states != states:
        sys.exit(f"{name}: {run.states:,} states, and not {states:,}")
    return run


def number(pattern: str, text: str) -> float:
    found = re.search(pattern, text, re.MULTILINE)
    assert found, f"no {pattern} in:\n{text}"
    return float(found[1])


def output(command: Sequence[str], **more: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return str(done.stdout)


# ------------------------------------------------------------------ the benchmarks

# Name, states, states a second of the search, seconds in all, bytes a state.
ROW = "{:<42}{:>13}{:>12}{:>10}{:>14}"


class Report:
    """What was measured: printed as it comes, and kept for --json."""

    def __init__(self) -> None:
        self.machine = {
            "processor": processor_name(),
            "cores": CORES,
            "python": platform.python_version(),
            "load before": round(os.getloadavg()[0], 1),
        }
        self.rows: list[dict[str, Any]] = []
        self.figures: dict[str, float] = {}
        print(", ".join(f"{name}: {value}" for name, value in self.machine.items()))
        print(ROW.format("", "states", "states/s", "seconds", "bytes/state"), flush=True)

    def row(self, name: str, runs: Sequence[Run]) -> None:
        """The medians of some runs; no rate where the search was too short."""
        seconds = statistics.median(run.seconds for run in runs)
        search = statistics.median(run.search_seconds for run in runs)
        states = runs[0].states
        row = {
            "name": name,
            "states": states,
            "transitions": runs[0].transitions,
            "seconds": round(seconds, 3),
            "states_per_second": round(states / search) if search >= 0.1 else None,
            "bytes_per_state": statistics.median(run.peak_bytes for run in runs) / states,
        }
        self.rows.append(row)
        rate = "-" if search < 0.1 else f"{states / search:,.0f}"
        size = f"{row['bytes_per_state']:.1f}"
        print(ROW.format(name, f"{states:,}", rate, f"{seconds:.2f}", size), flush=True)

    def figure(self, name: str, value: float) -> None:
        self.figures[name] = round(value, 3)
        print(f"{name:<66}{value:>8.2f}", flush=True)

    def ratio(
        self, name: str, over: Sequence[Run], under: Sequence[Run], seconds: Callable[[Run], float]
    ) -> None:
        """How much longer one search takes than another: the median of the rounds."""
        pairs = zip(over, under, strict=True)
        self.figure(name, statistics.median(seconds(a) / seconds(b) for a, b in pairs))

    def write(self, file: Path) -> None:
        found = {"machine": self.machine, "rows": self.rows, "figures": self.figures}
        file.write_text(json.dumps(found, indent=2) + "\n")


def processor_name() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), "unknown")


def paxos(report: Report, folder: Path, rounds: int) -> None:
    has_spin = shutil.which("spin") is not None
    searches: dict[str, Callable[[], Run]] = {
        "one": lambda: ours(ONE_WORKER),
        "all": lambda: ours(AGREEMENT),
        "everything": lambda: ours(EVERYTHING),
        "by hand": by_hand(folder),
    }
    if has_spin:
        searches = {"SPIN": spin(folder, "SPIN")} | searches
    else:
        print("SPIN is not installed (Debian: apt-get install spin): the rest goes on without it")
    runs: dict[str, list[Run]] = {name: [] for name in searches}
    for _ in range(rounds):
        for name, search in searches.items():
            touch_memory()
            runs[name].append(search())
    titles = {
        "one": "native, agreement, 1 worker",
        "all": f"native, agreement, {CORES} workers",
        "everything": "native, every property, 1 worker",
        "by hand": "C by hand, agreement, 1 thread",
        "SPIN": "SPIN, agreement, 1 thread",
    }
    one = runs["one"]
    clock = attrgetter("search_seconds")
    for name, found in runs.items():
        report.row(titles[name], found)
    if has_spin:
        for name in list(SPIN_VARIANTS)[1:]:
            report.row(name, [spin(folder, name)()])
        report.ratio("SPIN takes, times native with 1 worker", runs["SPIN"], one, clock)
    report.ratio("C by hand takes, times native with 1 worker", runs["by hand"], one, clock)
    report.ratio("every property takes, times agreement", runs["everything"], one, clock)
    report.ratio(f"1 worker takes, times {CORES} workers", one, runs["all"], clock)


def start(report: Report, folder: Path, rounds: int) -> None:
    """The whole command, by wall clock: with nothing in the cache, and again."""
    command = [sys.executable, "-m", "checker.cli", "check", "paxos"]
    seconds: dict[str, list[float]] = {"nothing in the cache": [], "again": []}
    for number_of_round in range(rounds):
        cache = folder / f"cache{number_of_round}"
        for found in seconds.values():
            began = time.perf_counter()
            output(command, cwd=ROOT, env=os.environ | {"XDG_CACHE_HOME": str(cache)})
            found.append(time.perf_counter() - began)
    for name, found in seconds.items():
        report.figure(f"seconds of quorate check paxos, {name}", statistics.median(found))


def title(case: Case) -> str:
    constants = ", ".join(f"{value} {name}" for name, value in case.constants.items())
    return f"{case.spec}, {constants}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--large", action="store_true")
    options.add_argument("--growth", action="store_true")
    options.add_argument("--json", type=Path, metavar="FILE")
    options.add_argument("--measure", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.measure:
        print(json.dumps(asdict(measure(Case(**json.loads(asked.measure))))))
        return
    report = Report()
    if asked.growth:
        for case in GROWTH:
            report.row(title(case), [ours(case)])
    else:
        with tempfile.TemporaryDirectory() as name:
            paxos(report, Path(name), asked.rounds)
            start(report, Path(name), asked.rounds)
        for case in (TWO_PHASE, WINDOW):
            report.row(title(case), [ours(case) for _ in range(asked.rounds)])
        if asked.large:
            report.row(title(LARGE), [ours(LARGE)])
    if asked.json:
        report.write(asked.json)


if __name__ == "__main__":
    main()
