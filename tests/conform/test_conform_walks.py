"""Walks: what they find is real and minimal; the same seed, the same walks."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from checker.conform.echo import Echo
from checker.conform.follow import NotAPath, follow
from checker.conform.report import result_json
from checker.conform.run import conform
from checker.conform.system import Step, System
from checker.conform.walks import walk
from spec.two_phase import TwoPhase
from tests.conform import faulty
from tests.conform.mutex import Mutex, Nodes, Replayed
from tests.conform.test_conform import facts
from tests.conform.test_conform_graph import Starts


class Deep(Nodes):
    """Goes wrong when all have had all their turns."""

    def state(self) -> Any:
        found = dict(super().state())
        if all(n.asked == self.turns and n.phase == "idle" for n in self.nodes.values()):
            found["queue"] = tuple(self.members.values())
        return found


Larger = Mutex(clients=3, turns=3)


class DeepReplayed(Deep):
    snapshots = False


def test_walks_without_a_divergence_are_undecided() -> None:
    result = walk(Mutex, Nodes, walks=40, depth=25, seed=1)
    assert result.verdict == "undecided"
    assert result.undecided_because == "walks can show a divergence, never that there is none"
    assert result.walks == 40
    assert 0 < result.states <= 141
    assert 0 < result.edges_covered <= result.edges <= 396


def test_enough_walks_see_everything() -> None:
    """What is counted is right: the distinct states and edges of the graph, and no more."""
    result = walk(Mutex, Nodes, walks=2000, depth=40)
    assert (result.states, result.edges, result.edges_covered) == (141, 396, 396)


def test_guided_walks_see_more() -> None:
    guided = walk(Larger, Echo, walks=400, depth=40, seed=2, native=False)
    random = walk(Larger, Echo, walks=400, depth=40, seed=2, native=False, guided=False)
    assert guided.states / guided.steps > 1.5 * random.states / random.steps


@pytest.mark.parametrize("guided", [True, False])
@pytest.mark.parametrize("system", [Deep, DeepReplayed])
def test_a_deep_divergence_is_found_and_shortened(system: type[System], guided: bool) -> None:
    results = [
        walk(Mutex, system, walks=400, depth=60, seed=9, guided=guided, workers=n) for n in (1, 2)
    ]
    assert facts(results[0]) == facts(results[1])
    found = results[0].divergence
    assert found is not None
    assert found.kind == "wrong state"
    # Each client asks, is heard, enters and leaves, twice; between two turns the lock comes back.
    shortest = conform(Mutex, system).divergence
    assert shortest is not None
    assert found.length == shortest.length == 19


def test_no_step_of_the_path_can_be_left_out() -> None:
    result = walk(Mutex, Deep, walks=400, depth=60, seed=3, guided=False)
    assert result.divergence is not None
    spotted = result.divergence.spotted
    for at in range(len(spotted.path)):
        fewer = spotted.path[:at] + spotted.path[at + 1 :]
        try:
            found, _ = follow(result.model, Deep(Mutex()), spotted.start, fewer)
        except NotAPath:
            continue
        assert found is None


@pytest.mark.parametrize(
    "system", [faulty.UnexpectedStep, faulty.MissingStep, faulty.FailedStep, faulty.MissingMessage]
)
def test_each_kind_is_found(system: type[System]) -> None:
    result = walk(Mutex, system, walks=200, depth=40)
    shortest = conform(Mutex, system)
    assert result.divergence is not None
    assert shortest.divergence is not None
    assert result.divergence.kind == shortest.divergence.kind
    assert result.divergence.length >= shortest.divergence.length


def test_seeds_differ_and_repeat() -> None:
    runs = [walk(TwoPhase, Echo, walks=5, depth=12, seed=seed) for seed in (1, 1, 2, 3)]
    found = [{k: v for k, v in facts(run).items() if k != "seed"} for run in runs]
    assert found[0] == found[1]
    assert any(one != found[0] for one in found[2:])


def test_several_initial_states() -> None:
    result = walk(Starts, Echo, walks=200, depth=20)
    assert result.divergence is None
    assert result.states == conform(Starts, Echo).states


def test_a_limit_on_time() -> None:
    counter = itertools.count()

    class Slow(Nodes):
        def step(self, step: Step) -> None:
            import time

            next(counter)
            time.sleep(0.002)
            super().step(step)

    result = walk(Mutex, Slow, walks=100_000, max_seconds=0.5)
    assert result.verdict == "undecided"
    assert "the limit of 0.5 seconds was reached" in result.undecided_because
    assert result.walks < 100_000
    assert result_json(result, "mutex")["walks"] == result.walks


def test_a_system_without_snapshots_is_walked_from_the_start() -> None:
    result = walk(Mutex, Replayed, walks=300, depth=40)
    assert result.states > 135
    assert result.edges_covered > 360
