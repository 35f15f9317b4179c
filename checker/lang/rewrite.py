"""Value semantics for Python methods: a change in place becomes an assignment.

The one rule: `root.path.method(args)`, where `method` changes its object, is run as
`root = root with that change`; and every display or comprehension makes an immutable value.

    self.sent.add(m)          self.sent = change(self.sent, "add", m)
    self.links[a].append(m)   self.links = change(self.links, "__setitem__", a,
                                                  change(self.links[a], "append", m))
    x = self.queue.pop(0)     x = self.queue[0]; self.queue = change(self.queue, "pop", 0)
    {a, b}                    Set((a, b))
    [a, b]                    (a, b)
    {k: v for k in ...}       Map({k: v for k in ...})

Line numbers stay those of the user's file, so tracebacks and debuggers work.  This file
knows nothing of types or of the IR: the IR (`compile.py`) is an independent reading of the
same source, and is compared with this one.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import types
from collections.abc import Callable
from functools import wraps
from typing import Any

from checker.lang.source import Source, copied, lambda_of, source_of
from checker.lang.values import CHANGING_METHODS, Map, Set, change

_SET, _MAP, _SEQ, _CHANGE = "__Set", "__Map", "__Seq", "__change"
_CONSTRUCTORS = {"set": _SET, "frozenset": _SET, "list": _SEQ, "tuple": _SEQ, "dict": _MAP}
_RUNTIME = {_SET: Set, _MAP: Map, _SEQ: tuple, _CHANGE: change}


def rewritten(function: Callable[..., Any], defined_in: type | None = None) -> Callable[..., Any]:
    """`function` with value semantics.  `defined_in` is its class, for `super()`."""
    made = run_tree(source_of(function), defined_in)
    wrapped: Any = wraps(function)(made)
    wrapped.__defaults__ = function.__defaults__
    return wrapped  # type: ignore[no-any-return]


def run_tree(source: Source, defined_in: type | None = None) -> Callable[..., Any]:
    """A Python function from a tree, with value semantics."""
    tree = copied(source.tree)
    tree.decorator_list = []
    tree.returns = None
    for arg in (*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs):
        arg.annotation = None
    tree.args.defaults = [ast.Constant(None) for _ in tree.args.defaults]
    tree.args.kw_defaults = [d and ast.Constant(None) for d in tree.args.kw_defaults]
    names = source.names | _RUNTIME
    tree = _Rewriter(names, defined_in).visit(tree)
    names |= _helpers(tree, names)
    # `super()` finds its class in the variable `__class__` of the enclosing function.
    factory = ast.parse("def __factory(__class__):\n    pass").body[0]
    assert isinstance(factory, ast.FunctionDef)
    name = tree.name
    if defined_in is not None:
        tree.name = "__method"  # a method named as a module must not hide the module
    factory.body = [tree, ast.Return(ast.Name(tree.name, ast.Load()))]
    module = ast.fix_missing_locations(ast.Module([factory], []))
    exec(compile(module, source.file, "exec"), names)
    made = names.pop("__factory")(defined_in)
    made.__code__ = made.__code__.replace(co_name=name)
    return made  # type: ignore[no-any-return]


def rewritten_lambda(function: Callable[..., Any]) -> Callable[..., Any]:
    """A lambda with value semantics; the lambda itself where its source cannot be told."""
    body = lambda_of(function) if function.__name__ == "<lambda>" else None
    if body is None:
        return function
    tree = ast.FunctionDef("value", body.args, [ast.Return(body.body)], [])
    closure = inspect.getclosurevars(function).nonlocals
    names = {**function.__globals__, **closure}
    file = function.__code__.co_filename
    return run_tree(Source(ast.copy_location(tree, body), file, names))


_rewritten_helpers: dict[types.FunctionType, Callable[..., Any]] = {}


def _helpers(tree: ast.AST, names: dict[str, Any]) -> dict[str, Any]:
    """The user's module-level functions that a tree calls, rewritten too."""
    called = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    found = {}
    for name in sorted(called & set(names)):
        helper = names[name]
        if is_users_function(helper):
            if helper not in _rewritten_helpers:
                _rewritten_helpers[helper] = helper  # for a helper that calls itself
                _rewritten_helpers[helper] = rewritten(helper)
            found[name] = _rewritten_helpers[helper]
    return found


def is_users_function(value: Any) -> bool:
    """A plain function that is not part of the language itself."""
    return isinstance(value, types.FunctionType) and not value.__module__.startswith("checker.lang")


class _Rewriter(ast.NodeTransformer):
    def __init__(self, names: dict[str, Any], defined_in: type | None) -> None:
        self.names = names
        self.defined_in = defined_in

    # ------------------------------------------------------------- displays and constructors

    def visit_Set(self, node: ast.Set) -> ast.AST:
        self.generic_visit(node)
        return _call(node, _SET, ast.Tuple(node.elts, ast.Load()))

    def visit_List(self, node: ast.List) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Tuple(node.elts, ast.Load()), node)
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        self.generic_visit(node)
        return _call(node, _MAP, node)

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        self.generic_visit(node)
        return _call(node, _SEQ, ast.GeneratorExp(node.elt, node.generators))

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        self.generic_visit(node)
        return _call(node, _SET, ast.GeneratorExp(node.elt, node.generators))

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        self.generic_visit(node)
        return _call(node, _MAP, node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and self._is_builtin(node.func.id):
            if node.func.id in _CONSTRUCTORS:
                node.func.id = _CONSTRUCTORS[node.func.id]
            elif node.func.id == "sorted":
                return _call(node, _SEQ, node)
        return node

    def _is_builtin(self, name: str) -> bool:
        return self.names.get(name, getattr(builtins, name, None)) is getattr(builtins, name, name)

    # ------------------------------------------------------------- changes in place

    def visit_Expr(self, node: ast.Expr) -> Any:
        self.generic_visit(node)
        found = self._change(node.value)
        return [_store(*found, node)] if found else node

    def visit_Assign(self, node: ast.Assign) -> Any:
        self.generic_visit(node)
        popped = self._change(node.value)
        if popped and _method(node.value) == "pop":
            target, changed = popped
            call = node.value
            assert isinstance(call, ast.Call)
            index = call.args[0] if call.args else ast.Constant(-1)
            node.value = ast.Subscript(_load(target), copied(index), ast.Load())
            return [*self._assigned(node), _store(target, changed, node)]
        return self._assigned(node)

    def _assigned(self, node: ast.Assign) -> list[ast.stmt]:
        if not any(_has_subscript(target) for target in node.targets):
            return [node]
        held = ast.Name("__value", ast.Store())
        out: list[ast.stmt] = [_at(node, ast.Assign([held], node.value))]
        for target in node.targets:
            out += _spread(target, ast.Name("__value", ast.Load()), node)
        return out

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return self.visit(ast.copy_location(ast.Assign([node.target], node.value), node))

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        self.generic_visit(node)
        if not isinstance(node.target, ast.Subscript):
            return node
        value = ast.BinOp(_load(node.target), node.op, node.value)
        return [_store(node.target, value, node)]

    def visit_Delete(self, node: ast.Delete) -> Any:
        self.generic_visit(node)
        out: list[ast.stmt] = []
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                changed = _changed(target.value, "__delitem__", [target.slice])
                out.append(_store(target.value, changed, node))
        return out or node

    def _change(self, node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
        """The place that a call changes, and its new value."""
        method = _method(node)
        if method not in CHANGING_METHODS:
            return None
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Attribute)
        target = node.func.value
        if not self._is_place(target):
            return None
        return target, _changed(target, method, node.args)

    def _is_place(self, node: ast.expr) -> bool:
        """A local name, a field, a field of a part, or an item of one of these."""
        match node:
            case ast.Subscript(value=inner):
                return self._is_place(inner)
            case ast.Name(id=name):
                return name != "self" and name not in self.names
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return not self._is_part(name)
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id="self"))):
                return True
        return False

    def _is_part(self, name: str) -> bool:
        from checker.lang.spec import part_names

        return self.defined_in is not None and name in part_names(self.defined_in)


def _method(node: ast.expr) -> str:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr
    return ""


def _at(where: ast.AST, node: Any) -> Any:
    return ast.fix_missing_locations(ast.copy_location(node, where))


def _call(where: ast.AST, name: str, arg: Any) -> ast.Call:
    if not hasattr(arg, "lineno"):
        ast.copy_location(arg, where)
    made: ast.Call = _at(where, ast.Call(ast.Name(name, ast.Load()), [arg], []))
    return made


def _load(place: ast.expr) -> ast.expr:
    copy = copied(place)
    copy.ctx = ast.Load()  # type: ignore[attr-defined]
    return copy


def _changed(place: ast.expr, method: str, args: list[ast.expr]) -> ast.expr:
    arguments = [_load(place), ast.Constant(method), *args]
    return ast.Call(ast.Name(_CHANGE, ast.Load()), arguments, [])


def _store(place: ast.expr, value: ast.expr, where: ast.AST) -> ast.stmt:
    """`place = value`, where the place may be an item of an item of a name or field."""
    while isinstance(place, ast.Subscript):
        value = _changed(place.value, "__setitem__", [copied(place.slice), value])
        place = place.value
    target = copied(place)
    target.ctx = ast.Store()  # type: ignore[attr-defined]
    made: ast.stmt = _at(where, ast.Assign([target], value))
    return made


def _has_subscript(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple | ast.List):
        return any(_has_subscript(item) for item in target.elts)
    return isinstance(target, ast.Subscript)


def _spread(target: ast.expr, value: ast.expr, where: ast.AST) -> list[ast.stmt]:
    if isinstance(target, ast.Tuple | ast.List):
        out = []
        for index, item in enumerate(target.elts):
            part = ast.Subscript(copied(value), ast.Constant(index), ast.Load())
            out += _spread(item, part, where)
        return out
    return [_store(target, value, where)]
