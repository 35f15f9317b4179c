"""An instance of a spec, made ready to run: what the engines and the compiler see.

A `Model` drives one machine (a `Spec` object) through states.  A state is a tuple with one
value for each of `Model.fields`, in order.  The meaning of a step is what the user's method
does to the machine, in CPython:

    load the state;  run the method;  a guard that fails means: no step;  read the state

Nothing here is clever.  The native engine and the IR are checked against it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from operator import itemgetter
from typing import TYPE_CHECKING, Any, get_args

from checker.lang import failures
from checker.lang.bindings import Bindings, check_judgeable
from checker.lang.declare import Declaration, Fairness, Kind
from checker.lang.errors import ModelError, NotEnabled, Pruned, SpecError
from checker.lang.owner import Constant, Field, Function, Owner, Param
from checker.lang.spec import Spec, StateOf, field_places, method_names, method_of

if TYPE_CHECKING:
    from checker.lang.ir import Program

State = tuple[Any, ...]

PROPERTY_KINDS: tuple[Kind, ...] = (
    "invariant",
    "reachable",
    "step_property",
    "eventually",
    "infinitely_often",
    "eventually_always",
    "leads_to",
)
LIVENESS_KINDS = ("eventually", "infinitely_often", "eventually_always", "leads_to")


@dataclass(frozen=True, eq=False)
class Action:
    """An action, an initial choice, or a named step of a process."""

    name: str
    function: Function
    machine: Spec
    bindings: Bindings
    fairness: Fairness | None = None
    optional: bool = False

    @property
    def params(self) -> tuple[Param, ...]:
        return self.function.params

    def text(self, args: tuple[Any, ...]) -> str:
        """The action with its arguments: `promise(a=a1, m=Prepare(ballot=0))`."""
        pairs = zip(self.params, args, strict=True)
        inside = ", ".join(f"{param.name}={param.type.text(arg)}" for param, arg in pairs)
        return f"{self.name}({inside})"


@dataclass(frozen=True, eq=False)
class Property:
    """Something that must hold, for every value of its parameters."""

    name: str
    kind: Kind
    function: Function
    machine: Spec

    @property
    def params(self) -> tuple[Param, ...]:
        return self.function.params

    def bindings(self) -> list[tuple[Any, ...]]:
        return list(product(*(tuple(param.type.values()) for param in self.params)))

    def text(self, args: tuple[Any, ...]) -> str:
        if not args:
            return self.name
        pairs = zip(self.params, args, strict=True)
        inside = ", ".join(f"{param.name}={param.type.text(arg)}" for param, arg in pairs)
        return f"{self.name}({inside})"


@dataclass(frozen=True, eq=False)
class Refinement:
    """How a state of this spec is a state of another."""

    name: str
    function: Function
    machine: Spec
    other: Model
    steps: int


class Model:
    """A spec with its constants, ready to run.  `SpecError` if anything is wrong with it."""

    def __init__(
        self, cls: type[Spec], constants: dict[str, Any], machine: Spec | None = None
    ) -> None:
        self.cls = cls
        self.given = dict(constants)
        self.name = cls.__name__
        self.machine = machine if machine is not None else object.__new__(cls)
        self.root = Owner(cls, self.machine, constants)
        self.constants = self.root.constants
        self.owners = tuple(self.root.everyone())
        for owner in self.owners:
            owner.machine.__dict__["_model"] = self
        self._cells = list(self.root.cells())
        self.fields: tuple[Field, ...] = tuple(
            field for _, fields in self._cells for field in fields.values()
        )
        self._readers = [_reader(list(fields)) for _, fields in self._cells]
        self._names = [tuple(fields) for _, fields in self._cells]
        self._slots = [cell._slots[name] for cell, fields in self._cells for name in fields]
        self._abstract_names = [field.name.replace(".", "_") for field in self.fields]
        self._loaded: State | None = None
        self.pruned = False
        """Whether a step has been cut off by a bound declared with `beyond="prune"`."""
        self.program: Program | None = None
        """What `compile_model` made of it; `None`: it was not compiled."""
        self._old: Model | None = None
        self._read_methods()
        self._check_assumptions()
        self.load(self.defaults)

    @classmethod
    def of(cls, spec: Spec) -> Model:
        """A model with a machine of its own, of the same instance as `spec`."""
        held = spec._model
        return cls(held.cls, held.given)

    def describe(self) -> str:
        inside = ", ".join(f"{name}={_brief(c)}" for name, c in self.constants.items())
        return f"{self.name}({inside})"

    # ------------------------------------------------------------- reading the methods

    def _read_methods(self) -> None:
        self.actions: tuple[Action, ...] = ()
        self.properties: tuple[Property, ...] = ()
        self.assumptions: tuple[Property, ...] = ()
        self.final: tuple[Property, ...] = ()
        self.constraints: tuple[Property, ...] = ()
        self.refinements: tuple[Refinement, ...] = ()
        self.inits: dict[str, list[Action]] = {}
        for owner in self.owners:
            self.inits[owner.prefix] = []
            synchronised = set(owner.outer.calls_of_parts()) if owner.outer else set()
            for name in method_names(owner.cls):
                if name in owner.processes:
                    self._add_process(owner, name)
                    continue
                found = method_of(owner.cls, name)
                if found is None or found[2] is None:
                    continue
                part = owner.prefix.rstrip(".").rpartition(".")[2]
                if found[2].kind == "action" and (part, name) in synchronised:
                    continue
                self._add(owner, name, found[2])
        if not self.actions:
            raise SpecError(
                f"`{self.name}` has no action",
                "mark what can happen with @action",
                field_places(self.cls).get("class"),
            )

    def _add(self, owner: Owner, name: str, said: Declaration) -> None:
        function = owner.function(name)
        if said.kind == "action":
            self.actions += (self._action(function, owner, said),)
        elif said.kind == "init":
            self.inits[owner.prefix].append(self._action(function, owner, said))
        elif said.kind == "refinement":
            self.refinements += (self._refinement(function, owner, said),)
        else:
            check_judgeable(function.source, [(p.name, p.type) for p in function.params])
            made = Property(function.name, said.kind, function, owner.machine)
            if said.kind == "final":
                self.final += (made,)
            elif said.kind == "constraint":
                self.constraints += (made,)
            elif said.kind == "assume":
                self.assumptions += (made,)
            else:
                self.properties += (made,)

    def _action(self, function: Function, owner: Owner, said: Declaration) -> Action:
        names = {param.name for param in function.params}
        fairness = said.fairness if isinstance(said.fairness, Fairness) else None
        for name in fairness.for_each if fairness else ():
            if name not in names:
                raise SpecError(
                    f"fairness for each `{name}`: `{function.name}` has no such parameter",
                    f"its parameters are: {', '.join(sorted(names)) or 'none'}",
                    function.source.place(),
                )
        params = [(param.name, param.type) for param in function.params]
        bindings = Bindings(function.source, params, function.defined_in, owner.tree_of_part)
        return Action(function.name, function, owner.machine, bindings, fairness, said.optional)

    def _add_process(self, owner: Owner, name: str) -> None:
        process = owner.processes[name]
        for label in process.steps.bodies:
            function = owner.step_function(process, label)
            self.actions += (self._action(function, owner, process.declaration),)

    def _refinement(self, function: Function, owner: Owner, said: Declaration) -> Refinement:
        target = function.returns
        if isinstance(target, str):
            target = function.source.lookup(target)
        if not (isinstance(target, type) and issubclass(target, Spec)):
            raise SpecError(
                f"`{function.name}` does not say which spec it refines",
                f"write `def {function.name}(self) -> OtherSpec:`",
                function.source.place(),
            )
        renamed = dict(said.constants)
        given = {}
        for name in constants_of(target):
            here = owner.constants.get(renamed.get(name, name))
            if here is not None:
                given[name] = _as_given(here)
            elif name in renamed:
                given[name] = owner.resolver.number(renamed[name], function.source.place())
            elif (sort := sort_of(target, name)) in owner.sorts:
                given[name] = [member.name for member in owner.sorts[sort].members or ()]
        other = Model(target, given)
        return Refinement(function.name, function, owner.machine, other, said.steps)

    def _check_assumptions(self) -> None:
        for assumption in self.assumptions:
            for args in assumption.bindings():
                with failures.explained(assumption.name):
                    holds = assumption.function.run(assumption.machine, *args)
                if not holds:
                    values = ", ".join(f"{c.name}={_brief(c)}" for c in self.constants.values())
                    raise SpecError(
                        f"the constants do not satisfy the assumption "
                        f"`{assumption.text(args)}`: {values}",
                        "choose other constants",
                        assumption.function.source.place(),
                    )

    # ------------------------------------------------------------- states of the machine

    def load(self, state: State) -> None:
        """Put a state into the machine."""
        if state is self._loaded:
            self._reload()
            return
        self._loaded = state
        start = 0
        self._held = []
        for (cell, _), names in zip(self._cells, self._names, strict=True):
            held = dict(zip(names, state[start:], strict=False))
            start += len(names)
            self._held.append((cell.__dict__, held))
        self._reload()

    def _reload(self) -> None:
        """Put back the state that was loaded last."""
        for cell, held in self._held:
            cell.update(held)

    def read(self) -> State:
        """The state that the machine holds."""
        if len(self._cells) == 1:
            return self._readers[0](self.machine.__dict__)
        state: State = ()
        for (cell, _), reader in zip(self._cells, self._readers, strict=True):
            state += reader(cell.__dict__)
        return state

    def snapshot(self) -> list[dict[str, Any]]:
        return [dict(cell.__dict__) for cell, _ in self._cells]

    def restore(self, held: list[dict[str, Any]]) -> None:
        for (cell, _), values in zip(self._cells, held, strict=True):
            cell.__dict__.update(values)

    def load_old(self, state: State) -> None:
        """Make `state` what `self.old` shows."""
        if self._old is None:
            self._old = Model(self.cls, self.given)
            pairs = zip(self.owners, self._old.owners, strict=True)
            for owner, other in pairs:
                owner.machine.__dict__["old"] = other.machine
        self._old.load(state)

    @property
    def uses_old(self) -> bool:
        """Whether an action reads `self.old`."""
        if not hasattr(self, "_uses_old"):
            self._uses_old = any(
                isinstance(node, ast.Attribute) and node.attr == "old"
                for owner in self.owners
                for source in owner.sources(besides="step_property")
                for node in ast.walk(source.tree)
            )
        return self._uses_old

    # ------------------------------------------------------------- initial states and steps

    @property
    def defaults(self) -> State:
        return tuple(field.initial for field in self.fields)

    def initial_states(self) -> list[State]:
        """The initial states, each once, in the order of their choices."""
        found: dict[State, None] = {}
        choices: list[list[Action | None]] = [
            [*self.inits[owner.prefix]] or [None] for owner in self.owners
        ]
        for chosen in product(*choices):
            self._begin(list(chosen), self.defaults, found)
        return list(found)

    def _begin(self, chosen: list[Action | None], state: State, found: dict[State, None]) -> None:
        if not chosen:
            missing = [f.name for f, value in zip(self.fields, state, strict=True) if value is ...]
            if missing:
                self._fail_unset(missing[0])
            found[state] = None
            return
        first, rest = chosen[0], chosen[1:]
        if first is None:
            self._begin(rest, state, found)
            return
        self.load(state)
        for _, after in self._taken(first):
            self._begin(rest, after, found)
            self.load(state)

    def _fail_unset(self, name: str) -> None:
        field = next(field for field in self.fields if field.name == name)
        raise SpecError(
            f"the field `{name}` has no initial value",
            "give it one in the class, or assign it in every @init",
            field.place,
        )

    def _taken(self, action: Action) -> Iterator[tuple[tuple[Any, ...], State]]:
        """Each binding of `action` that is enabled in the state loaded, and where it leads.

        The machine holds the loaded state again whenever this yields.
        """
        run, machine = action.function.run, action.machine
        for args in action.bindings.of(machine):
            try:
                run(machine, *args)
                after = self.read()
            except NotEnabled as reason:
                self.pruned |= isinstance(reason, Pruned)
                continue
            except Exception as error:
                raise failures.explain(error, action.text(args)) from error
            finally:
                self._reload()
            yield args, after

    def successors(self, state: State) -> list[tuple[Action, tuple[Any, ...], State]]:
        """Every enabled binding of every action, in order, and where it leads.

        Raises `ModelError` if some enabled binding does what no step may do.
        """
        self.load(state)
        if self.uses_old:
            self.load_old(state)
        return [
            (action, args, after) for action in self.actions for args, after in self._taken(action)
        ]

    def step(self, state: State, action: Action, args: tuple[Any, ...]) -> State:
        """Where `action(*args)` leads.  Raises `NotEnabled` or `ModelError`."""
        self.load(state)
        if self.uses_old:
            self.load_old(state)
        try:
            action.function.run(action.machine, *args)
        except NotEnabled:
            raise
        except Exception as error:
            raise failures.explain(error, action.text(args)) from error
        return self.read()

    def property(self, name: str) -> Property:
        return next(what for what in self.properties if what.name == name)

    def action(self, name: str) -> Action:
        """The action of this name; `KeyError` if there is none."""
        for action in self.actions:
            if action.name == name:
                return action
        raise KeyError(name)

    # ------------------------------------------------------------- properties

    def evaluate(self, what: Property, args: tuple[Any, ...] = ()) -> Any:
        """What a property's method returns in the state that the machine holds."""
        try:
            return what.function.run(what.machine, *args)
        except Exception as error:
            raise failures.explain(error, what.text(args)) from error

    def holds(self, what: Property, state: State, args: tuple[Any, ...] = ()) -> Any:
        """What a property's method returns in `state` (a pair, for `leads_to`)."""
        self.load(state)
        return self.evaluate(what, args)

    def holds_step(
        self, what: Property, before: State, after: State, args: tuple[Any, ...] = ()
    ) -> bool:
        """Whether a step property holds of the step from `before` to `after`."""
        self.load_old(before)
        self.load(after)
        return bool(self.evaluate(what, args))

    def abstract(self, refinement: Refinement, state: State) -> State:
        """The state of the other spec that `state` is."""
        self.load(state)
        try:
            given = refinement.function.run(refinement.machine)
        except Exception as error:
            raise failures.explain(error, refinement.name) from error
        return refinement.other.state_of(given, refinement)

    def state_of(self, given: Any, refinement: Refinement) -> State:
        """The state that `Spec.at(...)` describes; `ModelError` if it is not one."""
        if not isinstance(given, StateOf) or not issubclass(self.cls, given.cls):
            raise ModelError(
                f"`{refinement.name}` does not return a state of `{self.name}`",
                f"write `return {self.name}.at(...)`",
                refinement.function.source.place(),
            )
        names = self._abstract_names
        if given.fields.keys() != set(names):
            wrong = min(set(given.fields) ^ set(names))
            what = "is missing" if wrong in names else "is no field"
            raise ModelError(
                f"`{refinement.name}`: `{wrong}` {what} of `{self.name}`",
                f"the fields are: {', '.join(names)}",
                refinement.function.source.place(),
            )
        try:
            return tuple(
                slot.admit(given.fields[name])
                for name, slot in zip(names, self._slots, strict=True)
            )
        except (ModelError, NotEnabled) as problem:
            raise ModelError(
                f"`{refinement.name}` gives no state of `{self.name}`: {problem.args[0]}",
                "mend the mapping, or choose constants that agree",
                refinement.function.source.place(),
            ) from None

    # ------------------------------------------------------------- showing

    def show(self, state: State) -> dict[str, str]:
        """A state as text, by field."""
        return {f.name: f.type.text(v) for f, v in zip(self.fields, state, strict=True)}

    def json(self, state: State) -> dict[str, Any]:
        """A state as JSON values, by field."""
        return {f.name: f.type.json(v) for f, v in zip(self.fields, state, strict=True)}


def constants_of(cls: type[Spec]) -> dict[str, Any]:
    """The constants of a spec class, with their markers, in order of declaration."""
    from checker.lang.declare import Const, Members
    from checker.lang.resolve import annotations_of
    from checker.lang.spec import own_classes

    found = {}
    for part in own_classes(cls):
        for name in annotations_of(part):
            marker = getattr(cls, name, None)
            if isinstance(marker, Const | Members):
                found[name] = marker
    return found


def sort_of(cls: type[Spec], name: str) -> Any:
    """The Sort whose members a constant of a spec class declares; `None` for other constants."""
    from checker.lang.declare import Members
    from checker.lang.resolve import annotations_of
    from checker.lang.spec import own_classes

    if not isinstance(getattr(cls, name, None), Members):
        return None
    said = [found[name] for part in own_classes(cls) if name in (found := annotations_of(part))]
    return (*get_args(said[-1]), None)[0]


def _reader(names: list[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    if len(names) == 1:
        name = names[0]
        return lambda held: (held[name],)
    if not names:
        return lambda held: ()
    return itemgetter(*names)


def _as_given(constant: Constant) -> Any:
    if constant.members_of:
        return [member.name for member in constant.value]
    return constant.value


def _brief(constant: Constant) -> str:
    if constant.members_of:
        return str(len(constant.value))
    return constant.type.text(constant.value)
