"""Symbolic execution: what a function of the IR does when its parameters are known.

Statements run in order.  `path` is where control is at this point; a write there means "the new
value where path holds, the old one elsewhere", so the two ways of a branch need no merging.
`guard` is where no guard has failed so far.  What may fail is kept in `errors`: where one of
them holds, the step is a model error, whatever its later guards say.

Every expression and statement of `checker/lang/ir/` has one method here, named after it;
operators that have no method of their own in `operators.py` are computed case by case with the
interpreter's table.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from checker.ground.conditions import FALSE, TRUE, Condition, both, count, either, negation, spend
from checker.ground.memo import Memo, Operands, Outcome, identity
from checker.ground.operators import OPERATORS, plain
from checker.ground.symbols import (
    Cases,
    Maps,
    NotGroundError,
    Sets,
    Symbol,
    cases,
    choose,
    combined,
    condition,
    flat,
    item_at,
    items_of,
    known,
    membership,
    truth,
)
from checker.lang import ir
from checker.lang.infer import kinds_of
from checker.lang.types import BagT, Beyond, MapT, OptionT, RecordT, SeqT, SetT, Type
from checker.lang.values import Bag, in_order

N = TypeVar("N", bound=ir.Expr)


@dataclass
class Frame:
    """One call: its locals, where control is, and what was returned where."""

    names: dict[str, Symbol]
    path: Condition = TRUE
    inside: list[Condition] = field(default_factory=list)
    """Conditions under which alone the expression at hand is evaluated."""
    returned: list[tuple[Condition, Symbol | None]] = field(default_factory=list)


class Execution:
    """One run of a function.  The state before the step is the layout's, and so is that now
    unless another is given."""

    def __init__(self, memo: Memo, state: dict[str, Symbol] | None = None) -> None:
        self.memo = memo
        self.layout = memo.layout
        self.program = memo.layout.program
        self.state = dict(self.layout.state if state is None else state)
        self.guard: Condition = TRUE
        self.pruned: Condition = FALSE
        self.failures: dict[Condition, None] = {}
        self.frame = Frame({})

    @property
    def errors(self) -> Condition:
        """Where it is a model error."""
        return either(self.failures)

    # ------------------------------------------------------------- where we are

    @contextmanager
    def within(self, where: Condition) -> Iterator[None]:
        """What is evaluated inside matters only where the condition holds."""
        self.frame.inside.append(where)
        yield
        self.frame.inside.pop()

    def here(self) -> Condition:
        """Where control is at the expression at hand."""
        return both(self.frame.path, self.frame.inside)

    def fail(self, where: Condition) -> None:
        """A model error, where the condition holds and control is here."""
        if where is not FALSE:
            self.failures[both(self.guard, self.here(), where)] = None

    def need(self, where: Condition) -> None:
        """A guard: no step, where control is here and the condition does not hold."""
        if where is not TRUE:
            self.guard = both(self.guard, either(negation(self.here()), where))

    def prune(self, where: Condition) -> None:
        """The step is cut off, where the condition holds and control is here."""
        if where is not FALSE:
            self.pruned = either(self.pruned, both(self.guard, self.here(), where))

    def beyond(self, what: Beyond, where: Condition) -> None:
        """A value outside its domain, where the condition holds."""
        if what == "error":
            self.fail(where)
            return
        if what == "prune":
            self.prune(where)
        self.need(negation(where))

    def check(self, e: ir.Expr) -> None:
        """Note where a partial operation is not defined."""
        when = self.memo.defined(e)
        if not ir.is_true(when):
            held = dict(self.failures)
            defined = self.truth(when)
            self.failures = held  # its operands were evaluated before: that was noted then
            self.fail(negation(defined))

    # ------------------------------------------------------------- functions

    def call(self, name: str, args: list[Symbol]) -> Symbol | None:
        """Run a function; what it returns, if anything."""
        function = self.program.functions[name]
        names = (param.name for param in function.params)
        outer = self.frame
        self.frame = Frame(dict(zip(names, args, strict=True)), self.here())
        try:
            self.run(function.body)
            returned = self.frame.returned
        except RecursionError:
            raise NotGroundError(f"`{name}` calls itself without end") from None
        finally:
            self.frame = outer
        result: Symbol | None = None
        for where, value in reversed(returned):
            if value is not None:
                result = value if result is None else choose(where, value, result)
        return result

    def run(self, body: ir.Body) -> None:
        for statement in body:
            if self.frame.path is FALSE or self.guard is FALSE:
                return
            _STATEMENTS[type(statement)](self, statement)

    def eval(self, e: ir.Expr) -> Symbol:
        spend(1)
        return _EXPRESSIONS[type(e)](self, e)

    def value_of(self, name: str, args: list[Symbol]) -> Symbol:
        """What a function gives that neither writes nor requires."""

        def run(x: Execution) -> Symbol:
            value = x.call(name, args)
            return Cases({}) if value is None else value  # None: control cannot be here

        return self.once(name, args, self.memo.operands_of(name), run, name)

    def expression(self, e: N, rule: Callable[[Execution, N], Symbol]) -> Symbol:
        """What an expression gives, by its rule."""
        operands = self.memo.operands(e)
        names = [self.frame.names.get(name) for name in operands.locals]
        return self.once(id(e), names, operands, lambda x: rule(x, e), e)

    def once(
        self,
        what: Hashable,
        args: Sequence[Symbol | None],
        operands: Operands,
        rule: Callable[[Execution], Symbol],
        held: object,
    ) -> Symbol:
        """What a rule gives for these arguments, from the memo if it is there."""
        if operands.recursive:
            return rule(self)
        read = [*args, *(self.state[name] for name in operands.fields)]
        key = (what, *map(identity, read))
        found = self.memo.outcomes.get(key)
        if found is None:
            x = Execution(self.memo, self.state)
            x.frame.names = self.frame.names
            value = rule(x)
            # What is pure has no guards: where a bound would block it, it fails.
            failures = (*x.failures, negation(x.guard))
            found = self.memo.outcomes[key] = Outcome(value, failures, (held, read))
        for where in found.failures:
            self.fail(where)
        return found.value

    def truth(self, e: ir.Expr) -> Condition:
        return condition(self.eval(e))


# --------------------------------------------------------------------------- statements


def _let(x: Execution, s: ir.Let) -> None:
    value = x.eval(s.value)
    held = x.frame.names.get(s.name)
    x.frame.names[s.name] = value if held is None else choose(x.frame.path, value, held)


def _write(x: Execution, s: ir.Write) -> None:
    value = x.eval(s.value)
    keys = [flat(x.eval(key)) for key in s.path]
    of = x.program.field(s.field).type
    x.state[s.field] = _stored(x.state[s.field], keys, value, of, x.frame.path)


def _stored(held: Symbol, keys: list[Cases], value: Symbol, of: Type, where: Condition) -> Symbol:
    if not keys:
        return choose(where, value, held)
    if isinstance(of, MapT):
        return Maps(
            {
                key: _stored(
                    item_at(held, key),
                    keys[1:],
                    value,
                    of.value,
                    both(where, keys[0].of.get(key, FALSE)),
                )
                for key in of.keys
            }
        )
    raise NotGroundError("a write to an index of a sequence")


def _require(x: Execution, s: ir.Require) -> None:
    x.need(x.truth(s.test))


def _assert(x: Execution, s: ir.Assert) -> None:
    x.fail(negation(x.truth(s.test)))


def _if(x: Execution, s: ir.If) -> None:
    where, path = x.truth(s.test), x.frame.path
    yes, no = both(path, where), both(path, negation(where))
    x.frame.path = yes
    x.run(s.then)
    after_yes, x.frame.path = x.frame.path, no
    x.run(s.other)
    after_no = x.frame.path
    whole = after_yes is yes and after_no is no
    x.frame.path = path if whole else either(after_yes, after_no)


def _for(x: Execution, s: ir.For) -> None:
    for value, where in walked(x, s.source):
        x.frame.names[s.name] = known(value)
        path = x.frame.path
        inside = x.frame.path = both(path, where)
        x.run(s.body)
        if x.frame.path is inside:
            x.frame.path = path
        else:
            x.frame.path = either(x.frame.path, both(path, negation(where)))


def _return(x: Execution, s: ir.Return) -> None:
    value = None if s.value is None else x.eval(s.value)
    x.frame.returned.append((x.frame.path, value))
    x.frame.path = FALSE


def _do(x: Execution, s: ir.Do) -> None:
    value = x.call(s.function, [x.eval(arg) for arg in s.args])
    if s.into is not None and value is not None:
        held = x.frame.names.get(s.into)
        x.frame.names[s.into] = value if held is None else choose(x.frame.path, value, held)


_STATEMENTS: dict[type[ir.Stmt], Callable[[Execution, Any], None]] = {
    ir.Let: _let,
    ir.Write: _write,
    ir.Require: _require,
    ir.Assert: _assert,
    ir.If: _if,
    ir.For: _for,
    ir.Return: _return,
    ir.Do: _do,
}

# --------------------------------------------------------------------------- expressions


def _all(x: Execution, tests: tuple[ir.Expr, ...]) -> Condition:
    """Where all hold: a test is evaluated where those before it hold."""
    so_far = TRUE
    for test in tests:
        if so_far is FALSE:
            break
        with x.within(so_far):
            where = x.truth(test)
        so_far = both(so_far, where)
    return so_far


def _any(x: Execution, tests: tuple[ir.Expr, ...]) -> Condition:
    """Where one holds: a test is evaluated where none before it holds."""
    so_far = FALSE
    for test in tests:
        if so_far is TRUE:
            break
        with x.within(negation(so_far)):
            where = x.truth(test)
        so_far = either(so_far, where)
    return so_far


def _op(x: Execution, e: ir.Op) -> Symbol:
    if e.op in ("and", "or"):
        return truth(_all(x, e.args) if e.op == "and" else _any(x, e.args))
    args = [x.eval(arg) for arg in e.args]
    x.check(e)
    key = (id(e), *map(identity, args))
    found = x.memo.results.get(key)
    if found is None:
        found = x.memo.results[key] = (_applied(e, args), e, args)
    return found[0]


def _applied(e: ir.Op, args: list[Symbol]) -> Symbol:
    """An operator, by a rule of its own where it has one."""
    rule = OPERATORS.get(e.op)
    made = rule(e, args) if rule is not None else None
    return plain(e, args) if made is None else made


def _narrow(x: Execution, e: ir.Narrow) -> Symbol:
    value = x.eval(e.of)
    if not isinstance(value, Cases):
        return value
    kinds = tuple(kind.kind for kind in kinds_of(e.type))
    good = {
        held: where
        for held, where in value.of.items()
        if (held is None and isinstance(e.type, OptionT))
        or (held is not None and (not kinds or isinstance(held, kinds)))
    }
    x.fail(either(where for held, where in value.of.items() if held not in good))
    return Cases(good)


def _fit(x: Execution, e: ir.Fit) -> Symbol:
    return fitted(x, x.eval(e.of), e.type)


def fitted(x: Execution, value: Symbol, of: Type) -> Symbol:
    """The value as a member of a domain; notes where it is none."""
    if isinstance(value, Maps) and isinstance(of, MapT):
        return Maps({key: fitted(x, inner, of.value) for key, inner in value.of.items()})
    if isinstance(value, Sets) and isinstance(of, SetT):
        good = {}
        for item, where in value.of.items():
            misfit = of.item.misfit(item)
            if misfit is None:
                good[item] = where
            else:
                x.beyond(misfit.beyond, where)
        if of.at_most is not None:
            too_many = range(of.at_most + 1, len(good) + 1)
            x.beyond(of.beyond, count(tuple(good.values()), too_many))
        return Sets(good)
    fits, misfits = x.memo.fits(value, of)
    for beyond, where in misfits:
        x.beyond(beyond, where)
    return fits


def _records(x: Execution, e: ir.Expr, args: list[Symbol]) -> Symbol:
    assert isinstance(e.type, RecordT)
    kind = e.type.kind
    found = []
    for values, where in combined([flat(arg) for arg in args]):
        if kind._checks and not kind.allows(values):
            x.fail(where)
        else:
            found.append((kind(*values), where))
    return cases(found)


def _replace(x: Execution, e: ir.Replace) -> Symbol:
    of = flat(x.eval(e.of))
    given = dict(zip(e.names, (x.eval(arg) for arg in e.args), strict=True))
    assert isinstance(e.type, RecordT)
    found: list[tuple[Any, Condition]] = []
    for held, where in of.of.items():
        args = [given.get(name) or known(getattr(held, name)) for name, _ in e.type.fields]
        with x.within(where):
            made = flat(_records(x, e, args))
        found += [(value, both(where, isit)) for value, isit in made.of.items()]
    return cases(found)


def _is_none(x: Execution, e: ir.IsNone) -> Symbol:
    value = x.eval(e.of)
    return truth(value.of.get(None, FALSE) if isinstance(value, Cases) else FALSE)


def _is_kind(x: Execution, e: ir.IsKind) -> Symbol:
    of = flat(x.eval(e.of)).of
    return truth(either(where for held, where in of.items() if type(held) in e.kinds))


def _fits(x: Execution, e: ir.Fits) -> Symbol:
    of = flat(x.eval(e.of)).of
    return truth(either(where for held, where in of.items() if held in e.into))


def _if_else(x: Execution, e: ir.IfElse) -> Symbol:
    where = x.truth(e.test)
    if where is TRUE:
        return x.eval(e.then)
    if where is FALSE:
        return x.eval(e.other)
    with x.within(where):
        yes = x.eval(e.then)
    with x.within(negation(where)):
        no = x.eval(e.other)
    return choose(where, yes, no)


def _let_in(x: Execution, e: ir.LetIn) -> Symbol:
    x.frame.names[e.name] = x.eval(e.value)
    return x.eval(e.body)


def _call(x: Execution, e: ir.Call) -> Symbol:
    args = [x.eval(arg) for arg in e.args]
    held = x.state
    if e.old:
        x.state = dict(x.layout.state)
    value = x.value_of(e.function, args)
    x.state = held
    return value


def _enabled(x: Execution, e: ir.Enabled) -> Symbol:
    args = [x.eval(arg) for arg in e.args]
    trial = Execution(x.memo, x.state)
    trial.call(e.function, args)
    x.fail(trial.errors)
    return truth(trial.guard)


def _map_fold(x: Execution, e: ir.MapFold) -> Symbol:
    found: dict[Any, Symbol] = {}

    def note(where: Condition) -> None:
        value = x.eval(e.value)
        for key, isit in flat(x.eval(e.key)).of.items():
            here = both(where, isit)
            if key not in found and here is not TRUE:
                raise NotGroundError("a map whose keys are open")
            found[key] = choose(here, value, found[key]) if key in found else value

    bound(x, e.clauses, TRUE, note)
    x.check(e)
    return Maps({key: found[key] for key in in_order(found)})


def _pick(x: Execution, e: ir.Pick) -> Symbol:
    if not isinstance(e.of.type, SetT):
        raise NotGroundError(f"`{e.op}` of a sequence")
    members = list(membership(x.eval(e.of)).items())
    x.check(e)
    keys = []
    for item, _ in members:
        x.frame.names[e.name] = known(item)
        of = flat(x.eval(e.key)).of
        if len(of) != 1:
            raise NotGroundError(f"`{e.op}` by a key that depends on the state")
        keys.append(next(iter(of)))
    found = []
    for (item, where), key in zip(members, keys, strict=True):
        better = [
            negation(other)
            for (_, other), rival in zip(members, keys, strict=True)
            if (rival < key if e.op == "least" else rival > key)
        ]
        found.append((item, both(where, *better)))
    return cases(found)


def _sort_by(_x: Execution, _e: ir.SortBy) -> Symbol:
    raise NotGroundError("sorting by a key")


# --------------------------------------------------------------------------- generators and folds


def walked(x: Execution, source: ir.Source) -> list[tuple[Any, Condition]]:
    """What a generator may meet, in order, each with where it meets it."""
    match source:
        case ir.Domain(of):
            return [(value, TRUE) for value in of.values()]
        case ir.Range(start, stop):
            low, high = flat(x.eval(start)), flat(x.eval(stop))
            if not low.of or not high.of:
                return []
            return [
                (
                    number,
                    both(
                        either(where for n, where in low.of.items() if n <= number),
                        either(where for n, where in high.of.items() if number < n),
                    ),
                )
                for number in range(min(low.of), max(high.of))
            ]
        case ir.Members(of):
            value = x.eval(of)
            if isinstance(of.type, SeqT | BagT):
                whole = [(tuple(items), where) for items, where in flat(value).of.items()]
                return [
                    (item, where)
                    for index in range(max((len(items) for items, _ in whole), default=0))
                    for item, where in cases(
                        (items[index], where) for items, where in whole if index < len(items)
                    ).of.items()
                ]
            if isinstance(of.type, MapT):
                return [(key, TRUE) for key in of.type.keys]
            return [(item, where) for item, where in membership(value).items()]
    raise AssertionError(source)


def bound(
    x: Execution,
    clauses: tuple[ir.Clause, ...],
    where: Condition,
    then: Callable[[Condition], None],
) -> None:
    """Call `then` for each binding of the clauses that may be, with where it is."""
    if where is FALSE:
        return
    if not clauses:
        with x.within(where):
            then(where)
        return
    head, rest = clauses[0], clauses[1:]
    match head:
        case ir.When(test):
            with x.within(where):
                holds = x.truth(test)
            bound(x, rest, both(where, holds), then)
        case ir.Bind(name, value):
            with x.within(where):
                x.frame.names[name] = x.eval(value)
            bound(x, rest, where, then)
        case ir.Gen(name, _, source):
            with x.within(where):
                items = walked(x, source)
            for value, isin in items:
                x.frame.names[name] = known(value)
                bound(x, rest, both(where, isin), then)


def _fold(x: Execution, e: ir.Fold) -> Symbol:
    if e.op in ("any", "all"):
        return truth(_quantified(x, e))
    found: list[tuple[Symbol, Condition]] = []
    bound(x, e.clauses, TRUE, lambda where: found.append((x.eval(e.item), where)))
    match e.op:
        case "set":
            return items_of(found)
        case "count":
            parts = tuple(both(where, condition(item)) for item, where in found)
            return cases((n, count(parts, {n})) for n in range(len(parts) + 1))
        case "sum":
            total = known(0)
            for item, where in found:
                pairs = combined([total, flat(choose(where, item, known(0)))])
                total = cases((a + b, isit) for (a, b), isit in pairs)
            return total
        case "min" | "max":
            return _extreme(x, e, found)
    whole: Cases = known(())
    for item, where in found:
        longer = [
            (in_order((*so_far, one)) if e.op == "bag" else (*so_far, one), both(where, isit))
            for (so_far, one), isit in combined([whole, flat(item)])
        ]
        same = [(so_far, both(isit, negation(where))) for so_far, isit in whole.of.items()]
        whole = cases(longer + same)
    return (
        cases((Bag(items), where) for items, where in whole.of.items()) if e.op == "bag" else whole
    )


def _quantified(x: Execution, e: ir.Fold) -> Condition:
    """It stops at the first item that decides: those after it are not evaluated."""
    open_ = TRUE
    decided = FALSE

    def note(where: Condition) -> None:
        nonlocal open_, decided
        if open_ is FALSE:
            return
        with x.within(open_):
            holds = x.truth(e.item)
        decides = both(where, holds if e.op == "any" else negation(holds))
        decided = either(decided, decides)
        open_ = both(open_, negation(decides))

    bound(x, e.clauses, TRUE, note)
    return decided if e.op == "any" else negation(decided)


def _extreme(x: Execution, e: ir.Fold, found: list[tuple[Symbol, Condition]]) -> Symbol:
    have = items_of(found).of
    best: list[tuple[Any, Condition]] = []
    none: Condition = TRUE
    for value in sorted(have, reverse=e.op == "max"):
        best.append((value, both(none, have[value])))
        none = both(none, negation(have[value]))
    if e.default is None:
        x.fail(none)
    else:
        default = flat(x.eval(e.default))
        best += [(value, both(none, where)) for value, where in default.of.items()]
    return cases(best)


_EXPRESSIONS: dict[type[ir.Expr], Callable[[Execution, Any], Symbol]] = {
    ir.Literal: lambda x, e: known(e.value),
    ir.Constant: lambda x, e: known(x.program.constants[e.name].value),
    ir.Local: lambda x, e: x.frame.names[e.name],
    ir.FieldRead: lambda x, e: (x.layout.state if e.old else x.state)[e.name],
    ir.Op: _op,
    ir.Item: lambda x, e: item_at(flat(x.eval(e.of)), e.index),
    ir.Get: lambda x, e: cases(
        (getattr(held, e.field), where) for held, where in flat(x.eval(e.of)).of.items()
    ),
    ir.MakeRecord: lambda x, e: _records(x, e, [x.eval(arg) for arg in e.args]),
    ir.Replace: _replace,
    ir.IsNone: _is_none,
    ir.IsKind: _is_kind,
    ir.Narrow: _narrow,
    ir.Widen: lambda x, e: x.eval(e.of),
    ir.Fit: _fit,
    ir.Fits: _fits,
    ir.IfElse: _if_else,
    ir.LetIn: _let_in,
    ir.Fold: lambda x, e: x.expression(e, _fold),
    ir.MapFold: lambda x, e: x.expression(e, _map_fold),
    ir.Pick: lambda x, e: x.expression(e, _pick),
    ir.SortBy: _sort_by,
    ir.Call: _call,
    ir.Enabled: lambda x, e: x.expression(e, _enabled),
}
