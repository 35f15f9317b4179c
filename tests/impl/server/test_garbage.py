"""Garbage at the port of a real node: it closes that connection only, and goes on answering."""

import socket
import time
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impl.client import Client
from impl.paxos.messages import Accept, Prepare
from impl.transport.frames import FrameReader, frame
from impl.transport.handshake import hello
from impl.transport.payloads import FRAME_LIMIT, Learn, Propose, encode, message_frame
from tests.impl.garbage import anything_packed
from tests.impl.server.processes import Cluster

FUZZ = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

STATES = {
    "stranger": b"",
    "client": frame(hello("test", None, 0)),
    "node": frame(hello("test", 2, 0)),
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    more = "[limits]\nhandshake_s = 1.0\nconnections = 20\nkey_bytes = 100\nvalue_bytes = 1000"
    with Cluster(tmp_path_factory.mktemp("cluster"), more=more) as running:
        running.start()
        yield running


@pytest.fixture
def client(cluster: Cluster) -> Iterator[Client]:
    with cluster.client(0) as opened:
        assert opened.propose("good", "still here") == "still here"
        yield opened


class Caller:
    """A raw connection to node 0."""

    def __init__(self, cluster: Cluster, state: str = "stranger") -> None:
        self.socket = socket.create_connection(("127.0.0.1", cluster.ports[0]), 30)
        self.reader = FrameReader(FRAME_LIMIT)
        if STATES[state]:
            self.send(STATES[state])
            assert self.payload()[:2] == ["hello", "quorate"]

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def payload(self) -> list[object]:
        """The next frame."""
        while True:
            data = self.socket.recv(2**16)
            assert data, "it was closed"
            for found in self.reader.feed(data):
                decoded: list[object] = msgspec.msgpack.decode(found)
                return decoded

    def read_to_end(self) -> bytes:
        found = b""
        try:
            while data := self.socket.recv(2**16):
                found += data
        except ConnectionResetError:
            pass
        return found

    def close(self) -> None:
        self.socket.close()


def assert_fine(client: Client) -> None:
    """The good client is answered, on the connection that it had."""
    before = client._socket
    assert client.learn("good") == "still here"
    assert client._socket is before is not None


GARBAGE = st.one_of(
    st.binary(max_size=64),
    st.lists(
        anything_packed("hello", "quorate", "propose", "learn", "x", 1, 2, 3, 4, 5), max_size=3
    ).map(lambda payloads: b"".join(map(frame, payloads))),
    st.integers(0, 2**32 - 1).map(lambda length: length.to_bytes(4, "big")),
)


@pytest.mark.parametrize("state", STATES)
@FUZZ
@given(garbage=GARBAGE)
def test_garbage_in_any_state(cluster: Cluster, client: Client, state: str, garbage: bytes) -> None:
    caller = Caller(cluster, state)
    try:
        caller.send(garbage)
        assert_fine(client)
    except (BrokenPipeError, ConnectionResetError):
        assert_fine(client)
    finally:
        caller.close()


@pytest.mark.parametrize(
    ("state", "sent", "reason"),
    [
        ("stranger", b"GET / HTTP/1.1\r\n\r\n", "a frame of 1,195,725,856 bytes"),
        ("stranger", frame(bytes(2000)), "a frame of 2,000 bytes; the limit is 1,024"),
        ("client", frame(bytes(2**20 + 1)), "a frame of 1,048,577 bytes; the limit is 1,048,576"),
        ("stranger", frame(hello("other", 1, 0)), "its cluster is 'other', this one is 'test'"),
        ("stranger", frame(hello("other", None, 0)), "its cluster is 'other', this one is 'test'"),
        ("stranger", frame(hello("test", 1, 2)), "this is node 0, not node 2"),
        ("stranger", STATES["client"] + frame(encode(Learn(1, "x"))), "said more before"),
        ("client", frame(b"\xc1"), "not a request"),
        ("client", 2 * frame(encode(Propose(7, "twice", "v"))), "two requests of number 7"),
        ("node", frame(b"\xc1"), "not a message"),
        ("node", message_frame("x", Accept(1, "v")), "ballot 1 is not one of node 2"),
        ("node", message_frame("x", Prepare(2**53)), "ballot 9007199254740992 is not one"),
    ],
)
def test_a_connection_is_closed_with_a_reason_in_the_log(
    cluster: Cluster, client: Client, state: str, sent: bytes, reason: str
) -> None:
    said = b""
    for _ in range(40):  # more than 20 lines a second are not logged, and others log as well
        caller = Caller(cluster, state)
        caller.send(sent)
        said = caller.read_to_end()
        caller.close()
        if cluster.logged(0, "closed:", reason):
            break
        time.sleep(0.25)
    else:
        raise AssertionError(cluster.log(0))
    if reason.startswith(("its cluster", "this is node")):
        assert reason.encode() in said, "and who tried to come in is told"
    assert "bug" not in cluster.log(0)
    assert_fine(client)


def test_who_says_nothing_is_not_waited_for(cluster: Cluster, client: Client) -> None:
    for state in ("stranger", "stranger"):
        caller = Caller(cluster, state)
        caller.send(STATES["client"][:3])
        assert caller.read_to_end() == b""
        caller.close()
    cluster.wait_log(0, "no handshake in 1 s")
    assert_fine(client)


def test_too_many_callers_are_turned_away_and_nodes_are_not(
    cluster: Cluster, client: Client
) -> None:
    callers: list[Caller] = []
    try:
        answer: list[object] = ["hello"]
        while answer[0] == "hello" and len(callers) < 40:
            callers.append(Caller(cluster))
            callers[-1].send(STATES["client"])
            answer = callers[-1].payload()
        assert answer == ["refused", "too many clients"]
        assert 10 < len(callers) <= 21
        for _ in range(40):  # strangers, until there is no place and a line of the log says so
            callers += [Caller(cluster) for _ in range(10)]
            if cluster.logged(0, "closed: too many connections"):
                break
            time.sleep(0.1)
        else:
            raise AssertionError(cluster.log(0))
        assert_fine(client)
        cluster.kill(1)
        cluster.start(1)
        cluster.wait_log(1, "node 0", ": connected")
    finally:
        for one in callers:
            one.close()


def test_too_long_a_key_or_value_is_rejected_and_the_connection_lives(cluster: Cluster) -> None:
    caller = Caller(cluster, "client")
    caller.send(frame(encode(Propose(1, "x", "v" * 1001))))
    assert caller.payload() == ["rejected", 1, "the value is longer than 1,000 bytes"]
    caller.send(frame(encode(Learn(2, "ä" * 51))))
    assert caller.payload() == ["rejected", 2, "the key is longer than 100 bytes"]
    caller.send(frame(encode(Learn(3, "ä" * 50))))
    assert caller.payload() == ["nothing_chosen", 3]
    caller.close()


def test_a_client_that_reads_nothing_does_not_fill_the_memory(
    cluster: Cluster, client: Client
) -> None:
    client.propose("large", "v" * 1000)
    caller = Caller(cluster, "client")
    caller.socket.settimeout(1)
    sent = 0
    try:
        for number in range(0, 1_000_000, 1000):  # a GB of answers
            numbers = range(number, number + 1000)
            requests = b"".join(frame(encode(Learn(n, "large"))) for n in numbers)
            caller.send(requests)
            sent += len(requests)
    except TimeoutError:
        pass
    assert 0 < sent < 2**24
    assert_fine(client)
    caller.close()
