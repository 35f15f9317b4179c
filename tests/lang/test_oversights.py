"""What Python lets pass, and a spec does not: lost and doubled markers, fairness unsaid."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from checker import check
from checker.lang.errors import SpecError
from tests.generate.loading import load_text

SPEC = """\
from checker.lang import *

class Case(Spec):
    count: Annotated[int, Range(4)] = 0

    @action
    def up(self) -> None:
        require(self.count < 3)
        self.count += 1

    @final
    def over(self) -> bool:
        return self.count == 3

"""


def load(methods: str, folder: Path) -> type:
    found: type = load_text(SPEC + textwrap.indent(methods, "    "), folder).Case
    return found


@pytest.mark.parametrize(
    ("method", "marker"),
    [
        ("def go(self) -> None:\n    self.count = 0\n", "@action"),
        ("def low(self) -> bool:\n    return self.count < 1\n", "@invariant"),
    ],
)
def test_a_method_that_lost_its_marker_is_warned_about(
    method: str, marker: str, tmp_path: Path
) -> None:
    result = check(load(method, tmp_path))
    assert [marker in warning and "(line 15)" in warning for warning in result.warnings] == [True]


def test_a_helper_that_is_called_is_not_warned_about(tmp_path: Path) -> None:
    used = "@invariant\ndef low(self) -> bool:\n    return self.below()\n"
    helper = "def below(self) -> bool:\n    return self.count < 4\n"
    assert check(load(used + helper, tmp_path)).warnings == ()


def test_a_warning_stands_beside_a_violation_too(tmp_path: Path) -> None:
    wrong = "@invariant\ndef low(self) -> bool:\n    return self.count < 1\n"
    lost = "def go(self) -> None:\n    self.count = 0\n"
    result = check(load(wrong + lost, tmp_path))
    assert result.verdict == "violated"
    assert len(result.warnings) == 1


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (
            "@reachable\n@invariant\ndef low(self) -> bool:\n    return self.count < 3\n",
            "`low` has two markers: @invariant and @reachable",
        ),
        ("@action(fairness=weak)\ndef go(self) -> None:\n    pass\n", "fairness cannot be weak"),
        ('@action("fair")\ndef go(self) -> None:\n    pass\n', "`@action` marks a method"),
    ],
)
def test_a_marker_says_what_it_cannot_take(method: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load(method, tmp_path)
    assert said in str(caught.value)
    assert caught.value.place is not None
    assert caught.value.place.line == 15
