"""The words that a spec is written with: markers on methods, constants and fields.

A marker only records what was said; `spec.py` and `model.py` act on it.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from types import EllipsisType, FrameType, FunctionType
from typing import Any, Literal, TypeVar, overload

from checker.lang.errors import Place, SpecError
from checker.lang.types import Beyond, Everywhere

F = TypeVar("F", bound=Callable[..., Any])

Kind = Literal[
    "action",
    "init",
    "invariant",
    "reachable",
    "step_property",
    "eventually",
    "infinitely_often",
    "eventually_always",
    "leads_to",
    "final",
    "constraint",
    "assume",
    "refinement",
    "process",
]


@dataclass(frozen=True)
class Fairness:
    """Weak: what stays possible is done.  Strong: what is possible again and again is done.

    `for_each` names the parameters that get one assumption for each of their values; over the
    others it is enough that the action is taken with some value.  `when` restricts the
    assumption to steps taken where it holds (it gets `self` and the action's parameters).
    """

    strength: Literal["weak", "strong"]
    for_each: tuple[str, ...] = ()
    when: Callable[..., bool] | None = None


def weak(
    *, for_each: str | tuple[str, ...] = (), when: Callable[..., bool] | None = None
) -> Fairness:
    """Weak fairness: if the action stays enabled for ever, it is taken again and again."""
    return Fairness("weak", (for_each,) if isinstance(for_each, str) else for_each, when)


def strong(
    *, for_each: str | tuple[str, ...] = (), when: Callable[..., bool] | None = None
) -> Fairness:
    """Strong fairness: if the action is enabled again and again, it is taken again and again."""
    return Fairness("strong", (for_each,) if isinstance(for_each, str) else for_each, when)


@dataclass(frozen=True)
class Declaration:
    """What a marker said about a method."""

    kind: Kind
    fairness: Fairness | EllipsisType | None = None
    """`Ellipsis`: nothing was said, so an override keeps what it overrides."""
    optional: bool = False
    steps: int = 1
    constants: tuple[tuple[str, str], ...] = ()


def declaration_of(function: Any) -> Declaration | None:
    return getattr(function, "__declaration__", None)


def _mark(function: F, declaration: Declaration) -> F:
    _check_marked(function, declaration.kind)
    function.__declaration__ = declaration  # type: ignore[attr-defined]
    return function


def _check_marked(function: Any, kind: Kind) -> None:
    """A marker stands once, and on a method: a second one would silently replace the first."""
    if not isinstance(function, FunctionType):
        before = declaration_of(function)
        if before is None:
            raise SpecError(
                f"`@{kind}` marks a method, and {function!r} is none",
                f"write @{kind} above `def`; what it takes has a name, as in fairness=weak()",
                _place_of(_users_frame()),
            )
    else:
        before = declaration_of(function)
    if before is not None:
        code = (function if isinstance(function, FunctionType) else function.function).__code__
        line = linecache.getline(code.co_filename, code.co_firstlineno).rstrip()
        raise SpecError(
            f"`{function.__name__}` has two markers: @{before.kind} and @{kind}",
            "keep one; what is said twice needs two methods",
            Place(code.co_filename, code.co_firstlineno, 0, line),
        )


def _check_fairness(fairness: Any) -> None:
    if fairness is not None and fairness is not ... and not isinstance(fairness, Fairness):
        said = getattr(fairness, "__name__", repr(fairness))
        raise SpecError(
            f"fairness cannot be {said}",
            "write fairness=weak() or fairness=strong(), with brackets",
            _place_of(_users_frame()),
        )


def _users_frame() -> FrameType:
    """The innermost frame outside of this file: the class that is marked."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename == __file__ and frame.f_back is not None:
        frame = frame.f_back
    return frame


@overload
def action(function: F) -> F: ...
@overload
def action(*, fairness: Fairness | None = None, optional: bool = False) -> Callable[[F], F]: ...
def action(function: Any = None, *, fairness: Any = ..., optional: bool = False) -> Any:
    """A step of the system.  Each parameter ranges over its type.

    `fairness`: `weak(...)` or `strong(...)`; where nothing is said, an override of an action
    keeps the fairness of what it overrides (`fairness=None` takes it away).  `optional=True`:
    the check does not fail when the action is never taken.
    """
    _check_fairness(fairness)
    declaration = Declaration("action", fairness, optional)
    if function is None:
        return lambda method: _mark(method, declaration)
    return _mark(function, declaration)


def _place_of(frame: FrameType) -> Place:
    file, line = frame.f_code.co_filename, frame.f_lineno
    return Place(file, line, 0, linecache.getline(file, line).rstrip())


def _marker(kind: Kind, doc: str) -> Callable[[F], F]:
    def mark(function: F | None = None) -> F:
        if function is None:
            place = _place_of(sys._getframe(1))
            raise SpecError(f"`@{kind}` has no options", f"write @{kind}, without brackets", place)
        return _mark(function, Declaration(kind))

    mark.__name__ = mark.__qualname__ = kind
    mark.__doc__ = doc
    return mark


init = _marker("init", "One way to begin: assigns fields over their defaults.")
invariant = _marker("invariant", "Holds in every reachable state.")
reachable = _marker("reachable", "Holds in some reachable state.")
step_property = _marker("step_property", "Holds of every step, from `self.old` to `self`.")
eventually = _marker("eventually", "Every fair run reaches a state where it holds.")
infinitely_often = _marker("infinitely_often", "Every fair run makes it true again and again.")
eventually_always = _marker("eventually_always", "In every fair run it is true from some point on.")
leads_to = _marker("leads_to", "Returns `(p, q)`: in every fair run, whenever p, then or later q.")
final = _marker("final", "States where it is right that nothing more happens.")
constraint = _marker("constraint", "States where it is false are not extended.")
assume = _marker("assume", "What the constants must satisfy.")


@overload
def refinement(function: F) -> F: ...
@overload
def refinement(*, steps: int = 1, **constants: str) -> Callable[[F], F]: ...
def refinement(function: Any = None, *, steps: int = 1, **constants: Any) -> Any:
    """Returns `Other.at(field=...)`: each step here is a step there, or none.

    `steps` allows up to so many steps there for one here.  The other spec's constants are
    those of the same name here; `acceptors="nodes"` says otherwise.
    """
    declaration = Declaration("refinement", steps=steps, constants=tuple(sorted(constants.items())))
    if function is None:
        return lambda method: _mark(method, declaration)
    return _mark(function, declaration)


Steps = Generator[str, Any, None]
"""What a process returns: the names of its steps."""


class At(str):
    """What a type checker is to know of `self.worker.at`: a name, alone or for each parameter."""

    def __getitem__(self, parameter: Any) -> str:
        raise NotImplementedError


class Process:
    """A method marked `@process`.  `at` is the name of its next step, by parameter."""

    at: At

    def __init__(self, function: Callable[..., Steps], fairness: Fairness | None) -> None:
        _check_marked(function, "process")
        self.function = function
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.__declaration__ = Declaration("process", fairness)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


@overload
def process(function: Callable[..., Steps]) -> Process: ...
@overload
def process(*, fairness: Fairness | None = None) -> Callable[[Callable[..., Steps]], Process]: ...
def process(
    function: Callable[..., Steps] | None = None, *, fairness: Fairness | None = None
) -> Process | Callable[[Callable[..., Steps]], Process]:
    """Sequential code with named steps: see `processes.py`."""
    _check_fairness(fairness)
    if function is None:
        return lambda method: Process(method, fairness)
    return Process(function, fairness)


# --------------------------------------------------------------------------- fields


@dataclass(frozen=True)
class Range:
    """The domain of an `int`: `Annotated[int, Range(stop)]` or `Range(start, stop)`.

    As Python's `range`: `stop` is not included.  A bound is a number, or text over the
    spec's constants with `+ - *` (`"ballots + 1"`).  `beyond` says what happens to a step
    that leaves it: `"error"`, `"block"` (not enabled), `"prune"` (the state is cut off).
    """

    start: int | str
    stop: int | str
    beyond: Beyond

    def __init__(
        self, start: int | str, stop: int | str | None = None, *, beyond: Beyond = "error"
    ) -> None:
        if stop is None:
            start, stop = 0, start
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "stop", stop)
        object.__setattr__(self, "beyond", beyond)


@dataclass(frozen=True)
class AtMost:
    """The most items of a Seq, a Bag or a Set: `Annotated[Seq[T], AtMost(3)]`."""

    number: int | str
    beyond: Beyond = "error"


@dataclass(frozen=True)
class Members:
    """The marker of a constant that gives a Sort its members."""

    default: Any


@dataclass(frozen=True)
class Const:
    """The marker of any other constant; `default` may be a function of the spec."""

    default: Any


@dataclass(frozen=True)
class Ghost:
    """The marker of a history field; `Ellipsis`: the default of its type."""

    initial: Any


@dataclass(frozen=True)
class Part:
    """The marker of a part with constants of its own."""

    constants: tuple[tuple[str, Any], ...]


def members(default: int | list[str] | None = None) -> Any:
    """The members of a Sort: so many, or these names.  Declares a constant of the spec."""
    return Members(default)


def const(default: Any = None) -> Any:
    """A constant of the spec, with a default (or a function of the spec that gives it)."""
    return Const(default)


def ghost(initial: Any = ...) -> Any:
    """A history field: it records, and nothing but properties may depend on it."""
    return Ghost(initial)


def part(**constants: Any) -> Any:
    """The constants of a part: values, or text over the constants of the whole."""
    return Part(tuple(constants.items()))


def everywhere(value: Any) -> Any:
    """A map with this value at every key."""
    return Everywhere(value)
