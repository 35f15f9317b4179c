"""Which generator makes the C of a program."""

from __future__ import annotations

from checker.engines.native.generated import Generated
from checker.engines.native.unrolled import unrolled
from checker.engines.python.plan import Plan
from checker.ground.lower import lowered
from checker.lang.compile import compile_model
from checker.lang.errors import LocatedError
from checker.lang.model import Model


class NotNativeError(LocatedError):
    """There is no native form of this spec, or of what is asked of it."""


def generate(model: Model, plan: Plan) -> Generated:
    if plan.liveness or plan.refinements:
        raise NotNativeError("not yet")
    program = compile_model(model)
    return unrolled(program, lowered(program), plan.names)
