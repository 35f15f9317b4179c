"""The logs of the nodes of Paxos, as `quorate serve --trace-log` writes them.

    {"quorate": "trace", "version": 1, "protocol": "paxos", "node": 0, "nodes": 3}
    {"time": 17, "node": 0, "key": "x", "event": {"type": "start", "wish": "blue"}, "state": {...}}

The first is written when a process starts, the second for each event that an instance handled, with
its state after it.  What is left out of `state` was not logged.  Logs are merged by their times.

A process that is killed may leave a line that is cut off, at the end of the file or before the
header of the next process.  It is left out: of what it tells nobody has seen anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge

import msgspec
from msgspec import UNSET, UnsetType

from checker.trace.reading import Line, LogError, LogFile, NotJson, WrongShape, decoded

VERSION = 1
MOST_NODES = 64


class Header(msgspec.Struct):
    """The first line of a process."""

    quorate: str
    version: int
    protocol: str
    node: int
    nodes: int


class VoteLine(msgspec.Struct, gc=False):
    ballot: int
    value: str


class PrepareLine(msgspec.Struct, tag="Prepare", gc=False):
    ballot: int


class PromiseLine(msgspec.Struct, tag="Promise", gc=False):
    ballot: int
    vote: VoteLine | None


class AcceptLine(msgspec.Struct, tag="Accept", gc=False):
    ballot: int
    value: str


class AcceptedLine(msgspec.Struct, tag="Accepted", gc=False):
    ballot: int
    value: str


class DecidedLine(msgspec.Struct, tag="Decided", gc=False):
    value: str


class Start(msgspec.Struct, tag="start", gc=False):
    wish: str | None = None


class Timeout(msgspec.Struct, tag="timeout", gc=False):
    pass


class Receive(msgspec.Struct, tag="receive", rename={"sender": "from"}, gc=False):
    sender: int
    message: PrepareLine | PromiseLine | AcceptLine | AcceptedLine | DecidedLine


class Written(msgspec.Struct, tag="written", gc=False):
    pass


class Recovered(msgspec.Struct, tag="recovered", gc=False):
    pass


class NodeState(msgspec.Struct, gc=False, frozen=True):
    """The state of one instance at one node; what is left out was not logged."""

    promised: int | UnsetType = UNSET
    voted: VoteLine | UnsetType | None = UNSET
    writing: bool | UnsetType = UNSET
    trying: int | UnsetType = UNSET
    wish: str | UnsetType | None = UNSET
    promisers: list[int] | UnsetType = UNSET
    best: VoteLine | UnsetType | None = UNSET
    proposed: str | UnsetType | None = UNSET
    voters: list[int] | UnsetType = UNSET
    decided: str | UnsetType | None = UNSET


class EventLine(msgspec.Struct, gc=False):
    """Any other line: what an instance at a node handled, and its state after that."""

    time: int
    node: int
    key: str
    event: Start | Timeout | Receive | Written | Recovered
    state: NodeState = NodeState()


_HEADER = msgspec.json.Decoder(Header)
_EVENT = msgspec.json.Decoder(EventLine)
_MARK = b'{"quorate"'

Read = tuple[int, int, int, "EventLine | Header"]
"""The time, the log (its place among the logs), the line's number, and what it says."""


# --------------------------------------------------------------------------- reading


def read(logs: list[LogFile], torn: list[str]) -> Iterator[Read]:
    """All lines of all logs in the order of their times."""
    streams = [_lines(log, index, torn) for index, log in enumerate(logs)]
    return streams[0] if len(streams) == 1 else merge(*streams, key=_time_of)


def _time_of(read: Read) -> int:
    return read[0]


def _lines(log: LogFile, index: int, torn: list[str]) -> Iterator[Read]:
    """The lines of one log; a header comes with the time of the line after it."""
    headers: list[tuple[int, Header]] = []
    last = 0
    broken: tuple[Line, Exception] | None = None
    for line in log.lines():
        if broken is not None:
            if not line.text.startswith(_MARK):
                raise log.error(broken[0].number, str(broken[1]))
            torn.append(f"{log.name}:{broken[0].number}")
            broken = None
        try:
            found = _line(log, line)
        except (NotJson, LogError) as error:
            # Who wrote it was killed; the next process may have gone on in the same line.
            after = _after_tear(log, line)
            if after is None and isinstance(error, LogError):
                raise
            if after is None:
                broken = (line, error)
                continue
            torn.append(f"{log.name}:{line.number}")
            found = after
        if isinstance(found, Header):
            headers.append((line.number, found))
            continue
        if found.time < last:
            raise log.error(line.number, f"the time {found.time} is before that of the last line")
        last = found.time
        for number, header in headers:
            yield last, index, number, header
        headers.clear()
        yield last, index, line.number, found
    if broken is not None:
        if broken[0].whole:
            raise log.error(broken[0].number, str(broken[1]))
        torn.append(f"{log.name}:{broken[0].number}")
    for number, header in headers:
        yield last, index, number, header


def _after_tear(log: LogFile, line: Line) -> EventLine | Header | None:
    """The header that stands in one line after what was cut off, if there is one."""
    start = line.text.find(_MARK, 1)
    if start < 0:
        return None
    try:
        return _line(log, Line(line.number, line.text[start:], line.whole))
    except (NotJson, LogError):
        return None


def _line(log: LogFile, line: Line) -> EventLine | Header:
    """`NotJson` if it is not even JSON, `LogError` if it is no line of such a log."""
    try:
        return decoded(_EVENT, line.text)
    except WrongShape as error:
        reason = error
    try:
        return decoded(_HEADER, line.text)
    except WrongShape:
        raise log.error(line.number, f"this is no line of a log: {reason}") from None


def header_of(log: LogFile) -> Header | None:
    """The header that a log begins with, if it is a log of this kind."""
    try:
        found = None if log.first is None else decoded(_HEADER, log.first.text)
    except (NotJson, WrongShape):
        return None
    return found if found is not None and found.protocol == "paxos" else None


def nodes_of(header: Header, log: LogFile, number: int) -> int:
    """How many nodes there are.  `LogError` if this header cannot be used."""
    if header.quorate != "trace" or header.version != VERSION or header.protocol != "paxos":
        raise log.error(
            number,
            f"this is a {header.quorate} of version {header.version} for {header.protocol}; "
            f"wanted is a trace of version {VERSION} for paxos",
        )
    if not 1 <= header.nodes <= MOST_NODES:
        raise log.error(number, f"{header.nodes} nodes: there may be 1 to {MOST_NODES}")
    if not 0 <= header.node < header.nodes:
        raise log.error(number, f"node {header.node} of {header.nodes}: the first is 0")
    return header.nodes
