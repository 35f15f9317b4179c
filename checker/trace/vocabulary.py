"""Logs in the words of the spec: JSON lines that name actions, arguments and variables.

    {"quorate": "trace", "version": 1, "constants": {"nodes": 2}, "hidden": ["lose"]}
    {"action": "vote", "args": {"n": "a1"}, "state": {"joined": {"a1": 0}}}

The first line may be a header.  Of the others every part may be missing:

* `action`: the step; without it, no step (but hidden ones) lies between this line and the last;
* `args`: some of its arguments, by name;
* `state`: some variables after the step; of a Map, some of its keys;
* `key`: logs of many independent instances of the spec may be mixed; this says which;
* `time`: a number; several files are read as one in its order.

Values are written as `quorate check --json` writes them.  Any other part is an error: a
misspelt `state` that is passed over would make every log match.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from heapq import merge
from typing import Any, NamedTuple

import msgspec

from checker.lang.model import Action, Model
from checker.lang.types import MapT, Type
from checker.report.decode import NotOfType, from_json
from checker.trace.events import UNKNOWN, Check, Event, Hidden, Pattern
from checker.trace.reading import Line, LogFile, NotJson, WrongShape, decoded

VERSION = 1
REMEMBERED_EVENTS = 50_000


class Header(msgspec.Struct, forbid_unknown_fields=True):
    """What the first line of a log says of the whole."""

    quorate: str
    version: int
    constants: dict[str, Any] = {}
    hidden: list[str] = []


class Said(msgspec.Struct, forbid_unknown_fields=True):
    """What any other line says, `args` and `state` still as JSON."""

    action: str | None = None
    args: msgspec.Raw = msgspec.Raw(b"{}")
    state: msgspec.Raw = msgspec.Raw(b"{}")
    key: str | int | None = None
    time: int | float | None = None


class Entry(NamedTuple):
    """One line of a log, read: where it stands, whose it is, and what it says."""

    time: float
    file: int
    number: int
    key: str | int | None
    event: Event


_HEADER = msgspec.json.Decoder(Header)
_SAID = msgspec.json.Decoder(Said)
_OBJECT = msgspec.json.Decoder(dict[str, Any])


def header_of(log: LogFile) -> Header | None:
    """The header of a log, if its first line is one.  `LogError` if it is one, but a wrong one."""
    if log.first is None:
        return None
    try:
        if "quorate" not in decoded(_OBJECT, log.first.text):
            return None
    except (NotJson, WrongShape):
        return None
    try:
        header = decoded(_HEADER, log.first.text)
    except (NotJson, WrongShape) as error:
        raise log.error(log.first.number, f"this header cannot be used: {error}") from None
    if header.quorate != "trace" or header.version != VERSION:
        raise log.error(
            log.first.number,
            f"this is a {header.quorate} of version {header.version}; "
            f"this quorate reads a trace of version {VERSION}",
        )
    return header


class Vocabulary:
    """Reads lines as events of one model.  `hidden` names the actions that may be unlogged."""

    def __init__(self, model: Model, hidden: tuple[str, ...] = ()) -> None:
        self.model = model
        self._actions = {action.name: action for action in model.actions}
        self._fields = {field.name: number for number, field in enumerate(model.fields)}
        patterns = tuple(self._pattern(self.action(name), {}) for name in hidden)
        self._hidden = Hidden(patterns) if patterns else None
        self._events: dict[tuple[str | None, bytes, bytes], Event] = {}
        self.torn: list[str] = []
        """The logs whose last line was cut off."""

    def entries(self, logs: list[LogFile]) -> Iterator[Entry]:
        """All lines of some logs, in the order of their times if there are several logs."""
        streams = [self._entries(log, index, len(logs) > 1) for index, log in enumerate(logs)]
        return streams[0] if len(streams) == 1 else merge(*streams)

    def _entries(self, log: LogFile, index: int, timed: bool) -> Iterator[Entry]:
        lines = log.lines()
        if header_of(log) is not None:
            next(lines)
        last = float("-inf")
        for line in lines:
            said = self._said(log, line)
            if said is None:
                return
            time = said.time if said.time is not None else last
            if timed and said.time is None:
                raise log.error(line.number, "no `time`: several logs are merged by it")
            if timed and time < last:
                raise log.error(line.number, f"the time {time} is before that of the last line")
            last = time
            try:
                event = self._event(said)
            except WrongShape as error:
                raise log.error(line.number, str(error)) from None
            yield Entry(time, index, line.number, said.key, event)

    def _said(self, log: LogFile, line: Line) -> Said | None:
        """What a line holds; `None` if its writer was killed while it wrote it."""
        try:
            return decoded(_SAID, line.text)
        except WrongShape as error:
            raise log.error(line.number, f"this is no line of a log: {error}") from None
        except NotJson as error:
            if not line.whole:
                self.torn.append(log.name)
                return None
            raise log.error(line.number, str(error)) from None

    # ------------------------------------------------------------- from words to an event

    def _event(self, said: Said) -> Event:
        key = (said.action, bytes(said.args), bytes(said.state))
        found = self._events.get(key)
        if found is None:
            if len(self._events) >= REMEMBERED_EVENTS:
                self._events.clear()
            found = self._events[key] = self._read(said)
        return found

    def _read(self, said: Said) -> Event:
        args, state = _object("args", said.args), _object("state", said.state)
        if said.action is None and args:
            raise WrongShape("`args` without `action`")
        step = None if said.action is None else self._pattern(self.action(said.action), args)
        checks: list[Check] = []
        for name, data in state.items():
            if name not in self._fields:
                what = f"`{self.model.name}` has no variable `{name}`"
                raise WrongShape(what + _known(name, list(self._fields)))
            number = self._fields[name]
            checks += _checks(name, number, (), self.model.fields[number].type, data)
        return Event(step, tuple(checks), self._hidden)

    def action(self, name: str) -> Action:
        """The action of this name; `WrongShape` with those that there are."""
        if name not in self._actions:
            what = f"`{self.model.name}` has no action `{name}`"
            raise WrongShape(what + _known(name, list(self._actions)))
        return self._actions[name]

    def _pattern(self, action: Action, args: dict[str, Any]) -> Pattern:
        names = [param.name for param in action.params]
        for name in args:
            if name not in names:
                what = f"`{action.name}` has no argument `{name}`"
                raise WrongShape(what + _known(name, names))
        return Pattern(
            action,
            tuple(
                _value(param.type, args[param.name], param.name) if param.name in args else UNKNOWN
                for param in action.params
            ),
        )


def _object(name: str, raw: msgspec.Raw) -> dict[str, Any]:
    try:
        return decoded(_OBJECT, bytes(raw))
    except (NotJson, WrongShape):
        raise WrongShape(f"`{name}` is not an object") from None


def _checks(path: str, field: int, keys: tuple[Any, ...], of: Type, data: Any) -> Iterator[Check]:
    """One check for a value; one for each key that is given, where it is a Map."""
    if not isinstance(of, MapT) or not isinstance(data, dict):
        yield Check(path, field, keys, of, _value(of, data, path))
        return
    known = {of.key.text(key): key for key in of.keys}
    for name, inner in data.items():
        if name not in known:
            raise WrongShape(f"at {path}: `{name}` is no key" + _known(name, list(known)))
        yield from _checks(f"{path}[{name}]", field, (*keys, known[name]), of.value, inner)


def _value(of: Type, data: Any, path: str) -> Any:
    try:
        return from_json(of, data, path)
    except NotOfType as error:
        raise WrongShape(str(error)) from None


def _known(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f".  Did you mean `{near[0]}`?" if near else ""
    return (
        f"{hint}  There are: {', '.join(known) or 'none'}"
        if hint
        else (f"; there are: {', '.join(known) or 'none'}")
    )


__all__ = ["VERSION", "Entry", "Header", "Vocabulary", "header_of"]
