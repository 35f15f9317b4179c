"""Objects that work, as plain functions, and histories recorded of them.

An operation is `(f, argument, result, invoked, returned)`; an open one returns at None, and its
result is `ANY`.  A step gives the states that an operation may lead to.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from checker.history.search import Problem
from checker.history.search.problem import problem_from

Step = Callable[[Any, Any, Any, Any], Sequence[Any]]
ANY = "any"
"""The result of an open operation."""


def register(state: Any, f: str, argument: Any, result: Any) -> Sequence[Any]:
    match f:
        case "read":
            return (state,) if result in (ANY, state) else ()
        case "write":
            return (argument,)
    fits = state == argument[0]
    if result is False:
        return () if fits else (state,)
    return (argument[1],) if fits else ()


def queue(state: tuple[int, ...], f: str, argument: Any, result: Any) -> Sequence[Any]:
    if f == "enqueue":
        return ((*state, argument),)
    if result == ANY:
        return (state[1:],) if state else (state,)
    if not state:
        return (state,) if result is None else ()
    return (state[1:],) if state[0] == result else ()


def a_set(state: frozenset[int], f: str, argument: Any, result: Any) -> Sequence[Any]:
    match f:
        case "add":
            return (state | {argument},)
        case "remove":
            return (state - {argument},)
    return (state,) if result in (ANY, argument in state) else ()


def counter(state: int, f: str, argument: Any, result: Any) -> Sequence[Any]:
    if f == "add":
        return (state + argument,)
    return (state,) if result in (ANY, state) else ()


def mutex(state: bool, f: str, argument: Any, result: Any) -> Sequence[Any]:
    return (f == "acquire",) if state is (f == "release") else ()


def bag(state: tuple[int, ...], f: str, argument: Any, result: Any) -> Sequence[Any]:
    """`take` takes any: what an open one took is not known."""
    if f == "put":
        return (tuple(sorted((*state, argument))),)
    wanted = sorted(set(state)) if result == ANY else [result]
    without = []
    for one in wanted:
        if one in state:
            rest = list(state)
            rest.remove(one)
            without.append(tuple(rest))
    return tuple(without)


def kv(state: Any, f: str, argument: Any, result: Any) -> Sequence[Any]:
    """Texts; None is "absent"."""
    match f:
        case "get":
            return (state,) if result in (ANY, state) else ()
        case "append":
            return ((state or "") + argument,)
        case "delete":
            fits = result in (ANY, state is not None)
            return (None,) if fits else ()
        case _:
            return register(state, "write" if f == "put" else f, argument, result)


MODELS: dict[str, tuple[Any, Step, dict[str, Callable[[random.Random], Any]], tuple[str, ...]]] = {
    "register": (
        0, register,
        {"read": lambda r: None, "write": lambda r: r.randrange(3)}, ("read",),
    ),
    "cas-register": (
        0, register,
        {
            "read": lambda r: None,
            "write": lambda r: r.randrange(3),
            "cas": lambda r: (r.randrange(3), r.randrange(3)),
        },
        ("read",),
    ),
    "queue": ((), queue, {"enqueue": lambda r: r.randrange(3), "dequeue": lambda r: None}, ()),
    "set": (
        frozenset(), a_set,
        {f: lambda r: r.randrange(3) for f in ("add", "remove", "contains")}, ("contains",),
    ),
    "counter": (
        0, counter, {"add": lambda r: r.choice([1, 1, 2, -1]), "read": lambda r: None}, ("read",),
    ),
    "mutex": (False, mutex, {"acquire": lambda r: None, "release": lambda r: None}, ()),
    "kv": (
        None, kv,
        {
            "get": lambda r: None,
            "put": lambda r: r.choice("ab"),
            "append": lambda r: r.choice("ab"),
            "delete": lambda r: None,
            "cas": lambda r: (r.choice(["a", "b", None]), r.choice("ab")),
        },
        ("get",),
    ),
    "bag": ((), bag, {"put": lambda r: r.randrange(3), "take": lambda r: None}, ()),
}  # fmt: skip


def result_of(f: str, argument: Any, state: Any, r: random.Random) -> Any:
    """What an object in this state may answer; a wrong one at times where nothing fits."""
    match f:
        case "read" | "get":
            return state
        case "delete":
            return state is not None
        case "cas":
            return state == argument[0]
        case "contains":
            return argument in state
        case "dequeue":
            return state[0] if state else None
        case "take":
            return r.choice(state) if state else 0
    return None


def recorded(name: str, operations: int, clients: int, seed: int, crash: float = 0.2) -> Problem:
    """A history of an object that works, but for at most two answers that are changed."""
    r = random.Random(seed)
    state, step, functions, reads = MODELS[name]
    initial, position = state, 0
    rows: list[list[Any]] = []
    running: list[tuple[int, bool]] = []
    while len(rows) < operations or running:
        if len(rows) < operations and len(running) < clients and r.random() < 0.5:
            f = r.choice(list(functions))
            rows.append([f, functions[f](r), ANY, position, None])
            running.append((len(rows) - 1, False))
            position += 1
        elif running:
            i, done = running.pop(r.randrange(len(running)))
            row = rows[i]
            if not done and r.random() < 0.8:
                told = result_of(row[0], row[1], state, r)
                after = step(state, row[0], row[1], told)
                if after:
                    state, row[2], done = after[0], told, True
            if done and r.random() < crash:
                row[2] = ANY
            elif done and r.random() < 0.6:
                row[4] = position
                position += 1
            elif done or r.random() < 0.7:
                running.append((i, done))
            else:
                row[2] = ANY
    for row in rows:
        if row[4] is None:
            row[2] = ANY
    for _ in range(r.choice([0, 0, 1, 2])):
        mutable = [row for row in rows if row[4] is not None]
        if mutable:
            row = r.choice(mutable)
            other = r.choice(rows)
            row[2] = other[2] if other[2] != ANY and other[0] == row[0] else row[2]
            if r.random() < 0.5:
                row[1] = functions[row[0]](r)
            if r.random() < 0.3:
                rows.remove(row)
    operation = [(row[0], row[1], row[2], row[3], row[4]) for row in rows]
    return problem_from(operation, initial, step, lambda f, argument, result: f in reads)
