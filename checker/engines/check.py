"""`check` and `simulate`: a spec in, a `Result` out, whatever engine does the work.

`SpecError` if the spec or what is asked of it is wrong.  Everything else is in the result: a
violation, a model error, a limit that was reached, an interruption by the user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from checker.engines.python.explore import explore
from checker.engines.python.simulate import Simulation
from checker.engines.python.simulate import simulate as walk
from checker.engines.result import Limits, ProgressCallback, Result
from checker.lang.compile import compile_model
from checker.lang.errors import SpecError
from checker.lang.model import Model
from checker.lang.spec import Spec

Engine = Callable[..., Result]

ENGINES: dict[str, Engine] = {"python": explore}
"""The engines that check a whole state space, by name."""


def check(
    spec: Spec | type[Spec],
    *,
    engine: str = "python",
    max_states: int | None = None,
    max_seconds: float | None = None,
    max_memory: int | None = None,
    progress: ProgressCallback | None = None,
    properties: Iterable[str] | None = None,
    stop_at_first: bool = True,
) -> Result:
    """Explore every reachable state of a spec, and judge its properties.

    `spec`: an instance, or a class (with its defaults).  `max_memory`: in bytes, of the whole
    process.  `properties`: names (`None`: all; `deadlock` and `coverage` are names, too).
    `stop_at_first=False`: go on after a violation, for one counterexample of each property.

    The result is true exactly if everything holds: `assert check(Paxos(acceptors=3))`.
    """
    if engine not in ENGINES:
        known = ", ".join(sorted(ENGINES))
        raise SpecError(f"there is no engine `{engine}`", f"the engines are: {known}")
    return ENGINES[engine](
        checked_model(spec),
        limits=Limits(max_states, max_seconds, max_memory),
        progress=progress,
        properties=properties,
        stop_at_first=stop_at_first,
    )


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
