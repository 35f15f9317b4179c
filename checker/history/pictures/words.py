"""Values and states as short texts that can be shown anywhere.

Control characters, marks that turn the direction of writing, and halves of surrogate pairs are
shown as JSON writes them: neither XML nor UTF-8 could hold all of them, and a reader should see
what is there.  (Escaping for HTML and XML is the business of who writes those.)
"""

from __future__ import annotations

import unicodedata
from typing import Final

from checker.history.history import FAIL, UNKNOWN, Operation
from checker.history.models.model import Model, State, show
from checker.history.pictures.order import size
from checker.history.values import text_of, untyped

HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
JOINERS: Final = frozenset("\u200c\u200d")
"""Parts of words and of emoji."""
TAKES: Final = frozenset({"dequeue"})
"""An answer of null says something, though these are no reads."""
LARGE: Final = 200
"""Values of a state; a larger one is not shown whole."""
ENDS: Final = 4
"""So many from each end of a long list."""


def shown(text: str, most: int, *, count: bool = True) -> str:
    """`text` with at most `most` characters, and (`count`) how many it had."""
    cut = text if len(text) <= most else text[:most]
    if not (cut.isascii() and cut.isprintable()):
        cut = "".join(map(_shown, cut))
    if len(text) <= most:
        return cut
    return f"{cut}… ({len(text):,} characters)" if count else f"{cut}…"


def _shown(char: str) -> str:
    if unicodedata.category(char) not in HIDDEN or char in JOINERS:
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def label_of(one: Operation, *, alike: bool, reads: frozenset[str], refused: bool) -> str:
    """`write(1)`, `read() → null`, `cas(1, 2) failed`; with the key unless all are alike.

    An answer of null is shown of reads, and of what has no argument but takes something.
    """
    if type(one.argument) is tuple:
        given = ", ".join(map(text_of, one.argument))
    else:
        given = "" if one.argument is None else text_of(one.argument)
    on = "" if alike or one.key is None else f" {text_of(one.key)}"
    told = ""
    if one.status == FAIL:
        told = " refused" if refused else " failed"
    elif one.result is UNKNOWN:
        told = " → ?"
    elif one.f in TAKES or one.f in reads or one.result not in (None, one.argument):
        told = f" → {text_of(one.result)}"
    given, told = shown(given, 30, count=False), shown(told, 30, count=False)
    return f"{shown(one.f, 20)}{shown(on, 20)}({given}){told}"


def state_of(model: Model, state: State) -> str:
    """As the model shows it; of a large one only the ends."""
    if size(state) <= LARGE:
        return model.show(state)
    return _brief(state)


def _brief(state: State) -> str:
    plain = untyped(state) if isinstance(state, tuple) else state
    if isinstance(plain, str):
        return text_of(plain)
    if isinstance(state, frozenset):
        return f"a set of {len(state):,}"
    if isinstance(state, tuple):
        if len(state) <= 2 * ENDS:
            return "[" + ", ".join(map(_brief, state)) + "]"
        first, last = map(_brief, state[:ENDS]), map(_brief, state[-ENDS:])
        left = len(state) - 2 * ENDS
        return f"[{', '.join(first)}, … {left:,} more …, {', '.join(last)}]"
    return show(state)


__all__ = ["label_of", "shown", "state_of"]
