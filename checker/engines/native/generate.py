"""Which generator makes the C of a program.

What only some programs need (the general form, liveness, symmetry) is imported when one does: it
takes a tenth of the time before a small spec's compiler starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from checker.engines.errors import NotNativeError
from checker.engines.native.generated import Generated
from checker.engines.native.options import Options
from checker.engines.native.packing import Packing
from checker.engines.native.unrolled import unrolled
from checker.engines.python.plan import Plan
from checker.engines.python.watch import no_garbage
from checker.ground.lower import Ground, lowered
from checker.ground.symbols import NotGroundError
from checker.lang.compile import compile_model
from checker.lang.errors import ModelError
from checker.lang.ir import Program
from checker.lang.model import Model, State

if TYPE_CHECKING:
    from checker.engines.native.symmetry import Symmetry

MOST_UNROLLED = 250_000
"""More C than this, in bytes, takes a compiler longer than it saves: some 5 seconds."""


def generate(model: Model, plan: Plan, options: Options | None = None) -> Generated:
    """The C of a model, judging what is planned.  `NotNativeError` where there is none."""
    options = options or Options()
    program, liveness = compile_model(model), bool(plan.liveness)
    with no_garbage():  # conditions are immutable, and refer to what is older
        return _generated(program, plan.names, liveness, options, _initial(model, options))


def _initial(model: Model, options: Options) -> list[State]:
    """The initial states, where the generator must know them; none if there is an error."""
    try:
        return model.initial_states() if options.por else []
    except ModelError:
        return []


def _generated(
    program: Program,
    wanted: Iterable[str],
    liveness: bool,
    options: Options,
    initial: Sequence[State] = (),
) -> Generated:
    try:
        ground = lowered(program)
    except NotGroundError as error:
        return _general(program, wanted, liveness, options, str(error))
    labels = None
    if liveness:
        from checker.engines.native.liveness.source import Labels, liveness_source

        labels = Labels(program, ground)
    symmetric = _symmetry(program, ground) if options.symmetry else None
    try:
        made = unrolled(
            program,
            ground,
            wanted,
            labels.of_bindings if labels else (),
            reduce=[ground.layout.encode(s) for s in initial] if options.por else None,
            symmetric=symmetric,
        )
    except NotGroundError as error:
        return _general(program, wanted, liveness, options, str(error))
    if len(made.source) > MOST_UNROLLED:
        why = f"{len(made.source):,} bytes of C when every binding is written out"
        return _general(program, wanted, liveness, options, why)
    try:
        others = tuple(unrolled(r.other, lowered(r.other), ()) for r in made.refinements)
    except NotGroundError as error:
        return _general(program, wanted, liveness, options, str(error))
    source = partial(liveness_source, ground, labels) if labels else None
    return replace(made, others=others, liveness=source)


def _symmetry(program: Program, ground: Ground) -> Symmetry:
    """The symmetry of a program, which those that it refines must have, too."""
    from checker.engines.native.symmetry import symmetry
    from checker.lang.effects import singled_out

    found = symmetry(program, Packing(ground.layout))
    for refinement in program.refinements:
        for sort in refinement.other.sorts:
            why = singled_out(refinement.other, sort)
            if str(sort) in found.sorts and why is not None:
                raise NotNativeError(
                    f"with symmetry, `{refinement.name}` is not judged: "
                    f"there, {why} tells members of {sort} apart"
                )
    return found


def _general(
    program: Program, wanted: Iterable[str], liveness: bool, options: Options, why: str
) -> Generated:
    """The C of a program that cannot be made ground."""
    from checker.engines.native.general import NotInCError, general

    if options.symmetry or options.por:
        raise NotNativeError(f"reductions need a spec that can be made ground, and here is {why}")
    try:
        return general(program, wanted, liveness)
    except NotInCError as error:
        raise NotNativeError(str(error)) from error
