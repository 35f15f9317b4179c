"""`auto`: the reference engine for what is small, generated C for the rest."""

from __future__ import annotations

import pytest

from checker import check
from checker.engines import check as choice
from spec.consensus import Consensus
from spec.two_phase import TwoPhase

FOUR = TwoPhase(resource_managers=4)
"""1,568 states."""


def test_the_reference_has_few_states_and_native_many() -> None:
    assert check(Consensus).engine == "python"
    assert check(FOUR).engine == "native"


def test_where_no_more_are_asked_for_the_reference_is_enough() -> None:
    result = check(FOUR, max_states=choice.SMALL)
    assert (result.engine, result.verdict) == ("python", "undecided")


def test_slow_steps_are_left_to_native(monkeypatch: pytest.MonkeyPatch) -> None:
    """That the reference engine has no answer in its time is no verdict."""
    monkeypatch.setattr(choice, "SHORT_SECONDS", 0.001)
    result = check(FOUR)
    assert (result.engine, result.verdict) == ("native", "holds")


def test_the_users_time_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "SHORT_SECONDS", 5.0)
    result = check(FOUR, max_seconds=0.001)
    assert (result.engine, result.verdict) == ("python", "undecided")
    assert result.undecided_because == "the limit of 0.001 seconds was reached"
