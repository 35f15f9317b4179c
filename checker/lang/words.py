"""The functions of the language, as CPython runs them.

Each is deterministic and independent of the order in which a set is walked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import combinations
from typing import Any, TypeVar

from checker.lang.errors import ModelError, NotEnabled
from checker.lang.values import Set, in_order

T = TypeVar("T")

_NOT_ENABLED = NotEnabled("a guard does not hold")


def require(condition: bool | Collection[Any]) -> None:
    """A guard: if it does not hold, the step cannot be taken, and nothing of it happens."""
    if not condition:
        raise _NOT_ENABLED.with_traceback(None)  # else it would keep every frame it was raised in


def the(items: Collection[T]) -> T:
    """The only member of a set.  A model error unless there is exactly one."""
    if len(items) != 1:
        raise ModelError(
            f"`the` needs exactly one member, here are {len(items)}",
            "guard it with require(len(...) == 1)",
        )
    return next(iter(items))


def _extreme(items: Iterable[T], key: Callable[[T], Any], word: str, best: Any) -> T:
    held = list(items)
    if not held:
        raise ModelError(
            f"`{word}` of nothing",
            "guard it, for instance with `if`, or require it not to be empty",
        )
    keys = [key(item) for item in held]
    wanted = best(keys)
    found = [item for item, k in zip(held, keys, strict=True) if k == wanted]
    if any(item != found[0] for item in found):
        tied = ", ".join(repr(item) for item in found)
        raise ModelError(f"`{word}` is not unique: {tied}", "make the key tell them apart")
    return found[0]


def least(items: Iterable[T], key: Callable[[T], Any]) -> T:
    """The member with the least key.  A model error if there is none, or more than one."""
    return _extreme(items, key, "least", min)


def greatest(items: Iterable[T], key: Callable[[T], Any]) -> T:
    """The member with the greatest key.  A model error if there is none, or more than one."""
    return _extreme(items, key, "greatest", max)


def arbitrary(items: Collection[T]) -> T:
    """A member fixed by the set alone (the same set gives the same member).  Not for Sorts."""
    if not items:
        raise ModelError("`arbitrary` of nothing", "guard it, or require the set not to be empty")
    return in_order(items)[0]  # type: ignore[no-any-return]


def subsets(items: Iterable[T]) -> set[set[T]]:
    """All subsets of a set."""
    return Set(Set(items).subsets())  # type: ignore[return-value]


def majorities(items: Iterable[T]) -> set[set[T]]:
    """All smallest majorities of a set: any two of them share a member."""
    held = in_order(items)
    size = len(held) // 2 + 1
    return Set(Set(chosen) for chosen in combinations(held, size))  # type: ignore[return-value]


def enabled(action: Callable[..., Any], *args: Any) -> bool:
    """Whether this action can be taken now with these arguments: `enabled(self.grant, p)`."""
    spec = action.__self__  # type: ignore[attr-defined]
    return bool(spec._trial(action, args))
