"""Choosing and sorting: `min`, `max`, `sorted`, `least`, `greatest`, `the`, `arbitrary`.

All that depends on an order of values stands here.  Members of a Sort have none: whatever would
pick one by an order is refused.
"""

from __future__ import annotations

import ast
from dataclasses import replace

from checker.lang import ir, words
from checker.lang.calls import arguments, word
from checker.lang.comprehensions import fold, is_walk, items_walked, only_argument
from checker.lang.context import Context, article
from checker.lang.infer import NEVER, NeverT, arithmetic, item_of, join, longest, ordered
from checker.lang.lexicographic import parts_of
from checker.lang.order import as_number, number_of
from checker.lang.types import BagT, IntT, MapT, OptionT, SeqT, SetT, TupleT, Type, sorts_in

# --------------------------------------------------------------------------- min and max


@word(min)
def _min(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    return _extreme(c, node, "min")


@word(max)
def _max(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    return _extreme(c, node, "max")


def _extreme(c: Context, node: ast.Call, op: str) -> ir.Expr:
    known = {k.arg: k.value for k in node.keywords}
    if "key" in known:
        better = "least" if op == "min" else "greatest"
        c.fail(
            node,
            f"`{op}` with a key does not say which of two equal ones",
            f"use `{better}(S, key=...)`, where a tie is an error",
        )
    if set(known) - {"default"}:
        c.fail(node, f"`{op}` has no such argument", "write default=...")
    if len(node.args) > 1:
        return _extreme_of_values(c, node, op)
    if not node.args:
        c.fail(node, f"`{op}` of what?", f"write {op}(a, b) or {op}(S)")
    return _extreme_of_items(c, node, op, known.get("default"))


def _extreme_of_values(c: Context, node: ast.Call, op: str) -> ir.Expr:
    items = tuple(as_number(c, c.expr(arg)) for arg in node.args)
    place = c.place(node)
    if all(isinstance(item.type, IntT) for item in items):
        of = arithmetic(op, [i.type for i in items if isinstance(i.type, IntT)])
        return ir.Op(op, items, type=of, place=place)
    joined: Type | None = NEVER
    for item, arg in zip(items, node.args, strict=True):
        _has_order(c, arg, item.type, op)
        joined = join(joined, item.type) if joined is not None else None
    if joined is None:
        c.fail(node, f"`{op}` of values of different types", "compare values of one type")
    args = tuple(c.convert(i, joined, a) for i, a in zip(items, node.args, strict=True))
    return _pick_tuple(c, op, ir.Op("set.of", args, type=SetT(joined), place=place))


def _pick_tuple(c: Context, op: str, of: ir.Expr) -> ir.Expr:
    """The least or greatest of a set of tuples: the tuple is its own key."""
    assert isinstance(of.type, SetT)
    name = c.fresh("pair")
    key = _key_tuple(ir.Local(name, type=of.type.item, place=of.place))
    which: ir.PickOp = "least" if op == "min" else "greatest"
    return ir.Pick(which, name, of, key, type=of.type.item, place=of.place)


def _key_tuple(value: ir.Expr) -> ir.Expr:
    """A key as a number or a flat tuple of numbers."""
    parts = parts_of(value)
    if len(parts) == 1:
        return parts[0]
    of = TupleT(tuple(part.type for part in parts))
    return ir.Op("tuple.of", tuple(parts), type=of, place=value.place)


def _extreme_of_items(
    c: Context, node: ast.Call, op: str, default_node: ast.expr | None
) -> ir.Expr:
    fold_op: ir.FoldOp = "min" if op == "min" else "max"
    default = None
    if default_node is not None:
        default = number_of(c, default_node)
    with items_walked(c, node.args[0]) as (clauses, item):
        item = as_number(c, item)
        _has_order(c, node.args[0], item.type, op)
        if isinstance(item.type, TupleT):
            if default is not None:
                c.fail(node, f"`{op}` of tuples takes no default", "test for the empty case first")
            return _pick_tuple(c, op, fold("set", clauses, item, SetT(item.type), c.place(node)))
        of = item.type if default is None else join(item.type, default.type)
        assert of is not None
        if default is not None:
            default = c.convert(default, of, default_node)
            item = c.convert(item, of, node.args[0])
        return ir.Fold(fold_op, clauses.clauses, item, default, type=of, place=c.place(node))


def _has_order(c: Context, node: ast.expr, of: Type, word_: str) -> None:
    if ordered(of) or isinstance(of, NeverT):
        return
    if sorts_in(of):
        c.fail(
            node,
            f"`{word_}` of {article(of)}: identities have no order",
            "give a key that is a number: least(S, key=...), or loop over the set",
        )
    if isinstance(of, OptionT):
        c.fail(
            node,
            f"`{word_}` of values that may be None",
            "leave the absent ones out: `... for x in S if x is not None`",
        )
    c.fail(
        node,
        f"`{word_}` of {article(of)}, which has no order",
        "give a key that is a number: least(S, key=...)",
    )


# --------------------------------------------------------------------------- sorting


@word(sorted)
def _sorted(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    known = {k.arg: k.value for k in node.keywords}
    if len(node.args) != 1 or set(known) - {"key", "reverse"}:
        c.fail(node, "`sorted` takes what to sort", "write sorted(S), sorted(S, key=...)")
    arg = node.args[0]
    reverse = known.get("reverse")
    if reverse is not None and not (
        isinstance(reverse, ast.Constant) and isinstance(reverse.value, bool)
    ):
        c.fail(reverse, "`reverse` is True or False in the source", "choose one")
    backwards = isinstance(reverse, ast.Constant) and reverse.value is True
    if isinstance(arg, ast.GeneratorExp | ast.ListComp) or is_walk(arg):
        with items_walked(c, arg) as (clauses, item):
            if not clauses.ordered and "key" in known:
                c.fail(
                    arg, "which of two with equal keys comes first?", "sort a set: {... for ...}"
                )
            of: ir.Expr = fold("seq", clauses, item, SeqT(item.type, clauses.most), c.place(node))
    else:
        of = c.expr(arg)
    return _sort_value(c, node, of, known.get("key"), backwards)


def _sort_value(
    c: Context,
    node: ast.Call,
    of: ir.Expr,
    key: ast.expr | None,
    backwards: bool,
) -> ir.Expr:
    arg = node.args[0]
    if isinstance(of.type, MapT):
        of = ir.Op("map.keys", (of,), type=SetT(of.type.key), place=of.place)
    item = item_of(of.type)
    if item is None:
        c.convert(of, SetT(NEVER), arg)
        raise AssertionError
    if key is None or not isinstance(of.type, SeqT):
        _no_sorts(c, arg, item, "sorted")
    result = SeqT(item, longest(of.type))
    place = c.place(node)
    if key is not None:
        name, value = key_function(c, key, item, "sorted")
        return ir.SortBy(name, of, value, backwards, type=result, place=place)
    _has_order(c, arg, item, "sorted")
    if isinstance(of.type, BagT):
        local = ir.Local(c.fresh("item"), type=item, place=place)
        gen = ir.Gen(local.name, item, ir.Members(of, place=place))
        of = ir.Fold("seq", (gen,), local, type=result, place=place)
    word_ = "set.sorted" if isinstance(of.type, SetT) else "seq.sorted"
    made = ir.Op(word_, (of,), type=result, place=place)
    if backwards:
        made = ir.Op("seq.reversed", (made,), type=result, place=place)
    return made


def _no_sorts(c: Context, node: ast.expr, of: Type, word_: str) -> None:
    sorts = sorts_in(of)
    if sorts:
        names = " and ".join(sorted(kind.__name__ for kind in sorts))
        c.fail(
            node,
            f"`{word_}` of {article(of)}: members of {names} are equal or not, and have no order",
            "loop over the set, or give each a number in a Map and use that",
        )


# --------------------------------------------------------------------------- choosing


def key_function(c: Context, node: ast.expr, of: Type, word_: str) -> tuple[str, ir.Expr]:
    """A `key=`: the name of its parameter, and the key, a number or a tuple of numbers."""
    if isinstance(node, ast.Lambda):
        if len(node.args.args) != 1:
            c.fail(node, "a key is a function of one value", "write key=lambda x: ...")
        param = node.args.args[0].arg
        name = c.fresh(param)
        held = dict(c.names)
        c.names[param] = ir.Local(name, type=of, place=c.place(node))
        with c.inside("inside a key"):
            value = c.expr(node.body)
        c.names = held
        where: ast.expr = node.body
    else:
        name = c.fresh("item")
        held = dict(c.names)
        c.names[name] = ir.Local(name, type=of, place=c.place(node))
        call = ast.Call(node, [ast.Name(name, ast.Load())], [])
        for part in ast.walk(call):
            if not hasattr(part, "lineno"):
                ast.copy_location(part, node)
        with c.inside("inside a key"):
            value = c.expr(call)
        c.names = held
        where = node
    value = as_number(c, value)
    _has_order(c, where, value.type, word_)
    return name, _key_tuple(value)


def _pick(c: Context, node: ast.Call, which: str) -> ir.Expr:
    given = arguments(c, node, which, ("items", "key"))
    if len(given) < 2:
        c.fail(node, f"`{which}` needs a set and a key", f"write {which}(S, key=lambda x: ...)")
    arg = given["items"]
    if isinstance(arg, ast.GeneratorExp | ast.ListComp) or is_walk(arg):
        with items_walked(c, arg) as (clauses, item):
            of: ir.Expr = fold("set", clauses, item, SetT(item.type), c.place(node))
    else:
        of = c.expr(arg)
    if isinstance(of.type, MapT):
        of = ir.Op("map.keys", (of,), type=SetT(of.type.key), place=of.place)
    item_type = item_of(of.type)
    if item_type is None:
        c.wrong_type(of, SetT(NEVER), arg)
    name, key = key_function(c, given["key"], item_type, which)
    op: ir.PickOp = "least" if which == "least" else "greatest"
    return ir.Pick(op, name, of, key, type=item_type, place=c.place(node))


@word(words.least)
def _least(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    return _pick(c, node, "least")


@word(words.greatest)
def _greatest(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    return _pick(c, node, "greatest")


def _set_argument(c: Context, node: ast.Call) -> ir.Expr:
    arg = only_argument(c, node)
    of = c.expr(arg)
    if isinstance(of.type, MapT):
        of = ir.Op("map.keys", (of,), type=SetT(of.type.key), place=of.place)
    if not isinstance(of.type, SetT):
        c.fail(
            arg,
            f"`{ast.unparse(arg)}` is {article(of.type)}, where a set is needed",
            "write {... for ...}",
        )
    return of


@word(words.the)
def _the(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    of = _set_argument(c, node)
    assert isinstance(of.type, SetT)
    return ir.Op("set.the", (of,), type=of.type.item, place=c.place(node))


@word(words.arbitrary)
def _arbitrary(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    of = _set_argument(c, node)
    assert isinstance(of.type, SetT)
    _no_sorts(c, node.args[0], of.type.item, "arbitrary")
    return ir.Op("set.arbitrary", (of,), type=of.type.item, place=c.place(node))


@word(words.subsets)
def _subsets(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    of = _set_argument(c, node)
    assert isinstance(of.type, SetT)
    return ir.Op("set.subsets", (of,), type=SetT(replace(of.type)), place=c.place(node))


@word(words.majorities)
def _majorities(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    of = _set_argument(c, node)
    assert isinstance(of.type, SetT)
    return ir.Op("set.majorities", (of,), type=SetT(replace(of.type)), place=c.place(node))
