"""Files of lines: one write for each flush, no torn line after a restart; histories that go on."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from impl.server.history import History
from impl.server.lines import LineFile, read_lines


def test_lines_are_there_after_flush_and_not_before(tmp_path: Path) -> None:
    lines = LineFile(tmp_path / "f")
    lines.add({"a": 1})
    lines.add({"b": "ü\n"})
    assert (tmp_path / "f").read_bytes() == b""
    lines.flush()
    lines.flush()
    assert [json.loads(line) for line in (tmp_path / "f").read_bytes().splitlines()] == [
        {"a": 1},
        {"b": "ü\n"},
    ]
    lines.close()


@pytest.mark.parametrize("whole", [0, 1, 3, 500])
@pytest.mark.parametrize("torn", [b"", b"{", b'{"a": 1', b"x" * 10_000])
def test_a_torn_line_is_cut_off(tmp_path: Path, whole: int, torn: bytes) -> None:
    file = tmp_path / "f"
    file.write_bytes(whole * b'{"n": "123456789"}\n' + torn)
    assert len(list(read_lines(file))) == whole
    lines = LineFile(file)
    lines.add({"n": "new"})
    lines.flush()
    lines.close()
    assert [line["n"] for line in read_lines(file)] == ["123456789"] * whole + ["new"]


def test_what_is_no_line_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text('{"process": 1}\n[]\n')
    with pytest.raises(ValueError, match=r"f:2: not a JSON object"):
        History(file, 0, 3)
    file.write_text('{"time": 1}\n')
    with pytest.raises(ValueError, match="a line has no process"):
        History(file, 0, 3)


def test_a_write_that_fails_names_the_file(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys; from impl.server.lines import LineFile\n"
        "lines = LineFile(pathlib.Path(sys.argv[1])); lines.add('x' * 5000)\n"
        "try:\n    lines.flush()\nexcept OSError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "f")],
        capture_output=True,
        check=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        env=os.environ | {"PYTHONPATH": "."},
    )
    assert done.stdout == f"[Errno 27] File too large: '{tmp_path / 'f'}'\n"


def test_processes_are_the_nodes_own_and_go_on(tmp_path: Path) -> None:
    file = tmp_path / "h"
    history = History(file, 2, 3)
    assert [history.process(), history.process()] == [2, 5]
    history.invoke(5, "learn", "x", None)
    history.flush()
    history.close()
    again = History(file, 2, 3)
    assert again.process() == 8
    again.close()
