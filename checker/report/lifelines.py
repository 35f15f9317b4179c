"""Who acts in a run, and what reaches whom: read off the types, for any protocol.

Rules of this file:

* A *lifeline* is a member of a Sort that acts, or `system` for steps without one.
* The *actor* of a step is the first parameter whose Sort acts.  A Sort acts if some Map of
  the state has it as its key (each member has a state of its own), or if it stands before
  such a Sort in an action's parameters (`acquire(c: Client, l: Lock)`).  If no Map has a Sort
  as its key, every Sort acts.
* A *message* is a Record (or a tuple that holds one) in a Set, a Bag or a Seq of the state.
  A step sends what it adds there.  It receives what it takes away, and what it needs: a
  smallest set of messages without which, in the same state, it would not have been possible
  or would have done something else.  So a quorum of promises is seen as received although no
  parameter names them.
* What an actor adds to its own entry of a Map (its log) is its state, not a message: a Map's
  collections hold messages only if somebody adds to an entry that is not its own.
* All this is only how a run is drawn.  Nothing here touches a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from checker.engines.result import Counterexample, Step
from checker.lang.errors import QuorateError
from checker.lang.model import Action, Model, State
from checker.lang.types import (
    BagT,
    MapT,
    OptionT,
    RecordT,
    SeqT,
    SetT,
    SortT,
    TupleT,
    Type,
    UnionT,
    sorts_in,
)
from checker.lang.values import Bag, Map, Set, Sort

SYSTEM = "system"
MOST_TRIALS = 20_000
"""How often a run is tried without one of its messages; beyond, only parameters count."""

RECEIVERS = frozenset({"to", "dst", "dest", "destination", "target", "receiver", "recipient"})
"""Fields of a message whose name says that they name its receiver."""


@dataclass(frozen=True)
class Receipt:
    """A message that a step needed or took, and the step that sent it."""

    text: str
    param: str | None
    """The parameter of the action that is this message."""
    sent_at: int
    """Index of the step that sent it."""
    lane: int
    """Lifeline that sent it."""


@dataclass(frozen=True)
class Event:
    """One step of a run, placed on its lifeline.  `index` is its number; 0 is the start."""

    index: int
    text: str
    lane: int
    received: tuple[Receipt, ...]


@dataclass(frozen=True)
class Story:
    """A run as it is drawn: the lifelines' names, from left to right, and what happens."""

    lanes: tuple[str, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Message:
    """A message in a state: in which field, under which keys of Maps, and which."""

    field: int
    keys: tuple[Any, ...]
    item: Any


def tell(model: Model, run: Counterexample) -> Story:
    """The lifelines and the messages of a counterexample."""
    acting = acting_sorts(model)
    steps = run.steps
    actors = [_actor(model, step, acting) for step in steps]
    named = sorted({a for a in actors if a is not None}, key=lambda a: (type(a).__name__, a.index))
    lanes: list[Sort | None] = [*named]
    if any(a is None and step.action is not None for a, step in zip(actors, steps, strict=True)):
        lanes.insert(0, None)
    places = {actor: lane for lane, actor in enumerate(lanes)}
    inside = _message_fields(model, run, actors)
    trials = sum(sum(1 for _ in _messages(model, s.state, inside)) for s in steps)
    sent: dict[Message, int] = {}
    events = []
    for index, step in enumerate(steps):
        lane = places.get(actors[index], 0)
        received: tuple[Receipt, ...] = ()
        if index and step.action is not None:
            before = steps[index - 1].state
            needed = _received(model, before, step, inside, trials <= MOST_TRIALS)
            received = tuple(
                Receipt(_text(model, m), _param(model, step, m), sent[m], places[actors[sent[m]]])
                for m in needed
                if m in sent
            )
            events.append(Event(index, action_text(model, step), lane, received))
            old = set(_messages(model, before, inside))
            for message in _messages(model, step.state, inside):
                if message not in old:
                    sent[message] = index
        else:
            events.append(Event(index, "", lane, ()))
    return Story(tuple(SYSTEM if a is None else a.name for a in lanes), tuple(events))


def action_text(model: Model, step: Step) -> str:
    """A step as it is written: `promise(a=a1, m=Prepare(ballot=0))`."""
    return model.action(step.action).text(step.args) if step.action is not None else ""


# --------------------------------------------------------------------------- actors


def acting_sorts(model: Model) -> frozenset[type[Sort]]:
    """The Sorts whose members act: see the rules above."""
    keyed = frozenset(kind for field in model.fields for kind in _keys_of(field.type))
    if not keyed:
        return frozenset(
            p.type.kind for a in model.actions for p in a.params if isinstance(p.type, SortT)
        )
    before: set[type[Sort]] = set()
    for action in model.actions:
        kinds = [p.type.kind for p in action.params if isinstance(p.type, SortT)]
        first = next((at for at, kind in enumerate(kinds) if kind in keyed), 0)
        before.update(kinds[:first])
    return keyed | before


def _keys_of(of: Type) -> Iterator[type[Sort]]:
    if isinstance(of, MapT):
        yield from sorts_in(of.key)
        yield from _keys_of(of.value)


def _actor(model: Model, step: Step, acting: frozenset[type[Sort]]) -> Sort | None:
    """The first argument that acts; else who sends, or receives, a message among them."""
    if step.action is None:
        return None
    for arg in step.args:
        if type(arg) in acting:
            return arg  # type: ignore[no-any-return]
    pairs = zip(model.action(step.action).params, step.args, strict=True)
    for param, arg in pairs:
        if isinstance(param.type, RecordT | UnionT):
            found = _addressee(arg, acting)
            if found is not None:
                return found
    return None


def _addressee(record: Any, acting: frozenset[type[Sort]]) -> Sort | None:
    """Whom a message is for: by the field's name, else the second identity it names."""
    named = [(name, getattr(record, name)) for name in record._fields]
    ids = [(name, value) for name, value in named if type(value) in acting]
    for name, value in ids:
        if name in RECEIVERS:
            return value  # type: ignore[no-any-return]
    return ids[1][1] if len(ids) > 1 else None


# --------------------------------------------------------------------------- messages


def _message_fields(model: Model, run: Counterexample, actors: list[Sort | None]) -> frozenset[int]:
    """The fields that hold messages."""
    found = set()
    for index, field in enumerate(model.fields):
        if field.ghost or not _holds_messages(field.type):
            continue
        if not isinstance(field.type, MapT) or _is_mailbox(index, run, actors):
            found.add(index)
    return frozenset(found)


def _holds_messages(of: Type) -> bool:
    match of:
        case MapT(_, value):
            return _holds_messages(value)
        case SetT(item) | BagT(item) | SeqT(item):
            return _is_message(item)
    return False


def _is_message(of: Type) -> bool:
    match of:
        case RecordT() | UnionT():
            return True
        case OptionT(item):
            return _is_message(item)
        case TupleT(items):
            return any(_is_message(item) for item in items)
    return False


def _is_mailbox(index: int, run: Counterexample, actors: list[Sort | None]) -> bool:
    """Whether somebody adds to an entry of this Map that is not its own."""
    for at in range(1, len(run.steps)):
        old, new = run.steps[at - 1].state[index], run.steps[at].state[index]
        for key in old:
            own = key == actors[at] or (isinstance(key, tuple) and key[-1] == actors[at])
            if not own and len(list(_inside(new[key]))) > len(list(_inside(old[key]))):
                return True
    return False


def _inside(value: Any, keys: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each message of a field's value, with the keys of Maps that lead to it."""
    if isinstance(value, Map):
        for key, held in value.items():
            yield from _inside(held, (*keys, key))
    else:
        yield from ((keys, item) for item in value)


def _messages(model: Model, state: State, inside: Iterable[int]) -> Iterator[Message]:
    for field in sorted(inside):
        for keys, item in _inside(state[field]):
            yield Message(field, keys, item)


def _received(
    model: Model, before: State, step: Step, inside: frozenset[int], trying: bool
) -> list[Message]:
    """The messages of `before` that the step took, has as a parameter, or needs."""
    after = set(_messages(model, step.state, inside))
    held = list(dict.fromkeys(_messages(model, before, inside)))
    given = [m for m in held if m.item in step.args]
    if not trying:
        return list(dict.fromkeys([*given, *(m for m in held if m not in after)]))
    action = model.action(step.action or "")
    state, dropped = before, list[Message]()
    for message in held:
        if message in given or message not in after or _in_sequence(model, message):
            continue
        less = _without(model, state, message)
        if _same(model, less, action, step, [*dropped, message]):
            state = less
            dropped.append(message)
    return [
        m
        for m in held
        if m not in dropped and (m in given or m not in after or not _in_sequence(model, m))
    ]


def _collection(of: Type) -> Type:
    while isinstance(of, MapT):
        of = of.value
    return of


def _in_sequence(model: Model, message: Message) -> bool:
    """Whether it stands in a sequence, out of whose middle nothing can be thought away."""
    return isinstance(_collection(model.fields[message.field].type), SeqT)


def _same(model: Model, before: State, action: Action, step: Step, dropped: list[Message]) -> bool:
    """Whether the step does the same from `before`, where the `dropped` messages are not."""
    try:
        after = model.step(before, action, step.args)
    except QuorateError:
        return False
    for message in dropped:
        after = _with(after, message)
    return after == step.state


def _without(model: Model, state: State, message: Message) -> State:
    return _changed(state, message, adding=False)


def _with(state: State, message: Message) -> State:
    return _changed(state, message, adding=True)


def _changed(state: State, message: Message, *, adding: bool) -> State:
    value = _edited(state[message.field], message.keys, message.item, adding)
    return (*state[: message.field], value, *state[message.field + 1 :])


def _edited(value: Any, keys: tuple[Any, ...], item: Any, adding: bool) -> Any:
    if keys:
        return value.set(keys[0], _edited(value[keys[0]], keys[1:], item, adding))
    if isinstance(value, Bag):
        return value.adding(item) if adding else value.removing(item)
    return value | Set((item,)) if adding else value - Set((item,))


# --------------------------------------------------------------------------- words


def _text(model: Model, message: Message) -> str:
    of = _collection(model.fields[message.field].type)
    assert isinstance(of, SetT | BagT | SeqT)
    return of.item.text(message.item)


def _param(model: Model, step: Step, message: Message) -> str | None:
    params = model.action(step.action or "").params
    for param, arg in zip(params, step.args, strict=True):
        if arg == message.item and isinstance(arg, type(message.item)):
            return param.name
    return None
