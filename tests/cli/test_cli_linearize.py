"""`quorate linearize`: the words, the files, the statuses."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from checker.cli import main

ROOT = Path(__file__).resolve().parents[2]


def event(process: int, kind: str, f: str, value: Any = None) -> str:
    return json.dumps({"process": process, "type": kind, "f": f, "value": value}) + "\n"


def call(process: int, f: str, argument: Any, result: Any) -> str:
    return event(process, "invoke", f, argument) + event(process, "ok", f, result)


GOOD = call(0, "write", 1, None) + call(1, "read", None, 1)
BAD = call(0, "write", 1, None) + call(0, "write", 2, None) + call(1, "read", None, 1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "good.jsonl").write_text(GOOD)
    (tmp_path / "bad.jsonl").write_text(BAD)
    (tmp_path / "torn.jsonl").write_text(GOOD + '{"process": 3, "ty')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def quorate(*args: str, text: str = "") -> Result:
    return CliRunner().invoke(main, ["linearize", *args], input=text)


def test_one_that_is(folder: Path) -> None:
    result = quorate("good.jsonl", "--model", "register")
    assert result.exit_code == 0
    assert result.stdout.startswith("✓ good.jsonl  linearizable\n  2 operations of register, in ")


def test_one_that_is_not(folder: Path) -> None:
    result = quorate("bad.jsonl", "-m", "register")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "✗ bad.jsonl  not linearizable"
    assert lines[3].startswith("  These 3 operations contradict each other; without any one")
    assert any(line.startswith("  process 0  ├ write(1) ┤") for line in lines)
    words = " ".join(result.stdout.split())
    assert "By then all that had returned before leaves the state 2." in words


def test_json(folder: Path) -> None:
    result = quorate("bad.jsonl", "-m", "register", "--json")
    assert result.exit_code == 1
    data = json.loads(result.stdout)
    assert (data["verdict"], data["model"], data["operations"]) == (
        "not linearizable", "register", 3,
    )  # fmt: skip
    assert [one["f"] for one in data["witness"]] == ["write", "write", "read"]
    assert data["witness"][2] == {
        "index": 2, "process": 1, "type": "ok", "f": "read", "key": None, "argument": None,
        "result": 1, "invoked": 4, "returned": 5, "lines": [5, 6],
    }  # fmt: skip
    assert data["minimal"] is True
    data = json.loads(quorate("bad.jsonl", "-m", "register", "--json", "--no-explain").stdout)
    assert (data["verdict"], data["witness"]) == ("not linearizable", [])


def test_several(folder: Path) -> None:
    result = quorate("good.jsonl", "bad.jsonl", "-m", "register", "--json")
    assert result.exit_code == 1
    data = json.loads(result.stdout)
    assert [(one["history"], one["verdict"]) for one in data["histories"]] == [
        ("good.jsonl", "linearizable"),
        ("bad.jsonl", "not linearizable"),
    ]
    result = quorate("good.jsonl", "bad.jsonl", "-m", "register")
    assert [line.split("\t")[0] for line in result.stdout.splitlines()] == [
        "linearizable", "not linearizable",
    ]  # fmt: skip


def piped(text: str, *args: str) -> int:
    """Real pipes; the exit status."""
    command = [sys.executable, "-m", "checker.cli", "linearize", "-", "-m", "register", *args]
    return subprocess.run(
        command, input=text.encode(), stdout=subprocess.DEVNULL, check=False, cwd=ROOT
    ).returncode


def test_standard_input() -> None:
    assert piped(BAD) == 1
    assert piped(GOOD, "--follow") == 0
    assert piped(BAD + GOOD, "--follow") == 1


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input_need_not_be_buffered(pack: Any) -> None:
    """As click's own runner has it: a stream without `peek`."""
    for text, status in ((GOOD, 0), (BAD, 1)):
        result = CliRunner().invoke(
            main, ["linearize", "-", "-m", "register"], input=pack(text.encode())
        )
        assert result.exit_code == status
        assert "standard input" in result.stdout


def test_a_small_check_loads_little() -> None:
    """Each takes milliseconds: of what 100 small histories take, most is imports."""
    script = (
        "import atexit, sys, runpy\n"
        "sys.argv = ['quorate', 'linearize', '-', '-m', 'register', '--json']\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "runpy.run_module('checker.cli', run_name='__main__')"
    )
    for _ in range(2):  # at first the kernel may have to be compiled
        done = subprocess.run(
            [sys.executable, "-c", script], input=GOOD, capture_output=True, text=True, cwd=ROOT,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0
    loaded = set(done.stderr.split())
    ours = {name for name in loaded if name.startswith("checker.")}
    assert "checker.history.search.engine" in ours
    for name in ("lang", "conform", "report", "history.explain", "history.sequential"):
        assert f"checker.{name}" not in ours
    for name in (
        "edn",
        "jepsen",
        "tuples",
        "scan",
        "needs",
        "algorithms",
        "search.plain",
        "record",
    ):
        assert f"checker.history.{name}" not in ours
    assert {name for name in ours if name.startswith("checker.history.models.")} == {
        f"checker.history.models.{name}" for name in ("model", "shapes", "register")
    }
    assert len(ours) < 40
    others = ("rich", "numpy.ma", "gzip", "backports", "subprocess", "tempfile", "logging")
    assert loaded.isdisjoint(others)


def given(folder: Path, *args: str, text: str) -> Result:
    (folder / "given.jsonl").write_text(text)
    return quorate("given.jsonl", *args)


def test_options_reach_the_check(folder: Path) -> None:
    assert quorate("bad.jsonl", "-m", "register", "--consistency", "sequential").exit_code == 0
    read_first = call(0, "read", None, 7)
    assert given(folder, "-m", "register", text=read_first).exit_code == 1
    assert given(folder, "-m", "register", "--initial", "7", text=read_first).exit_code == 0
    null = call(0, "write", 1, None) + call(0, "read", None, None)
    assert given(folder, "-m", "register", text=null).exit_code == 1
    assert given(folder, "-m", "register", "--nil", "unknown", text=null).exit_code == 0
    cas = call(0, "write", 1, None) + event(0, "invoke", "cas", [1, 2]) + event(0, "fail", "cas")
    assert given(folder, "-m", "cas-register", text=cas).exit_code == 1
    assert given(folder, "-m", "cas-register", "--failed", "ignored", text=cas).exit_code == 0
    keyed = quorate("bad.jsonl", "-m", "register", "--per-key")
    assert "  ✗ null  not linearizable" in keyed.stdout.splitlines()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            ["good.jsonl", "-m", "registr"],
            "no model is called `registr`.  Did you mean `register`?",
        ),
        (["torn.jsonl", "-m", "register"], "torn.jsonl:5: this is not JSON"),
        (["good.jsonl", "-m", "queue"], "good.jsonl:1: the model queue has no operation 'write'"),
        (["none.jsonl", "-m", "register"], "none.jsonl: cannot be read"),
        (["good.jsonl", "-m", "register", "--algorithm", "queues"], "does not apply"),
        (["good.jsonl", "-m", "register", "--initial", "x"], "--initial x: this is not JSON"),
        (["good.jsonl", "-m", "kv", "--initial", "1"], "--initial is for register"),
        (["good.jsonl", "-m", "register", "--convert", "x.pdf"], "the name must end with"),
        (["good.jsonl", "bad.jsonl", "-m", "register", "--follow"], "--follow takes one HISTORY"),
    ],
)
def test_bad_input(folder: Path, args: list[str], said: str) -> None:
    result = quorate(*args)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


SPEC = """
from typing import Annotated
from checker.lang import *

class Value(Sort):
    "What is held."

class Cell(Spec):
    values: Set[Value] = members(2)
    most: int = const(2)
    written: Annotated[int, Range("most + 1")] = 0
    value: Value | None = None

    @action
    def write(self, value: Value) -> None:
        self.value = value
        self.written += 1

    @action
    def read(self, result: Value | None) -> None:
        require(self.value == result)
"""


def test_a_spec_is_a_model(folder: Path) -> None:
    (folder / "cell.py").write_text(SPEC)
    assert quorate("good.jsonl", "--model", "cell.py:Cell").exit_code == 0
    wrong = quorate("bad.jsonl", "-m", "cell.py", "--html", "page.html", "--svg", "figure.svg")
    assert wrong.exit_code == 1
    assert "leaves the state written=2, value=2" in wrong.stdout
    assert "written=2, value=2" in (folder / "page.html").read_text()
    assert (folder / "figure.svg").is_file()
    small = quorate("bad.jsonl", "-m", "cell.py", "-c", "most=1")
    assert small.exit_code == 2
    assert "has no answer to write(value=2): cell.py:" in small.stderr.replace(f"{folder}/", "")
    assert "larger constants (-c NAME=VALUE)" in small.stderr
    for args, said in (
        (["-m", "cell.py", "-c", "least=1"], "has no constant `least`"),
        (["-m", "register", "-c", "most=1"], "-c gives the constants of a spec, and the model"),
        (["-m", "cell.py", "-c", "values=a,b"], "good.jsonl:1: write is invoked with Value (a, b)"),
    ):
        result = quorate("good.jsonl", *args)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr


def test_following_with_a_spec(folder: Path) -> None:
    """Its members are given by name, for nobody knows what is to come."""
    (folder / "cell.py").write_text(SPEC)
    args = ("-", "--follow", "-m", "cell.py", "-c", "most=9")
    assert quorate(*args, "-c", "values=1,2", text=BAD).exit_code == 1
    assert quorate(*args, "-c", "values=1,2", text=GOOD).exit_code == 0
    unnamed = quorate(*args, text=GOOD)
    assert unnamed.exit_code == 2
    assert "write is invoked with Value" in unnamed.stderr


@pytest.mark.parametrize("compiler", ["there-is-no-such-compiler", "false"])
def test_without_a_compiler_it_is_slow_and_says_so(
    folder: Path, compiler: str, tmp_path: Path
) -> None:
    mutex = call(0, "acquire", None, None) + call(0, "release", None, None)
    (folder / "large.jsonl").write_text(mutex * 2000)
    said = {}
    for cc in ("cc", compiler):
        environment = {**os.environ, "CC": cc, "XDG_CACHE_HOME": str(tmp_path / cc)}
        for model, *files in (
            ("register", "good.jsonl", "bad.jsonl", "good.jsonl"),
            ("mutex", "large.jsonl"),
        ):
            done = subprocess.run(
                [sys.executable, "-m", "checker.cli", "linearize", *files, "-m", model, "--json"],
                check=False, capture_output=True, text=True, cwd=folder,
                env={**environment, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
            answer = json.loads(done.stdout)
            verdicts = [
                (one["verdict"], one["reason"], one["witness"], "warnings" in one)
                for one in answer.get("histories", [answer])
            ]
            said[cc, model] = done.returncode, [one[:3] for one in verdicts]
            assert all(slow is (cc != "cc") for *_, slow in verdicts)
            lines = done.stderr.splitlines()
            assert len(lines) == (cc != "cc")
            assert all("Python did what C does faster: the" in line for line in lines)
    for model in ("register", "mutex"):
        assert said["cc", model] == said[compiler, model]


def test_convert(folder: Path) -> None:
    assert quorate("bad.jsonl", "-m", "register", "--convert", "bad.edn").exit_code == 0
    assert "3 operations" in quorate("bad.edn", "-m", "register").stdout
    assert quorate("bad.edn", "-m", "register").exit_code == 1
    back = quorate("bad.edn", "-m", "register", "--convert", "-")
    assert len(back.stdout.splitlines()) == 6


def test_help(golden: Any) -> None:
    result = quorate("--help")
    assert result.exit_code == 0
    golden("help-linearize.txt", result.stdout)


def hard() -> str:
    """Twenty concurrent enqueues at a time, of six values."""
    text = ""
    for n in range(30):
        text += "".join(event(c, "invoke", "enqueue", (n + c * c) % 6) for c in range(20))
        text += "".join(event(c, "ok", "enqueue") for c in range(20))
        text += call(20, "dequeue", None, n % 6)
    return text


def test_a_limit_of_time(tmp_path: Path) -> None:
    path = tmp_path / "hard.jsonl"
    path.write_text(hard())
    assert quorate(str(path), "-m", "queue", "--timeout", "0.1").exit_code == 3  # compiles
    command = [sys.executable, "-m", "checker.cli", "linearize", str(path), "-m", "queue"]
    begun = time.monotonic()
    done = subprocess.run(
        [*command, "--timeout", "2", "--json"], capture_output=True, check=False, cwd=ROOT
    )
    took = time.monotonic() - begun
    assert done.returncode == 3
    data = json.loads(done.stdout)
    assert (data["verdict"], data["limit"]) == ("unknown", "time")
    assert 1.9 < took < 4
    assert data["verified_events"] > 0


def test_a_limit_of_memory(tmp_path: Path) -> None:
    """Tables that double, of Python and of C, are not made where there is no room for them."""
    path = tmp_path / "hard.jsonl"
    path.write_text(hard())
    command = [sys.executable, "-m", "checker.cli", "linearize", str(path), "-m", "queue"]
    command += ["--max-memory", "150M", "--json"]
    done = subprocess.run(command, capture_output=True, check=False, cwd=ROOT)
    assert done.returncode == 3
    data = json.loads(done.stdout)
    assert (data["verdict"], data["limit"]) == ("unknown", "memory")
    assert 0.8 < data["peak_memory_bytes"] / (150 * 2**20) < 1.05


def test_following_a_file_that_grows(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(GOOD)
    command = [sys.executable, "-m", "checker.cli", "linearize", str(path), "-m", "register"]
    command += ["--follow", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        with path.open("a") as file:
            file.write(BAD)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1
    assert json.loads(out)["verdict"] == "not linearizable"


def test_following_ends_with_ctrl_c(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(GOOD)
    command = [sys.executable, "-m", "checker.cli", "linearize", str(path), "-m", "register"]
    process = subprocess.Popen(
        [*command, "--follow", "--json"], stdout=subprocess.PIPE, cwd=ROOT, env=dict(os.environ)
    )
    try:
        time.sleep(2.5)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode in (0, 3)
    if process.returncode == 0:
        assert json.loads(out)["operations"] == 2
