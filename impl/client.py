"""A client of a cluster: `propose` and `learn`, blocking or with asyncio.

    from impl.client import Client

    with Client(["127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003"]) as cluster:
        cluster.propose("leader", "ada")    # "ada", or what was decided before
        cluster.learn("leader")             # the same; None if nothing is chosen

Rules of this file:

* A key is decided once.  So it does no harm to ask again, at another node, after a connection
  broke: both requests propose the same value for the same decision.
* One request at a time on a connection; the node that answered last is asked first.
* What went wrong is said by the type of the error: `Rejected` (the request is not possible),
  `Unavailable` (it did not happen), `UnknownOutcome` (it may have happened, or may happen yet:
  `learn` will tell).
* The blocking client is not for several threads at once; make one for each.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from impl.transport.connection import reason_of
from impl.transport.frames import FrameReader, ProtocolError, frame
from impl.transport.handshake import hello, read_answer
from impl.transport.payloads import (
    FRAME_LIMIT,
    Answer,
    Chosen,
    Learn,
    NothingChosen,
    Propose,
    Unknown,
    encode,
)
from impl.transport.payloads import Rejected as RejectedAnswer
from impl.transport.payloads import read_answer as read_reply
from impl.transport.tls import contexts

Address: TypeAlias = tuple[str, int]

TIMEOUT_S = 10.0
CALL_S = 2.0
"""One node has so long to take a call before the next one is tried."""
PATIENCE_S = 3.0
"""One node has so long to answer before the next one is asked, too."""
PAUSE_S = 0.1
"""After all nodes were tried in vain."""


class ClientError(Exception):
    """An operation has failed."""


class Rejected(ClientError):
    """The request cannot be carried out, and has no effect; the message says why."""


class Unavailable(ClientError):
    """No node could be asked, or a read has no answer in time: nothing has happened."""


class UnknownOutcome(ClientError):
    """A proposal went out and no answer came: the value may be chosen, now or later, or not."""


def addresses(cluster: str | Sequence[str]) -> list[Address]:
    """`host:port,host:port`, or a list of `host:port`; ValueError says what is wrong."""
    words = cluster.split(",") if isinstance(cluster, str) else list(cluster)
    found = [_address(word.strip()) for word in words]
    if not found:
        raise ValueError("the cluster has no address: write host:port,host:port")
    return found


def _address(word: str) -> Address:
    match = re.fullmatch(r"\[([0-9a-fA-F:.%]+)\]:(\d{1,5})|([^:\s\[\]]+):(\d{1,5})", word)
    if not match or not 0 < int(match[2] or match[4]) < 2**16:
        raise ValueError(f"{word!r} is not an address: write host:port, or [::1]:port")
    return (match[1] or match[3], int(match[2] or match[4]))


def tls_context(certificate: Path, key: Path, authorities: Path) -> ssl.SSLContext:
    """The client's side of mutual TLS, from files in PEM form.  OSError if one is of no use."""
    return contexts(certificate, key, authorities)[1]


# --------------------------------------------------------------------------- sans I/O


class _Talk:
    """One connection, as bytes: what to send, and what the bytes that come say."""

    def __init__(self) -> None:
        self.reader = FrameReader(FRAME_LIMIT)
        self.agreed = False

    def greeting(self) -> bytes:
        return frame(hello(None, None, None))

    def read(self, data: bytes) -> list[Answer]:
        """The answers in what came.  `ProtocolError`, also if the node refuses."""
        payloads = self.reader.feed(data)
        if payloads and not self.agreed:
            read_answer(payloads.pop(0), None, None, None)
            self.agreed = True
        return [read_reply(payload) for payload in payloads]


def _request(number: int, key: str, value: str | None) -> bytes:
    """A request as a frame; `Rejected` if it cannot be one."""
    try:
        payload = encode(Learn(number, key) if value is None else Propose(number, key, value))
    except (UnicodeEncodeError, TypeError) as error:
        raise Rejected(f"keys and values are text that UTF-8 can write: {error}") from None
    if len(payload) > FRAME_LIMIT:
        raise Rejected(f"a request of {len(payload):,} bytes; the limit is {FRAME_LIMIT:,}")
    return frame(payload)


class _Attempts:
    """One operation: what went wrong so far, and what that means in the end."""

    def __init__(self, key: str, value: str | None) -> None:
        self.key = key
        self.value = value
        self.sent = False
        """Whether some node may have the request."""
        self.reasons: dict[str, str] = {}

    def failed(self, address: Address, error: Exception | str) -> None:
        if isinstance(error, TimeoutError):
            error = "no answer in time"
        elif isinstance(error, OSError):
            error = reason_of(error)
        self.reasons[f"{address[0]}:{address[1]}"] = str(error)

    def result(self, answer: Answer) -> str | None:
        """What the operation gives, if this is its end; else it is tried again (`_Again`)."""
        match answer:
            case Chosen():
                return answer.value
            case NothingChosen() if self.value is None:
                return None
            case RejectedAnswer():
                raise Rejected(answer.reason)
            case Unknown():
                raise _Again(answer.reason)
        raise ProtocolError("nothing chosen, in answer to a proposal")

    def error(self, timeout: float) -> ClientError:
        """The operation's time is over."""
        why = "; ".join(f"{where}: {what}" for where, what in self.reasons.items())
        told = f"no answer in {timeout:g} s ({why or 'no node was reached'})"
        if self.value is not None and self.sent:
            return UnknownOutcome(
                f"{told}; the value may be chosen now or later, or not: `learn` will tell"
            )
        return Unavailable(
            f"{told}; is a majority of the nodes running, and are these their addresses?"
        )


class _Again(Exception):
    """This node could not tell."""


# --------------------------------------------------------------------------- blocking


class Client:
    """A blocking client.  `timeout` is in seconds, for each operation in all."""

    def __init__(
        self,
        cluster: str | Sequence[str],
        *,
        timeout: float = TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.cluster = addresses(cluster)
        self.timeout = timeout
        self._tls = tls
        self._socket: socket.socket | None = None
        self._talk = _Talk()
        self._number = 0
        self._at = 0

    def propose(self, key: str, value: str) -> str:
        """Let `value` be chosen for `key`; what is decided, which may be another's value."""
        found = self._operation(_Attempts(key, value))
        assert found is not None
        return found

    def learn(self, key: str) -> str | None:
        """What is decided for `key`; None if nothing is chosen."""
        return self._operation(_Attempts(key, None))

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _operation(self, attempts: _Attempts) -> str | None:
        deadline = time.monotonic() + self.timeout
        self._number += 1
        request = _request(self._number, attempts.key, attempts.value)
        tried = 0
        while time.monotonic() < deadline:
            address = self.cluster[self._at]
            try:
                self._call(address, deadline)
                attempts.sent = True
                patience = min(deadline, time.monotonic() + PATIENCE_S)
                return attempts.result(self._exchange(request, patience))
            except (OSError, ProtocolError, _Again) as error:
                attempts.failed(address, error)
                self.close()
            except BaseException:
                self.close()  # an answer that comes later must not be taken for another
                raise
            self._at = (self._at + 1) % len(self.cluster)
            tried += 1
            if tried % len(self.cluster) == 0:
                time.sleep(max(0.0, min(PAUSE_S, deadline - time.monotonic())))
        raise attempts.error(self.timeout)

    def _call(self, address: Address, deadline: float) -> None:
        if self._socket is not None:
            return
        limit = min(deadline, time.monotonic() + CALL_S)
        plain = socket.create_connection(address, _left(limit))
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                plain.settimeout(_left(limit))
                plain = self._tls.wrap_socket(plain, server_hostname=address[0])
            self._talk = _Talk()
            plain.settimeout(_left(limit))
            plain.sendall(self._talk.greeting())
            while not self._talk.agreed:
                plain.settimeout(_left(limit))
                if self._talk.read(_received(plain)):
                    raise ProtocolError("an answer to nothing")
        except BaseException:
            plain.close()
            raise
        self._socket = plain

    def _exchange(self, request: bytes, deadline: float) -> Answer:
        assert self._socket is not None
        self._socket.settimeout(_left(deadline))
        self._socket.sendall(request)
        while True:
            self._socket.settimeout(_left(deadline))
            for answer in self._talk.read(_received(self._socket)):
                if answer.request != self._number:
                    raise ProtocolError("an answer to another request")
                return answer


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _received(from_: socket.socket) -> bytes:
    data = from_.recv(2**16)
    if not data:
        raise ConnectionResetError("the node closed the connection")
    return data


# --------------------------------------------------------------------------- asyncio


class _Wire(asyncio.Protocol):
    """One connection of the asyncio client."""

    def __init__(self) -> None:
        self.talk = _Talk()
        self.transport: asyncio.Transport | None = None
        loop = asyncio.get_running_loop()
        self.agreed: asyncio.Future[None] = loop.create_future()
        self.waits: asyncio.Future[Answer] | None = None
        self.broken: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.talk.greeting())

    def data_received(self, data: bytes) -> None:
        try:
            answers = self.talk.read(data)
        except ProtocolError as error:
            self.close(error)
            return
        if self.talk.agreed and not self.agreed.done():
            self.agreed.set_result(None)
        for answer in answers:
            if self.waits is None or self.waits.done():
                self.close(ProtocolError("an answer to nothing"))
                return
            self.waits.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self.close(exc or ConnectionResetError("the node closed the connection"))

    def close(self, why: Exception) -> None:
        self.broken = self.broken or why
        if self.transport is not None:
            self.transport.abort()
        if not self.agreed.done():
            self.agreed.cancel()
        if self.waits is not None and not self.waits.done():
            self.waits.set_exception(self.broken)

    async def ready(self) -> None:
        """Return when the node has agreed to talk."""
        await asyncio.wait([self.agreed])
        if self.broken is not None:
            raise self.broken

    async def exchange(self, request: bytes) -> Answer:
        """Send a request; what is answered."""
        if self.broken is not None:
            raise self.broken
        assert self.transport is not None
        self.waits = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.waits


class AsyncClient:
    """A client for asyncio; its operations wait for each other, so make several to have several."""

    def __init__(
        self,
        cluster: str | Sequence[str],
        *,
        timeout: float = TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.cluster = addresses(cluster)
        self.timeout = timeout
        self._tls = tls
        self._wire: _Wire | None = None
        self._number = 0
        self._at = 0
        self._turn = asyncio.Lock()

    async def propose(self, key: str, value: str) -> str:
        """Let `value` be chosen for `key`; what is decided, which may be another's value."""
        found = await self._operation(_Attempts(key, value))
        assert found is not None
        return found

    async def learn(self, key: str) -> str | None:
        """What is decided for `key`; None if nothing is chosen."""
        return await self._operation(_Attempts(key, None))

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close(ConnectionAbortedError("closed"))
            self._wire = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def _operation(self, attempts: _Attempts) -> str | None:
        async with self._turn:
            self._number += 1
            request = _request(self._number, attempts.key, attempts.value)
            deadline = asyncio.get_running_loop().time() + self.timeout
            try:
                async with asyncio.timeout_at(deadline):
                    return await self._tries(attempts, request)
            except TimeoutError:
                self.close()
                raise attempts.error(self.timeout) from None
            except BaseException:
                self.close()  # an answer that comes later must not be taken for another
                raise

    async def _tries(self, attempts: _Attempts, request: bytes) -> str | None:
        tried = 0
        while True:
            address = self.cluster[self._at]
            try:
                wire = await self._call(address)
                attempts.sent = True
                async with asyncio.timeout(PATIENCE_S):
                    answer = await wire.exchange(request)
                if answer.request != self._number:
                    raise ProtocolError("an answer to another request")
                return attempts.result(answer)
            except (TimeoutError, OSError, ProtocolError, _Again) as error:
                attempts.failed(address, error)
                self.close()
            self._at = (self._at + 1) % len(self.cluster)
            tried += 1
            if tried % len(self.cluster) == 0:
                await asyncio.sleep(PAUSE_S)

    async def _call(self, address: Address) -> _Wire:
        if self._wire is not None and self._wire.broken is None:
            return self._wire
        wire = _Wire()
        try:
            async with asyncio.timeout(CALL_S):
                await asyncio.get_running_loop().create_connection(
                    lambda: wire,
                    *address,
                    ssl=self._tls,
                    server_hostname=address[0] if self._tls else None,
                )
                await wire.ready()
        except BaseException:
            wire.close(ConnectionAbortedError("closed"))
            raise
        self._wire = wire
        return wire
