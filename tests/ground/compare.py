"""The ground form beside CPython: every binding, property and image in states of a model."""

from __future__ import annotations

import itertools
from typing import Any

from checker.ground.conditions import holds
from checker.ground.images import Image
from checker.ground.lower import Ground, lowered, step
from checker.lang import ModelError, NotEnabled
from checker.lang.compile import compile_model
from checker.lang.model import Model, State


def reached(model: Model, most: int) -> list[State]:
    waiting = model.initial_states()
    seen = set(waiting)
    for state in itertools.islice(waiting, most):
        try:
            successors = model.successors(state)
        except ModelError:
            continue
        for _, _, after in successors:
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return waiting[:most]


def compare_steps(model: Model, ground: Ground, state: State) -> None:
    codes = ground.layout.encode(state)
    theirs: Any = {}
    try:
        for binding in ground.bindings:
            try:
                theirs[binding.action, binding.args] = step(binding, codes)
            except NotEnabled:
                continue
    except ModelError:
        theirs = "model error"
    try:
        ours: Any = {
            (action.name, args): ground.layout.encode(after)
            for action, args, after in model.successors(state)
        }
    except ModelError:
        ours = "model error"
    assert theirs == ours, model.show(state)
    if ours != "model error":
        assert list(theirs) == list(ours), "the order of the bindings"


def compare_properties(model: Model, ground: Ground, state: State) -> None:
    codes = ground.layout.encode(state)
    known = {p.name: p for p in (*model.properties, *model.final, *model.constraints)}
    for judged in ground.judgements:
        prop = known[judged.name]
        try:
            ours: Any = model.holds(prop, state, judged.args)
        except ModelError:
            assert holds(judged.errors, codes)
            continue
        assert not holds(judged.errors, codes)
        first = holds(judged.holds, codes)
        if prop.kind == "leads_to":
            assert (first, holds(judged.second, codes)) == tuple(map(bool, ours))
        else:
            assert first == bool(ours)


def compare_step_properties(model: Model, ground: Ground, state: State) -> None:
    """A judgement that is left out holds."""
    codes = ground.layout.encode(state)
    judged = {
        (binding.action, binding.args, found.name, found.args): found
        for binding in ground.bindings
        for found in binding.steps
    }
    try:
        steps = model.successors(state)
    except ModelError:
        return
    for prop in model.properties:
        if prop.kind == "step_property":
            for (action, args, after), values in itertools.product(steps, prop.bindings()):
                found = judged.get((action.name, args, prop.name, values))
                fails = found is not None and holds(found.errors, codes)
                try:
                    ours = model.holds_step(prop, state, after, values)
                except ModelError:
                    assert fails
                    continue
                assert not fails
                assert ours == (found is None or holds(found.holds, codes))


def compare_fairness(model: Model, ground: Ground, state: State) -> None:
    codes = ground.layout.encode(state)
    by_name = {(binding.action, binding.args): binding for binding in ground.bindings}
    try:
        steps = model.successors(state)
    except ModelError:
        return
    for action, args, _ in steps:
        binding = by_name[action.name, args]
        when = action.fairness.when if action.fairness is not None else None
        model.load(state)
        try:
            ours = when is None or when(action.machine, *args)
        except Exception:
            assert holds(binding.when_fails, codes)
            continue
        assert not holds(binding.when_fails, codes)
        assert ours == holds(binding.when, codes)


def compare_images(model: Model, ground: Ground, state: State) -> None:
    codes = ground.layout.encode(state)
    for refinement, image in zip(model.refinements, ground.images, strict=True):
        assert isinstance(image, Image), image
        try:
            ours = model.abstract(refinement, state)
        except ModelError:
            assert holds(image.errors, codes), model.show(state)
            continue
        assert not holds(image.errors, codes), model.show(state)
        made = [0] * len(image.other.cells)
        for effect in image.cells:
            (made[effect.cell.number],) = (c for c, where in effect.codes if holds(where, codes))
        assert image.other.decode(made) == ours


def compare_codes(ground: Ground, state: State) -> None:
    decoded = ground.layout.decode(ground.layout.encode(state))
    assert decoded == state
    assert [type(value) for value in decoded] == [type(value) for value in state]


def compare(model: Model, most: int) -> int:
    ground = lowered(compile_model(model))
    states = reached(model, most)
    for state in states:
        compare_codes(ground, state)
        compare_steps(model, ground, state)
        compare_properties(model, ground, state)
        compare_step_properties(model, ground, state)
        compare_fairness(model, ground, state)
        compare_images(model, ground, state)
    return len(states)
