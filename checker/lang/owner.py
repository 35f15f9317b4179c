"""What a spec, or a part of one, is made of: constants, fields, parts, processes, methods.

An `Owner` is one class at one place in the whole: the whole itself (`prefix` is empty), or a
part (`prefix` is `"net."`).  It resolves annotations with its own constants and type
variables, holds the machine that its methods run on, and says what a name means inside it.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, get_args, get_origin

from checker.lang.bindings import LARGEST_DOMAIN
from checker.lang.declare import (
    Const,
    Declaration,
    Ghost,
    Kind,
    Members,
    Part,
    Process,
    declaration_of,
)
from checker.lang.errors import Place, SpecError
from checker.lang.oversights import refuse_doubles
from checker.lang.processes import Steps, steps_of
from checker.lang.resolve import Resolver, annotations_of
from checker.lang.rewrite import rewritten_lambda, run_tree
from checker.lang.source import Source, source_of
from checker.lang.spec import (
    Cell,
    ProcessCell,
    Slot,
    Spec,
    fail_field,
    field_places,
    method_names,
    method_of,
    own_classes,
    prepare_class,
    spec_class,
)
from checker.lang.types import Everywhere, LabelT, MapT, NoDefault, SetT, SortT, Type, counted
from checker.lang.values import Set, Sort
from checker.lang.words import require

SortClass = type[Sort]


@dataclass(frozen=True)
class Constant:
    """A constant of an owner, by its name in the owner's class."""

    name: str
    type: Type
    value: Any
    members_of: SortClass | None = None


@dataclass(frozen=True)
class Field:
    """One variable of the state.  `name` is qualified: `promised`, `net.sent`, `worker.at`."""

    name: str
    type: Type
    ghost: bool
    initial: Any
    """`Ellipsis` if there is none: an `@init` must assign it."""
    place: Place | None


@dataclass(frozen=True)
class Param:
    name: str
    type: Type


@dataclass(frozen=True, eq=False)
class Function:
    """A function of the user's: a method, a step of a process, or a helper of a module."""

    name: str
    source: Source
    owner: Owner | None
    defined_in: type | None
    params: tuple[Param, ...]
    run: Callable[..., Any]
    returns: Any = None
    """The annotation of what it returns, as Python evaluated it; `None` if there is none."""


@dataclass(frozen=True)
class ProcessInfo:
    """A process of an owner: its steps as trees, and the types of what it holds."""

    name: str
    steps: Steps
    source: Source
    declaration: Declaration
    param: Param | None
    cell: ProcessCell
    fields: dict[str, Field]
    defined_in: type


class Owner:
    """A spec, or a part of one, at its place in the whole."""

    def __init__(
        self,
        cls: type[Spec],
        machine: Spec,
        given: dict[str, Any],
        *,
        outer: Owner | None = None,
        prefix: str = "",
        variables: dict[Any, Type] | None = None,
    ) -> None:
        prepare_class(cls)
        refuse_doubles(cls)
        self.cls = cls
        self.machine = machine
        self.outer = outer
        self.prefix = prefix
        self.variables = variables or {}
        self.constants: dict[str, Constant] = {}
        self.fields: dict[str, Field] = {}
        self.parts: dict[str, Owner] = {}
        self.processes: dict[str, ProcessInfo] = {}
        self.sorts: dict[type[Sort], SortT] = dict(outer.sorts) if outer else {}
        self.values: dict[str, Any] = {}
        self.resolver = Resolver(self.values, self.sorts, self.variables)
        self._read_annotations(dict(given))
        self._read_processes()
        machine.__dict__["_slots"] = {
            name: Slot(field.name, field.type)
            for name, field in self.fields.items()
            if "." not in name
        }

    # ------------------------------------------------------------- annotations

    def _read_annotations(self, given: dict[str, Any]) -> None:
        found: dict[str, tuple[Any, Any]] = {}
        for cls in own_classes(self.cls):
            for name, annotation in annotations_of(cls).items():
                if get_origin(annotation) is not ClassVar:
                    found[name] = (annotation, None)
        for name, (annotation, _) in found.items():
            default = getattr(self.cls, name, ...)
            found[name] = (annotation, default)
        constants = {
            name: pair for name, pair in found.items() if isinstance(pair[1], Members | Const)
        }
        unknown = sorted(set(given) - set(constants))
        if unknown:
            known = ", ".join(constants) or "none"
            raise SpecError(
                f"`{self.cls.__name__}` has no constant `{unknown[0]}`",
                f"its constants are: {known}",
                field_places(self.cls).get("class"),
            )
        self._read_members(constants, given)
        for name, (annotation, marker) in constants.items():
            if isinstance(marker, Const):
                self._read_constant(name, annotation, marker, given)
        for name, (annotation, default) in found.items():
            if spec_class(annotation):
                self._read_part(name, annotation, default)
            elif name not in constants:
                self._read_field(name, annotation, default)

    def _read_members(self, constants: dict[str, tuple[Any, Any]], given: dict[str, Any]) -> None:
        said: dict[str, tuple[SortClass, Any]] = {}
        for name, (annotation, marker) in constants.items():
            if not isinstance(marker, Members):
                continue
            kind: Any = get_args(annotation)[0] if get_origin(annotation) is Set else None
            if kind in self.variables:
                kind = getattr(self.variables[kind], "kind", None)
            if not (isinstance(kind, type) and issubclass(kind, Sort)):
                fail_field(
                    self.cls,
                    name,
                    f"`{name}` is members(...), so its type is a set of a Sort",
                    f"write `{name}: Set[SomeSort] = members(3)`",
                )
            twice = next((other for other, (of, _) in said.items() if of is kind), None)
            if twice is not None:
                fail_field(
                    self.cls,
                    name,
                    f"the Sort `{kind.__name__}` has its members twice: `{twice}` and `{name}`",
                    f"give the second a Sort of its own, or write `{name}: "
                    f"Set[{kind.__name__}] = const(...)` for some of the members",
                )
            value = given.get(name, marker.default)
            if value is None and kind in self.sorts:
                value = [member.name for member in self.sorts[kind].members or ()]
            said[name] = (kind, value)
        initials = [kind.__name__[0].lower() for kind, _ in said.values()]
        for name, (kind, value) in said.items():
            prefix = kind.__name__[0].lower()
            if initials.count(prefix) > 1:
                prefix = kind.__name__.lower()
            names = self._member_names(name, value, prefix)
            members = tuple(kind.member(index, text) for index, text in enumerate(names))
            self.sorts[kind] = SortT(kind, members)
            self._set_constant(Constant(name, SetT(self.sorts[kind]), Set(members), kind))

    def _member_names(self, name: str, value: Any, prefix: str) -> list[str]:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return [f"{prefix}{index + 1}" for index in range(value)]
        if (
            isinstance(value, list | tuple)
            and value
            and all(isinstance(item, str) and item for item in value)
            and len(set(value)) == len(value)
        ):
            return list(value)
        fail_field(
            self.cls,
            name,
            f"the constant `{name}` cannot be {value!r}",
            f"give a number of members, 1 or more, or a list of different names: {name}=3",
        )

    def _read_constant(
        self, name: str, annotation: Any, marker: Const, given: dict[str, Any]
    ) -> None:
        of = self.resolver.resolve(annotation, self._place(name))
        value = given.get(name, marker.default)
        if callable(value) and not isinstance(value, type):
            value = value(self.machine) if name in given else self._computed(name, value)
        if value is None and of.misfit(None):
            fail_field(
                self.cls,
                name,
                f"the constant `{name}` has no default and is not given",
                f"write {self.cls.__name__}({name}=...), or -c {name}=...",
            )
        whole = of.coerce(value)
        problem = of.misfit(whole)
        if problem:
            fail_field(
                self.cls,
                name,
                f"the constant `{name}` cannot be {value!r}: {problem.problem}",
                f"its type is {of}",
            )
        self._set_constant(Constant(name, of, whole))

    def _computed(self, name: str, rule: Any) -> Any:
        """The default of a constant that is a function of the constants before it."""
        try:
            return rewritten_lambda(rule)(self.machine)
        except SpecError:
            raise
        except Exception as error:
            fail_field(
                self.cls,
                name,
                f"the default of the constant `{name}` cannot be computed: {error}",
                "it may use the constants that are declared before it, and values of the language",
            )

    def _set_constant(self, constant: Constant) -> None:
        self.constants[constant.name] = constant
        self.values[constant.name] = constant.value
        self.machine.__dict__[constant.name] = constant.value

    def _read_part(self, name: str, annotation: Any, default: Any) -> None:
        cls = spec_class(annotation)
        assert cls is not None
        if default is not ... and not isinstance(default, Part):
            fail_field(
                self.cls, name, f"the part `{name}` is given {default!r}", "write `= part(...)`"
            )
        given = dict(default.constants) if isinstance(default, Part) else {}
        kinds = {n: a for part in own_classes(cls) for n, a in annotations_of(part).items()}
        for constant, value in given.items():
            if isinstance(value, str):
                # The name of a set stands for its size where a number is needed, as in a Range.
                held = None if kinds.get(constant) is int else self.values.get(value)
                number = self.resolver.number
                given[constant] = number(value, self._place(name)) if held is None else held
        args = tuple(self.resolver.resolve(arg, self._place(name)) for arg in get_args(annotation))
        names = getattr(cls, "__parameters__", ())
        variables = dict(zip(names, args, strict=False))
        machine = object.__new__(cls)
        prefix = f"{self.prefix}{name}."
        part = Owner(cls, machine, given, outer=self, prefix=prefix, variables=variables)
        self.parts[name] = part
        self.machine.__dict__[name] = machine

    def _read_field(self, name: str, annotation: Any, default: Any) -> None:
        if name in ("old", "at") or name.startswith("_"):
            mend = "`old`, `at` and names with a _ in front are taken"
            fail_field(self.cls, name, f"a field cannot be named `{name}`", mend)
        place = self._place(name)
        of = self.resolver.resolve(annotation, place)
        is_ghost = isinstance(default, Ghost)
        if is_ghost and _blocks(of):
            fail_field(
                self.cls,
                name,
                f'the ghost field `{name}` blocks steps: its bound says beyond="block"',
                "a ghost only records: leave `beyond` out, or make it an ordinary field",
            )
        initial = default.initial if is_ghost else default
        keys = _most_keys(of)
        if keys > LARGEST_DOMAIN:
            fail_field(
                self.cls,
                name,
                f"the field `{name}` has {counted(keys)} keys: a Map has a value at each",
                "bound its keys more tightly, or keep a Set of pairs, of those that have a value",
            )
        if of.size is None:
            fail_field(
                self.cls,
                name,
                f"the field `{name}` has no bound: {of} has no finite domain",
                _bound_mend(of),
            )
        if of.size == 0:
            fail_field(
                self.cls,
                name,
                f"the field `{name}` can hold nothing: {of} has no values",
                "widen its bounds: Range(3) holds 0, 1 and 2",
            )
        if initial is ...:
            try:
                initial = of.default()
            except NoDefault:
                initial = ...
        else:
            whole = of.coerce(initial)
            problem = of.misfit(whole)
            if problem:
                fail_field(
                    self.cls,
                    name,
                    f"the field `{name}` cannot begin as {initial!r}: {problem.problem}",
                    f"give a value of {of}"
                    + (", or everywhere(...)" if isinstance(of, MapT) else ""),
                )
            initial = whole
        self.fields[name] = Field(f"{self.prefix}{name}", of, is_ghost, initial, place)

    def _place(self, name: str) -> Place | None:
        for cls in self.cls.__mro__:
            if issubclass(cls, Spec) and name in field_places(cls):
                return field_places(cls)[name]
        return None

    # ------------------------------------------------------------- processes

    def _read_processes(self) -> None:
        for name in method_names(self.cls):
            found = method_of(self.cls, name)
            if found and isinstance(found[0], Process):
                self._read_process(name, found[0], found[1])

    def _read_process(self, name: str, process: Process, defined_in: type) -> None:
        source = source_of(process.function, defined_in)
        source.names.setdefault("require", require)
        steps = steps_of(source)
        param = None
        if steps.parameter is not None:
            param = self.params_of(source, [steps.parameter])[0]
        cell = object.__new__(ProcessCell)
        fields: dict[str, Field] = {}
        at = LabelT(name, steps.labels)
        fields["at"] = self._process_field(f"{name}.at", at, param, ..., source.place())
        for local in steps.locals:
            of = self.resolver.resolve(
                evaluate(local.annotation, source), source.place(local.annotation)
            )
            if of.size is None:
                raise SpecError(
                    f"the local `{local.name}` has no bound: {of} has no finite domain",
                    _bound_mend(of),
                    source.place(local.annotation),
                )
            initial = ... if local.initial is None else evaluate(local.initial, source)
            place = source.place(local.annotation)
            fields[local.name] = self._process_field(
                f"{name}.{local.name}", of, param, initial, place
            )
        slots = {local: Slot(field.name, field.type) for local, field in fields.items()}
        cell.__dict__["_slots"] = slots
        self.machine.__dict__[name] = cell
        self.fields |= {f"{name}.{local}": field for local, field in fields.items()}
        self.processes[name] = ProcessInfo(
            name, steps, source, process.__declaration__, param, cell, fields, defined_in
        )

    def _process_field(
        self, name: str, of: Type, param: Param | None, initial: Any, place: Place
    ) -> Field:
        whole: Type = MapT(param.type, of) if param else of
        try:
            one = of.default() if initial is ... else of.coerce(initial)
        except NoDefault:
            raise SpecError(
                f"the local `{name}` needs an initial value", f"{of} has no default", place
            ) from None
        problem = of.misfit(one)
        if problem:
            raise SpecError(
                f"the local `{name}` cannot begin as {one!r}: {problem.problem}",
                f"give a value of {of}",
                place,
            )
        value = MapT.coerce(whole, Everywhere(one)) if isinstance(whole, MapT) else one
        return Field(f"{self.prefix}{name}", whole, False, value, place)

    # ------------------------------------------------------------- methods

    def function(self, name: str) -> Function:
        """The method that `self.name` is.  `KeyError` if there is none."""
        if name not in self._functions:
            found = method_of(self.cls, name)
            if found is None or isinstance(found[0], Process):
                raise KeyError(name)
            self._functions[name] = self._function_of(found[0], name, found[1])
        return self._functions[name]

    @cached_property
    def _functions(self) -> dict[str, Function]:
        return {}

    def base_function(self, below: type, name: str) -> Function:
        """The method that `super().name` is inside the class `below`.  `KeyError` if none."""
        after = self.cls.__mro__[self.cls.__mro__.index(below) + 1 :]
        for cls in after:
            if name in vars(cls) and issubclass(cls, Spec) and cls is not Spec:
                return self._function_of(vars(cls)[name], name, cls)
        raise KeyError(name)

    def _function_of(self, run: Callable[..., Any], name: str, defined_in: type) -> Function:
        source = source_of(run, defined_in)
        arguments = source.tree.args
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.defaults:
            raise SpecError(
                f"`{name}` has parameters of a form that specs do not use",
                "use plain parameters with types: no *, ** or defaults",
                source.place(),
            )
        if not arguments.args or arguments.args[0].arg != "self":
            raise SpecError(
                f"`{name}` has no `self`",
                f"write `def {name}(self, ...)`: `self` is the state",
                source.place(),
            )
        params = self.params_of(source, arguments.args[1:])
        returns = inspect.unwrap(run).__annotations__.get("return")
        return Function(f"{self.prefix}{name}", source, self, defined_in, params, run, returns)

    def params_of(self, source: Source, args: list[ast.arg]) -> tuple[Param, ...]:
        made = []
        for arg in args:
            if arg.annotation is None:
                raise SpecError(
                    f"the parameter `{arg.arg}` of `{source.tree.name}` has no type",
                    f"write `{arg.arg}: SomeType`",
                    source.place(arg),
                )
            annotation = evaluate(arg.annotation, source)
            made.append(Param(arg.arg, self.resolver.resolve(annotation, source.place(arg))))
        return tuple(made)

    def step_function(self, process: ProcessInfo, label: str) -> Function:
        """One named step of a process, as a function of the process's parameter and its own."""
        tree = process.steps.bodies[label]
        source = Source(tree, process.source.file, process.source.names)
        run = run_tree(source, process.defined_in)
        params = self.params_of(source, tree.args.args[1:])
        name = f"{self.prefix}{process.name}.{label}"
        return Function(name, source, self, process.defined_in, params, run)

    def tree_of_part(self, part: str, method: str) -> ast.FunctionDef | None:
        """The tree of what `self.part.method` calls, if there is such a method."""
        try:
            return self.parts[part].function(method).source.tree
        except KeyError:
            return None

    # ------------------------------------------------------------- the whole below here

    def resolve(self, annotation: Any, place: Place | None = None) -> Type:
        """The type of an annotation, as this owner's constants make it."""
        return self.resolver.resolve(annotation, place)

    def everyone(self) -> Iterator[Owner]:
        """The parts, innermost first, and then this owner itself."""
        for part in self.parts.values():
            yield from part.everyone()
        yield self

    def cells(self) -> Iterator[tuple[Cell, dict[str, Field]]]:
        """Every object that holds fields, with them by local name."""
        own = {name: field for name, field in self.fields.items() if "." not in name}
        yield self.machine, own
        for process in self.processes.values():
            yield process.cell, process.fields
        for part in self.parts.values():
            yield from part.cells()

    def calls_of_parts(self) -> Iterator[tuple[str, str]]:
        """`(part, method)` for each `self.part.method(...)` in a method of this owner."""
        for source in self.sources():
            for node in ast.walk(source.tree):
                match node:
                    case ast.Call(
                        func=ast.Attribute(
                            value=ast.Attribute(value=ast.Name(id="self"), attr=part), attr=method
                        )
                    ) if part in self.parts:
                        yield part, method

    def sources(self, besides: Kind | None = None) -> Iterator[Source]:
        """Every method of the class and of its bases, the overridden ones too.

        `besides`: without those that are marked as this.
        """
        for cls in own_classes(self.cls):
            for method in vars(cls).values():
                said = declaration_of(method)
                if besides is not None and said is not None and said.kind == besides:
                    continue
                if isinstance(method, Process):
                    yield source_of(method.function)
                elif inspect.isfunction(method):
                    yield source_of(method)


def _most_keys(of: Any) -> int:
    """How many keys the largest Map inside a type has."""
    if isinstance(of, tuple):
        return max(map(_most_keys, of), default=0)
    if not isinstance(of, Type):
        return 0
    if isinstance(of, MapT) and (of.key.size or 0) > LARGEST_DOMAIN:
        return of.key.size or 0
    inside = _most_keys(tuple(vars(of).values()))
    return max(inside, of.key.size or 0) if isinstance(of, MapT) else inside


def _blocks(of: Any) -> bool:
    """Whether some bound inside a type blocks the step that leaves it."""
    if isinstance(of, tuple):
        return any(_blocks(part) for part in of)
    return isinstance(of, Type) and (
        getattr(of, "beyond", "") == "block" or _blocks(tuple(vars(of).values()))
    )


def evaluate(node: ast.expr, source: Source) -> Any:
    """The value of the user's own annotation or initial value, as Python evaluates it."""
    try:
        value = eval(compile(ast.Expression(node), source.file, "eval"), dict(source.names))
        if isinstance(value, str):
            value = eval(value, dict(source.names))
        return value
    except Exception as error:
        raise SpecError(
            f"`{ast.unparse(node)}` cannot be evaluated: {error}",
            "import or define the names in it",
            source.place(node),
        ) from None


def _bound_mend(of: Type) -> str:
    if "Seq" in str(of) or "Bag" in str(of):
        return "bound it: Annotated[Seq[...], AtMost(3)]"
    return 'bound it: Annotated[int, Range(0, 4)], or Range("max_ballot + 1") over a constant'


__all__ = ["Constant", "Field", "Function", "Owner", "Param", "ProcessInfo"]
