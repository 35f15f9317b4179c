"""Histories of every model, and what they are: linearizable by construction, then damaged.

Rules of this file:

* `EVERY` names each model, and more of those whose algorithm depends on the values: what stands
  before a "-" is the model.
* A history has up to nine operations on two keys, by up to four clients, of which some crash.
* An event at a position has TICK times that as its time.
* `brute` is the oracle: it tries every order, and knows the model's `step` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from checker.history.building import Builder
from checker.history.history import UNKNOWN, History
from checker.history.jsonl import Event
from checker.history.models import MODELS, Model
from checker.history.needs import Needs, needs_of
from checker.history.result import Result
from checker.history.values import Frozen, to_json
from tests.history.brute import Op, linearizable, recorded
from tests.history.test_algorithms_special import (
    CALLS,
    KEYS,
    Call,
    call_of,
    damaged,
    nothing,
    steps_of,
)

__all__ = ["EVERY", "assert_minimal", "brute", "built", "events_of", "made", "model_of", "steps_of"]

TICK = 10

# --------------------------------------------------------------------------- trees


def path(random: Random, _: Any = None) -> str:
    return random.choice(["/a", "/a", "/b", "/a/c"])


def named(random: Random, _: Any = None) -> tuple[str, int]:
    return path(random), random.randrange(2)


def changed(random: Random, _: Any) -> Any:
    return named(random) + random.choice([(), (-1,), (0,), (1,)])


def removed(random: Random, _: Any) -> Any:
    return random.choice([path(random), (path(random), random.randrange(-1, 2))])


VERSIONS = list(range(9))
ERRORS = [Frozen({"error": e}) for e in ("no-node", "node-exists", "bad-version", "not-empty")]
READ = [(data, version) for data in (None, 0, 1) for version in VERSIONS]
SEQUENTIAL = [f"/a{n:010d}" for n in range(9)]
NAMES = [(), ("a",), ("b",), ("a", "b"), ("c",)]

# --------------------------------------------------------------------------- every model

MORE: dict[str, list[Call]] = {
    "register-few": [
        ("write", lambda r, _: r.randrange(3), lambda _r, _s: [None]),
        ("read", nothing, lambda _r, _s: [None, 0, 1, 2]),
    ],
    "cas-register-few": [
        ("write", lambda r, _: r.randrange(3), lambda _r, _s: [None]),
        ("read", nothing, lambda _r, _s: [None, 0, 1, 2]),
        ("cas", lambda r, _: (r.randrange(3), r.randrange(3)), lambda _r, _s: [None, False]),
    ],
    "kv-append": [
        ("append", lambda r, _: r.choice("abc"), lambda _r, _s: [None]),
        ("put", lambda r, _: r.choice("abc"), lambda _r, _s: [None]),
        ("get", nothing, lambda _r, s: [s if isinstance(s, str) else None]),
        ("delete", nothing, lambda r, _s: r.sample([None, True, False], 3)),
    ],
    "queue-few": [
        ("enqueue", lambda r, _: r.randrange(2), lambda _r, _s: [None]),
        ("dequeue", nothing, lambda _r, s: [s[0] if s else None]),
    ],
    "counter": [
        ("add", lambda r, _: r.randrange(1, 3), lambda _r, _s: [None]),
        ("read", nothing, lambda _r, s: [s]),
        ("increment-and-get", nothing, lambda _r, s: [s + 1]),
    ],
    "consensus": [
        ("propose", lambda r, _: r.randrange(3), lambda _r, _s: [0, 1, 2]),
        ("learn", nothing, lambda _r, _s: [None, 0, 1, 2]),
    ],
    "tree": [
        ("create", named, lambda r, s: r.sample([None, *ERRORS], 5)),
        ("create-sequential", lambda r, _: ("/a", 1), lambda _r, _s: [*ERRORS, *SEQUENTIAL]),
        ("get", path, lambda _r, _s: [*ERRORS, *READ]),
        ("exists", path, lambda _r, _s: [None, *VERSIONS]),
        ("children", lambda r, _: r.choice(["/", "/a"]), lambda _r, _s: [*ERRORS, *NAMES]),
        ("set", changed, lambda r, _s: r.sample([*ERRORS, r.choice([None, -1]), *VERSIONS], 14)),
        ("delete", removed, lambda _r, _s: [None, *ERRORS]),
    ],
    "set-read": [
        ("add", lambda r, _: r.randrange(3), lambda _r, _s: [None]),
        ("read", nothing, lambda _r, s: [tuple(sorted(s))]),
    ],
}
EVERY = CALLS | MORE | {"lease": [], "multi-register": []}


# --------------------------------------------------------------------------- one history

At = Callable[[Random, Any, int], tuple[str, Any, Any, Any]]
"""(random, states of both keys, time) -> f, (key, argument), result, the states after."""


def transacted(random: Random, states: Any, _: int) -> tuple[str, Any, Any, Any]:
    """One to three reads and writes of two registers."""
    k, result, argument = int(random.random() < 0.3), [], []
    held = dict(states[k])
    for name in random.choices("uv", k=random.randint(1, 3)):
        if random.random() < 0.5:
            argument.append(("r", name, None))
            result.append(("r", name, held.get(name)))
        else:
            held[name] = random.randrange(2)
            argument.append(("w", name, held[name]))
            result.append(argument[-1])
    following = [*states[:k], frozenset(held.items()), *states[k + 1 :]]
    return "txn", (KEYS[k], tuple(argument)), tuple(result), tuple(following)


def leased(random: Random, states: Any, now: int) -> tuple[str, Any, Any, Any]:
    """A lease at a known instant.  A state is (owner, until)."""
    k = int(random.random() < 0.3)
    owner, until = states[k]
    holder = owner if now < until else None
    f, who = (
        random.choice(["acquire", "acquire", "renew", "release", "holder"]),
        random.choice("pq"),
    )
    duration = random.choice([3, 15, 40, 100])
    argument: Any = {"holder": None, "release": who}.get(f, (who, duration))
    right = {"acquire": holder in (None, who), "holder": False}.get(f, holder == who)
    if f == "holder":
        result: Any = holder
    else:
        result = random.choice([None, True]) if right else False
    after = states[k] if not right else ("", 0) if f == "release" else (who, now + duration)
    return f, (KEYS[k], argument), result, (after, states[1]) if k == 0 else (states[0], after)


def made(random: Random, name: str) -> list[Op]:
    """Linearizable, and then damaged, or not."""
    model = model_of(name)
    initial: Any = model.initial()
    call: At
    if name == "lease":
        initial, call = ("", 0), leased
    elif name == "multi-register":
        call = transacted
    else:
        untimed = call_of(model, EVERY[name])
        call = lambda random, states, _: untimed(random, states)  # noqa: E731
    operations = recorded(
        random,
        random.randint(1, 9),
        (initial, initial),
        call,
        clients=random.randint(1, 4),
        crash=random.choice([0, 0, 0.2]),
        tick=TICK,
    )
    for _ in range(random.choice([0, 1, 2, 3, 4])):
        other = damaged(random, list(operations))
        if all(model.check_operation(o.f, o.argument[1], told(o)) is None for o in other):
            operations = other
    return operations


def told(o: Op) -> Any:
    return UNKNOWN if o.returned is None else o.result


def model_of(name: str) -> Model:
    return MODELS[next(m for m in (name, name.rpartition("-")[0]) if m in MODELS)]()


def built(operations: Sequence[Op]) -> History:
    """With as many processes as needed; those that crashed do nothing more."""
    builder, free, mine = Builder("test"), list(range(50)), dict[int, int]()
    for event in events_of(operations, free, mine):
        builder.event(
            event.process, event.type, event.f, event.value, key=event.key, time=event.time
        )
    return builder.finish()


def events_of(operations: Sequence[Op], free: list[int], mine: dict[int, int]) -> list[Event]:
    places: list[tuple[int, int, bool]] = []
    for i, o in enumerate(operations):
        places.append((o.invoked, i, False))
        if o.returned is not None:
            places.append((o.returned, i, True))
    found = []
    for at, i, is_end in sorted(places):
        o = operations[i]
        key, argument = o.argument
        if is_end:
            process = mine.pop(i)
            free.insert(0, process)
            found.append(Event(process, "ok", o.f, key, to_json(o.result), TICK * at))
        else:
            mine[i] = free.pop(0)
            found.append(Event(mine[i], "invoke", o.f, key, to_json(argument), TICK * at))
    return found


def brute(history: History, model: Model) -> bool:
    """Of all its keys."""
    operations = [
        Op(o.f, (o.key, o.argument), o.result, o.invoked, None if o.is_open else o.returned)
        for o in history
    ]
    return all(
        linearizable(
            [o for o in operations if o.argument[0] == key], model.initial(), steps_of(model)
        )
        for key in {o.argument[0] for o in operations}
    )


def together(history: History) -> History:
    """The same, all concurrent."""
    count = len(history)
    returned = [int(r) if r > 2**50 else count + i for i, r in enumerate(history.returned)]
    return history.with_columns(invoked=range(count), returned=returned)


def assert_minimal(result: Result, history: History, model: Model) -> None:
    """The witness is not linearizable; without any one of them it is."""
    witness = result.witness
    assert witness is not None
    assert result.minimal
    assert not brute(witness, model), result.reason
    key = int(witness.key[0])
    assert (witness.key == key).all()
    whole = history.of_key(key)
    needs = needs_of(whole, model)
    some = [whole.origin.tolist().index(i) for i in witness.origin.tolist()]
    guarded = needs is None and brute(together(witness), model)
    if needs is None:
        needs = Needs()
    else:
        assert set(needs.closed(some)) == set(some)
    for i in some:
        rest = whole.take(needs.without(some, [i]))
        senseless = guarded and not brute(together(rest), model)
        assert brute(rest, model) or senseless, f"without {whole.operation(i)}"
