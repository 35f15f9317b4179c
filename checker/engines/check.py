"""`check` and `simulate`: a spec in, a `Result` out, whatever engine does the work.

`SpecError` if the spec or what is asked of it is wrong.  Everything else is in the result: a
violation, a model error, a limit that was reached, an interruption by the user.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from checker.engines.errors import NotNativeError
from checker.engines.python.explore import explore
from checker.engines.python.simulate import Simulation
from checker.engines.python.simulate import simulate as walk
from checker.engines.result import Limits, ProgressCallback, Result
from checker.lang.compile import compile_model
from checker.lang.errors import SpecError
from checker.lang.model import Model
from checker.lang.spec import Spec

ENGINES = ("auto", "native", "python")
"""The engines that check a whole state space, by name."""

SMALL = 500
"""`auto` leaves a spec with at most so many states to the reference engine."""


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
    por: bool = False,
) -> Result:
    """Explore every reachable state of a spec, and judge its properties.

    `spec`: an instance, or a class (with its defaults).  `engine`: `python` is the reference,
    `native` is generated C, `auto` is the reference for specs of at most `SMALL` states and
    native beyond, where that is possible.  `max_memory`: in bytes, of the whole process.
    `properties`: names (`None`: all; `deadlock` and `coverage` are names, too).
    `stop_at_first=False`: go on after a violation, for one counterexample of each property.
    `workers`: threads of the native engine; `None`: one for each core.  `por`: partial-order
    reduction, by the native engine: the same verdicts, of properties of single states only, from
    fewer states; a counterexample may not be the shortest.

    The result is true exactly if everything holds: `assert check(Paxos(acceptors=3))`.
    """
    if engine not in ENGINES:
        known = ", ".join(sorted(ENGINES))
        raise SpecError(f"there is no engine `{engine}`", f"the engines are: {known}")
    if por and engine == "python":
        raise SpecError(
            "the reference engine has no partial-order reduction",
            "choose the engine `native`",
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

    few = engine == "auto" and not por and max_states is not None and max_states <= SMALL
    if engine == "python" or few:
        return reference(limits, progress)
    if engine == "auto" and not por:
        result = reference(replace(limits, max_states=SMALL), None)
        if result.distinct_states < SMALL or not result.undecided_because:
            return result
    from checker.engines.native.explore import explore as explore_natively

    try:
        return explore_natively(
            model,
            limits=limits,
            progress=progress,
            properties=names,
            stop_at_first=stop_at_first,
            workers=workers,
            por=por,
        )
    except NotNativeError as error:
        if engine == "native" or por:
            raise
        result = reference(limits, progress)
        result.warnings = (f"the reference engine did this, slowly: {error.rule}", *result.warnings)
        return result


def simulate(
    spec: Spec | type[Spec],
    *,
    walks: int = 1000,
    depth: int = 100,
    seed: int = 0,
    max_seconds: float | None = None,
    max_memory: int | None = None,
    progress: ProgressCallback | None = None,
    properties: Iterable[str] | None = None,
) -> Simulation:
    """Walk at random through a spec that is too large to exhaust.

    At most `walks` walks of at most `depth` steps; the same seed gives the same walks.  Without a
    violation the verdict is `undecided`: write `assert not simulate(...).counterexamples`.
    """
    return walk(
        checked_model(spec),
        walks=walks,
        depth=depth,
        seed=seed,
        limits=Limits(None, max_seconds, max_memory),
        progress=progress,
        properties=properties,
    )


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
