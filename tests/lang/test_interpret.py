"""The IR means what CPython does: compared on every step of walks over whole specs.

`test_agreement.py` does the same for random specs; here are specs that use every construct of
`docs/language.md` on purpose, and the specs that ship.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from checker.lang import Spec, interpret, ir
from checker.lang.compile import compile_model
from checker.lang.errors import ModelError, NotEnabled
from checker.lang.model import Action, Model, State
from spec.paxos import Paxos
from spec.two_phase import TwoPhase
from spec.voting import Voting
from tests.lang.constructs import Counts, Forest, Lists, Team, Wide

MOST = 700
"""So many states of each spec are looked at."""


def outcome(attempt: Callable[..., Any], *args: Any) -> Any:
    try:
        return attempt(*args)
    except ModelError:
        return "model error"
    except NotEnabled:
        return "not enabled"


def ours(model: Model, action: Action, state: State) -> dict[tuple[Any, ...], Any]:
    """What each binding of an action does in CPython."""
    model.load(state)
    found = {
        args: outcome(model.step, state, action, args)
        for args in list(action.bindings.of(action.machine))
    }
    model.load(state)
    return {args: after for args, after in found.items() if after != "not enabled"}


def theirs(program: ir.Program, action: ir.ActionIR, state: State) -> dict[tuple[Any, ...], Any]:
    """What each binding of an action does by the IR."""
    found = {
        args: outcome(interpret.step, program, action, state, args)
        for args in interpret.bindings(program, action, state)
    }
    return {args: after for args, after in found.items() if after != "not enabled"}


def walk(spec: Spec) -> tuple[int, int, set[str]]:
    """States looked at, steps compared, and the actions taken; fails where the two differ."""
    model = Model.of(spec)
    program = compile_model(model)
    waiting = model.initial_states()
    assert interpret.initial_states(program) == waiting
    seen, steps, errors = set(waiting), 0, 0
    taken: set[str] = set()
    for state in waiting:
        if len(seen) > MOST:
            break
        for action, compiled in zip(model.actions, program.actions, strict=True):
            found = ours(model, action, state)
            again = theirs(program, compiled, state)
            assert list(again.items()) == list(found.items()), (action.name, model.show(state))
            for after in found.values():
                steps += 1
                if after == "model error":
                    errors += 1
                    continue
                taken.add(action.name)
                compare_step_properties(model, program, state, after)
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)
        compare_properties(model, program, state)
    assert not isinstance(spec, Wide | Lists) or errors, "no model error was compared"
    return len(seen), steps, taken


def compare_properties(model: Model, program: ir.Program, state: State) -> None:
    groups = [
        (model.properties, program.properties),
        (model.final, program.final),
        (model.constraints, program.constraints),
    ]
    for ours, theirs in groups:
        for prop, compiled in zip(ours, theirs, strict=True):
            for args in prop.bindings() if prop.kind != "step_property" else []:
                expected = outcome(model.holds, prop, state, args)
                assert outcome(interpret.holds, program, compiled, state, args) == expected, (
                    prop.text(args),
                    model.show(state),
                )


def compare_step_properties(model: Model, program: ir.Program, before: State, after: State) -> None:
    for prop, compiled in zip(model.properties, program.properties, strict=True):
        if prop.kind == "step_property":
            for args in prop.bindings():
                expected = outcome(model.holds_step, prop, before, after, args)
                found = outcome(interpret.holds, program, compiled, after, args, before)
                assert found == expected, prop.text(args)


@pytest.mark.parametrize(
    ("spec", "actions"),
    [
        (Wide(), {"vote", "send", "reply", "shuffle", "step"}),
        (Lists(), {"push", "front", "drop", "cut", "turn", "count"}),
        (Counts(), {"paint"}),
        (Forest(), {"link"}),
        (Team(), {"ask", "hear", "net.lose", "worker.idle", "worker.wait", "worker.done_it"}),
        (Voting(), None),
        (Paxos(), None),
        (TwoPhase(), None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Spec) else "",
)
def test_every_step_is_the_same(spec: Spec, actions: set[str] | None) -> None:
    states, steps, taken = walk(spec)
    assert states > 30
    assert steps > states
    assert actions is None or actions <= taken


def test_a_model_error_names_rule_mend_and_place() -> None:
    model = Model.of(Lists())
    program = compile_model(model)
    (first,) = interpret.initial_states(program)
    with pytest.raises(ModelError) as caught:
        interpret.successors(program, first)
    error = caught.value
    assert error.rule == "no item at this index"
    assert error.mend
    assert error.place is not None
    assert "self.q.pop()" in error.place.text


def test_every_construct_is_used() -> None:
    """The walks above meet every kind of node and every operator but these."""
    met: set[str] = set()
    for spec in (Wide(), Lists(), Team(), Counts(), Forest(), Voting(), Paxos(), TwoPhase()):
        program = compile_model(Model.of(spec))
        for function in program.functions.values():
            for node in ir.walk(function.body):
                met.add(node.op if isinstance(node, ir.Op | ir.Fold) else type(node).__name__)
    wanted = set(ir.OPERATORS) | set(ir.FOLDS)
    wanted |= {
        kind.__name__
        for base in (ir.Expr, ir.Stmt, ir.Source)
        for kind in base.__subclasses__()
        if kind not in (ir.Op, ir.Fold)
    }
    assert wanted - met == set()
