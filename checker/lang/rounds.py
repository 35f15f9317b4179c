"""Where the order of rounds shows although what they do commutes: rounds that end differently.

`any`, `all` and a loop with `return`, `require` or a bound stop at the first round that decides.
If another round would end in another way (a model error, a guard that fails, a step that is cut
off, a `return`), what happens depends on which comes first, and so on the canonical order of what
is walked.  A value outside its domain in two ways is such a walk too, over what is in it.

Conservative: a guard in front of what may fail (`len(q) > 0 and q[0] == x`) is not seen.  What a
test narrows (`m is not None`, `isinstance`) cannot fail, and is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from checker.lang import ir
from checker.lang.definedness import defined_write, row_of
from checker.lang.infer import longest, subtype
from checker.lang.types import BagT, IntT, MapT, OptionT, SeqT, SetT, TupleT, Type

End = Literal["error", "block", "prune", "return"]
EVERY: frozenset[End] = frozenset({"error", "block", "prune"})
NONE: frozenset[End] = frozenset()


def rounds_that_show(
    program: ir.Program, body: ir.Body | ir.Node, shows: Callable[[Type], bool]
) -> Iterator[ir.Expr | ir.For]:
    """The walks over values of types where `shows` holds, in which the order of them shows."""
    ends = _Ends(program)
    for node in ir.walk(body):
        match node:
            case ir.Fold() | ir.MapFold():
                found = ends.of_all(_rounds(node, shows))
                decides = isinstance(node, ir.Fold) and node.op in ("any", "all")
                if found and (decides or len(found) > 1):
                    yield node
            case ir.For():
                if _over(node, shows) and len(ends.of_all(node.body)) > 1:
                    yield node
            case ir.Fit(of):
                if shows(node.type) and len(_outside(of.type, node.type)) > 1:
                    yield node


def _over(walk: ir.Gen | ir.For, shows: Callable[[Type], bool]) -> bool:
    """Whether a walk follows the canonical order of such values."""
    match walk.source:
        case ir.Domain(of):
            return shows(of)
        case ir.Members(of):
            return isinstance(of.type, SetT | BagT) and shows(of.type.item)
    return False


def _rounds(fold: ir.Fold | ir.MapFold, shows: Callable[[Type], bool]) -> Iterator[ir.Node]:
    """What is evaluated in rounds whose order must not show."""
    inside = False
    for clause in fold.clauses:
        if inside:
            yield clause.source if isinstance(clause, ir.Gen) else clause
        inside = inside or (isinstance(clause, ir.Gen) and _over(clause, shows))
    if inside:
        yield from (fold.item,) if isinstance(fold, ir.Fold) else (fold.key, fold.value)


class _Ends:
    """How a piece of one program may end before its end, with calls followed."""

    def __init__(self, program: ir.Program) -> None:
        self.program = program
        self._known: dict[str, frozenset[End]] = {}

    def of(self, tree: ir.Node) -> frozenset[End]:
        return NONE.union(*map(self._of_node, ir.walk(tree)))

    def of_all(self, body: Iterable[ir.Node]) -> frozenset[End]:
        return NONE.union(*map(self.of, body))

    def _of_node(self, node: ir.Node) -> frozenset[End]:
        match node:
            case ir.Call(function=name) | ir.Enabled(function=name) | ir.Do(function=name):
                return self._of_function(name)
            case ir.MakeRecord(type=of) | ir.Replace(type=of):
                held = any(known == of and checks for known, checks in self.program.records.items())
                return frozenset({"error"}) if held else NONE
            case ir.Narrow():
                return NONE
            case ir.Fit(of):
                return _outside(of.type, node.type)
            case ir.Require():
                return frozenset({"block"})
            case ir.Return():
                return frozenset({"return"})
            case ir.Assert():
                return frozenset({"error"})
            case ir.Write(path=path) if path:
                place = ir.Write(node.field, path, ir.TRUE)
                sure = ir.is_true(defined_write(self.program, place))
                return NONE if sure else frozenset({"error"})
            case ir.Expr():
                row = row_of(node)
                sure = row is None or ir.is_true(row.when(node))
                return NONE if sure else frozenset({"error"})
        return NONE

    def _of_function(self, name: str) -> frozenset[End]:
        # One that calls itself may do so without end, which is an error.
        if name not in self._known:
            self._known[name] = frozenset({"error"})
            self._known[name] = self.of_all(self.program.functions[name].body) - {"return"}
        return self._known[name]


def _outside(of: Type, into: Type) -> frozenset[End]:
    """What may happen when a value of one type is put into another."""
    if subtype(of, into):
        return NONE
    match of, into:
        case IntT(), IntT():
            return frozenset({into.beyond})
        case ((SetT() | SeqT() | BagT()), (SetT() | SeqT() | BagT())):
            most, room = longest(of), into.at_most
            full = room is not None and (most is None or most > room)
            return _outside(of.item, into.item) | (frozenset({into.beyond}) if full else NONE)
        case OptionT(), OptionT():
            return _outside(of.item, into.item)
        case _, OptionT():
            return _outside(of, into.item)
        case MapT(), MapT() if of.key == into.key:
            return _outside(of.value, into.value)
        case TupleT(), TupleT():
            return NONE.union(*map(_outside, of.items, into.items))
    return EVERY


__all__ = ["rounds_that_show"]
