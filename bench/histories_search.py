"""The general search (checker/history/search) on histories that no special algorithm takes.

    .venv/bin/python bench/histories_search.py [--jepsen FOLDER]

Registers whose values repeat (five of them), recorded of a simulated run and so linearizable; and
the same with one read, in the middle, of a value that nobody wrote.  Seconds are of the processor,
of deciding alone, one thread; the kernel is in the compiler's cache.  `--jepsen`: a folder of
JSON-lines histories with `manifest.json`, of which every verdict is compared.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import time
from pathlib import Path
from typing import Any

from checker.history.models import MODELS
from checker.history.reading import read_history
from checker.history.rules import checked
from checker.history.search import Budget, Problem, Verdict, search, search_problem
from checker.history.search.problem import problem_from
from tests.history.objects import ANY, register

NOBODY_WROTE = 99
Row = list[Any]


def recorded(operations: int, clients: int, crash: float = 0.0, *, cas: bool = False) -> list[Row]:
    """Rows (f, argument, result, invoked, returned); half of the crashed took effect."""
    r = random.Random(1)
    functions = ["read", "write", "cas"] if cas else ["read", "write"]
    state: int | None = None
    rows: list[Row] = []
    idle, running = list(range(clients)), dict[int, tuple[Row, bool]]()
    position = 0
    while len(rows) < operations or running:
        if len(rows) < operations and idle and (r.random() < 0.5 or not running):
            client = idle.pop(r.randrange(len(idle)))
            f = r.choice(functions)
            two = (r.randrange(5), r.randrange(5))
            rows.append([f, {"read": None, "write": two[0], "cas": two}[f], ANY, position, None])
            running[client] = rows[-1], False
            position += 1
            continue
        client = r.choice(list(running))
        row, done = running[client]
        crashes = r.random() < crash
        if not done and not (crashes and r.random() < 0.5):
            result = state if row[0] == "read" else None
            if row[0] == "cas":
                result = state == row[1][0]
            state, row[2], done = register(state, row[0], row[1], result)[0], result, True
            running[client] = row, True
        if crashes:
            row[2] = ANY
        elif done and r.random() < 0.5:
            row[4] = position
            position += 1
        else:
            continue
        del running[client]
        idle.append(client)
    return rows


def problem(rows: list[Row], *, broken: bool) -> Problem:
    if broken:
        reads = [row for row in rows if row[0] == "read" and row[4] is not None]
        reads[len(reads) // 2][2] = NOBODY_WROTE
    operations = [(row[0], row[1], row[2], row[3], row[4]) for row in rows]
    return problem_from(operations, None, register)


def measured(name: str, one: Problem) -> Verdict:
    search_problem(one, Budget(0.0))  # compiled and loaded
    begun = time.process_time()
    verdict = search_problem(one, Budget(120))
    seconds = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{name:62} {verdict.kind:16} {verdict.engine:12} {seconds:7.3f} s"
        f"  widest {verdict.widest:6}  process {peak} MB",
        flush=True,
    )
    return verdict


def jepsen(folder: Path) -> None:
    model = MODELS["cas-register"]()
    cases = json.loads((folder / "manifest.json").read_text())["cases"]
    histories = [checked(read_history(str(folder / case["file"])), model) for case in cases]
    search(histories[0], model)
    begun = time.process_time()
    kinds = [search(history, model).kind for history in histories]
    seconds = time.process_time() - begun
    right = sum(kind == case["expected"] for kind, case in zip(kinds, cases, strict=True))
    print(f"{len(cases)} histories of {folder}: {right} right, {seconds:.3f} s")


CASES: list[tuple[int, int, float, bool]] = [
    (10_000, 10, 0.015, False), (10_000, 10, 0.015, True), (10_000, 10, 0.0, True),
    (2_000, 50, 0.0, False), (100_000, 10, 0.0, False), (1_000_000, 4, 0.0, False),
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--jepsen", type=Path)
    folder = parser.parse_args().jepsen
    if folder is not None:
        jepsen(folder)
    for operations, clients, crash, cas in CASES:
        rows = recorded(operations, clients, crash, cas=cas)
        what = f"{'cas-' if cas else ''}register, {operations:,} operations, {clients} clients"
        what += f", {crash:.1%} crash" if crash else ""
        measured(what, problem(rows, broken=False))
        measured(what + ", broken", problem(rows, broken=True))


if __name__ == "__main__":
    main()
