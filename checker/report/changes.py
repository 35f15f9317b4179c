"""What a step changed: as little text as says it all.

Rules of this file:

* Only what differs is shown.  Inside a Map the keys that changed, inside a Set or a Bag the
  members that came and went, inside a Seq what was appended or taken where that is all.
* The order is that of the fields, and inside a field the canonical order of its values, so
  that the same step always reads the same.
* A change keeps values and types; only `Change.text` and `Change.json` turn them to words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

from checker.lang.model import Model, State
from checker.lang.types import (
    BagT,
    MapT,
    OptionT,
    RecordT,
    SeqT,
    SetT,
    TupleT,
    Type,
    UnionT,
)

SHORT = 60
"""A record whose text is longer than this is compared field by field."""

Mark = Literal["→", "+", "−"]


@dataclass(frozen=True)
class Change:
    """One thing that a step changed, at `path`: `promised[a1]`, `sent`, `log[a1][0]`.

    `→`: from `before` to `after`; `+`: `after` came; `−`: `before` went.  `note` says what the
    values do not: at which end of a sequence.
    """

    path: str
    mark: Mark
    of: Type
    before: Any = None
    after: Any = None
    note: str = ""

    @property
    def words(self) -> str:
        """What changed, without the path: `none → 0`, `+ Prepare(ballot=0)`."""
        match self.mark:
            case "→":
                text = f"{self.of.text(self.before)} → {self.of.text(self.after)}"
            case "+":
                text = f"+ {self.of.text(self.after)}"
            case "−":
                text = f"− {self.of.text(self.before)}"
        return f"{text} {self.note}" if self.note else text

    @property
    def text(self) -> str:
        return f"{self.path}: {self.words}"


def changes(model: Model, before: State, after: State) -> list[Change]:
    """What differs between two states, field by field."""
    found: list[Change] = []
    for field, old, new in zip(model.fields, before, after, strict=True):
        found += differences(field.type, old, new, field.name)
    return found


def differences(of: Type, before: Any, after: Any, path: str) -> Iterator[Change]:
    """What differs between two values of one type."""
    if before == after:
        return
    match of:
        case MapT(key, value):
            for at in before:
                yield from differences(
                    value, before[at], after[at], f"{path}[{_key_text(key, at)}]"
                )
        case SetT(item):
            yield from (Change(path, "−", item, before=gone) for gone in before - after)
            yield from (Change(path, "+", item, after=came) for came in after - before)
        case BagT(item):
            yield from _in_bag(item, before, after, path)
        case SeqT(item):
            yield from _in_sequence(of, item, before, after, path)
        case OptionT(item) if before is not None and after is not None:
            yield from differences(item, before, after, path)
        case TupleT(items):
            for index, (one, old, new) in enumerate(zip(items, before, after, strict=True)):
                yield from differences(one, old, new, f"{path}[{index}]")
        case UnionT() if type(before) is type(after):
            kind = of.of(before)
            assert kind is not None
            yield from differences(kind, before, after, path)
        case RecordT(fields=fields) if len(of.text(before)) + len(of.text(after)) > 2 * SHORT:
            for name, one in fields:
                old, new = getattr(before, name), getattr(after, name)
                yield from differences(one, old, new, f"{path}.{name}")
        case _:
            yield Change(path, "→", of, before, after)


def _key_text(key: Type, value: Any) -> str:
    text = key.text(value)
    return text[1:-1] if isinstance(key, TupleT) else text


def _in_bag(item: Type, before: Any, after: Any, path: str) -> Iterator[Change]:
    """One change for each copy that came or went."""
    for gone in before.distinct():
        for _ in range(before.count(gone) - after.count(gone)):
            yield Change(path, "−", item, before=gone)
    for came in after.distinct():
        for _ in range(after.count(came) - before.count(came)):
            yield Change(path, "+", item, after=came)


def _in_sequence(
    of: Type, item: Type, before: tuple[Any, ...], after: tuple[Any, ...], path: str
) -> Iterator[Change]:
    shorter, longer = sorted((before, after), key=len)
    grown, extra = len(after) > len(before), len(longer) - len(shorter)
    if extra and not grown and longer[: len(shorter)] == longer[extra:]:
        # Equal items: which of them went cannot be seen.
        yield from (_moved(path, item, one, grown, "") for one in longer[:extra])
    elif extra and longer[: len(shorter)] == shorter:
        note = ("at the end" if grown else "last") if shorter else ""
        yield from (_moved(path, item, one, grown, note) for one in longer[len(shorter) :])
    elif extra and longer[extra:] == shorter:
        note = "in front" if grown else "first"
        yield from (_moved(path, item, one, grown, note) for one in longer[:extra])
    elif not extra and sum(map(_differ, before, after)) < len(before):
        for index, (old, new) in enumerate(zip_longest(before, after)):
            yield from differences(item, old, new, f"{path}[{index}]")
    else:
        yield Change(path, "→", of, before, after)


def _moved(path: str, item: Type, value: Any, came: bool, note: str) -> Change:
    said = f"({note})" if note else ""
    if came:
        return Change(path, "+", item, after=value, note=said)
    return Change(path, "−", item, before=value, note=said)


def _differ(one: Any, other: Any) -> bool:
    return bool(one != other)


def as_json(found: list[Change]) -> dict[str, dict[str, Any]]:
    """Changes by path: `{"from", "to"}`, or `{"added": [...], "removed": [...]}`."""
    by_path: dict[str, dict[str, Any]] = {}
    for change in found:
        if change.mark == "→":
            by_path[change.path] = {
                "from": change.of.json(change.before),
                "to": change.of.json(change.after),
            }
            continue
        both = by_path.setdefault(change.path, {"added": [], "removed": []})
        came = change.mark == "+"
        value = change.after if came else change.before
        both["added" if came else "removed"].append(change.of.json(value))
    return by_path
