"""Logs of random walks, mutations of them, and validation done naively."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from checker.lang.model import Model, State
from checker.trace.reading import LogFile
from checker.trace.validate import MAX_CANDIDATES, Outcome, validate

Line = dict[str, Any]


def walk(model: Model, chance: random.Random, steps: int) -> list[Line]:
    """A random run, each line with everything; steps that change something are preferred."""
    state = chance.choice(model.initial_states())
    lines: list[Line] = []
    for _ in range(steps):
        found = model.successors(state)
        if not found:
            break
        moving = [step for step in found if step[2] != state]
        action, args, after = chance.choice(moving if moving and chance.random() < 0.9 else found)
        pairs = zip(action.params, args, strict=True)
        said = {param.name: param.type.json(arg) for param, arg in pairs}
        lines.append({"action": action.name, "args": said, "state": model.json(after)})
        state = after
    return lines


def thinned(lines: Iterable[Line], chance: random.Random, keep: float = 0.5) -> list[Line]:
    """The lines with arguments, variables and keys of variables left out at random."""
    return [
        line
        | {
            "args": _some(line["args"], chance, keep),
            "state": {
                name: _some(value, chance, keep)
                if isinstance(value, dict) and "kind" not in value and chance.random() < 0.5
                else value
                for name, value in _some(line["state"], chance, keep).items()
            },
        }
        for line in lines
    ]


def _some(held: dict[str, Any], chance: random.Random, keep: float) -> dict[str, Any]:
    return {name: value for name, value in held.items() if chance.random() < keep}


def mutated(lines: list[Line], chance: random.Random) -> list[Line]:
    """One thing is wrong, perhaps: a line lost, doubled or swapped, a part of another line."""
    out = [dict(line) for line in lines]
    at = chance.randrange(len(out))
    other = chance.randrange(len(out))
    what = chance.randrange(5)
    if what == 0:
        del out[at]
    elif what == 1:
        out.insert(at, dict(out[at]))
    elif what == 2:
        out[at], out[other] = out[other], out[at]
    elif what == 3 and out[other]["state"]:
        name = chance.choice(list(out[other]["state"]))
        out[at]["state"] = out[at]["state"] | {name: out[other]["state"][name]}
    elif out[other]["action"] == out[at]["action"]:
        out[at]["args"] = out[other]["args"]
    return out


def naive(model: Model, lines: list[Line], hidden: tuple[str, ...] = ()) -> int | None:
    """The first line (from 1) that no step explains, by the plainest search."""
    states = list(model.initial_states())
    for number, line in enumerate(lines, start=1):
        states = _closed(model, states, hidden)
        if line.get("action") is not None:
            states = [
                after
                for state in states
                for action, args, after in model.successors(state)
                if action.name == line["action"]
                and _within(
                    line.get("args", {}),
                    {p.name: p.type.json(a) for p, a in zip(action.params, args, strict=True)},
                )
            ]
        states = [one for one in states if _within(line.get("state", {}), model.json(one))]
        states = list(dict.fromkeys(states))
        if not states:
            return number
    return None


def _closed(model: Model, states: list[State], hidden: tuple[str, ...]) -> list[State]:
    found = list(states)
    for state in found:
        for action, _, after in model.successors(state):
            if action.name in hidden and after not in found:
                found.append(after)
    return found


def _within(said: Any, held: Any) -> bool:
    """Whether JSON that leaves out keys of objects agrees with the whole."""
    if isinstance(said, dict) and isinstance(held, dict) and "kind" not in held:
        return all(_within(value, held[name]) for name, value in said.items())
    return bool(said == held)


def written(folder: Path, lines: Iterable[Line], name: str = "run.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def validated(
    model: Model,
    path: Path,
    hidden: tuple[str, ...] = (),
    max_candidates: int = MAX_CANDIDATES,
) -> Outcome:
    return validate(model, [LogFile(str(path))], hidden, max_candidates)


def first_bad(outcome: Outcome) -> int | None:
    """The line that does not match; `None` if all do."""
    assert outcome.verdict != "undecided", outcome.because
    return outcome.failure.where.line if outcome.failure else None
