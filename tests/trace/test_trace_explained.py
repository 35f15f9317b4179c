"""What is said of a line that does not match: reviewed as a golden text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from checker.cli.target import find
from checker.lang.model import Model
from checker.trace.report import outcome_json, report
from tests.trace.walking import Line, validated, written

ROOT = Path(__file__).parents[2]

# What happens, the spec, its constants, the log.
CASES: list[tuple[str, str, dict[str, int], list[Line]]] = [
    (
        "a message that was never sent",
        "paxos",
        {},
        [
            {"action": "prepare", "args": {"b": 0}},
            {"action": "promise", "args": {"a": "a1", "m": {"ballot": 1}}},
        ],
    ),
    (
        "a promise that was forgotten: the second part of a guard",
        "paxos",
        {},
        [
            {"action": "prepare", "args": {"b": 0}},
            {"action": "prepare", "args": {"b": 1}},
            {"action": "promise", "args": {"a": "a1", "m": {"ballot": 1}}},
            {"action": "promise", "args": {"a": "a1", "m": {"ballot": 0}}},
        ],
    ),
    (
        "a variable that differs, and a member of a set",
        "two_phase",
        {"resource_managers": 2},
        [
            {"action": "rm_prepare", "args": {"rm": "r1"}},
            {
                "action": "rm_prepare",
                "args": {"rm": "r2"},
                "state": {
                    "rm_state": {"r2": "COMMITTED"},
                    "sent": [{"kind": "Prepared", "rm": "r2"}, {"kind": "Commit"}],
                },
            },
        ],
    ),
    (
        "the second part of a conjunction",
        "tests/protocols/register.py:Register",
        {"writes": 1},
        [
            {"action": "write"},
            {"action": "store", "args": {"n": "replica1"}},
            {"action": "store", "args": {"n": "replica3"}},
            {"action": "finish_write"},
            {"action": "write"},
        ],
    ),
    (
        "arguments that were not logged, and several states",
        "tests/protocols/raft_election.py:RaftElection",
        {},
        [{"action": "time_out"}, {"action": "become_leader"}],
    ),
    (
        "the guard of a part",
        "tests/protocols/alternating_bit.py:AlternatingBit",
        {},
        [{"action": "send"}, {"action": "receive"}, {"action": "receive"}],
    ),
    (
        "a bound that blocks",
        "tests/protocols/alternating_bit.py:AlternatingBit",
        {},
        [{"action": "send"}, {"action": "send"}, {"action": "send"}],
    ),
    (
        "a step of a process",
        "tests/protocols/bakery.py:Bakery",
        {},
        [
            {"action": "customer.come", "args": {"p": 0}},
            {"action": "customer.come", "args": {"p": 0}},
        ],
    ),
    (
        "a line without a step",
        "two_phase",
        {},
        [{"action": "tm_abort"}, {"state": {"tm_state": "INIT"}}],
    ),
]


@pytest.mark.parametrize(("title", "spec", "constants", "lines"), CASES)
def test_the_json_has_what_the_text_has(
    title: str, spec: str, constants: dict[str, int], lines: list[Line], tmp_path: Path
) -> None:
    model = Model(find(spec).cls, constants)
    outcome = validated(model, written(tmp_path, lines))
    data = json.loads(json.dumps(outcome_json(outcome, spec)))
    text = "\n".join(line.plain for line in report(outcome))
    assert data["verdict"] == "does not match"
    assert data["failure"]["line"] == len(lines)
    tried = [tried for before in data["failure"]["before"] for tried in before["tried"]]
    assert tried
    for one in tried:
        assert one["step"] in text
        assert one["differences"] or one["refused"]["condition"] in text


def test_explanations(
    golden: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    parts = []
    for title, spec, constants, lines in CASES:
        model = Model(find(spec).cls, constants)
        path = written(tmp_path, lines)
        text = "\n".join(line.plain for line in report(validated(model, path)))
        text = re.sub(r"\d+\.\d\d s", "... s", text.replace(str(path), "run.jsonl"))
        parts.append(f"## {title}\n\n{path.read_text()}----\n{text}\n")
    golden("trace-explained.txt", "\n".join(parts))
