"""One step of a program in C: an action with given arguments, from a state.

For who asks for single steps and not for all there are, as the check of a recorded history does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from checker.engines.native.general.file import File
from checker.engines.native.general.packing import ALL_ONES, WORD, GeneralPacking
from checker.engines.native.general.text import Body, address, function
from checker.engines.native.general.writer import Writer
from checker.lang import ir

ROOM = 32
"""Of a container without a bound, as in a search."""
DONE, NO_STEP = 0, (1, 2)
"""What `model_step` returns: as in support.h.  NO_STEP: blocked, or cut off.  Else it failed."""


@dataclass(frozen=True)
class Stepping:
    """`int model_step(const u64 *s, u32 action, const u64 *w, u64 *to)` and how to call it.

    `s` and `to` are states of `packing.words` words; `w` holds the arguments, as `arguments` gives
    them; what it returns is said in support.h: DONE, BLOCKED, PRUNED, ERROR, NO_ROOM.
    """

    source: str
    program: ir.Program
    packing: GeneralPacking

    @property
    def argument_words(self) -> int:
        """So many for each action."""
        widths = self.packing.widths
        most = max(
            (sum(widths.of(p.type) for p in a.params) for a in self.program.actions), default=0
        )
        return max(1, -(-most // WORD))

    def arguments(self, action: int, values: tuple[Any, ...]) -> list[int]:
        """The values of an action's parameters as words."""
        number = at = 0
        for param, value in zip(self.program.actions[action].params, values, strict=True):
            codec = self.packing.widths.codec(param.type)
            number |= codec.put(value) << at
            at += codec.bits
        return [number >> WORD * word & ALL_ONES for word in range(self.argument_words)]


def stepping(program: ir.Program) -> Stepping:
    """`NotInCError` if something in the program has no finite form."""
    file = File(program, ROOM)
    file.write_functions([action.function for action in program.actions])
    parts = [_store(file), _step(file)]
    return Stepping(file.source("model.h", (), parts), program, file.packing)


def _store(file: File) -> str:
    body = Body()
    for field in file.program.fields:
        at = str(file.packing.places[field.name])
        file.library.pack(body, field.type, at, f"state->{file.context.fields[field.name]}")
    header = "static void store(const State *state, u64 *w)"
    return function(header, body.lines, "A state, packed into words that are zero.")


def _step(file: File) -> str:
    w = Writer(file.context, "s", "action", "w", "to", "before", "now", "self", "status")
    with w.block("switch (action)"):
        for number, action in enumerate(file.program.actions):
            with w.block(f"case {number}:"):
                given, at = ["&self"], 0
                for param in action.params:
                    place = w.declare(param.type, param.name)
                    file.library.unpack(w, param.type, str(at), place)
                    given.append(place if file.library.scalar(param.type) else address(place))
                    at += file.packing.widths.of(param.type)
                name = file.context.functions[action.function]
                w.line(f"status = {name}({', '.join(given)});")
                w.line("break;")
    lines = [
        "State before, now;",
        "load(s, &before);",
        "now = before;",
        "Machine self = {.now = &now, .old = &before};",
        "int status = ERROR;",
        *w.lines,
        "if (status != DONE) return status;",
        "memset(to, 0, NW * sizeof(u64));",
        "store(&now, to);",
        "return DONE;",
    ]
    header = "int model_step(const u64 *s, u32 action, const u64 *w, u64 *to)"
    return function(header, lines, "An action, from a state to the next one.")


__all__ = ["DONE", "NO_STEP", "Stepping", "stepping"]
