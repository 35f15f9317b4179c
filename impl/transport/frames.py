"""Frames: how a stream of bytes is cut into payloads.

Rules of this file:

* No socket, no clock: bytes in, payloads out.
* A frame is its length (4 bytes, big-endian, without these 4) and so many bytes of payload.
* A length above the limit is an error before any of the payload is waited for or kept, so what one
  connection can make us hold is the limit and one read of the socket.
* What a reader has refused stays refused: nothing after an error has a known beginning.
"""

from __future__ import annotations

HEADER = 4
"""Bytes of a length."""


class ProtocolError(Exception):
    """The other side sent what the protocol does not allow; the message is the reason."""


def frame(payload: bytes) -> bytes:
    """The bytes that carry a payload (at most 2**32 - 1 bytes, else OverflowError)."""
    return len(payload).to_bytes(HEADER, "big") + payload


class FrameReader:
    """Cuts what comes into payloads, of at most `limit` bytes each."""

    __slots__ = ("_begun", "_refused", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._begun = bytearray()  # a frame that is not all there
        self._refused: str | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are complete now.

        `ProtocolError` if a length is above the limit, in this call and each after it; what came
        before it in the same call is lost with it.
        """
        if self._refused is not None:
            raise ProtocolError(self._refused)
        held: bytes | bytearray = data
        if self._begun:
            self._begun += data
            held = self._begun
        payloads = []
        at, end = 0, len(held)
        while end - at >= HEADER:
            begin = at + HEADER
            length = int.from_bytes(held[at:begin], "big")
            if length > self.limit:
                self._refuse(length)
            if begin + length > end:
                break
            at = begin + length
            payloads.append(bytes(held[begin:at]))
        if held is self._begun:
            del self._begun[:at]
        else:
            self._begun += held[at:]
        return payloads

    @property
    def inside(self) -> bool:
        """Whether a frame has begun and is not complete."""
        return bool(self._begun)

    def _refuse(self, length: int) -> None:
        self._begun.clear()
        self._refused = f"a frame of {length:,} bytes; the limit is {self.limit:,}"
        raise ProtocolError(self._refused)
