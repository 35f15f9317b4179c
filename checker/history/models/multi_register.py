"""Several registers, read and written together in transactions.

    txn    a list of [op, register, value] -> the same list, with what was read

`op` is "r" or "read" (invoked with null), "w" or "write".  The whole list happens at once, in its
order: a read sees the writes before it in its own list.  A register that was never written reads
as null.
As in Jepsen, `read` and `write` are names for transactions that only do that.
"""

from __future__ import annotations

from typing import ClassVar

from checker.history.models.model import UNKNOWN, Model, State, stored
from checker.history.models.shapes import Kind, Shape
from checker.history.values import Value, typed

READS, WRITES = ("r", "read"), ("w", "write")


def _is_transaction(value: Value) -> bool:
    return type(value) is tuple and all(
        type(op) is tuple and len(op) == 3 and op[0] in READS + WRITES for op in value
    )


TRANSACTION = Kind('a list of [op, register, value], where op is "r" or "w"', _is_transaction)


class MultiRegister(Model):
    """Registers by name.  A state is the set of (name, value) that were written."""

    name = "multi-register"
    functions: ClassVar = dict.fromkeys(("txn", "read", "write"), Shape(TRANSACTION, TRANSACTION))
    values_read = frozenset()

    def initial(self) -> State:
        return frozenset()

    def step(self, state: State, f: str, argument: Value, result: Value) -> State | None:
        registers = dict(state)
        for i, (op, name, value) in enumerate(argument):
            if op in WRITES:
                registers[stored(name)] = stored(value)
            elif result is not UNKNOWN:
                held = registers.get(stored(name), stored(None))
                if stored(result[i][2]) != held:
                    return None
        return frozenset(item for item in registers.items() if item[1] != stored(None))

    def check_operation(self, f: str, argument: Value, result: Value) -> str | None:
        reason = super().check_operation(f, argument, result)
        if reason is not None or result is UNKNOWN:
            return reason
        if [_asked(op) for op in argument] != [_asked(op) for op in result]:
            return f"the ok of {f} is not the list that was invoked, with what was read filled in"
        return None


def _asked(op: Value) -> tuple[Value, ...]:
    kind, name, value = op
    return ("r", typed(name)) if kind in READS else ("w", typed(name), typed(value))


__all__ = ["MultiRegister"]
