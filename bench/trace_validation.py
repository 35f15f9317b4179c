"""How fast logs are validated, and whether the time is linear in their length.

    .venv/bin/python bench/trace_validation.py [LINES ...]       default: 10000 100000 1000000

Each log is of three nodes of `impl/paxos` that decide key after key in memory, with messages lost,
repeated and out of order, and nodes killed (`paxos_runs.py`).  Each is validated by a process of
its own, from the first byte read to the verdict.  Prints processor seconds (so that a busy machine
does not count), lines a second, and peak memory.  Asked for: 20,000 lines a second.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZES = (10_000, 100_000, 1_000_000)
KILLS = 20
"""About so many in each log: each is followed by a line for every key in the journal."""


def main(sizes: list[int]) -> None:
    print(f"{'lines':>12} {'keys':>8} {'cpu s':>8} {'lines/s':>10} {'peak MB':>8}  verdict")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, __file__, "--write", folder, str(size)], check=True)
            logs = sorted(str(path) for path in Path(folder).glob("*.trace"))
            out = subprocess.run(
                [sys.executable, __file__, "--read", *logs], check=True, capture_output=True
            )
        found = json.loads(out.stdout)
        print(
            f"{found['lines']:>12,} {found['keys']:>8,} {found['cpu']:>8.2f} "
            f"{found['lines'] / found['cpu']:>10,.0f} {found['peak'] / 1e6:>8.0f}  "
            f"{found['verdict']}",
            flush=True,
        )


def write(folder: Path, lines: int) -> None:
    from bench.paxos_runs import Runs, Weather

    Runs(folder, seed=1, weather=Weather(kill=KILLS / lines)).run(lines)


def read(logs: list[str]) -> None:
    from checker.conform.paxos_trace import validate
    from checker.trace.reading import LogFile
    from spec.paxos_nodes import PaxosNodes

    started = time.process_time()
    outcome = validate(PaxosNodes, [LogFile(log) for log in logs], 10_000)
    found = {
        "lines": outcome.events,
        "keys": outcome.instances,
        "cpu": time.process_time() - started,
        "peak": outcome.peak_memory_bytes,
        "verdict": outcome.verdict,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    match sys.argv[1:]:
        case ["--write", folder, lines]:
            write(Path(folder), int(lines))
        case ["--read", *logs]:
            read(logs)
        case sizes:
            main([int(size) for size in sizes] or list(SIZES))
