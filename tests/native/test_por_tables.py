"""What partial-order reduction takes for granted of bindings, tried out in every state.

`reduction.py` reasons about conditions; here the bindings are taken, one after the other, on the
states that a search by the ground form reaches.  A long run:
QUORATE_RANDOM_SPECS=4000 pytest tests/native/test_por_tables.py
"""

import itertools
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from checker.engines.native.reduction import Reduction, reduction
from checker.engines.native.reduction import moves as reduction_moves
from checker.engines.native.reduction.facts import Facts
from checker.ground.conditions import Condition, both, either, holds, negation
from checker.ground.lower import Binding, Ground, lowered, step
from checker.ground.symbols import NotGroundError
from checker.lang.compile import compile_model
from checker.lang.errors import ModelError, NotEnabled, SpecError
from checker.lang.model import Model
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec
from tests.native.por_specs import processes

RANDOM_SPECS = int(os.environ.get("QUORATE_RANDOM_SPECS", "60")) // 2
SLICES = 3
STATES = 25
BINDINGS = 100

Codes = list[int]


def after(binding: Binding, state: Codes) -> Codes | None:
    """The state after a step, if there is one."""
    try:
        return step(binding, state)
    except (ModelError, NotEnabled):
        return None


def reached(model: Model, ground: Ground) -> Iterator[Codes]:
    """States, nearest first; then all that one more step leads to."""
    known: dict[tuple[int, ...], None] = {}
    for start in model.initial_states():
        known.setdefault(tuple(ground.layout.encode(start)))
    for number in itertools.count():
        if number == min(len(known), STATES):
            break
        state = list(next(itertools.islice(known, number, None)))
        for binding in ground.bindings:
            then = after(binding, state)
            if then is not None:
                known.setdefault(tuple(then))
    yield from map(list, known)


def mistakes(
    table: Reduction, ground: Ground, states: list[Codes], sought: list[Condition], ok: Condition
) -> Iterator[str]:
    """Where a table says less than what happens."""
    bindings = ground.bindings
    for state in states:
        held = [holds(guard, state) for guard in table.guards]
        found = [holds(what, state) for what in sought]
        extended = holds(ok, state)
        nexts = {
            number: then
            for number, binding in enumerate(bindings)
            if (then := after(binding, state)) is not None
        }
        enabled = {b for b, needs in enumerate(table.needs) if all(held[n] for n in needs)}
        if enabled != set(nexts):
            yield f"enabled {enabled} {set(nexts)}"
        for a, then in nexts.items():
            for number, guard in enumerate(table.guards):
                if holds(guard, then) and not held[number] and not table.enabling[number] >> a & 1:
                    yield f"{a} enables {guard}"
            if not table.harmful >> a & 1 and any(
                was and not holds(what, then) for was, what in zip(found, sought, strict=True)
            ):
                yield f"{a} is harmful"
            if not table.blocking >> a & 1 and extended and not holds(ok, then):
                yield f"{a} is blocking"
            for b, instead in nexts.items():
                if not table.against[a] >> b & 1:
                    one, other = after(bindings[b], then), after(bindings[a], instead)
                    if one is None or one != other:
                        yield f"{a} and {b} do not commute"


def judged(ground: Ground) -> tuple[list[Condition], Condition]:
    """What a search might look for, and where it might go on: conditions of all shapes."""
    sought = [j.holds for j in ground.judgements] + [negation(j.holds) for j in ground.judgements]
    sought += [binding.guard for binding in ground.bindings]
    failing = either(binding.errors for binding in ground.bindings)
    return sought, both(negation(failing), *(j.holds for j in ground.judgements[:1]))


def wrong_tables(seeds: range, folder: Path) -> tuple[int, dict[int, str]]:
    """How many random specs were looked at, and those whose tables are wrong."""
    looked_at = 0
    found: dict[int, str] = {}
    for seed in seeds:
        try:
            made = (random_spec, processes)[seed % 2]
            model = Model.of(load_text(made(random.Random(seed).randrange), folder).Random())
            ground = lowered(compile_model(model))
            states = list(reached(model, ground))
        except (SpecError, NotGroundError, ModelError):
            continue
        sought, ok = judged(ground)
        if len(ground.bindings) > BINDINGS:
            continue
        looked_at += 1
        starts = [ground.layout.encode(state) for state in model.initial_states()]
        facts = Facts(ground.layout.cells, ground.bindings, starts)
        table = reduction(ground.bindings, facts, sought, ok)
        for mistake in mistakes(table, ground, states, sought, ok):
            found[seed] = mistake
            break
    return looked_at, found


@pytest.mark.parametrize("part", range(SLICES))
def test_the_tables_are_right(part: int, tmp_path: Path) -> None:
    size = RANDOM_SPECS // SLICES
    looked_at, found = wrong_tables(range(part * size, (part + 1) * size), tmp_path)
    assert not found
    assert looked_at > size // 2


@pytest.mark.parametrize("forgotten", ["keeps", "then"])
def test_a_wrong_table_is_noticed(
    forgotten: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug that is put in: what is disabled is forgotten; what is overwritten is forgotten."""
    if forgotten == "keeps":
        monkeypatch.setattr(reduction_moves.Move, "keeps", lambda *_: True)
    else:
        monkeypatch.setattr(reduction_moves.Move, "then", lambda *_: {})
    _, found = wrong_tables(range(10), tmp_path)
    assert found
