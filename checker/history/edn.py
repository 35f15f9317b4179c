"""EDN, as Jepsen writes it, and histories in it.

    {:type :invoke, :f :read, :value nil, :process 0, :time 3291485317, :index 0}

What is read: nil, booleans, numbers, texts, characters, keywords, symbols, lists, vectors, sets,
maps; tags (`#jepsen.history.Op{...}`) are passed over, `#_` drops a form and `;` begins a comment.
In JSON's terms keywords, symbols and characters are texts, sets are lists in a fixed order,
and names in maps are texts.  See github.com/edn-format/edn.

A file is operations one after the other, or one vector of them.  It is read line by line with a
stack of open forms, so its size and its nesting cost nothing but what is held.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from checker.history.building import KIND_CODES, NEMESIS, Builder
from checker.history.errors import HistoryError
from checker.history.values import NESTING, Frozen, Value, freeze, text_of

MEND = "an operation is {:type :invoke, :f :read, :value nil, :process 0}"

_TOKEN = re.compile(
    r"""[\s,]*+(?:;[^\n]*+\n?[\s,]*+)*+
    (?: (?P<open>\#?\{|\[|\() | (?P<close>[\]})]) | (?P<drop>\#_)
      | (?P<text>"(?:[^"\\]|\\.)*+") | (?P<part>".*)
      | (?P<char>\\(?:u[0-9A-Fa-f]{4}|[A-Za-z]+|.))
      | (?P<tag>\#[A-Za-z][^\s,\[\](){}";\\]*)
      | (?P<atom>[^\s,\[\](){}";\\]+) | (?P<end>$) )""",
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?P<float>(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?)[NM]?")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPES: Final = {"t": "\t", "r": "\r", "n": "\n", "b": "\b", "f": "\f", "\\": "\\", '"': '"'}
_CHARACTERS: Final = {"newline": "\n", "return": "\r", "space": " ", "tab": "\t"}
_ATOMS: Final[dict[str, Value]] = {"nil": None, "true": True, "false": False}
_CLOSED_BY: Final = {"[": "]", "(": ")", "{": "}", "#{": "}"}
LONGEST_TEXT = 4 * 2**10
"""Characters of one with line ends in it: it is looked at again with each line."""
DROP: Final = "#_"


class _Form:
    """A form that is open."""

    __slots__ = ("items", "line", "opened")

    def __init__(self, opened: str, line: int) -> None:
        self.opened, self.line = opened, line
        self.items: list[Value] = []


class Forms:
    """The forms of a text that comes line by line.  ValueError if it is no EDN.

    `inside`: those of one vector or list around everything, if there is one.
    """

    def __init__(self, *, inside: bool = False) -> None:
        self._stack: list[_Form] = []
        self._rest = ""
        self._inside = inside
        self._line = 0
        self._around: _Form | None = None

    def feed(self, text: str, line: int = 0) -> Iterator[tuple[Value, int]]:
        """Each form that ends in this line, and the line where it began."""
        if self._rest:
            text = self._rest + text
        else:
            self._line = line
        self._rest = ""
        at = 0
        while True:
            match = _TOKEN.match(text, at)
            if match is None:
                raise ValueError(f"what is {text[at : at + 20]!r}?")
            kind, at = match.lastgroup, match.end()
            token = match[kind or "end"]
            if kind == "end":
                return
            if kind == "part":
                self._rest = token
                if len(token) > LONGEST_TEXT and self._line != line:
                    raise ValueError(f"the text that begins at line {self._line} has no end")
                return
            if kind == "open":
                self._open(token, line)
            elif kind == "drop":
                self._stack.append(_Form(DROP, line))
            elif kind == "close":
                yield from self._close(token)
            elif kind != "tag":
                yield from self._add(_atom(kind, token), line)

    def end(self) -> None:
        """ValueError if something is still open."""
        if self._rest:
            raise ValueError(f"the text that begins at line {self._line} has no end")
        if self._stack or self._around is not None:
            form = self._stack[-1] if self._stack else self._around
            assert form is not None
            raise ValueError(f"the `{form.opened}` of line {form.line} has no end")

    def _open(self, token: str, line: int) -> None:
        form = _Form(token, line)
        if self._inside and token in "[(":
            self._inside, self._around = False, form
            return
        self._inside = False
        self._stack.append(form)
        if len(self._stack) > NESTING:
            raise ValueError(f"forms are nested more than {NESTING} deep")

    def _close(self, token: str) -> Iterator[tuple[Value, int]]:
        if not self._stack and self._around and _CLOSED_BY[self._around.opened] == token:
            self._around = None
            return
        if not self._stack or _CLOSED_BY.get(self._stack[-1].opened) != token:
            raise ValueError(f"`{token}` closes nothing")
        form = self._stack.pop()
        yield from self._add(_formed(form), form.line)

    def _add(self, value: Value, line: int) -> Iterator[tuple[Value, int]]:
        if self._stack and self._stack[-1].opened == DROP:
            self._stack.pop()
        elif self._stack:
            self._stack[-1].items.append(value)
        else:
            yield value, line


def _formed(form: _Form) -> Value:
    items = form.items
    if form.opened in "[(":
        return tuple(items)
    if form.opened == "#{":
        return tuple(sorted(items, key=text_of))
    if len(items) % 2:
        raise ValueError(f"the map of line {form.line} has a name without a value")
    names = [name if type(name) is str else text_of(name) for name in items[::2]]
    return Frozen(zip(names, items[1::2], strict=True))


def _atom(kind: str | None, token: str) -> Value:
    if kind == "text":
        return _ESCAPE.sub(_unescaped, token[1:-1]) if "\\" in token else token[1:-1]
    if kind == "char":
        return _character(token[1:])
    if token in _ATOMS:
        return _ATOMS[token]
    if token[0] == ":":
        return token[1:]
    number = _NUMBER.fullmatch(token)
    if number is None:
        if token.startswith("##"):
            raise ValueError(f"{token} is not a number that JSON knows")
        return token
    digits = token.rstrip("NM")
    return freeze(float(digits)) if number["float"] or token[-1] == "M" else int(digits)


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return _of_code(match[1])
    if match[2] not in _ESCAPES:
        raise ValueError(f"a text has no escape {match[0]}")
    return _ESCAPES[match[2]]


def _character(name: str) -> str:
    if len(name) == 5 and name[0] == "u":
        return _of_code(name[1:])
    if len(name) == 1 or name in _CHARACTERS:
        return _CHARACTERS.get(name, name)
    raise ValueError(f"there is no character \\{name}")


def _of_code(digits: str) -> str:
    code = int(digits, 16)
    if 0xD800 <= code < 0xE000:
        raise ValueError(f"\\u{digits} is no character")
    return chr(code)


def value_of(text: str) -> Value:
    """The first form of a text; None if it is empty.  ValueError if it is no EDN."""
    forms = Forms()
    for value, _ in forms.feed(text):
        return value
    forms.end()
    return None


# --------------------------------------------------------------------------- histories


def read(
    blocks: Iterable[tuple[int, bytes]], builder: Builder, tick: Callable[[int], None]
) -> None:
    """Blocks of lines (streams.py) into a builder.  HistoryError with the line."""
    forms = Forms(inside=True)
    number = 0
    try:
        for first, block in blocks:
            count = 0
            lines = block.split(b"\n")
            for number, line in enumerate(lines, first):
                text = line.decode() + ("\n" if number < first + len(lines) - 1 else "")
                for form, begun in forms.feed(text, number):
                    _event(form, begun, builder)
                    count += 1
            tick(count)
        forms.end()
    except ValueError as error:
        raise HistoryError(
            f"this is not EDN: {error}", line=number, source=builder.source, mend=MEND
        ) from None


def _event(form: Value, line: int, builder: Builder) -> None:
    if not isinstance(form, Frozen):
        raise _wrong(f"this is no operation: {_short(form)}", line, builder)
    process, kind, f = form.get("process"), form.get("type"), form.get("f")
    if process == NEMESIS:
        return
    if type(process) is not int and type(process) is not str:
        raise _wrong(f"this is no :process: {_short(process)}", line, builder)
    if type(kind) is not str or kind not in KIND_CODES:
        raise _wrong(f"this is no :type of an operation: {_short(kind)}", line, builder)
    if type(f) is not str:
        raise _wrong(f"this is no :f: {_short(f)}", line, builder)
    numbers = {name: form.get(name) for name in ("time", "revision")}
    for name, number in numbers.items():
        if number is not None and (type(number) is not int or abs(number) >= 2**63):
            raise _wrong(f"this is no :{name}: {_short(number)}", line, builder)
    builder.event(process, kind, f, form.get("value"), key=form.get("key"), line=line, **numbers)


def _wrong(reason: str, line: int, builder: Builder) -> HistoryError:
    return HistoryError(reason, line=line, source=builder.source, mend=MEND)


def _short(value: Any) -> str:
    text = "nil" if value is None else text_of(value)
    return text if len(text) < 60 else text[:57] + "..."


__all__ = ["Forms", "read", "value_of"]
