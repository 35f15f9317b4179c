"""`--json` where what is violated has no run to show: what is never done, and never reached."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SPEC = """\
from checker.lang import *

class Case(Spec):
    count: Annotated[int, Range(4)] = 0

    @action
    def up(self) -> None:
        require(self.count < 2)
        self.count += 1

    @final
    def over(self) -> bool:
        return True

"""
NEVER = """\
    @action
    def never(self) -> None:
        require(self.count == 3)
        self.count = 0
"""
FAR = """\
    @reachable
    def far(self) -> bool:
        return self.count == 3
"""


@pytest.mark.parametrize(("methods", "violated"), [(NEVER, "coverage"), (FAR, "far")])
def test_a_violation_without_a_run(methods: str, violated: str, tmp_path: Path) -> None:
    file = tmp_path / "case.py"
    file.write_text(SPEC + methods)
    command = [sys.executable, "-m", "checker.cli", "check", str(file), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert answer["violation"]["property"] == violated
    assert answer["counterexample"] == []
