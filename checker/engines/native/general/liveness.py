"""C for liveness: what `runtime/graph.h` asks for, from the typed form.

The model gives each successor its label (`labels.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from checker.engines.native.general.codes import codes
from checker.engines.native.general.file import File
from checker.engines.native.general.labels import Labels, Told
from checker.engines.native.general.text import address, function
from checker.engines.native.general.writer import Writer
from checker.engines.native.generated import Args, LivenessSource
from checker.lang import ir

SERVES_NONE = 0xFFFF
"""As in `runtime/graph.h`."""

START = [
    "State now;",
    "load(s, &now);",
    "Machine self = {.now = &now, .old = &now};",
    "int status = DONE;",
    "i64 holds = 0;",
]


def liveness_source(
    program: ir.Program, room: int, instances: Iterable[tuple[str, Args]]
) -> LivenessSource:
    """C that tells of these instances of liveness properties, each a name and arguments."""
    return _Liveness(program, room, list(instances)).source()


class _Liveness:
    def __init__(self, program: ir.Program, room: int, instances: list[tuple[str, Args]]) -> None:
        self.program = program
        self.file = File(program, room)
        self.library = self.file.library
        known = {prop.name: prop for prop in program.properties}
        self.instances = [(known[name], args) for name, args in instances]
        self.labels = Labels(program, True)
        self.fair = [told for told in self.labels.actions if told.action.fairness is not None]
        self.assumptions: dict[tuple[str, Args], int] = {}
        self.serves = [SERVES_NONE] * max(1, self.labels.count)
        for told in self.fair:
            self._assume(told)

    def _assume(self, told: Told) -> None:
        assert told.action.fairness is not None
        for_each = told.action.fairness.for_each
        for label, args in told.args():
            pairs = zip(told.types(), args, strict=True)
            asked = tuple(arg for param, arg in pairs if param.name in for_each)
            number = self.assumptions.setdefault((told.action.name, asked), len(self.assumptions))
            self.serves[label] = number

    def source(self) -> LivenessSource:
        roots = [prop.function for prop, _ in self.instances]
        for told in self.fair:
            assert told.action.fairness is not None
            roots += [told.action.fairness.when] if told.action.fairness.when else []
        self.file.write_functions(roots)
        strong = [self._is_strong(name) for name, _ in self.assumptions]
        parts = [
            f"static const u16 serves[] = {_row(self.serves)};\n",
            f"static const u8 strong[] = {_row([*strong, 0])};\n",
            self._counts(),
            self._observe(),
            "const Liveness liveness = {\n"
            f"    .assumptions = {len(self.assumptions)},\n"
            "    .serves = serves,\n    .strong = strong,\n"
            "    .counts = counts,\n    .observe = observe,\n    .fails = fails,\n};\n",
        ]
        return LivenessSource(
            self.file.source("graph.h", (), parts),
            tuple(self.assumptions),
        )

    def _is_strong(self, name: str) -> int:
        fairness = self.program.action(name).fairness
        return int(fairness is not None and fairness.strength == "strong")

    def _counts(self) -> str:
        """Conditions of fairness, of the parameters that a label tells."""
        w = Writer(self.file.context, "now", "label", "s", "holds", "code")
        for told in self.fair:
            assert told.action.fairness is not None
            when = told.action.fairness.when
            if when is None or not told.count:
                continue
            with w.block(f"if (label >= {told.first} && label < {told.first + told.count})"):
                w.line(f"u32 code = label - {told.first};")
                args = []
                for param in reversed(told.types()):
                    args.append(w.declare(param.type, param.name))
                    self.library.uncode(w, param.type, f"(code % {codes(param.type)})", args[-1])
                    w.line(f"code /= {codes(param.type)};")
                given = [
                    arg if self.library.scalar(param.type) else address(arg)
                    for param, arg in zip(told.types(), reversed(args), strict=True)
                ]
                name = self.file.context.functions[when]
                w.line(f"status = {name}({', '.join(['&self', *given, '&holds'])});")
                w.line("return status ? -1 : (int)holds;")
        header = "static int counts(u32 label, const u64 *s)"
        start = [*START, "(void)holds;", "(void)status;", "(void)self;"] if w.lines else []
        return function(header, [*start, *w.lines, "(void)s;", "(void)label;", "return 1;"])

    def _observe(self) -> str:
        """What each instance says of a state; one function tells both that and whether it fails."""
        w = Writer(self.file.context, "now", "instance", "s", "holds", "said")
        with w.block("switch (instance)"):
            for number, (prop, args) in enumerate(self.instances):
                with w.block(f"case {number}:"):
                    self._told(w, prop, args)
                    w.line("break;")
        header = "static int tell(u32 instance, const u64 *s, int *said)"
        start = [*START, "(void)holds;", "(void)self;", "*said = 0;"]
        count = len(self.instances)
        return (
            function(header, [*start, *w.lines, "return status;"])
            + "\nstatic int observe(u32 instance, const u64 *s) {\n"
            "    int said;\n    tell(instance, s, &said);\n    return said;\n}\n"
            "\nstatic int fails(const u64 *s) {\n    int said;\n"
            f"    for (u32 i = 0; i < {count}; i++)\n        if (tell(i, s, &said)) return 1;\n"
            "    return 0;\n}\n"
        )

    def _told(self, w: Writer, prop: ir.PropertyIR, args: Args) -> None:
        held = []
        for param, arg in zip(prop.params, args, strict=True):
            value = self.library.literal(param.type, arg)
            held.append(value if self.library.scalar(param.type) else address(value))
        name = self.file.context.functions[prop.function]
        if prop.kind != "leads_to":
            w.line(f"status = {name}({', '.join(['&self', *held, '&holds'])});")
            w.line("if (!status) *said = holds ? FIRST : 0;")
            return
        returns = self.program.functions[prop.function].returns
        assert returns is not None
        pair = w.declare(returns, "pair")
        w.line(f"status = {name}({', '.join(['&self', *held, f'&{pair}'])});")
        w.line(f"if (!status) *said = ({pair}.part0 ? FIRST : 0) | ({pair}.part1 ? SECOND : 0);")


def _row(numbers: list[int]) -> str:
    return "{" + ", ".join(map(str, numbers)) + "}"
