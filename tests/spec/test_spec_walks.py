"""Random walks through every shipped spec: what holds of all runs, tried on a few."""

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spec
from checker.lang.model import Action, Model, State

SHIPPED = {name: cls for name, cls in spec.catalogue().items() if ":" not in name}

# Larger than what is checked exhaustively: here a walk sees what a check would not end with.
CONSTANTS: dict[str, dict[str, Any]] = {
    "consensus": {"values": 5},
    "voting": {"acceptors": 4, "ballots": 4, "values": 3},
    "paxos": {"acceptors": 4, "ballots": 4, "values": 3},
    "paxos_nodes": {"ballots": 4, "crashes": 3},
    "transaction_commit": {"resource_managers": 6},
    "two_phase": {"resource_managers": 6},
}

LONGEST = 25

Walk = list[tuple[State, Action, tuple[Any, ...], State]]


@cache
def model_of(name: str) -> Model:
    return Model.of(SHIPPED[name](**CONSTANTS[name]))


def walk(model: Model, data: st.DataObject) -> Walk:
    """A run of steps that change something; as long as drawn, or as there are any."""
    state = data.draw(st.sampled_from(model.initial_states()))
    taken: Walk = []
    for _ in range(data.draw(st.integers(0, LONGEST))):
        steps = [step for step in model.successors(state) if step[2] != state]
        if not steps:
            break
        action, args, after = data.draw(st.sampled_from(steps))
        taken.append((state, action, args, after))
        state = after
    return taken


def assert_in_domains(model: Model, state: State) -> None:
    for field, value in zip(model.fields, state, strict=True):
        assert field.type.misfit(value) is None, field.name


def assert_properties(model: Model, before: State, after: State) -> None:
    for what in model.properties:
        for args in what.bindings():
            if what.kind == "invariant":
                assert model.holds(what, after, args), what.text(args)
            elif what.kind == "step_property":
                assert model.holds_step(what, before, after, args), what.text(args)


def assert_refines(model: Model, before: State, after: State) -> None:
    for refinement in model.refinements:
        image, image_after = model.abstract(refinement, before), model.abstract(refinement, after)
        allowed = {image}
        for _ in range(refinement.steps):
            allowed |= {to for at in allowed for _, _, to in refinement.other.successors(at)}
        assert image_after in allowed, refinement.name


@pytest.mark.parametrize("name", SHIPPED)
@settings(max_examples=15)
@given(data=st.data())
def test_what_holds_holds_along_a_walk(name: str, data: st.DataObject) -> None:
    model = model_of(name)
    for before, action, args, after in walk(model, data):
        assert_in_domains(model, after)
        assert_properties(model, before, after)
        assert_refines(model, before, after)
        for param, arg in zip(action.params, args, strict=True):
            assert arg in param.type


@pytest.mark.parametrize("name", SHIPPED)
@settings(max_examples=15)
@given(data=st.data())
def test_a_walk_replays(name: str, data: st.DataObject) -> None:
    """Each step leads where it led before, whatever the machine has done in between."""
    model = model_of(name)
    another = Model.of(SHIPPED[name](**CONSTANTS[name]))
    assert another.initial_states() == model.initial_states()
    for before, action, args, after in reversed(walk(model, data)):
        assert another.step(before, another.action(action.name), args) == after
