"""`assert check(MySpec())` must fail with the counterexample as its message."""

import pytest

pytest_plugins = ["pytester"]

SPEC = """
from typing import Annotated
from checker import check
from checker.lang import Range, Spec, action, invariant, require

class Counter(Spec):
    n: Annotated[int, Range(5)] = 0

    @action
    def up(self) -> None:
        require(self.n < 4)
        self.n += 1

    @invariant
    def small(self) -> bool:
        return self.n < 3

    @invariant
    def never_four(self) -> bool:
        return self.n < 4
"""

CHECKED = "check(Counter(), properties=['small'])"
ASSERTIONS = {
    "call": f"assert {CHECKED}",
    "name": f"result = {CHECKED}\n    assert result",
    "verdict": f"result = {CHECKED}\n    assert result.verdict == 'holds'",
    "conjunction": f"assert 1 == 1 and {CHECKED}",
}


@pytest.mark.parametrize("form", ASSERTIONS)
def test_the_counterexample_is_the_message(pytester: pytest.Pytester, form: str) -> None:
    pytester.makepyfile(f"{SPEC}\n\ndef test_it():\n    {ASSERTIONS[form]}\n")
    ran = pytester.runpytest("-p", "no:cacheprovider")
    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(["E * Counter*violated: small*"])
    ran.stdout.fnmatch_lines(["E *up*"])
    ran.stdout.no_fnmatch_line("E *Result(*")


def test_other_assertions_keep_their_message(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"{SPEC}\n\ndef test_it():\n    other = check(Counter(), properties=['small'])\n"
        "    assert 1 == 2\n"
    )
    ran = pytester.runpytest("-p", "no:cacheprovider")
    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(["E *assert 1 == 2"])
    ran.stdout.no_fnmatch_line("*violated: small*")


def test_a_spec_that_holds_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"{SPEC}\n\ndef test_it():\n"
        "    assert check(Counter(), properties=['never_four', 'coverage']).verdict == 'violated'\n"
        "    assert check(Counter(), properties=['coverage'])\n"
    )
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=1)
