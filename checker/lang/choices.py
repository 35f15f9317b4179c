"""What an action's parameters range over, read off the guards at the start of its body.

`require(p in EXPR)` and `require(p <= EXPR)` narrow the range of `p` without changing the
meaning: every other value fails that guard.  Guards that stand before it and use earlier
parameters only come along as `Choice.given`: they may be what makes EXPR defined.

Where `given` or `within` fails in some state, the whole domains are to be walked there: the
action's own guards, in their own order, then give the step or the error that is due.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.lang import ir

Functions = dict[str, ir.Function]


def choices_of(function: ir.Function, functions: Functions) -> tuple[ir.Choice, ...]:
    names = [param.name for param in function.params]
    found: dict[str, ir.Choice] = {}
    before: list[ir.Expr] = []
    for guard in _leading(function.body, functions):
        narrowed = _narrowing(guard, names)
        if narrowed is not None and narrowed[0] not in found:
            name, how, within = narrowed
            index = names.index(name)
            earlier = set(names[:index])
            if ir.locals_in(within) & set(names) <= earlier:
                given = [g for g in before if ir.locals_in(g) & set(names) <= earlier]
                of = function.params[index].type
                found[name] = ir.Choice(name, of, how, within, ir.both(*given))
                continue
        before.append(guard)
    return tuple(
        found.get(param.name, ir.Choice(param.name, param.type, "domain"))
        for param in function.params
    )


def _leading(body: ir.Body, functions: Functions) -> Iterator[ir.Expr]:
    """The conditions that stand before anything else, conjunctions taken apart.

    Where a call follows, such as `self.net.receive(m)`, the conditions at its start come too.
    """
    for statement in body:
        if isinstance(statement, ir.Do):
            called = functions[statement.function]
            names = [param.name for param in called.params]
            values = dict(zip(names, statement.args, strict=True))
            for guard in _leading(called.body, functions):
                if not ir.locals_in(guard) <= set(names):
                    return  # a variable of its own might mean another thing here
                yield ir.substitute(guard, values)
        if not isinstance(statement, ir.Require):
            return
        test = statement.test
        if isinstance(test, ir.Op) and test.op == "and":
            yield from test.args
        else:
            yield test


_HOW: dict[str, ir.How] = {
    "set.has": "member",
    "seq.has": "member",
    "bag.has": "member",
    "set.subset": "subset",
}


def _narrowing(guard: ir.Expr, names: list[str]) -> tuple[str, ir.How, ir.Expr] | None:
    if not isinstance(guard, ir.Op) or guard.op not in _HOW:
        return None
    item, within = guard.args
    while isinstance(item, ir.Widen):
        item = item.of
    if isinstance(within, ir.Widen):
        within = within.of
    if isinstance(item, ir.Local) and item.name in names:
        return item.name, _HOW[guard.op], within
    return None
