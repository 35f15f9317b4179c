"""The client, against nodes and against what only says that it is one."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from impl.client import (
    AsyncClient,
    Client,
    ClientError,
    Rejected,
    Unavailable,
    UnknownOutcome,
    addresses,
)
from impl.transport.frames import FrameReader, frame
from impl.transport.handshake import hello, refusal
from impl.transport.payloads import FRAME_LIMIT, Chosen, NothingChosen, Unknown, encode
from tests.impl.server.processes import Cluster


def test_addresses() -> None:
    assert addresses("a:1, b.example:65535") == [("a", 1), ("b.example", 65535)]
    assert addresses(["[::1]:7001"]) == [("::1", 7001)]


@pytest.mark.parametrize(
    "words", ["", "a", "a:", "a:0", "a:65536", ":1", "a:1,", "::1:7", "a:1 b:2"]
)
def test_what_is_no_address(words: str) -> None:
    with pytest.raises(ValueError, match=r"is not an address: write host:port"):
        addresses(words)
    with pytest.raises(ValueError, match="has no address"):
        addresses([])


def test_the_asyncio_client(tmp_path: Path) -> None:
    async def run(cluster: Cluster) -> None:
        async with AsyncClient(cluster.addresses) as client:
            assert await client.learn("x") is None
            assert await client.propose("x", "red") == "red"
            # Several at once wait for each other.
            found = await asyncio.gather(*(client.propose(f"k{n}", str(n)) for n in range(10)))
            assert found == [str(n) for n in range(10)]
            # One that is given up leaves no answer behind for the next.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.0001):
                    await client.propose("y", "green")
            assert await client.learn("x") == "red"
            cluster.kill(0)
            assert await client.propose("z", "blue") == "blue"
            with pytest.raises(Rejected, match="the key is longer than 1,024 bytes"):
                await client.learn("k" * 1025)
            with pytest.raises(Rejected, match="text that UTF-8 can write"):
                await client.learn("\ud800")
            with pytest.raises(Rejected, match="the limit is 1,048,576"):
                await client.propose("x", "v" * 2**20)
            cluster.kill(1)
            client.timeout = 0.3
            with pytest.raises(UnknownOutcome):
                await client.propose("w", "v")
            with pytest.raises(Unavailable):
                await client.learn("w")

    with Cluster(tmp_path) as cluster:
        cluster.start()
        asyncio.run(run(cluster))


def test_the_blocking_client_rejects_the_same(tmp_path: Path) -> None:
    with Cluster(tmp_path, nodes=1) as cluster:
        cluster.start()
        with cluster.client() as client:
            with pytest.raises(Rejected, match="the value is longer than 65,536 bytes"):
                client.propose("x", "v" * 65537)
            with pytest.raises(Rejected, match="text that UTF-8 can write"):
                client.propose("\ud800", "v")
            assert client.propose("x", "v" * 65536) == "v" * 65536


Answer = Callable[[socket.socket], None]


@contextmanager
def says(answer: Answer) -> Iterator[str]:
    """The address of one who gives this answer to each caller."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        while True:
            caller, _ = listening.accept()
            with caller, contextlib.suppress(OSError):
                if over.is_set():
                    return
                caller.settimeout(5)
                answer(caller)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        over.set()
        socket.create_connection(listening.getsockname()).close()
        thread.join(30)
        listening.close()


def after_hello(*payloads: bytes) -> Answer:
    """One who agrees to talk, and then says this whatever is asked."""

    def answer(caller: socket.socket) -> None:
        reader = FrameReader(FRAME_LIMIT)
        assert reader.feed(caller.recv(2**16))
        caller.sendall(frame(hello("c", 0, None)))
        if reader.feed(caller.recv(2**16)):
            caller.sendall(b"".join(map(frame, payloads)))

    return answer


def raw(data: bytes) -> Answer:
    return lambda caller: caller.sendall(data)


BAD: list[tuple[Answer, str]] = [
    (raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "a frame of 1,213,486,160 bytes"),
    (raw(frame(refusal("too many clients"))), "refused: 'too many clients'"),
    (raw(frame(hello("c", None, None))), "the address of no node"),
    (after_hello(), "the node closed the connection"),
    (after_hello(b"\xc1"), "not an answer"),
    (after_hello(encode(Chosen(99, "v"))), "an answer to another request"),
    (after_hello(encode(NothingChosen(1))), "nothing chosen, in answer to a proposal"),
    (after_hello(encode(Unknown(1, "cannot tell"))), "cannot tell"),
]


Ask = Callable[[list[str], float], str]


def blocking(cluster: list[str], timeout: float) -> str:
    with Client(cluster, timeout=timeout) as client:
        return client.propose("x", "red")


def with_asyncio(cluster: list[str], timeout: float) -> str:
    async def run() -> str:
        async with AsyncClient(cluster, timeout=timeout) as client:
            return await client.propose("x", "red")

    return asyncio.run(run())


def failure(propose: Ask, cluster: list[str], reason: str) -> ClientError:
    """Why nobody could answer; with more time if the reason was not seen in so little."""
    for timeout in (0.2, 2.0, 20.0):
        with pytest.raises((Unavailable, UnknownOutcome)) as error:
            propose(cluster, timeout)
        if reason in str(error.value):
            break
    return error.value


@pytest.mark.parametrize("propose", [blocking, with_asyncio])
@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_who_talks_nonsense_is_left_for_the_next(bad: Answer, reason: str, propose: Ask) -> None:
    with says(bad) as first, says(after_hello(encode(Chosen(1, "blue")))) as second:
        assert propose([first, second], 20.0) == "blue"
    with says(bad) as first:
        error = failure(propose, [first, "127.0.0.1:9"], reason)
    assert reason in str(error)
    asked = reason not in (BAD[0][1], BAD[1][1], BAD[2][1])
    assert isinstance(error, UnknownOutcome) == asked
