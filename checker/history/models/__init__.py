"""Models by name: the sequential specifications that histories are checked against.

model.py     what a model is
shapes.py    what the values of operations look like
register.py, kv.py, mutex.py, queue.py, set.py    one kind of object each
"""

from __future__ import annotations

from typing import Final

from checker.history.models.kv import KeyValue
from checker.history.models.model import Model
from checker.history.models.mutex import Mutex
from checker.history.models.queue import Queue
from checker.history.models.register import CasRegister, Register
from checker.history.models.set import Set

MODELS: Final[dict[str, type[Model]]] = {
    cls.name: cls for cls in (Register, CasRegister, KeyValue, Mutex, Queue, Set)
}
"""By the name that `--model` takes."""

__all__ = ["MODELS", "Model"]
