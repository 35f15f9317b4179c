"""The language of specifications.  Everything a spec needs is imported from here.

`docs/language.md` explains each word with an example.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from checker.lang.declare import (
    AtMost,
    Range,
    Steps,
    action,
    assume,
    const,
    constraint,
    eventually,
    eventually_always,
    everywhere,
    final,
    ghost,
    infinitely_often,
    init,
    invariant,
    leads_to,
    members,
    part,
    process,
    reachable,
    refinement,
    step_property,
    strong,
    weak,
)
from checker.lang.errors import LimitReached, ModelError, NotEnabled, QuorateError, SpecError
from checker.lang.spec import Spec
from checker.lang.values import Bag as _Bag
from checker.lang.values import Record, Sort
from checker.lang.words import (
    arbitrary,
    enabled,
    greatest,
    least,
    majorities,
    require,
    subsets,
    the,
)

if TYPE_CHECKING:
    # To a type checker the containers are Python's own, so that literals, comprehensions and
    # methods are checked as usual.  At run time they are the immutable ones of `values.py`.
    from builtins import dict as Map
    from builtins import list as Seq
    from builtins import set as Set

    from checker.lang.stubs import Bag
else:
    from checker.lang.values import Map, Seq, Set

    Bag = _Bag

__all__ = [
    "Annotated",
    "AtMost",
    "Bag",
    "LimitReached",
    "Map",
    "ModelError",
    "NotEnabled",
    "QuorateError",
    "Range",
    "Record",
    "Seq",
    "Set",
    "Sort",
    "Spec",
    "SpecError",
    "Steps",
    "action",
    "arbitrary",
    "assume",
    "const",
    "constraint",
    "enabled",
    "eventually",
    "eventually_always",
    "everywhere",
    "final",
    "ghost",
    "greatest",
    "infinitely_often",
    "init",
    "invariant",
    "leads_to",
    "least",
    "majorities",
    "members",
    "part",
    "process",
    "reachable",
    "refinement",
    "require",
    "step_property",
    "strong",
    "subsets",
    "the",
    "weak",
]
