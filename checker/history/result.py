"""What a check answers.

Three verdicts that are never taken for each other: "linearizable", "not linearizable", and
"unknown", which says the limit that was reached and how far the history was verified.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from checker.history.history import INFO, OK, STATUS, History, Operation
from checker.history.values import Value, to_json

Verdict = Literal["linearizable", "not linearizable", "unknown"]
Limit = Literal["time", "memory", "interrupted"]
Consistency = Literal["linearizable", "sequential"]

SEVERITY: Mapping[str, int] = {"linearizable": 0, "unknown": 1, "not linearizable": 2}
"""Of several verdicts the worst is told."""


@dataclass(frozen=True, eq=False)
class Result:
    """The answer for one history.  `witness` is a sub-history; see explain.py."""

    model: str
    operations: int
    """Of the history, those that failed included."""
    verdict: Verdict
    algorithm: str
    """What decided; several with " and "; "" if there was nothing to decide."""
    seconds: float
    peak_memory_bytes: int
    """The most that the process ever had resident."""
    witness: History | None = None
    """Operations that contradict each other; None unless not linearizable and explained."""
    minimal: bool = True
    """Whether the witness was seen to be 1-minimal: a limit may have come first."""
    reason: str = ""
    """In words, why it is not linearizable, or which limit was reached."""
    verified: int | None = None
    """Events of the file, from its beginning, that are linearizable; None: all, or not known."""
    limit: Limit | None = None
    consistency: Consistency = "linearizable"
    source: str = ""
    keys: Mapping[Value, Verdict] = field(default_factory=dict)
    """The verdict of each key, if it was asked for."""
    warnings: tuple[str, ...] = ()
    """What was done more slowly than it might have been, and why."""

    def __bool__(self) -> bool:
        return self.verdict == "linearizable"

    def to_json(self) -> dict[str, Any]:
        """As in the table of the design: for `--json`."""
        data: dict[str, Any] = {
            "model": self.model,
            "operations": self.operations,
            "verdict": self.verdict,
            "algorithm": self.algorithm,
            "seconds": round(self.seconds, 6),
            "peak_memory_bytes": self.peak_memory_bytes,
            "witness": [] if self.witness is None else list(map(operation_json, self.witness)),
            "reason": self.reason,
            "consistency": self.consistency,
        }
        if self.verdict == "not linearizable":
            data["minimal"] = self.minimal and self.witness is not None
        if self.verdict == "unknown":
            data |= {"limit": self.limit, "verified_events": self.verified}
        if self.warnings:
            data["warnings"] = list(self.warnings)
        if self.keys:
            data["keys"] = [{"key": to_json(k), "verdict": v} for k, v in self.keys.items()]
        return data


def operation_json(one: Operation) -> dict[str, Any]:
    """One operation.  `result` is missing if it is not known; `returned` null: it never did."""
    data: dict[str, Any] = {
        "index": one.origin,
        "process": one.process,
        "type": STATUS[one.status],
        "f": one.f,
        "key": to_json(one.key),
        "argument": to_json(one.argument),
    }
    if one.status == OK:
        data["result"] = to_json(one.result)
    open_ended = one.is_open or one.status == INFO
    data |= {
        "invoked": one.invoked,
        "returned": None if open_ended else one.returned,
        "lines": [one.invoked_line, one.ended_line or None],
    }
    return data


__all__ = ["SEVERITY", "Consistency", "Limit", "Result", "Verdict", "operation_json"]
