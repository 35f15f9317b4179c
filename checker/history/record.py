"""Recording: a history of what a Python client asks and is told.

    recorder = Recorder("history.jsonl")
    with recorder.operation(3, "read", key="x") as op:
        op.returned(client.read("x"))

Rules, which are those of `building.py` from the other side:

* The invocation is in the history before the call begins, and `returned` puts the answer there at
  once.  One lock orders all events, so the order of the lines is that of real time.
* An exception means `info`: a request that timed out may have been done, or may be yet.  Only the
  classes in `never_done` say that it certainly was not (`fail`): a refused connection, a
  validation in the client.  The exception goes on as it would without the recorder.
* A process does one thing at a time.  After an `info` its operation may still be going on, so what
  it does next is recorded as another process: its number, or its name, is a new one.
* The end of a file may be missing if the program is killed: what is there is then a history
  that was stopped earlier, and as good.  That does not hold for two recorders whose files are
  checked together: use `write_through`, which puts every event into the file at once.

Threads and asyncio tasks may share a recorder.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
import time
import weakref
from collections.abc import Callable, MutableMapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeAlias, TypeVar

import msgspec

from checker.history.values import freeze

Name: TypeAlias = int | str | None
"""A process as the caller names it; None: the task or thread that asks."""

Function = TypeVar("Function", bound=Callable[..., Any])

BUFFER_BYTES = 64 * 2**10
LONGEST_ERROR = 500
"""Characters."""

_encode = msgspec.json.Encoder().encode
_PLAIN = frozenset({type(None), bool, int})


class Recorder:
    """Writes a history to a file, which is made anew.  OSError if it cannot be written."""

    def __init__(
        self,
        path: str | Path,
        *,
        never_done: type[BaseException] | tuple[type[BaseException], ...] = (),
        flush_s: float = 1.0,
        write_through: bool = False,
    ) -> None:
        """`flush_s`: so old may an event get before the next one puts it into the file."""
        self.never_done = never_done
        self._stream: IO[bytes] | None = Path(path).open("wb", buffering=0)  # noqa: SIM115  (`close`)
        self._flush_ns = int(flush_s * 1e9)
        self._most = 0 if write_through else BUFFER_BYTES
        self._buffer = bytearray()
        self._flushed = time.monotonic_ns()
        self._lock = threading.Lock()
        self._processes = _Processes()

    def operation(self, process: Name, f: str, key: Any = None, value: Any = None) -> Recording:
        """Around one call: see the top of this file.  ValueError if a value is no JSON value."""
        return Recording(self, process, f, _checked(key), _checked(value))

    def recorded(
        self,
        f: str,
        *,
        process: Name = None,
        key: str | None = None,
        value: str | Sequence[str] | None = None,
        result: Callable[[Any], Any] = lambda told: told,
    ) -> Callable[[Function], Function]:
        """A decorator: each call of the function, or coroutine function, is an operation.

        `key` and `value` are names of its parameters; several names make a list.  `result` makes
        what is recorded from what it returns.
        """

        def decorate(function: Function) -> Function:
            key_of = _argument(function, key)
            value_of = _argument(function, value)

            def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Recording:
                return self.operation(process, f, key_of(args, kwargs), value_of(args, kwargs))

            if inspect.iscoroutinefunction(function):

                @functools.wraps(function)
                async def recorded_async(*args: Any, **kwargs: Any) -> Any:
                    with begin(args, kwargs) as operation:
                        told = await function(*args, **kwargs)
                        operation.returned(result(told))
                        return told

                return recorded_async  # type: ignore[return-value]

            @functools.wraps(function)
            def recorded(*args: Any, **kwargs: Any) -> Any:
                with begin(args, kwargs) as operation:
                    told = function(*args, **kwargs)
                    operation.returned(result(told))
                    return told

            return recorded  # type: ignore[return-value]

        return decorate

    # ------------------------------------------------------------------- the file

    def flush(self) -> None:
        """Everything so far is in the file.  OSError if it cannot be written."""
        with self._lock:
            self._write()

    def close(self) -> None:
        """The end.  Operations that are under way stay open, and their answers are dropped."""
        with self._lock:
            if self._stream is not None:
                self._write()
                self._stream.close()
                self._stream = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, one: Recording) -> int | str:
        with self._lock:
            if self._stream is None:
                raise RuntimeError("the recorder is closed")
            process = self._processes.begin(one.name, one.f)
            one.line["process"] = process
            self._put(one.line)
        return process

    def _end(self, one: Recording) -> None:
        with self._lock:
            self._processes.end(one.name, again=one.line["type"] == "info")
            if self._stream is not None:
                self._put(one.line)

    def _put(self, line: dict[str, Any]) -> None:
        now = line["time"] = time.monotonic_ns()
        self._buffer += _encode(line)
        self._buffer += b"\n"
        if len(self._buffer) > self._most or now - self._flushed > self._flush_ns:
            self._write()

    def _write(self) -> None:
        while self._buffer and self._stream is not None:
            written = self._stream.write(self._buffer)
            del self._buffer[:written]
        self._flushed = time.monotonic_ns()


class Recording:
    """One operation.  One of `returned`, `failed` and `unknown` ends it; else its block does."""

    __slots__ = ("_ended", "_recorder", "f", "line", "name")

    def __init__(self, recorder: Recorder, process: Name, f: str, key: Any, value: Any) -> None:
        self._recorder = recorder
        self.name: object = _current() if process is None else process
        self.f = f
        self.line: dict[str, Any] = {
            "process": 0,
            "type": "invoke",
            "f": f,
            "key": key,
            "value": value,
        }
        self._ended = False

    def __enter__(self) -> Self:
        self._recorder._begin(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        """A block that ends without a word had no answer but that it is done: ok with null."""
        if self._ended:
            return
        if kind is None:
            self.returned(None)
        elif issubclass(kind, self._recorder.never_done):
            self.failed(repr(error))
        else:
            self.unknown(repr(error))

    def returned(self, value: Any = None, *, revision: int | None = None) -> None:
        """The answer is here.  ValueError if it is no JSON value, and then it is unknown.

        `revision`: the place in its own order that the system told with it.
        """
        try:
            _checked(value)
        except ValueError as error:
            self.unknown(str(error))
            raise
        if revision is not None:
            self.line["revision"] = revision
        self._end("ok", value, None)

    def failed(self, error: str | None = None) -> None:
        """It certainly never happened, and never will."""
        self._end("fail", self.line["value"], error)

    def unknown(self, error: str | None = None) -> None:
        """It may have happened, or may happen yet."""
        self._end("info", self.line["value"], error)

    def _end(self, kind: str, value: Any, error: str | None) -> None:
        if self._ended:
            raise RuntimeError(f"this {self.f} has ended already: it has one answer")
        self._ended = True
        self.line["type"] = kind
        self.line["value"] = value
        if error is not None:
            self.line["error"] = error[:LONGEST_ERROR].encode(errors="replace").decode()
        self._recorder._end(self)


class _Processes:
    """Names of the caller, and under which name of the history each does things now."""

    def __init__(self) -> None:
        self._named: dict[object, int | str] = {}
        self._others: weakref.WeakKeyDictionary[object, int | str] = weakref.WeakKeyDictionary()
        self._busy: dict[object, str] = {}
        self._used: set[int | str] = set()
        self._next = 0

    def begin(self, name: object, f: str) -> int | str:
        now = self._now(name)
        if name in self._busy:
            raise RuntimeError(
                f"process {now.get(name)} invokes {f} during its {self._busy[name]}: a process "
                "does one thing at a time, so let what goes on at once be several processes"
            )
        if name not in now:
            now[name] = self._new(name)
        self._busy[name] = f
        return now[name]

    def end(self, name: object, *, again: bool) -> None:
        """`again`: its operation may still go on, so it must be another process from now on."""
        del self._busy[name]
        if again:
            self._now(name)[name] = self._new(name)

    def _now(self, name: object) -> MutableMapping[object, int | str]:
        """Tasks and threads are not kept alive by having been recorded."""
        return self._named if isinstance(name, int | str) else self._others

    def _new(self, name: object) -> int | str:
        """Its own name if nobody had that yet; else the next number, or `name#2`."""
        new: int | str
        if isinstance(name, str):
            count, new = 1, name
            while new in self._used:
                count += 1
                new = f"{name}#{count}"
        else:
            new = name if isinstance(name, int) and name not in self._used else self._next
            self._next = max(self._next, new + 1)
        self._used.add(new)
        return new


def _current() -> object:
    """The task that runs, or the thread."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return task or threading.current_thread()


def _checked(value: Any) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is str:
        if not value.isascii():
            value.encode()
        return value
    try:
        freeze(value)
        _encode(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{value!r:.100} cannot be recorded: {error}") from None
    return value


def _argument(
    function: Callable[..., Any], names: str | Sequence[str] | None
) -> Callable[[tuple[Any, ...], dict[str, Any]], Any]:
    """From the arguments of a call to those with these names.  TypeError if it has none of them."""
    if names is None:
        return lambda args, kwargs: None
    if not isinstance(names, str):
        several = [_argument(function, name) for name in names]
        return lambda args, kwargs: [one(args, kwargs) for one in several]
    name = names
    parameters = inspect.signature(function).parameters
    if name not in parameters:
        raise TypeError(f"{function.__qualname__} has no parameter {name!r} to be recorded")
    place, default = list(parameters).index(name), parameters[name].default
    if default is inspect.Parameter.empty:
        default = None

    def get(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return args[place] if place < len(args) else kwargs.get(name, default)

    return get


__all__ = ["Name", "Recorder", "Recording"]
