"""Bytes to histories: three formats, packed or not; what is wrong is named by its line."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import sys
import time
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.history import Builder, History, HistoryError, read_history, streams, write_history
from checker.history.edn import value_of
from checker.history.reading import Format, format_of
from checker.history.streams import zstd_module
from checker.history.values import NESTING, freeze, text_of, typed

FORMATS: tuple[Format, ...] = get_args(Format)

LINES = b"""\
{"process": 0, "type": "invoke", "f": "write", "key": "x", "value": 1, "time": 10}

{"process": 1, "type": "invoke", "f": "read", "value": null, "error": "passed over"}
{"process": 0, "type": "ok", "f": "write", "key": "x", "value": 1, "time": 30}
   \t
{"process": 1, "type": "ok", "f": "read", "value": [1, {"a": 1.5}]}"""


def read(tmp_path: Path, content: bytes, **options: Any) -> History:
    file = tmp_path / "history"
    file.write_bytes(content)
    return read_history(str(file), **options)


def texts(history: History) -> list[str]:
    return [str(one) for one in history]


def failure(tmp_path: Path, content: bytes, **options: Any) -> HistoryError:
    with pytest.raises(HistoryError) as caught:
        read(tmp_path, content, **options)
    return caught.value


# --------------------------------------------------------------------------- JSON lines


def test_json_lines(tmp_path: Path) -> None:
    history = read(tmp_path, LINES)
    assert texts(history) == [
        'process 0: write(1) on "x" -> 1',
        'process 1: read() -> [1, {"a": 1.5}]',
    ]
    assert history.invoked_line.tolist() == [1, 3]
    assert history.ended_line.tolist() == [4, 6]
    assert history.operation(0).invoked_time == 10
    assert history.operation(1).ended_time is None


def test_one_true_and_one_point_nought_differ(tmp_path: Path) -> None:
    lines = "".join(
        f'{{"process": {i}, "type": "invoke", "f": "write", "value": {value}}}\n'
        for i, value in enumerate(["1", "true", "1.0", "[1]", "[true]", "[1.0]", "1", "[1]"])
    )
    history = read(tmp_path, lines.encode())
    assert history.argument.tolist() == [0, 1, 2, 3, 4, 5, 0, 3]
    assert [repr(value) for value in history.values][:4] == ["1", "True", "1.0", "(1,)"]


@pytest.mark.parametrize("pack", [gzip.compress, zstd_module().compress])
def test_packed(tmp_path: Path, pack: Any) -> None:
    halves = LINES[:100], LINES[100:]
    assert texts(read(tmp_path, pack(LINES))) == texts(read(tmp_path, LINES))
    assert texts(read(tmp_path, b"".join(map(pack, halves)))) == texts(read(tmp_path, LINES))
    damaged = failure(tmp_path, pack(LINES)[:-5])
    assert damaged.reason.startswith("the compressed data is damaged")


def test_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "packed"
    file.write_bytes(gzip.compress(LINES))
    with file.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert len(read_history("-")) == 2
    file.write_bytes(b"{")
    with file.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(HistoryError, match=r"^standard input:1: this is not JSON"):
            read_history("-")


def test_blocks_may_end_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = read(tmp_path, LINES)
    for size in (1, 7, 90, 200):
        monkeypatch.setattr(streams, "BLOCK", size)
        history = read(tmp_path, LINES)
        assert texts(history) == texts(whole)
        assert history.ended_line.tolist() == whole.ended_line.tolist()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "this is not JSON: input data was truncated"),
        ('{"process": 1, "type": "invoke", "f": "r"}{}', "this is not JSON: JSON is malformed"),
        (
            '{"process": 1, "type": "start", "f": "r"}',
            "this is no event of a history: invalid enum",
        ),
        ('{"process": 1, "f": "r"}', "this is no event of a history: object missing required fi"),
        (
            '{"process": 1.5, "type": "ok", "f": "r"}',
            "this is no event of a history: expected `int",
        ),
        (
            '{"process": 1, "type": "ok", "f": "r", "time": 1.5}',
            "this is no event of a history: ex",
        ),
        (
            '{"process": 1, "type": "invoke", "f": "r", "value": %s}' % ("[" * 65 + "]" * 65),
            "the value is nested more than 64 deep",
        ),
        (
            '{"process": 1, "type": "invoke", "f": "r", "value": %s}' % ("[" * 10**5),
            "this is not JSON: ",
        ),
        ("\xff", "this is not JSON: "),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    bad = failure(tmp_path, LINES + b"\n" + line.encode("latin-1") + b"\n{}\n")
    assert (bad.line, bad.reason[: len(reason)]) == (7, reason)
    assert str(bad).startswith(f"{tmp_path}/history:7: ")


def test_a_line_without_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(streams, "LONGEST_LINE", 1000)
    bad = failure(tmp_path, LINES + b"\n" + b"[" * streams.BLOCK)
    assert (bad.line, bad.reason) == (7, "the line is longer than 1,000 bytes")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, reason in [(tmp_path / "no", "No such file"), (tmp_path, "Is a directory")]:
        with pytest.raises(HistoryError, match=reason):
            read_history(str(path))


# --------------------------------------------------------------------------- Jepsen


def test_log_lines(tmp_path: Path) -> None:
    log = b"""\
INFO  jepsen.util - 0\t:invoke\t:read\tnil
INFO  jepsen.core - 7 nodes are :ok now
INFO  jepsen.util - 1\t:invoke\t:cas\t[1 2]
2026-01-01 10:00:00,000{GMT} INFO [jepsen worker 3] jepsen.util: 3 :invoke :write "a b"
INFO  jepsen.util - :nemesis\t:info\t:start\tnil
1\t:fail\t:cas\t:timed-out
INFO  jepsen.util - 0\t:ok\t:read\t5
3\t:info\t:write\t"a b"\t:timed-out
"""
    history = read(tmp_path, log)
    assert texts(history) == [
        "process 0: read() -> 5",
        "process 1: cas([1, 2]) -> failed",
        'process 3: write("a b") -> ?',
    ]
    assert history.invoked_line.tolist() == [1, 3, 4]
    bad = failure(tmp_path, log + b"4 :invoke :write [1\n")
    assert (bad.line, bad.reason) == (9, "the value is not EDN: the `[` of line 0 has no end")


def test_edn_one_after_the_other_and_in_a_vector(tmp_path: Path) -> None:
    operations = b"""\
{:type :invoke, :f :read, :value nil, :process 0, :time 32, :index 0} ; a comment
{:type :info, :f :start, :process :nemesis, :value #{"n1"}}
#_ {:type :dropped} {:type :invoke :f :cas :value [:a "b\\n\n\\u0041"] :process 1}
#jepsen.history.Op{:type :ok, :f :read,
  :value #{3 1 2}, :process 0}"""
    expected = ["process 0: read() -> [1, 2, 3]", 'process 1: cas(["a", "b\\n\\nA"]) -> ?']
    for content in (operations, b"[" + operations + b"]\n", b"; x\n(" + operations + b"\n)"):
        history = read(tmp_path, content)
        assert texts(history) == expected
    assert history.invoked_line.tolist() == [2, 4]
    assert history.invoked_time.tolist()[0] == 32


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("[{:process 1\n:type :ok}", 1, "this is no :f: nil"),
        ("{:process 1 :f :r\n:type :start}", 1, 'this is no :type of an operation: "start"'),
        ("{:process nil :f :r :type :ok}", 1, "this is no :process: nil"),
        ("{:process 1 :f :r :type :ok :time 1.5}", 1, "this is no :time: 1.5"),
        ("{:process 1 :f\n\n", 3, "this is not EDN: the `{` of line 1 has no end"),
        ('{:process 1\n:f "\n\n', 4, "this is not EDN: the text that begins at line 2 has no end"),
        ("[{:a 1]", 1, "this is not EDN: `]` closes nothing"),
        ("{:a}", 1, "this is not EDN: the map of line 1 has a name without a value"),
        ("[{:process 1 :f :r :type :ok} 5]", 1, "this is no operation: 5"),
        ('{:a "\\q"}', 1, "this is not EDN: a text has no escape \\q"),
        ("{:a ##Inf}", 1, "this is not EDN: ##Inf is not a number that JSON knows"),
        ("{:a " + "[" * 65, 1, "this is not EDN: forms are nested more than 64 deep"),
    ],
)
def test_malformed_edn(tmp_path: Path, content: str, line: int, reason: str) -> None:
    bad = failure(tmp_path, content.encode())
    assert (bad.line, bad.reason) == (line, reason)


def test_values_of_edn() -> None:
    assert value_of("[nil true -1 2N 1.5M 1e3 \\a \\newline :b/c sym #{2 1} {:a {1 2}}]") == (
        *(None, True, -1, 2, 1.5, 1000.0, "a", "\n", "b/c", "sym", (1, 2)),
        freeze({"a": {"1": 2}}),
    )
    assert value_of("") is None


def test_keys_in_values(tmp_path: Path) -> None:
    content = b"""\
{:type :invoke, :f :read, :value [:x nil], :process 0}
{:type :invoke, :f :cas, :value [:y [1 2]], :process 1}
{:type :ok, :f :read, :value [:x 7], :process 0}
"""
    assert texts(read(tmp_path, content)) == [
        'process 0: read() on "x" -> 7',
        'process 1: cas([1, 2]) on "y" -> ?',
    ]
    assert texts(read(tmp_path, content, independent=False))[0] == (
        'process 0: read(["x", null]) -> ["x", 7]'
    )
    only_cas = b"0 :invoke :cas [1 2]\n"
    assert texts(read(tmp_path, only_cas)) == ["process 0: cas([1, 2]) -> ?"]
    assert texts(read(tmp_path, only_cas, independent=True)) == ["process 0: cas(2) on 1 -> ?"]
    bad = failure(tmp_path, only_cas + b"1 :invoke :read nil\n", independent=True)
    assert (bad.line, bad.reason) == (2, "the value is no pair [key, value]")


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"", "json"),
        (b' {"process"', "json"),
        (b"{}", "json"),
        (b" ; x\n { :type", "edn"),
        (b"[\n {:type", "edn"),
        (b"#jepsen.history.Op{", "edn"),
        (b"INFO jepsen.util - 3 :invoke :read nil", "jepsen"),
        (b"[jepsen worker 3] INFO jepsen.util: 3 :invoke :read nil", "jepsen"),
    ],
)
def test_formats_are_told_apart(start: bytes, expected: str) -> None:
    assert format_of(start) == expected


# --------------------------------------------------------------------------- writing


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), inner)
    ),
    max_leaves=5,
)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Two keys, one read of nothing, so that keys are found again in any format."""
    builder = Builder()
    busy: dict[int, tuple[str, Any]] = {}
    builder.event(9, "invoke", "read", key="a")
    for _ in range(draw(st.integers(0, 10))):
        process = draw(st.integers(0, 3))
        if process in busy:
            f, key = busy.pop(process)
            kind = draw(st.sampled_from(["ok", "info", "fail"]))
        else:
            f, key = draw(st.sampled_from(["read", "get-and-add"])), draw(st.sampled_from("ab"))
            kind, busy[process] = "invoke", (f, key)
        time = draw(st.none() | st.integers(0, 2**60))
        builder.event(process, kind, f, draw(JSON), key=key, time=time)
    return builder.finish()


@settings(max_examples=150, deadline=None)
@given(history=histories(), format=st.sampled_from(FORMATS))
def test_what_was_written_is_read_again(
    history: History, format: Format, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("written") / "history"
    with file.open("wb") as stream:
        write_history(history, stream, format)
    again = read_history(str(file))
    assert texts(again) == texts(history)
    assert [typed(one.argument) for one in again] == [typed(one.argument) for one in history]
    for name in ("invoked", "returned", "ended", "status"):
        assert getattr(again, name).tolist() == getattr(history, name).tolist()
    if format != "jepsen":
        assert again.invoked_time.tolist() == history.invoked_time.tolist()


def test_writing_json_is_the_projects_format(tmp_path: Path) -> None:
    stream = io.BytesIO()
    write_history(read(tmp_path, LINES), stream)
    assert json.loads(stream.getvalue().splitlines()[0]) == {
        "process": 0,
        "type": "invoke",
        "f": "write",
        "key": "x",
        "value": 1,
        "time": 10,
    }


def test_jepsens_lines_have_no_place_for_every_function(tmp_path: Path) -> None:
    history = read(tmp_path, b'{"process": "p", "type": "invoke", "f": "a b"}')
    with pytest.raises(HistoryError, match=r":1: Jepsen's lines have no place for .* 'a b'"):
        write_history(history, io.BytesIO(), "jepsen")
    stream = io.BytesIO()
    write_history(history, stream, "edn")
    assert texts(read(tmp_path, stream.getvalue())) == texts(history)


# --------------------------------------------------------------------------- any bytes


PIECES = st.sampled_from(
    [
        *(b'{"process": 1, "type": "invoke", "f": "r", "value": ', b"{:type :invoke :f :r "),
        *(b":process 1}", b"{", b"}", b"[", b"]", b'"', b"\\", b"\n", b"#{", b"#_", b";", b"\\u00"),
        *(b"INFO jepsen.util - 1 :invoke :read ", b"nil", b":fail", b"1e999", b"-", b"\xff", b"#"),
        *(b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"^", b'"\\ud800"', b"##NaN", b"9" * 5000),
    ]
)


@settings(max_examples=800, deadline=None)
@given(
    content=st.binary(max_size=60) | st.lists(PIECES, max_size=12).map(b"".join),
    format=st.none() | st.sampled_from(FORMATS),
)
def test_any_bytes_are_a_history_or_an_error_with_a_line(
    content: bytes, format: Format | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / "any-bytes"
    file.write_bytes(content)
    try:
        history = read_history(str(file), format=format)
    except HistoryError as error:
        assert error.line > 0  # noqa: PT017  (an error is one of two good outcomes)
        return
    for one in history:
        assert str(one)
    for written in FORMATS[:2]:
        write_history(history, io.BytesIO(), written)


@pytest.mark.parametrize(
    "content",
    [
        b";" * 10**6 + b"\\",
        b"{:a " + b";\n" * 10**5,
        b"INFO " + b"jepsen.util." * 10**5 + b" x",
        b'{:a "' + b"\n" * 10**5,
        b'{:a "' + b"\\\\" * 10**6,
        b"[" * 10**6,
        b" ," * 10**6,
        b"{" + b" " * 10**6 + b"x",
        b":" * 10**6,
    ],
)
def test_no_bytes_take_long(tmp_path: Path, content: bytes) -> None:
    """A pattern that tries all ways to split a text would take years, a square one minutes."""
    for format in FORMATS:
        begun = time.process_time()
        with contextlib.suppress(HistoryError):
            read(tmp_path, content, format=format)
        assert time.process_time() - begun < 10


def test_nesting_that_is_allowed(tmp_path: Path) -> None:
    deep = "[" * NESTING + "]" * NESTING
    line = '{"process": 1, "type": "invoke", "f": "r", "value": ' + deep + "}"
    assert text_of(read(tmp_path, line.encode()).operation(0).argument) == deep
