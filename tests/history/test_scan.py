"""Blocks of lines by C, against the same by way of objects: the same history, or the same error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.history import History, HistoryError, jsonl, read_history, scan, streams
from checker.history.building import Builder
from checker.history.history import COLUMNS
from checker.history.values import text_of

VALUES = st.sampled_from(
    [
        *(
            "null",
            "1",
            "1.0",
            "1.00",
            "true",
            '"a"',
            '"\\u0061"',
            '"é"',
            "[1, [2]]",
            "[1,[2]]",
            "-0",
        ),
        *(
            '{"a": 1, "b": "}"}',
            '{"b":"}","a":1}',
            '"x\\"y"',
            "123456789012345678901234567890",
            "0",
        ),
    ]
)
WRONG = st.sampled_from(
    [
        *("", "nul", "01", "1e999", "[1", "[}", '"', '"\\', '"\t"', "1 2", "'a'", '"\\ud800"', "-"),
        *(
            "[" * 70 + "]" * 70,
            "\x00",
            '"\\x"',
            "NaN",
            "1.",
            "+1",
            "{'a': 1}",
            '{"a"}',
            "truefalse",
        ),
    ]
)
NAMES = [
    "process",
    "type",
    "f",
    "key",
    "value",
    "time",
    "revision",
    "error",
    "index",
    "Value",
    "f\\u0031",
]


@st.composite
def lines(draw: st.DrawFn) -> str:
    """A line that is nearly always well formed."""
    fields = {
        "process": draw(st.sampled_from(["0", "1", '"p"', "2", "-1", "99999999999999999999"])),
        "type": draw(st.sampled_from(['"invoke"', '"ok"', '"info"', '"fail"', '"invoke"'])),
        "f": draw(st.sampled_from(['"r"', '"w"', '"r\\u0031"', '"é"'])),
    }
    for name in draw(st.lists(st.sampled_from(NAMES[3:]), max_size=5)):
        times = st.sampled_from(["1", "0", "-7", "null", "1234567890123456789", "2.0"])
        fields[name] = draw(times if name in ("time", "revision") else VALUES)
    if draw(st.integers(0, 15)) == 0:
        fields[draw(st.sampled_from(NAMES))] = draw(WRONG)
    names = draw(st.permutations(list(fields)))
    blank = draw(st.sampled_from(["", " ", "\t", " \r"]))
    parts = [f'{blank}"{name}"{blank}:{blank}{fields[name]}' for name in names]
    end = draw(st.sampled_from(["}", "}", "}", "}", "} ", "}}", "", ",}"]))
    return blank + "{" + f"{blank},".join(parts) + blank + end


def outcome(content: bytes, size: int, scanned: bool) -> Any:
    """What reading gives, in blocks of about this size."""
    file = [content[i : i + size] for i in range(0, len(content), size)]

    class Stream:
        def read(self, _: int) -> bytes:
            return file.pop(0) if file else b""

    builder = Builder("test")
    kept = jsonl.FEW_BYTES
    jsonl.FEW_BYTES = -1 if scanned else 2**60
    try:
        jsonl.read(streams.blocks(Stream(), "test"), builder, lambda count: None)
        return told(builder.finish())
    except HistoryError as error:
        return str(error)
    finally:
        jsonl.FEW_BYTES = kept


def told(history: History) -> Any:
    operations = [str(one) for one in history]
    columns = {name: getattr(history, name).tolist() for name in COLUMNS}
    for name in ("process", "f", "key", "argument", "result"):  # their numbers may be others
        del columns[name]
    return operations, columns, [getattr(history, name).dtype for name in COLUMNS]


@settings(max_examples=700, deadline=None)
@given(st.lists(lines(), max_size=8), st.sampled_from(["\n", "\n\n", "\n \n"]), st.integers(1, 900))
def test_scanned_or_not(some: list[str], between: str, size: int) -> None:
    content = between.join(some).encode()
    assert outcome(content, size, True) == outcome(content, size, False)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_bytes_scanned_or_not(data: st.DataObject) -> None:
    content = bytearray("\n".join(data.draw(st.lists(lines(), min_size=1, max_size=3))).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert outcome(bytes(content), 10**6, True) == outcome(bytes(content), 10**6, False)


def many(count: int) -> bytes:
    events: list[dict[str, Any]] = []
    for i in range(count):
        value = [i, f'a "text" \\ {i}', {"n": i}, None, i / 2, bool(i % 2)][i % 6]
        common = {"process": i % 7, "f": "write", "key": f"k{i % 91}"}
        events.append({**common, "type": "invoke", "value": value, "time": 2 * i})
        events.append({**common, "type": "ok", "value": value, "time": 2 * i + 1})
    return "".join(json.dumps(event) + "\n" for event in events).encode()


def test_a_large_file_is_scanned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """So large that tables grow; and the library for JSON sees no line of it."""
    content = many(20_000)
    file = tmp_path / "large"
    file.write_bytes(content)
    with monkeypatch.context() as patched:
        patched.setattr(jsonl, "_decoded", None)
        patched.setattr(jsonl, "FEW_BYTES", 0)
        history = read_history(str(file))
    monkeypatch.setattr(scan, "_library", lambda: None)
    assert told(history) == told(read_history(str(file)))
    assert len({text_of(value) for value in history.values}) == len(history.values)


def test_a_line_that_is_wrong_far_behind(tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(many(5_000) + b'{"process": 1, "type": "invoke"}\n' + many(5_000))
    with pytest.raises(HistoryError, match=r"large:10001: this is no event .* field `f`"):
        read_history(str(file))


def test_unusual_blocks_are_few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file that is not for a scanner is not scanned to its end."""
    file = tmp_path / "blank-lines"
    file.write_bytes(many(8_000).replace(b"\n", b"\n\n"))
    library, calls = scan._library(), []
    assert library is not None
    original = library.scan

    class Counting:
        def __getattr__(self, name: str) -> Any:
            return self.scan if name == "scan" else getattr(library, name)

        def scan(self, *given: Any) -> int:
            calls.append(original(*given))
            return int(calls[-1])

    monkeypatch.setattr(scan, "_library", Counting)
    assert len(read_history(str(file))) == 8_000
    assert calls == [-1] * scan.UNUSUAL_BLOCKS
