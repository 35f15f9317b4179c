"""The driver on disks in memory: nothing leaves a node that a power cut could make untrue."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from impl.journal import Journal, JournalError, MemoryFiles
from impl.journal.memory_files import fail_at
from impl.paxos.messages import Accepted, Prepare, Promise, Vote
from impl.paxos.node import Node
from impl.server import driver
from impl.server.driver import Driver
from impl.server.operations import Client, Operations
from impl.transport.frames import FrameReader
from impl.transport.payloads import FRAME_LIMIT, Answer, Chosen, Learn, Propose, read_message

NODES = 3
PATIENCE_S = 30.0


def after_power_cut(files: MemoryFiles, me: int) -> Node:
    """The node that would start if the power were cut now."""
    copy = MemoryFiles(identity=b"test" * 2)
    copy.restore(files.save())
    copy.crash()
    copy.unlock()
    with Journal.open("copy", files=copy) as journal:
        node = Node(me, NODES)
        node.recover(journal.recovered)
    return node


@dataclass
class Machine:
    """A driver, its disk in memory, and what came out of it."""

    me: int
    deliver: Callable[[int, int, bytes], None]
    journal_bytes: int = 2**20
    files: MemoryFiles = field(default_factory=lambda: MemoryFiles(identity=b"test" * 2))
    answers: list[tuple[Client, Answer]] = field(default_factory=list)
    sent: int = 0

    def __post_init__(self) -> None:
        self.journal = Journal.open("node", files=self.files)
        self.operations = Operations(lambda c, a: self.answers.append((c, a)), None, 30.0)
        self.driver = Driver(
            Node(self.me, NODES),
            self.journal,
            self.operations,
            send=self.send,
            answer=lambda: None,
            chance=random.Random(self.me),
            retry_s=0.01,
            journal_bytes=self.journal_bytes,
        )

    def send(self, to: int, frames: bytes, messages: int) -> None:
        payloads = FrameReader(FRAME_LIMIT).feed(frames)
        assert len(payloads) == messages
        self.sent += messages
        durable = after_power_cut(self.files, self.me)
        for payload in payloads:
            key, message = read_message(payload, self.me, to, NODES)
            known = durable.instance(key)
            if isinstance(message, Promise) or (
                isinstance(message, Prepare) and message.ballot % NODES == self.me
            ):
                assert known.promised >= message.ballot
            elif isinstance(message, Accepted):
                assert known.voted is not None
                assert known.voted.ballot >= message.ballot
                if known.voted.ballot == message.ballot:
                    assert known.voted == Vote(message.ballot, message.value)
        self.deliver(self.me, to, frames)

    def ask(self, client: str, number: int, key: str, value: str | None) -> None:
        request = Learn(number, key) if value is None else Propose(number, key, value)
        if not self.operations.ask(client, request, asyncio.get_running_loop().time()):
            self.driver.attempt(key)


def run_machines(seed: int, loss: float, journal_bytes: int = 2**20) -> list[Machine]:
    """Three machines and clients that ask all at once, over a network that loses and repeats."""
    chance = random.Random(seed)

    async def run() -> list[Machine]:
        loop = asyncio.get_running_loop()

        def deliver(sender: int, to: int, frames: bytes) -> None:
            for payload in FrameReader(FRAME_LIMIT).feed(frames):
                key, message = read_message(payload, sender, to, NODES)
                while chance.random() >= loss:
                    receive = machines[to].driver.receive
                    loop.call_later(chance.random() * 0.004, receive, sender, key, message)
                    if chance.random() < 0.8:
                        break

        machines = [Machine(me, deliver, journal_bytes) for me in range(NODES)]
        running = [asyncio.create_task(one.driver.run()) for one in machines]
        wanted = 0
        for number in range(60):
            key, value = f"k{chance.randrange(12)}", chance.choice([None, f"v{number}"])
            machines[chance.randrange(NODES)].ask("client", number, key, value)
            wanted += 1
            if number % 10 == 9:
                await asyncio.sleep(0.003)
        async with asyncio.timeout(PATIENCE_S):
            while sum(len(one.answers) for one in machines) < wanted:
                await asyncio.sleep(0.005)
        for one in machines:
            one.driver.stop()
        await asyncio.gather(*running)
        return machines

    return asyncio.run(run())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("loss", [0.0, 0.25])
def test_what_is_sent_is_on_the_disk_and_all_are_answered_alike(seed: int, loss: float) -> None:
    answered_alike(run_machines(seed, loss))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("keys", [1, 3])
def test_so_it_is_while_snapshots_are_made_all_the_time(
    seed: int, keys: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few keys a round: there are rounds between the beginning and the end of each."""
    monkeypatch.setattr(driver, "SLICE", keys)
    machines = run_machines(seed, 0.25, journal_bytes=100)
    answered_alike(machines)
    assert sum(one.driver.snapshots for one in machines) > 5
    for one in machines:
        durable = after_power_cut(one.files, one.me)
        for key, instance in one.driver.node.instances.items():
            known = durable.instance(key)
            assert (known.promised, known.voted) == (instance.promised, instance.voted)


def answered_alike(machines: list[Machine]) -> None:
    """All requests have answers, and for each key there is one decision."""
    decisions: dict[str, set[str]] = {}
    for one in machines:
        for key, instance in one.driver.node.instances.items():
            if instance.decided is not None:
                decisions.setdefault(key, set()).add(instance.decided)
    assert decisions
    assert all(len(values) == 1 for values in decisions.values())
    told = [answer for one in machines for _, answer in one.answers]
    assert {answer.request for answer in told} == set(range(60))
    known = {value for values in decisions.values() for value in values}
    assert {answer.value for answer in told if isinstance(answer, Chosen)} <= known
    assert all(one.sent for one in machines)


@pytest.mark.parametrize(
    ("operation", "journal_bytes"),
    [*((operation, 2**20) for operation in range(6)), *((3 * n, 10) for n in range(12))],
)
def test_after_an_error_of_the_disk_nothing_more_is_sent(
    operation: int, journal_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while a snapshot is made, a key in each round."""
    monkeypatch.setattr(driver, "SLICE", 1)

    async def run() -> None:
        machine = Machine(0, lambda sender, to, frames: None, journal_bytes)
        machine.files.fault = fail_at(machine.files.operations + operation)
        machine.ask("client", 0, "x", "red")
        driving = asyncio.create_task(machine.driver.run())
        for number in range(1, 50):
            await asyncio.sleep(0.001)
            machine.ask("client", number, f"k{number}", "red")
            if driving.done():
                break
        sent = machine.sent
        with pytest.raises(JournalError):
            await driving
        assert machine.sent == sent
        durable = after_power_cut(machine.files, 0)
        assert len(durable.instances) <= len(machine.driver.node.instances)
        assert machine.answers == []

    asyncio.run(run())
