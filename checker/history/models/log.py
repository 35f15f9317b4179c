"""An append-only log with offsets, as a partition of Kafka, and one committed offset.

    send    value -> its offset
    poll    offset from which to read, or null -> a list of [offset, value]
    commit  offset -> null
    fetch   null -> the committed offset, null if there is none

Offsets are 0, 1, 2, ... without gaps.  What a poll gives is a piece of the log without gaps, that
begins at the offset that was asked for; it may be shorter than what is there, but an empty one
says that there was nothing at that offset yet.  A poll with null is of a consumer whose position
nobody knows: it may begin anywhere, and an empty one says nothing.

With several partitions, `key` is the topic and partition.  Sending in transactions leaves
gaps in Kafka's offsets (its markers): number the records themselves then.
"""

from __future__ import annotations

from typing import ClassVar

from checker.history.models.model import UNKNOWN, Model, State, stored
from checker.history.models.shapes import ANYTHING, DONE, NATURAL, NOTHING, Kind, Shape
from checker.history.values import Value


def _is_offset(value: Value) -> bool:
    return type(value) is int and value >= 0


def _are_records(value: Value) -> bool:
    return type(value) is tuple and all(
        type(record) is tuple and len(record) == 2 and _is_offset(record[0]) for record in value
    )


OFFSET_OR_NULL = Kind("an offset or null", lambda value: value is None or _is_offset(value))
RECORDS = Kind("a list of [offset, value]", _are_records)


class Log(Model):
    """A log.  A state is (committed offset or None, values)."""

    name = "log"
    functions: ClassVar = {
        "send": Shape(ANYTHING, NATURAL),
        "poll": Shape(OFFSET_OR_NULL, RECORDS),
        "commit": Shape(NATURAL, DONE),
        "fetch": Shape(NOTHING, OFFSET_OR_NULL),
    }
    reads = frozenset({"poll", "fetch"})

    def initial(self) -> State:
        return (None, ())

    def step(self, state: State, f: str, argument: Value, result: Value) -> State | None:
        committed, values = state
        match f:
            case "send":
                if result is UNKNOWN or result == len(values):
                    return (committed, (*values, stored(argument)))
                return None
            case "commit":
                return (argument, values)
            case "fetch":
                return state if result is UNKNOWN or result == committed else None
            case _:
                right = result is UNKNOWN or _may_poll(values, argument, result)
                return state if right else None


def _may_poll(values: tuple[Value, ...], start: int | None, records: Value) -> bool:
    if not records:
        return start is None or start >= len(values)
    first = records[0][0]
    if start is not None and first != start:
        return False
    part = values[first : first + len(records)]
    return len(part) == len(records) and all(
        offset == first + i and stored(value) == part[i]
        for i, (offset, value) in enumerate(records)
    )


__all__ = ["Log"]
