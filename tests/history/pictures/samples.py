"""Histories to draw: of clients of a store that works, or that answers one read from the past."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from checker.history.building import Builder
from checker.history.check import linearize
from checker.history.history import History
from checker.history.models import MODELS, Model
from checker.history.pictures import Scene, page, scene
from checker.history.result import Result

HOSTILE = (
    "</script><script>window.ran = 1</script>",
    "<!--<script>",
    '"><img src=x onerror="window.ran = 1">',
    "'; window.ran = 1; //",
    "\u2028window.ran = 1\u2029",
    "\ud800 half",
    "]]>&lt;&#0;\x00\x1b[31m",
    "\u202egnp.exe",
    "{{data}} {{script}}",
    "__proto__",
)


def stored(
    clients: int,
    count: int,
    *,
    keys: int = 1,
    stale: int | None = None,
    crash: float = 0.0,
    seed: int = 1,
    names: tuple[str, str] = ("read", "write"),
) -> History:
    """Reads and writes of unique values; operation `stale` and those after it may answer from the
    past once."""
    random, builder = Random(seed), Builder("store.jsonl")
    held: dict[Any, list[Any]] = {}
    pending: dict[int, list[Any]] = {}
    processes, begun, done = list(range(clients)), 0, 0
    while done < count:
        at = random.randrange(clients)
        process = processes[at]
        if process not in pending:
            if begun == count:
                continue
            key = None if keys == 1 else f"k{random.randrange(keys)}"
            f = names[random.random() < 0.5]
            value = None if f == names[0] else begun
            builder.event(process, "invoke", f, value, key=key)
            pending[process] = [f, key, value, False, begun]
            begun += 1
            continue
        f, key, value, happened, number = pending[process]
        past = held.setdefault(key, [None])
        if not happened:
            if f == names[1]:
                past.append(value)
            elif stale is not None and number >= stale and len(past) > 4:
                pending[process][2], stale = past[len(past) // 2], None
            else:
                pending[process][2] = past[-1]
            pending[process][3] = True
        elif random.random() < 0.6:
            kind = "ok"
            if random.random() < crash:
                kind, processes[at] = "info", max(processes) + 1
            told = value if f == names[0] and kind == "ok" else None
            builder.event(process, kind, f, told, key=key)
            del pending[process]
            done += 1
    return builder.finish()


def hostile() -> History:
    """Values, keys and processes that want to be run; the last read is stale."""
    builder = Builder("</title><script>window.ran = 1</script>.jsonl")
    values = (*HOSTILE, [*HOSTILE], {"<b>": "&"})
    for process, value in zip((*HOSTILE, "p", "q"), values, strict=True):
        builder.event(process, "invoke", "write", value, key=HOSTILE[0])
        builder.event(process, "ok", "write", None, key=HOSTILE[0])
    builder.event("r", "invoke", "read", None, key=HOSTILE[0])
    builder.event("r", "ok", "read", HOSTILE[0], key=HOSTILE[0])
    return builder.finish()


def decided(history: History, model: Model | str, **options: Any) -> tuple[Result, Model]:
    kind = MODELS[model]() if isinstance(model, str) else model
    return linearize(history, kind, **options), kind


def drawn(history: History, model: Model | str, **options: Any) -> Scene:
    result, kind = decided(history, model)
    return scene(history, result, kind, **options)


def paged(history: History, model: Model | str, **options: Any) -> bytes:
    result, kind = decided(history, model)
    return page(history, result, kind, **options)


def events(*rows: Sequence[Any]) -> History:
    """(process, type, function, value) each."""
    builder = Builder("events.jsonl")
    for process, kind, f, *value in rows:
        builder.event(process, kind, f, value[0] if value else None)
    return builder.finish()
