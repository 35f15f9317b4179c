"""The general search with a model that is compiled (a spec), and with the same in Python.

    .venv/bin/python bench/histories_specs.py [--rounds 5]

Histories of objects with many states, so that there is no table of all transitions: a counter, and
a queue of five values.  Seconds are of the processor, of the frontier alone, in pairs in one run:
the median, and the ratio.  "asked": transitions that the search did not know yet.
"""

from __future__ import annotations

import argparse
import time
from contextlib import closing
from random import Random
from statistics import median
from typing import Any

from checker.history.building import Builder
from checker.history.history import History
from checker.history.models import MODELS, Model
from checker.history.models.specified import SpecModel
from checker.history.search.native import Engine, Prepared, Search, Status
from checker.history.search.problem import problem_of
from tests.history.specified import Counter, Queue


def recorded(model: str, operations: int, clients: int) -> History:
    """What clients of an object that works were told; each operation takes a while."""
    r, builder = Random(1), Builder(model)
    items: list[int] = []
    total, begun = 0, 0
    asked: dict[int, tuple[str, Any]] = {}
    told: dict[int, Any] = {}
    while begun < operations or asked:
        client = r.randrange(clients)
        if client in told:
            builder.event(client, "ok", asked.pop(client)[0], told.pop(client))
        elif client in asked:
            f, value = asked[client]
            told[client] = None
            if f == "enqueue":
                items.append(value)
            elif f == "dequeue":
                told[client] = items.pop(0) if items else None
            elif f == "add":
                total += value
            else:
                told[client] = total
        elif begun < operations:
            first = r.random() < 0.5
            if model == "queue":
                asked[client] = ("enqueue", r.randrange(5)) if first else ("dequeue", None)
            else:
                asked[client] = ("add", r.randint(1, 9)) if first else ("read", None)
            builder.event(client, "invoke", *asked[client])
            begun += 1
    return builder.finish()


def measured(history: History, model: Model) -> tuple[float, int]:
    """Seconds, and transitions asked for."""
    with closing(Prepared(problem_of(history, model))) as prepared:
        search = Search(prepared, Engine.FRONTIER, with_order=False)
        with closing(search):
            begun = time.process_time()
            status = search.run(1 << 62, float("inf"), 0)
            seconds = time.process_time() - begun
        assert status is Status.LINEARIZABLE
        return seconds, prepared.asked


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(f"{'history':34} {'asked':>9} {'python':>9} {'compiled':>9} {'ratio':>6}")
    for name, operations, clients, spec in (
        ("counter", 20_000, 6, SpecModel(Counter, {"most": 200_000})),
        ("queue", 300, 4, SpecModel(Queue, {"room": 60})),
    ):
        history = recorded(name, operations, clients)
        fitted, plain = spec.fitted(history), MODELS[name]()
        measured(history, fitted)
        pairs = [(measured(history, plain), measured(history, fitted)) for _ in range(rounds)]
        python, compiled = (median(pair[i][0] for pair in pairs) for i in (0, 1))
        assert pairs[0][0][1] == pairs[0][1][1]
        row = f"{name}, {operations:,} operations, {clients} clients"
        asked = pairs[0][0][1]
        print(f"{row:34} {asked:9,} {python:8.3f}s {compiled:8.3f}s {python / compiled:6.1f}")


if __name__ == "__main__":
    main()
