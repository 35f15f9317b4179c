"""Results that the tests of the reports show: real ones, with times that do not vary."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from checker.cli.constants import instance
from checker.cli.target import find
from checker.engines.check import check
from checker.engines.result import Counterexample, Result

SPECS = Path(__file__).parent.parent / "data" / "specs"


@cache
def result_of(name: str, *settings: str, max_states: int | None = None) -> Result:
    """The result of checking `tests/data/specs/NAME.py`."""
    spec = instance(find(f"{SPECS / name}.py"), settings)
    result = check(spec, max_states=max_states)
    return replace(result, seconds=2.0, search_seconds=2.0, peak_memory_bytes=64 * 2**20)


def run_of(name: str, *settings: str) -> Counterexample:
    found = result_of(name, *settings).counterexample
    assert found is not None
    return found
