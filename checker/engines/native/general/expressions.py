"""C for each kind of expression of the IR, one function for each."""

from __future__ import annotations

from checker.engines.native.general.operators import OPERATORS, Keys, arithmetic
from checker.engines.native.general.shapes import Struct, member
from checker.engines.native.general.text import address, part
from checker.engines.native.general.writer import Rule, Writer
from checker.lang import ir
from checker.lang.definedness import row_of
from checker.lang.infer import NeverT, kinds_of
from checker.lang.types import BagT, IntT, MapT, OptionT, RecordT, SeqT, SetT, Type, UnionT


def _op(w: Writer, e: ir.Op) -> str:
    return OPERATORS[e.op](w, e)


def _local(w: Writer, e: ir.Local) -> str:
    return w.env[e.name]


def _field(w: Writer, e: ir.FieldRead) -> str:
    """While parameters are chosen, the state is as before the step: nothing changes that."""
    return f"self->{'old' if e.old or w.choosing else 'now'}->{w.context.fields[e.name]}"


# --------------------------------------------------------------------------- records and options


def _item(w: Writer, e: ir.Item) -> str:
    return part(w.value(e.of), f"part{e.index}")


def _get(w: Writer, e: ir.Get) -> str:
    place = w.value(e.of)
    if isinstance(e.of.type, RecordT):
        return part(place, member(e.field))
    found = w.declare(e.type, e.field)
    with w.block(f"switch ({part(place, 'kind')})"):
        for at, kind in enumerate(kinds_of(e.of.type)):
            held = part(place, f"as.{member(str(kind))}.{member(e.field)}")
            w.line(f"case {at}: {found} = {held}; break;")
    return found


def _checked(w: Writer, e: ir.MakeRecord | ir.Replace, made: str) -> str:
    """A record that is made keeps its invariants."""
    assert isinstance(e.type, RecordT)
    for name in w.program.records.get(e.type, ()):
        holds = w.name("holds")
        w.line(f"i64 {holds};")
        w.run(f"{w.context.functions[name]}(self, {address(made)}, &{holds})")
        w.fail_if(f"!{holds}")
    return made


def _make_record(w: Writer, e: ir.MakeRecord) -> str:
    shape = w.library.shape(e.type)
    assert isinstance(shape, Struct)
    held = [w.value(arg) for arg in e.args]
    made = w.declare(e.type, shape.name.lower(), "{0}" if not held else "")
    for (name, _), value in zip(shape.members, held, strict=True):
        w.line(f"{made}.{name} = {value};")
    return _checked(w, e, made)


def _replace(w: Writer, e: ir.Replace) -> str:
    assert isinstance(e.type, RecordT)
    place = w.value(e.of)
    changed = dict(zip(e.names, (w.value(arg) for arg in e.args), strict=True))
    made = w.declare(e.type, "changed")
    for name, _ in e.type.fields:
        w.line(f"{made}.{member(name)} = {changed.get(name, part(place, member(name)))};")
    return _checked(w, e, made)


def _is_none(w: Writer, e: ir.IsNone) -> str:
    place = w.value(e.of)
    return f"({place} == NONE)" if w.library.scalar(e.of.type) else f"(!{part(place, 'some')})"


def _kind_test(w: Writer, of: Type, place: str, kinds: tuple[object, ...]) -> str:
    match of:
        case RecordT(kind):
            return "1" if kind in kinds else "0"
        case UnionT(held):
            tests = [
                f"{part(place, 'kind')} == {at}"
                for at, kind in enumerate(held)
                if kind.kind in kinds
            ]
            return f"({' || '.join(tests)})" if tests else "0"
        case OptionT(item) if not w.library.scalar(of):
            return f"({part(place, 'some')} && {_kind_test(w, item, part(place, 'it'), kinds)})"
    return "0"


def _is_kind(w: Writer, e: ir.IsKind) -> str:
    return _kind_test(w, e.of.type, w.value(e.of), e.kinds)


def _narrow(w: Writer, e: ir.Narrow) -> str:
    place, of = w.value(e.of), e.of.type
    if isinstance(e.type, NeverT):
        w.line(w.fail("ERROR"))
        return "0"
    if isinstance(of, OptionT) and not isinstance(e.type, OptionT):
        if w.library.scalar(of):
            place = w.atom(place)
            w.fail_if(f"{place} == NONE")
        else:
            w.fail_if(f"!{part(place, 'some')}")
            place = part(place, "it")
        of = of.item
    kinds = tuple(kind.kind for kind in kinds_of(e.type))
    if kinds and len(kinds) < len(kinds_of(of)):
        known = _kind_test(w, of, place, kinds)
        absent = f"{part(place, 'some')} && " if isinstance(of, OptionT) else ""
        w.fail_if(f"{absent}!{known}")
    return w.moved(of, e.type, place)


def _widen(w: Writer, e: ir.Widen) -> str:
    return w.moved(e.of.type, e.type, w.value(e.of))


def _fit(w: Writer, e: ir.Fit) -> str:
    of, place = e.of.type, w.value(e.of)
    if isinstance(of, IntT):
        place = w.atom(place)
    status = w.library.outside(of, e.type, place)
    if status is not None:
        w.run(status)
    return w.moved(of, e.type, place)


def _fits(w: Writer, e: ir.Fits) -> str:
    place = w.value(e.of)
    if isinstance(e.of.type, IntT):
        place = w.atom(place)
    status = w.library.outside(e.of.type, e.into, place)
    return "1" if status is None else f"({status} == DONE)"


# --------------------------------------------------------------------------- binding and choice


def _if_else(w: Writer, e: ir.IfElse) -> str:
    test = w.value(e.test)
    then, before_then = w.tried(e.then)
    other, before_other = w.tried(e.other)
    scalar = w.library.scalar(e.type)
    if not before_then and not before_other:
        if scalar:
            return f"({test} ? {then} : {other})"
        return f"(*({test} ? {address(then)} : {address(other)}))"
    made = w.declare(e.type, "chosen")
    with w.block(f"if ({test})"):
        w.lines += before_then
        w.line(f"{made} = {then};")
    with w.block("else"):
        w.lines += before_other
        w.line(f"{made} = {other};")
    return made


def _let_in(w: Writer, e: ir.LetIn) -> str:
    w.bind(e.name, e.value)
    return w.value(e.body)


# --------------------------------------------------------------------------- folds


def _fold(w: Writer, e: ir.Fold) -> str:
    if e.op in ("any", "all"):
        return _quantifier(w, e)
    if e.op in ("min", "max"):
        return _extreme(w, e)
    made = w.zero(e.type, {"sum": "sum", "count": "count"}.get(e.op, "all"))
    of = e.type

    def inner() -> None:
        if e.op == "count":
            w.line(f"{made} += {w.value(e.item)};")
            return
        item = w.value(e.item)
        if e.op == "sum":
            w.line(f"{made} = {arithmetic(w, '+', e.type, [e.type, e.item.type], [made, item])};")
        elif isinstance(of, SeqT):
            w.library.append(w, w.library.shape(of), made, item)  # type: ignore[arg-type]
        else:
            assert isinstance(of, SetT | BagT)
            w.library.insert(w, of, made, item)

    w.rounds(e.clauses, inner)
    return made


def _quantifier(w: Writer, e: ir.Fold) -> str:
    some = e.op == "any"
    made = w.declare(e.type, "found" if some else "holds", "0" if some else "1")
    done = w.name(f"after_{made}")

    def inner() -> None:
        test = w.value(e.item)
        with w.block(f"if ({test})" if some else f"if (!({test}))"):
            w.line(f"{made} = {1 if some else 0};")
            w.line(f"goto {done};")

    w.rounds(e.clauses, inner)
    w.line(f"{done}:;")
    return made


def _extreme(w: Writer, e: ir.Fold) -> str:
    default = "0" if e.default is None else w.value(e.default)
    best, some = w.declare(e.type, "best", default), w.name("any")
    w.line(f"int {some} = 0;")

    def inner() -> None:
        item = w.atom(w.value(e.item), "item")
        better = "<" if e.op == "min" else ">"
        w.line(f"if (!{some} || {item} {better} {best}) {best} = {item};")
        w.line(f"{some} = 1;")

    w.rounds(e.clauses, inner)
    if e.default is None:
        w.fail_if(f"!{some}")
    else:
        w.line(f"(void){some};")
    return best


def _map_fold(w: Writer, e: ir.MapFold) -> str:
    assert isinstance(e.type, MapT)
    row = row_of(e)
    assert row is not None
    total = ir.is_true(row.when(e))
    keys = Keys(w, e.type, total)

    def inner() -> None:
        code = w.atom(w.library.code(e.key.type, w.value(e.key)), "code")
        keys.put(code, w.value(e.value))

    w.rounds(e.clauses, inner)
    return keys.made()


def _pick(w: Writer, e: ir.Pick) -> str:
    of = e.of.type
    assert isinstance(of, SetT | SeqT | BagT)
    place = w.value(e.of)
    best, best_key = w.declare(e.type, "best"), w.declare(e.key.type, "best_key")
    some, tie = w.name("any"), w.name("tie")
    w.line(f"int {some} = 0, {tie} = 0;")
    with w.library.over(w, of, place, e.name) as item:
        w.env[e.name] = item
        key = w.declare(e.key.type, "key", w.value(e.key))
        order = w.name("order")
        compared = w.library.order(e.key.type, key, best_key)
        w.line(f"int {order} = {some} ? {compared} : {'-1' if e.op == 'least' else '1'};")
        w.line(f"{some} = 1;")
        same = w.library.same(w.library.shape(e.type), item, best)
        w.line(f"if ({order} == 0) {tie} |= !{same};")
        with w.block(f"if ({order} {'<' if e.op == 'least' else '>'} 0)"):
            w.line(f"{best} = {item};")
            w.line(f"{best_key} = {key};")
            w.line(f"{tie} = 0;")
    w.fail_if(f"!{some} || {tie}")
    return best


def _sort_by(w: Writer, e: ir.SortBy) -> str:
    of = e.of.type
    assert isinstance(of, SetT | SeqT | BagT)
    assert isinstance(e.type, SeqT)
    shape = w.library.shape(e.type)
    place = w.value(e.of)
    made, keys, at = w.zero(e.type, "sorted"), w.name("keys"), w.name("to")
    w.line(f"{w.library.variable(e.key.type)} {keys}[{shape.room}];")  # type: ignore[attr-defined]
    with w.library.over(w, of, place, e.name) as item:
        w.env[e.name] = item
        key = w.declare(e.key.type, "key", w.value(e.key))
        w.line(f"if (UNLIKELY({made}.n == {shape.room})) return NO_ROOM;")  # type: ignore[attr-defined]
        w.line(f"int {at} = {made}.n++;")
        later = w.library.order(e.key.type, f"{keys}[{at} - 1]", key)
        with w.block(f"for (; {at} > 0 && {later} {'<' if e.reverse else '>'} 0; {at}--)"):
            w.line(f"{made}.at[{at}] = {made}.at[{at} - 1];")
            w.line(f"{keys}[{at}] = {keys}[{at} - 1];")
        w.line(f"{made}.at[{at}] = {item};")
        w.line(f"{keys}[{at}] = {key};")
    return made


# --------------------------------------------------------------------------- calls


def call(
    w: Writer, name: str, machine: str, args: list[str], returns: Type | None
) -> tuple[str, str]:
    """The text of a call, and where its value goes."""
    given, result = [machine, *args], ""
    if returns is not None:
        result = w.declare(returns, "result")
        given.append(f"&{result}")
    return f"{w.context.functions[name]}({', '.join(given)})", result


def _call(w: Writer, e: ir.Call) -> str:
    args = [w.argument(arg) for arg in e.args]
    machine = "self"
    if e.old:
        before = w.name("before")
        w.line(f"Machine {before} = *self;")
        w.line(f"{before}.now = (State *)self->old;")
        machine = f"&{before}"
    text, result = call(w, e.function, machine, args, e.type)
    w.run(text)
    return result


def _enabled(w: Writer, e: ir.Enabled) -> str:
    function = w.program.functions[e.function]
    args = [copied(w, arg) if function.writes else w.argument(arg) for arg in e.args]
    kept = {}
    for field in sorted(function.writes):
        of = w.program.field(field).type
        place = f"self->now->{w.context.fields[field]}"
        kept[place] = w.declare(of, "kept", place)
    text, _ = call(w, e.function, "self", args, function.returns)
    trial = w.name("trial")
    w.line(f"int {trial} = {text};")
    for place, held in kept.items():
        w.line(f"{place} = {held};")
    w.line(f"if (UNLIKELY({trial} >= ERROR)) {w.fail(trial)}")
    return f"({trial} == DONE)"


def copied(w: Writer, e: ir.Expr) -> str:
    """An argument for a function that changes the state: it must not see that change."""
    value = w.value(e)
    if w.library.scalar(e.type):
        return value
    if "self->" in value or "(*" in value:
        value = w.declare(e.type, "argument", value)
    return address(value)


EXPRESSIONS: dict[type[ir.Expr], Rule] = {
    ir.Literal: lambda w, e: w.library.literal(e.type, e.value),
    ir.Constant: lambda w, e: w.library.literal(e.type, w.program.constants[e.name].value),
    ir.Local: _local,
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
