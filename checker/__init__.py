"""How we know: the language, engines, conformance, histories, reports and the command line.

    from checker import check, simulate
    assert check(Paxos(acceptors=3))

Specs are known only through ``checker.lang``. Only ``checker.conform`` and ``checker.cli``
may import ``spec`` or ``impl``; ``tests/test_imports.py`` enforces it.
"""

from checker.engines.check import check, simulate
from checker.engines.result import Counterexample, Limits, Progress, Result, Step

__all__ = ["Counterexample", "Limits", "Progress", "Result", "Step", "check", "simulate"]
