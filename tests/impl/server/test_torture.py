"""Clients, and kills at random moments, for some seconds: one decision for each key, and no lies.

What is checked is what the clients were told and what the nodes' histories say:

* All who were told a decision for a key were told the same, and somebody proposed it.
* Whoever was told "nothing is chosen" had asked before the first decision was told to anybody.
* The nodes' steps, as they have logged them, are a behaviour of the spec.
"""

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from impl.client import AsyncClient, ClientError
from tests.impl.server.processes import Cluster

SECONDS = 5.0
KEYS = 40
CLIENTS = 8


@dataclass
class Told:
    """About one key; times are of CLOCK_MONOTONIC."""

    proposed: set[str] = field(default_factory=set)
    decided: set[str] = field(default_factory=set)
    first: float = float("inf")
    """When somebody was first told a decision."""
    nothing: float = 0.0
    """When it was last asked by somebody who was told that nothing is chosen."""

    def answered(self, value: str | None, asked: float, now: float) -> None:
        if value is None:
            self.nothing = max(self.nothing, asked)
        else:
            self.decided.add(value)
            self.first = min(self.first, now)

    def check(self, key: str) -> None:
        assert len(self.decided) <= 1, f"{key} was decided twice: {self.decided}"
        assert self.decided <= self.proposed, f"{key}: {self.decided} was never proposed"
        assert self.nothing < self.first, f"{key}: nothing chosen, after a decision was told"


async def one_client(
    cluster: Cluster, number: int, chance: random.Random, told: dict[str, Told], end: float
) -> int:
    """Ask until the end; how many answers came."""
    nodes = cluster.addresses
    chance.shuffle(nodes)
    answers = 0
    async with AsyncClient(nodes, timeout=2.0) as client:
        while time.monotonic() < end:
            # Keys are taken up one after the other, so that there is always a fresh one.
            newest = int(KEYS * (1 - (end - time.monotonic()) / SECONDS))
            key = f"k{max(0, newest - chance.randrange(4))}"
            asked = time.monotonic()
            try:
                if chance.random() < 0.5:
                    told[key].proposed.add(f"of {number}")
                    value: str | None = await client.propose(key, f"of {number}")
                else:
                    value = await client.learn(key)
            except ClientError:
                continue
            told[key].answered(value, asked, time.monotonic())
            answers += 1
            await asyncio.sleep(chance.random() * 0.01)
    return answers


async def kill_and_restart(cluster: Cluster, chance: random.Random, end: float) -> int:
    """Kill one node, sometimes two or all, and start them again; how many were killed.

    On a machine that is busy a start takes seconds: then it goes on until there were a few.
    """
    kills = 0
    while time.monotonic() < end - 1.0 or kills < 3:
        await asyncio.sleep(chance.uniform(0.1, 0.4))
        some = chance.sample(range(3), chance.choice([1, 1, 1, 2, 3]))
        cluster.kill(*some)
        kills += len(some)
        await asyncio.sleep(chance.uniform(0.0, 0.2))
        await asyncio.to_thread(cluster.start, *some)
    return kills


def test_one_decision_for_each_key_whatever_is_killed(tmp_path: Path) -> None:
    chance = random.Random(4)
    told: dict[str, Told] = defaultdict(Told)

    async def run(cluster: Cluster) -> tuple[int, int]:
        end = time.monotonic() + SECONDS
        killing = asyncio.create_task(kill_and_restart(cluster, chance, end))
        clients = [
            one_client(cluster, number, random.Random(number), told, end)
            for number in range(CLIENTS)
        ]
        answers = await asyncio.gather(*clients)
        return sum(answers), await killing

    with Cluster(tmp_path) as cluster:
        cluster.start()
        answers, kills = asyncio.run(run(cluster))
        assert answers > 20
        assert kills > 2
        for node in range(3):
            with cluster.client(node) as client:
                for key, known in told.items():
                    asked = time.monotonic()
                    known.answered(client.learn(key), asked, time.monotonic())
        assert sum(bool(known.decided) for known in told.values()) > 3
        for key, known in told.items():
            known.check(key)
        cluster.stop()
        check_histories([cluster.history(node) for node in range(3)])
        check_traces([cluster.trace(node) for node in range(3)])


def check_traces(files: list[Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "checker.cli", "trace", "paxos", *map(str, files)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def check_histories(files: list[Path]) -> None:
    """The same, from what the nodes have written down."""
    lines: list[dict[str, Any]] = []
    for file in files:
        own = [json.loads(line) for line in file.read_text().splitlines()]
        assert [line["time"] for line in own] == sorted(line["time"] for line in own)
        lines += own
    told: dict[str, Told] = defaultdict(Told)
    open_: dict[int, dict[str, Any]] = {}
    for line in sorted(lines, key=lambda line: line["time"]):
        key, process = told[line["key"]], line["process"]
        if line["type"] == "invoke":
            assert process not in open_, f"process {process} does two things at once"
            open_[process] = line
            if line["f"] == "propose":
                key.proposed.add(line["value"])
            continue
        asked = open_.pop(process)
        assert (asked["key"], asked["f"]) == (line["key"], line["f"])
        if line["type"] == "ok":
            key.answered(line["value"], asked["time"], line["time"])
    assert len(lines) > 50
    for name, key in told.items():
        key.check(name)
