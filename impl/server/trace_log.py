"""The node's own steps: each event that an instance handled, and its state after it.

The first line of a process, and then one JSON object for each event:

    {"quorate": "trace", "version": 1, "protocol": "paxos", "node": 0, "nodes": 3}
    {"time": 12, "node": 0, "key": "x", "event": {"type": "start", "wish": "red"}, "state": {...}}

Events: `start` (wish), `receive` (from, message), `written`, and `recovered` for each key that was
found in the journal when the process began.  `time` is of CLOCK_MONOTONIC, in ns.

Rules of this file:

* Lines are on file before any message of theirs is sent (`lines.py`, `driver.py`): so a kill loses
  none that another node could have seen.
* It tells what happened and has no part in it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from impl.paxos.instance import Event, Instance, Receive, Start, Written
from impl.paxos.messages import Decided, Message, Prepare, Promise, Vote
from impl.server.lines import LineFile

VERSION = 1


class TraceLog:
    """The steps of one process, in a file."""

    def __init__(self, file: Path, me: int, nodes: int) -> None:
        """OSError if the file cannot be written."""
        self._me = me
        self._file = LineFile(file)
        self._file.add(
            {
                "quorate": "trace",
                "version": VERSION,
                "protocol": "paxos",
                "node": me,
                "nodes": nodes,
            }
        )

    def step(self, instance: Instance, event: Event) -> None:
        """An instance has handled an event."""
        self._add(instance, _event(event))

    def recovered(self, instance: Instance) -> None:
        """An instance was found in the journal."""
        self._add(instance, {"type": "recovered"})

    def _add(self, instance: Instance, event: dict[str, Any]) -> None:
        self._file.add(
            {
                "time": time.monotonic_ns(),
                "node": self._me,
                "key": instance.key,
                "event": event,
                "state": _state(instance),
            }
        )

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def _event(event: Event) -> dict[str, Any]:
    match event:
        case Start():
            return {"type": "start", "wish": event.wish}
        case Receive():
            return {"type": "receive", "from": event.sender, "message": _message(event.message)}
        case Written():
            return {"type": "written"}
    raise TypeError(f"the driver has no event {event}")


def _message(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = {"type": type(message).__name__}
    if isinstance(message, Decided):
        return found | {"value": message.value}
    found["ballot"] = message.ballot
    if isinstance(message, Promise):
        return found | {"vote": _vote(message.vote)}
    if not isinstance(message, Prepare):
        found["value"] = message.value
    return found


def _vote(vote: Vote | None) -> dict[str, Any] | None:
    return None if vote is None else {"ballot": vote.ballot, "value": vote.value}


def _state(instance: Instance) -> dict[str, Any]:
    return {
        "promised": instance.promised,
        "voted": _vote(instance.voted),
        "writing": instance.writing is not None,
        "trying": instance.trying,
        "wish": instance.wish,
        "promisers": sorted(instance.promisers),
        "best": _vote(instance.best),
        "proposed": instance.proposed,
        "voters": sorted(instance.voters),
        "decided": instance.decided,
    }
