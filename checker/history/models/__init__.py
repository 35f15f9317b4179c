"""Models by name: the sequential specifications that histories are checked against.

    model.py     what a model is
    shapes.py    what the values of operations look like
    user.py      a user's own model, from a file; specified.py: a spec in the language

One kind of object each: register.py, kv.py, mutex.py, lock.py, lease.py, queue.py, set.py, log.py,
counter.py, multi_register.py, tree.py, consensus.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Final

from checker.history.models.model import NULL, UNKNOWN, Model, State, stored

CLASSES: Final = {
    "register": "register.Register",
    "cas-register": "register.CasRegister",
    "kv": "kv.KeyValue",
    "mutex": "mutex.Mutex",
    "lock": "lock.Lock",
    "lease": "lease.Lease",
    "queue": "queue.Queue",
    "set": "set.Set",
    "log": "log.Log",
    "counter": "counter.Counter",
    "multi-register": "multi_register.MultiRegister",
    "tree": "tree.Tree",
    "consensus": "consensus.Consensus",
}


class _Models(Mapping[str, type[Model]]):
    """Each is imported when it is used."""

    def __getitem__(self, name: str) -> type[Model]:
        module, _, cls = CLASSES[name].partition(".")
        found: type[Model] = getattr(import_module(f"{__name__}.{module}"), cls)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(CLASSES)

    def __len__(self) -> int:
        return len(CLASSES)


MODELS: Final = _Models()
"""By the name that `--model` takes."""


def load(target: str) -> Model:
    """As user.py says."""
    from checker.history.models.user import load as load_from

    return load_from(target)


def model(name: str) -> Model:
    """A model by its name, or from `FILE.py:Class`.  KeyError if there is none of that name."""
    if name.partition(":")[0].endswith(".py") or "/" in name:
        return load(name)
    return MODELS[name]()


__all__ = ["MODELS", "NULL", "UNKNOWN", "Model", "State", "load", "model", "stored"]
