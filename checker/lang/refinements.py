"""A refinement mapping, cut into one pure function for each field of the other spec.

    votes = {a: self.votes(a) for a in self.acceptors}
    return Voting.at(votes=votes, max_ballot=self.promised)

becomes two functions with the same body, of which one returns `votes` and the other
`self.promised`.  So a mapping needs no node of its own in the IR, and an engine that wants one
field of the other state computes no other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checker.lang.errors import SpecError
from checker.lang.model import Refinement
from checker.lang.owner import Function
from checker.lang.source import Source, copied


def functions_of(refinement: Refinement) -> Iterator[tuple[str, Function]]:
    """Each field of the other spec, and the function that gives its value."""
    whole = refinement.function
    for field in refinement.other.fields:
        keyword = field.name.replace(".", "_")
        tree = _Returned(refinement, keyword).visit(copied(whole.source.tree))
        source = Source(tree, whole.source.file, whole.source.names)
        name = f"{whole.name}.{field.name}"
        yield field.name, Function(name, source, whole.owner, whole.defined_in, (), whole.run)


class _Returned(ast.NodeTransformer):
    """`return Other.at(..., field=value, ...)` becomes `return value`."""

    def __init__(self, refinement: Refinement, keyword: str) -> None:
        self.refinement = refinement
        self.keyword = keyword

    def visit_Return(self, node: ast.Return) -> ast.AST:
        other = self.refinement.other
        names = [field.name.replace(".", "_") for field in other.fields]
        match node.value:
            case ast.Call(func=ast.Attribute(attr="at"), args=[], keywords=given):
                values = {keyword.arg: keyword.value for keyword in given}
                if set(values) != set(names):
                    wrong = min(str(name) for name in set(values) ^ set(names))
                    what = "is missing here" if wrong in names else f"is no field of `{other.name}`"
                    self._fail(node, f"`{wrong}` {what}", f"its fields are: {', '.join(names)}")
                return ast.copy_location(ast.Return(values[self.keyword]), node)
        self._fail(
            node,
            f"a refinement returns a state of `{other.name}`",
            f"write `return {other.name}.at({', '.join(f'{name}=...' for name in names)})`",
        )
        return node

    def _fail(self, node: ast.AST, rule: str, mend: str) -> None:
        raise SpecError(rule, mend, self.refinement.function.source.place(node))
