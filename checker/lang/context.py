"""What is known at one place of a function while it is compiled.

* `Context`: one function: its names, the types of its locals, and what it turned out to do.
* `Flow`: what holds at a point of the code: which locals have a value, and which Options and
  Unions are known to be narrower (`facts`).  A fact is about an expression, such as
  `self.voted[a]`; it is forgotten when a field or local in it is written.
* `convert`: every value that goes where another type is wanted passes here.

Handlers of syntax register themselves by node class (`@expression(ast.Compare)`), so that
this file knows none of them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NoReturn

from checker.lang import ir
from checker.lang.errors import Place, SpecError
from checker.lang.infer import NeverT, alike, has_never, join, kinds_of, longest, subtype, widened
from checker.lang.source import place_in
from checker.lang.types import (
    BagT,
    BoolT,
    IntT,
    LabelT,
    MapT,
    OptionT,
    RecordT,
    SeqT,
    SetT,
    Type,
    UnionT,
)

if TYPE_CHECKING:
    from checker.lang.compile import Compiler
    from checker.lang.owner import Function, Owner

Facts = dict[ir.Expr, Type]


@dataclass
class Flow:
    """What holds at one point of the code; `dead` if no way leads there."""

    assigned: set[str] = field(default_factory=set)
    facts: Facts = field(default_factory=dict)
    dead: bool = False

    def copy(self, more: Facts | None = None) -> Flow:
        return Flow(set(self.assigned), {**self.facts, **(more or {})}, self.dead)

    def merge(self, other: Flow) -> Flow:
        """What holds where two ways meet."""
        if self.dead or other.dead:
            return (other if self.dead else self).copy()
        facts: Facts = {}
        for path, known in self.facts.items():
            also = other.facts.get(path)
            joined = join(known, also) if also is not None else None
            if joined is not None and joined != path.type:
                facts[path] = joined
        return Flow(self.assigned & other.assigned, facts)


@dataclass
class Condition:
    """A test, and what is known where it is true and where it is false."""

    test: ir.Expr
    yes: Facts = field(default_factory=dict)
    no: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class Self:
    """`self`, `self.old`, or a part of them: the fields and methods of a spec."""

    owner: Owner
    old: bool = False


@dataclass(frozen=True)
class ProcessCell:
    """`self.worker`: the state of a process."""

    owner: Owner
    name: str
    old: bool = False


@dataclass(frozen=True)
class Method:
    """`self.m`, `self.part.m`, `super().m`: a method not yet called."""

    function: Any
    old: bool = False


@dataclass(frozen=True)
class Known:
    """A class, function or module of Python that a free name stands for."""

    value: Any


Static = Self | ProcessCell | Method | Known

ExpressionRule = Callable[["Context", Any, Type | None], ir.Expr]
StatementRule = Callable[["Context", Any], None]
EXPRESSIONS: dict[type[ast.AST], ExpressionRule] = {}
STATEMENTS: dict[type[ast.AST], StatementRule] = {}
CONDITIONS: dict[type[ast.AST], Callable[[Context, Any], Condition | None]] = {}


def expression(*kinds: type[ast.AST]) -> Callable[[ExpressionRule], ExpressionRule]:
    def register(rule: ExpressionRule) -> ExpressionRule:
        EXPRESSIONS.update(dict.fromkeys(kinds, rule))
        return rule

    return register


def statement(*kinds: type[ast.AST]) -> Callable[[StatementRule], StatementRule]:
    def register(rule: StatementRule) -> StatementRule:
        STATEMENTS.update(dict.fromkeys(kinds, rule))
        return rule

    return register


class Context:
    """One function while it is compiled; `storage` has the types of its locals so far."""

    def __init__(
        self,
        compiler: Compiler,
        function: Function,
        owner: Owner,
        storage: dict[str, Type],
        round_: int,
    ) -> None:
        self.compiler = compiler
        self.source = function.source
        self.owner = owner
        self.defined_in = function.defined_in
        self.storage = dict(storage)
        self.round = round_
        self.names: dict[str, ir.Expr] = {}
        """Parameters, and what generators and patterns bind."""
        self.parameters: frozenset[str] = frozenset()
        self.statics: dict[str, Static] = {}
        self.variables: set[str] = set()
        """The names that the function assigns."""
        self.assigned_params: set[str] = set()
        self.loop_names: set[str] = set()
        self.pure_function = ""
        """What this function is, if it may neither write nor require."""
        self.declared: dict[str, Type] = {}
        self.taken: set[str] = set()
        self.flow = Flow()
        self.block: list[ir.Stmt] = []
        self.returns: Type | None = None
        self.wanted: Type | None = None
        self.writes: set[str] = set()
        self.guarded = False
        self.pure: str = ""
        """Where we are, if a call with effects cannot stand there whatever its statement."""
        self.strict = False
        """Whether `and` and `or` stand where their value is used: then only bools will do."""
        self.depth = 1
        """How deep in its statement the value stands that is compiled; 1 is the whole of it."""

    # ------------------------------------------------------------- errors

    def place(self, node: ast.AST | None) -> Place:
        return place_in(self.source.file, node if node is not None else self.source.tree)

    def fail(self, node: ast.AST | None, rule: str, mend: str) -> NoReturn:
        raise SpecError(rule, mend, self.place(node))

    # ------------------------------------------------------------- expressions

    def expr(self, node: ast.expr, wanted: Type | None = None) -> ir.Expr:
        """The value of an expression; `wanted` helps where its type is open (`None`, `set()`)."""
        rule = EXPRESSIONS.get(type(node))
        if rule is None:
            what, mend = UNSUPPORTED.get(type(node), (f"`{ast.unparse(node)}`", DEFAULT_MEND))
            self.fail(node, f"{what} is not part of the language", mend)
        with self.nested():
            return self.known(rule(self, node, wanted))

    def value(self, node: ast.expr, of: Type, what: str = "") -> ir.Expr:
        """The value of an expression, as a member of this type (bounds are not checked)."""
        return self.convert(self.expr(node, of), of, node, what)

    def condition(self, node: ast.expr) -> Condition:
        """A test: a `bool`, or a container, which is true where it is not empty."""
        strict = self.strict
        self.strict = strict and isinstance(node, ast.BoolOp)
        try:
            rule = CONDITIONS.get(type(node))
            if rule is not None:
                with self.nested():
                    found = rule(self, node)
                if found is not None:
                    return found
            value = self.expr(node, ir.BOOL)
        finally:
            self.strict = strict
        if isinstance(value.type, OptionT):
            self.fail(
                node,
                f"a condition is a bool, but `{ast.unparse(node)}` is {article(value.type)}",
                f"write `{ast.unparse(node)} is not None`",
            )
        word = _LENGTHS.get(type(value.type))
        if word is not None and not strict:
            # A container is true where it is not empty, as in Python.
            place = self.place(node)
            size = ir.Op(word, (value,), type=IntT(0, longest(value.type)), place=place)
            return Condition(ir.truth("<", ir.number(0), size, place=place))
        if not isinstance(value.type, BoolT | NeverT):
            self.fail(
                node,
                f"a condition is a bool, but `{ast.unparse(node)}` is {article(value.type)}",
                "say what is tested, as in `len(x) > 0` or `x != 0`",
            )
        if isinstance(value.type, NeverT):
            value = ir.Widen(value, type=ir.BOOL, place=value.place)
        return Condition(value)

    @contextmanager
    def nested(self) -> Iterator[None]:
        """One level down in the value of a statement."""
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    @contextmanager
    def inside(self, where: str) -> Iterator[None]:
        """Where a guard or a write cannot stand (any, all, a comprehension)."""
        held, self.pure = self.pure, where
        try:
            yield
        finally:
            self.pure = held

    def whole(self, node: ast.expr, wanted: Type | None = None) -> ir.Expr:
        """A value that is all that its statement computes: there a call may have effects."""
        held, self.depth = self.depth, 0
        try:
            return self.expr(node, wanted)
        finally:
            self.depth = held

    def whole_condition(self, node: ast.expr) -> Condition:
        held, self.depth = self.depth, 0
        try:
            return self.condition(node)
        finally:
            self.depth = held

    # ------------------------------------------------------------- facts

    def known(self, expr: ir.Expr) -> ir.Expr:
        """The expression as narrow as it is known to be."""
        fact = self.flow.facts.get(expr)
        if fact is None or fact == expr.type:
            return expr
        return ir.Narrow(expr, type=fact, place=expr.place)

    def learn(self, facts: Facts) -> None:
        self.flow.facts.update(facts)

    def forget_field(self, name: str) -> None:
        """A field is written: what was known of it no longer is."""
        self._forget(lambda n: isinstance(n, ir.FieldRead) and n.name == name and not n.old)

    def forget_local(self, name: str) -> None:
        self._forget(lambda n: isinstance(n, ir.Local) and n.name == name)

    def _forget(self, hit: Callable[[ir.Node], bool]) -> None:
        self.flow.facts = {
            path: fact
            for path, fact in self.flow.facts.items()
            if not any(hit(node) for node in ir.walk(path))
        }

    # ------------------------------------------------------------- names and blocks

    def fresh(self, name: str) -> str:
        """A name for a local that no other local of the function has."""
        made, number = name, 2
        while made in self.taken or made in self.variables:
            made = f"{name}.{number}"
            number += 1
        self.taken.add(made)
        return made

    def emit(self, statement: ir.Stmt) -> None:
        self.block.append(statement)

    def let(self, name: str, value: ir.Expr, node: ast.AST) -> ir.Local:
        """A temporary of the compiler's own."""
        name = self.fresh(name)
        self.storage[name] = value.type
        self.emit(ir.Let(name, value, place=self.place(node)))
        return ir.Local(name, type=value.type, place=self.place(node))

    @contextmanager
    def sub_block(self, more: Facts | None = None) -> Iterator[list[ir.Stmt]]:
        """A block of its own, entered with more facts; the caller merges the flows."""
        held_block, names = self.block, dict(self.names)
        self.block = []
        self.flow = self.flow.copy(more)
        try:
            yield self.block
        finally:
            self.block, self.names = held_block, names

    def store_local(self, name: str, value: ir.Expr, node: ast.AST) -> None:
        """`name = value`: the local's type grows to hold it."""
        if name in self.statics:
            self.fail(node, f"`{name}` cannot be assigned", "use another name")
        before = self.storage.get(self.slot(name)) or self.declared.get(name)
        if before is None:
            grown = value.type
        else:
            joined = join(before, value.type)
            if joined is None:
                self.fail(
                    node,
                    f"`{name}` is {article(before)}, and cannot become {article(value.type)}",
                    "use another name for the other kind of value",
                )
            grown = joined if self.round < WIDEN_AFTER else widened(before, value.type)
        self.storage[self.slot(name)] = grown
        self.names.pop(name, None)
        stored = self.convert(value, grown, node)
        self.emit(ir.Let(self.slot(name), stored, place=self.place(node)))
        self.forget_local(self.slot(name))
        self.flow.assigned.add(name)
        narrower = narrower_than(grown, value.type)
        if narrower is not None:
            self.flow.facts[ir.Local(self.slot(name), type=grown)] = narrower

    def slot(self, name: str) -> str:
        """The local of the IR that a name of the function is kept in."""
        return f"{name}.now" if name in self.assigned_params else name

    # ------------------------------------------------------------- conversion

    def convert(self, expr: ir.Expr, to: Type, node: ast.AST | None, what: str = "") -> ir.Expr:
        """The value as a member of `to`: `Widen` where that is sure, `Fit` where a bound may
        be left; an error of the spec where it cannot be one."""
        if expr.type == to:
            return expr
        if isinstance(expr, ir.Literal) and to.misfit(expr.value) is None:
            return replace(expr, type=to)
        if subtype(expr.type, to):
            return ir.Widen(expr, type=to, place=expr.place)
        if alike(expr.type, to):
            return ir.Fit(expr, type=to, place=expr.place)
        self.wrong_type(expr, to, node, what)

    def wrong_type(self, expr: ir.Expr, to: Type, node: ast.AST | None, what: str = "") -> NoReturn:
        text = f"`{ast.unparse(node)}`" if isinstance(node, ast.expr) else "this value"
        have = expr.type
        subject = f" {what}" if what else ""
        if isinstance(node, ast.Constant) and node.value is None:
            self.fail(node, f"None is no {to}{subject}", f"give a value of type {to}")
        if isinstance(have, OptionT) and (alike(have.item, to)):
            self.fail(
                node,
                f"{text} may be None here, where {article(to)} is needed{subject}",
                f"test it first: `if {text.strip('`')} is not None`, or require that",
            )
        missing = [k for k in kinds_of(have) if not alike(k, to)]
        if isinstance(to, RecordT | UnionT) and missing and len(missing) < len(kinds_of(have)):
            self.fail(
                node,
                f"{text} may be a {' or a '.join(map(str, missing))} here, where "
                f"{article(to)} is needed{subject}",
                "tell the kinds apart first with `match` or `isinstance`",
            )
        if isinstance(expr, ir.Literal) and isinstance(to, LabelT):
            self.fail(
                node,
                f"{expr.value!r} is not a step of `{to.process}`",
                f"its steps are {', '.join(map(repr, to.labels))}",
            )
        if has_never(have) and not isinstance(have, OptionT):
            self.fail(node, f"{text} cannot be {article(to)}", f"write a value of {to}")
        self.fail(
            node,
            f"{text} is {article(have)}, where {article(to)} is needed{subject}",
            f"give a value of type {to}",
        )


_LENGTHS: dict[type[Type], str] = {
    SetT: "set.len", SeqT: "seq.len", BagT: "bag.len", MapT: "map.len",
}  # fmt: skip

WIDEN_AFTER = 4
"""After so many rounds of inference a growing bound of a local is given up."""

DEFAULT_MEND = "docs/language.md lists what methods are written with"

UNSUPPORTED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lambda: ("a lambda here", "lambdas stand as `key=`, `when=` and constants; write a method"),
    ast.NamedExpr: ("`:=`", "assign on a line of its own"),
    ast.JoinedStr: ("a string", "states hold no text: use an Enum"),
    ast.Await: ("`await`", "guard the step with `require`"),
    ast.Yield: ("`yield`", "only a @process has named steps"),
    ast.YieldFrom: ("`yield from`", "only a @process has named steps"),
    ast.Starred: ("`*`", "name each item"),
    ast.While: ("`while`", "loop over a range, or write a @process"),
    ast.Break: ("`break`", "put the test into the loop's range, or return from a helper"),
    ast.Continue: ("`continue`", "put the rest of the body under an `if`"),
    ast.Try: ("`try`", "test before with `if` or `require`"),
    ast.With: ("`with`", "a step has no resources"),
    ast.Raise: ("`raise`", "use `assert` for what must hold, `require` for a guard"),
    ast.FunctionDef: ("a nested function", "make it a method or a module-level function"),
    ast.ClassDef: ("a nested class", "define it at the top of the module"),
    ast.Import: ("`import`", "import at the top of the module"),
    ast.ImportFrom: ("`import`", "import at the top of the module"),
    ast.Global: ("`global`", "state stands in the fields of the spec"),
    ast.Nonlocal: ("`nonlocal`", "state stands in the fields of the spec"),
    ast.AsyncFor: ("`async`", "steps are atomic"),
    ast.AsyncWith: ("`async`", "steps are atomic"),
    ast.AsyncFunctionDef: ("`async`", "steps are atomic"),
}


def article(of: Type) -> str:
    """The type in a sentence: "a Set[Acceptor]"."""
    if isinstance(of, NeverT):
        return "nothing"
    if isinstance(of, OptionT) and isinstance(of.item, NeverT):
        return "None"
    if isinstance(of, IntT) and of.low is not None and of.low == of.high:
        return f"the number {of.low}"
    text = str(of)
    return f"an {text}" if text[0] in "aeiouAEIO" else f"a {text}"


def narrower_than(storage: Type, value: Type) -> Type | None:
    """What a value of type `value`, stored as `storage`, is known to be; `None` if no less."""
    if isinstance(value, NeverT) or (isinstance(value, OptionT) and has_never(value)):
        return None
    if isinstance(storage, OptionT):
        if isinstance(value, OptionT):
            inner = narrower_than(storage.item, value.item)
            return OptionT(inner) if inner is not None else None
        return narrower_than(storage.item, value) or storage.item
    if isinstance(storage, UnionT):
        kinds = {kind.kind for kind in kinds_of(value)}
        if len(kinds) < len(storage.kinds):
            return only_kinds(storage, kinds)
    return None


def only_kinds(of: Type, kinds: set[type]) -> Type | None:
    """The record or union of those kinds of `of` that are in `kinds`; `None` if there are none."""
    from checker.lang.types import union_of

    kept = [kind for kind in kinds_of(of) if kind.kind in kinds]
    return union_of(kept) if kept else None
