"""`quorate check`: verdicts as exit statuses, one JSON object, files."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from checker.cli import main
from checker.cli.constants import instance
from checker.cli.memory import ROOM_BYTES, guarded
from checker.cli.target import find
from checker.engines.check import model_of
from checker.report import trace

SPECS = Path(__file__).parent.parent / "data" / "specs"
HOLDS = [f"{SPECS}/inboxes.py:Inboxes", "-c", "loud=true"]


def check(*args: str) -> Result:
    return CliRunner().invoke(main, ["check", *args])


def test_holds_is_0() -> None:
    result = check(*HOLDS)
    assert result.exit_code == 0
    assert result.stdout.startswith("✓ Inboxes(nodes=2, mood=CALM, loud=True)  holds\n")
    assert result.stderr == ""


def test_violated_is_1() -> None:
    result = check(f"{SPECS}/election.py")
    assert result.exit_code == 1
    assert result.stdout.startswith("✗ Election(nodes=3, rounds=2)  violated: one_winner\n")
    assert "  Step 8    ●◀────┤─────┤    win(r=1)\n" in result.stdout


@pytest.mark.parametrize("limit", ["--max-states=10", "--max-seconds=0.000001", "--max-memory=1K"])
def test_undecided_is_3(limit: str) -> None:
    result = check(f"{SPECS}/election.py", "-c", "rounds=3", "-c", "nodes=4", limit)
    assert result.exit_code == 3
    assert "undecided: the limit of " in result.stdout


def test_what_the_process_has_already_is_no_reason_to_fail() -> None:
    held = bytearray(2 * ROOM_BYTES)
    with guarded(1024):
        assert len(bytearray(ROOM_BYTES // 2)) < len(held)
        with pytest.raises(MemoryError):
            bytearray(2 * ROOM_BYTES)


def test_a_model_error_is_a_violation() -> None:
    result = check(f"{SPECS}/inboxes.py", "-c", "nodes=4")
    assert result.exit_code == 1
    assert "violated: model error" in result.stdout
    assert "3 items where Seq[Hello] of at most 2 has room" in result.stdout


@pytest.mark.parametrize("args", [HOLDS, [f"{SPECS}/ring.py"], [f"{SPECS}/election.py"]])
def test_json_is_one_object_and_nothing_else(args: list[str]) -> None:
    text, plain = check(*args, "--json"), check(*args)
    data = json.loads(text.stdout)
    assert text.stderr == ""
    assert text.exit_code == plain.exit_code
    assert data["spec"] == args[0]
    assert data["verdict"] == {0: "holds", 1: "violated"}[text.exit_code]


def test_the_shipped_counts() -> None:
    data = json.loads(check("consensus", "--json").stdout)
    assert (data["distinct_states"], data["transitions"] + 1, data["depth"]) == (4, 4, 1)
    assert data["constants"] == {"values": 3}


def test_a_shipped_variant_is_found_out() -> None:
    result = check("consensus:ChoosesTwice")
    assert result.exit_code == 1
    assert "ChoosesTwice(values=3)" in result.stdout


def test_constants_of_every_kind() -> None:
    settings = ["nodes=ada,bob", "mood=HASTY", "loud=true", 'table={"ada": true, "bob": false}']
    data = json.loads(check(f"{SPECS}/inboxes.py", "--json", *_each("-c", settings)).stdout)
    assert data["constants"] == {
        "nodes": ["ada", "bob"],
        "mood": "HASTY",
        "loud": True,
        "table": {"ada": True, "bob": False},
    }


def _each(option: str, values: list[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def test_one_name_is_written_with_a_comma() -> None:
    model = model_of(instance(find("consensus"), ["values=only,"]))
    assert [member.name for member in model.constants["values"].value] == ["only"]


def test_a_set_of_members_may_be_written_as_json() -> None:
    model = model_of(instance(find("paxos"), ['quorums=[["a1","a2"],["a2","a3"]]']))
    assert model.constants["quorums"].type.text(model.constants["quorums"].value) == (
        "{{a1, a2}, {a2, a3}}"
    )


# --------------------------------------------------------------------------- what is checked


def test_only_some_properties() -> None:
    result = check(f"{SPECS}/election.py", "--property", "round_can_be_won", "--json")
    assert result.exit_code == 0
    assert next(iter(json.loads(result.stdout)["properties"])) == "round_can_be_won"
    assert "one_winner" not in json.loads(result.stdout)["properties"]


UNUSED = """
from checker.lang import *
class Lazy(Spec):
    x: bool
    @action
    def flip(self) -> None:
        self.x = not self.x
    @action
    def never(self) -> None:
        require(False)
    @invariant
    def fine(self) -> bool:
        return True
"""


def test_an_action_never_taken_fails_unless_allowed(tmp_path: Path) -> None:
    (tmp_path / "lazy.py").write_text(UNUSED)
    result = check(f"{tmp_path}/lazy.py")
    assert result.exit_code == 1
    assert "violated: coverage" in result.stdout
    assert "  never        0  never\n" in result.stdout
    allowed = check(f"{tmp_path}/lazy.py", "--allow-unused")
    assert allowed.exit_code == 0
    assert check(f"{tmp_path}/lazy.py", "--property", "coverage").exit_code == 1


TWO_FAULTS = """
from checker.lang import *
class Two(Spec):
    n: Annotated[int, Range(4)] = 0
    @action
    def up(self) -> None:
        require(self.n < 3)
        self.n += 1
    @invariant
    def below_two(self) -> bool:
        return self.n < 2
    @invariant
    def below_three(self) -> bool:
        return self.n < 3
    @final
    def done(self) -> bool:
        return True
"""


def test_all_goes_on_and_shows_each(tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(TWO_FAULTS)
    first = check(f"{tmp_path}/two.py")
    assert "below_three (invariant)" not in first.stdout
    both = check(f"{tmp_path}/two.py", "--all")
    assert both.exit_code == 1
    assert "✗ below_two (invariant) is violated after 2 steps" in both.stdout
    assert "✗ below_three (invariant) is violated after 3 steps" in both.stdout
    data = json.loads(check(f"{tmp_path}/two.py", "--all", "--json").stdout)
    assert [one["property"] for one in data["violations"]] == ["below_two", "below_three"]
    assert data["violation"]["property"] == "below_two"


# --------------------------------------------------------------------------- files


def test_the_files_of_a_counterexample(tmp_path: Path) -> None:
    log, picture = tmp_path / "t.json", tmp_path / "t.svg"
    result = check(f"{SPECS}/election.py", "--trace", str(log), "--svg", str(picture), "--json")
    assert result.exit_code == 1
    json.loads(result.stdout)
    assert f"quorate: the counterexample is in {log}\n" in result.stderr
    data = trace.read(log)
    assert data["spec"] == f"{SPECS}/election.py"
    model = model_of(instance(find(data["spec"]), []))
    run = trace.replay(model, data)
    assert not model.holds(model.properties[0], run.steps[-1].state)
    ET.parse(picture)


def test_without_a_counterexample_no_file_is_written(tmp_path: Path) -> None:
    log = tmp_path / "t.json"
    result = check(*HOLDS, "--trace", str(log))
    assert result.exit_code == 0
    assert not log.exists()
    assert result.stderr == f"quorate: there is no counterexample, so {log} is not written\n"


def test_help(golden: Callable[[str, str], None]) -> None:
    for args in ([], ["check"], ["simulate"], ["graph"], ["specs"]):
        result = CliRunner().invoke(main, [*args, "--help"], terminal_width=80)
        assert result.exit_code == 0
        golden(f"help-{'-'.join(args) or 'quorate'}.txt", result.stdout)


def test_the_c_that_is_written_is_that_of_the_search_asked_for(tmp_path: Path) -> None:
    asked = ["paxos", "--property", "agreement"]
    plain = check(*asked, "--emit-c", "-")
    assert plain.exit_code == 0
    assert "do_promise_0" in plain.stdout
    assert "canonical" not in plain.stdout
    file = tmp_path / "paxos.c"
    assert check(*asked, "--symmetry", "--emit-c", str(file)).exit_code == 0
    assert ".canonical = canonical" in file.read_text()
    assert ".reduction = &reduction" in check(*asked, "--por", "--emit-c", "-").stdout
