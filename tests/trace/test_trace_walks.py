"""Random walks are accepted, in full and thinned; what is wrong is rejected where it should be.

The judge is `naive`, which knows nothing but `Model.successors` and JSON.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from checker.cli.target import find
from checker.lang.errors import ModelError
from checker.lang.model import Model
from checker.trace.candidates import Follower
from checker.trace.reading import LogFile
from checker.trace.vocabulary import Vocabulary
from tests.generate.loading import load_text
from tests.generate.random_specs import random_spec
from tests.trace.walking import (
    Line,
    first_bad,
    mutated,
    naive,
    thinned,
    validated,
    walk,
    written,
)

SPECS = Path(__file__).parents[1] / "data" / "specs"
PROTOCOLS = Path(__file__).parents[1] / "protocols"
SMALL = [f"{SPECS}/election.py", f"{SPECS}/ring.py", f"{SPECS}/inboxes.py", "two_phase"]
SHIPPED = ["consensus", "voting", "paxos", "paxos_nodes", "transaction_commit", "two_phase"]


@pytest.mark.parametrize("name", SHIPPED)
def test_walks_of_shipped_specs_match(name: str, tmp_path: Path) -> None:
    model = Model(find(name).cls, {})
    for seed in range(5):
        chance = random.Random(seed)
        lines = walk(model, chance, 30)
        assert first_bad(validated(model, written(tmp_path, lines))) is None
        some = thinned(lines, chance, keep=0.7)
        assert first_bad(validated(model, written(tmp_path, some))) is None


@pytest.mark.parametrize("name", SMALL)
def test_mutations_against_a_naive_search(name: str, tmp_path: Path) -> None:
    model = Model(find(name).cls, {})
    bad = 0
    for seed in range(60):
        chance = random.Random(seed)
        lines = walk(model, chance, 8)
        if chance.random() < 0.7:
            lines = thinned(lines, chance, keep=chance.choice([0.2, 0.5, 0.8]))
        lines = mutated(lines, chance)
        expected = naive(model, lines)
        bad += expected is not None
        assert first_bad(validated(model, written(tmp_path, lines))) == expected, (seed, lines)
    assert bad >= 10, "too few of the logs are wrong for this to show much"


@pytest.mark.parametrize("name", SMALL)
def test_hidden_steps_against_a_naive_search(name: str, tmp_path: Path) -> None:
    model = Model(find(name).cls, {})
    names = [action.name for action in model.actions]
    bad = hid = 0
    for seed in range(40):
        chance = random.Random(seed)
        hidden = tuple(chance.sample(names, chance.randint(1, max(1, len(names) // 2))))
        whole = walk(model, chance, 9)
        lines: list[Line] = [line for line in whole if line["action"] not in hidden]
        hid += len(lines) < len(whole)
        assert first_bad(validated(model, written(tmp_path, lines), hidden)) is None
        lines = thinned(lines, chance)
        if chance.random() < 0.6 and lines:
            lines = mutated(lines, chance)
        for line in lines:
            if chance.random() < 0.2:
                del line["action"], line["args"]
        expected = naive(model, lines, hidden)
        bad += expected is not None
        assert first_bad(validated(model, written(tmp_path, lines), hidden)) == expected, (
            seed,
            lines,
        )
    assert bad >= 3
    assert hid >= 10


def test_random_specs_against_a_naive_search(tmp_path: Path) -> None:
    compared = bad = 0
    for seed in range(40):
        chance = random.Random(seed)
        model = Model(load_text(random_spec(chance.randrange), tmp_path).Random, {})
        try:
            lines = walk(model, chance, 6)
            if not lines:
                continue
            lines = mutated(thinned(lines, chance, keep=0.8), chance)
            expected = naive(model, lines)
        except ModelError:
            continue  # its step does what no step may
        found = first_bad(validated(model, written(tmp_path, lines)))
        assert found == expected, (seed, lines)
        compared += 1
        bad += expected is not None
    assert compared >= 15
    assert bad >= 3


def test_what_is_remembered_changes_nothing(tmp_path: Path) -> None:
    """With room for almost nothing, everything is forgotten again and again."""
    model = Model(find("paxos_nodes").cls, {})
    chance = random.Random(1)
    path = written(tmp_path, thinned(walk(model, chance, 60), chance, keep=0.8))
    sets = []
    for remembered in (1, 100_000):
        vocabulary = Vocabulary(model)
        follower = Follower(model, 10_000, remembered=remembered)
        now, held = follower.start(), []
        for entry in vocabulary.entries([LogFile(str(path))]):
            now = follower.advance(now, entry.event)
            held.append(now.states)
        sets.append(held)
        assert (follower.forgotten > 10) == (remembered == 1)
    assert sets[0] == sets[1]


def test_keys_are_independent_runs(tmp_path: Path) -> None:
    model = Model(find("two_phase").cls, {})
    chance = random.Random(2)
    runs = {key: walk(model, chance, 12) for key in ("x", "y", 7)}
    mixed: list[Line] = []
    while any(runs.values()):
        key = chance.choice([key for key, lines in runs.items() if lines])
        mixed.append({"key": key} | runs[key].pop(0))
    outcome = validated(model, written(tmp_path, mixed))
    assert first_bad(outcome) is None
    assert outcome.instances == 3
    for line in mixed:
        line["key"] = "x"
    assert first_bad(validated(model, written(tmp_path, mixed))) is not None
