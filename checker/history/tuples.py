"""Keys inside of values: `[key value]`, as `jepsen.independent` has them.

Nothing in a history says that its values are such pairs; `[0 1]` is also what a compare-and-set
is invoked with.  So the rule, unless the user says: they are, if every value that was invoked is
a pair, and one at least is a pair with nil, as a read of one key is.  No other operation looks
like that.
"""

from __future__ import annotations

import numpy as np

from checker.history.building import Interned
from checker.history.errors import HistoryError
from checker.history.history import NO_RESULT, History
from checker.history.values import Value


def are_keyed(history: History) -> bool:
    """Whether the values look like [key, value]."""
    if any(key is not None for key in history.keys):
        return False
    arguments = [history.values[i] for i in np.unique(history.argument).tolist()]
    return all(map(_is_pair, arguments)) and any(value[1] is None for value in arguments)


def keyed(history: History) -> History:
    """The same history with the keys out of the values.  HistoryError if a value is no pair."""
    told = np.flatnonzero(history.result != NO_RESULT)
    for column, which in ((history.argument, slice(None)), (history.result, told)):
        codes, first = np.unique(column[which], return_index=True)
        for code, at in zip(codes.tolist(), first.tolist(), strict=True):
            if not _is_pair(history.values[code]):
                i = at if isinstance(which, slice) else int(told[at])
                raise HistoryError(
                    "the value is no pair [key, value]",
                    line=int(history.invoked_line[i]),
                    source=history.source,
                    mend="read the history without keys in its values",
                )
    keys, values = Interned(), Interned()
    pairs = [value if _is_pair(value) else (None, value) for value in history.values]
    key_codes = keys.dense(keys.add([key for key, _ in pairs]))
    value_codes = values.dense(values.add([value for _, value in pairs]))
    return history.with_columns(
        key=key_codes[history.argument],
        argument=value_codes[history.argument],
        result=np.where(history.result == NO_RESULT, NO_RESULT, value_codes[history.result]),
        keys=keys.values(),
        values=values.values(),
    )


def _is_pair(value: Value) -> bool:
    return type(value) is tuple and len(value) == 2


__all__ = ["are_keyed", "keyed"]
