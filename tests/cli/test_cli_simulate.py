"""`quorate simulate`: what is found is real; what is not found is undecided."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from checker.cli import main
from checker.cli.constants import instance
from checker.cli.target import find
from checker.engines.check import model_of
from checker.report import trace

SPECS = Path(__file__).parent.parent / "data" / "specs"


def simulate(*args: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *args])


def test_a_violation_is_found_and_replays(tmp_path: Path) -> None:
    log = tmp_path / "t.json"
    result = simulate(f"{SPECS}/election.py", "--trace", str(log))
    assert result.exit_code == 1
    assert "✗ one_winner (invariant) is violated" in result.stdout
    model = model_of(instance(find(f"{SPECS}/election.py"), []))
    run = trace.replay(model, trace.read(log))
    assert not model.holds(model.properties[0], run.steps[-1].state)


def test_nothing_found_is_undecided() -> None:
    result = simulate(f"{SPECS}/inboxes.py", "-c", "loud=true", "--walks", "5")
    assert result.exit_code == 3
    assert "never that there is none" in result.stdout


def test_json_and_seeds() -> None:
    def data(seed: str) -> dict[str, object]:
        args = (f"{SPECS}/election.py", "--json", "--seed", seed, "--walks", "50")
        found = json.loads(simulate(*args).stdout)
        clocks = ("seconds", "search_seconds", "states_per_second")
        varying = (*clocks, "peak_memory_bytes", "bytes_per_state")
        return {key: value for key, value in found.items() if key not in varying}

    assert data("1") == data("1")
    assert data("1") != data("2")
    assert data("1")["seed"] == 1
    assert data("1")["verdict"] == "violated"
    assert data("1")["violation"]


def test_depth_bounds_each_walk() -> None:
    result = simulate(f"{SPECS}/election.py", "--depth", "3", "--walks", "20", "--json")
    assert json.loads(result.stdout)["depth"] == 3
    assert result.exit_code == 3


def test_what_is_chosen_and_by_what() -> None:
    args = [f"{SPECS}/election.py", "--walks", "20", "--json", "--property", "deadlock"]
    plain = json.loads(simulate(*args).stdout)
    natively = json.loads(simulate(*args, "--engine", "native", "--workers", "2").stdout)
    assert (plain["engine"], natively["engine"]) == ("simulation", "native simulation")
    first = next(iter(plain["actions"]))
    never = json.loads(simulate(*args, "--choose", "actions", "--weight", f"{first}=0").stdout)
    assert never["actions"][first] == 0 < plain["actions"][first]


def test_a_weight_that_is_none() -> None:
    for given, said in [("vote", "write ACTION=N"), ("jump=2", "no action `jump` to weigh")]:
        result = simulate(f"{SPECS}/election.py", "--weight", given)
        assert result.exit_code == 2
        assert said in result.stderr
