"""The functions of Python and of the language that expressions are written with.

Each rule is registered for the very function object, so that a user's own function of the same
name is the user's.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import replace

from checker.lang import declare, ir, values, words
from checker.lang.calls import VALUE_METHODS, arguments, word
from checker.lang.comprehensions import (
    fold,
    items_walked,
    only_argument,
    quantifier,
    refuse_unordered,
    sequence,
    total,
)
from checker.lang.context import CONDITIONS, Context, Known, Method, article
from checker.lang.expressions import concat, length
from checker.lang.infer import (
    NEVER,
    NeverT,
    alike,
    arithmetic,
    comparable,
    item_of,
    join,
    longest,
    ordered,
)
from checker.lang.names import static
from checker.lang.narrow import as_number, number_of, parts_of, replace_item
from checker.lang.types import (
    BagT,
    IntT,
    MapT,
    OptionT,
    SeqT,
    SetT,
    TupleT,
    Type,
    sorts_in,
)

# --------------------------------------------------------------------------- numbers, lengths


@word(len)
def _len(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    arg = only_argument(c, node)
    of = c.expr(arg)
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
    if not isinstance(arg, ast.GeneratorExp) and not _is_walk(arg):
        value = c.expr(arg, wanted)
        if isinstance(value.type, SetT):
            return value
        if isinstance(value.type, BagT):
            return ir.Op("bag.support", (value,), type=SetT(value.type.item), place=c.place(node))
    with items_walked(c, arg) as (clauses, item):
        return fold("set", clauses, item, SetT(item.type), c.place(node))


def _is_walk(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="range" | "enumerate" | "zip" | "reversed")):
            return True
        case ast.Call(func=ast.Attribute(attr="items" | "keys" | "values")):
            return True
    return False


@word(list, tuple, values.Seq)
def _seq(c: Context, node: ast.Call, wanted: Type | None) -> ir.Expr:
    if not node.args:
        inner = wanted.item if isinstance(wanted, SeqT) else NEVER
        return ir.Op("seq.of", (), type=SeqT(inner, 0), place=c.place(node))
    arg = only_argument(c, node)
    if isinstance(arg, ast.GeneratorExp):
        return sequence(c, arg, wanted)
    if not _is_walk(arg):
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
    if isinstance(arg, ast.GeneratorExp) or _is_walk(arg):
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
    if isinstance(arg, ast.GeneratorExp) or _is_walk(arg):
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
            c.fail(node, f"`.{name}()` is walked with `for`", f"write for ... in ...{name}()")
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

__all__ = ["alike", "builtins", "concat", "fill", "is_everywhere", "replace_item"]
