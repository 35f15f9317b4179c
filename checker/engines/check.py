"""`check` and `simulate`: a spec in, a `Result` out, whatever engine does the work.

`SpecError` if the spec or what is asked of it is wrong.  Everything else is in the result: a
violation, a model error, a limit that was reached, an interruption by the user.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from checker.engines.errors import NotNativeError
from checker.engines.native.options import Options
from checker.engines.python.explore import explore
from checker.engines.python.simulate import simulate as walk_in_python
from checker.engines.result import Limits, ProgressCallback, Result
from checker.engines.walked import Choice, Simulation
from checker.lang.compile import compile_model
from checker.lang.errors import SpecError
from checker.lang.model import Model
from checker.lang.spec import Spec

ENGINES = ("auto", "native", "python")
"""The engines that check a whole state space, by name."""

SMALL = 500
"""`auto` leaves a spec with at most so many states to the reference engine."""
SHORT_SECONDS = 2.0
"""Nor does `auto` wait longer for it."""
FEW_STEPS = 20_000
"""`auto` leaves random walks of at most so many steps to the reference engine."""


def check(
    spec: Spec | type[Spec],
    *,
    engine: str = "auto",
    max_states: int | None = None,
    max_seconds: float | None = None,
    max_memory: int | None = None,
    progress: ProgressCallback | None = None,
    properties: Iterable[str] | None = None,
    stop_at_first: bool = True,
    workers: int | None = None,
    symmetry: bool = False,
    por: bool = False,
    fingerprint: int | None = None,
    disk: Path | str | None = None,
    checkpoint: Path | str | None = None,
    checkpoint_minutes: float = 10.0,
    resume: Path | str | None = None,
) -> Result:
    """Explore every reachable state of a spec, and judge its properties.

    `spec`: an instance, or a class (with its defaults).  `engine`: `python` is the reference,
    `native` is generated C, `auto` is the reference for specs of at most `SMALL` states and
    native beyond, where that is possible.  `max_memory`: in bytes, of the whole process.
    `properties`: names (`None`: all; `deadlock` and `coverage` are names, too).
    `stop_at_first=False`: go on after a violation, for one counterexample of each property.
    `workers`: threads of the native engine; `None`: one for each core.  `symmetry`: one state for
    each orbit of the members of symmetric Sorts, by the native engine.  `por`: partial-order
    reduction, by the native engine: the same verdicts, of properties of single states only, from
    fewer states; a counterexample may not be the shortest.  `fingerprint`: a hash of 64 or 128
    bits stands for a state, in less memory; a warning tells how likely it is that states were
    missed.  The native engine does it, without liveness.

    Of large runs, which the native engine does: `max_memory` is kept by going on in a file in the
    folder `disk` (`None`: $TMPDIR or /var/tmp).  `checkpoint`: the file where the search is
    written down every `checkpoint_minutes`, and when a limit or the user stops it; `resume`: such
    a file to go on from, by the same spec, constants and properties.  A search that has its answer
    removes its checkpoint.

    The result is true exactly if everything holds: `assert check(Paxos(acceptors=3))`.
    """
    known_engine(engine)
    options = Options(
        workers,
        symmetry,
        por,
        fingerprint,
        disk=Path(disk) if disk else None,
        checkpoint=Path(checkpoint) if checkpoint else None,
        checkpoint_seconds=60 * checkpoint_minutes,
        resume=Path(resume) if resume else None,
    )
    if options.needs_native and engine == "python":
        raise SpecError(
            "the reference engine has no reductions and no checkpoints",
            "choose the engine `native`, or `auto`",
        )
    model = checked_model(spec)
    limits = Limits(max_states, max_seconds, max_memory)
    names = None if properties is None else list(properties)

    def reference(limits: Limits, progress: ProgressCallback | None) -> Result:
        return explore(
            model,
            limits=limits,
            progress=progress,
            properties=names,
            stop_at_first=stop_at_first,
        )

    if engine == "python":
        return reference(limits, progress)
    spent = 0.0
    if engine == "auto" and not options.needs_native:
        if max_states is not None and max_states <= SMALL:
            return reference(limits, progress)
        result = reference(first_limits(limits), None)
        if was_enough(result, limits):
            return result
        spent = result.seconds
    from checker.engines.native.explore import explore as explore_natively

    try:
        return explore_natively(
            model,
            options,
            limits=limits,
            progress=progress,
            properties=names,
            stop_at_first=stop_at_first,
            spent=spent,
        )
    except NotNativeError as error:
        if engine == "native" or options.needs_native:
            raise
        result = reference(limits, progress)
        result.warnings = (slowly(error), *result.warnings)
        return result


def first_limits(limits: Limits) -> Limits:
    """How far `auto` lets the reference engine go."""
    allowed = SHORT_SECONDS if limits.max_seconds is None else limits.max_seconds
    return replace(limits, max_states=SMALL, max_seconds=min(SHORT_SECONDS, allowed))


def was_enough(result: Result, limits: Limits) -> bool:
    """Whether the reference engine has an answer within `first_limits`, or no time is left."""
    no_time = limits.max_seconds is not None and result.seconds >= limits.max_seconds
    return no_time or not result.undecided_because.startswith("the limit of")


def simulate(
    spec: Spec | type[Spec],
    *,
    engine: str = "auto",
    walks: int = 1000,
    depth: int = 100,
    seed: int = 0,
    choose: str = "steps",
    weights: Mapping[str, int] | None = None,
    max_seconds: float | None = None,
    max_memory: int | None = None,
    progress: ProgressCallback | None = None,
    properties: Iterable[str] | None = None,
    workers: int | None = None,
) -> Simulation:
    """Walk at random through a spec that is too large to exhaust.

    At most `walks` walks of at most `depth` steps.  One seed always gives the same walks of the
    same engine, whatever the number of `workers`; `engine` is as for `check`, and `auto` leaves
    at most `FEW_STEPS` steps to the reference.  `choose`: `steps`: every step that is possible is
    equally likely; `actions`: every action that has some is, and then each of its steps.
    `weights`: how much likelier an action (or each of its steps) is than one of weight 1, by name.

    Without a violation the verdict is `undecided`: write
    `assert not simulate(...).counterexamples`.
    """
    known_engine(engine)
    model = checked_model(spec)
    choice = Choice(choose, weights or {})
    choice.check(model)
    walk = partial(
        walk_in_python,
        model,
        walks=walks,
        depth=depth,
        seed=seed,
        limits=Limits(None, max_seconds, max_memory),
        progress=progress,
        properties=None if properties is None else list(properties),
        choice=choice,
    )
    if engine == "python" or (engine == "auto" and walks * depth <= FEW_STEPS):
        return walk()
    from checker.engines.native.simulate import simulate as walk_natively

    try:
        return walk_natively(*walk.args, **walk.keywords, workers=workers)
    except NotNativeError as error:
        if engine == "native":
            raise
        result = walk()
        result.warnings = (slowly(error), *result.warnings)
        return result


def known_engine(engine: str) -> None:
    if engine not in ENGINES:
        known = ", ".join(sorted(ENGINES))
        raise SpecError(f"there is no engine `{engine}`", f"the engines are: {known}")


def slowly(error: NotNativeError) -> str:
    """The warning that another engine than was wanted did it."""
    return f"the reference engine did this, slowly: {error.rule}"


def checked_model(spec: Spec | type[Spec]) -> Model:
    """A model of a spec whose every line the compiler has understood.

    `SpecError` where it has not: what is wrong with a spec is found before anything runs, also in
    lines that no run reaches.
    """
    model = model_of(spec)
    compile_model(model)
    return model


def model_of(spec: Spec | type[Spec]) -> Model:
    """A model of a spec, with a machine of its own."""
    return Model(spec, {}) if isinstance(spec, type) else Model.of(spec)
