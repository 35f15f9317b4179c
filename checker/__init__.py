"""How we know: the language, engines, conformance, histories, reports and the command line.

    from checker import check, simulate
    assert check(Paxos(acceptors=3))

Specs are known only through ``checker.lang``. Only ``checker.conform`` and ``checker.cli``
may import ``spec`` or ``impl``; ``tests/test_imports.py`` enforces it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from checker.engines.check import check, simulate
    from checker.engines.result import Counterexample, Limits, Progress, Result, Step

__all__ = ["Counterexample", "Limits", "Progress", "Result", "Step", "check", "simulate"]


def __getattr__(name: str) -> Any:
    """What ``__all__`` names, imported when it is used: `quorate --help` needs none of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from checker.engines import check, result

    return getattr(check, name) if hasattr(check, name) else getattr(result, name)
