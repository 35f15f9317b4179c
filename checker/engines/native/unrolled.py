"""C from the ground form: every binding of every action written out, with its constants folded.

    if (guard) { count it; add the state with these bits changed, unless that is the same state }

* Bindings of one action that have the same effect are one step in C: it is counted as often as
  guards hold, and added once.
* A function holds at most `MOST_TOGETHER` bindings: a compiler's time grows faster than that.
* With `labels`, each binding adds a successor of its own, with its number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from checker.engines.native.conditions import Conditions
from checker.engines.native.generated import Args, Generated, What
from checker.engines.native.packing import Packing
from checker.ground.conditions import FALSE, TRUE, Condition, atom, both, either, negation, under
from checker.ground.lower import Effect, Ground, Judgement
from checker.lang import ir

MOST_TOGETHER = 64


def unrolled(
    program: ir.Program, ground: Ground, wanted: Iterable[str], labels: bool = False
) -> Generated:
    """The program in C, judging the properties named in `wanted`."""
    return _Writer(program, ground, frozenset(wanted), labels).generated()


@dataclass(frozen=True)
class _Way:
    """One binding of a step, by its number among all bindings."""

    number: int
    guard: Condition
    args: Args


@dataclass(frozen=True)
class _Step:
    """Bindings of one action that change the state in the same way."""

    action: str
    ways: list[_Way]
    effects: tuple[Effect, ...]
    judged: tuple[Judgement, ...]


class _Writer:
    def __init__(
        self, program: ir.Program, ground: Ground, wanted: frozenset[str], labels: bool
    ) -> None:
        self.program = program
        self.ground = ground
        self.labels = labels
        self.packing = Packing(ground.layout)
        self.conditions = Conditions(self.packing)
        self.text = self.conditions.text
        self.tables: dict[tuple[int, ...], str] = {}
        kinds = {p.name: p.kind for p in program.properties}
        kinds |= {p.name: "final" for p in program.final}
        kinds |= {p.name: "constraint" for p in program.constraints}
        judged = [(kinds[j.name], j) for j in ground.judgements]
        self.invariants = [j for kind, j in judged if kind == "invariant" and j.name in wanted]
        self.goals = [j for kind, j in judged if kind == "reachable" and j.name in wanted]
        self.final = [j for kind, j in judged if kind == "final"]
        self.constraints = [j for kind, j in judged if kind == "constraint"]
        self.actions = [action.name for action in program.actions]
        whats = [What("invariant", j.name, j.args) for j in self.invariants]
        for binding in ground.bindings:
            for j in binding.steps:
                what = What("step_property", j.name, j.args)
                if j.name in wanted and what not in whats:
                    whats.append(what)
        whats.append(What("model error", "model error", ()))
        self.whats = tuple(whats)
        self.error = len(whats) - 1
        self.steps = list(self._steps(wanted))

    def generated(self) -> Generated:
        return Generated(
            self._source(),
            self.packing,
            self.whats,
            tuple((j.name, j.args) for j in self.goals),
            self._used,
        )

    def _used(self, taken: bytes) -> dict[str, list[set[Any]]]:
        found: dict[str, list[set[Any]]] = {}
        for flag, binding in zip(taken, self.ground.bindings, strict=True):
            if flag:
                held = found.setdefault(binding.action, [set() for _ in binding.args])
                for values, arg in zip(held, binding.args, strict=True):
                    values.add(arg)
        return found

    # ------------------------------------------------------------- steps

    def _steps(self, wanted: frozenset[str]) -> Iterator[_Step]:
        merged: dict[Any, _Step] = {}
        for number, binding in enumerate(self.ground.bindings):
            guard = both(binding.guard, negation(binding.errors))
            if guard is FALSE:
                continue
            judged = tuple(j for j in binding.steps if j.name in wanted)
            key: Any = (binding.action, binding.effects, judged)
            if self.labels:
                key = number
            if key not in merged:
                merged[key] = _Step(binding.action, [], binding.effects, judged)
            merged[key].ways.append(_Way(number, guard, binding.args))
        yield from merged.values()

    def _expected(self) -> Iterator[Condition]:
        """Every condition that will be written, as often as it will be."""
        for step in self.steps:
            yield from (way.guard for way in step.ways)
            yield from (where for effect in step.effects for _, where in effect.codes)
            yield from (c for j in step.judged for c in (j.holds, j.errors))
        for binding in self.ground.bindings:
            yield from (binding.errors, binding.pruned)
        for j in (*self.invariants, *self.goals, *self.final, *self.constraints):
            yield from (j.holds, j.errors)

    # ------------------------------------------------------------- the file

    def _source(self) -> str:
        self.conditions.expect(self._expected())
        groups = list(self._step_functions())
        failing = self._failing()
        pruned = self._pruned()
        judging = self._judging()
        parts = [
            f"/* {self.program.name}, made by Quorate.\n *\n{self._cells()} */",
            '#include "model.h"',
            *(
                f"static const u64 {name}[] = {{{', '.join(f'{x:#x}u' for x in table)}}};"
                for table, name in self.tables.items()
            ),
            *self.conditions.functions,
            *(text for _, text in groups),
            failing,
            pruned,
            self._expand([name for name, _ in groups], bool(failing), bool(pruned)),
            judging,
            self._model(),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _cells(self) -> str:
        lines = []
        for cell, place in zip(self.ground.layout.cells, self.packing.places, strict=True):
            bits = f"{place.shift}"
            if place.bits > 1:
                bits += f"..{place.shift + place.bits - 1}"
            lines.append(f" * s{place.word} {bits:>7}  {cell.name.replace('*/', '* /')}\n")
        return "".join(lines)

    def _step_functions(self) -> Iterator[tuple[str, str]]:
        """The steps as C functions of the state, which return where the next successor goes."""
        for action in self.program.actions:
            steps = [step for step in self.steps if step.action == action.name]
            for part, together in enumerate(_pieces(steps)):
                name = f"{_plain(action.name)}_{part}"
                place = self.program.functions[action.function].place
                lines = [f"    /* {place.file}:{place.line} {action.name} */"]
                for step in together:
                    lines += self._step(action, step)
                yield (
                    name,
                    f"static __attribute__((noinline)) u64 *{name}"
                    f"({self.conditions.params}, u64 *next, Out *out) {{\n"
                    "    u8 *taken = out->taken; u64 n = 0; (void)taken;\n"
                    + "\n".join(lines)
                    + f"\n    out->actions[{self.actions.index(action.name)}] += n;"
                    "\n    return next;\n}",
                )

    def _step(self, action: ir.ActionIR, step: _Step) -> list[str]:
        names = [choice.name for choice in action.choices]
        types = [choice.type for choice in action.choices]

        def said(way: _Way) -> str:
            pairs = zip(names, types, way.args, strict=True)
            return ", ".join(f"{n}={t.text(v)}" for n, t, v in pairs).replace("*/", "* /")

        add = self._add(step)
        if len(step.ways) == 1:
            (way,) = step.ways
            count = f"n++; taken[{way.number}] = 1;"
            return [
                f"    /* {said(way)} */",
                f"    if ({self.text(way.guard)}) {{ {count} {add} }}",
            ]
        lines = [f"    /* {said(step.ways[0])}, and {len(step.ways) - 1} more ways */"]
        common, rest = _factored([way.guard for way in step.ways])
        lines.append(f"    if ({self.text(common)}) {{\n        u64 m = n;")
        for way, guard in zip(step.ways, rest, strict=True):
            lines.append(f"        if ({self.text(guard)}) {{ n++; taken[{way.number}] = 1; }}")
        return [*lines, f"        if (n != m) {{ {add} }}\n    }}"]

    def _add(self, step: _Step) -> str:
        """Make the successor; leave it out if it is the same state."""
        after = self._after(step)
        if not after:
            return ""
        word = self.conditions.word
        lets = "".join(f"u64 t{w} = {text}; " for w, text in after.items())
        made = "".join(
            f"next[{w}] = {f't{w}' if w in after else word[w]}; " for w in range(len(word))
        )
        judged = ""
        for j in step.judged:
            what = What("step_property", j.name, j.args)
            if j.errors is not FALSE:
                judged += f"if ({self.text(j.errors)}) {self._report(self.error)} else "
            judged += f"if (!{self.text(j.holds)}) {self._report(self.whats.index(what), 'next')} "
        label = ""
        if self.labels:
            label = f"out->labels[(next - out->next) / NW] = {step.ways[0].number}; "
        put = f"{made}{label}{judged}next += NW;"
        if self._always_changes(step):
            return lets + put
        differs = " || ".join(f"t{w} != {word[w]}" for w in after)
        return f"{lets}if ({differs}) {{ {put} }}"

    def _report(self, what: int, then: str = "NULL") -> str:
        state = "s" if self.conditions.params.startswith("const") else "state"
        given = "" if state == "s" else f"u64 state[] = {{{self.conditions.args}}}; "
        return f"{{ {given}out->report->see(out->report, {what}, {state}, {then}); }}"

    def _always_changes(self, step: _Step) -> bool:
        """Whether some cell certainly gets another code, wherever one of the guards holds."""
        guard = either(way.guard for way in step.ways)
        for effect in step.effects:
            same = either(both(atom(effect.cell, {code}), where) for code, where in effect.codes)
            if under(same, guard) is FALSE:
                return True
        return False

    def _after(self, step: _Step) -> dict[int, str]:
        """The words that may change, and what they become."""
        clear: dict[int, int] = {}
        given: dict[int, int] = {}
        added: dict[int, list[str]] = {}
        looked_up: dict[int, dict[int, dict[int, int]]] = {}
        for effect in step.effects:
            place = self.packing.of(effect.cell)
            word = place.word
            clear.setdefault(word, 0)
            codes = [(code, where) for code, where in effect.codes if where is not FALSE]
            if effect.cell.size == 2:
                # What may be added to a bit leaves it as it is where it is set.
                where = dict(codes).get(1, FALSE)
                held = atom(effect.cell, {1})
                if where.kind == "or" and held in where.parts:
                    where = either(part for part in where.parts if part is not held)
                else:
                    clear[word] |= place.mask
                codes = [(1, where)]
            else:
                clear[word] |= place.mask
            for code, where in codes:
                if where is TRUE:
                    given[word] = given.get(word, 0) | code << place.shift
                elif where.cell is not None and where.cell.size > 2 and code:
                    table = looked_up.setdefault(where.cell.number, {}).setdefault(word, {})
                    for held_code in where.codes:
                        table[held_code] = table.get(held_code, 0) | code << place.shift
                elif code:
                    added.setdefault(word, []).append(
                        f"(u64){self.text(where)} << {place.shift}"
                        if code == 1
                        else f"(u64){self.text(where)} * {code << place.shift:#x}u"
                    )
        for number, tables in looked_up.items():
            size = self.ground.layout.cells[number].size
            for word, table in tables.items():
                values = tuple(table.get(code, 0) for code in range(size))
                name = self.tables.setdefault(values, f"table{len(self.tables)}")
                added.setdefault(word, []).append(f"{name}[{self.conditions.code(number)}]")
        made = {}
        for word in sorted(clear):
            text = self.conditions.word[word]
            if clear[word]:
                text = f"({text} & ~{clear[word]:#x}ul)"
            if word in given:
                text += f" | {given[word]:#x}u"
            made[word] = " | ".join([text, *added.get(word, [])])
        return made

    # ------------------------------------------------------------- what may go wrong

    def _failing(self) -> str:
        """A function that says whether some binding is a model error here."""
        errors = [b.errors for b in self.ground.bindings if b.errors is not FALSE]
        return self._any_of("fails", errors)

    def _pruned(self) -> str:
        return self._any_of("prunes", [b.pruned for b in self.ground.bindings])

    def _any_of(self, name: str, conditions: list[Condition]) -> str:
        where = {c.number: c for c in conditions if c is not FALSE}
        if not where:
            return ""
        lines = [f"    if ({self.text(c)}) return 1;" for c in where.values()]
        return (
            f"static __attribute__((noinline)) int {name}({self.conditions.params}) {{\n"
            + "\n".join(lines)
            + "\n    return 0;\n}"
        )

    def _expand(self, functions: list[str], fails: bool, prunes: bool) -> str:
        spread = self.conditions.spread
        lines = ["static void expand(const u64 *s, Out *out) {"]
        if fails:
            lines.append(f"    if (UNLIKELY(fails({spread}))) {{ out->failed = 1; return; }}")
        if prunes:
            lines.append(f"    if (prunes({spread})) out->cut = 1;")
        lines.append("    u64 *next = out->next + (size_t)out->count * NW;")
        lines += [f"    next = {name}({spread}, next, out);" for name in functions]
        return "\n".join([*lines, "    out->count = (u32)((next - out->next) / NW);", "}"])

    def _judging(self) -> str:
        """`judge`, `cut` and `final`: an error ends the judging of a state."""
        spread, params = self.conditions.spread, self.conditions.params
        parts = []
        body: list[str] = []
        for number, j in enumerate(self.invariants):
            body += self._stop_at_error(j)
            if j.holds is not TRUE:
                name = f"holds_{number}"
                parts.append(
                    f"/* {self._said(j)} */\n"
                    f"static int {name}({params}) {{ return {self.text(j.holds)}; }}"
                )
                body.append(
                    f"    if (UNLIKELY(!{name}({spread}))) report->see(report, {number}, s, NULL);"
                )
        for number, j in enumerate(self.goals):
            name = f"meets_{number}"
            parts.append(
                f"/* {self._said(j)} */\n"
                f"static int {name}({params}) {{ return {self.text(j.holds)}; }}"
            )
            word, bit = number // 64, f"1ul << {number % 64}"
            body.append(f"    if (UNLIKELY(open[{word}] & {bit})) {{")
            body += ["    " + line for line in self._stop_at_error(j)]
            body.append(f"        if ({name}({spread})) open[{word}] &= ~({bit});\n    }}")
        for j in self.constraints:
            body += self._stop_at_error(j)
        parts.append(
            "static void judge(const u64 *s, u64 *open, Report *report) {\n"
            + "    (void)s, (void)open, (void)report;\n"
            + "\n".join(body)
            + "\n}"
        )
        if self.constraints:
            holds = both(j.holds for j in self.constraints)
            parts.append(f"static int cuts({params}) {{ return !{self.text(holds)}; }}")
            parts.append(f"static int cut(const u64 *s) {{ return cuts({spread}); }}")
        if self.final:
            lines = []
            for j in self.final:
                lines += self._stop_at_error(j, "return 1;")
                lines.append(f"    if ({self._here(j.holds)}) return 1;")
            parts.append(
                "static int final(const u64 *s, Report *report) {\n    (void)s, (void)report;\n"
                + "\n".join(lines)
                + "\n    return 0;\n}"
            )
        return "\n\n".join(parts)

    def _said(self, j: Judgement) -> str:
        what = next(
            p
            for p in (*self.program.properties, *self.program.final, *self.program.constraints)
            if p.name == j.name
        )
        pairs = zip(what.params, j.args, strict=True)
        inside = ", ".join(f"{param.name}={param.type.text(value)}" for param, value in pairs)
        place = self.program.functions[what.function].place
        return f"{place.file}:{place.line} {j.name}({inside})".replace("*/", "* /")

    def _stop_at_error(self, j: Judgement, then: str = "return;") -> list[str]:
        if j.errors is FALSE:
            return []
        see = f"report->see(report, {self.error}, s, NULL);"
        return [f"    if (UNLIKELY({self._here(j.errors)})) {{ {see} {then} }}"]

    def _here(self, of: Condition) -> str:
        """The condition where the state is behind a pointer `s`."""
        if self.conditions.params.startswith("const"):
            return self.text(of)
        lets = " ".join(f"u64 s{w} = s[{w}]; (void)s{w};" for w in range(self.packing.words))
        return f"({{ {lets} {self.text(of)}; }})"

    def _model(self) -> str:
        most = sum(1 for step in self.steps if step.effects)
        return (
            "const Model model = {\n"
            f"    .words = NW, .actions = {len(self.actions)}, "
            f".taken = {len(self.ground.bindings)},\n"
            f"    .goals = {len(self.goals)}, .most = {max(most, 1)},\n"
            "    .expand = expand, .judge = judge,\n"
            + ("    .cut = cut,\n" if self.constraints else "")
            + ("    .final = final,\n" if self.final else "")
            + "};"
        )


def _pieces(steps: list[_Step]) -> Iterator[list[_Step]]:
    """The steps in runs of at most `MOST_TOGETHER` bindings."""
    piece: list[_Step] = []
    size = 0
    for step in steps:
        if piece and size + len(step.ways) > MOST_TOGETHER:
            yield piece
            piece, size = [], 0
        piece.append(step)
        size += len(step.ways)
    if piece:
        yield piece


def _factored(guards: list[Condition]) -> tuple[Condition, list[Condition]]:
    """What all the guards ask for, and what each asks for besides."""
    parts = [set(g.parts) if g.kind == "and" else {g} for g in guards]
    shared = set.intersection(*parts)
    common = both(sorted(shared, key=lambda part: part.number))
    return common, [under(guard, common) for guard in guards]


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() and c.isascii() else "_" for c in name)
