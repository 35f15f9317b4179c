"""The functions of Python and of the language that expressions are written with.

Each rule is registered for the very function object, so that a user's own function of the same
name is the user's.
"""

from __future__ import annotations

import ast

from checker.lang import declare, ir, values, words
from checker.lang.calls import VALUE_METHODS, word
from checker.lang.comprehensions import (
    fold,
    is_walk,
    items_walked,
    listed,
    only_argument,
    quantifier,
    refuse_unordered,
    sequence,
    total,
)
from checker.lang.context import CONDITIONS, Context, Known, Method, article
from checker.lang.expressions import length
from checker.lang.infer import (
    NEVER,
    NeverT,
    arithmetic,
    comparable,
    item_of,
    join,
    longest,
)
from checker.lang.names import static
from checker.lang.narrow import replace_item
from checker.lang.order import number_of
from checker.lang.spec import method_of
from checker.lang.types import (
    BagT,
    IntT,
    MapT,
    OptionT,
    SeqT,
    SetT,
    Type,
)

# --------------------------------------------------------------------------- numbers, lengths


@word(len)
def _len(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    arg = only_argument(c, node)
    of = listed(c, arg) if isinstance(arg, ast.ListComp) else c.expr(arg)
    if isinstance(of.type, NeverT):
        return ir.number(0)
    if isinstance(of.type, OptionT) and item_of(of.type.item) is not None:
        c.wrong_type(of, of.type.item, arg)
    if item_of(of.type) is None:
        c.fail(
            arg,
            f"`{ast.unparse(arg)}` is {article(of.type)}, which has no length",
            "take the length of a Set, Seq, Bag or Map",
        )
    return length(of, c.place(node))


@word(abs)
def _abs(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    value = number_of(c, only_argument(c, node))
    assert isinstance(value.type, IntT)
    return ir.Op("abs", (value,), type=arithmetic("abs", [value.type]), place=c.place(node))


@word(sum)
def _sum(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    return total(c, node)


@word(any)
def _any(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    return quantifier(c, node, "any")


@word(all)
def _all(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    return quantifier(c, node, "all")


@word(isinstance)
def _isinstance(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    found = CONDITIONS[ast.Call](c, node)
    assert found is not None
    return found.test


# --------------------------------------------------------------------------- containers


@word(set, frozenset, values.Set)
def _set(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    if not node.args:
        inner = wanted.item if isinstance(wanted, SetT) else NEVER
        return ir.Op("set.of", (), type=SetT(inner), place=c.place(node))
    arg = only_argument(c, node)
    if not isinstance(arg, ast.GeneratorExp | ast.ListComp) and not is_walk(arg):
        value = c.expr(arg, wanted)
        if isinstance(value.type, SetT):
            return value
        if isinstance(value.type, BagT):
            return ir.Op("bag.support", (value,), type=SetT(value.type.item), place=c.place(node))
    with items_walked(c, arg) as (clauses, item):
        return fold("set", clauses, item, SetT(item.type), c.place(node))


@word(list, tuple, values.Seq)
def _seq(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    if not node.args:
        inner = wanted.item if isinstance(wanted, SeqT) else NEVER
        return ir.Op("seq.of", (), type=SeqT(inner, 0), place=c.place(node))
    arg = only_argument(c, node)
    if isinstance(arg, ast.GeneratorExp):
        return sequence(c, arg, wanted)
    if not is_walk(arg):
        value = c.expr(arg, wanted)
        if isinstance(value.type, SeqT):
            return value
    with items_walked(c, arg) as (clauses, item):
        refuse_unordered(c, clauses)
        return fold("seq", clauses, item, SeqT(item.type, clauses.most), c.place(node))


@word(values.Bag)
def _bag(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    if not node.args:
        inner = wanted.item if isinstance(wanted, BagT) else NEVER
        return ir.Op("bag.of", (), type=BagT(inner, 0), place=c.place(node))
    arg = only_argument(c, node)
    with items_walked(c, arg) as (clauses, item):
        return fold("bag", clauses, item, BagT(item.type, clauses.most), c.place(node))


@word(dict, values.Map)
def _dict(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    c.fail(node, "`dict(...)` is not part of the language", "write {k: v for k in ...}")


@word(range, enumerate, zip)
def _walk_as_value(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    text = ast.unparse(node.func)
    c.fail(
        node,
        f"`{text}` is not a value: it is walked with `for`",
        f"walk it, or write list({text}(...))",
    )


@word(reversed)
def _reversed(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    arg = only_argument(c, node)
    value = c.expr(arg)
    if not isinstance(value.type, SeqT):
        c.fail(
            arg,
            f"`{ast.unparse(arg)}` is {article(value.type)}, and has no order to reverse",
            "reverse a Seq or a range",
        )
    return ir.Op("seq.reversed", (value,), type=value.type, place=c.place(node))


# --------------------------------------------------------------------------- words


@word(words.require)
def _require(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    if c.pure:
        c.fail(
            node,
            f"`require` cannot stand {c.pure}",
            "a guard is a statement: put the condition itself here",
        )
    c.fail(node, "`require` gives no value", "write it on a line of its own")


@word(declare.everywhere)
def _everywhere(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    c.fail(
        node,
        "`everywhere` fills a Map where a field is assigned",
        "write {k: v for k in ...} here",
    )


def fill(c: Context, node: ast.Call, of: Type) -> ir.Expr:
    """`everywhere(v)` where a field of type `of` is assigned."""
    if not isinstance(of, MapT):
        c.fail(node, f"`everywhere` fills a Map, and this is {article(of)}", "assign a value")
    arg = only_argument(c, node)
    place = c.place(node)
    inner = of.value
    if _is_everywhere(c, arg):
        assert isinstance(arg, ast.Call)
        value = fill(c, arg, inner)
    else:
        value = c.expr(arg, None if isinstance(inner, MapT) else inner)
        depth = []
        while isinstance(inner, MapT) and not isinstance(value.type, MapT):
            depth.append(inner)
            inner = inner.value
        value = c.convert(value, inner, arg)
        for layer in reversed(depth):
            value = ir.Op("map.fill", (value,), type=layer, place=place)
    return ir.Op("map.fill", (value,), type=of, place=place)


def _is_everywhere(c: Context, node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    found = static(c, node.func)
    return isinstance(found, Known) and found.value is declare.everywhere


is_everywhere = _is_everywhere


@word(words.enabled)
def _enabled(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    method = static(c, node.args[0]) if node.args else None
    if not isinstance(method, Method) or method.old:
        c.fail(node, "`enabled` takes an action of the spec", "write enabled(self.action, args...)")
    function = method.function
    given = node.args[1:]
    if len(given) != len(function.params) or node.keywords:
        c.fail(
            node,
            f"`{function.name}` has {len(function.params)} parameters, here are {len(given)}",
            "give enabled(self.action, ...) one argument for each parameter",
        )
    found = method_of(function.owner.cls, function.source.tree.name)
    if found is not None and found[2] is not None and found[2].kind != "action":
        c.fail(
            node,
            f"`{function.name}` is no action: it is marked @{found[2].kind}",
            "write enabled(self.action, args...), or the condition itself",
        )
    target = c.compiler.function(c, node, function, tuple(p.type for p in function.params))
    args = tuple(
        c.value(arg, param.type, f"for `{param.name}`")
        for arg, param in zip(given, target.params, strict=True)
    )
    return ir.Enabled(target.name, args, type=ir.BOOL, place=c.place(node))


# --------------------------------------------------------------------------- methods of values

_SET_METHODS = {"union": "set.union", "intersection": "set.both", "difference": "set.minus"}
_SET_TESTS = {"issubset": False, "issuperset": True}


def _value_method(
    c: Context, node: ast.Call, func: ast.Attribute, of: ir.Expr, wanted: Type | None
) -> ir.Expr:
    name, place = func.attr, c.place(node)
    if name in values.CHANGING_METHODS and not isinstance(of.type, OptionT):
        c.fail(
            node,
            f"`.{name}` changes `{ast.unparse(func.value)}`, and gives no value here",
            "change it on a line of its own (only `x = seq.pop(i)` gives what it took)",
        )
    match of.type:
        case SetT():
            return _set_method(c, node, name, of)
        case SeqT() if name in ("count", "index"):
            high = longest(of.type)
            if name == "index" and high is not None:
                high = max(0, high - 1)
            args = _with_item(c, node, of)
            return ir.Op(f"seq.{name}", args, type=IntT(0, high), place=place)
        case BagT() if name == "count":
            args = _with_item(c, node, of)
            return ir.Op("bag.count", args, type=IntT(0, longest(of.type)), place=place)
        case BagT(item) if name == "support":
            return ir.Op("bag.support", (of,), type=SetT(item), place=place)
        case MapT() if name in ("items", "values", "keys"):
            text = ast.unparse(node)
            c.fail(
                node,
                f"`{text}` is not a value: it is walked with `for`",
                f"walk it, or write list({text})",
            )
    c.fail(
        node,
        f"{article(of.type)} has no method `{name}`",
        "docs/language.md lists what each type has",
    )


def _with_item(c: Context, node: ast.Call, of: ir.Expr) -> tuple[ir.Expr, ir.Expr]:
    """A container and an item that is looked for in it, in a common type."""
    arg = only_argument(c, node)
    held = item_of(of.type)
    assert held is not None
    item = c.expr(arg, held)
    joined = join(item.type, held)
    if joined is None or not comparable(item.type, held):
        c.wrong_type(item, held, arg)
    return c.convert(of, replace_item(of.type, joined), node), c.convert(item, joined, arg)


def _set_method(c: Context, node: ast.Call, name: str, of: ir.Expr) -> ir.Expr:
    place = c.place(node)
    if name not in _SET_METHODS and name not in _SET_TESTS and name != "isdisjoint":
        c.fail(node, f"{article(of.type)} has no method `{name}`", "use | & - ^ and <= on sets")
    other = c.expr(only_argument(c, node), of.type)
    joined = join(of.type, other.type)
    if not isinstance(other.type, SetT) or not isinstance(joined, SetT):
        c.wrong_type(other, of.type, node.args[0])
    joined = SetT(joined.item)
    pair = (c.convert(of, joined, node), c.convert(other, joined, node.args[0]))
    if name in _SET_METHODS:
        return ir.Op(_SET_METHODS[name], pair, type=joined, place=place)
    if name == "isdisjoint":
        common = ir.Op("set.both", pair, type=joined, place=place)
        return ir.truth("==", length(common, place), ir.number(0), place=place)
    return ir.truth("set.subset", *(pair[::-1] if _SET_TESTS[name] else pair), place=place)


VALUE_METHODS.append(_value_method)

__all__ = ["fill", "is_everywhere"]
