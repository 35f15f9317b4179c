"""C from the typed IR: loops and structs, for any finite program.

Where a program cannot be made ground, or would be too large, this says in C what each function
says in the IR.  In the order to read: `codes.py`, `shapes.py`, `packing.py` (values as numbers,
in C, and in words), `library.py` (what C does with values), `writer.py`, `expressions.py`,
`operators.py`, `statements.py` (functions), `steps.py` and `judging.py` (what the runtime calls),
and this file, which puts the parts together.

A container without a bound has room for `room` items, and a number for 62 bits.  Where that is
not enough, the C says so (`no room`, or 2 in `Out.failed`): nothing is lost in silence.
"""

from __future__ import annotations

from collections.abc import Iterable

from checker.engines.native.general.judging import Judging
from checker.engines.native.general.library import Library
from checker.engines.native.general.packing import GeneralPacking
from checker.engines.native.general.shapes import NotInCError, Shapes
from checker.engines.native.general.statements import declaration, written
from checker.engines.native.general.steps import Steps
from checker.engines.native.general.text import SUPPORT, function
from checker.engines.native.general.writer import Context
from checker.engines.native.generated import Generated
from checker.lang import ir

ROOM = 32

STEP = """\
/* A state while its steps are taken.  What `Out` is told at the end is counted here. */
typedef struct Step {
    Machine self;
    State now, before;
    const u64 *packed;
    Out *out;
    u64 actions[%(actions)s];
    u32 marked[%(taken)s]; /* the flags that were set, to take back */
    u32 marks;
    u8 cut;
} Step;

static inline void mark(Step *step, u32 flag) {
    if (LIKELY(step->out->taken[flag])) return;
    step->out->taken[flag] = 1;
    step->marked[step->marks++] = flag;
}

/* Where the next successor goes, which begins as the state itself. */
static inline u64 *successor(Step *step) {
    make_room(step->out, 1);
    u64 *next = step->out->next + (size_t)step->out->count * NW;
    memcpy(next, step->packed, NW * sizeof(u64));
    return next;
}

/* Keep it, if it is another state. */
static inline void keep(Step *step, u16 action) {
    Out *out = step->out;
    if (memcmp(out->next + (size_t)out->count * NW, step->packed, NW * sizeof(u64)) == 0) return;
    if (out->labels) out->labels[out->count] = action;
    out->count++;
}
"""

MACHINE = """\
/* What a function of the spec works on. */
typedef struct Machine {
    State *now;
    const State *old; /* before the step */
    int depth;        /* of calls of a function by itself */
    int wrote;        /* whether `now` may have changed */
} Machine;
"""


def general(
    program: ir.Program, wanted: Iterable[str] | None = None, room: int = ROOM
) -> Generated:
    """The program in C, judging the properties named in `wanted` (`None`: all).

    `NotInCError` if something in it has no finite form.
    """
    return _File(program, wanted, room).generated()


class _File:
    def __init__(self, program: ir.Program, wanted: Iterable[str] | None, room: int) -> None:
        self.program = program
        self.shapes = Shapes(room)
        self.library = Library(self.shapes)
        self.context = Context(program, self.library)
        self.packing = GeneralPacking(program, self.shapes)
        self.steps = Steps(self.context, self.packing)
        self.judging = Judging(self.context, wanted)

    def generated(self) -> Generated:
        later = self._functions()
        before = [
            f"/* {self.program.name}, made from its typed form. */\n",
            '#include "model.h"\n',
            SUPPORT,
            *self.shapes.declarations,
            self.steps.fields(),
            MACHINE,
            STEP % {
                "actions": max(1, len(self.program.actions)), "taken": max(1, self.steps.taken)
            },
        ]  # fmt: skip
        source = "\n".join([*before, *self.library.functions, *later])
        return Generated(
            source,
            self.packing,
            tuple(self.judging.whats),
            tuple(self.judging.goals),
            self.steps.used,
            ("from the typed form",),
        )

    def _functions(self) -> list[str]:
        """What the library does not hold; it grows meanwhile."""
        library, functions = self.library, self.library.functions
        names = {"load", "judge", "judge_step", "cut", "final", "expand", "model"}
        library.names |= names | set(self.shapes.names)
        made = self._reached()
        functions += [declaration(self.context, function) for function in made]
        for each in made:
            functions.append(written(self.context, each))
        loading = self.steps.loading()
        functions.append(loading)
        walks = [self.steps.action(number) for number in range(len(self.program.actions))]
        judged = bool(self.judging.of_kind("step_property"))
        parts = [self.judging.judge()]
        if judged:
            parts.append(self.judging.judge_step())
        if self.program.constraints:
            parts.append(self.judging.cut())
        if self.program.final:
            parts.append(self.judging.final())
        return [*parts, self._expand(walks, judged), self._model()]

    def _reached(self) -> list[ir.Function]:
        """The functions that the C needs, in the order of the program."""
        roots = [action.function for action in self.program.actions]
        judged = (*self.judging.properties, *self.program.constraints, *self.program.final)
        roots += [
            prop.function
            for prop in judged
            if prop.kind in ("invariant", "step_property", "reachable", "constraint", "final")
        ]
        found: set[str] = set()
        waiting = [*roots, *self._called_by_choices()]
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found.add(name)
            waiting += self._called(self.program.functions[name].body)
        return [f for name, f in self.program.functions.items() if name in found]

    def _called_by_choices(self) -> list[str]:
        found = []
        for action in self.program.actions:
            for choice in action.choices:
                for e in (choice.within, choice.given):
                    found += self._called(e) if e is not None else []
        return found

    def _called(self, tree: ir.Tree) -> list[str]:
        found = []
        for node in ir.walk(tree):
            if isinstance(node, ir.Call | ir.Enabled | ir.Do):
                found.append(node.function)
            if isinstance(node, ir.MakeRecord | ir.Replace):
                found += self.program.records.get(node.type, ())  # type: ignore[call-overload]
        return found

    def _expand(self, walks: list[str], judged: bool) -> str:
        actions, lines = len(self.program.actions), ["Step step;"]
        lines += [
            "u32 count = out->count;",
            "load(s, &step.before);",
            "step.now = step.before;",
            "step.self = (Machine){.now = &step.now, .old = &step.before};",
            "step.packed = s;",
            "step.out = out;",
            "memset(step.actions, 0, sizeof step.actions);",
            "step.marks = step.cut = 0;",
            "int status = DONE;",
            *(f"if (!status) status = {walk}(&step);" for walk in walks),
            "if (UNLIKELY(status)) {",
            "while (step.marks) out->taken[step.marked[--step.marks]] = 0;",
            "out->count = count;",
            "out->failed = status == NO_ROOM ? 2 : 1;",
            "return;",
            "}",
            f"for (int i = 0; i < {actions}; i++) out->actions[i] += step.actions[i];",
            "out->cut |= step.cut;",
        ]
        if judged:
            lines += [
                "for (u32 i = count; i < out->count; i++)",
                "    judge_step(s, out->next + (size_t)i * NW, &step.before, out->report);",
            ]
        return function("static void expand(const u64 *s, Out *out)", lines)

    def _model(self) -> str:
        rows = {
            "words": "NW",
            "actions": str(len(self.program.actions)),
            "taken": str(self.steps.taken),
            "goals": str(len(self.judging.goals)),
            "most": "0",
            "expand": "expand",
            "judge": "judge",
            "cut": "cut" if self.program.constraints else "NULL",
            "final": "final" if self.program.final else "NULL",
            "canonical": "NULL",
        }
        inside = "".join(f"    .{name} = {value},\n" for name, value in rows.items())
        return f"const Model model = {{\n{inside}}};\n"


__all__ = ["ROOM", "GeneralPacking", "NotInCError", "general"]
