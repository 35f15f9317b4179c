"""The values of the language: immutable, hashable, with one canonical order.

Rules of this file:

* A value never changes.  `self.sent.add(m)` in a spec replaces the set held by `sent`
  (see `rewrite.py`), so no two names ever share something that changes.
* Equal values are interchangeable.  Records and members of Sorts are interned, so that
  equality is identity and hashing costs nothing.
* Nothing that a user sees depends on hashing: whoever walks a `Set` or a `Bag` walks it in
  the canonical order given by `order_key`.

Python's own immutable values serve where they can: `bool`, `int`, `None`, members of an
`enum.Enum`, and `tuple` (both for a pair and for a `Seq`).
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from operator import attrgetter
from typing import Any, ClassVar, NoReturn, Self, dataclass_transform

from checker.lang.errors import ModelError

# --------------------------------------------------------------------------- canonical order


def order_key(value: Any) -> Any:
    """A key that sorts the values of any one type; `None` sorts before everything.

    Members of a Sort come by index, of an Enum as defined, records by kind and then field by
    field, sets and sequences by length and then content.
    """
    if value is None:
        return (0,)
    if isinstance(value, Record):
        return value._key
    if isinstance(value, Sort):
        return (1, value.index)
    if isinstance(value, int):
        return (1, int(value))
    if isinstance(value, str):
        return (1, value)
    if isinstance(value, enum.Enum):
        return (1, list(type(value)).index(value))
    if isinstance(value, tuple):
        return (1, len(value), tuple(order_key(item) for item in value))
    if isinstance(value, Set):
        return (1, len(value), tuple(order_key(item) for item in value))
    if isinstance(value, Bag):
        return (1, value.total, tuple((order_key(k), n) for k, n in value.counts()))
    if isinstance(value, Map):
        return (1, tuple((order_key(k), order_key(v)) for k, v in value.items()))
    raise TypeError(f"{value!r} is not a value of the language")


_record_key = attrgetter("_key")


def in_order(items: Iterable[Any]) -> tuple[Any, ...]:
    """`items` as a tuple in canonical order."""
    held = tuple(items)
    if len(held) < 2:
        return held
    if isinstance(held[0], Record) and None not in held:
        return tuple(sorted(held, key=_record_key))
    return tuple(sorted(held, key=order_key))


# --------------------------------------------------------------------------- identities


class Sort:
    """Identities: compared for equality and nothing else.  Subclass it, never instantiate it.

    `class Acceptor(Sort): ...` names the Sort; the field `acceptors: Set[Acceptor] =
    members(3)` of a spec says how many there are.  Members print as `a1`, `a2`, ...
    """

    index: int
    name: str
    _interned: ClassVar[dict[tuple[int, str], Any]]

    def __init_subclass__(cls) -> None:
        cls._interned = {}

    def __new__(cls, *_args: Any) -> Self:
        raise TypeError(
            f"{cls.__name__} is a Sort: its members come from a spec's constant "
            f"(a field such as `nodes: Set[{cls.__name__}] = members(3)`)"
        )

    @classmethod
    def member(cls, index: int, name: str) -> Self:
        """The member with this index (from 0) and name; always the same object."""
        found = cls._interned.get((index, name))
        if found is None:
            found = object.__new__(cls)
            object.__setattr__(found, "index", index)
            object.__setattr__(found, "name", name)
            cls._interned[index, name] = found
        return found

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise TypeError(f"{self!r} is an identity: it has nothing that can be set")

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self).member, (self.index, self.name))


# --------------------------------------------------------------------------- records


@dataclass_transform(frozen_default=True)
class Record:
    """A named tuple of fields that is equal only to records of the same kind.

    Subclass it with annotated fields: `class Promise(Record): ballot: Ballot`.  A method
    marked `@invariant` constrains the fields: it is checked whenever such a record is made,
    and values that break it are not part of the domain.
    """

    __match_args__: ClassVar[tuple[str, ...]] = ()
    _fields: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}
    _interned: ClassVar[dict[tuple[Any, ...], Any]]
    _checks: ClassVar[tuple[Callable[[Any], bool], ...] | None] = None
    _key: tuple[Any, ...]

    def __init_subclass__(cls) -> None:
        own = [n for n, a in inspect.get_annotations(cls).items() if "ClassVar" not in str(a)]
        cls._fields = (*(f for f in cls._fields if f not in own), *own)
        cls._defaults = {
            **cls._defaults,
            **{name: cls.__dict__[name] for name in own if name in cls.__dict__},
        }
        cls.__match_args__ = cls._fields  # type: ignore[misc]
        cls._interned = {}
        cls._checks = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if kwargs or len(args) != len(cls._fields):
            args = cls._bind(args, kwargs)
        found = cls._interned.get(args)
        if found is None:
            found = cls._make(args)
        return found  # type: ignore[no-any-return]

    @classmethod
    def _bind(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        given = dict(zip(cls._fields, args, strict=False)) | kwargs
        if len(args) > len(cls._fields) or set(given) - set(cls._fields):
            raise TypeError(f"{cls.__name__} has the fields {', '.join(cls._fields) or '(none)'}")
        values = cls._defaults | given
        missing = [name for name in cls._fields if name not in values]
        if missing:
            raise TypeError(f"{cls.__name__} needs {', '.join(missing)}")
        return tuple(values[name] for name in cls._fields)

    @classmethod
    def _make(cls, args: tuple[Any, ...]) -> Any:
        made = object.__new__(cls)
        made.__dict__.update(zip(cls._fields, args, strict=True))
        made.__dict__["_key"] = (1, cls.__name__, *(order_key(arg) for arg in args))
        for check in cls._checks or ():
            if not check(made):
                raise ModelError(
                    f"{made!r} breaks the invariant `{check.__name__}` of its record",
                    f"make only records for which `{check.__name__}` holds",
                )
        cls._interned[args] = made
        return made

    @classmethod
    def allows(cls, args: tuple[Any, ...]) -> bool:
        """Whether a record of this kind with these fields keeps the record's invariants."""
        try:
            cls(*args)
        except ModelError:
            return False
        return True

    def replace(self, **changes: Any) -> Self:
        """The same record with some fields changed."""
        held = self.__dict__
        return type(self)(**{name: held[name] for name in self._fields} | changes)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise TypeError(f"a record does not change: write .replace({name}=...)")

    def __repr__(self) -> str:
        held = self.__dict__
        inside = ", ".join(f"{name}={held[name]!r}" for name in self._fields)
        return f"{type(self).__name__}({inside})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), tuple(self.__dict__[name] for name in self._fields))


# --------------------------------------------------------------------------- containers


class Set(frozenset[Any]):
    """A finite set.  Iteration follows the canonical order."""

    __slots__ = ("_order", "_parts")
    _order: tuple[Any, ...]
    _parts: dict[Any, tuple[Any, ...]]

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(self._order)
        except AttributeError:
            self._order = in_order(frozenset.__iter__(self))
            return iter(self._order)

    def of_kinds(self, kinds: tuple[type, ...]) -> tuple[Any, ...]:
        """The records of these kinds, in canonical order."""
        try:
            parts = self._parts
        except AttributeError:
            parts = self._parts = {}
        if kinds not in parts:
            parts[kinds] = tuple(item for item in self if type(item) in kinds)
        return parts[kinds]

    def subsets(self) -> Iterator[Set]:
        """Every subset, smaller ones first, in canonical order."""
        items = tuple(self)
        for size in range(len(items) + 1):
            for chosen in combinations(items, size):
                yield Set(chosen)

    def __or__(self, other: Any) -> Set:
        return Set(frozenset.__or__(self, other))

    def __and__(self, other: Any) -> Set:
        return Set(frozenset.__and__(self, other))

    def __sub__(self, other: Any) -> Set:
        return Set(frozenset.__sub__(self, other))

    def __xor__(self, other: Any) -> Set:
        return Set(frozenset.__xor__(self, other))

    __ror__, __rand__, __rxor__ = __or__, __and__, __xor__

    def union(self, *others: Iterable[Any]) -> Set:
        return Set(frozenset.union(self, *others))

    def intersection(self, *others: Iterable[Any]) -> Set:
        return Set(frozenset.intersection(self, *others))

    def difference(self, *others: Iterable[Any]) -> Set:
        return Set(frozenset.difference(self, *others))

    def __repr__(self) -> str:
        return "{" + ", ".join(repr(item) for item in self) + "}" if self else "set()"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Set, (tuple(self),))


class Frozen:
    """What every immutable container refuses, with the mend."""

    def _refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} does not change outside a step: "
            "change it inside a method of the spec, as in `self.field[key] = value`"
        )


_key_orders: dict[tuple[Any, ...], tuple[Any, ...]] = {}
"""The canonical order of the keys of maps seen so far: few, for each Map has all its keys."""


class Map(Frozen, dict[Any, Any]):
    """A total map: every key of its domain has a value.  Keys stand in canonical order."""

    __slots__ = ("_hashed",)
    _hashed: int

    def __init__(self, items: Any = ()) -> None:
        held = dict(items)
        keys = tuple(held)
        ordered = _key_orders.get(keys)
        if ordered is None:
            if len(_key_orders) > 10_000:
                _key_orders.clear()
            ordered = _key_orders[keys] = in_order(keys)
        if keys != ordered:
            held = {key: held[key] for key in ordered}
        dict.__init__(self, held)

    def set(self, key: Any, value: Any) -> Map:
        """This map with another value at a key that it has; `KeyError` if it has not."""
        if key not in self:
            raise KeyError(key)
        changed: Map = Map.__new__(Map)
        dict.update(changed, self)
        dict.__setitem__(changed, key, value)
        return changed

    def __hash__(self) -> int:  # type: ignore[override]
        try:
            return self._hashed
        except AttributeError:
            self._hashed = hash(tuple(self.values()))
            return self._hashed

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{k!r}: {v!r}" for k, v in self.items()) + "}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Map, (tuple(self.items()),))

    __setitem__ = __delitem__ = update = pop = popitem = clear = setdefault = Frozen._refuse
    __ior__ = Frozen._refuse


class Bag(Frozen, dict[Any, int]):
    """A finite bag: how many there are of each item.  Iteration repeats and is canonical."""

    __slots__ = ("_hashed", "_order")
    _hashed: int
    _order: tuple[Any, ...]

    def __init__(self, items: Iterable[Any] = ()) -> None:
        held: dict[Any, int] = {}
        for item in items:
            held[item] = held.get(item, 0) + 1
        dict.__init__(self, held)

    @classmethod
    def _of(cls, held: dict[Any, int]) -> Bag:
        made = cls()
        dict.update(made, held)
        return made

    @property
    def total(self) -> int:
        return sum(dict.values(self))

    def counts(self) -> tuple[tuple[Any, int], ...]:
        """Each distinct item with its count, in canonical order."""
        return tuple((item, dict.__getitem__(self, item)) for item in self.distinct())

    def distinct(self) -> tuple[Any, ...]:
        """The distinct items in canonical order."""
        try:
            return self._order
        except AttributeError:
            self._order = in_order(dict.__iter__(self))
            return self._order

    def count(self, item: Any) -> int:
        """How many of `item` there are: 0 if none."""
        return self.get(item, 0)

    def support(self) -> Set:
        """The set of distinct items."""
        return Set(dict.__iter__(self))

    def __iter__(self) -> Iterator[Any]:
        for item, number in self.counts():
            for _ in range(number):
                yield item

    def __len__(self) -> int:
        return self.total

    def __bool__(self) -> bool:
        return bool(dict.__len__(self))

    def adding(self, item: Any) -> Bag:
        """This bag with one more of `item`."""
        return Bag._of({**dict(dict.items(self)), item: self.count(item) + 1})

    def removing(self, item: Any) -> Bag:
        """This bag with one less of `item`; `KeyError` if there is none."""
        held = dict(dict.items(self))
        left = held.pop(item) - 1
        if left:
            held[item] = left
        return Bag._of(held)

    def __hash__(self) -> int:  # type: ignore[override]
        try:
            return self._hashed
        except AttributeError:
            self._hashed = hash(frozenset(dict.items(self)))
            return self._hashed

    def __repr__(self) -> str:
        return "Bag([" + ", ".join(repr(item) for item in self) + "])"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Bag, (tuple(self),))

    __setitem__ = __delitem__ = update = pop = popitem = clear = setdefault = Frozen._refuse
    __ior__ = Frozen._refuse


class Seq(tuple[Any, ...]):
    """A finite sequence: names the type.  Its values are plain tuples."""

    __slots__ = ()

    def __new__(cls, items: Iterable[Any] = ()) -> Any:
        return tuple(items)


# --------------------------------------------------------------------------- changes


def change(held: Any, method: str, *args: Any) -> Any:
    """The value that `held.method(*args)` would turn `held` into.

    `rewrite.py` turns every change in place into an assignment of what this returns.
    Errors are Python's own for the same method: `KeyError`, `IndexError`, `ValueError`.
    """
    try:
        rule = _CHANGES[type(held), method]
    except KeyError:
        kind = {tuple: "Seq"}.get(type(held), type(held).__name__)
        raise TypeError(f"a {kind} has no change named `{method}`") from None
    return rule(held, *args)


def _removed(held: Set, item: Any) -> Set:
    if item not in held:
        raise KeyError(item)
    return held - {item}


def _seq_set(held: tuple[Any, ...], index: int, item: Any) -> tuple[Any, ...]:
    items = list(held)
    items[index] = item
    return tuple(items)


def _seq_delete(held: tuple[Any, ...], index: Any = -1) -> tuple[Any, ...]:
    items = list(held)
    del items[index]
    return tuple(items)


def _seq_insert(held: tuple[Any, ...], index: int, item: Any) -> tuple[Any, ...]:
    items = list(held)
    items.insert(index, item)
    return tuple(items)


def _seq_remove(held: tuple[Any, ...], item: Any) -> tuple[Any, ...]:
    items = list(held)
    items.remove(item)
    return tuple(items)


_CHANGES: dict[tuple[type, str], Callable[..., Any]] = {
    (Set, "add"): lambda held, item: held | {item},
    (Set, "discard"): lambda held, item: held - {item},
    (Set, "remove"): _removed,
    (Set, "update"): lambda held, items: held | Set(items),
    (Set, "clear"): lambda _held: Set(),
    (Map, "__setitem__"): Map.set,
    (Bag, "add"): Bag.adding,
    (Bag, "remove"): Bag.removing,
    (Bag, "clear"): lambda _held: Bag(),
    (tuple, "append"): lambda held, item: (*held, item),
    (tuple, "extend"): lambda held, items: (*held, *items),
    (tuple, "insert"): _seq_insert,
    (tuple, "remove"): _seq_remove,
    (tuple, "pop"): _seq_delete,
    (tuple, "clear"): lambda _held: (),
    (tuple, "__setitem__"): _seq_set,
    (tuple, "__delitem__"): _seq_delete,
}

CHANGING_METHODS = frozenset(name for _, name in _CHANGES if not name.startswith("__"))
