"""Which generator makes the C of a program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from checker.engines.errors import NotNativeError
from checker.engines.native.generated import Generated
from checker.engines.native.unrolled import unrolled
from checker.engines.python.plan import Plan
from checker.ground.lower import lowered
from checker.ground.symbols import NotGroundError
from checker.lang.compile import compile_model
from checker.lang.ir import Program
from checker.lang.model import Model


def generate(model: Model, plan: Plan) -> Generated:
    """The C of a model, judging what is planned.  `NotNativeError` where there is none."""
    if plan.liveness:
        raise NotNativeError("liveness properties have no native form yet")
    return _generated(compile_model(model), plan.names)


def _generated(program: Program, wanted: Iterable[str]) -> Generated:
    try:
        made = unrolled(program, lowered(program), wanted)
    except NotGroundError as error:
        raise NotNativeError(str(error)) from error
    others = tuple(_generated(refinement.other, ()) for refinement in made.refinements)
    return replace(made, others=others)
