"""`Spec`: the base class of every specification, and the object that holds a state.

An instance is a machine: constants, and fields that hold one state.  Its methods are the
user's, with value semantics (`rewrite.py`).  A value that is assigned to a field is checked
against the field's domain at once; nothing is ever wrapped or cut to fit.

`Model` (in `model.py`) drives a machine of its own through many states.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, Self, get_origin

from checker.lang.declare import Declaration, Process, declaration_of
from checker.lang.errors import Blocked, ModelError, NotEnabled, Place, Pruned, SpecError
from checker.lang.resolve import annotations_of
from checker.lang.rewrite import rewritten
from checker.lang.source import place_in, remember_frame
from checker.lang.types import Everywhere, Type

if TYPE_CHECKING:
    from checker.lang.model import Model

KNOWN_VALUES = 200_000
"""How many checked values a field remembers, so that equal values are checked once."""


BEYOND_A_BOUND = 'guard the step, widen the domain, or say beyond="block" (or "prune") on its bound'


class Slot:
    """What may be assigned to one field: values of its domain, in canonical form."""

    def __init__(self, name: str, of: Type) -> None:
        self.name = name
        self.type = of
        self.known: dict[Any, Any] = {}

    def admit(self, value: Any) -> Any:
        """The canonical form of `value`; raises `ModelError`, `Blocked` or `Pruned`."""
        try:
            return self.known[value]
        except (KeyError, TypeError):
            pass
        whole = value
        misfit = self.type.misfit(value)
        if misfit:
            whole = self.type.coerce(value)
            misfit = self.type.misfit(whole)
        if misfit:
            if misfit.beyond == "block":
                raise Blocked(misfit.problem)
            if misfit.beyond == "prune":
                raise Pruned(misfit.problem)
            raise ModelError(
                f"`{self.name}` cannot hold this: {misfit.problem}",
                misfit.mend or BEYOND_A_BOUND,
            )
        if len(self.known) >= KNOWN_VALUES:
            self.known.clear()
        if not isinstance(value, Everywhere | list | dict) or whole is value:
            self.known[value] = whole
        return whole


class Cell:
    """Something with fields: a spec, a part, or a process of a machine."""

    _slots: dict[str, Slot]

    def __setattr__(self, name: str, value: Any) -> None:
        slot = self._slots.get(name)
        if slot is None:
            known = ", ".join(self._slots) or "none"
            raise ModelError(
                f"`{name}` is not a field of `{type(self).__name__}`",
                f"declare it in the class, with its type (the fields are: {known})",
            )
        self.__dict__[name] = slot.admit(value)


class ProcessCell(Cell):
    """The state of a process: `at`, and the locals that live from step to step."""


class Spec(Cell):
    """The base of every specification: see `docs/language.md`.

    `Paxos(acceptors=3)` gives an instance: constants by keyword, defaults for the rest.
    `SpecError` if the class or a constant is wrong.
    """

    old: Self
    """The state before the step: in actions and step properties."""

    _model: Model

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        remember_frame(cls, sys._getframe(1))
        if "__init__" in vars(cls):
            _refuse_special("__init__", vars(cls)["__init__"])

    def __init__(self, **constants: Any) -> None:
        from checker.lang.model import Model

        Model(type(self), constants, machine=self)

    @classmethod
    def at(cls, **fields: Any) -> Self:
        """A state of this spec, for a `@refinement` to return."""
        return StateOf(cls, fields)  # type: ignore[return-value]

    def _trial(self, action: Callable[..., Any], args: tuple[Any, ...]) -> bool:
        """Whether `action` runs to its end here; leaves this machine as it was."""
        held = self._model.snapshot()
        try:
            action(*args)
        except NotEnabled:
            return False
        else:
            return True
        finally:
            self._model.restore(held)

    def __repr__(self) -> str:
        model = self.__dict__.get("_model")
        return f"{type(self).__name__}()" if model is None else str(model.describe())


class StateOf:
    """The fields of a state of another spec, as a refinement gives them."""

    def __init__(self, cls: type[Spec], fields: dict[str, Any]) -> None:
        self.cls = cls
        self.fields = fields


# --------------------------------------------------------------------------- reading a class


def own_classes(cls: type) -> Iterator[type]:
    """The user's classes of a spec, bases first."""
    for part in reversed(cls.__mro__):
        if issubclass(part, Spec) and part is not Spec:
            yield part


def part_names(cls: type) -> frozenset[str]:
    """The fields of a spec that are specs themselves."""
    return frozenset(
        name
        for part in own_classes(cls)
        for name, annotation in annotations_of(part).items()
        if spec_class(annotation)
    )


def spec_class(annotation: Any) -> type[Spec] | None:
    """The spec class of an annotation such as `Lossy[Message]`, if it is one."""
    origin = get_origin(annotation) or annotation
    return origin if isinstance(origin, type) and issubclass(origin, Spec) else None


_prepared: set[type] = set()


def prepare_class(cls: type) -> None:
    """Give the methods of a spec value semantics.  Once for each class."""
    for part in own_classes(cls):
        if part in _prepared:
            continue
        _prepared.add(part)
        for name, method in list(vars(part).items()):
            written = inspect.isfunction(method) or isinstance(method, Process)
            if written and name in ("old", "at"):
                raise SpecError(
                    f"a method cannot be named `{name}`",
                    "`old` and `at` are taken",
                    _method_place(method),
                )
            if isinstance(method, property | classmethod | staticmethod):
                raise SpecError(
                    f"`{name}` is a {type(method).__name__}: a spec has plain methods only",
                    "write an ordinary method with `self`",
                    _method_place(method),
                )
            if inspect.isfunction(method) and not hasattr(method, "__wrapped__"):
                if name.startswith("__"):
                    _refuse_special(name, method)
                setattr(part, name, rewritten(method, part))


def _refuse_special(name: str, method: Any) -> NoReturn:
    raise SpecError(
        f"a spec defines no `{name}`",
        "declare fields in the class, as in `x: bool = False`; use @init for several initial "
        "states, and constants for what is given",
        _method_place(method),
    )


def _method_place(method: Any) -> Place:
    function = getattr(method, "fget", None) or getattr(method, "__func__", None) or method
    function = function.function if isinstance(function, Process) else function
    code = function.__code__
    line = code.co_firstlineno
    text = linecache.getline(code.co_filename, line).rstrip()
    return Place(code.co_filename, line, len(text) - len(text.lstrip()), text)


def method_of(cls: type, name: str) -> tuple[Any, type, Declaration | None] | None:
    """A method as seen on an instance, its class, and what was declared of it.

    An override without a marker keeps the marker of what it overrides; one that is marked
    `@action` and says nothing of fairness keeps the fairness.  `name = None` in a subclass
    takes the method away.
    """
    found: tuple[Any, type] | None = None
    said: Declaration | None = None
    for part in cls.__mro__:
        if name not in vars(part) or part in (Spec, Cell, object):
            continue
        method = vars(part)[name]
        if method is None:
            break
        if isinstance(method, Process) or inspect.isfunction(method):
            found = found or (method, part)
            here = declaration_of(method)
            if said is None:
                said = here
            elif said.fairness is ... and here is not None:
                said = replace(said, fairness=here.fairness)
            if said is not None and said.fairness is not ...:
                break
    if said is not None and said.fairness is ...:
        said = replace(said, fairness=None)
    return (*found, said) if found else None


def method_names(cls: type) -> list[str]:
    """The names of all methods, in the order in which they were first defined."""
    names: dict[str, None] = {}
    for part in own_classes(cls):
        for name, method in vars(part).items():
            if inspect.isfunction(method) or isinstance(method, Process):
                names[name] = None
    return list(names)


_places: dict[type, dict[str, Place]] = {}


def field_places(cls: type) -> dict[str, Place]:
    """Where each annotated name of a class stands in its file."""
    if cls not in _places:
        _places[cls] = _read_places(cls)
    return _places[cls]


def _read_places(cls: type) -> dict[str, Place]:
    file = _file_of(cls)
    if file is None:
        return {}
    text = "".join(linecache.getlines(file))
    found: dict[str, Place] = {}
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
            found["class"] = place_in(file, node)
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    found[item.target.id] = place_in(file, item)
    return found


def _file_of(cls: type) -> str | None:
    for method in vars(cls).values():
        function: Any = method.function if isinstance(method, Process) else method
        if inspect.isfunction(function):
            return str(inspect.unwrap(function).__code__.co_filename)
    file: str | None = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return file


def fail_field(cls: type, name: str, rule: str, mend: str) -> NoReturn:
    """A `SpecError` at a field of a class."""
    for part in cls.__mro__:
        place = field_places(part).get(name)
        if place:
            raise SpecError(rule, mend, place)
    raise SpecError(rule, mend)


__all__ = ["Cell", "ProcessCell", "Slot", "Spec", "StateOf"]
