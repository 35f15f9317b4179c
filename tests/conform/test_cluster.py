"""The nodes of Paxos on TCP: they conform, and what is broken in them is found."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from checker.conform.binding import Offer
from checker.conform.cluster import Cluster, WayDiffers
from checker.conform.paxos import BYSTANDER, KEY, PaxosBinding, nodes
from checker.conform.result import Conformance
from checker.conform.run import conform
from checker.conform.system import NotPossible, Step
from checker.conform.wires import WireError
from impl.journal import recovery
from impl.paxos import instance
from impl.paxos.instance import Effect, Event, Instance, Receive, Record, Start, Timeout
from impl.paxos.messages import Decided, Message, Prepare, Promise
from impl.paxos.node import Node
from impl.transport.payloads import message_frame
from spec import paxos
from spec.paxos_nodes import PaxosNodes

ONE_BALLOT: dict[str, Any] = {"ballots": 1, "values": 1}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = nodes(PaxosNodes())
    made.reset()
    yield made
    made.close()


def checked(**constants: Any) -> Conformance:
    """Every edge, on the nodes as they are now."""
    return conform(PaxosNodes(**(ONE_BALLOT | constants)), nodes, replays=20)


def found(result: Conformance) -> tuple[str, str]:
    """What diverged, and in which words; a path that diverges again when taken from the start."""
    assert result.divergence is not None
    assert result.divergence.confirmed
    return result.divergence.kind, result.divergence.explanation


# --------------------------------------------------------------------------- they conform


def test_every_edge_of_one_ballot_with_crashes() -> None:
    result = checked()
    assert (result.verdict, result.states, result.edges) == ("holds", 964, 9522)
    assert result.edges_covered == result.edges


def test_two_competing_ballots_at_two_nodes() -> None:
    result = checked(acceptors=2, ballots=2)
    assert result.verdict == "holds"
    assert result.edges_covered == result.edges > 9_000


def test_a_node_that_only_asks_learns_that_nothing_was_chosen() -> None:
    result = checked(acceptors=2, wishes=lambda self: {n: {None} for n in self.acceptors})
    assert result.verdict == "holds"


# ------------------------------------------------------------------------- what is broken is found


def change(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, by: Callable[..., Any]) -> None:
    """Replace a method by `by(the method as it was, its arguments)`."""
    before = getattr(where, name)
    monkeypatch.setattr(where, name, lambda *args: by(before, *args))


def test_a_promise_that_is_sent_before_it_is_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    def hasty(as_it_was: Any, instance: Instance, m: Prepare) -> list[Effect]:
        effects: list[Effect] = as_it_was(instance, m)
        write = instance.writing
        return [instance.to_leader(m.ballot, write.answer), *effects] if write else effects

    change(monkeypatch, Instance, "receive_prepare", hasty)
    kind, said = found(checked())
    assert kind == "unexpected message"
    assert "Promise(" in said


def test_a_record_without_the_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "Record", lambda key, promised, voted: Record(key, -1, None))
    kind, said = found(checked())
    assert kind == "wrong state"
    assert "0 in memory, -1 after a crash" in said


def test_a_message_to_all_that_is_not_sent_to_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch, Instance, "to_all", lambda to_all, *args: to_all(*args)[:-1])
    kind, said = found(checked())
    assert kind in ("unexpected message", "missing message")
    assert "for a1 and a2, not a1 and a2 and a3" in said


def test_a_message_about_one_decision_that_another_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(as_it_was: Any, node: Node, key: str, event: Event) -> list[Effect]:
        astray = isinstance(event, Receive) and isinstance(event.message, Decided)
        return as_it_was(node, BYSTANDER if astray else key, event)  # type: ignore[no-any-return]

    change(monkeypatch, Node, "handle", careless)
    kind, said = found(checked())
    assert kind == "wrong state"
    assert "another instance has changed" in said


def test_a_snapshot_of_the_journal_without_the_vote(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(as_it_was: Any, node: Node, key: str) -> bytes:
        instance = node.instance(key)
        kept, instance.voted = instance.voted, None if key == KEY else instance.voted
        record: bytes = as_it_was(node, key)
        instance.voted = kept
        return record

    change(monkeypatch, Node, "record", forgetful)
    kind, said = found(checked())
    assert kind == "failed step"
    assert "a snapshot of the journal, then a crash, and voted is None" in said


def test_a_torn_record_that_is_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def trusting(data: bytes, offset: int, seed: int) -> tuple[bytes, int] | None:
        start = offset + 16
        length = int.from_bytes(data[offset : offset + 4], "big")
        synced = int.from_bytes(data[offset + 4 : offset + 8], "big")
        return (data[start : start + length], synced) if length and start < len(data) else None

    monkeypatch.setattr(recovery, "record_at", trusting)
    kind, _ = found(checked())
    assert kind == "failed step"


def test_a_timer_that_forgets_the_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(_: Any, waiting: Instance) -> list[Effect]:
        return [] if waiting.trying == -1 else waiting.start(None)

    change(monkeypatch, Instance, "time_out", forgetful)
    kind, said = found(checked(acceptors=1, ballots=2))
    assert kind == "failed step"
    assert "Start(wish='v1') and Timeout() are this step of a1" in said


def test_a_node_that_listens_to_some_senders_only(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choosy(as_it_was: Any, instance: Instance, event: Event) -> list[Effect]:
        if isinstance(event, Receive) and event == Receive(2, Prepare(1)):
            return []
        return as_it_was(instance, event)  # type: ignore[no-any-return]

    change(monkeypatch, Instance, "handle", choosy)
    a1, a2, a3 = cluster.binding.members
    low, high = paxos.Prepare(0), paxos.Prepare(1)
    prepared(cluster)
    (start,) = (s for s in cluster.enabled() if s.action == "start" and s.args[0] == a2)
    for step in (start, Step("sync", (a2,)), Step("receive_prepare", (a3, high))):
        cluster.step(step)
    cluster.step(Step("sync", (a3,)))
    cluster.step(Step("receive_prepare", (a3, low)))  # a3 hands on the Prepare of ballot 1
    with pytest.raises(WayDiffers) as error:
        cluster.step(Step("receive_prepare", (a1, high)))
    assert str(error.value) == (
        "Prepare(ballot=1) from a2 and Prepare(ballot=1) from a3 are this step of a1, and lead to "
        "different states: by the second writing is None, not Write(promised=1, voted=None, "
        "prepares=False, answer=Promise(acceptor=a1, ballot=1, vote=None)).\n"
        "Mend the implementation; if they may differ, let PaxosBinding.reading give them different "
        "steps of the spec."
    )


def test_a_way_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer's way to begin fails, and the client's does not."""

    def broken(as_it_was: Any, instance: Instance) -> list[Effect]:
        if instance.trying == -1:
            return as_it_was(instance)  # type: ignore[no-any-return]
        raise ZeroDivisionError("no time")

    change(monkeypatch, Instance, "time_out", broken)
    monkeypatch.setattr(PaxosBinding, "offers", offers_all)
    kind, said = found(checked(acceptors=1, ballots=2))
    assert kind == "failed step"
    assert "It says: Timeout() is another way for a1 to take this step, and fails:\n" in said
    assert "\nZeroDivisionError: no time\n  raised at " in said


def offers_all(binding: PaxosBinding, node: int, memory: bytes) -> list[Offer]:
    """Whatever an event may lead to."""
    waits = binding._instance(memory)
    if waits.trying >= binding.ballots - 1 or waits.decided is not None:
        return []
    step = Step("start", (binding.members[node], binding._value("v1")))
    events = [Start("v1"), Timeout()] if waits.trying != -1 else [Start("v1")]
    return [Offer(event, step) for event in events]


def test_a_client_that_is_told_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def liar(as_it_was: Any, instance: Instance, value: str) -> Effect:
        effect = as_it_was(instance, value)
        return type(effect)("another")  # type: ignore[no-any-return]

    change(monkeypatch, Instance, "decide", liar)
    kind, said = found(checked())
    assert (kind, "clients are told 'another'" in said) == ("failed step", True)


def test_bytes_that_are_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def garbled(key: str, message: Message) -> bytes:
        return b"\0\0\0\1\xc1" if isinstance(message, Promise) else message_frame(key, message)

    monkeypatch.setattr("checker.conform.paxos.message_frame", garbled)
    kind, said = found(checked())
    assert kind == "unexpected message"
    assert "a frame that is refused" in said


# --------------------------------------------------------------------------- the system itself


def prepared(cluster: Cluster) -> Step:
    """Node a1 has begun ballot 0; the step in which a2 reads of it."""
    a1, a2, _ = cluster.binding.members
    (start,) = (s for s in cluster.enabled() if s.action == "start" and s.args[0] == a1)
    cluster.step(start)
    cluster.step(Step("sync", (a1,)))
    return Step("receive_prepare", (a2, paxos.Prepare(0)))


def test_a_snapshot_brings_everything_back(cluster: Cluster) -> None:
    step = prepared(cluster)
    saved, seen, state = cluster.save(), cluster.observe(), dict(cluster.state())
    cluster.step(step)
    after = cluster.observe()
    assert after != seen
    cluster.restore(saved)
    assert (cluster.observe(), dict(cluster.state())) == (seen, state)
    cluster.step(step)
    assert cluster.observe() == after


def test_a_crash_takes_the_write_that_is_not_synced(cluster: Cluster) -> None:
    read = prepared(cluster)
    before = cluster.state()
    cluster.step(read)
    assert cluster.state()["writing"] != before["writing"]
    cluster.step(Step("crash", read.args[:1]))
    after = cluster.state()
    assert (after["writing"], after["promised"]) == (before["writing"], before["promised"])


def test_who_writes_reads_nothing(cluster: Cluster) -> None:
    read = prepared(cluster)
    cluster.step(read)
    with pytest.raises(NotPossible, match="waits for a write"):
        cluster.step(read)


@pytest.mark.parametrize(
    "step",
    [
        Step("receive_decided", ("nobody",)),
        Step("receive_prepare", (None, paxos.Prepare(1))),
        Step("sync", (None,)),
    ],
)
def test_what_is_not_offered_is_not_possible(cluster: Cluster, step: Step) -> None:
    with pytest.raises(NotPossible):
        cluster.step(step)


def test_there_are_as_many_crashes_as_the_instance_says(cluster: Cluster) -> None:
    crash = Step("crash", (cluster.binding.members[0],))
    cluster.step(crash)
    assert crash not in cluster.enabled()
    with pytest.raises(NotPossible, match="no more crashes"):
        cluster.step(crash)


def test_after_an_act_that_fails_it_begins_again(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = prepared(cluster)
    saved = cluster.save()
    with monkeypatch.context() as broken:
        broken.setattr(Instance, "receive_prepare", lambda *args: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            cluster.step(read)
    cluster.restore(saved)
    cluster.step(read)
    cluster.reset()
    assert prepared(cluster) == read


def test_bytes_go_through_sockets_and_none_are_left(cluster: Cluster) -> None:
    cluster.step(prepared(cluster))
    assert cluster.wires is not None
    assert cluster.wires.quiet()
    assert len(cluster.wires.inner) == len(cluster.wires.outer) == 9
    for one in (*cluster.wires.inner.values(), *cluster.wires.outer.values()):
        assert (one.family, one.type) == (socket.AF_INET, socket.SOCK_STREAM)
        assert one.getpeername()[0] == "127.0.0.1"
    cluster.hosts[0].outgoing[1].sendall(b"!")
    assert not cluster.wires.quiet()
    with pytest.raises(WireError, match="no node said it sent"):
        cluster.reset()


def test_closing_leaves_no_socket_open(recwarn: pytest.WarningsRecorder) -> None:
    made = nodes(PaxosNodes())
    made.reset()
    made.close()
    del made
    gc.collect()
    assert not [w for w in recwarn if issubclass(w.category, ResourceWarning)]
