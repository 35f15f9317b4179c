"""Decisions a second: three nodes as processes, every write synced, 64 clients over many keys.

    .venv/bin/python bench/decisions.py [--clients 64] [--seconds 10] [--rounds 3] [--json FILE]

The nodes are `quorate serve` with their folders under `--folder` (a real disk, please: what a sync
costs is measured, too).  The clients are in one more process, this one: each has a connection of
its own to one node, and proposes for one fresh key after the other; a decision counts when its
client has the answer.  Nodes and clients share the machine, so what is measured is the whole of it.
After a second to warm up, so many seconds count.

Of several rounds the median is given, with the lowest and the highest.  Processor time is that of
each process while it was counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from impl.client import AsyncClient

NODES = 3
WARM_UP_S = 1.0


@dataclass(frozen=True)
class Round:
    """What one round has measured; times in ms."""

    decisions_per_second: float
    median_ms: float
    p99_ms: float
    processor_share_nodes: list[float]
    """Of one core each."""
    processor_share_clients: float
    sync_ms: float
    """Median of a sync of 4 KiB, alone, just before."""


def main() -> None:
    options = arguments()
    rounds = []
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory(dir=options.folder, prefix="quorate-bench-") as folder:
            found = one_round(Path(folder), options)
        rounds.append(found)
        print(f"round {number + 1}: {line(found)}", flush=True)
    rates = [one.decisions_per_second for one in rounds]
    print(
        f"median {statistics.median(rates):,.0f} decisions a second "
        f"(from {min(rates):,.0f} to {max(rates):,.0f}); {NODES} nodes, {options.clients} clients, "
        f"{len(os.sched_getaffinity(0))} cores, load before {os.getloadavg()[0]:.1f}"
    )
    if options.json:
        told = {
            "median_decisions_per_second": statistics.median(rates),
            "clients": options.clients,
            "seconds": options.seconds,
            "python": platform.python_version(),
            "rounds": [asdict(one) for one in rounds],
        }
        options.json.write_text(json.dumps(told, indent=1))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--value-bytes", type=int, default=16)
    parser.add_argument("--folder", type=Path, default=None, help="without: $TMPDIR or /tmp")
    parser.add_argument("--logs", action="store_true", help="with --history and --trace-log")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def line(found: Round) -> str:
    nodes = ", ".join(f"{share:.0%}" for share in found.processor_share_nodes)
    return (
        f"{found.decisions_per_second:,.0f} decisions a second; latency {found.median_ms:.1f} ms, "
        f"99%: {found.p99_ms:.1f} ms; processor: nodes {nodes}, "
        f"clients {found.processor_share_clients:.0%}; sync {found.sync_ms:.2f} ms"
    )


def one_round(folder: Path, options: argparse.Namespace) -> Round:
    sync_ms = cost_of_sync(folder)
    with nodes(folder, options.logs) as (cluster, pids):
        return asyncio.run(measure(cluster, pids, options, sync_ms))


@contextmanager
def nodes(folder: Path, logs: bool) -> Iterator[tuple[list[str], list[int]]]:
    """Three nodes that listen: their addresses and processes."""
    ports = free_ports(NODES)
    rows = "".join(
        f'  {{ id = {i}, host = "127.0.0.1", port = {p} }},\n' for i, p in enumerate(ports)
    )
    config = folder / "cluster.toml"
    config.write_text(f'cluster = "bench"\nnodes = [\n{rows}]\n')
    command = [sys.executable, "-m", "checker.cli", "serve", "--config", str(config)]
    running: list[subprocess.Popen[str]] = []
    try:
        for me in range(NODES):
            more = []
            if logs:
                more = ["--history", str(folder / f"h{me}"), "--trace-log", str(folder / f"t{me}")]
            node = subprocess.Popen(
                [*command, "--node", str(me), *more],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            running.append(node)
        for node in running:
            assert node.stdout is not None
            if "listens" not in node.stdout.readline():
                raise SystemExit("a node did not start")
        time.sleep(0.5)  # until they have called each other
        yield [f"127.0.0.1:{port}" for port in ports], [node.pid for node in running]
    finally:
        for node in running:
            node.send_signal(signal.SIGTERM)
        for node in running:
            node.wait(30)
            assert node.stdout is not None
            node.stdout.close()


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


async def measure(
    cluster: list[str], pids: list[int], options: argparse.Namespace, sync_ms: float
) -> Round:
    value = "v" * options.value_bytes
    loop = asyncio.get_running_loop()
    begin = loop.time() + WARM_UP_S
    end = begin + options.seconds
    latencies: list[float] = []

    async def one_client(number: int) -> None:
        own = cluster[number % NODES :] + cluster[: number % NODES]
        async with AsyncClient(own) as client:
            for count in range(10**9):
                asked = loop.time()
                if asked >= end:
                    return
                await client.propose(f"{number}/{count}", value)
                answered = loop.time()
                if begin <= answered < end:
                    latencies.append(answered - asked)

    async def processors() -> tuple[list[float], float]:
        await asyncio.sleep(WARM_UP_S)
        before, own = [processor(pid) for pid in pids], time.process_time()
        await asyncio.sleep(options.seconds)
        shares = [
            (processor(pid) - earlier) / options.seconds
            for pid, earlier in zip(pids, before, strict=True)
        ]
        return shares, (time.process_time() - own) / options.seconds

    busy = asyncio.create_task(processors())
    await asyncio.gather(*(one_client(number) for number in range(options.clients)))
    shares, own = await busy
    latencies.sort()
    return Round(
        decisions_per_second=len(latencies) / options.seconds,
        median_ms=1000 * latencies[len(latencies) // 2],
        p99_ms=1000 * latencies[len(latencies) * 99 // 100],
        processor_share_nodes=shares,
        processor_share_clients=own,
        sync_ms=sync_ms,
    )


def processor(pid: int) -> float:
    """Seconds of processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cost_of_sync(folder: Path) -> float:
    times = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(100):
            file.write(b"x" * 4096)
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begun)
    return 1000 * statistics.median(times)


if __name__ == "__main__":
    main()
