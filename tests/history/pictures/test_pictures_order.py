"""Orders that are drawn: each step is one that the model allows, and no beginning that is longer
has an order; of every model, against an oracle that tries every order."""

from __future__ import annotations

import importlib
import os
from dataclasses import replace
from itertools import combinations
from random import Random
from typing import Any

import numpy as np
import pytest

from checker.history.budget import Spending
from checker.history.check import linearize
from checker.history.history import OPEN, History
from checker.history.models import MODELS, Model
from checker.history.pictures import order as orders
from checker.history.pictures.order import Order, OrderError, TooFar, beginning, ordered, replayed
from checker.history.pictures.scene import Scene, View, scene
from checker.history.rules import checked
from tests.history.brute import Op
from tests.history.generated import EVERY, brute, built, made, model_of, steps_of
from tests.history.pictures.samples import drawn, events, stored

scenes = importlib.import_module("checker.history.pictures.scene")
"""The module, which has the name of the function that its package gives."""

COUNT = int(os.environ.get("QUORATE_HISTORIES", "60"))


def assert_drawn_right(drawing: Scene, view: View, counted: History) -> None:
    """What a view says of orders and states is so, by the model alone."""
    model, rows = drawing.model, {row: i for i, row in enumerate(counted.origin.tolist())}
    steps = steps_of(model)
    for at, group in enumerate(view.groups):
        marks = [mark for mark in view.marks if view.lanes[mark.lane][1] == at]
        placed = [mark for mark in marks if mark.place is not None]
        placed.sort(key=lambda mark: mark.place or 0)
        assert [mark.place for mark in placed] == [*range(1, len(placed) + 1)]
        until = counted.events
        if group.failed is not None:
            until = int(counted.returned[rows[group.failed]])
        states = {model.initial()}
        said = model.show(model.initial())
        latest = (-1, -1.0)
        for mark in placed:
            one = counted.operation(rows[mark.row])
            ends = None if one.returned >= until else one.returned
            assert one.returned > latest[0], "real time"
            latest = (max(latest[0], one.invoked), latest[1])
            assert mark.before == said
            operation = Op(one.f, (one.key, one.argument), one.result, one.invoked, ends)
            states = {after for state in states for after in steps(state, operation)}
            said = mark.after
            assert said in {model.show(state) for state in states}
            assert mark.bar.point is not None
            assert mark.bar.begin < mark.bar.point < mark.bar.end
            assert mark.bar.point > latest[1], "points stand in order"
            latest = (latest[0], mark.bar.point)
        missing = {mark.row for mark in marks if mark.place is None}
        for row in missing & set(rows):
            assert counted.returned[rows[row]] >= until, "it returned, and has no place"


@pytest.mark.parametrize("name", EVERY)
def test_what_is_drawn_is_an_order_of_the_model(name: str) -> None:
    random, model = Random(name), model_of(name)
    kinds = set()
    for _ in range(COUNT):
        history = built(made(random, name))
        result = linearize(history, model)
        kinds.add(result.verdict)
        drawing = scene(history, result, model)
        counted = model.prepare(checked(history, model))
        assert drawing.drawn == len(history)
        for view in drawing.views:
            assert all(group.note.startswith("The numbered") for group in view.groups)
            assert_drawn_right(drawing, view, counted)
        if result.witness is not None:
            assert drawing.witness is not None
            assert_drawn_right(drawing, drawing.witness, result.witness)
            assert drawing.witness.groups[0].failed is not None
    assert len(kinds) == 2, "no history of both kinds: this shows nothing"


@pytest.mark.parametrize("name", ["register", "kv", "queue", "cas-register-few", "counter", "set"])
def test_no_longer_beginning_has_an_order(name: str) -> None:
    random, model, cut = Random(name), model_of(name), 0
    for _ in range(4 * COUNT):
        history = model.prepare(checked(built(made(random, name)), model))
        part = history.of_key(int(history.key[0])) if len(history) else history
        found = ordered(part, model, Spending())
        assert found is not None
        if found.until == OPEN:
            assert brute(part, model)
            continue
        cut += 1
        assert found.failed is not None
        assert part.returned[found.failed] == found.until
        assert brute(beginning(part, found.until, model)[1], model)
        assert not goes_on(part, found.until, model)
    assert cut > 5


def goes_on(part: History, position: int, model: Model) -> bool:
    """Whether an order explains the return at `position`: what is pending has taken effect, with
    the answer that it will have, or has not."""
    begun = part.take(part.invoked < position)
    pending = np.flatnonzero(begun.returned > position).tolist()
    return any(
        brute(begun.take(~np.isin(np.arange(len(begun)), left_out)), model)
        for count in range(len(pending) + 1)
        for left_out in combinations(pending, count)
    )


def test_a_hint_changes_nothing() -> None:
    """The return of the witness is where bisection begins, even if others failed before."""
    history = checked(stored(3, 80, stale=30, seed=9), MODELS["register"]())
    model = MODELS["register"]()
    plain = ordered(history, model, Spending())
    assert plain is not None
    assert plain.until < OPEN
    later = np.sort(history.returned[(history.returned >= plain.until) & (history.returned < OPEN)])
    for hint in (int(later[0]), int(later[len(later) // 2]), int(later[-1])):
        assert ordered(history, model, Spending(), until=hint) == plain


def test_a_long_history_whose_beginning_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "MOST_BISECTED", 10)
    model = MODELS["register"]()
    history = checked(stored(3, 80, stale=30, seed=9), model)
    plain = ordered(history, model, Spending())
    assert plain is None
    result = linearize(history, model, algorithm="zones")
    assert result.witness is not None
    hint = int(result.witness.returned.max())
    assert ordered(history, model, Spending(), until=hint) is not None


def test_what_has_no_place_gets_none_where_the_others_do_without_it() -> None:
    history = events(
        (0, "invoke", "increment-and-get"), (0, "ok", "increment-and-get", 1),
        (0, "invoke", "increment-and-get"), (0, "ok", "increment-and-get", 3),
    )  # fmt: skip
    assert ordered(history, MODELS["counter"](), Spending()) == Order((0,), 3, 1)


# --------------------------------------------------------------------------- nothing is believed


def three() -> tuple[History, Model]:
    return events(
        (0, "invoke", "write", 1), (0, "ok", "write"), (0, "invoke", "write", 2),
        (0, "ok", "write"), (1, "invoke", "read"), (1, "ok", "read", 2),
    ), MODELS["register"]()  # fmt: skip


@pytest.mark.parametrize("wrong", [(1, 0, 2), (0, 1), (0, 1, 1, 2)])
def test_an_order_that_is_none_is_refused(
    wrong: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    history, model = three()
    assert ordered(history, model, Spending()) == Order((0, 1, 2))
    monkeypatch.setattr(orders, "_tried", lambda *_: orders._Tried(wrong))
    with pytest.raises(OrderError):
        ordered(history, model, Spending())


def test_a_step_that_the_model_refuses_is_refused() -> None:
    history, model = three()
    assert [state for _, state in replayed(history, model, Order((0, 1, 2)))] == [1, 2, 2]
    with pytest.raises(OrderError, match="the model refuses"):
        list(replayed(history, model, Order((1, 0, 2))))


def test_a_replay_has_a_limit() -> None:
    history, model = three()
    with pytest.raises(TooFar):
        list(replayed(history, model, Order((0, 1, 2)), most_work=2))


class Dice(Model):
    """An open roll may leave any number; what is doubled after it says which."""

    name = "dice"

    def initial(self) -> Any:
        return 0

    def step(self, state: Any, f: str, argument: Any, result: Any) -> Any:
        return 2 * state if f == "double" and result == 2 * state else None

    def steps(self, state: Any, f: str, argument: Any) -> Any:
        return (1, 2, 3)


def test_the_state_that_explains_what_follows_is_told() -> None:
    history = events((0, "invoke", "roll"), (1, "invoke", "double"), (1, "ok", "double", 4))
    assert list(replayed(history, Dice(), Order((0, 1)))) == [(0, 2), (1, 4)]
    (view,) = drawn(history, Dice()).views
    assert [(mark.before, mark.after) for mark in view.marks] == [("0", "2"), ("2", "4")]


# --------------------------------------------------------------------------- what was not decided


def test_of_what_is_not_decided_the_verified_beginning_is_drawn() -> None:
    model = MODELS["register"]()
    history = stored(3, 60, seed=2)
    whole = linearize(history, model)
    at = int(np.sort(history.returned)[30])
    result = replace(whole, verdict="unknown", limit="time", verified=at, reason="time")
    (view,) = scene(history, result, model).views
    placed = {mark.row for mark in view.marks if mark.place is not None}
    assert placed >= set(np.flatnonzero(history.returned < at).tolist())
    assert not placed & set(np.flatnonzero(history.invoked >= at).tolist())
    assert view.until[0] is not None
    assert "what comes after them was not decided" in view.groups[0].note


def test_an_order_of_as_much_as_time_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    model = MODELS["register"]()
    history = stored(3, 60, seed=2)
    at = int(np.sort(history.returned)[40])
    result = replace(linearize(history, model), verdict="unknown", limit="time", verified=at)
    begun = scenes.begun_before

    def in_time(part: History, position: int, *given: Any, **more: Any) -> Order | None:
        return begun(part, position, *given, **more) if position < 0.6 * at else None

    monkeypatch.setattr(scenes, "begun_before", in_time)
    (view,) = scene(history, result, model).views
    placed = {mark.row for mark in view.marks if mark.place is not None}
    assert placed >= set(np.flatnonzero(history.returned < 0.4 * at).tolist())
    assert "there was no time for more" in view.groups[0].note


def test_a_quiet_moment() -> None:
    history = stored(4, 300, seed=2)

    def pending(position: int) -> int:
        return int(((history.invoked < position) & (history.returned >= position)).sum())

    for position in (0, 1, 7, 100, 333, 600):
        found = scenes.quietest(history, position)
        returns = history.returned[history.returned < position]
        after = (returns[returns >= scenes.QUIET * position] + 1).tolist()
        assert pending(found) == min(map(pending, [position, *after]))
        assert found in (position, *after)


def test_without_time_there_is_no_order_but_a_picture() -> None:
    model = MODELS["register"]()
    history = stored(3, 60, seed=2)
    (view,) = scene(history, linearize(history, model), model, spending=Spending(0.0)).views
    assert len(view.marks) == 60
    assert all(mark.place is None for mark in view.marks)
    assert "a limit of time or memory was reached" in view.groups[0].note
