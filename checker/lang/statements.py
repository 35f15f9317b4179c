"""Statements: assignment and changes in place, guards, branches, loops, returns.

Assignment is to a local (`ir.Let`) or to a field, or a cell of one (`ir.Write`).  A change in
place (`self.sent.add(m)`) is an assignment of the changed value (`changes.py`).
After a statement, `flow` says what is known; where ways meet, what is known on both.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from checker.lang import ir, words
from checker.lang.calls import call_or_nothing
from checker.lang.changes import CHANGES, make, path_of, raw
from checker.lang.comprehensions import parts_of_tuple, walk_of
from checker.lang.context import (
    DEFAULT_MEND,
    STATEMENTS,
    UNSUPPORTED,
    Condition,
    Context,
    Known,
    ProcessCell,
    Self,
    article,
    narrower_than,
    statement,
)
from checker.lang.expressions import binary, put, slice_of
from checker.lang.infer import NeverT, alike, join
from checker.lang.names import static
from checker.lang.narrow import told
from checker.lang.order import number_of
from checker.lang.types import MapT, OptionT, SeqT, Type
from checker.lang.vocabulary import fill, is_everywhere


def body(c: Context, nodes: list[ast.stmt]) -> None:
    """The statements of a block, into `c.block`; what can never be reached is not read."""
    for node in nodes:
        if c.flow.dead:
            return
        rule = STATEMENTS.get(type(node))
        if rule is None:
            text = ast.unparse(node).splitlines()[0]
            what, mend = UNSUPPORTED.get(type(node), (f"`{text}`", DEFAULT_MEND))
            c.fail(node, f"{what} is not part of the language", mend)
        rule(c, node)


@statement(ast.Pass)
def _pass(c: Context, node: ast.Pass) -> None:
    pass


# --------------------------------------------------------------------------- guards


@statement(ast.Expr)
def _expr(c: Context, node: ast.Expr) -> None:
    value = node.value
    if isinstance(value, ast.Constant):
        return
    if not isinstance(value, ast.Call):
        if type(value) in UNSUPPORTED:
            c.expr(value)
        c.fail(node, f"`{ast.unparse(value)}` does nothing", "assign it, require it or delete it")
    found = static(c, value.func)
    if isinstance(found, Known) and found.value is words.require:
        _require(c, value)
    elif not _changed_in_place(c, value):
        _call_statement(c, value)


def _require(c: Context, node: ast.Call) -> None:
    if c.pure_function:
        c.fail(
            node,
            f"{c.pure_function} has no guard",
            "return the condition, or `not premise or conclusion`",
        )
    if len(node.args) != 1 or node.keywords:
        c.fail(node, "`require` takes one condition", "join conditions with `and`")
    condition = c.whole_condition(node.args[0])
    c.guarded = True
    c.emit(ir.Require(condition.test, place=c.place(node)))
    c.learn(condition.yes)
    if ir.is_false(condition.test):
        c.flow.dead = True


def _call_statement(c: Context, node: ast.Call) -> None:
    held, c.depth = c.depth, 1
    made = call_or_nothing(c, node, None)
    c.depth = held
    if isinstance(made, ir.Call):
        target = c.compiler.functions[made.function]
        if target.pure and not any(isinstance(n, ir.Assert | ir.Do) for n in ir.walk(target.body)):
            c.fail(
                node,
                f"`{ast.unparse(node)}` does nothing here: it writes no field and has no guard",
                "use its value: `x = ...`; what it changes in its own parameters, no caller sees",
            )
        c.emit(ir.Do(made.function, made.args, place=made.place))
    elif made is not None and not isinstance(made, ir.Local):
        c.fail(node, f"`{ast.unparse(node)}` does nothing here", "use its value")


@statement(ast.Assert)
def _assert(c: Context, node: ast.Assert) -> None:
    condition = c.whole_condition(node.test)
    c.emit(ir.Assert(condition.test, ast.unparse(node.test), place=c.place(node)))
    c.learn(condition.yes)
    if ir.is_false(condition.test):
        c.flow.dead = True


@statement(ast.Return)
def _return(c: Context, node: ast.Return) -> None:
    if node.value is None or (
        isinstance(node.value, ast.Constant) and node.value.value is None and c.wanted is None
    ):
        c.emit(ir.Return(place=c.place(node)))
    else:
        value = c.whole(node.value, c.wanted)
        joined = value.type if c.returns is None else join(c.returns, value.type)
        if joined is None or (c.wanted is not None and not alike(value.type, c.wanted)):
            c.wrong_type(value, c.wanted or c.returns or value.type, node.value)
        c.returns = joined
        c.emit(ir.Return(value, place=c.place(node)))
    c.flow.dead = True


# --------------------------------------------------------------------------- assignment


@statement(ast.Assign)
def _assign(c: Context, node: ast.Assign) -> None:
    if len(node.targets) > 1:
        c.fail(node, "`a = b = c` is not part of the language", "assign on two lines")
    target = node.targets[0]
    if _popped(c, target, node.value):
        return
    _assign_to(c, target, node.value)


@statement(ast.AnnAssign)
def _annotated(c: Context, node: ast.AnnAssign) -> None:
    if not isinstance(node.target, ast.Name):
        c.fail(node, "only a local is annotated here", "fields are declared in the class")
    c.declared[node.target.id] = c.compiler.annotation(c, node.annotation)
    if node.value is not None:
        _assign_to(c, node.target, node.value)


def _assign_to(c: Context, target: ast.expr, value: ast.expr) -> None:
    if isinstance(target, ast.Tuple | ast.List):
        _assign_parts(c, target, value)
        return
    wanted = _target_type(c, target)
    if is_everywhere(c, value):
        assert isinstance(value, ast.Call)
        if isinstance(target, ast.Name) or wanted is None:
            c.expr(value)
        else:
            store(c, target, fill(c, value, wanted), value)
        return
    store(c, target, c.whole(value, wanted), value)


def _target_type(c: Context, target: ast.expr) -> Type | None:
    """The type that an assigned place has, where that is known before the value is read."""
    if isinstance(target, ast.Name):
        return c.declared.get(target.id) or c.storage.get(target.id)
    if isinstance(target, ast.Attribute | ast.Subscript):
        return raw(_read(c, target)).type
    return None


def _read(c: Context, target: ast.expr) -> ir.Expr:
    """What stands in a place now."""
    if isinstance(target, ast.Attribute) and not isinstance(
        static(c, target.value), Self | ProcessCell
    ):
        base = c.expr(target.value)
        c.fail(
            target,
            f"a field of {article(base.type)} cannot be assigned: records do not change",
            f"write `{ast.unparse(target.value)} = {ast.unparse(target.value)}"
            f".replace({target.attr}=...)`",
        )
    return c.expr(target)


def _assign_parts(c: Context, target: ast.Tuple | ast.List, value: ast.expr) -> None:
    """`a, b = b, a`: all is read before anything is assigned."""
    names = target.elts
    if isinstance(value, ast.Tuple) and len(value.elts) == len(names):
        read = [
            c.expr(part, _target_type(c, name))
            for name, part in zip(names, value.elts, strict=True)
        ]
        _store_parts(c, target, read, value.elts)
    else:
        _spread(c, target, c.whole(value), value)


def _spread(c: Context, target: ast.Tuple | ast.List, whole: ir.Expr, where: ast.expr) -> None:
    """The parts of a tuple, to the places of `target`."""
    if not isinstance(whole, ir.Local):
        whole = c.let("parts", whole, where)
    read = list(parts_of_tuple(c, where, whole, len(target.elts)))
    _store_parts(c, target, read, [where] * len(read))


def _store_parts(
    c: Context, target: ast.Tuple | ast.List, read: list[ir.Expr], wheres: list[ast.expr]
) -> None:
    held = [
        part if isinstance(part, ir.Literal | ir.Item) else c.let("part", part, where)
        for part, where in zip(read, wheres, strict=True)
    ]
    for name, part, where in zip(target.elts, held, wheres, strict=True):
        if isinstance(name, ast.Tuple | ast.List):
            c.fail(name, "nested tuples cannot be assigned to", "take the inner one apart after")
        store(c, name, part, where)


@statement(ast.AugAssign)
def _augmented(c: Context, node: ast.AugAssign) -> None:
    if isinstance(node.target, ast.Name) and node.target.id not in c.variables:
        c.fail(node, f"`{node.target.id}` has no value yet", "assign it first")
    held = c.expr(node.target) if isinstance(node.target, ast.Name) else _read(c, node.target)
    value = c.expr(node.value, held.type)
    store(c, node.target, binary(c, node, held, value), node)


def store(c: Context, target: ast.expr, value: ir.Expr, where: ast.AST) -> None:
    """`target = value`."""
    match target:
        case ast.Name(id=name):
            if name in c.names and name not in c.variables:
                c.fail(target, f"`{name}` cannot be assigned here", "use another name")
            c.store_local(name, value, where)
        case ast.Attribute():
            _write(c, target, _read(c, target), value, where)
        case ast.Subscript():
            cell = c.expr(target.value)
            place = path_of(cell) if not isinstance(target.slice, ast.Slice) else None
            if place is not None and isinstance(cell.type, MapT | SeqT):
                _write(c, target, _read(c, target), value, where)
            else:
                store(c, target.value, put(c, cell, target, value), where)
        case _:
            c.fail(target, f"`{ast.unparse(target)}` cannot be assigned", "assign a name or field")


def _write(c: Context, target: ast.expr, held: ir.Expr, value: ir.Expr, where: ast.AST) -> None:
    """Give a field, or a cell of one, a value of its domain."""
    place = raw(held)
    found = path_of(place)
    if isinstance(place, ir.Constant):
        c.fail(target, f"`{ast.unparse(target)}` is a constant", "declare a field for what changes")
    assert found is not None
    field, path = found
    if field.old:
        c.fail(target, "`self.old` is the state before the step, and cannot change", "write self.x")
    if c.pure_function:
        c.fail(target, f"{c.pure_function} cannot change the state", "do it in an action")
    made = c.convert(value, place.type, where, f"for `{ast.unparse(target)}`")
    c.emit(ir.Write(field.name, path, made, place=c.place(target)))
    c.writes.add(field.name)
    c.forget_field(field.name)
    mentioned = any(
        isinstance(node, ir.FieldRead) and node.name == field.name
        for key in path
        for node in ir.walk(key)
    )
    narrower = narrower_than(place.type, value.type)
    if narrower is not None and not mentioned:
        c.learn(told(place, narrower))


# --------------------------------------------------------------------------- changes in place

_NAMES = {name for _, name in CHANGES}


def _changed_in_place(c: Context, node: ast.Call) -> bool:
    """`place.add(x)` and the like, as a statement."""
    func = node.func
    if not isinstance(func, ast.Attribute) or func.attr not in _NAMES:
        return False
    if static(c, func) is not None or not _is_place(c, func.value):
        return False
    held = _changeable(c, func)
    if isinstance(held.type, NeverT):
        return True
    rule = CHANGES.get((type(held.type), func.attr))
    if rule is None:
        c.fail(
            node,
            f"{article(held.type)} has no method `{func.attr}`",
            "it has: " + ", ".join(n for kind, n in CHANGES if kind is type(held.type))
            if any(kind is type(held.type) for kind, _ in CHANGES)
            else "assign a new value",
        )
    store(c, func.value, rule(c, node, held), node)
    return True


def _changeable(c: Context, func: ast.Attribute) -> ir.Expr:
    held = c.expr(func.value)
    if isinstance(held.type, OptionT):
        text = ast.unparse(func.value)
        c.fail(
            func,
            f"`{text}` may be None here, so it has no `{func.attr}`",
            f"test it first: `if {text} is not None`, or require that",
        )
    return held


def _is_place(c: Context, node: ast.expr) -> bool:
    match node:
        case ast.Name(id=name):
            return name in c.variables or name in c.names
        case ast.Attribute(value=inner):
            return isinstance(static(c, inner), Self | ProcessCell)
        case ast.Subscript(value=inner):
            return _is_place(c, inner)
    return False


def _popped(c: Context, target: ast.expr, value: ast.expr) -> bool:
    """`x = queue.pop(i)`: the item goes into x, and out of the queue."""
    match value:
        case ast.Call(func=ast.Attribute(value=place, attr="pop") as func) if _is_place(c, place):
            pass
        case _:
            return False
    if static(c, func) is not None:
        return False
    held = _changeable(c, func)
    if not isinstance(held.type, SeqT):
        return False
    if len(value.args) > 1 or value.keywords:
        c.fail(value, "`pop` takes an index", "write pop(0) or pop()")
    index = number_of(c, value.args[0], "as an index") if value.args else ir.number(-1)
    args = (held, index)
    item = ir.Op("seq.get", args, type=held.type.item, place=c.place(value))
    rest = c.let("rest", make(c, value, "seq.delete", (held, index), -1), value)
    if isinstance(target, ast.Tuple | ast.List):
        _spread(c, target, item, value)
    else:
        store(c, target, item, value)
    store(c, place, rest, value)
    return True


@statement(ast.Delete)
def _delete(c: Context, node: ast.Delete) -> None:
    for target in node.targets:
        if not isinstance(target, ast.Subscript):
            c.fail(target, "only items of a Seq are deleted", "assign another value")
        held = c.expr(target.value)
        text = ast.unparse(target.value)
        if not isinstance(held.type, SeqT):
            c.fail(
                target,
                f"`{text}` is {article(held.type)}: only items of a Seq are deleted",
                "a Map is total: give the key another value; a Set has `.remove`",
            )
        kind = replace(held.type, beyond="error")
        if isinstance(target.slice, ast.Slice):
            low, high = slice_of(c, held, target.slice)
            made = ir.Op("seq.cut", (held, low, high), type=kind, place=c.place(node))
        else:
            at = number_of(c, target.slice, "as an index")
            most = None if kind.at_most is None else max(0, kind.at_most - 1)
            kind = replace(kind, at_most=most)
            made = ir.Op("seq.delete", (held, at), type=kind, place=c.place(node))
        store(c, target.value, made, node)


# --------------------------------------------------------------------------- branches


@statement(ast.If)
def _if(c: Context, node: ast.If) -> None:
    condition = c.whole_condition(node.test)
    branch(c, node, condition, lambda: body(c, node.body), lambda: body(c, node.orelse))


def branch(
    c: Context,
    node: ast.AST,
    condition: Condition,
    then: Callable[[], None],
    other: Callable[[], None],
) -> None:
    """Both ways of a test; after it, what is known on both."""
    before = c.flow
    with c.sub_block(condition.yes) as yes:
        c.flow.dead |= ir.is_false(condition.test)
        if not c.flow.dead:
            then()
    after_yes, c.flow = c.flow, before
    with c.sub_block(condition.no) as no:
        c.flow.dead |= ir.is_true(condition.test)
        if not c.flow.dead:
            other()
    c.flow = after_yes.merge(c.flow)
    if ir.is_true(condition.test):
        c.block.extend(yes)
    elif ir.is_false(condition.test):
        c.block.extend(no)
    else:
        c.emit(ir.If(condition.test, tuple(yes), tuple(no), place=c.place(node)))


# --------------------------------------------------------------------------- loops


@statement(ast.For)
def _for(c: Context, node: ast.For) -> None:
    if node.orelse:
        c.fail(node, "`else` of a loop is not part of the language", "put it after the loop")
    walk = walk_of(c, node.iter)
    for bind in walk.binds:
        c.storage[bind.name] = bind.value.type
        c.emit(ir.Let(bind.name, bind.value, place=c.place(node)))
    _forget_written(c, node)
    before = c.flow
    target = node.target
    name = c.fresh(target.id if isinstance(target, ast.Name) else "item")
    local: ir.Expr = ir.Local(name, type=walk.of, place=c.place(target))
    with c.sub_block() as rounds:
        value = walk.value(local) if walk.value else local
        _bind_loop(c, target, value, node)
        body(c, node.body)
        loop_flow = c.flow
    c.flow = before if loop_flow.dead else before.merge(loop_flow)
    c.emit(ir.For(name, walk.of, walk.source, tuple(rounds), walk.ordered, place=c.place(node)))


def _bind_loop(c: Context, target: ast.expr, value: ir.Expr, node: ast.For) -> None:
    """The loop's own names: they have a value in its body only."""
    match target:
        case ast.Name(id=name):
            if name in c.variables:
                c.fail(
                    target,
                    f"`{name}` is assigned elsewhere in this function",
                    "give the loop a name of its own",
                )
            c.names[name] = value
        case ast.Tuple(elts=targets):
            for inner, part in zip(
                targets, parts_of_tuple(c, target, value, len(targets)), strict=True
            ):
                _bind_loop(c, inner, part, node)
        case _:
            c.fail(target, f"`{ast.unparse(target)}` cannot be bound here", "use plain names")


def _forget_written(c: Context, node: ast.For) -> None:
    """What a round may change is not known at the start of the next."""
    calls = False
    for part in ast.walk(ast.Module(node.body, [])):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            c.forget_local(part.id)
        if isinstance(part, ast.Call):
            calls = True
        if isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load):
            calls = True
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            root = part.func.value
            while isinstance(root, ast.Subscript):
                root = root.value
            if isinstance(root, ast.Name):
                c.forget_local(root.id)
    if calls:
        c.flow.facts = {
            path: fact
            for path, fact in c.flow.facts.items()
            if not any(isinstance(n, ir.FieldRead) and not n.old for n in ir.walk(path))
        }


__all__ = ["body", "branch"]
