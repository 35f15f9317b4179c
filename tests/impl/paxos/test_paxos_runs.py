"""Random runs: messages lost, repeated and reordered, and crashes in between.

Whatever happens, the invariants of `cluster.py` hold at every step.  And if then the network
delivers, whoever asks learns, soon.
"""

import hashlib
import os
import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.paxos.messages import Prepare
from tests.impl.paxos.cluster import Cluster

WISHES = [None, "red", "blue", "green"]

# What happens next, with two numbers that say to whom or what.
OFTEN = ["deliver"] * 24 + ["write"] * 12 + ["repeat"] * 3 + ["lose"] * 2
KINDS = [*OFTEN, "start", "time out", "crash"]
STEP = st.tuples(st.sampled_from(KINDS), st.integers(0, 99), st.integers(0, 99))


def step(cluster: Cluster, kind: str, x: int, y: int) -> None:
    """Take this step, or one like it; nothing if there is none."""
    ready = [i for i in range(cluster.size) if cluster.unsynced[i] is None]
    writing = [i for i in range(cluster.size) if cluster.unsynced[i] is not None]
    flying = [flight for flight in cluster.flying if flight[1] in ready]
    known = [flight for flight in cluster.sent if flight[1] in ready]
    if kind == "deliver" and flying:
        flight = flying[x % len(flying)]
        cluster.flying.remove(flight)
        cluster.deliver(flight)
    elif kind == "repeat" and known:
        cluster.deliver(known[x % len(known)])
    elif kind == "lose" and cluster.flying:
        cluster.flying.pop(x % len(cluster.flying))
    elif kind == "write" and writing:
        cluster.write(writing[x % len(writing)])
    elif kind == "start" and ready:
        cluster.start(ready[x % len(ready)], WISHES[y % len(WISHES)])
    elif kind == "time out" and ready:
        cluster.time_out(ready[x % len(ready)])
    elif kind == "crash":
        cluster.crash(x % cluster.size, on_disk=y % 2 == 1)


def run(size: int, steps: list[tuple[str, int, int]]) -> Cluster:
    """Node 0 begins, and then it goes as it goes."""
    cluster = Cluster(size)
    cluster.start(0, "red")
    for kind, x, y in steps:
        step(cluster, kind, x, y)
    return cluster


def tail(cluster: Cluster, asking: int) -> None:
    """The network delivers, and one node asks: once to hear how far the others are, once more.

    Then it knows, and whoever has forgotten what it knew asks once.
    """
    cluster.settle()
    others = [i for i in range(cluster.size) if i != asking]
    for i in [asking, asking, *others]:
        cluster.start(i, "red")
        cluster.settle()


@given(size=st.integers(1, 5), steps=st.lists(STEP, max_size=150), asking=st.integers(0, 4))
def test_agreement_validity_and_that_all_learn(
    size: int, steps: list[tuple[str, int, int]], asking: int
) -> None:
    cluster = run(size, steps)
    tail(cluster, asking % size)
    assert all(cluster.instance(i).decided is not None for i in range(size))


def random_steps(seed: int, length: int) -> list[tuple[str, int, int]]:
    dice = random.Random(seed)
    return [(dice.choice(KINDS), dice.randrange(100), dice.randrange(100)) for _ in range(length)]


@pytest.mark.parametrize("seed", range(40))
def test_a_long_run(seed: int) -> None:
    size = 3 if seed % 2 else 5
    cluster = run(size, random_steps(seed, 400))
    tail(cluster, seed % size)
    assert all(cluster.instance(i).decided is not None for i in range(size))


def test_the_long_runs_are_worth_it() -> None:
    """They see decisions made while leaders compete, and some made again after a crash."""
    runs = [run(3, random_steps(seed, 400)) for seed in range(40)]
    ballots = [{m.ballot for _, _, m in r.sent if isinstance(m, Prepare)} for r in runs]
    assert sum(bool(r.decisions) for r in runs) >= 20
    assert sum(len(some) >= 3 for some in ballots) >= 20
    assert sum(len({i for i, _ in r.decisions}) < len(r.decisions) for r in runs) >= 5


@given(steps=st.lists(STEP, max_size=60))
def test_a_run_again_is_the_same_run(steps: list[tuple[str, int, int]]) -> None:
    once, again = run(3, steps), run(3, steps)
    assert list(once.sent) == list(again.sent)
    assert [node.save() for node in once.nodes] == [node.save() for node in again.nodes]


def digest() -> str:
    """Of all that a run with 20 nodes sends, and of the bytes of its nodes at every step."""
    seen = hashlib.sha256()
    cluster = Cluster(20)
    for kind, x, y in random_steps(1, 600):
        step(cluster, kind, x, y)
        for node in cluster.nodes:
            seen.update(node.save())
    seen.update(repr(list(cluster.sent)).encode())
    return seen.hexdigest()


def test_hash_seeds_change_nothing() -> None:
    program = "from tests.impl.paxos.test_paxos_runs import digest; print(digest())"
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert found == {digest() + "\n"}
