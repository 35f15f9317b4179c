"""What frames, states and events of `impl.paxos` are in the words of the spec."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checker.conform.binding import Amiss, Frame
from checker.conform.paxos import BYSTANDER, KEY, PaxosBinding, nodes
from checker.conform.run import conform
from checker.conform.system import AdapterError
from impl.paxos import messages as wire
from impl.paxos.instance import Instance, Start, Timeout
from impl.paxos.node import Node
from impl.transport.frames import HEADER
from impl.transport.payloads import message_frame
from spec import paxos
from spec.paxos_nodes import Decided, PaxosNodes
from spec.voting import Vote

ROOT = Path(__file__).resolve().parents[2]
BINDING = PaxosBinding(PaxosNodes())
A1, A2, A3 = BINDING.members
V1 = BINDING.values["v1"]
ALL = frozenset((0, 1, 2))


def frame(source: int, dest: int, message: wire.Message, key: str = KEY) -> Frame:
    return Frame(source, dest, message_frame(key, message)[HEADER:])


def saved(node: int = 0, **state: Any) -> bytes:
    """A node's bytes, with the bystander that every node has."""
    mine = Instance(KEY, node, 3, **state)
    return Node(node, 3, {KEY: mine, BYSTANDER: BINDING.bystanders[node]}).save()


@pytest.mark.parametrize(
    ("sent", "message", "recipients"),
    [
        (frame(2, 0, wire.Prepare(1)), paxos.Prepare(1), ALL),
        (frame(2, 0, wire.Promise(0, None)), paxos.Promise(A3, 0, None), {0}),
        (
            frame(2, 1, wire.Promise(1, wire.Vote(0, "v1"))),
            paxos.Promise(A3, 1, Vote(0, V1)),
            {1},
        ),
        (frame(0, 1, wire.Accept(0, "v1")), paxos.Accept(0, V1), ALL),
        (frame(2, 1, wire.Accepted(1, "v1")), paxos.Accepted(A3, 1, V1), {1}),
        (frame(1, 2, wire.Decided("v1")), Decided(V1), ALL),
    ],
)
def test_a_frame_is_a_message(sent: Frame, message: Any, recipients: Any) -> None:
    found = BINDING.reading(sent)
    assert (found.message, found.recipients) == (message, recipients)
    assert found.step is not None
    kind = type(message).__name__.lower()
    assert found.step == (f"receive_{kind}", (BINDING.members[sent.dest], message))


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (frame(0, 1, wire.Prepare(0), "another"), "about 'another'"),
        (frame(1, 2, wire.Promise(0, None)), "a frame that is refused (ballot 0 is not one of"),
        (Frame(0, 1, b"\xc1"), "a frame that is refused (not a message"),
    ],
)
def test_a_frame_that_is_nothing_in_the_spec(sent: Frame, words: str) -> None:
    found = BINDING.reading(sent)
    assert isinstance(found.message, Amiss)
    assert words in found.message
    assert found.step is None


def test_a_value_that_nobody_wished_is_none_of_the_spec() -> None:
    found = BINDING.reading(frame(0, 1, wire.Decided("gold")))
    assert found.message == Amiss("Decided(the value 'gold')")


def test_memory_and_disk_must_agree() -> None:
    memory = saved(promised=1, voted=wire.Vote(1, "v1"))
    assert BINDING.view(0, memory, memory)[:2] == (1, Vote(1, V1))
    found = BINDING.view(0, memory, saved(promised=0))
    assert found[0] == Amiss("1 in memory, 0 after a crash")
    assert found[1] == Amiss("Vote(ballot=1, value=v1) in memory, None after a crash")


def test_a_bystander_that_has_changed_is_seen() -> None:
    node = Node.load(saved())
    assert BINDING.view(0, node.save(), saved())[0] == -1
    node.instance(BYSTANDER).decided = "theirs"
    assert "another instance has changed" in BINDING.view(0, node.save(), saved())[0]
    assert "another instance has changed" in BINDING.view(0, saved(), node.save())[0]
    del node.instances[BYSTANDER]
    assert "'bystander' is gone" in BINDING.view(0, node.save(), saved())[0]


def test_what_a_client_and_a_timer_could_do() -> None:
    assert [offer.event for offer in BINDING.offers(0, saved())] == [Start("v1")]
    trying = saved(promised=0, trying=0, wish="v1")
    assert not BINDING.offers(0, trying)  # its next ballot is 3, and the instance has two
    assert not BINDING.offers(0, saved(decided="v1"))
    more = PaxosBinding(PaxosNodes(ballots=4))
    offers = more.offers(0, trying)
    assert [offer.event for offer in offers] == [Start("v1"), Timeout()]
    assert {offer.step for offer in offers} == {("start", (more.members[0], more.values["v1"]))}


def test_events_go_through_bytes() -> None:
    for event in (Start("v1"), Start(None), Timeout()):
        assert BINDING.decode_event(BINDING.encode_event(event)) == event


def test_leaders_are_those_of_the_implementation() -> None:
    spec = PaxosNodes(leader=dict.fromkeys(range(2), A1))
    with pytest.raises(AdapterError, match="leave `leader` as it is"):
        nodes(spec)


def test_equal_views_are_equal_memories() -> None:
    """Nothing in a node's memory is unseen by the spec: no state hides behind a view."""
    made = nodes(PaxosNodes(ballots=2, acceptors=2, values=1))
    made.close = lambda: None  # type: ignore[method-assign]
    conform(PaxosNodes(ballots=2, acceptors=2, values=1), lambda spec: made, replays=0)
    type(made).close(made)
    for table in made._locals:
        seen = {(local.view, held.memory) for held, local in table.items()}
        assert len(seen) == len({view for view, _ in seen}) == len({held for _, held in seen}) > 20


@pytest.mark.parametrize("how", [[], ["--system", "processes", "--walks", "1"]])
def test_a_changed_copy_of_the_implementation_is_what_is_checked(
    tmp_path: Path, how: list[str]
) -> None:
    """As the gallery of bugs does it: `PYTHONPATH` says where `impl` is."""
    shutil.copytree(ROOT / "impl", tmp_path / "impl", ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / "impl" / "paxos" / "instance.py"
    text = file.read_text(encoding="utf-8")
    one_short = text.replace("2 * len(some) > self.nodes", "2 * len(some) + 2 > self.nodes")
    assert one_short != text
    file.write_text(one_short, encoding="utf-8")
    command = [sys.executable, "-P", "-m", "checker.cli", "conform", "paxos", "--workers", "1"]
    command += ["-c", "ballots=1", "-c", "values=1"]
    done = subprocess.run(
        [*command, *how, "--json"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)["divergence"]
    assert found["kind"] == "wrong state"
    assert found["length"] == 3
