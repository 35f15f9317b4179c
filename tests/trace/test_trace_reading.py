"""Logs as bytes: bad lines are named by number and reason, cut-off ones are left out."""

from __future__ import annotations

import gc
import gzip
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.cli.target import find
from checker.lang.model import Model
from checker.trace import reading
from checker.trace.candidates import Candidates, Follower
from checker.trace.reading import LogError, LogFile
from checker.trace.validate import validate
from checker.trace.vocabulary import Vocabulary
from tests.trace.walking import first_bad, validated, walk, written

MODEL = Model(find("two_phase").cls, {})
GOOD = b'{"action": "tm_abort"}\n'


def read(tmp_path: Path, data: bytes) -> str:
    """What is said of a log that cannot be read."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(data)
    with pytest.raises(LogError) as error:
        validated(MODEL, path)
    return str(error.value).replace(str(path), "run.jsonl")


BAD = [
    (GOOD + b"\n{]\n", "run.jsonl:3: this is not JSON: "),
    (b"\xff\xfe\n" + GOOD, "run.jsonl:1: this is not JSON: "),
    (b"[" * 5_000 + b"\n", "run.jsonl:1: this is no line of a log: expected `object`"),
    (b'{"a":' * 5_000 + b"\n", "run.jsonl:1: this is no"),
    (b'{"key": "' + b"[" * 9 + b"\n", "run.jsonl:1: this is not JSON: "),
    (b"[]\n", "run.jsonl:1: this is no line of a log: expected `object`, got `array`"),
    (b'{"stat": {}}\n', "run.jsonl:1: this is no line of a log: object contains unknown field"),
    (b'{"action": 3}\n', "run.jsonl:1: this is no line of a log: expected `str | null`, got `int`"),
    (
        b'{"action": "tm_abrot"}\n',
        "run.jsonl:1: `TwoPhase` has no action `tm_abrot`.  Did you mean `tm_abort`?  There are:",
    ),
    (b'{"args": {"rm": "r1"}}\n', "run.jsonl:1: `args` without `action`"),
    (b'{"action": "tm_abort", "args": []}\n', "run.jsonl:1: `args` is not an object"),
    (
        b'{"action": "rm_prepare", "args": {"r": "r1"}}\n',
        "run.jsonl:1: `rm_prepare` has no argument `r`",
    ),
    (
        b'{"action": "rm_prepare", "args": {"rm": "r9"}}\n',
        "run.jsonl:1: at rm: 'r9' is no ResourceManager: there are r1, r2, r3",
    ),
    (b'{"state": {"tm": 1}}\n', "run.jsonl:1: `TwoPhase` has no variable `tm`"),
    (b'{"state": {"tm_state": "X"}}\n', "run.jsonl:1: at tm_state: 'X' is no TMState: "),
    (b'{"state": {"rm_state": {"q": 1}}}\n', "run.jsonl:1: at rm_state: `q` is no key; there are:"),
    (
        b'{"quorate": "trace", "version": 9}\n',
        "run.jsonl:1: this is a trace of version 9; this quorate reads a trace of version 1",
    ),
    (b'{"quorate": "trace"}\n', "run.jsonl:1: this header cannot be used: object missing required"),
]


@pytest.mark.parametrize(("data", "said"), BAD)
def test_a_bad_line_is_named(tmp_path: Path, data: bytes, said: str) -> None:
    assert read(tmp_path, data).startswith(said)


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(GOOD + b'{"action": "tm_ab')
    outcome = validated(MODEL, path)
    assert (outcome.verdict, outcome.events) == ("matches", 1)
    assert outcome.notes == [f"{path}: the last line is cut off, and was left out"]
    path.write_bytes(GOOD + b'{"action": "tm_ab\n')
    with pytest.raises(LogError, match=r"run\.jsonl:2: this is not JSON"):
        validated(MODEL, path)


def test_a_whole_last_line_needs_no_newline(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(GOOD * 1 + GOOD.rstrip())
    assert first_bad(validated(MODEL, path)) == 2


def test_a_line_may_not_be_endless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST_LINE", 100)
    said = read(tmp_path, GOOD + b" " * 300)
    assert said == "run.jsonl:2: the line is longer than 100 bytes"


def test_gzip(tmp_path: Path) -> None:
    lines = walk(MODEL, random.Random(3), 20)
    path = written(tmp_path, lines)
    packed = gzip.compress(path.read_bytes())
    path.write_bytes(packed)
    outcome = validated(MODEL, path)
    assert (outcome.verdict, outcome.events) == ("matches", len(lines))
    for size in (len(packed) // 2, len(packed) - 1):
        assert "the compressed data is damaged" in read(tmp_path, packed[:size])


def test_no_such_file() -> None:
    with pytest.raises(LogError, match=r"^nowhere/log: cannot be read: No such file"):
        LogFile("nowhere/log")


def test_an_empty_log_matches(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"\n\n")
    assert validated(MODEL, path).verdict == "matches"


def test_several_logs_are_merged_by_time(tmp_path: Path) -> None:
    lines = walk(MODEL, random.Random(4), 20)
    for number, line in enumerate(lines):
        line["time"] = number * 1.5
    evens, odds = written(tmp_path, lines[::2], "even"), written(tmp_path, lines[1::2], "odd")

    def both() -> list[LogFile]:
        return [LogFile(str(evens)), LogFile(str(odds))]

    assert validate(MODEL, both()).verdict == "matches"
    assert validated(MODEL, evens).verdict == "does not match"
    odds.write_text(odds.read_text() + '{"action": "tm_abort"}\n')
    with pytest.raises(LogError, match="no `time`: several logs are merged by it"):
        validate(MODEL, both())
    written(tmp_path, [{"time": 0}], "even")
    written(tmp_path, [{"time": 3}, {"time": 1.5}], "odd")
    with pytest.raises(LogError, match=r"odd:2: the time 1\.5 is before that of the last line"):
        validate(MODEL, both())


def test_too_many_candidates_are_undecided(tmp_path: Path) -> None:
    model = Model(find("paxos_nodes").cls, {})
    path = written(tmp_path, [{}] * 3)
    hidden = tuple(action.name for action in model.actions)
    outcome = validated(model, path, hidden, max_candidates=100)
    assert outcome.verdict == "undecided"
    assert outcome.because == f"at {path}:1, more than 100 states are consistent with the log"


def test_memory_is_bounded(tmp_path: Path) -> None:
    """What is remembered of a long run is dropped, now and then."""
    model = Model(find("paxos_nodes").cls, {"ballots": 6, "crashes": 40})
    follower = Follower(model, 1_000, remembered=50)
    lines = walk(model, random.Random(5), 300)
    path = written(tmp_path, lines)
    gc.collect()
    others = sum(isinstance(one, Candidates) for one in gc.get_objects())
    now = first = follower.start()
    for entry in Vocabulary(model).entries([LogFile(str(path))]):
        now = follower.advance(now, entry.event)
    assert follower.forgotten >= 3
    del entry
    gc.collect()
    held = sum(isinstance(one, Candidates) for one in gc.get_objects())
    assert held <= others + 30
    assert first.states  # as runs that have not gone on since then would hold on to theirs


words = st.sampled_from(
    ["action", "args", "state", "key", "time", "quorate", "version", "tm_abort", "rm", "r1", "sent"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
lines_of_bytes = st.lists(
    st.binary(max_size=30)
    | values.map(lambda value: json.dumps(value).encode())
    | st.just(GOOD)
    | st.just(b'{"quorate": "trace", "version": 1, "hidden": ["tm_abort"]}'),
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(lines=lines_of_bytes, end=st.binary(max_size=2))
def test_any_bytes_are_judged_or_refused(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], end: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.jsonl"
    path.write_bytes(b"\n".join(lines) + end)
    try:
        said: str = validated(MODEL, path).verdict
    except LogError as error:
        said = str(error)
    assert said in ("matches", "does not match") or said.startswith(f"{path}:")
