"""Nodes as processes of the operating system: they conform, and a kill is a kill."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from checker.cli.systems import choose
from checker.conform.follow import follow
from checker.conform.paxos import PaxosCore, processes
from checker.conform.processes import NodeFailed, Processes
from checker.conform.system import Step
from checker.conform.walks import walk
from checker.engines.check import checked_model
from checker.lang.model import Model
from impl.paxos.instance import Start
from spec import paxos
from spec.paxos_nodes import Decided, PaxosNodes


@pytest.fixture
def system() -> Iterator[Processes]:
    made = processes(PaxosNodes())
    yield made
    made.close()


def decided_path(model: Model, crashes: bool) -> list[Step]:
    """a1 leads ballot 0 to a decision with a2, which is killed between its promise and its vote."""
    a1, a2, a3 = model.constants["acceptors"].value
    v1 = next(iter(model.constants["values"].value))
    promise = [Step("receive_promise", (a1, paxos.Promise(a, 0, None))) for a in (a1, a2)]
    accept, prepare = paxos.Accept(0, v1), paxos.Prepare(0)
    return [
        Step("start", (a1, v1)),
        Step("sync", (a1,)),
        Step("receive_prepare", (a2, prepare)),
        Step("sync", (a2,)),
        *promise,
        *[Step("crash", (a2,))] * crashes,
        Step("receive_prepare", (a2, prepare)),  # again: it has promised already
        Step("receive_accept", (a1, accept)),
        Step("sync", (a1,)),
        Step("receive_accept", (a2, accept)),
        Step("sync", (a2,)),
        Step("receive_accepted", (a1, paxos.Accepted(a1, 0, v1))),
        Step("receive_accepted", (a1, paxos.Accepted(a2, 0, v1))),
        Step("receive_decided", (a3, Decided(v1))),
        Step("receive_prepare", (a3, prepare)),
    ]


def test_a_decision_with_a_kill_in_the_middle_twice(system: Processes) -> None:
    """The second time after a reset: the processes stay, their folders and connections do not."""
    model = checked_model(PaxosNodes())
    (start,) = model.initial_states()
    pids: list[set[int]] = []
    for _ in range(2):
        path = decided_path(model, crashes=True)
        spotted, taken = follow(model, system, start, path)
        assert (spotted, taken) == (None, len(path))
        pids.append({child.process.pid for child in system.children})
    assert len(pids[0] - pids[1]) == 1


def test_a_kill_takes_what_was_not_synced(system: Processes) -> None:
    model = checked_model(PaxosNodes())
    (start,) = model.initial_states()
    a1, a2, _ = model.constants["acceptors"].value
    path = [*decided_path(model, crashes=False)[:3], Step("crash", (a2,))]
    assert follow(model, system, start, path)[0] is None
    state = system.state()
    assert (state["promised"][a1], state["promised"][a2]) == (0, -1)


def test_a_node_that_dies_by_itself_fails_and_is_started_again(system: Processes) -> None:
    model = checked_model(PaxosNodes())
    path = decided_path(model, crashes=False)
    system.reset()
    os.kill(system.children[0].process.pid, signal.SIGKILL)
    with pytest.raises(NodeFailed, match="ended by itself"):
        system.step(path[0])
    assert not system.children
    (start,) = model.initial_states()
    assert follow(model, system, start, path)[0] is None


def test_what_a_node_raises_is_told(system: Processes) -> None:
    system.reset()
    child = system.children[0]
    start = {"do": "fire", "event": PaxosCore.encode_event(Start("v1")).hex()}
    child.order(start)
    child.report()
    child.order(start)  # while the first one writes
    with pytest.raises(NodeFailed, match="ValueError: 'x' is writing"):
        child.report()


def test_walks_are_what_is_done_if_nobody_says() -> None:
    chosen = choose("paxos", "processes", None)
    assert (chosen.walks, choose("paxos", None, None).walks) == (200, None)
    result = walk(PaxosNodes(ballots=1, values=1), chosen.factory, walks=2, depth=8)
    assert (result.divergence, result.steps) == (None, 16)


def test_processes_and_folders_are_gone_after_closing() -> None:
    made = processes(PaxosNodes())
    made.reset()
    pids, home = [child.process.pid for child in made.children], made.home
    assert home is not None
    assert (home / "node-0-1").is_dir()
    made.close()
    assert not home.exists()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_node_ends_with_its_controller() -> None:
    made = processes(PaxosNodes())
    made.reset()
    try:
        child = made.children[0].process
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(10) == 0
    finally:
        made.close()
