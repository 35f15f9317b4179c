"""From a `Model` to a `Program`: every method that matters, as typed IR.

The meaning of a spec is what CPython does (`model.py`); this is an independent reading of the
same source.  Both must agree on every step, and tests compare them.

How one function is compiled: its statements are read in order with the types of its locals
that are known so far; that is repeated until the types no longer grow.  Errors of an early
round are real only if the types have settled.

Nothing here executes the user's code, and no exception but `SpecError` leaves it.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from typing import Any

from checker.lang import (
    choosing,
    commute,
    ghosts,
    ir,
    matching,
    recursion,
    refinements,
    verify,
    vocabulary,
)
from checker.lang.context import Context, Self, article
from checker.lang.errors import Place, QuorateError, SpecError
from checker.lang.infer import NeverT, alike, has_never, join, subtype
from checker.lang.model import Action, Model, Property, Refinement
from checker.lang.oversights import refuse_unseen_changes
from checker.lang.owner import Constant, Function, Owner, Param
from checker.lang.rewrite import is_users_function
from checker.lang.source import Source, lambda_of, source_of
from checker.lang.spec import method_names, method_of
from checker.lang.statements import body
from checker.lang.types import BoolT, RecordT, TupleT, Type

RULES = (choosing, matching, vocabulary)
"""Files that register rules of syntax when they are imported."""

MOST_ROUNDS = 12
"""Rounds of inference after which the types of a function must have settled."""


def compile_model(model: Model) -> ir.Program:
    """The program of a model, which is compiled once.

    `SpecError` at the first place where the spec is wrong.
    """
    if model.program is None:
        model.program = _compiled(model)
    return model.program


def _compiled(model: Model) -> ir.Program:
    compiler = Compiler(model)
    try:
        program = compiler.program()
    except QuorateError:
        raise
    except Exception as error:
        place = compiler.at
        raise SpecError(
            f"the compiler failed here: {type(error).__name__}: {error}",
            "this is a mistake in Quorate, not in your spec: please report it with this line",
            place,
        ) from error
    verify.verify(program)
    return program


@dataclass
class _Purpose:
    """What a function is compiled for, where that limits what it may do."""

    what: str = ""
    returns: Type | None = None


class Compiler:
    """All functions of one model, compiled on demand."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.functions: dict[str, ir.Function] = {}
        self.known: dict[tuple[Any, ...], str] = {}
        self.active: list[tuple[Any, ...]] = []
        self.recursive: dict[tuple[Any, ...], ir.Function] = {}
        self.free: dict[tuple[Any, str], Function] = {}
        self.at: Place | None = None
        self.constants: dict[str, Constant] = {}
        self.records: dict[RecordT, tuple[str, ...]] = {}
        self.contexts: list[Context] = []
        for owner in model.owners:
            for constant in owner.constants.values():
                self.constants[owner.prefix + constant.name] = constant

    # ------------------------------------------------------------- the whole

    def program(self) -> ir.Program:
        model = self.model
        for field in model.fields:
            self._use_records_in(field.type, self._owner_of(field.name))
        actions = tuple(self.action(action) for action in model.actions)
        inits = tuple(
            tuple(self.action(action) for action in model.inits[owner.prefix])
            for owner in model.owners
            if model.inits[owner.prefix]
        )
        program = ir.Program(
            name=model.name,
            fields=tuple(ir.StateField(f.name, f.type, f.ghost, f.initial) for f in model.fields),
            constants={
                name: ir.ConstantIR(name, c.type, c.value, c.members_of)
                for name, c in self.constants.items()
            },
            sorts=tuple(model.root.sorts.values()),
            functions=self.functions,
            actions=actions,
            inits=inits,
            properties=self.properties(model.properties),
            final=self.properties(model.final),
            constraints=self.properties(model.constraints),
            assumes=self.properties(model.assumptions),
            refinements=tuple(self.refinement(found) for found in model.refinements),
            records=self.records,
        )
        ghosts.check(program, self._part_actions())
        return program

    def _part_actions(self) -> frozenset[str]:
        """The actions of parts, called by the whole or not."""
        found = set()
        for owner in self.model.owners:
            for name in method_names(owner.cls) if owner.prefix else []:
                method = method_of(owner.cls, name)
                if method is not None and method[2] is not None and method[2].kind == "action":
                    found.add(f"{owner.prefix}{name}")
        return frozenset(found)

    def _owner_of(self, name: str) -> Owner:
        found = self.model.root
        for owner in self.model.owners:
            if name.startswith(owner.prefix) and len(owner.prefix) > len(found.prefix):
                found = owner
        return found

    def action(self, action: Action) -> ir.ActionIR:
        self._refuse_value(action)
        function = self._top(action.function, _Purpose())
        fair = None
        if action.fairness is not None:
            fair = ir.Fair(
                action.fairness.strength,
                action.fairness.for_each,
                self._when(action) if action.fairness.when is not None else None,
            )
        from checker.lang.choices import choices_of

        return ir.ActionIR(
            action.name, function.name, choices_of(function, self.functions), fair, action.optional
        )

    def _refuse_value(self, action: Action) -> None:
        source = action.function.source
        waiting: list[ast.AST] = [*source.tree.body]
        while waiting:
            node = waiting.pop()
            match node:
                case ast.FunctionDef() | ast.Return(value=None | ast.Constant(value=None)):
                    continue
                case ast.Return():
                    raise SpecError(
                        f"the action `{action.name}` returns a value",
                        "an action returns nothing: `require(...)` says when it may be taken; put "
                        "what it computes into a helper",
                        source.place(node),
                    )
            waiting += ast.iter_child_nodes(node)

    def _when(self, action: Action) -> str:
        assert action.fairness is not None
        when = action.fairness.when
        assert when is not None
        place = action.function.source.place()
        tree = lambda_of(when) if when.__name__ == "<lambda>" else None
        if tree is None:
            raise SpecError(
                f"the condition of the fairness of `{action.name}` cannot be read",
                "write when=lambda self, ...: ... alone on its line",
                place,
            )
        names = [arg.arg for arg in tree.args.args]
        if names[1:] != [param.name for param in action.params]:
            raise SpecError(
                f"the condition of the fairness of `{action.name}` has other parameters",
                f"write when=lambda self{''.join(', ' + p.name for p in action.params)}: ...",
                place,
            )
        made = ast.parse("def condition(): pass").body[0]
        assert isinstance(made, ast.FunctionDef)
        made.name, made.args = f"{action.name}.when", tree.args
        made.body = [ast.copy_location(ast.Return(tree.body), tree.body)]
        ast.copy_location(made, tree)
        code = when.__code__
        closure = inspect.getclosurevars(when).nonlocals if when.__closure__ else {}
        source = Source(made, code.co_filename, {**when.__globals__, **closure})
        function = Function(
            f"{action.name}.when",
            source,
            action.function.owner,
            action.function.defined_in,
            action.params,
            when,
        )
        return self._top(function, _Purpose("a fairness condition", ir.BOOL)).name

    def properties(self, found: tuple[Property, ...]) -> tuple[ir.PropertyIR, ...]:
        made = []
        for prop in found:
            pair = TupleT((ir.BOOL, ir.BOOL))
            wanted: Type = pair if prop.kind == "leads_to" else ir.BOOL
            function = self._top(prop.function, _Purpose("a property", wanted))
            made.append(ir.PropertyIR(prop.name, prop.kind, function.name, function.params))
        return tuple(made)

    def refinement(self, refinement: Refinement) -> ir.RefinementIR:
        fields = []
        for name, function in refinements.functions_of(refinement):
            made = self._function(function, (), _Purpose("a refinement"), None)
            fields.append((name, made.name))
        other = compile_model(refinement.other)
        return ir.RefinementIR(refinement.name, other, tuple(fields), refinement.steps)

    def _top(self, function: Function, purpose: _Purpose) -> ir.Function:
        types = tuple(param.type for param in function.params)
        made = self._function(function, types, purpose, None)
        if purpose.returns is not None and made.returns != purpose.returns:
            have = "nothing" if made.returns is None else article(made.returns)
            raise SpecError(
                f"{purpose.what} returns {article(purpose.returns)}, and "
                f"`{function.source.tree.name}` returns {have}",
                "return a condition" if isinstance(purpose.returns, BoolT) else "return (p, q)",
                function.source.place(),
            )
        return made

    # ------------------------------------------------------------- functions

    def is_users(self, value: Any) -> bool:
        return is_users_function(inspect.unwrap(value)) if inspect.isfunction(value) else False

    def free_function(self, raw: Any, owner: Owner) -> Function:
        """A function of a module, with types as this owner resolves them."""
        key = (inspect.unwrap(raw), owner.prefix)
        if key not in self.free:
            self.free[key] = self._signature(raw, owner, None, skip=0)
        return self.free[key]

    def record_method(self, of: RecordT, raw: Any, owner: Owner) -> Function:
        """A method of a record: its first parameter is the record."""
        declared = owner.resolve(of.kind)
        key = (inspect.unwrap(raw), f"{owner.prefix}{of.kind.__qualname__}")
        if key not in self.free:
            made = self._signature(raw, owner, of.kind, skip=1)
            first = made.source.tree.args.args[0].arg
            params = (Param(first, declared), *made.params)
            self.free[key] = Function(
                f"{of.kind.__name__}.{made.name}", made.source, owner, of.kind, params, raw,
                made.returns,
            )  # fmt: skip
        return self.free[key]

    def _signature(self, raw: Any, owner: Owner, defined_in: type | None, skip: int) -> Function:
        source = source_of(raw)
        arguments = source.tree.args
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.defaults:
            raise SpecError(
                f"`{source.tree.name}` has parameters of a form that specs do not use",
                "use plain parameters with types: no *, ** or defaults",
                source.place(),
            )
        params = owner.params_of(source, arguments.args[skip:])
        returns = inspect.unwrap(raw).__annotations__.get("return")
        return Function(source.tree.name, source, owner, defined_in, params, raw, returns)

    def annotation(self, c: Context, node: ast.expr) -> Type:
        """The type of a local's annotation."""
        from checker.lang.owner import evaluate

        return c.owner.resolve(evaluate(node, c.source), c.place(node))

    def function(
        self, c: Context, node: ast.AST, function: Function, types: tuple[Type, ...]
    ) -> ir.Function:
        """A function that is called in `c` with arguments of these types."""
        return self._function(function, types, _Purpose(), c.place(node))

    def _function(
        self,
        function: Function,
        types: tuple[Type, ...],
        purpose: _Purpose,
        called_at: Place | None,
    ) -> ir.Function:
        owner = function.owner or self.model.root
        if recursion.calls_itself(function.source.tree):
            types = tuple(recursion.unbounded(of) for of in types)
        key = (id(function.source.tree), owner.prefix, function.defined_in, types)
        if key in self.known:
            return self.functions[self.known[key]]
        if key in self.recursive:
            return self.recursive[key]
        if any(key[:3] == other[:3] for other in self.active):
            raise SpecError(
                f"`{function.source.tree.name}` calls itself through another method",
                "let it call itself directly, or loop over a range that is long enough",
                called_at or function.source.place(),
            )
        self.active.append(key)
        try:
            made = self._compiled(function, owner, types, purpose)
        finally:
            self.active.pop()
            announced = self.recursive.pop(key, None)
        if announced is not None:
            made = recursion.settled(made, announced)
        self.functions[made.name] = made
        self.known[key] = made.name
        return made

    def _compiled(
        self, function: Function, owner: Owner, types: tuple[Type, ...], purpose: _Purpose
    ) -> ir.Function:
        self.at = function.source.place()
        storage: dict[str, Type] = {}
        for round_ in range(MOST_ROUNDS):
            c = Context(self, function, owner, storage, round_)
            try:
                self._read(c, function, types, purpose)
            except SpecError:
                if c.storage == storage or round_ == MOST_ROUNDS - 1:
                    raise
            if c.storage == storage:
                return self._finish(c, function, types)
            storage = c.storage
        raise SpecError(
            f"the types of the locals of `{function.source.tree.name}` do not settle",
            "annotate the locals that grow",
            function.source.place(),
        )

    def _read(
        self, c: Context, function: Function, types: tuple[Type, ...], purpose: _Purpose
    ) -> None:
        tree = function.source.tree
        c.pure_function = purpose.what
        c.wanted = purpose.returns or self._declared_return(c, function)
        if recursion.calls_itself(tree):
            earlier = self.recursive.get(self.active[-1])
            name = self._name(function) if earlier is None else earlier.name
            announced = recursion.announced(function, name, types, c.wanted)
            self.recursive[self.active[-1]] = announced
            c.wanted = announced.returns
            c.pure_function = c.pure_function or "a method that calls itself"
        c.variables, c.loop_names = _assigned(tree)
        params = [param.name for param in function.params]
        c.taken |= set(params)
        c.parameters = frozenset(params)
        if len(tree.args.args) > len(params):
            c.statics[tree.args.args[0].arg] = Self(c.owner)
        for name, of in zip(params, types, strict=True):
            local = ir.Local(name, type=of, place=c.place(tree))
            c.names[name] = local
            if name in c.variables:
                c.assigned_params.add(name)
        for name in sorted(c.assigned_params):
            c.store_local(name, c.names[name], tree)
        body(c, tree.body)
        if c.returns is not None and not c.flow.dead:
            c.fail(
                tree,
                f"`{tree.name}` may end without returning a value",
                "end it with a `return`",
            )

    def _declared_return(self, c: Context, function: Function) -> Type | None:
        returns = function.returns
        if returns is None:
            return None
        from checker.lang.resolve import evaluated

        of = evaluated(returns, dict(function.source.names))
        if of is None or of is type(None):
            return None
        return c.owner.resolve(of, function.source.place())

    def _finish(self, c: Context, function: Function, types: tuple[Type, ...]) -> ir.Function:
        tree = function.source.tree
        returns = self._return_type(c, function)
        block = tuple(c.block)
        if returns is not None:
            block = _returning(c, block, returns)
        params = tuple(
            ir.Param(param.name, of) for param, of in zip(function.params, types, strict=True)
        )
        unknown = [name for name, of in c.storage.items() if has_never(of)]
        if unknown:
            c.fail(
                tree,
                f"the type of `{unknown[0].removesuffix('.now')}` cannot be told",
                "annotate it where it is first assigned, as in `x: Set[Acceptor] = set()`",
            )
        made = ir.Function(
            self._name(function),
            params,
            returns,
            tuple(ir.Param(name, of) for name, of in c.storage.items()),
            block,
            frozenset(c.writes),
            c.guarded,
            function.source.place(),
        )
        refuse_unseen_changes(function.source)
        commute.check(made, self.functions)
        return made

    def _return_type(self, c: Context, function: Function) -> Type | None:
        found, declared = c.returns, c.wanted
        if found is None:
            return None
        if declared is None:
            if has_never(found) and not isinstance(found, NeverT):
                c.fail(
                    function.source.tree,
                    f"what `{function.source.tree.name}` returns cannot be told: {found}",
                    "annotate it: def ...(...) -> SomeType",
                )
            return found
        if subtype(found, declared) and (declared.size is not None or has_never(found)):
            return declared
        if has_never(found) or alike(declared, found):
            return found if not has_never(found) else join(declared, found)
        return join(declared, found) or found

    def _name(self, function: Function) -> str:
        base, number = function.name, 2
        if function.defined_in is not None and function.owner is not None:
            own = function.owner.cls
            local = function.name.rpartition(".")[2]
            if own is not function.defined_in and vars(own).get(local) is not None:
                base = f"{function.name}@{function.defined_in.__name__}"
        name = base
        taken = {*self.functions, *(made.name for made in self.recursive.values())}
        while name in taken:
            name, number = f"{base}~{number}", number + 1
        return name

    # ------------------------------------------------------------- records

    def use_record(self, of: RecordT, owner: Owner) -> None:
        """Compile the invariants of a type of record, once."""
        if of in self.records or not of.kind._checks:
            return
        self.records[of] = ()
        names = []
        for check in of.kind._checks:
            function = self.record_method(of, check, owner)
            purpose = _Purpose("an invariant of a record", ir.BOOL)
            made = self._function(function, (of,), purpose, None)
            names.append(made.name)
        self.records[of] = tuple(names)

    def _use_records_in(self, of: Type, owner: Owner) -> None:
        if isinstance(of, RecordT):
            self.use_record(of, owner)
            for _, field in of.fields:
                self._use_records_in(field, owner)
            return
        for inner in vars(of).values():
            for part in inner if isinstance(inner, tuple) else (inner,):
                if isinstance(part, Type):
                    self._use_records_in(part, owner)


def _assigned(tree: ast.FunctionDef) -> tuple[set[str], set[str]]:
    """The names that a function assigns, and those that its loops bind."""
    variables: set[str] = set()
    loops: set[str] = set()
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.comprehension):
            for part in ast.walk(node.target):
                inside.add(id(part))
                if isinstance(part, ast.Name) and isinstance(node, ast.For):
                    loops.add(part.id)
        if isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
            variables.add(node.name)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Store)
            and id(node) not in inside
        ):
            variables.add(node.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            root: ast.expr = node.func.value
            while isinstance(root, ast.Subscript):
                root = root.value
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            root = node.value
            while isinstance(root, ast.Subscript):
                root = root.value
            if isinstance(root, ast.Name):
                variables.add(root.id)
    variables |= _changed_locals(tree)
    return variables, loops - variables


def _changed_locals(tree: ast.FunctionDef) -> set[str]:
    """Locals that a change in place assigns: `seen.add(x)`."""
    from checker.lang.values import CHANGING_METHODS

    found = set()
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Expr | ast.Assign) else None
        match value:
            case ast.Call(func=ast.Attribute(value=root, attr=name)) if name in CHANGING_METHODS:
                while isinstance(root, ast.Subscript):
                    root = root.value
                if isinstance(root, ast.Name) and root.id != "self":
                    found.add(root.id)
    return found


def _returning(c: Context, block: ir.Body, of: Type) -> ir.Body:
    """The block with every returned value in the function's type."""

    def change(node: Any) -> Any:
        if isinstance(node, ir.Return):
            assert node.value is not None
            return ir.Return(c.convert(node.value, of, None), place=node.place)
        return ir.rebuild(node, change) if isinstance(node, ir.Stmt) else node

    return tuple(change(statement) for statement in block)


__all__ = ["Compiler", "compile_model"]
