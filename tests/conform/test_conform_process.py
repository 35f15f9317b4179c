"""A system in another language, over lines of JSON: the example conforms, and each misbehaviour of
a process gives one message, or is found.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.conform.compare import made
from checker.conform.echo import Echo
from checker.conform.process import NoValue, ProcessSystem, process_system
from checker.conform.run import conform
from checker.conform.system import AdapterError, Step
from checker.conform.walks import walk
from checker.lang.model import Model
from spec.two_phase import TwoPhase
from tests.conform.mutex import Mutex, Request

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "two_phase.js"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")


def node(file: Path) -> str:
    return f"node {shlex.quote(str(file))}"


# --------------------------------------------------------------------------- the example


@needs_node
@pytest.mark.parametrize("workers", [1, 2])
def test_the_example_conforms(workers: int) -> None:
    result = conform(TwoPhase, process_system(node(EXAMPLE)), workers=workers, replays=200)
    assert result
    assert (result.states, result.edges_covered, result.replays) == (288, 1145, 200)


@needs_node
@pytest.mark.parametrize(
    ("line", "broken", "kind", "length"),
    [
        (
            "if (this.decision === null) this.prepared.add(name);",
            "this.prepared = new Set([name]);",
            "wrong state",
            4,
        ),
        (
            "this.prepared.size === this.names.length",
            "this.prepared.size >= 2",
            "unexpected step",
            4,
        ),
        ('send({ kind: "Abort" });', "", "missing message", 1),
        (
            'send({ kind: "Prepared", rm: this.name });',
            'send({ kind: "Prepared", rm: this.name }); send({ kind: "Commit" });',
            "unexpected message",
            1,
        ),
        ('this.state = "COMMITTED";', "null.x = 1;", "failed step", 7),
        ('for: () => sent({ kind: "Abort" }),', "for: () => false,", "missing step", 1),
        ("prepared: [...manager.prepared],", "prepared: [],", "wrong state", 3),
    ],
)
def test_one_broken_line_of_it_is_found(
    line: str, broken: str, kind: str, length: int, tmp_path: Path
) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert text.count(line) == 1
    file = tmp_path / "two_phase.js"
    file.write_text(text.replace(line, broken), encoding="utf-8")
    found = conform(TwoPhase, process_system(node(file))).divergence
    assert found is not None
    assert (found.kind, found.length) == (kind, length)
    assert found.confirmed == (not line.startswith("prepared"))
    if kind == "failed step":
        assert "TypeError: Cannot set properties of null" in found.explanation


@needs_node
def test_walks_of_a_process() -> None:
    result = walk(TwoPhase(resource_managers=4), process_system(node(EXAMPLE)), walks=60, depth=30)
    assert result.divergence is None
    assert result.states > 200


# --------------------------------------------------------------------------- any process

SCRIPT = """
import json, sys
sys.path.insert(0, {root!r})
from checker.conform.echo import Echo
from checker.lang.model import Model
from checker.report.decode import from_json
from checker.conform.system import Step
from spec.two_phase import TwoPhase

spec = TwoPhase()
echo, model = Echo(spec), Model(TwoPhase, {{}})
handles = {{}}

def answer(said):
    do = said["do"]
    if do == "begin":
        return {{"messages": ["sent"], "snapshots": {snapshots}}}
    if do == "reset":
        echo.reset()
        return {{}}
    if do == "enabled":
        return {{"steps": [
            {{"action": s.action, "args": {{p.name: p.type.json(a) for p, a in
                zip(model.action(s.action).params, s.args)}}}} for s in echo.enabled()]}}
    if do == "step":
        params = model.action(said["action"]).params
        echo.step(Step(said["action"], tuple(
            from_json(p.type, said["args"][p.name]) for p in params)))
        return {{}}
    if do == "state":
        return {{"state": model.json(echo.now)}}
    if do == "save":
        handles[len(handles)] = echo.now
        return {{"saved": len(handles) - 1}}
    if do == "restore":
        echo.restore(handles[said["saved"]])
        return {{}}

for line in sys.stdin:
    said = json.loads(line)
    do = said["do"]
    reply = None
{patch}
    print(json.dumps(answer(said)) if reply is None else reply, flush=True)
"""


def script(folder: Path, patch: str = "pass", snapshots: bool = True) -> str:
    """A command that runs the spec itself as a process; `patch` may set `reply`."""
    file = folder / "system.py"
    shown = textwrap.indent(textwrap.dedent(patch), "    ")
    file.write_text(SCRIPT.format(root=str(ROOT), snapshots=snapshots, patch=shown))
    return shlex.join([sys.executable, str(file)])


@pytest.mark.parametrize("snapshots", [True, False])
def test_any_process_with_and_without_snapshots(snapshots: bool, tmp_path: Path) -> None:
    result = conform(TwoPhase, process_system(script(tmp_path, snapshots=snapshots)), replays=50)
    assert result
    assert result.snapshots is snapshots
    assert result.edges_covered == 1145


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ("if do == 'begin': reply = 'hello'", "this is no JSON object on one line: hello"),
        ("if do == 'begin': reply = '[1]'", "this is no JSON object on one line: [1]"),
        ("if do == 'begin': reply = '[' * 100000", "this is no JSON object on one line: [[["),
        ('if do == "begin": reply = \'{"messages": 3}\'', '"messages" is a list'),
        ('if do == "begin": reply = \'{"messages": ["x"]}\'', "names `x`, which is no variable"),
        ('if do == "reset": reply = \'{"error": "no disk"}\'', "`reset` wrongly: it says: no disk"),
        ("if do == 'enabled': reply = '{}'", '{} has no list "steps"'),
        ('if do == "enabled": reply = \'{"steps": [4]}\'', '4 is no object with an "action"'),
        (
            'if do == "enabled": reply = \'{"steps": [{"action": "fly"}]}\'',
            "`fly` is no action: there are tm_receive_prepared",
        ),
        (
            'if do == "enabled": reply = \'{"steps": [{"action": "rm_prepare"}]}\'',
            "the arguments of `rm_prepare` are rm, not {}",
        ),
        ("if do == 'state': reply = '{}'", '{} has no object "state"'),
        ("if do == 'save': reply = '{}'", '{} has no "saved"'),
        ("if do == 'restore': reply = 'x'", "answered `restore` wrongly"),
        ("if do == 'state': sys.exit('out of paper')", "(with status 1); it wrote:\nout of paper"),
        ("if do == 'enabled': import os; os.kill(os.getpid(), 9)", "(by SIGKILL)"),
        ("if do == 'begin': import time; time.sleep(60)", "did not answer `begin` in 1 seconds"),
        ("if do == 'begin': print('x' * (17 << 20), end='')", "a line of more than 16,777,216"),
    ],
)
def test_a_process_that_answers_nonsense(patch: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(AdapterError) as error:
        conform(TwoPhase, process_system(script(tmp_path, patch), reply_seconds=1.0))
    assert said in str(error.value)
    assert "Traceback" not in str(error.value)


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ("if do == 'step' and said['action'] == 'tm_commit': sys.exit('boom')", "boom"),
        (
            "if do == 'step' and said['action'] == 'tm_commit': import time; time.sleep(60)",
            "did not answer `step` in 1 seconds",
        ),
        (
            "if do == 'step' and said['action'] == 'tm_commit': reply = '{\"failed\": \"why\"}'",
            "It says: why",
        ),
    ],
)
def test_a_process_that_fails_in_a_step(patch: str, said: str, tmp_path: Path) -> None:
    """It is started again, and fails again where the path is followed."""
    found = conform(TwoPhase, process_system(script(tmp_path, patch), reply_seconds=1.0)).divergence
    assert found is not None
    assert (found.kind, found.length) == ("failed step", 6)
    assert said in found.explanation
    assert "misses something" not in found.explanation


def test_a_refused_step(tmp_path: Path) -> None:
    patch = "if do == 'step' and said['action'] == 'tm_abort': reply = '{\"refused\": \"closed\"}'"
    found = conform(TwoPhase, process_system(script(tmp_path, patch))).divergence
    assert found is not None
    assert (found.kind, found.length) == ("missing step", 0)
    assert "It says: closed" in found.explanation


def test_a_value_that_is_none_is_a_wrong_state(tmp_path: Path) -> None:
    patch = """
    if do == "state" and echo.now[1].name == "ABORTED":
        held = model.json(echo.now) | {"tm_state": "LOST"}
        reply = json.dumps({"state": held})
    """
    found = conform(TwoPhase, process_system(script(tmp_path, patch))).divergence
    assert found is not None
    assert (found.kind, found.length) == ("wrong state", 1)
    assert 'tm_state: ABORTED in the spec, "LOST" (' in found.explanation


def test_much_on_standard_error_blocks_nobody(tmp_path: Path) -> None:
    patch = "sys.stderr.write('x' * 3000 + chr(10)); sys.stderr.flush()"
    assert conform(TwoPhase, process_system(script(tmp_path, patch)), replays=0)


def test_commands_that_cannot_be_started() -> None:
    with pytest.raises(AdapterError, match="`no-such-program` cannot be started: No such file"):
        conform(TwoPhase, process_system("no-such-program"))
    with pytest.raises(AdapterError, match="is empty"):
        process_system(" ")
    with pytest.raises(AdapterError, match="cannot be split into words"):
        process_system("node 'x")


def test_no_process_is_left(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    patch = f"""
    if do == "begin":
        import os
        open({str(pids)!r}, "a").write(f"{{os.getpid()}}\\n")
    """
    conform(TwoPhase, process_system(script(tmp_path, patch)), workers=2, replays=20)
    started = [int(line) for line in pids.read_text().split()]
    assert len(started) == 3
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["c1", "Request", "kind"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


class _Silent(ProcessSystem):
    """Only its decoding: there is no process."""

    def __init__(self) -> None:
        self.model = Model(Mutex, {})
        self.types = {field.name: field.type for field in self.model.fields}
        self.offers = {}


@given(data=JSON, name=st.sampled_from(["phase", "holder", "queue", "wire"]))
def test_any_json_is_a_value_or_none(data: Any, name: str) -> None:
    system = _Silent()
    of = system.types[name]
    value = system._value(of, data)
    if not isinstance(value, NoValue):
        assert of.misfit(value) is None
        assert system._value(of, of.json(value)) == value
    else:
        assert len(repr(value)) < 1000


def test_values_are_those_of_the_spec() -> None:
    system = _Silent()
    spec = Echo(Mutex())
    spec.reset()
    for step in [*spec.enabled()][:1]:
        spec.step(step)
    assert {n: system._value(system.types[n], d) for n, d in spec.model.json(spec.now).items()} == {
        **spec.state()
    }
    offered = {"action": "receive_request", "args": {"m": {"kind": "Request", "client": "c1"}}}
    client = next(iter(Mutex().clients))
    assert system._offered(json.loads(json.dumps(offered))) == Step(
        "receive_request", (Request(client),)
    )
    with pytest.raises(AdapterError):
        made(process_system("true"), Mutex())
