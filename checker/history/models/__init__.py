"""Models by name: the sequential specifications that histories are checked against.

    model.py     what a model is
    shapes.py    what the values of operations look like
    user.py      a user's own model, from a file

One kind of object each: register.py, kv.py, mutex.py, lock.py, lease.py, queue.py, set.py, log.py,
counter.py, multi_register.py, tree.py, consensus.py.
"""

from __future__ import annotations

from typing import Final

from checker.history.models.consensus import Consensus
from checker.history.models.counter import Counter
from checker.history.models.kv import KeyValue
from checker.history.models.lease import Lease
from checker.history.models.lock import Lock
from checker.history.models.log import Log
from checker.history.models.model import NULL, UNKNOWN, Model, State, stored
from checker.history.models.multi_register import MultiRegister
from checker.history.models.mutex import Mutex
from checker.history.models.queue import Queue
from checker.history.models.register import CasRegister, Register
from checker.history.models.set import Set
from checker.history.models.tree import Tree
from checker.history.models.user import load

MODELS: Final[dict[str, type[Model]]] = {
    cls.name: cls
    for cls in (
        Register,
        CasRegister,
        KeyValue,
        Mutex,
        Lock,
        Lease,
        Queue,
        Set,
        Log,
        Counter,
        MultiRegister,
        Tree,
        Consensus,
    )
}
"""By the name that `--model` takes."""


def model(name: str) -> Model:
    """A model by its name, or from `FILE.py:Class`.  KeyError if there is none of that name."""
    if name.partition(":")[0].endswith(".py") or "/" in name:
        return load(name)
    return MODELS[name]()


__all__ = ["MODELS", "NULL", "UNKNOWN", "Model", "State", "load", "model", "stored"]
