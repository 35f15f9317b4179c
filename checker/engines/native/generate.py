"""Which generator makes the C of a program."""

from __future__ import annotations

from checker.engines.errors import NotNativeError
from checker.engines.native.generated import Generated
from checker.engines.native.unrolled import unrolled
from checker.engines.python.plan import Plan
from checker.ground.lower import lowered
from checker.ground.symbols import NotGroundError
from checker.lang.compile import compile_model
from checker.lang.model import Model


def generate(model: Model, plan: Plan) -> Generated:
    if plan.liveness or plan.refinements:
        raise NotNativeError("not yet")
    program = compile_model(model)
    try:
        return unrolled(program, lowered(program), plan.names)
    except NotGroundError as error:
        raise NotNativeError(str(error)) from error
