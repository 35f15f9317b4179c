"""A counterexample in a file replays, and one that no longer fits is noticed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checker.report import trace
from checker.report.trace import TraceError
from tests.report.runs import result_of, run_of

NAMES = ("election", "ring", "inboxes")


@pytest.mark.parametrize("name", NAMES)
def test_what_was_written_replays(name: str, tmp_path: Path) -> None:
    model, run = result_of(name).model, run_of(name)
    trace.write(tmp_path / "t.json", model, run, name)
    assert trace.replay(model, trace.read(tmp_path / "t.json")) == run


def test_golden(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    file = tmp_path / "t.json"
    trace.write(file, result_of("ring").model, run_of("ring"), "ring.py")
    golden("trace-ring.json", file.read_text(encoding="utf-8"))


def data_of(name: str) -> dict[str, Any]:
    return json.loads(json.dumps(trace.trace_json(result_of(name).model, run_of(name), name)))  # type: ignore[no-any-return]


def spoil(data: dict[str, Any], step: int, key: str, value: Any) -> None:
    data["steps"][step][key] = value


SPOILED: list[tuple[int, str, Any, str]] = [
    (1, "action", "asks", "step 1: Election has no action 'asks'"),
    (1, "parameters", {"r": 9}, "step 1, ask: 9 is outside int[0..1]"),
    (2, "parameters", {"r": 0}, "step 2: ask(r=0) is not enabled"),
    (1, "parameters", {"r": 1}, "step 1: ask(r=1) leads to another state"),
    (
        0,
        "state",
        {"joined": {"n1": 0, "n2": 0, "n3": 0}, "won": [], "sent": []},
        "the trace begins in a state that is no initial state of Election",
    ),
    (1, "state", {}, "the trace is not complete: KeyError('joined')"),
]


@pytest.mark.parametrize(("step", "key", "value", "said"), SPOILED)
def test_where_a_trace_stops_to_fit(step: int, key: str, value: Any, said: str) -> None:
    data = data_of("election")
    spoil(data, step, key, value)
    with pytest.raises(TraceError) as error:
        trace.replay(result_of("election").model, data)
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no JSON", "cannot be read as a trace"),
        ("[]", "is not a trace that"),
        ('{"format": "quorate-trace", "version": 2}', "is a trace of version 2; this quorate"),
    ],
)
def test_what_is_no_trace_is_refused(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text(text)
    with pytest.raises(TraceError, match=said):
        trace.read(file)
