"""How long a node answers nobody while a snapshot replaces its journal.

    .venv/bin/python bench/snapshot_stall.py [--keys 100000] [--clients 8] [--seconds 8]

One node (`quorate serve`) begins with a journal of so many decided keys, and with a limit on its
journal that the first request exceeds: so the first snapshot, of all keys, is made while clients
propose for fresh keys.  Printed are the times that answers took, the longest of them in particular,
and the same of the second half, when the snapshot is done.  A real disk, please: `--folder`.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from bench.decisions import free_ports
from impl.client import AsyncClient
from impl.journal import Journal
from impl.paxos.instance import Record
from impl.paxos.messages import Vote

CONFIG = """cluster = "stall"
nodes = [{{ id = 0, host = "127.0.0.1", port = {port} }}]
[limits]
journal_bytes = {limit}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--folder", type=Path, help="without: $TMPDIR or /tmp")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="quorate-bench-") as name:
        folder = Path(name)
        port = free_ports(1)[0]
        size = fill(folder / "quorate-0", options.keys)
        (folder / "cluster.toml").write_text(CONFIG.format(port=port, limit=size // 2))
        (folder / "quorate-0" / "node").write_text('{"cluster":"stall","node":0,"nodes":1}')
        node = start(folder)
        try:
            times = asyncio.run(propose(port, options.clients, options.seconds))
        finally:
            node.send_signal(signal.SIGTERM)
            node.wait(60)
            assert node.stdout is not None
            node.stdout.close()
        snapshots = list((folder / "quorate-0").glob("snapshot-*"))
    if not snapshots:
        raise SystemExit("there was no snapshot in this time: more --seconds")
    print(f"{options.keys:,} keys, {size / 2**20:.1f} MiB of journal, {options.clients} clients")
    for what, half in (("with the snapshot", times[0]), ("after it", times[1])):
        half.sort()
        rate = len(half) / options.seconds * 2
        print(
            f"{what:<18} {rate:>7,.0f} answers/s, median {1000 * statistics.median(half):.1f} ms, "
            f"99%: {1000 * half[len(half) * 99 // 100]:.1f} ms, longest {1000 * half[-1]:.0f} ms"
        )


def fill(folder: Path, keys: int) -> int:
    """A journal in which so many keys are decided; its bytes."""
    encode = msgspec.msgpack.Encoder().encode
    with Journal.open(folder) as journal:
        for number in range(keys):
            journal.append(encode(Record(f"key {number}", 0, Vote(0, f"value {number}"))))
        journal.sync()
        return journal.size


def start(folder: Path) -> subprocess.Popen[str]:
    """The node, when it listens."""
    command = [sys.executable, "-m", "checker.cli", "serve", "--node", "0", "--config"]
    node = subprocess.Popen(
        [*command, str(folder / "cluster.toml")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert node.stdout is not None
    if "listens" not in node.stdout.readline():
        raise SystemExit("the node did not start")
    return node


async def propose(port: int, clients: int, seconds: float) -> tuple[list[float], list[float]]:
    """The times of the answers of the first half and of the second, in seconds."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    times: tuple[list[float], list[float]] = ([], [])

    async def one_client(number: int) -> None:
        async with AsyncClient([f"127.0.0.1:{port}"]) as client:
            for count in range(10**9):
                asked = loop.time()
                if asked > begun + seconds:
                    return
                await client.propose(f"new {number}/{count}", "value")
                half = 0 if asked < begun + seconds / 2 else 1
                times[half].append(loop.time() - asked)

    await asyncio.gather(*(one_client(number) for number in range(clients)))
    return times


if __name__ == "__main__":
    main()
