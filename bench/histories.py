"""`quorate linearize` at the sizes that users have: wall seconds and memory, loading included.

    .venv/bin/python bench/histories.py [--peer] [--part WORDS] [--etcd FOLDER]

Each history is made here and written as JSON lines, then read and checked by a new process on one
core.  `--peer` times Porcupine on the same files, if `go` is there (bench/peers/porcupine).
Operations take effect at the middle of their time; clients are never idle.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PEER_SECONDS = 120
PEER_BYTES = 14 * 2**30

Call = tuple[str, Any, Any]
"""Function, argument, result."""


def write(
    path: Path,
    count: int,
    clients: int,
    effect: Callable[[int], tuple[str, Any, Any]],
    *,
    keys: Callable[[int], str | None] = lambda i: None,
    crashed: float = 0.0,
) -> None:
    """`effect(i)` is asked in the order in which the operations take effect."""
    random = np.random.default_rng(5)
    each = count // clients
    steps = random.exponential(1.0, (clients, 2 * each)).cumsum(axis=1)
    begin, end = steps[:, 0::2].ravel(), steps[:, 1::2].ravel()
    calls: list[Call] = [("", None, None)] * len(begin)
    for i in np.argsort((begin + end) / 2).tolist():
        calls[i] = effect(i)
    info: Any = random.random(len(begin)) < crashed
    crashes: Any = info.reshape(clients, each)
    before: list[int] = (np.cumsum(crashes, axis=1) - crashes).ravel().tolist()
    with path.open("w") as file:
        for e in np.argsort(np.concatenate([begin, end]), kind="stable").tolist():
            i = e % len(begin)
            f, argument, result = calls[i]
            process = i // each + clients * before[i]
            key = keys(i)
            named = "null" if key is None else f'"{key}"'
            kind, value = ("invoke", argument) if e < len(begin) else ("ok", result)
            if kind == "ok" and value == "false":
                kind, value = "fail", argument
            if e >= len(begin) and info[i]:
                kind, value = "info", argument
            shown = "null" if value is None else str(value)
            file.write(
                f'{{"process":{process},"type":"{kind}","f":"{f}","key":{named},"value":{shown}}}\n'
            )


def registers(values: int | None, *, keys: int = 1, names: tuple[str, str] = ("read", "write")):  # type: ignore[no-untyped-def]
    """Half reads.  `values`: so many; None: each write has its own."""
    random, held = Random(5), [None] * keys

    def effect(i: int) -> Call:
        k = i % keys
        if random.random() < 0.5:
            return names[0], None, held[k]
        value = i if values is None else random.randrange(values)
        held[k] = value  # type: ignore[call-overload]
        return names[1], value, None

    return effect


def cas_registers(values: int) -> Callable[[int], Call]:
    random = Random(5)
    held: int | None = None

    def effect(i: int) -> Call:
        nonlocal held
        if random.random() < 0.4:
            return "read", None, held
        if random.random() < 0.5:
            held = random.randrange(values)
            return "write", held, None
        old, new = random.randrange(values), random.randrange(values)
        if old == held:
            held = new
            return "cas", [old, new], None
        return "cas", [old, new], "false"

    return effect


def queues() -> Callable[[int], Call]:
    random, held = Random(5), deque[int]()

    def effect(i: int) -> Call:
        if random.random() < 0.5:
            held.append(i)
            return "enqueue", i, None
        return "dequeue", None, held.popleft() if held else None

    return effect


def write_mutex(path: Path, count: int, clients: int) -> None:
    """All want it; one has it."""
    random, lines = Random(5), list[str]()
    waiting = list(range(clients))

    def line(process: int, kind: str, f: str) -> None:
        lines.append(f'{{"process":{process},"type":"{kind}","f":"{f}","value":null}}\n')

    for process in waiting:
        line(process, "invoke", "acquire")
    for _ in range(count // 2):
        process = waiting.pop(random.randrange(len(waiting)))
        for kind, f in (("ok", "acquire"), ("invoke", "release"), ("ok", "release")):
            line(process, kind, f)
        line(process, "invoke", "acquire")
        waiting.append(process)
    path.write_text("".join(lines))


def broken(path: Path) -> None:
    """A read near the end gives the value that the first read of its key gave."""
    lines = path.read_text().splitlines()
    reads = [i for i, line in enumerate(lines) if '"ok","f":"get"' in line and "null}" not in line]
    last = max(i for i in reads if i < len(lines) - 200)
    head = lines[last].rpartition('"value"')[0].partition('"key"')[2]
    first = next(i for i in reads if head in lines[i])
    lines[last] = lines[last].rpartition(":")[0] + ":" + lines[first].rpartition(":")[2]
    path.write_text("\n".join(lines) + "\n")


Case = tuple[str, str, str, Callable[[Path], None], list[str]]
MILLION = 1_000_000


def stale(path: Path) -> None:
    """50 clients, 10 keys; a read near the end of a value that was long gone."""
    write(
        path, 2000, 50, registers(None, keys=10, names=("get", "put")), keys=lambda i: f"k{i % 10}"
    )
    broken(path)


CASES: list[Case] = [
    ("register, unique values, 10^6, 4 clients", "register", "4 s, 600 MB",
     lambda p: write(p, MILLION, 4, registers(None)), []),
    ("register, unique values, 10^6, 10 clients", "register", "4 s, 600 MB",
     lambda p: write(p, MILLION, 10, registers(None)), []),
    ("kv, 10^6, 1,000 keys, 50 clients", "kv", "4 s",
     lambda p: write(p, MILLION, 50, registers(None, keys=1000, names=("get", "put")),
                     keys=lambda i: f"k{i % 1000}"), []),
    ("queue, 10^6, 4 clients", "queue", "6 s", lambda p: write(p, MILLION, 4, queues()), []),
    ("mutex, 10^6, 4 clients", "mutex", "4 s", lambda p: write_mutex(p, MILLION, 4), []),
    ("general: register, 5 values, 10^6, 4 clients", "register", "10 s",
     lambda p: write(p, MILLION, 4, registers(5)), []),
    ("general: register, 5 values, 10^5, 10 clients", "register", "10 s",
     lambda p: write(p, MILLION // 10, 10, registers(5)), []),
    ("cas-register, 5 values, 10^4, 2% crashed", "cas-register", "1 s",
     lambda p: write(p, 10_000, 5, cas_registers(5), crashed=0.02), []),
    ("register, 5 values, 10^4, 1% crashed", "register", "1 s",
     lambda p: write(p, 10_000, 5, registers(5), crashed=0.01), []),
    ("50 clients, 10 keys, 2,000, broken, explained", "kv", "0.5 s", stale, []),
    ("the same, --no-explain", "kv", "", stale, ["--no-explain"]),
    ("the same, by the general search", "kv", "0.5 s", stale, ["--algorithm", "search"]),
    ("the same, not explained", "kv", "", stale, ["--algorithm", "search", "--no-explain"]),
]  # fmt: skip


def timed(command: list[str], seconds: float | None = None) -> tuple[str, float, int]:
    """What it printed last, seconds, and the most memory (bytes)."""
    begun = time.monotonic()
    limited = ["prlimit", f"--as={PEER_BYTES}", *command] if seconds else command
    process = subprocess.Popen(limited, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    out = process.stdout.read().decode()
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    process.stdout.close()
    return out, time.monotonic() - begun, usage.ru_maxrss * 1024


def peer(folder: Path) -> Path | None:
    """Porcupine, compiled; None if it cannot be."""
    if shutil.which("go") is None:
        return None
    program = folder / "porcupine"
    done = subprocess.run(
        ["go", "build", "-o", str(program), "."],
        cwd=ROOT / "bench" / "peers" / "porcupine", check=False,
    )  # fmt: skip
    return program if done.returncode == 0 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--part", default="")
    parser.add_argument("--etcd", type=Path, help="a folder of logs, *.jsonl")
    given = parser.parse_args()
    quorate = [sys.executable, "-m", "checker.cli", "linearize"]
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        other = peer(folder) if given.peer else None
        print("history | goal | verdict | s | MB | Porcupine")
        if given.etcd is not None:
            files = sorted(map(str, given.etcd.glob("*.jsonl")))
            for extra in ([], ["--no-explain"]):
                out, seconds, memory = timed([*quorate, *files, "-m", "cas-register", *extra])
                verdicts = f"{out.count(chr(10))} verdicts"
                names = f"etcd logs {' '.join(extra)}", "0.2 s", verdicts
                show(names, seconds, memory, "")
            if other is not None:
                print(timed([str(other), "cas-register", "60s", *files])[1], "s by Porcupine")
        for label, model, goal, make, extra in CASES:
            if given.part not in label:
                continue
            path = folder / "history.jsonl"
            making = get_context("fork").Process(target=make, args=(path,))
            making.start()  # in a process of its own: what is measured begins as large as this one
            making.join()
            out, seconds, memory = timed([*quorate, str(path), "-m", model, *extra])
            verdict = out.partition("\n")[0].rpartition("  ")[2]
            compared = ""
            if other is not None:
                told = timed([str(other), model, f"{PEER_SECONDS}s", str(path)], 1.0)
                compared = f"{told[0].split(' ')[0] or 'died'} {told[1]:.2f} s"
                compared += f" {told[2] / 2**20:,.0f} MB"
            show((label, goal, verdict), seconds, memory, compared)


def show(names: tuple[str, str, str], seconds: float, memory: int, other: str) -> None:
    """`names`: history, goal, verdict."""
    row = (*names, f"{seconds:.2f}", f"{memory / 2**20:,.0f}", other)
    print(" | ".join(row), flush=True)


if __name__ == "__main__":
    main()
