"""`quorate trace`: statuses, streams, constants from the log and from the command."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from checker.cli import main

RUN = [
    {"action": "rm_prepare", "args": {"rm": "ada"}},
    {"action": "rm_prepare", "args": {"rm": "bob"}},
    {"action": "tm_receive_prepared", "args": {"rm": "ada"}},
    {"action": "tm_receive_prepared", "args": {"rm": "bob"}},
    {"action": "tm_commit", "state": {"tm_state": "COMMITTED"}},
]
HEADER = {"quorate": "trace", "version": 1, "constants": {"resource_managers": ["ada", "bob"]}}


def trace(*args: object, input: str | None = None) -> Result:
    return CliRunner().invoke(main, ["trace", *map(str, args)], input=input)


@pytest.fixture
def log(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: dict[str, Any]) -> Path:
        path = tmp_path / "run.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    return write


def test_help(golden: Callable[[str, str], None]) -> None:
    result = CliRunner().invoke(main, ["trace", "--help"], terminal_width=80)
    assert result.exit_code == 0
    golden("help-trace.txt", result.stdout)


def test_constants_come_from_the_header(log: Callable[..., Path]) -> None:
    result = trace("two_phase", log(HEADER, *RUN))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("✓ TwoPhase(resource_managers=ada,bob)  matches\n  5 lines ")
    assert result.stderr == ""


def test_constants_of_the_command_go_first(log: Callable[..., Path]) -> None:
    result = trace("two_phase", log(HEADER, *RUN), "-c", "resource_managers=ada,bob,cyd")
    assert result.exit_code == 1
    assert "self.tm_prepared == self.resource_managers" in result.stdout
    assert trace("two_phase", log(*RUN), "-c", "resource_managers=ada,bob").exit_code == 0


def test_json_is_one_object_and_nothing_else(log: Callable[..., Path]) -> None:
    path = log(HEADER, RUN[1], RUN[4])
    result = trace("two_phase", path, "--json")
    data = json.loads(result.stdout)
    assert result.stderr == ""
    assert result.exit_code == 1
    assert (data["verdict"], data["lines_matched"]) == ("does not match", 1)
    assert data["constants"] == {"resource_managers": ["ada", "bob"]}
    assert data["failure"]["line"] == 3
    (before,) = data["failure"]["before"]
    assert before["state"]["rm_state"] == {"ada": "WORKING", "bob": "PREPARED"}
    assert before["tried"][0]["refused"]["condition"] == (
        "self.tm_prepared == self.resource_managers"
    )
    assert before["tried"][0]["refused"]["values"] == {
        "self.tm_prepared": "{}",
        "self.resource_managers": "{ada, bob}",
    }


def test_hidden_steps_by_header_and_by_command(log: Callable[..., Path]) -> None:
    receives = "tm_receive_prepared"
    some = [line for line in RUN if line["action"] != receives]
    assert trace("two_phase", log(HEADER, *some)).exit_code == 1
    assert trace("two_phase", log(HEADER, *some), "--hidden", receives).exit_code == 0
    assert trace("two_phase", log(HEADER | {"hidden": [receives]}, *some)).exit_code == 0


def test_undecided_is_3(log: Callable[..., Path]) -> None:
    everything = [
        "--hidden=prepare",
        "--hidden=promise",
        "--hidden=propose",
        "--hidden=accept",
    ]
    result = trace("paxos", log({}), *everything, "--max-candidates", 50)
    assert result.exit_code == 3, result.output
    assert "undecided: at " in result.stdout
    assert "more than 50 states are consistent with the log" in result.stdout


WRONG = [
    (["two_phase", "nowhere.jsonl"], "nowhere.jsonl: cannot be read: No such file"),
    (["two_phase", "."], ".: cannot be read: Is a directory"),
    (["two_phaze", "LOG"], "no spec is called `two_phaze`"),
    (["two_phase", "LOG", "--hidden", "nap"], "`two_phase` has no action `nap`; there are: tm_"),
    (["two_phase", "LOG", "-c", "x=3"], "`two_phase` has no constant `x`"),
    (["paxos", "LOG"], "`paxos` has no constant `resource_managers`"),
    (["two_phase"], "Missing argument 'LOG...'"),
]


@pytest.mark.parametrize(("args", "said"), WRONG)
def test_wrong_usage_is_2(args: list[str], said: str, log: Callable[..., Path]) -> None:
    path = log(HEADER, *RUN)
    result = trace(*(path if arg == "LOG" else arg for arg in args))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr


def test_a_bad_line_is_2(log: Callable[..., Path]) -> None:
    path = log(HEADER, *RUN, {"action": "tm_nap"})
    result = trace("two_phase", path)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"quorate: {path}:7: `TwoPhase` has no action `tm_nap`")


def test_standard_input(log: Callable[..., Path]) -> None:
    path = log(HEADER, *RUN)
    found = subprocess.run(
        [sys.executable, "-m", "checker.cli", "trace", "two_phase", "-"],
        input=path.read_bytes(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert b"5 lines matched" in found.stdout


def test_a_step_that_no_step_may_do(tmp_path: Path, log: Callable[..., Path]) -> None:
    """The spec is wrong, and not the log: said with the line of both."""
    file = tmp_path / "counter.py"
    file.write_text(
        "from checker.lang import *\n\n\n"
        "class Counter(Spec):\n"
        "    x: Annotated[int, Range(2)] = 0\n\n"
        "    @action\n"
        "    def up(self) -> None:\n"
        "        self.x += 1\n"
    )
    path = log({"action": "up"}, {"action": "up"})
    result = trace(f"{file}:Counter", path)
    assert result.exit_code == 2
    assert "`x` cannot hold this: 2 is outside int[0..1]" in result.stderr
    assert f"during: up(), at {path}:2" in result.stderr


def test_progress_on_a_terminal(log: Callable[..., Path]) -> None:
    leader, follower = pty.openpty()
    code = "import checker.trace.reading as r; r.TICK = 2; from checker.cli import main; main()"
    with os.fdopen(leader, "rb", buffering=0) as terminal:
        found = subprocess.run(
            [sys.executable, "-c", code, "trace", "two_phase", str(log(HEADER, *RUN))],
            stdout=subprocess.PIPE,
            stderr=follower,
            timeout=60,
            check=False,
        )
        os.close(follower)
        shown = terminal.read(4096)
    assert found.returncode == 0
    assert b"4 lines" in shown
    assert b"5 lines matched" in found.stdout
