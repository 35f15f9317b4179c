"""Three real servers under clients and SIGKILLs: their step logs are behaviours of the spec."""

from __future__ import annotations

import asyncio
import json
import random
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from checker.cli import main
from impl.client import AsyncClient, ClientError
from tests.impl.server.processes import Cluster


async def client(cluster: Cluster, number: int, end: float, keys: int) -> int:
    """Propose and learn until the end, several clients for the same keys; answers that came."""
    chance = random.Random(number)
    nodes = cluster.addresses
    chance.shuffle(nodes)
    answers = 0
    async with AsyncClient(nodes, timeout=2.0) as one:
        while time.monotonic() < end:
            key = f"key-{chance.randrange(keys)}-{int(end - time.monotonic())}"
            try:
                if chance.random() < 0.7:
                    await one.propose(key, f"value of {number}")
                else:
                    await one.learn(key)
                answers += 1
            except ClientError:
                pass
            await asyncio.sleep(chance.random() * 0.02)
    return answers


async def kills(cluster: Cluster, end: float) -> int:
    """Kill a node, or all, and start again."""
    chance, count = random.Random(9), 0
    while time.monotonic() < end - 1.0:
        await asyncio.sleep(chance.uniform(0.2, 0.6))
        some = tuple(chance.sample(range(3), chance.choice([1, 1, 2, 3])))
        await asyncio.to_thread(cluster.kill, *some)
        await asyncio.to_thread(cluster.start, *some)
        count += len(some)
    return count


async def torture(cluster: Cluster, seconds: float, clients: int, keys: int) -> tuple[int, int]:
    end = time.monotonic() + seconds
    found = await asyncio.gather(
        kills(cluster, end), *(client(cluster, number, end, keys) for number in range(clients))
    )
    return sum(found[1:]), found[0]


@pytest.mark.parametrize(
    ("seconds", "clients", "keys"),
    [(5.0, 8, 40), pytest.param(40.0, 48, 400, marks=pytest.mark.slow)],
)
def test_the_servers_do_what_the_spec_allows(
    seconds: float, clients: int, keys: int, tmp_path: Path
) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.start()
        answers, killed = asyncio.run(torture(cluster, seconds, clients, keys))
        cluster.stop()
    logs = [str(cluster.trace(node)) for node in range(3)]
    result = CliRunner().invoke(main, ["trace", "paxos", *logs, "--json"])
    outcome = json.loads(result.stdout)
    assert outcome["verdict"] == "matches", outcome
    assert result.exit_code == 0
    assert killed >= 1
    assert answers >= 5
    assert outcome["lines_matched"] >= 50
    print(answers, killed, {name: outcome[name] for name in ("lines_matched", "instances",
          "constants", "most_candidates", "seconds", "notes")})  # fmt: skip
    # Without one of the logs, its messages come from nowhere.
    assert CliRunner().invoke(main, ["trace", "paxos", *logs[:2]]).exit_code == 1
