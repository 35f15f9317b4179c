"""One seeded bug for each verdict, in the implementation of `mutex.py` or in its adapter."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from checker.conform.system import Step
from checker.lang import Bag
from tests.conform.mutex import Grant, Node, Nodes, Phase, Server


class LastFirst(Server):
    """Grants the lock to who came last."""

    def on_release(self, client: str) -> list[tuple[str, str]]:
        self.waiting.reverse()
        answer = super().on_release(client)
        self.waiting.reverse()
        return answer


class GrantsTwice(Server):
    """Grants the lock at once to whoever asks, too, but keeps its books right."""

    def on_request(self, client: str) -> list[tuple[str, str]]:
        held = self.holder is not None
        return super().on_request(client) + [("grant", client)] * held


class Silent(Server):
    """Passes the lock on, and does not say so."""

    def on_release(self, client: str) -> list[tuple[str, str]]:
        super().on_release(client)
        return []


class Dies(Server):
    def on_release(self, client: str) -> list[tuple[str, str]]:
        if self.waiting:
            raise RuntimeError("the queue is broken")
        return super().on_release(client)


class Stays(Node):
    """Does not leave when it has asked twice."""

    def release(self) -> list[tuple[str, str]]:
        if self.asked < 2:
            return super().release()
        return [("release", self.name)]


class WrongState(Nodes):
    node_class = Stays


class WrongOrder(Nodes):
    server_class = LastFirst


class UnexpectedMessage(Nodes):
    server_class = GrantsTwice


class MissingMessage(Nodes):
    server_class = Silent


class FailedStep(Nodes):
    server_class = Dies


class UnexpectedStep(Nodes):
    """A client may release what it only waits for."""

    def enabled(self) -> Collection[Step]:
        waiting = [name for name, node in self.nodes.items() if node.phase == "waiting"]
        more = [Step("release", (self.members[name],)) for name in waiting]
        return [*super().enabled(), *more]


class MissingStep(Nodes):
    """While the lock is held nobody may ask."""

    def enabled(self) -> Collection[Step]:
        return [s for s in super().enabled() if s.action != "ask" or self.server.holder is None]


class ForgetsInSnapshot(Nodes):
    """After three idle looks it hangs; snapshots do not hold how many there were."""

    looks = 0

    def reset(self) -> None:
        super().reset()
        self.looks = 0

    def step(self, step: Step) -> None:
        super().step(step)
        self.looks += step.action == "look"

    def enabled(self) -> Collection[Step]:
        return super().enabled() if self.looks < 2 else []

    def restore(self, saved: Any) -> None:
        super().restore(saved)
        self.looks = 0


class Restless(Nodes):
    """What a snapshot brings back is not what was saved."""

    def restore(self, saved: Any) -> None:
        super().restore(saved)
        if len(self.server.waiting) == 1:
            self.server.waiting = []


class Unobserving(WrongOrder):
    """Does not show what its bug changes."""

    unobserved = {"holder": "the server keeps it to itself", "queue": "likewise"}

    def state(self) -> Mapping[str, Any]:
        wire = [one for one in super().state()["wire"] if not isinstance(one, Grant)]
        shown = {**super().state(), "wire": Bag(wire)}
        return {name: value for name, value in shown.items() if name not in self.unobserved}


class WrongValue(Nodes):
    """A state that no spec state can be."""

    def state(self) -> Mapping[str, Any]:
        found = dict(super().state())
        if Phase.INSIDE in found["phase"].values():
            found["asked"] = dict.fromkeys(found["asked"], 7)
        return found
