"""C for statements and whole functions of the IR.

A function gives how it ended (`DONE`, `BLOCKED`, `ERROR` ... in `support.h`), and puts what it
returns where `out` points.  It changes the state in place: who calls it puts the old one back.
"""

from __future__ import annotations

from checker.engines.native.general.expressions import call, copied
from checker.engines.native.general.library import Library
from checker.engines.native.general.operators import index, key_code
from checker.engines.native.general.text import function, part, pointed
from checker.engines.native.general.writer import Context, Rule, Writer
from checker.lang import ir
from checker.lang.errors import Place
from checker.lang.types import MapT, SeqT, Type


def run(w: Writer, body: ir.Body) -> None:
    for statement in body:
        STATEMENTS[type(statement)](w, statement)


def _let(w: Writer, s: ir.Let) -> None:
    w.line(f"{w.env[s.name]} = {w.value(s.value)};")


def _write(w: Writer, s: ir.Write) -> None:
    value = w.value(s.value)
    of: Type = w.program.field(s.field).type
    place, changed = f"self->now->{w.context.fields[s.field]}", "~(u64)0"
    for key in s.path:
        if isinstance(of, MapT):
            code = w.atom(key_code(w, of, key), "key")
            if key is s.path[0] and w.context.by_key(of):
                changed = f"(u64)1 << {code}"
            place, of = part(place, f"at[{code}]"), of.value
        else:
            assert isinstance(of, SeqT)
            place, of = part(place, f"at[{index(w, place, key)}]"), of.item
    w.line(f"{place} = {value};")
    number = list(w.context.fields).index(s.field)
    w.line(f"self->wrote[{number}] |= {changed};")


def _require(w: Writer, s: ir.Require) -> None:
    if ir.is_false(s.test):
        w.line("return BLOCKED;")
    else:
        w.line(f"if (!{bracketed(w.value(s.test))}) return BLOCKED;")


def _assert(w: Writer, s: ir.Assert) -> None:
    w.fail_if(f"!{bracketed(w.value(s.test))}")


def bracketed(test: str) -> str:
    """A test that can stand after `!`."""
    return test if test.isidentifier() or test.startswith("(") else f"({test})"


def _if(w: Writer, s: ir.If) -> None:
    with w.block(f"if ({w.value(s.test)})"):
        run(w, s.then)
    if s.other:
        with w.block("else"):
            run(w, s.other)


def _for(w: Writer, s: ir.For) -> None:
    changes = any(isinstance(node, ir.Write | ir.Do | ir.Let) for node in ir.walk(s.body))
    if isinstance(s.source, ir.Members) and changes:  # it is read once, before the first round
        held = w.declare(s.source.of.type, "walked", w.value(s.source.of))
        w.env[held] = held
        source: ir.Source = ir.Members(ir.Local(held, type=s.source.of.type), place=s.source.place)
    else:
        source = s.source
    with w.walk(source, s.name) as item:
        w.env[s.name] = item
        run(w, s.body)


def _return(w: Writer, s: ir.Return) -> None:
    if s.value is not None:
        w.line(f"*out = {w.value(s.value)};")
    w.line("return DONE;")


def _do(w: Writer, s: ir.Do) -> None:
    called = w.program.functions[s.function]
    args = [copied(w, arg) if called.writes else w.argument(arg) for arg in s.args]
    text, result = call(w, s.function, "self", args, called.returns)
    w.run(text)
    if s.into is not None:
        w.line(f"{w.env[s.into]} = {result};")


STATEMENTS: dict[type[ir.Stmt], Rule] = {
    ir.Let: _let,
    ir.Write: _write,
    ir.Require: _require,
    ir.Assert: _assert,
    ir.If: _if,
    ir.For: _for,
    ir.Return: _return,
    ir.Do: _do,
}


# --------------------------------------------------------------------------- whole functions


def header(library: Library, name: str, made: ir.Function, params: list[str]) -> str:
    held = [library.parameter(p.type, n) for p, n in zip(made.params, params, strict=True)]
    out = [] if made.returns is None else [f"{library.variable(made.returns)} *out"]
    return f"static int {name}({', '.join(['Machine *self', *held, *out])})"


def declaration(context: Context, made: ir.Function) -> str:
    params = [f"a{number}" for number in range(len(made.params))]
    return f"{header(context.library, context.functions[made.name], made, params)};\n"


def where(place: Place) -> str:
    """A place in the user's file, for a comment."""
    file = place.file.rpartition("/")[2]
    return f"{file}:{place.line}".replace("*/", "")


def written(context: Context, made: ir.Function) -> str:
    """A function of the program in C."""
    w, name = Writer(context), context.functions[made.name]
    recursive = any(
        isinstance(node, ir.Call) and node.function == made.name for node in ir.walk(made.body)
    )
    params = [w.name(param.name) for param in made.params]
    locals_ = assigned(context.program, made.body)
    for param, given in zip(made.params, params, strict=True):
        place = given if context.library.scalar(param.type) else pointed(given)
        if param.name in locals_ and place != given:
            place = w.declare(param.type, param.name, place)
        w.env[param.name] = place
    for local, of in locals_.items():
        if local not in w.env:
            w.env[local] = w.declare(of, local)
    run(w, made.body)
    if not w.lines or not w.lines[-1].startswith("return "):
        w.line("return DONE;")
    if w.keeps_status:
        w.lines.insert(0, "int status;")
    comment = f"{made.name}: {where(made.place)}"
    if not recursive:
        return function(header(context.library, name, made, params), w.lines, comment)
    inner = function(header(context.library, f"{name}_once", made, params), w.lines, comment)
    passed = ["self", *params, *(["out"] if made.returns is not None else [])]
    outer = [
        "if (self->depth == DEEPEST) return ERROR;",
        "self->depth++;",
        f"int status = {name}_once({', '.join(passed)});",
        "self->depth--;",
        "return status;",
    ]
    return inner + "\n" + function(header(context.library, name, made, params), outer)


def assigned(program: ir.Program, body: ir.Body) -> dict[str, Type]:
    """The locals that are given values by statements, with their types."""
    found: dict[str, Type] = {}
    for node in ir.walk(body):
        if isinstance(node, ir.Let):
            found[node.name] = node.value.type
        if isinstance(node, ir.Do) and node.into is not None:
            returns = program.functions[node.function].returns
            assert returns is not None
            found[node.into] = returns
    return found
