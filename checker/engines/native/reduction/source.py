"""The tables of a reduction in C: a `Reduction` of `runtime/model.h`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from checker.engines.native.conditions import Conditions
from checker.engines.native.reduction import Reduction


def reduction_source(
    reduction: Reduction,
    conditions: Conditions,
    told: Sequence[str],
    steps: Sequence[str],
    actions: Sequence[int],
) -> str:
    """The tables, and the functions that the search calls.

    `told`: the lines with which `expand` tells of failing and of steps cut off.  `steps`: for each
    binding the C that adds its successor; `actions`: the number of its action.
    """
    words = (len(steps) + 63) // 64
    useful = ~(reduction.harmful | reduction.blocking)
    starts = [0]
    for needs in reduction.needs:
        starts.append(starts[-1] + len(needs))
    parts = [
        _look(reduction, conditions, told),
        *(
            f"static __attribute__((noinline)) u64 *take_{number}({conditions.params}, u64 *next) "
            f"{{\n    {step}\n    return next;\n}}"
            for number, step in enumerate(steps)
        ),
        _take(conditions, len(steps)),
        _table("u32", "first_need", starts),
        _table("u16", "needs", (need for needs in reduction.needs for need in needs)),
        _table("u64", "enabling", _words(reduction.enabling, words)),
        _table("u64", "against", _words(reduction.against, words)),
        _table("u64", "useful", _words([useful], words)),
        _table("u64", "blocking", _words([reduction.blocking], words)),
        _table("u16", "action", actions),
        "static const Reduction reduction = {\n"
        f"    .bindings = {len(steps)}, .guards = {len(reduction.guards)},\n"
        "    .look = look, .take = take, .first_need = first_need, .needs = needs,\n"
        "    .enabling = enabling, .against = against, .useful = useful, .blocking = blocking,\n"
        "    .action = action,\n"
        "};",
    ]
    return "\n\n".join(parts)


def _look(reduction: Reduction, conditions: Conditions, told: Sequence[str]) -> str:
    spread = conditions.spread
    lines = ["static void look(const u64 *s, u64 *held, Out *out) {", "    (void)out;", *told]
    pieces = range(0, len(reduction.guards), 64)
    lines += [f"    held[{start // 64}] = guards_{start // 64}({spread});" for start in pieces]
    functions = [
        f"static __attribute__((noinline)) u64 guards_{start // 64}({conditions.params}) {{\n"
        "    u64 held = 0;\n"
        + "".join(
            f"    held |= (u64){conditions.text(guard)} << {bit};\n"
            for bit, guard in enumerate(reduction.guards[start : start + 64])
        )
        + "    return held;\n}"
        for start in pieces
    ]
    return "\n\n".join([*functions, "\n".join([*lines, "}"])])


def _take(conditions: Conditions, count: int) -> str:
    cases = "".join(
        f"    case {number}: next = take_{number}({conditions.spread}, next); break;\n"
        for number in range(count)
    )
    return (
        "static void take(const u64 *s, u32 binding, Out *out) {\n"
        "    u64 *next = out->next + (size_t)out->count * NW;\n"
        f"    switch (binding) {{\n{cases}    }}\n"
        "    out->count = (u32)((next - out->next) / NW);\n}"
    )


def _words(sets: Iterable[int], words: int) -> Iterable[int]:
    for members in sets:
        for word in range(words):
            yield members >> 64 * word & (1 << 64) - 1


def _table(kind: str, name: str, entries: Iterable[int]) -> str:
    suffix = "ul" if kind == "u64" else ""
    said = [f"{entry:#x}{suffix}" if kind == "u64" else str(entry) for entry in entries]
    return f"static const {kind} {name}[] = {{{', '.join(said or ['0'])}}};"
