"""One file of C: what stands before the functions, and which functions of the program it needs."""

from __future__ import annotations

from collections.abc import Iterable

from checker.engines.native.general.library import Library
from checker.engines.native.general.packing import GeneralPacking
from checker.engines.native.general.shapes import Shapes
from checker.engines.native.general.statements import declaration, written
from checker.engines.native.general.text import SUPPORT, Body, function
from checker.engines.native.general.writer import Context
from checker.lang import ir

MACHINE = """\
/* What a function of the spec works on. */
typedef struct Machine {
    State *now;
    const State *old; /* before the step */
    int depth;        /* of calls of a function by itself */
    u64 wrote[%s];     /* by field, what of `now` may have changed: a bit for each key of a Map */
} Machine;
"""

NAMES = frozenset(
    {
        *("load", "judge", "judge_step", "cut", "final", "expand", "model", "images"),
        *("liveness", "counts", "observe", "tell", "fails", "serves", "strong"),
        *("State", "Machine", "Step"),
    }
)
"""Names in C that are not made from the program's."""


class File:
    def __init__(self, program: ir.Program, room: int) -> None:
        self.program = program
        self.room = room
        self.shapes = Shapes(room)
        self.library = Library(self.shapes)
        self.library.names |= NAMES
        self.shapes.names |= NAMES
        self.context = Context(program, self.library)
        self.packing = GeneralPacking(program, self.shapes)

    def write_functions(self, roots: Iterable[str]) -> None:
        """The functions of the program that are needed, and `load`."""
        functions = self.library.functions
        made = self._reached(roots)
        functions += [declaration(self.context, each) for each in made]
        for each in made:
            functions.append(written(self.context, each))
        body = Body()
        for field in self.program.fields:
            place = f"state->{self.context.fields[field.name]}"
            self.library.unpack(body, field.type, str(self.packing.places[field.name]), place)
        header = "static void load(const u64 *w, State *state)"
        functions.append(function(header, body.lines, "A packed state, to work with."))

    def _reached(self, roots: Iterable[str]) -> list[ir.Function]:
        found: set[str] = set()
        waiting = list(roots)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += called_in(self.program, self.program.functions[name].body)
        return [made for name, made in self.program.functions.items() if name in found]

    def source(self, header: str, types: Iterable[str], functions: Iterable[str]) -> str:
        """The whole file; the library holds all that it needs by now."""
        fields = "".join(
            f"    {self.library.shape(field.type).name} {self.context.fields[field.name]};\n"
            for field in self.program.fields
        )
        state = f"typedef struct State {{\n{fields or '    char nothing;'}\n}} State;\n"
        parts = [
            f"/* {self.program.name}, made from its typed form. */\n",
            f'#include "{header}"\n',
            SUPPORT,
            *self.shapes.declarations,
            state,
            MACHINE % max(1, len(self.program.fields)),
            *types,
            *self.library.functions,
            *functions,
        ]
        return "\n".join(parts)


def called_in(program: ir.Program, tree: ir.Tree) -> list[str]:
    """The functions that are called directly, invariants of records that are made among them."""
    found: list[str] = []
    for node in ir.walk(tree):
        if isinstance(node, ir.Call | ir.Enabled | ir.Do):
            found.append(node.function)
        if isinstance(node, ir.MakeRecord | ir.Replace):
            found += program.records.get(node.type, ())  # type: ignore[call-overload]
    return found
