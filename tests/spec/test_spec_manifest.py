"""Every row of `spec/manifest.toml` is what a check finds, and every shipped spec has a row."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

import spec
from checker import Counterexample, Result, check
from checker.lang import Spec
from checker.lang.compile import compile_model
from checker.lang.model import LIVENESS_KINDS, Model

ROWS: list[dict[str, Any]] = tomllib.loads(
    (Path(spec.__file__).parent / "manifest.toml").read_text(encoding="utf-8")
)["row"]
CATALOGUE = spec.catalogue()

QUICK = [row for row in ROWS if not row.get("slow") and not row.get("native")]
SLOW = [row for row in ROWS if row.get("slow")]

# The counts to reproduce: those that TLC gives for the published modules.  `generated` counts
# the initial states too.  (spec, constants, distinct, generated, depth)
PUBLISHED: list[tuple[str, dict[str, int], int, int, int]] = [
    ("consensus", {"values": 3}, 4, 4, 1),
    ("voting", {"ballots": 3, "values": 2}, 6_752, 41_017, 15),
    ("paxos", {"ballots": 2, "values": 2}, 3_921, 23_563, 16),
    ("paxos", {"ballots": 3, "values": 1}, 68_921, 497_494, 24),
    ("paxos", {"ballots": 3, "values": 2}, 185_369, 1_361_380, 24),
    ("transaction_commit", {"resource_managers": 3}, 34, 94, 6),
    ("two_phase", {"resource_managers": 3}, 288, 1_146, 10),
    ("two_phase", {"resource_managers": 5}, 8_832, 58_146, 16),
]


def name_of(row: dict[str, Any]) -> str:
    constants = [f"{name}={value}" for name, value in row.get("constants", {}).items()]
    return " ".join([row["spec"], *constants, *row.get("properties", [])])


def instance(row: dict[str, Any]) -> Spec:
    return CATALOGUE[row["spec"]](**row.get("constants", {}))


def counts(found: Result) -> tuple[int, int, int]:
    return found.distinct_states, found.transitions, found.depth


def expected_counts(row: dict[str, Any]) -> tuple[int, int, int]:
    return row["distinct_states"], row["transitions"], row["depth"]


def check_row(row: dict[str, Any], engine: str) -> None:
    found = check(instance(row), engine=engine, properties=row.get("properties"))
    assert found.verdict == row["verdict"], found
    assert counts(found) == expected_counts(row)
    lengths = {shown.property: len(shown.steps) - 1 for shown in found.counterexamples}
    assert lengths == row.get("violated", {})
    for shown in found.counterexamples:
        replay(found.model, shown)


def replay(model: Model, shown: Counterexample) -> None:
    """Take the steps of a counterexample again, and see the violation in the last of them."""
    first, *rest = shown.steps
    assert first.state in model.initial_states()
    state = first.state
    for step in rest:
        assert step.action is not None
        state = model.step(state, model.action(step.action), step.args)
        assert state == step.state
    assert (shown.loop is not None) == (shown.kind in LIVENESS_KINDS)
    for what in model.properties:
        if what.name == shown.property and what.kind == "invariant":
            assert not all(model.holds(what, state, args) for args in what.bindings())
        if what.name == shown.property and what.kind == "step_property":
            before = shown.steps[-2].state
            assert not all(model.holds_step(what, before, state, args) for args in what.bindings())


@pytest.mark.parametrize("row", QUICK, ids=name_of)
def test_the_reference_finds_what_the_manifest_says(row: dict[str, Any]) -> None:
    check_row(row, "python")


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_the_native_engine_finds_what_the_manifest_says(row: dict[str, Any]) -> None:
    check_row(row, "native")


@pytest.mark.slow
@pytest.mark.parametrize("row", SLOW, ids=name_of)
def test_a_long_check_finds_what_the_manifest_says(row: dict[str, Any]) -> None:
    check_row(row, "python")


@pytest.mark.parametrize("row", [row for row in SLOW if row["verdict"] == "holds"], ids=name_of)
def test_a_long_check_counts_what_the_manifest_says(row: dict[str, Any]) -> None:
    found = check(instance(row), engine="python", properties=())
    assert counts(found) == expected_counts(row)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda row: f"{row[0]} {row[1]}")
def test_the_manifest_has_the_published_counts(
    published: tuple[str, dict[str, int], int, int, int],
) -> None:
    name, constants, distinct, generated, depth = published
    row = next(row for row in ROWS if row["spec"] == name and row.get("constants") == constants)
    assert row["verdict"] == "holds"
    assert "properties" not in row
    assert expected_counts(row) == (distinct, generated - 1, depth)


def test_every_shipped_spec_has_a_row() -> None:
    assert {row["spec"] for row in ROWS} == set(CATALOGUE)


def test_each_variant_is_one_of_its_spec_and_is_violated() -> None:
    for name, cls in CATALOGUE.items():
        base, _, variant = name.partition(":")
        assert issubclass(cls, CATALOGUE[base])
        if variant:
            assert cls.__name__ == variant
            assert any(row["spec"] == name and row["verdict"] == "violated" for row in ROWS)


@pytest.mark.parametrize("name", ["consensus", "voting", "paxos", "paxos_nodes", "two_phase"])
def test_every_property_is_violated_by_some_variant(name: str) -> None:
    """A property that nothing violates has not been shown to say anything."""
    variants = [row for row in ROWS if row["spec"].startswith(f"{name}:")]
    seen = {violated for row in variants for violated in row.get("violated", {})}
    model = Model.of(CATALOGUE[name]())
    named = {what.name for what in model.properties if what.kind != "reachable"}
    named |= {refinement.name for refinement in model.refinements}
    assert named <= seen


def test_a_spec_is_a_page() -> None:
    page = Path(spec.__file__).parent / "paxos.py"
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_shipped_spec_compiles(name: str) -> None:
    compile_model(Model.of(CATALOGUE[name]()))


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_spec_says_what_it_is(name: str) -> None:
    cls = CATALOGUE[name]
    assert cls.__doc__, "`quorate specs` shows the first line"
    assert len(cls.__doc__.splitlines()[0]) <= 80
