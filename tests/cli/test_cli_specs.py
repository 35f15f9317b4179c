"""`quorate specs`: what ships."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from checker.cli import main
from checker.cli.shipped import shipped, variants

SPECS = Path(__file__).parent.parent / "data" / "specs"


def specs(*args: str, columns: int = 100) -> Result:
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(main, ["specs", *args])


def test_every_spec_and_variant_is_listed() -> None:
    result = specs()
    assert result.exit_code == 0
    words = result.stdout.replace(",", " ").split()
    for name in shipped():
        assert name in words
        assert all(f"{name}:{variant}" in words for variant in variants(name))


def test_json_says_what_there_is() -> None:
    data = json.loads(specs("--json").stdout)["specs"]
    assert [one["spec"] for one in data] == list(shipped())
    paxos = next(one for one in data if one["spec"] == "paxos")
    assert list(paxos) == [
        "spec",
        "class",
        "summary",
        "constants",
        "fields",
        "actions",
        "properties",
        "refines",
        "variants",
    ]
    assert paxos["constants"]["acceptors"] == 3
    assert paxos["refines"] == {"voting": "Voting"}
    assert "paxos:ForgetsPromise" in paxos["variants"]
    assert all(one["summary"] for one in data), "every spec says in a line what it is"


def test_one_spec_in_detail() -> None:
    text = specs("paxos").stdout
    for word in ("promise(a, m)", "Set[Accept | Accepted | Prepare | Promise]", "step property"):
        assert word in text
    assert "Source: L. Lamport" in text, "the page of the spec, its module, is shown"


def test_a_spec_of_the_user_in_detail() -> None:
    text = specs(f"{SPECS}/election.py").stdout
    assert "A leader counts votes" in text
    assert "invariant: Two leaders would both give orders." in text
    data = json.loads(specs(f"{SPECS}/election.py", "--json").stdout)
    assert data["variants"] == {}


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_never_wider_than_the_terminal(columns: int) -> None:
    assert max(map(len, specs(columns=columns).stdout.splitlines())) <= columns
