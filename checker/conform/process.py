"""A system in any language: a process that answers requests, one JSON object on each line.

The checker writes a request to the process's standard input, the process writes one reply to its
standard output, in order.  Standard error is for people: its end is shown when the process fails.

    {"do": "begin", "version": 1, "spec": "Lock", "constants": {"clients": ["c1", "c2"]}}
        reply {} or any of {"messages": [variable ...], "unobserved": {variable: why},
        "snapshots": true}
    {"do": "reset"}                              {}
    {"do": "enabled"}                            {"steps": [{"action": ..., "args": {...}} ...]}
    {"do": "step", "action": ..., "args": {...}} {}, or {"refused": why}, or {"failed": why}
    {"do": "state"}                              {"state": {variable: value ...}}
    {"do": "save"}                               {"saved": anything}
    {"do": "restore", "saved": anything}         {}

`reset` has a key `start` with the state to begin in, if the spec has several initial ones.  `save`
and `restore` are asked only of a process that said `"snapshots": true`.  To any request the reply
may be {"error": why}: the adapter cannot go on, and there is no verdict.  The end of standard
input means: end.

Values are those of `check --json`: numbers, true and false; a member of a Sort or an Enum is its
name; None is null; a record is an object with its fields and its `kind`; a Set or a Bag is a list
in any order, a Seq or a tuple a list; a Map is an object by the text of its keys.

Several requests may be waiting in standard input: the checker writes `restore`, `step` and `state`
at once.  A process that reads line by line need not know.
"""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, NoReturn

from checker.conform.system import AdapterError, Failed, NotPossible, Step, System, SystemFactory
from checker.lang.model import Action, Model
from checker.lang.spec import Spec
from checker.lang.types import Type
from checker.report.decode import NotOfType, from_json

VERSION = 1
REPLY_SECONDS = 10.0
"""How long one reply may take."""
END_SECONDS = 2.0
"""How long a process may take to end when its standard input has."""
MOST_BYTES = 16 * 2**20
"""The longest line that is read."""
TAIL_BYTES = 2000
"""So much of the end of standard error is kept."""
SHOWN = 200
MOST_REMEMBERED = 50_000


class ProcessEnded(Failed):
    """The process is gone, or does not answer.  In a step, the implementation's fault."""


class NoValue:
    """What a process gave where a value of some type should be."""

    def __init__(self, data: Any, problem: str) -> None:
        self.said = f"{_short(json.dumps(data))} ({problem})"

    def __repr__(self) -> str:
        return self.said


def process_system(command: str, reply_seconds: float = REPLY_SECONDS) -> SystemFactory:
    """What makes a system of a command, which is split as a shell would, and not given to one."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise AdapterError(f"the command `{command}` cannot be split into words: {error}") from None
    if not words:
        raise AdapterError("the command of the system is empty")

    def make(spec: Spec) -> System:
        return ProcessSystem(spec, words, reply_seconds)

    make.__name__ = command
    return make


class ProcessSystem(System):
    """A process as a system.  It is started again when it has died, by `reset`."""

    def __init__(
        self, spec: Spec, command: list[str], reply_seconds: float = REPLY_SECONDS
    ) -> None:
        super().__init__(spec)
        self.model = Model.of(spec)
        self.types = {field.name: field.type for field in self.model.fields}
        self.pipe = Pipe(command, reply_seconds)
        self.waiting = b""
        """A request that is sent together with the next one: `restore`."""
        self.seen: bytes | None = None
        """The reply to the last `state`, as long as it is true."""
        self.requests: dict[Step, bytes] = {}
        self.offers: dict[bytes, frozenset[Step]] = {}
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    # ------------------------------------------------------------- what the checker asks

    def reset(self) -> None:
        self._reset({"do": "reset"})

    def reset_to(self, start: Mapping[str, Any]) -> None:
        given = {name: self.types[name].json(value) for name, value in start.items()}
        self._reset({"do": "reset", "start": given})

    def _reset(self, request: dict[str, Any]) -> None:
        self.waiting, self.seen = b"", None
        if not self.pipe.alive:
            self._begin()
        self._nothing("reset", self._ask("reset", line_of(request)))

    def enabled(self) -> Collection[Step]:
        reply = self._ask("enabled", b'{"do":"enabled"}\n')
        found = self.offers.get(reply)
        if found is None:
            if len(self.offers) > MOST_REMEMBERED:
                self.offers.clear()
            found = self.offers[reply] = self._steps(self._parsed("enabled", reply))
        return found

    def step(self, step: Step) -> None:
        request = self.requests.get(step)
        if request is None:
            request = self.requests[step] = self._step_request(step)
        sent, self.waiting, self.seen = self.waiting, b"", None
        replies = self.pipe.ask("step", sent + request + _STATE, 2 + bool(sent))
        if sent:
            self._nothing("restore", replies[0])
        reply = replies[-2]
        self.seen = replies[-1]
        if reply != b"{}":
            self._not_taken(reply)

    def _not_taken(self, reply: bytes) -> None:
        said = self._parsed("step", reply)
        if "refused" in said:
            raise NotPossible(str(said["refused"]))
        if "failed" in said:
            raise Failed(str(said["failed"]))

    def observe(self) -> bytes:
        if self.seen is None:
            self.seen = self._ask("state", _STATE)
        return self.seen

    def state(self) -> Mapping[str, Any]:
        reply = self._parsed("state", self.observe())
        found = reply.get("state")
        if not isinstance(found, dict):
            self._wrong("state", f'{_short(json.dumps(reply))} has no object "state"')
        return {
            name: self._value(self.types[name], data) if name in self.types else data
            for name, data in found.items()
        }

    def save(self) -> bytes:
        reply = self._parsed("save", self._ask("save", b'{"do":"save"}\n'))
        if "saved" not in reply:
            self._wrong("save", f'{_short(json.dumps(reply))} has no "saved"')
        return line_of({"do": "restore", "saved": reply["saved"]})

    def restore(self, saved: bytes) -> None:
        self.waiting, self.seen = saved, None

    def close(self) -> None:
        self.pipe.close()

    # ------------------------------------------------------------- requests and replies

    def _begin(self) -> None:
        """Start the process, and hear what it has to say of itself."""
        self.pipe.start()
        constants = {
            name: constant.type.json(constant.value)
            for name, constant in self.model.constants.items()
        }
        request = {
            "do": "begin",
            "version": VERSION,
            "spec": self.model.name,
            "constants": constants,
        }
        said = self._parsed("begin", self._ask("begin", line_of(request)))
        messages, hidden = said.get("messages", []), said.get("unobserved", {})
        if not isinstance(messages, list) or not isinstance(hidden, dict):
            self._wrong("begin", '"messages" is a list, and "unobserved" an object')
        self.messages = [str(name) for name in messages]
        self.unobserved = {str(k): str(v) for k, v in hidden.items()}
        self.snapshots = said.get("snapshots") is True

    def _ask(self, what: str, request: bytes) -> bytes:
        """The reply to one request.  A process that is gone is an `AdapterError` here."""
        sent, self.waiting = self.waiting, b""
        try:
            replies = self.pipe.ask(what, sent + request, 1 + bool(sent))
        except ProcessEnded as error:
            raise AdapterError(str(error)) from None
        if sent:
            self._nothing("restore", replies[0])
        return replies[-1]

    def _parsed(self, what: str, reply: bytes) -> dict[str, Any]:
        try:
            said = json.loads(reply)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            shown = _short(reply.decode(errors="replace"))
            self._wrong(what, f"this is no JSON object on one line: {shown}")
        if "error" in said:
            self._wrong(what, f"it says: {said['error']}")
        return said

    def _nothing(self, what: str, reply: bytes) -> None:
        """A reply that has nothing to say but errors."""
        if reply != b"{}":
            self._parsed(what, reply)

    def _wrong(self, what: str, problem: str) -> NoReturn:
        raise AdapterError(f"{self.pipe.name} answered `{what}` wrongly: {problem}")

    def _step_request(self, step: Step) -> bytes:
        params = self.model.action(step.action).params
        args = {p.name: p.type.json(arg) for p, arg in zip(params, step.args, strict=True)}
        return line_of({"do": "step", "action": step.action, "args": args})

    def _steps(self, said: dict[str, Any]) -> frozenset[Step]:
        steps = said.get("steps")
        if not isinstance(steps, list):
            self._wrong("enabled", f'{_short(json.dumps(said))} has no list "steps"')
        return frozenset(map(self._offered, steps))

    def _offered(self, said: Any) -> Step:
        if not isinstance(said, dict) or not isinstance(said.get("action"), str):
            self._wrong("enabled", f'{_short(json.dumps(said))} is no object with an "action"')
        name, args = said["action"], said.get("args", {})
        actions = {action.name: action for action in self.model.actions}
        if name not in actions:
            self._wrong("enabled", f"`{name}` is no action: there are {', '.join(actions)}")
        self._check_args(actions[name], args)
        return Step(name, tuple(self._arg(p.type, args[p.name]) for p in actions[name].params))

    def _check_args(self, action: Action, args: Any) -> None:
        names = [param.name for param in action.params]
        if not isinstance(args, dict) or sorted(args) != sorted(names):
            wanted = ", ".join(names) or "none"
            given = _short(json.dumps(args))
            self._wrong("enabled", f"the arguments of `{action.name}` are {wanted}, not {given}")

    def _arg(self, of: Type, data: Any) -> Any:
        value = self._value(of, data)
        return str(value) if isinstance(value, NoValue) else value

    def _value(self, of: Type, data: Any) -> Any:
        try:
            return from_json(of, data)
        except (NotOfType, TypeError) as error:
            return NoValue(data, str(error))


_STATE = b'{"do":"state"}\n'


def line_of(data: dict[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode() + b"\n"


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN] + " ..."


# --------------------------------------------------------------------------- the process


class Pipe:
    """A process, lines to it, and lines from it; never waits for ever."""

    def __init__(self, command: list[str], reply_seconds: float) -> None:
        self.command = command
        self.name = f"`{shlex.join(command)}`"
        self.reply_seconds = reply_seconds
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self.process is not None

    def start(self) -> None:
        """Start the process.  `AdapterError` if there is no such program."""
        try:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            why = error.strerror or error
            raise AdapterError(f"{self.name} cannot be started: {why}") from None
        held = (self.process.stdin, self.process.stdout, self.process.stderr)
        self.files = [file for file in held if file is not None]
        self.to, self.out, self.err = (file.fileno() for file in self.files)
        for file in (self.to, self.out, self.err):
            os.set_blocking(file, False)
        self.poll = select.poll()
        self.poll.register(self.out, select.POLLIN)
        self.poll.register(self.err, select.POLLIN)
        self.held = bytearray()
        """What was read of a line that has no end yet."""
        self.lines: list[bytes] = []
        self.tail = b""

    def ask(self, what: str, requests: bytes, replies: int) -> list[bytes]:
        """So many lines, after these were written.  `ProcessEnded` if they do not come."""
        if self.process is None:
            raise ProcessEnded(f"{self.name} has ended")
        rest = self._write(requests)
        if rest:
            self.poll.register(self.to, select.POLLOUT)
        deadline = time.monotonic() + self.reply_seconds
        while len(self.lines) < replies or rest:
            rest = self._wait(what, rest, deadline)
        lines, self.lines = self.lines, []
        if len(lines) > replies:
            line = _short(lines[replies].decode(errors="replace"))
            self._end()
            raise AdapterError(f"{self.name} wrote a line that nobody asked for: {line}")
        return lines

    def _wait(self, what: str, rest: bytes, deadline: float) -> bytes:
        """Read and write what can be; what is left to write."""
        ready = self.poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        if not ready:
            tail = self._end()
            late = f"did not answer `{what}` in {self.reply_seconds:g} seconds"
            raise ProcessEnded(f"{self.name} {late}{tail}")
        for file, _ in ready:
            if file == self.to:
                rest = self._write(rest)
                if not rest:
                    self.poll.unregister(self.to)
            elif file == self.err:
                self._read_tail()
            else:
                self._read(what)
        return rest

    def _write(self, data: bytes) -> bytes:
        """Write what can be written now; the rest.  A broken pipe shows when it is read."""
        try:
            return data[os.write(self.to, data) :]
        except BlockingIOError:
            return data
        except BrokenPipeError:
            return b""

    def _read(self, what: str) -> None:
        got = os.read(self.out, 1 << 16)
        if not got:
            raise ProcessEnded(f"{self.name} ended while it was asked to `{what}`{self._end()}")
        self.held += got
        if b"\n" in got:
            *whole, self.held = self.held.split(b"\n")
            self.lines += map(bytes, whole)
        if len(self.held) > MOST_BYTES:
            self._end()
            raise AdapterError(f"{self.name} wrote a line of more than {MOST_BYTES:,} bytes")

    def _read_tail(self) -> None:
        with suppress(BlockingIOError):
            got = os.read(self.err, 1 << 16)
            if not got:
                self.poll.unregister(self.err)
            self.tail = (self.tail + got)[-TAIL_BYTES:]

    def _end(self) -> str:
        """Make an end of the process; its status, and the end of what it wrote for people."""
        if self.process is None:
            return ""
        process, self.process = self.process, None
        self.files[0].close()
        status = ""
        try:
            code = process.wait(0.5)
            named = f"by {signal.Signals(-code).name}" if code < 0 else f"with status {code}"
            status = f" ({named})"
        except subprocess.TimeoutExpired:
            _kill(process)
        while self._more_tail():
            pass
        for file in self.files[1:]:
            file.close()
        tail = self.tail.decode(errors="replace").strip()
        return status + (f"; it wrote:\n{tail}" if tail else "")

    def _more_tail(self) -> bool:
        try:
            got = os.read(self.err, 1 << 16)
        except (BlockingIOError, OSError):
            return False
        self.tail = (self.tail + got)[-TAIL_BYTES:]
        return bool(got)

    def close(self) -> None:
        """End the process: its standard input ends first, so that it may do so itself."""
        if self.process is None:
            return
        process, self.process = self.process, None
        self.files[0].close()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            _kill(process)
        for file in self.files[1:]:
            file.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """It, and what it has started."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
