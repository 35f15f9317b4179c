"""Which generator makes the C of a program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from checker.engines.errors import NotNativeError
from checker.engines.native.generated import Generated
from checker.engines.native.liveness_source import liveness_source
from checker.engines.native.unrolled import unrolled
from checker.engines.python.plan import Plan
from checker.ground.lower import lowered
from checker.ground.symbols import NotGroundError
from checker.lang.compile import compile_model
from checker.lang.ir import Program
from checker.lang.model import Model


def generate(model: Model, plan: Plan, reduce: bool = False) -> Generated:
    """The C of a model, judging what is planned.  `NotNativeError` where there is none.

    `reduce`: with what partial-order reduction needs.
    """
    return _generated(compile_model(model), plan.names, reduce)


def _generated(program: Program, wanted: Iterable[str], reduce: bool = False) -> Generated:
    try:
        ground = lowered(program)
        made = unrolled(program, ground, wanted, reduce=reduce)
    except NotGroundError as error:
        raise NotNativeError(str(error)) from error
    others = tuple(_generated(refinement.other, ()) for refinement in made.refinements)
    return replace(made, others=others, liveness=partial(liveness_source, program, ground))
