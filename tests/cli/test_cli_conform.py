"""`quorate conform`: the words, the files, the statuses."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from checker.cli import main
from checker.cli.conform import line_of
from checker.conform.result import Progress

ROOT = Path(__file__).resolve().parents[2]
MUTEX = ROOT / "tests" / "conform" / "mutex.py"

SPEC = """
from checker.lang import *

class Light(Spec):
    on: bool = False
    times: Annotated[int, Range("most + 1")] = 0
    most: int = const(3)

    @action
    def press(self) -> None:
        require(self.times < self.most)
        self.on = not self.on
        self.times += 1

    @action
    def look(self) -> None:
        pass

    @final
    def may_stop(self) -> bool:
        return True
"""

ADAPTER = """
from checker.conform.system import Step, System
from light import Light

class Lamp(System):
    messages = ()
    unobserved = {"times": "the lamp does not count"}

    def __init__(self, spec):
        super().__init__(spec)
        assert isinstance(spec, Light)

    def reset(self):
        self.on, self.left = False, self.spec.most

    def enabled(self):
        return [Step("look"), *([Step("press")] if self.left else [])]

    def step(self, step):
        if step.action == "press":
            self.on, self.left = not self.on, self.left - 1

    def state(self):
        return {"on": self.on}

class Stuck(Lamp):
    def step(self, step):
        was = self.on
        super().step(step)
        if self.left == 0:
            self.on = was
"""


@pytest.fixture
def light(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a spec and an adapter of its own, as a user has them."""
    (tmp_path / "light.py").write_text(SPEC)
    (tmp_path / "lamp.py").write_text(ADAPTER)
    monkeypatch.chdir(tmp_path)
    before, path = set(sys.modules), sys.path[:]
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if name in ("light", "lamp"):
            del sys.modules[name]


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["conform", *args])


def test_help(golden: Callable[[str, str], None]) -> None:
    result = CliRunner().invoke(main, ["conform", "--help"], terminal_width=80)
    assert result.exit_code == 0
    golden("help-conform.txt", result.stdout)


def test_a_system_of_the_users_own_conforms(light: Path) -> None:
    result = run("light.py:Light", "--system", "lamp.py:Lamp", "--workers", "1")
    assert result.exit_code == 0, result.output
    assert "✓ Light(most=3)  lamp.py:Lamp conforms" in result.stdout
    assert "7 of 7 edges (100.0%), 4 states, depth 3" in result.stdout
    assert "not compared: times (the lamp does not count)" in result.stdout


def test_a_divergence_is_shown_saved_drawn_and_replayed(light: Path) -> None:
    args = ["light.py", "--system", "lamp.py:Stuck", "--workers", "2"]
    result = run(*args, "--save", "found.json", "--svg", "found.svg")
    assert result.exit_code == 1
    assert "lamp.py:Stuck diverges: wrong state" in result.stdout
    assert "on: True in the spec, False in the system" in result.stdout
    assert "Step 3" in result.stdout
    assert result.stdout.rstrip().endswith("✗ In the system on is False.")
    assert Path("found.svg").read_text().startswith("<svg")
    assert "the divergence is in found.json" in result.stderr

    again = run("light.py", "--system", "lamp.py:Stuck", "--replay", "found.json")
    assert again.exit_code == 1
    assert "lamp.py:Stuck still diverges: wrong state" in again.stdout
    mended = run("light.py", "--system", "lamp.py:Lamp", "--replay", "found.json")
    assert mended.exit_code == 0
    assert "no longer diverges on this path (wrong state when it was saved)" in mended.stdout
    shown = run("light.py", "--system", "lamp.py:Stuck", "--replay", "found.json", "--json")
    data = json.loads(shown.stdout)
    assert (data["verdict"], data["same"], data["steps"]) == ("violated", True, 3)


def test_what_a_file_names_is_not_run(light: Path) -> None:
    run("light.py", "--system", "lamp.py:Stuck", "--save", "found.json")
    result = run("--replay", "found.json")
    assert result.exit_code == 2
    assert "the file is of `light.py`.  What a file names is not run: give SPEC" in result.stderr
    result = run("light.py", "--replay", "found.json")
    assert result.exit_code == 2
    assert "of the system `lamp.py:Stuck`.  What a file names is not run" in result.stderr


def test_a_file_of_shipped_things_needs_no_more(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    start = {"rm_state": dict.fromkeys(("ada", "bob"), "WORKING"), "tm_state": "INIT"}
    data = {
        "format": "quorate-divergence",
        "version": 1,
        "spec": "two_phase",
        "constants": {"resource_managers": ["ada", "bob"]},
        "system": "echo",
        "kind": "wrong state",
        "explanation": "",
        "start": {**start, "tm_prepared": [], "sent": []},
        "steps": [{"action": "rm_prepare", "parameters": {"rm": "bob"}}],
        "tried": [],
    }
    file.write_text(json.dumps(data))
    result = run("--replay", str(file))
    assert result.exit_code == 0, result.output
    assert "TwoPhase(resource_managers=ada,bob)" in result.stdout
    file.write_text(json.dumps(data)[:-20])
    result = run("--replay", str(file))
    assert result.exit_code == 2
    assert "is damaged, or no file of `--save`" in result.stderr
    assert run("--replay", str(file), "-c", "resource_managers=2").exit_code == 2


def test_the_spec_and_the_system_in_one_file() -> None:
    result = run(f"{MUTEX}:Mutex", "--system", f"{MUTEX}:Nodes", "-c", "turns=1", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["verdict"] == "holds"


KEYS = {"spec", "constants", "verdict", "states", "edges", "edges_covered", "steps", "seconds"}


def test_json_has_the_keys_of_the_contract() -> None:
    result = run("two_phase", "--system", "echo", "--json", "--replays", "10")
    data: dict[str, Any] = json.loads(result.stdout)
    assert {*KEYS, "divergence"} <= set(data)
    assert (data["states"], data["edges"], data["edges_covered"]) == (288, 1145, 1145)
    assert (data["divergence"], data["constants"]) == (None, {"resource_managers": 3})


def test_limits_and_walks_are_undecided() -> None:
    result = run("two_phase", "--system", "echo", "--max-states", "20")
    assert result.exit_code == 3
    assert "undecided: the limit of 20 states was reached" in result.stdout
    walks = ["two_phase", "--system", "echo", "--walks", "20", "--depth", "5"]
    for choose in ("guided", "random"):
        result = run(*walks, "--choose", choose, "--save", "none.json")
        assert result.exit_code == 3
        assert "20 walks, " in result.stdout
        assert "there is no divergence, so none.json is not written" in result.stderr


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_a_command() -> None:
    command = f"node {shlex.quote(str(ROOT / 'docs' / 'examples' / 'two_phase.js'))}"
    result = run("two_phase", "--system-command", command, "--replays", "20")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("nonsense",), "no spec is called `nonsense`"),
        (("two_phase",), "no implementation of `two_phase` ships.  Give yours: --system FILE.py"),
        (("two_phase", "--system", "eco"), "is called `eco`.  Did you mean `echo`?"),
        (("two_phase", "--system", "no.py:X"), "the file no.py does not exist"),
        (("two_phase", "--system", f"{MUTEX}:Nods"), "Did you mean `Nodes`?"),
        (("two_phase", "--system", f"{MUTEX}"), "has several Systems: say which"),
        (("two_phase", "--system", "echo", "--system-command", "x"), "not both"),
        (("two_phase", "--system-command", "no-such-program"), "cannot be started"),
        (("two_phase", "--system-command", "'"), "cannot be split into words"),
        (("two_phase", "--system", "echo", "-c", "x=1"), "has no constant `x`"),
        (("two_phase", "--system", "echo", "--save", "/nowhere/x"), "cannot write /nowhere/x"),
        (("--replay", "/nowhere/x"), "cannot be read: No such file"),
    ],
)
def test_one_clear_message(args: tuple[str, ...], said: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_the_list() -> None:
    for args in ((), ("--list",)):
        result = run(*args)
        assert result.exit_code == 0
        assert "--system echo" in result.stdout
    assert "systems" in json.loads(run("--list", "--json").stdout)


def test_the_line_of_progress() -> None:
    now = Progress("edges", 1_200, 3_600, 17, 10.0)
    line = "nodes  1,200 of 3,600 edges  120/s  depth 17  0:10  about 0:20 left"
    assert line_of("nodes", now) == line
    reading = Progress("reading the spec", 50, 0, 3, 0.5)
    assert line_of("nodes", reading) == "nodes  50 states of the spec  100/s  depth 3  0:00"
