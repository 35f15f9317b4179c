"""C from the typed IR: loops and structs, for any finite program.

Where a program cannot be made ground, or would be too large, this says in C what each function
says in the IR.  In the order to read: `codes.py`, `shapes.py`, `packing.py` (values as numbers,
in C, and in words), `functions.py` to `library.py` (what C does with values), `writer.py`,
`expressions.py`, `operators.py`, `statements.py` (the user's functions), `steps.py` and
`judging.py` (what the runtime calls), and this file, which puts the parts together.

A container without a bound has room for `room` items, and a number for 62 bits.  Where that is
not enough, the C says so (`no room`, or 2 in `Out.failed`): nothing is lost in silence.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from checker.engines.native.general.file import File, called_in
from checker.engines.native.general.judging import Judging
from checker.engines.native.general.liveness import liveness_source
from checker.engines.native.general.packing import GeneralPacking
from checker.engines.native.general.shapes import NotInCError
from checker.engines.native.general.steps import Steps
from checker.engines.native.general.text import function
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
static inline void keep(Step *step, u32 label) {
    Out *out = step->out;
    if (same_bits(out->next + (size_t)out->count * NW, step->packed, NW)) return;
    if (out->labels) out->labels[out->count] = (u16)label;
    out->count++;
}
"""


def general(
    program: ir.Program,
    wanted: Iterable[str] | None = None,
    liveness: bool = False,
    room: int = ROOM,
) -> Generated:
    """The program in C, judging the properties named in `wanted` (`None`: all).

    The label of a successor is the number of its action; with `liveness`, what `.liveness` says.
    `NotInCError` if something in the program has no finite form.
    """
    return _Model(program, wanted, liveness, room).generated()


class _Model:
    """The file with the symbol `model`."""

    def __init__(
        self, program: ir.Program, wanted: Iterable[str] | None, liveness: bool, room: int
    ) -> None:
        self.program = program
        self.liveness = liveness
        self.file = File(program, room)
        self.steps = Steps(self.file.context, self.file.packing, liveness)
        self.judging = Judging(self.file.context, self.file.packing, wanted)

    def generated(self) -> Generated:
        refinements = self.judging.refinements
        others = tuple(general(each.other, (), room=self.file.room) for each in refinements)
        self.file.write_functions(self._roots())
        walks = [self.steps.action(number) for number in range(len(self.program.actions))]
        parts = self.judging.functions([other.packing for other in others])
        sizes = {
            "actions": max(1, len(self.program.actions)),
            "taken": max(1, self.steps.taken),
        }
        source = self.file.source(
            "model.h", [STEP % sizes], [*parts, self._expand(walks), self._model(others)]
        )
        return Generated(
            source=source,
            packing=self.file.packing,
            whats=tuple(self.judging.whats),
            goals=tuple(self.judging.goals),
            used=self.steps.used,
            refinements=refinements,
            others=others,
            liveness=partial(liveness_source, self.program, self.file.room)
            if self.liveness
            else None,
            notes=("from the typed form",),
        )

    def _roots(self) -> list[str]:
        found = [action.function for action in self.program.actions]
        for action in self.program.actions:
            for choice in action.choices:
                for e in (choice.within, choice.given):
                    found += called_in(self.program, e) if e is not None else []
        return found + self.judging.roots()

    def _expand(self, walks: list[str]) -> str:
        lines = [
            "Step step;",
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
            f"for (int i = 0; i < {len(walks)}; i++) out->actions[i] += step.actions[i];",
            "out->cut |= step.cut;",
        ]
        if self.judging.of_kind("step_property"):
            lines += [
                "for (u32 i = count; i < out->count; i++)",
                "    judge_step(s, out->next + (size_t)i * NW, &step.before, out->report);",
            ]
        return function("static void expand(const u64 *s, Out *out)", lines)

    def _model(self, others: tuple[Generated, ...]) -> str:
        rows = {
            "words": "NW",
            "actions": str(len(self.program.actions)),
            "taken": str(self.steps.taken),
            "goals": str(len(self.judging.goals)),
            "expand": "expand",
            "judge": "judge",
        }
        rows |= {"cut": "cut"} if self.program.constraints else {}
        rows |= {"final": "final"} if self.program.final else {}
        images = ""
        if others:
            rows |= {"images": str(len(others)), "image": "images"}
            held = "".join(
                f"    {{image_{number}, reads_{number}, {other.packing.words}}},\n"
                for number, other in enumerate(others)
            )
            images = f"static const Image images[] = {{\n{held}}};\n\n"
        inside = "".join(f"    .{name} = {value},\n" for name, value in rows.items())
        return f"{images}const Model model = {{\n{inside}}};\n"


__all__ = ["ROOM", "GeneralPacking", "NotInCError", "general"]
