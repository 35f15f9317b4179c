"""What of a history is checked: what `fail`, `info` and a read of null mean.

    fail                never happened: left out
    a failed cas        is evidence: it was refused, so the register did not hold `from`; or is
                        left out like any other fail (failed="ignored")
    info                may have happened, at any time after its invocation; if it is only a read
                        it says nothing and is left out
    an ok read of null  read the initial value; or says nothing and is left out (null="unknown")

"Evidence" is the default for what a model calls `conditional`, as in Porcupine's tests of etcd:
etcd answers a cas whose condition is wrong with a definite no.  Where `fail` is also used for
calls that never reached the system, it must be "ignored", as Jepsen's checkers do.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from checker.history.history import FAIL, INFO, OK, History
from checker.history.models.model import Model

Failed = Literal["evidence", "ignored"]
Null = Literal["empty", "unknown"]


def checked(
    history: History, model: Model, *, failed: Failed = "evidence", null: Null = "empty"
) -> History:
    """The operations that count, each OK or INFO.  HistoryError if the model does not know one."""
    model.check(history)
    refused = np.zeros(len(history), dtype=bool)
    if failed == "evidence" and model.conditional:
        refused = (history.status == FAIL) & history.f_is(*model.conditional)
        history = _refused(history, refused)
    keep = (history.status != FAIL) & ~((history.status == INFO) & history.f_is(*model.reads))
    if null == "unknown" and model.values_read and None in history.values:
        nothing = history.result == history.values.index(None)
        keep &= ~(nothing & (history.status == OK) & history.f_is(*model.values_read))
    return history if keep.all() else history.take(keep)


def _refused(history: History, refused: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> History:
    """These operations were answered with false."""
    if not refused.any():
        return history
    values = list(history.values)
    places = [i for i, value in enumerate(values) if value is False]
    if not places:
        places = [len(values)]
        values.append(False)
    return history.with_columns(
        status=np.where(refused, OK, history.status),
        result=np.where(refused, places[0], history.result),
        values=values,
    )


__all__ = ["Failed", "Null", "checked"]
