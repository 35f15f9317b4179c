"""What is checked against a spec: an implementation that can be driven one step at a time.

A `System` speaks the spec's vocabulary.  Its author says

    reset      how the implementation begins
    enabled    which steps it could take now
    step       how it takes one
    state      what its state is, as values of the spec's variables

and the checker does the rest.  Rules for it:

* **Honest.**  `state` and `enabled` are read off the implementation (its memory, its disk, the
  bytes on the wire), never off a second copy of the spec that the adapter keeps beside it.
* **Deterministic.**  The same steps from the start give the same answers; what is random or
  takes time in the implementation is decided by a step.
* **Whole.**  A snapshot (`save`, `restore`) holds everything that a later step may depend on.
  Replays without snapshots look for what it misses.

What makes it fast, where that matters: `observe`, an object that is cheap to get and to compare
and that stands for `state`; and snapshots, without which every edge is a replay from the start.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from checker.lang.errors import QuorateError
from checker.lang.spec import Spec


class Step(NamedTuple):
    """A step of the spec: an action's name, and its arguments as spec values, in order."""

    action: str
    args: tuple[Any, ...] = ()


class NotPossible(Exception):
    """Raised by `System.step`: the implementation cannot take this step now, and says why."""


class Failed(Exception):
    """Raised by `System.step`: the implementation failed, and the message says all of it.

    Any other exception is shown with the place where it was raised.
    """


class AdapterError(QuorateError):
    """The adapter, not the implementation, is wrong: no verdict.  The message says the mend."""


class System(ABC):
    """An implementation under test.  One object is driven by one thread.

    It is made with the spec, an instance with its constants (`spec.acceptors` is the set of its
    acceptors), in the process where it is used, and closed there.

    What its methods raise: `AdapterError` ends the check without a verdict.  Any other exception
    of `step` is the implementation's and a divergence, "failed step" (`NotPossible`: "missing
    step"); any other exception of the other methods is the adapter's.
    """

    messages: Collection[str] = ()
    """The spec's variables that hold the messages in flight (or ever sent)."""
    unobserved: Mapping[str, str] = MappingProxyType({})
    """The spec's variables that `state` leaves out, and for each why.  They are not compared."""
    snapshots: bool = False
    """Whether there are `save` and `restore`.  Without them states are reached by replay."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    @abstractmethod
    def reset(self) -> None:
        """Begin again, in the spec's initial state, whatever happened before."""

    def reset_to(self, start: Mapping[str, Any]) -> None:
        """Begin again in this one of several initial states.  Only for specs that have several."""
        raise AdapterError(
            f"{type(self).__name__} cannot choose among several initial states: "
            "write `reset_to(self, start)`, where `start` has the spec's values by variable"
        )

    @abstractmethod
    def enabled(self) -> Collection[Step]:
        """Every step that the implementation could take now, those included that do nothing."""

    @abstractmethod
    def step(self, step: Step) -> None:
        """Take a step.  `NotPossible` if the implementation does not offer it."""

    @abstractmethod
    def state(self) -> Mapping[str, Any]:
        """The value of each observed variable of the spec."""

    def observe(self) -> Any:
        """Something that stands for `state`, to be compared by `==`, that does not change later.

        Whenever two of them are equal, `state` would have given the same both times.  (Not the
        other way round: there may be more in it.)  Where it equals one that was found right
        before, `state` is not called.
        """
        return self.state()

    def save(self) -> Any:
        """A snapshot: everything that later steps may depend on.  It does not change later."""
        raise NotImplementedError

    def restore(self, saved: Any) -> None:
        """Be as when `saved` was saved.  Called before each edge, many times with one snapshot."""
        raise NotImplementedError

    def close(self) -> None:  # noqa: B027 (many have nothing to release)
        """Release everything: processes, sockets, files.  Called once, also after an error."""


SystemFactory = Callable[[Spec], System]
"""Makes a system for a spec: a class, or a function."""
