"""The answer does not depend on hashing: two seeds, byte for byte the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SPEC = """
from typing import Annotated
from checker.lang import *

class Node(Sort):
    pass

class Ping(Record):
    to: Node
    n: Annotated[int, Range(3)]

class Pong(Record):
    by: Node
    to: Node | None

class Chatter(Spec):
    nodes: Set[Node] = members(["zoe", "ann", "max"])
    sent: Set[Ping | Pong]
    last: Map[Node, Node | None]

    @action(fairness=weak(for_each="a"))
    def ping(self, a: Node, n: Annotated[int, Range(3)]) -> None:
        require(len(self.sent) < 3)
        self.sent.add(Ping(a, n))

    @action
    def pong(self, m: Ping, others: Set[Node]) -> None:
        require(m in self.sent)
        require(others <= self.nodes)
        require(len(others) == 2)
        self.sent.discard(m)
        for o in others:
            self.sent.add(Pong(m.to, o))
        self.last[m.to] = m.to

    @invariant
    def few(self) -> bool:
        return len(self.sent) < 4

    @eventually_always
    def quiet(self, a: Node) -> bool:
        return self.last[a] is None

    @final
    def may_stop(self) -> bool:
        return True
"""

RUN = """
import json, sys
sys.path.insert(0, sys.argv[1])
from chatter import Chatter
from checker import check, simulate

def plain(result):
    return {
        "counts": [result.distinct_states, result.transitions, result.depth],
        "verdicts": result.properties, "actions": result.actions,
        "warnings": result.warnings, "fairness": result.fairness,
        "found": [[c.property, c.explanation, c.loop,
                   [[s.action, repr(s.args), repr(s.state)] for s in c.steps]]
                  for c in result.counterexamples],
    }

print(json.dumps([
    plain(check(Chatter, properties=["few"])),
    plain(check(Chatter, properties=["quiet"])),
    plain(check(Chatter, stop_at_first=False)),
    plain(simulate(Chatter, walks=20, properties=["few"], seed=1)),
], indent=1))
"""


def test_two_hash_seeds_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "chatter.py").write_text(SPEC)
    outputs = []
    for seed in ("1", "2"):
        ran = subprocess.run(
            [sys.executable, "-c", RUN, str(tmp_path)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.append(ran.stdout)
    assert outputs[0] == outputs[1]
    assert '"few": "violated"' in outputs[0]
    assert '"quiet": "violated"' in outputs[0]
