"""Is a program well formed?  Run on every program that is compiled.

Every node must have operands of exactly the types that its row of the tables below asks for,
every local must have a value where it is read, and only fields of the state are written.  What
is wrong is a mistake of the compiler, never of the user: `BrokenIR` names the node.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checker.lang import ir
from checker.lang.errors import Place
from checker.lang.infer import NeverT, alike, has_never, item_of, kinds_of, ordered, subtype
from checker.lang.operator_rules import RULES
from checker.lang.types import (
    BagT,
    BoolT,
    IntT,
    MapT,
    OptionT,
    RecordT,
    SeqT,
    SetT,
    TupleT,
    Type,
    UnionT,
)


class BrokenIR(Exception):
    """A node breaks a rule of the IR."""

    def __init__(self, problem: str, node: ir.Node, function: str) -> None:
        place = _place_of(node)
        name = type(node).__name__
        if isinstance(node, ir.Op):
            name += f" {node.op!r}"
        super().__init__(f"{name} in `{function}` at {place}: {problem}")
        self.node = node
        self.problem = problem


def _place_of(node: ir.Node) -> Place:
    match node:
        case ir.Gen(source=source):
            return source.place
        case ir.When(test):
            return test.place
        case ir.Bind(value=value):
            return value.place
    place: Place = getattr(node, "place", ir.NOWHERE)
    return place


Problem = str | None

# --------------------------------------------------------------------------- expressions


def _op(v: Verifier, e: ir.Op) -> Problem:
    rule = RULES.get(e.op)
    if rule is None:
        return "there is no such operator"
    types = tuple(arg.type for arg in e.args)
    if not rule(e.type, types):
        return f"operands {', '.join(map(str, types)) or '(none)'} cannot give {e.type}"
    return None


# --------------------------------------------------------------------------- other expressions


def _literal(v: Verifier, e: ir.Literal) -> Problem:
    misfit = e.type.misfit(e.value)
    return misfit.problem if misfit and not has_never(e.type) else None


def _constant(v: Verifier, e: ir.Constant) -> Problem:
    known = v.program.constants.get(e.name)
    if known is None:
        return f"there is no constant `{e.name}`"
    return None if subtype(e.type, known.type) else f"it is a {known.type}"


def _field(v: Verifier, e: ir.FieldRead) -> Problem:
    known = v.fields.get(e.name)
    if known is None:
        return f"there is no field `{e.name}`"
    return None if known == e.type else f"`{e.name}` is a {known}"


def _item(v: Verifier, e: ir.Item) -> Problem:
    of = e.of.type
    if not isinstance(of, TupleT) or not 0 <= e.index < len(of.items):
        return f"{of} has no part {e.index}"
    return None if of.items[e.index] == e.type else f"that part is a {of.items[e.index]}"


def _get(v: Verifier, e: ir.Get) -> Problem:
    kinds = kinds_of(e.of.type) if isinstance(e.of.type, RecordT | UnionT) else ()
    if not kinds or any(kind.field(e.field) != e.type for kind in kinds):
        return f"{e.of.type} has no field `{e.field}` of type {e.type}"
    return None


def _make_record(v: Verifier, e: ir.MakeRecord) -> Problem:
    if not isinstance(e.type, RecordT):
        return f"{e.type} is no record"
    if tuple(of for _, of in e.type.fields) != tuple(arg.type for arg in e.args):
        return "the operands are not what the fields are"
    if e.type.kind._checks and e.type not in v.program.records:
        return "the invariants of the record are not compiled"
    return None


def _replace(v: Verifier, e: ir.Replace) -> Problem:
    if not isinstance(e.type, RecordT) or not isinstance(e.of.type, RecordT):
        return "only records are replaced"
    if e.type.kind is not e.of.type.kind or len(e.names) != len(e.args):
        return f"{e.of.type} does not become {e.type}"
    changed = dict(zip(e.names, (arg.type for arg in e.args), strict=True))
    for name, of in e.of.type.fields:
        if changed.get(name, of) != e.type.field(name):
            return f"`{name}` is not {e.type.field(name)}"
    if e.type.kind._checks and e.type not in v.program.records:
        return "the invariants of the record are not compiled"
    return None


def _is_none(v: Verifier, e: ir.IsNone) -> Problem:
    return None if isinstance(e.of.type, OptionT) else f"{e.of.type} is never None"


def _is_kind(v: Verifier, e: ir.IsKind) -> Problem:
    known = {kind.kind for kind in kinds_of(e.of.type)}
    return None if e.kinds and set(e.kinds) <= known else f"{e.of.type} has not these kinds"


def _narrow(v: Verifier, e: ir.Narrow) -> Problem:
    if e.type == e.of.type or not subtype(e.type, e.of.type):
        return f"{e.type} is not narrower than {e.of.type}"
    return None


def _widen(v: Verifier, e: ir.Widen) -> Problem:
    return None if subtype(e.of.type, e.type) else f"{e.type} does not hold all of {e.of.type}"


def _fit(v: Verifier, e: ir.Fit) -> Problem:
    return None if alike(e.of.type, e.type) else f"{e.of.type} and {e.type} are different types"


def _fits(v: Verifier, e: ir.Fits) -> Problem:
    return None if isinstance(e.type, BoolT) else "it is a bool"


def _if_else(v: Verifier, e: ir.IfElse) -> Problem:
    if not isinstance(e.test.type, BoolT):
        return "the test is no bool"
    return None if e.then.type == e.other.type == e.type else "its two ways have other types"


_FOLD_ITEMS: dict[str, Callable[[Type, Type], bool]] = {
    "any": lambda of, item: isinstance(of, BoolT) and isinstance(item, BoolT),
    "all": lambda of, item: isinstance(of, BoolT) and isinstance(item, BoolT),
    "sum": lambda of, item: isinstance(of, IntT) and isinstance(item, IntT),
    "min": lambda of, item: isinstance(of, IntT) and of == item,
    "max": lambda of, item: isinstance(of, IntT) and of == item,
    "count": lambda of, item: isinstance(of, IntT) and isinstance(item, BoolT),
    "set": lambda of, item: isinstance(of, SetT) and of.item == item,
    "seq": lambda of, item: isinstance(of, SeqT) and of.item == item,
    "bag": lambda of, item: isinstance(of, BagT) and of.item == item,
}


def _fold(v: Verifier, e: ir.Fold) -> Problem:
    if e.op not in _FOLD_ITEMS:
        return f"there is no fold {e.op!r}"
    if not _FOLD_ITEMS[e.op](e.type, e.item.type):
        return f"{e.op!r} of {e.item.type} does not give {e.type}"
    if e.default is not None and (e.op not in ("min", "max") or e.default.type != e.type):
        return "the default has another type"
    return None


def _map_fold(v: Verifier, e: ir.MapFold) -> Problem:
    right = isinstance(e.type, MapT) and (e.type.key, e.type.value) == (e.key.type, e.value.type)
    return None if right else f"its keys and values do not give {e.type}"


def _pick(v: Verifier, e: ir.Pick) -> Problem:
    if item_of(e.of.type) != e.type or isinstance(e.of.type, MapT):
        return f"{e.of.type} has no items of type {e.type}"
    return None if ordered(e.key.type) else f"{e.key.type} is no key"


def _sort_by(v: Verifier, e: ir.SortBy) -> Problem:
    if not isinstance(e.type, SeqT) or item_of(e.of.type) != e.type.item:
        return f"{e.of.type} does not become {e.type}"
    return None if ordered(e.key.type) else f"{e.key.type} is no key"


def _call(v: Verifier, e: ir.Call) -> Problem:
    function = v.program.functions.get(e.function)
    if function is None:
        return f"there is no function `{e.function}`"
    if not function.pure or function.returns != e.type:
        return f"`{e.function}` gives no {e.type}, or does more than that"
    return _arguments(function, e.args)


def _arguments(function: ir.Function, args: tuple[ir.Expr, ...]) -> Problem:
    if tuple(param.type for param in function.params) != tuple(arg.type for arg in args):
        return f"the arguments are not what `{function.name}` takes"
    return None


def _enabled(v: Verifier, e: ir.Enabled) -> Problem:
    function = v.program.functions.get(e.function)
    if function is None:
        return f"there is no function `{e.function}`"
    return _arguments(function, e.args)


def _let_in(v: Verifier, e: ir.LetIn) -> Problem:
    return None if e.body.type == e.type else f"its body is a {e.body.type}"


EXPRESSIONS: dict[type[ir.Expr], Callable[[Any, Any], Problem]] = {
    ir.Literal: _literal,
    ir.Constant: _constant,
    ir.Local: lambda v, e: v.local(e),
    ir.FieldRead: _field,
    ir.Op: _op,
    ir.Item: _item,
    ir.Get: _get,
    ir.MakeRecord: _make_record,
    ir.Replace: _replace,
    ir.IsNone: _is_none,
    ir.IsKind: _is_kind,
    ir.Narrow: _narrow,
    ir.Widen: _widen,
    ir.Fit: _fit,
    ir.Fits: _fits,
    ir.IfElse: _if_else,
    ir.LetIn: _let_in,
    ir.Fold: _fold,
    ir.MapFold: _map_fold,
    ir.Pick: _pick,
    ir.SortBy: _sort_by,
    ir.Call: _call,
    ir.Enabled: _enabled,
}


# --------------------------------------------------------------------------- walking


class Verifier:
    """One function of a program; `bound` has the locals that have a value here."""

    def __init__(self, program: ir.Program, function: ir.Function) -> None:
        self.program = program
        self.function = function
        self.fields = {field.name: field.type for field in program.fields}
        self.declared = {param.name: param.type for param in function.locals}
        self.bound: dict[str, Type] = {param.name: param.type for param in function.params}

    def fail(self, node: ir.Node, problem: str) -> None:
        raise BrokenIR(problem, node, self.function.name)

    def local(self, e: ir.Local) -> Problem:
        if e.name not in self.bound:
            return f"`{e.name}` has no value here"
        known = self.bound[e.name]
        return None if known == e.type else f"`{e.name}` is a {known}"

    # ------------------------------------------------------------- expressions

    def expr(self, e: ir.Expr) -> None:
        held = dict(self.bound)
        match e:
            case ir.Fold() | ir.MapFold():
                self.clauses(e.clauses)
                parts = [e.item] if isinstance(e, ir.Fold) else [e.key, e.value]
                for part in parts:
                    self.expr(part)
                self.bound = held
                if isinstance(e, ir.Fold) and e.default is not None:
                    self.expr(e.default)
            case ir.LetIn(name, value, inner):
                self.expr(value)
                self.bound = {**held, name: value.type}
                self.expr(inner)
            case ir.Pick(_, name, of, key) | ir.SortBy(name, of, key):
                self.expr(of)
                item = item_of(of.type)
                self.bound = {**held, name: item if item is not None else NeverT()}
                self.expr(key)
            case _:
                for child in ir.children(e):
                    if isinstance(child, ir.Expr):
                        self.expr(child)
        self.bound = held
        rule = EXPRESSIONS.get(type(e))
        problem = "no such expression" if rule is None else rule(self, e)
        if problem is not None:
            self.fail(e, problem)

    def clauses(self, clauses: tuple[ir.Clause, ...]) -> None:
        for clause in clauses:
            match clause:
                case ir.Gen(name, of, source):
                    self.source(clause, of, source)
                    self.bound[name] = of
                case ir.When(test):
                    self.test(clause, test)
                case ir.Bind(name, value):
                    self.expr(value)
                    self.bound[name] = value.type

    def source(self, node: ir.Node, of: Type, source: ir.Source) -> None:
        match source:
            case ir.Domain(kind):
                if kind != of:
                    self.fail(node, f"a walk over {kind} gives no {of}")
            case ir.Range(start, stop):
                self.expr(start)
                self.expr(stop)
                if not all(isinstance(t, IntT) for t in (start.type, stop.type, of)):
                    self.fail(node, "a range is of numbers")
            case ir.Members(held):
                self.expr(held)
                if isinstance(held.type, MapT) or item_of(held.type) != of:
                    self.fail(node, f"a walk over {held.type} gives no {of}")
            case _:
                self.fail(node, "no such source")

    def test(self, node: ir.Node, test: ir.Expr) -> None:
        self.expr(test)
        if not isinstance(test.type, BoolT):
            self.fail(node, f"the test is a {test.type}")

    # ------------------------------------------------------------- statements

    def body(self, body: ir.Body) -> bool:
        """Whether a way through the body reaches its end."""
        ends = True
        for statement in body:
            ends = self.statement(statement) and ends
        return ends

    def statement(self, s: ir.Stmt) -> bool:
        match s:
            case ir.Let(name, value):
                self.expr(value)
                self.declare(s, name, value.type)
            case ir.Write():
                self.write(s)
            case ir.Require(test) | ir.Assert(test):
                self.test(s, test)
                return not ir.is_false(test)
            case ir.If():
                return self.branch(s)
            case ir.For(name, of, source, body):
                self.source(s, of, source)
                held = dict(self.bound)
                self.declare(s, name, of)
                self.body(body)
                self.bound = held
            case ir.Return(value):
                self.returned(s, value)
                return False
            case ir.Do():
                self.do(s)
            case _:
                self.fail(s, "no such statement")
        return True

    def declare(self, s: ir.Stmt, name: str, of: Type) -> None:
        known = self.declared.get(name, of)
        if known != of:
            self.fail(s, f"`{name}` is a {known}, and gets a {of}")
        self.bound[name] = of

    def branch(self, s: ir.If) -> bool:
        self.test(s, s.test)
        before = dict(self.bound)
        first = self.body(s.then)
        after_first, self.bound = self.bound, dict(before)
        second = self.body(s.other)
        if first and second:
            both = after_first.keys() & self.bound.keys()
            self.bound = {name: self.bound[name] for name in self.bound if name in both}
        elif first:
            self.bound = after_first
        return first or second

    def write(self, s: ir.Write) -> None:
        self.expr(s.value)
        of = self.fields.get(s.field)
        if of is None:
            self.fail(s, f"`{s.field}` is no field of the state")
        for key in s.path:
            self.expr(key)
            match of:
                case MapT(key_type, value) if alike(key.type, key_type):
                    of = value
                case SeqT(item) if isinstance(key.type, IntT):
                    of = item
                case _:
                    self.fail(s, f"{of} has no cell for {key.type}")
        if s.value.type != of:
            self.fail(s, f"the place is a {of}, the value a {s.value.type}")
        if s.field not in self.function.writes:
            self.fail(s, f"`{self.function.name}` is not said to write `{s.field}`")

    def returned(self, s: ir.Return, value: ir.Expr | None) -> None:
        if value is not None:
            self.expr(value)
        if (value.type if value is not None else None) != self.function.returns:
            self.fail(s, f"`{self.function.name}` returns {self.function.returns}")

    def do(self, s: ir.Do) -> None:
        for arg in s.args:
            self.expr(arg)
        function = self.program.functions.get(s.function)
        if function is None:
            self.fail(s, f"there is no function `{s.function}`")
            return
        problem = _arguments(function, s.args)
        if problem is not None:
            self.fail(s, problem)
        if not function.writes <= self.function.writes:
            self.fail(s, f"`{self.function.name}` is not said to write what this call writes")
        if s.into is not None:
            if function.returns is None:
                self.fail(s, f"`{s.function}` returns nothing")
                return
            self.declare(s, s.into, function.returns)


def verify(program: ir.Program) -> None:
    """Raises `BrokenIR` at the first node that breaks a rule."""
    for function in program.functions.values():
        verifier = Verifier(program, function)
        ends = verifier.body(function.body)
        if ends and function.returns is not None:
            verifier.fail(
                function.body[-1] if function.body else ir.Return(place=function.place),
                "the end is reached without a value",
            )
    for action in (*program.actions, *(a for group in program.inits for a in group)):
        _choices(program, action)


def _choices(program: ir.Program, action: ir.ActionIR) -> None:
    function = program.functions[action.function]
    verifier = Verifier(program, function)
    verifier.bound = {}
    if action.params != function.params:
        verifier.fail(ir.Return(place=function.place), "its choices are not its parameters")
    for choice in action.choices:
        verifier.test(choice.given, choice.given)
        if choice.within is not None:
            verifier.expr(choice.within)
        verifier.bound[choice.name] = choice.type
