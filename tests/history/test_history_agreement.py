"""All that decide a history agree: each algorithm that applies, and every order of its operations.

QUORATE_HISTORIES=100000 makes as many histories, of all models together; few by default.  The
same ones in every run; --hypothesis-profile=random makes others.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from checker.history.budget import Spending
from checker.history.check import AlgorithmError, linearize
from checker.history.follow import Following
from checker.history.models import Model
from checker.history.needs import needs_of
from checker.history.result import Result
from checker.history.rules import checked
from tests.history.brute import Op
from tests.history.generated import EVERY, assert_minimal, brute, built, events_of, made, model_of

COUNT = max(1, int(os.environ.get("QUORATE_HISTORIES", "1800")) // len(EVERY))

SPECIAL_OF = {
    "register": ["zones"],
    "cas-register": ["zones", "chains"],
    "kv": ["zones", "chains"],
    "queue": ["queues"],
    "mutex": ["switches"],
    "set": ["switches"],
    "lock": ["witness"],
    "log": ["witness"],
}
DECIDED: dict[str, set[str]] = defaultdict(set)
"""Of each model, the algorithms that applied."""

RANDOMS = st.sampled_from([True, True, True, False]).flatmap(
    lambda fair: st.randoms(use_true_random=fair)
)
"""Most are fair samples: of those that Hypothesis makes itself nearly all are linearizable."""


@pytest.mark.parametrize("name", EVERY)
def test_all_algorithms_agree_with_every_order(name: str) -> None:
    verdicts: list[bool] = []

    @settings(max_examples=COUNT, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(RANDOMS)
    def every_history(random: Random) -> None:
        verdicts.append(agreed(name, random))

    every_history()
    assert verdicts.count(True) > COUNT // 10
    assert False in verdicts
    assert DECIDED[name] >= {"frontier", "depth-first", *SPECIAL_OF.get(name, ())}


def agreed(name: str, random: Random) -> bool:
    """The verdict on one history that all give."""
    model, operations = model_of(name), made(random, name)
    note("\n".join(map(str, operations)))
    whole = built(operations)
    history = model.prepare(checked(whole, model))
    expected = brute(history, model)
    result = linearize(whole, model)
    assert bool(result) is expected
    for algorithm in ("frontier", "depth-first", *SPECIAL_OF.get(name, ())):
        with suppress(AlgorithmError):  # it does not apply
            found = linearize(whole, model, algorithm=algorithm, explain=False)
            assert bool(found) is expected, algorithm
            DECIDED[name].add(algorithm)
    if not model.needs_time:
        assert followed(operations, model).verdict == result.verdict
    if expected:
        for _, part in history.split():
            needs = needs_of(part, model)
            if needs is not None and name != "mutex":  # the rule of needs.py
                some = random.sample(range(len(part)), random.randint(0, len(part)))
                assert brute(part.take(needs.closed(some)), model)
    else:
        assert_minimal(result, history, model)
        # From the conflict of a special algorithm, too.
        every = linearize(whole, model, per_key=True)
        assert sorted(map(str, every.keys)) == sorted({str(o.key) for o in history})
        assert_minimal(every, history, model)
    return expected


def followed(operations: Sequence[Op], model: Model) -> Result:
    following = Following(model, Spending())
    for line, event in enumerate(events_of(operations, list(range(50)), {}), 1):
        following.add(event, line)
        if following.violated:
            break
    following.finish()
    return following.result(explained=False)
