"""One state of both sides, compared: the variables, and the steps that are possible.

Rules of this file:

* What a system says is checked for form first: a variable or an action that the spec has not, or
  a variable missing that is not declared `unobserved`, is the adapter's error and no verdict.
* Variables of messages are compared like all others; only the verdict has another name, and only
  if nothing else differs: a node that went wrong usually sends something wrong, too.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from checker.conform.system import AdapterError, Failed, NotPossible, Step, System, SystemFactory
from checker.lang.errors import NotEnabled, Pruned, QuorateError
from checker.lang.model import Model, State
from checker.lang.spec import Spec
from checker.lang.types import MapT, OptionT, SeqT, SetT, Type
from checker.lang.values import Map, Set
from checker.report.changes import Change, differences

Kind = Literal[
    "missing step",
    "unexpected step",
    "wrong state",
    "missing message",
    "unexpected message",
    "failed step",
]

T = TypeVar("T")
MOST_LINES, MOST_PLACES = 6, 2
"""So much of an error is shown."""


@dataclass(frozen=True)
class Spotted:
    """A difference, where it was seen: after `path` from the initial state `start`.

    Where the state is wrong, the last step of `path` led to it.  Otherwise `path` was taken on
    both sides, and the `steps` are possible in the state after it on one side only, or the one of
    them failed there.
    """

    kind: Kind
    start: State
    path: tuple[Step, ...]
    steps: tuple[Step, ...] = ()
    """Steps that are possible on one side only."""
    found: Mapping[str, Any] | None = None
    """The system's state, where it is wrong."""
    said: str = ""
    """What the system said when it refused or failed."""


@dataclass(frozen=True)
class Fault:
    """What `Spotted` says, without the path to it."""

    kind: Kind
    steps: tuple[Step, ...] = ()
    found: Mapping[str, Any] | None = None
    said: str = ""

    def after(self, start: State, path: tuple[Step, ...]) -> Spotted:
        return Spotted(self.kind, start, path, self.steps, self.found, self.said)


class Comparison:
    """Compares states of a system with those of a model."""

    def __init__(self, model: Model, system: System) -> None:
        self.model = model
        self.system = system
        self.name = type(system).__name__
        self.actions = {action.name: len(action.params) for action in model.actions}
        names = [field.name for field in model.fields]
        self._known("messages", system.messages, names)
        self._known("unobserved", system.unobserved, names)
        self.observed = {
            field.name: index
            for index, field in enumerate(model.fields)
            if field.name not in system.unobserved
        }

    def _known(self, what: str, given: Collection[str], names: list[str]) -> None:
        for name in given:
            if name not in names:
                raise AdapterError(
                    f"{self.name}.{what} names `{name}`, which is no variable of "
                    f"{self.model.name}: they are {', '.join(names)}"
                )

    # ------------------------------------------------------------- states

    def state(self, expected: State) -> Fault | None:
        """Whether the system's state is this one."""
        found = self.adapter("state", self.system.state)
        if not isinstance(found, Mapping):
            raise AdapterError(f"{self.name}.state() gives {found!r}, and not values by variable")
        if found.keys() != self.observed.keys():
            self._wrong_variables(found)
        if all(found[name] == expected[index] for name, index in self.observed.items()):
            return None
        types = {field.name: field.type for field in self.model.fields}
        found = {name: as_value(types[name], value) for name, value in found.items()}
        if all(found[name] == expected[index] for name, index in self.observed.items()):
            return None
        return Fault(wrong_kind(self.model, self.system.messages, expected, found), found=found)

    def _wrong_variables(self, found: Mapping[str, Any]) -> None:
        missing = [name for name in self.observed if name not in found]
        if missing:
            raise AdapterError(
                f"{self.name}.state() leaves out `{missing[0]}`: give its value, or declare it in "
                "`unobserved` with the reason"
            )
        name = next(name for name in found if name not in self.observed)
        why = "is declared unobserved" if name in self.system.unobserved else "the spec has not"
        raise AdapterError(f"{self.name}.state() gives `{name}`, which {why}")

    # ------------------------------------------------------------- steps

    def enabled(
        self, expected: Collection[Step], state: Callable[[], State], pruned: bool
    ) -> Fault | None:
        """Whether exactly these steps are possible.  `pruned`: a bound of the spec cut some off."""
        offered = frozenset(self.adapter("enabled", self.system.enabled))
        if len(offered) == len(expected) and offered.issuperset(expected):
            return None
        extra = [self._known_step(step) for step in offered.difference(expected)]
        missing = tuple(step for step in expected if step not in offered)
        if missing:
            return Fault("missing step", missing)
        if pruned:
            extra = [step for step in extra if not self._is_pruned(state(), step)]
        extra.sort(key=lambda step: (list(self.actions).index(step[0]), repr(step[1])))
        return Fault("unexpected step", tuple(extra)) if extra else None

    def _known_step(self, step: Any) -> Step:
        if not isinstance(step, tuple) or len(step) != 2 or not isinstance(step[1], tuple):
            raise AdapterError(f"{self.name}.enabled() gives {step!r}, which is no Step")
        name, args = step
        if name not in self.actions:
            raise AdapterError(
                f"{self.name}.enabled() offers `{name}`, which is no action of {self.model.name}: "
                f"they are {', '.join(self.actions)}"
            )
        if len(args) != self.actions[name]:
            raise AdapterError(
                f"{self.name}.enabled() offers `{name}` with {len(args)} arguments instead of "
                f"{self.actions[name]}"
            )
        return Step(name, args)

    def _is_pruned(self, state: State, step: Step) -> bool:
        """Whether the spec leaves the step open: it leads beyond its bounds."""
        try:
            self.model.step(state, self.model.action(step.action), step.args)
        except Pruned:
            return True
        except (NotEnabled, QuorateError):
            pass
        return False

    def take(self, step: Step) -> Fault | None:
        """Take a step, and say if that went wrong."""
        try:
            self.system.step(step)
        except Exception as error:
            return self.failed(step, error)
        return None

    def failed(self, step: Step, error: Exception) -> Fault:
        """What it means that a step raised this."""
        if isinstance(error, NotPossible):
            return Fault("missing step", (step,), said=str(error))
        if isinstance(error, Failed):
            return Fault("failed step", (step,), said=str(error))
        if isinstance(error, QuorateError):
            raise error
        return Fault(
            "failed step",
            (step,),
            said=f"{raised(error)}\nWhat {self.name}.step raises counts as the implementation's "
            "error; if it is the adapter's own, mend it there.",
        )

    def adapter(self, method: str, call: Callable[[], T]) -> T:
        """What a method of the adapter gives; an error in it is the adapter's."""
        try:
            return call()
        except Exception as error:
            raise self.blamed(method, error) from error

    def blamed(self, method: str, error: Exception) -> QuorateError:
        """An error of a method of the adapter other than `step`."""
        if isinstance(error, QuorateError):
            return error
        return AdapterError(f"{self.name}.{method} failed:\n{raised(error)}")


def made(factory: SystemFactory, spec: Spec) -> System:
    """A new system; `AdapterError` if it cannot be made."""
    try:
        system = factory(spec)
    except QuorateError:
        raise
    except Exception as error:
        name = getattr(factory, "__name__", "the system")
        raise AdapterError(f"{name} cannot be made:\n{raised(error)}") from error
    if not isinstance(system, System):
        raise AdapterError(f"{system!r} is no System: derive its class from checker.conform's")
    return system


def as_value(of: Type, value: Any) -> Any:
    """Python's own containers as the language's, so that differences show inside them."""
    match of:
        case MapT(_, item) if isinstance(value, dict):
            return Map({key: as_value(item, held) for key, held in value.items()})
        case SetT(item) if isinstance(value, set | frozenset):
            return Set(as_value(item, held) for held in value)
        case SeqT(item) if isinstance(value, list | tuple):
            return tuple(as_value(item, held) for held in value)
        case OptionT(item) if value is not None:
            return as_value(item, value)
    return value


def wrong_kind(
    model: Model, messages: Collection[str], expected: State, found: Mapping[str, Any]
) -> Kind:
    """What a wrong state is called."""
    changed = state_differences(model, expected, found)
    if any(change.variable not in messages for change in changed):
        return "wrong state"
    return "unexpected message" if any(c.change.mark != "−" for c in changed) else "missing message"


@dataclass(frozen=True)
class Difference:
    """One place where two states differ: from the spec's to the system's."""

    variable: str
    change: Change

    @property
    def expected(self) -> str:
        """In words: what the spec has there."""
        if self.change.mark == "+":
            return "not there"
        return text_of(self.change, self.change.before)

    @property
    def found(self) -> str:
        """In words: what the system has there."""
        if self.change.mark == "−":
            return "not there"
        return text_of(self.change, self.change.after)

    @property
    def path(self) -> str:
        """Where: `promised[a1]`; of a collection, the collection."""
        return self.change.path


def text_of(change: Change, value: Any) -> str:
    try:
        return change.of.text(value)
    except Exception:  # the system gave what is no value of the type
        return repr(value)


def state_differences(
    model: Model, expected: State, found: Mapping[str, Any]
) -> tuple[Difference, ...]:
    """Every place where the system's state is not the spec's."""
    seen: list[Difference] = []
    for field, old in zip(model.fields, expected, strict=True):
        if field.name not in found or found[field.name] == old:
            continue
        new = found[field.name]
        try:
            problem = field.type.misfit(new)
            changes = list(differences(field.type, old, new, field.name)) if not problem else []
        except Exception:  # not even of a like form
            changes = []
        if not changes:
            changes = [Change(field.name, "→", field.type, old, new)]
        seen += (Difference(field.name, change) for change in changes)
    return tuple(seen)


def raised(error: BaseException) -> str:
    """What was raised, and where: the innermost places of a traceback, the last one first."""
    what = traceback.format_exception_only(error)[-1].strip().splitlines()[:MOST_LINES]
    frames = traceback.extract_tb(error.__traceback__)[: -MOST_PLACES - 1 : -1]
    words = ["raised at", *["called at"] * MOST_PLACES]
    places = [
        f"  {word} {frame.filename}:{frame.lineno}: {frame.line}"
        for word, frame in zip(words, frames, strict=False)
    ]
    return "\n".join(what + places)
