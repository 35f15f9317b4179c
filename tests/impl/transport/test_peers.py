"""Links between nodes over real sockets: they come back, and drop what is too much."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

import pytest

from impl.paxos.messages import Message, Prepare
from impl.transport.frames import frame
from impl.transport.handshake import hello
from impl.transport.incoming import Door, Doorway, Incoming
from impl.transport.payloads import Request, message_frame
from impl.transport.peers import Call, Link

PATIENCE_S = 20.0


class Listener:
    """Keeps what comes in."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, str, Message]] = []
        self.full = False

    def receive(self, sender: int, key: str, message: Message) -> None:
        self.messages.append((sender, key, message))

    def request(self, client: Incoming, request: Request) -> None:
        raise AssertionError("no client here")

    def vanished(self, client: Incoming) -> None:
        raise AssertionError("no client here")

    def overloaded(self) -> bool:
        return self.full


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def door(listener: Listener, port: int = 0):  # type: ignore[no-untyped-def]
    """Node 1 of 2, and its port."""
    opened = Door(Doorway("c", 1, ("127.0.0.1", "127.0.0.1")), listener)
    server = await asyncio.get_running_loop().create_server(opened.connection, "127.0.0.1", port)
    try:
        yield opened, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        opened.close()
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def link(port: int, **changed: object):  # type: ignore[no-untyped-def]
    """From node 0 to node 1."""
    call = {"cluster": "c", "me": 0, "node": 1, "nodes": 2, "host": "127.0.0.1", "port": port}
    made = Link(Call(**(call | changed)), 2**20, random.Random(1))  # type: ignore[arg-type]
    made.start()
    try:
        yield made
    finally:
        await made.close()


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def messages(count: int, begin: int = 0) -> bytes:
    return b"".join(message_frame(f"k{begin + n}", Prepare(2)) for n in range(count))


def test_messages_arrive_in_order_with_their_sender() -> None:
    async def test() -> None:
        listener = Listener()
        async with door(listener) as (_, port), link(port) as to_one:
            await until(lambda: bool(to_one.connected))
            for number in range(0, 1000, 10):
                to_one.send(messages(10, number), 10)
            await until(lambda: len(listener.messages) == 1000)
            assert listener.messages == [(0, f"k{n}", Prepare(2)) for n in range(1000)]
            assert (to_one.sent, to_one.dropped) == (1000, 0)

    run(test)


def test_without_a_connection_all_is_dropped_and_counted_and_it_comes_back() -> None:
    async def test() -> None:
        listener = Listener()
        async with door(listener) as (_, port):
            pass
        async with link(port) as to_one:
            to_one.send(messages(3), 3)
            assert (to_one.sent, to_one.dropped) == (0, 3)
            for _ in range(3):
                async with door(listener, port) as (opened, _):
                    await until(lambda: bool(to_one.connected))
                    to_one.send(messages(1), 1)
                    await until(lambda: bool(listener.messages))
                    listener.messages.clear()
                    assert len(opened.nodes) == 1
                await until(lambda: not to_one.connected)

    run(test)


def test_who_does_not_read_gets_no_more_than_the_queue_holds() -> None:
    async def test() -> None:
        listener = Listener()
        async with door(listener) as (opened, port), link(port) as to_one:
            await until(lambda: bool(to_one.connected))
            listener.full = True
            frames = messages(100)
            for _ in range(40_000):  # far more than the sockets hold
                to_one.send(frames, 100)
                if to_one.dropped:
                    break
                await asyncio.sleep(0)
            assert to_one.dropped
            assert len(listener.messages) < to_one.sent
            listener.full = False
            opened.resume()
            await until(lambda: len(listener.messages) == to_one.sent)

    run(test)


def test_a_second_connection_replaces_the_first() -> None:
    async def test() -> None:
        listener = Listener()
        async with door(listener) as (opened, port), link(port) as first:
            await until(lambda: bool(first.connected))
            async with link(port) as second:
                await until(lambda: bool(second.connected))
                assert len(opened.nodes) == 1
                second.send(messages(1), 1)
                await until(lambda: bool(listener.messages))

    run(test)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (frame(hello("other", 1, None)), "its cluster is 'other', this one is 'c'"),
        (frame(hello("c", 0, None)), "node 0 answered, not node 1"),
        (frame(b"\xc1"), "not a handshake"),
        (b"HTTP/1.1 400 Bad Request\r\n", "a frame of 1,213,486,160 bytes"),
        (
            frame(hello("c", 1, None)) + frame(b"more"),
            "speaks on a connection that is for listening",
        ),
        (b"", "the other side closed it"),
    ],
)
def test_who_answers_wrongly_is_not_sent_anything(
    answer: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "quorate")
    calls = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        await reader.read(100)
        writer.write(answer)
        if not answer:
            writer.close()
        with contextlib.suppress(ConnectionResetError):  # of what it had not read when it closed
            assert await reader.read(100) == b""
        writer.close()

    async def test() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server, link(server.sockets[0].getsockname()[1]) as to_one:
            await until(lambda: calls >= 3)
            to_one.send(messages(1), 1)
            assert to_one.dropped == 1
        await asyncio.sleep(0.01)

    run(test)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1, "the same thing is said once"
    assert reason in said[0]
