"""Methods that call themselves.

Such a method is compiled once, for the types that it declares: it must say what it returns, and
its numbers are unbounded inside (`level - 1` may be below the bound of `level`, and whether it
is shows only when it runs). It may neither write nor `require`. Whether it ends is not known
here: one that does not is a model error when it runs.
"""

from __future__ import annotations

import ast
from dataclasses import replace

from checker.lang import ir
from checker.lang.errors import SpecError
from checker.lang.infer import subtype
from checker.lang.owner import Function
from checker.lang.types import IntT, Type


def calls_itself(tree: ast.FunctionDef) -> bool:
    """Whether `self.name(...)` or `name(...)` stands in the body of `name`."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)):
                if name == tree.name:
                    return True
            case ast.Call(func=ast.Name(id=name)):
                if name == tree.name:
                    return True
    return False


def unbounded(of: Type) -> Type:
    return IntT() if isinstance(of, IntT) else of


def announced(
    function: Function, name: str, types: tuple[Type, ...], returns: Type | None
) -> ir.Function:
    """What is known of the function while its body is compiled."""
    if returns is None:
        raise SpecError(
            f"`{function.source.tree.name}` calls itself, and does not say what it returns",
            "annotate it: def ...(...) -> SomeType",
            function.source.place(),
        )
    params = tuple(
        ir.Param(param.name, of) for param, of in zip(function.params, types, strict=True)
    )
    return ir.Function(
        name, params, unbounded(returns), (), (), frozenset(), False, function.source.place()
    )


def settled(made: ir.Function, known: ir.Function) -> ir.Function:
    """The compiled function, with the name and the result that its own calls have taken."""
    assert made.returns is not None
    assert known.returns is not None
    if not subtype(made.returns, known.returns):
        raise SpecError(
            f"`{made.name}` returns {made.returns}, and says that it returns {known.returns}",
            "mend the one or the other",
            made.place,
        )

    def widened(node: ir.Stmt) -> ir.Stmt:
        if isinstance(node, ir.Return) and node.value is not None:
            if node.value.type == known.returns:
                return node
            assert known.returns is not None
            wide = ir.Widen(node.value, type=known.returns, place=node.value.place)
            return replace(node, value=wide)
        if isinstance(node, ir.If | ir.For):
            return ir.rebuild(node, lambda c: widened(c) if isinstance(c, ir.Stmt) else c)
        return node

    body = tuple(widened(statement) for statement in made.body)
    return replace(made, name=known.name, returns=known.returns, body=body)
