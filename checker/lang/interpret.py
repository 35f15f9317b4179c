"""A small interpreter of the IR: the second opinion on what a spec means.

It uses the value classes that CPython uses (`values.py`) and nothing else of the way specs run
there: bindings, guards, changes, domains and failures are read off the IR alone.  It exists to
be compared with `model.py`, step by step, and to be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

from checker.lang import ir
from checker.lang.definedness import row_of
from checker.lang.errors import Blocked, ModelError, NotEnabled, Place, Pruned
from checker.lang.infer import kinds_of
from checker.lang.operations import OPERATORS, put, tuple_set
from checker.lang.types import MapT, OptionT, RecordT, Type
from checker.lang.values import Bag, Map, Set, in_order

State = tuple[Any, ...]
Locals = dict[str, Any]


class _Returned(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


class Machine:
    """A program in a state.  `old` is the state before the step."""

    def __init__(self, program: ir.Program) -> None:
        self.program = program
        self.names = [field.name for field in program.fields]
        self.types = {field.name: field.type for field in program.fields}
        self.state: dict[str, Any] = {}
        self.old: dict[str, Any] = {}

    def load(self, state: State, old: State | None = None) -> None:
        self.state = dict(zip(self.names, state, strict=True))
        before = state if old is None else old
        self.old = dict(zip(self.names, before, strict=True))

    def read(self) -> State:
        return tuple(self.state[name] for name in self.names)

    # ------------------------------------------------------------- functions

    def call(self, name: str, args: tuple[Any, ...]) -> Any:
        function = self.program.functions[name]
        names = [param.name for param in function.params]
        env = dict(zip(names, args, strict=True))
        try:
            self.run(function.body, env)
        except _Returned as returned:
            return returned.value
        except RecursionError:
            raise ModelError(
                "the recursion does not end",
                "make each call smaller than its caller",
                function.place,
            ) from None
        return None

    def run(self, body: ir.Body, env: Locals) -> None:
        for statement in body:
            _STATEMENTS[type(statement)](self, statement, env)

    # ------------------------------------------------------------- expressions

    def eval(self, expr: ir.Expr, env: Locals) -> Any:
        return _EXPRESSIONS[type(expr)](self, expr, env)

    def rounds(self, clauses: tuple[ir.Clause, ...], env: Locals) -> Iterator[Locals]:
        """The locals in each round of some clauses."""
        if not clauses:
            yield env
            return
        first, rest = clauses[0], clauses[1:]
        match first:
            case ir.When(test):
                if self.eval(test, env):
                    yield from self.rounds(rest, env)
            case ir.Bind(name, value):
                yield from self.rounds(rest, {**env, name: self.eval(value, env)})
            case ir.Gen(name, _, source):
                for item in self.items(source, env):
                    yield from self.rounds(rest, {**env, name: item})

    def items(self, source: ir.Source, env: Locals) -> Any:
        match source:
            case ir.Domain(of):
                return of.values()
            case ir.Range(start, stop):
                return range(self.eval(start, env), self.eval(stop, env))
            case ir.Members(of):
                return iter(self.eval(of, env))
        raise TypeError(source)

    # ------------------------------------------------------------- steps

    def bindings(self, action: ir.ActionIR) -> Iterator[tuple[Any, ...]]:
        """Each binding of the parameters, in order; over whole domains if a guard fails."""
        try:
            yield from tuple(self._bindings(action.choices, {}))
        except (ModelError, NotEnabled):
            yield from product(*(choice.type.values() for choice in action.choices))

    def _bindings(self, choices: tuple[ir.Choice, ...], env: Locals) -> Iterator[tuple[Any, ...]]:
        if not choices:
            yield tuple(env.values())
            return
        first = choices[0]
        for value in tuple(self._range(first, env)):
            yield from self._bindings(choices[1:], {**env, first.name: value})

    def _range(self, choice: ir.Choice, env: Locals) -> Iterator[Any]:
        if choice.within is None:
            yield from choice.type.values()
            return
        if not self.eval(choice.given, env):
            return
        held = self.eval(choice.within, env)
        found = held.subsets() if choice.how == "subset" else in_order(dict.fromkeys(held))
        for value in found:
            if choice.type.misfit(value) is None:
                yield value


# --------------------------------------------------------------------------- failures


def _fail(expr: ir.Expr) -> ModelError:
    row = row_of(expr)
    assert row is not None, f"{type(expr).__name__} is not in the table of what can fail"
    return ModelError(row.rule, row.mend, expr.place)


def _admit(of: Type, value: Any, expr: ir.Expr) -> Any:
    misfit = of.misfit(value)
    if misfit is None:
        return value
    if misfit.beyond == "block":
        raise Blocked(misfit.problem)
    if misfit.beyond == "prune":
        raise Pruned(misfit.problem)
    raise _fail(expr)


# --------------------------------------------------------------------------- operators


def _op(m: Machine, e: ir.Op, env: Locals) -> Any:
    if e.op == "and":
        return all(m.eval(arg, env) for arg in e.args)
    if e.op == "or":
        return any(m.eval(arg, env) for arg in e.args)
    args = [m.eval(arg, env) for arg in e.args]
    if e.op in ("map.fill", "map.of"):
        return _make_map(e, args)
    try:
        return OPERATORS[e.op](*args)
    except (KeyError, IndexError, ValueError, ZeroDivisionError):
        raise _fail(e) from None


def _make_map(e: ir.Op, args: list[Any]) -> Map:
    assert isinstance(e.type, MapT)
    if e.op == "map.fill":
        return Map((key, args[0]) for key in e.type.key.values())
    return _total(e, dict(zip(args[0::2], args[1::2], strict=True)))


def _total(e: ir.Expr, held: dict[Any, Any]) -> Map:
    assert isinstance(e.type, MapT)
    if e.type.key.size is None or set(held) != set(e.type.key.values()):
        raise _fail(e)
    return Map(held)


# --------------------------------------------------------------------------- other expressions


def _local(m: Machine, e: ir.Local, env: Locals) -> Any:
    return env[e.name]


def _field(m: Machine, e: ir.FieldRead, env: Locals) -> Any:
    return (m.old if e.old else m.state)[e.name]


def _made(m: Machine, e: ir.Expr, args: tuple[Any, ...]) -> Any:
    """The record, made by hand, after its invariants were checked on the IR."""
    assert isinstance(e.type, RecordT)
    kind = e.type.kind
    record = _unchecked(kind, args)
    for name in m.program.records.get(e.type, ()):
        if not m.call(name, (record,)):
            raise _fail(e)
    return record


def _unchecked(kind: Any, args: tuple[Any, ...]) -> Any:
    held, kind._checks = kind._checks, ()
    try:
        known = args in kind._interned
        record = kind(*args)
        if not known and held:
            del kind._interned[args]
        return record
    finally:
        kind._checks = held


def _make_record(m: Machine, e: ir.MakeRecord, env: Locals) -> Any:
    return _made(m, e, tuple(m.eval(arg, env) for arg in e.args))


def _replace(m: Machine, e: ir.Replace, env: Locals) -> Any:
    held = m.eval(e.of, env)
    changes = dict(zip(e.names, (m.eval(arg, env) for arg in e.args), strict=True))
    names = type(held)._fields
    return _made(m, e, tuple(changes.get(name, getattr(held, name)) for name in names))


def _narrow(m: Machine, e: ir.Narrow, env: Locals) -> Any:
    value = m.eval(e.of, env)
    if value is None:
        if not isinstance(e.type, OptionT):
            raise _fail(e)
        return None
    kinds = kinds_of(e.type)
    if kinds and all(type(value) is not kind.kind for kind in kinds):
        raise _fail(e)
    return value


def _if_else(m: Machine, e: ir.IfElse, env: Locals) -> Any:
    return m.eval(e.then if m.eval(e.test, env) else e.other, env)


def _is_kind(m: Machine, e: ir.IsKind, env: Locals) -> bool:
    return type(m.eval(e.of, env)) in e.kinds


_FOLDS: dict[str, Callable[[Iterator[Any]], Any]] = {
    "any": any,
    "all": all,
    "sum": sum,
    "count": lambda items: sum(1 for item in items if item),
    "set": Set,
    "seq": tuple,
    "bag": Bag,
}


def _fold(m: Machine, e: ir.Fold, env: Locals) -> Any:
    items = (m.eval(e.item, inner) for inner in m.rounds(e.clauses, env))
    if e.op in _FOLDS:
        return _FOLDS[e.op](items)
    default = None if e.default is None else m.eval(e.default, env)
    held = list(items)
    if not held:
        if e.default is None:
            raise _fail(e)
        return default
    return min(held) if e.op == "min" else max(held)


def _map_fold(m: Machine, e: ir.MapFold, env: Locals) -> Any:
    held = {}
    for inner in m.rounds(e.clauses, env):
        key = m.eval(e.key, inner)
        held[key] = m.eval(e.value, inner)
    return _total(e, held)


def _pick(m: Machine, e: ir.Pick, env: Locals) -> Any:
    items = list(m.eval(e.of, env))
    keys = [m.eval(e.key, {**env, e.name: item}) for item in items]
    if not items:
        raise _fail(e)
    wanted = min(keys) if e.op == "least" else max(keys)
    found = {item for item, key in zip(items, keys, strict=True) if key == wanted}
    if len(found) > 1:
        raise _fail(e)
    return found.pop()


def _sort_by(m: Machine, e: ir.SortBy, env: Locals) -> Any:
    items = list(m.eval(e.of, env))
    return tuple(
        sorted(items, key=lambda item: m.eval(e.key, {**env, e.name: item}), reverse=e.reverse)
    )


def _call(m: Machine, e: ir.Call, env: Locals) -> Any:
    args = tuple(m.eval(arg, env) for arg in e.args)
    if not e.old:
        return m.call(e.function, args)
    held, m.state = m.state, m.old
    try:
        return m.call(e.function, args)
    finally:
        m.state = held


def _enabled(m: Machine, e: ir.Enabled, env: Locals) -> bool:
    args = tuple(m.eval(arg, env) for arg in e.args)
    held = dict(m.state)
    try:
        m.call(e.function, args)
    except NotEnabled:
        return False
    else:
        return True
    finally:
        m.state = held


_EXPRESSIONS: dict[type[ir.Expr], Callable[[Machine, Any, Locals], Any]] = {
    ir.Literal: lambda m, e, env: e.value,
    ir.Constant: lambda m, e, env: m.program.constants[e.name].value,
    ir.Local: _local,
    ir.FieldRead: _field,
    ir.Op: _op,
    ir.Item: lambda m, e, env: m.eval(e.of, env)[e.index],
    ir.Get: lambda m, e, env: getattr(m.eval(e.of, env), e.field),
    ir.MakeRecord: _make_record,
    ir.Replace: _replace,
    ir.IsNone: lambda m, e, env: m.eval(e.of, env) is None,
    ir.IsKind: _is_kind,
    ir.Narrow: _narrow,
    ir.Widen: lambda m, e, env: m.eval(e.of, env),
    ir.Fit: lambda m, e, env: _admit(e.type, m.eval(e.of, env), e),
    ir.Fits: lambda m, e, env: e.into.misfit(m.eval(e.of, env)) is None,
    ir.IfElse: _if_else,
    ir.LetIn: lambda m, e, env: m.eval(e.body, {**env, e.name: m.eval(e.value, env)}),
    ir.Fold: _fold,
    ir.MapFold: _map_fold,
    ir.Pick: _pick,
    ir.SortBy: _sort_by,
    ir.Call: _call,
    ir.Enabled: _enabled,
}


# --------------------------------------------------------------------------- statements


def _let(m: Machine, s: ir.Let, env: Locals) -> None:
    env[s.name] = m.eval(s.value, env)


def _write(m: Machine, s: ir.Write, env: Locals) -> None:
    value = m.eval(s.value, env)
    keys = [m.eval(key, env) for key in s.path]
    m.state[s.field] = _stored(m.state[s.field], keys, value, s.place)


def _stored(held: Any, keys: list[Any], value: Any, place: Place) -> Any:
    if not keys:
        return value
    first, rest = keys[0], keys[1:]
    try:
        inner = _stored(held[first], rest, value, place)
        return put(held, first, inner) if isinstance(held, Map) else tuple_set(held, first, inner)
    except (KeyError, IndexError):
        rule = "no such key" if isinstance(held, Map) else "no item at this index"
        raise ModelError(rule, "guard it", place) from None


def _require(m: Machine, s: ir.Require, env: Locals) -> None:
    if not m.eval(s.test, env):
        raise NotEnabled("a guard does not hold")


def _assert(m: Machine, s: ir.Assert, env: Locals) -> None:
    if not m.eval(s.test, env):
        raise ModelError(
            f"an assertion of the spec does not hold: {s.text}",
            "see the state before this step",
            s.place,
        )


def _if(m: Machine, s: ir.If, env: Locals) -> None:
    m.run(s.then if m.eval(s.test, env) else s.other, env)


def _for(m: Machine, s: ir.For, env: Locals) -> None:
    for item in m.items(s.source, env):
        env[s.name] = item
        m.run(s.body, env)


def _return(m: Machine, s: ir.Return, env: Locals) -> None:
    raise _Returned(None if s.value is None else m.eval(s.value, env))


def _do(m: Machine, s: ir.Do, env: Locals) -> None:
    value = m.call(s.function, tuple(m.eval(arg, env) for arg in s.args))
    if s.into is not None:
        env[s.into] = value


_STATEMENTS: dict[type[ir.Stmt], Callable[[Machine, Any, Locals], None]] = {
    ir.Let: _let,
    ir.Write: _write,
    ir.Require: _require,
    ir.Assert: _assert,
    ir.If: _if,
    ir.For: _for,
    ir.Return: _return,
    ir.Do: _do,
}


# --------------------------------------------------------------------------- whole programs


def _taken(
    m: Machine, action: ir.ActionIR, state: State
) -> Iterator[tuple[tuple[Any, ...], State]]:
    m.load(state)
    for args in tuple(m.bindings(action)):
        m.load(state)
        try:
            m.call(action.function, args)
        except NotEnabled:
            continue
        yield args, m.read()


def initial_states(program: ir.Program) -> list[State]:
    """The initial states, each once, in the order of their choices."""
    machine = Machine(program)
    found: dict[State, None] = {}
    first = tuple(field.default for field in program.fields)
    for chosen in product(*program.inits):
        states = [first]
        for action in chosen:
            states = [after for state in states for _, after in _taken(machine, action, state)]
        found.update(dict.fromkeys(states))
    return list(found)


def successors(program: ir.Program, state: State) -> list[tuple[str, tuple[Any, ...], State]]:
    """Every enabled binding of every action, in order, and where it leads."""
    machine = Machine(program)
    return [
        (action.name, args, after)
        for action in program.actions
        for args, after in _taken(machine, action, state)
    ]


def bindings(program: ir.Program, action: ir.ActionIR, state: State) -> list[tuple[Any, ...]]:
    """What an action's parameters range over in a state; its own guards are still to come."""
    machine = Machine(program)
    machine.load(state)
    return list(machine.bindings(action))


def step(program: ir.Program, action: ir.ActionIR, state: State, args: tuple[Any, ...]) -> State:
    """Where an action leads.  Raises `NotEnabled` or `ModelError`."""
    machine = Machine(program)
    machine.load(state)
    machine.call(action.function, args)
    return machine.read()


def abstract(program: ir.Program, refinement: ir.RefinementIR, state: State) -> State:
    """The state of the other program that `state` is; `ModelError` if it is none."""
    machine = Machine(program)
    machine.load(state)
    values = []
    for name, function in refinement.fields:
        field = refinement.other.field(name)
        value = machine.call(function, ())
        misfit = field.type.misfit(value)
        if misfit is not None:
            raise ModelError(
                f"`{refinement.name}` gives no state of `{refinement.other.name}`: "
                f"{misfit.problem}",
                "mend the mapping, or choose constants that agree",
                program.functions[function].place,
            )
        values.append(value)
    return tuple(values)


def holds(
    program: ir.Program,
    prop: ir.PropertyIR,
    state: State,
    args: tuple[Any, ...] = (),
    old: State | None = None,
) -> Any:
    """What a property says of a state (and, for a step property, of the one before)."""
    machine = Machine(program)
    machine.load(state, old)
    return machine.call(prop.function, args)


__all__ = [
    "OPERATORS",
    "Machine",
    "abstract",
    "bindings",
    "holds",
    "initial_states",
    "step",
    "successors",
]
