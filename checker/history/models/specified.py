"""A spec as a model: the object's operations are the actions of a spec in the language.

    class Stack(Spec):
        values: Set[Value] = members(3)
        room: int = const(100)
        items: Annotated[Seq[Value], AtMost("room")]

        @action
        def push(self, value: Value) -> None:
            self.items.append(value)

        @action
        def pop(self, result: Value | None) -> None:
            if result is None:
                require(len(self.items) == 0)
            else:
                require(len(self.items) > 0 and self.items[-1] == result)
                self.items.pop()

* An operation f is the action f.  What it was asked are the action's parameters: one value, or of
  several a list in their order, or an object with their names.  What it was told is the parameter
  `result`; an action without one is answered with null, true or the argument again.
* The operation could have happened exactly if the action is enabled; what follows is its state.
* Values are JSON: a member of a Sort is any value but null, and members are added as a history
  needs them, unless they are given by name; the rest is as `Type.json` has it.
* Properties and fairness are of no interest here.

The actions are compiled as for `quorate check`: typed IR, then C, so that the search asks nobody.
A state is then one integer, its machine words; without a compiler it is what CPython has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ctypes import CDLL
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from checker.engines.native.general import NotInCError
from checker.engines.native.general.packing import ALL_ONES, WORD
from checker.engines.native.general.stepping import DONE, NO_STEP, Stepping, stepping
from checker.engines.native.library import MODEL_OPTIONS
from checker.errors import LocatedError, NotEnabled
from checker.history.errors import HistoryError, StepError
from checker.history.history import NO_RESULT, OK, UNKNOWN, History
from checker.history.models.model import Model, State
from checker.history.models.shapes import ANYTHING, Kind, Shape
from checker.history.models.shapes import DONE as IS_DONE
from checker.history.search.compiled import Compiled, Words, compiled_library
from checker.history.values import Value, text_of, to_json, typed
from checker.lang.compile import compile_model
from checker.lang.model import Action, sort_of
from checker.lang.model import Model as Instance
from checker.lang.spec import Spec
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
)
from checker.lang.values import Map
from checker.report.decode import NotOfType, from_json

RESULT = "result"
FEWEST_MEMBERS = 8
"""A Sort that grows has so many, or twice as many, and so on: each number is compiled once."""
MOST_MEMBERS = 4096
UNUSED = "unused "
"""So begin the names of members for which there is no value."""
MOST_RESULTS = 100_000
"""That an operation which nobody answered may have had."""

Args = tuple[Any, ...]


class SpecModel(Model):
    """The instance of a spec as a model.  SpecError or HistoryError if it cannot be one."""

    def __init__(
        self,
        cls: type[Spec],
        constants: Mapping[str, Any] | None = None,
        fitted: Mapping[str, list[str]] | None = None,
    ) -> None:
        """`constants`: as given to the spec: members by their number or their names.

        `fitted`: members that a history needs, by constant; see the method of this name.
        """
        self._cls, self._given = cls, dict(constants or {})
        self.name = cls.__name__  # type: ignore[misc]
        self._instance = Instance(cls, self._given | dict(fitted or {}))
        self._actions = {action.name: action for action in self._instance.actions}
        self._number = {action.name: n for n, action in enumerate(self._instance.actions)}
        self.functions = {f: self._shape(action) for f, action in self._actions.items()}  # type: ignore[misc]
        program = compile_model(self._instance)
        self.reads = frozenset(  # type: ignore[misc]
            action.name
            for action in program.actions
            if not program.functions[action.function].writes
        )
        initial = self._instance.initial_states()
        if len(initial) != 1:
            raise HistoryError(
                f"{self.name} begins in {len(initial)} states, and a model begins in one",
                mend="give each field its first value in the class",
            )
        self._initial = initial[0]
        self._values: dict[tuple[Type, Any], Any] = {}
        self._bindings: dict[Any, list[Args]] = {}
        self._rows: dict[tuple[str, Args], NDArray[np.uint64]] = {}

    @property
    def spec(self) -> type[Spec]:
        return self._cls

    # ------------------------------------------------------------------- the contract of a model

    def initial(self) -> State:
        return self._packed(self._initial)

    def step(self, state: State, f: str, argument: Value, result: Value) -> State | None:
        if result is UNKNOWN:
            return next(iter(self.steps(state, f, argument)), None)
        return next(iter(self._after(state, f, argument, result)), None)

    def steps(self, state: State, f: str, argument: Value) -> Iterable[State]:
        return self._after(state, f, argument, UNKNOWN)

    def show(self, state: State) -> str:
        fields = zip(self._instance.fields, self._unpacked(state), strict=True)
        shown = [(field.name, field.type.text(_used(field.type, held))) for field, held in fields]
        if len(shown) == 1:
            return shown[0][1]
        return ", ".join(f"{name}={text}" for name, text in shown)

    # ------------------------------------------------------------------- steps

    def _after(self, state: State, f: str, argument: Value, result: Value) -> list[State]:
        """The states that can follow, each once."""
        found: dict[State, None] = {}
        for args in self._of(f, argument, result):
            after = self._one(state, f, args)
            if after is not None:
                found[after] = None
        return list(found)

    def _of(self, f: str, argument: Value, result: Value) -> list[Args]:
        """The bindings of the action that an operation may be."""
        key = f, typed(argument), result if result is UNKNOWN else typed(result)
        found = self._bindings.get(key)
        if found is None:
            found = self._bindings[key] = list(self._bound(f, argument, result))
        return found

    def _bound(self, f: str, argument: Value, result: Value) -> Iterator[Args]:
        params = self._actions[f].params
        asked = [param for param in params if param.name != RESULT]
        given = dict(zip((p.name for p in asked), self._asked(asked, argument), strict=True))
        told = next((param.type for param in params if param.name == RESULT), None)
        if told is None:
            results: Iterable[Any] = (None,)
        elif result is UNKNOWN:
            if told.size is None or told.size > MOST_RESULTS:
                raise HistoryError(
                    f"{f} was not answered, and there are more than {MOST_RESULTS:,} answers",
                    mend=f"give `{RESULT}` a smaller type, by smaller constants (-c NAME=VALUE)",
                )
            results = told.values()
        else:
            results = (self._value(told, result),)
        for one in results:
            yield tuple(one if p.name == RESULT else given[p.name] for p in params)

    def _asked(self, params: Sequence[Any], argument: Value) -> list[Any]:
        if not params:
            return []
        if len(params) == 1:
            return [self._value(params[0].type, argument)]
        if isinstance(argument, Mapping) and set(argument) == {p.name for p in params}:
            argument = tuple(argument[p.name] for p in params)
        if type(argument) is not tuple or len(argument) != len(params):
            names = ", ".join(p.name for p in params)
            raise NotOfType(f"{text_of(argument)} is not a list [{names}]")
        return [self._value(p.type, value) for p, value in zip(params, argument, strict=True)]

    def _value(self, of: Type, value: Value) -> Any:
        """A JSON value as one of a type.  NotOfType if it is none."""
        key = of, typed(value)
        found = self._values.get(key)
        if found is None:
            found = self._values[key] = from_json(of, _named(of, value))
        return found

    def _one(self, state: State, f: str, args: Args) -> State | None:
        if self._library is None:
            return self._in_python(state, f, args)
        row = self._rows.get((f, args))
        if row is None:
            row = self._rows[f, args] = self._arguments([(f, args)])
        before, after = np.array(self._words_of(state), dtype=np.uint64), self._room
        status = self._library.model_step(
            before.ctypes.data, self._number[f], row.ctypes.data, after.ctypes.data
        )
        if status == DONE:
            return self._number_of(after.tolist())
        if status in NO_STEP:
            return None
        self._fail(state, f, args)

    def _in_python(self, state: State, f: str, args: Args) -> State | None:
        """As the language means it; `state` is not packed."""
        try:
            return self._instance.step(state, self._actions[f], args)
        except NotEnabled:
            return None
        except LocatedError as error:
            where = f"{error.place}: " if error.place else ""
            raise self._failed(f, args, f"{where}{error.rule}") from None

    def _fail(self, state: State, f: str, args: Args) -> NoReturn:
        """What C could not do is told by Python."""
        self._in_python(self._unpacked(state), f, args)
        raise self._failed(f, args, "a number or a container grew beyond what C holds")

    def _failed(self, f: str, args: Args, why: str) -> StepError:
        return StepError(
            f"the spec {self.name} has no answer to {self._actions[f].text(args)}: {why}",
            mend="larger constants (-c NAME=VALUE) may do, or a guard: require(...)",
        )

    # ------------------------------------------------------------------- in C

    @cached_property
    def _stepping(self) -> Stepping:
        return stepping(compile_model(self._instance))

    @cached_property
    def _library(self) -> CDLL | None:
        """None: the states and steps are CPython's."""
        try:
            made = self._stepping
        except NotInCError:
            return None
        return compiled_library(made.source, (*MODEL_OPTIONS, f"-DNW={made.packing.words}"))

    @cached_property
    def _room(self) -> NDArray[np.uint64]:
        return np.zeros(self._stepping.packing.words, dtype=np.uint64)

    def _arguments(self, bindings: Sequence[tuple[str, Args]]) -> NDArray[np.uint64]:
        words = [self._stepping.arguments(self._number[f], args) for f, args in bindings]
        return np.array(words, dtype=np.uint64).reshape(len(words), self._stepping.argument_words)

    def _packed(self, state: Any) -> State:
        if self._library is None:
            return state
        return self._number_of(self._stepping.packing.encode(state))

    def _unpacked(self, state: State) -> Any:
        if self._library is None:
            return state
        return self._stepping.packing.decode(self._words_of(state))

    def _words_of(self, state: int) -> Words:
        words = self._stepping.packing.words
        return tuple(state >> WORD * i & ALL_ONES for i in range(words))

    @staticmethod
    def _number_of(words: Sequence[int]) -> int:
        return sum(word << WORD * i for i, word in enumerate(words))

    def compiled(self, kinds: Sequence[tuple[str, Value, Value]]) -> Compiled | None:
        if self._library is None:
            return None
        first, bindings = [0], list[tuple[str, Args]]()
        for f, argument, result in kinds:
            bindings += [(f, args) for args in self._of(f, argument, result)]
            first.append(len(bindings))
        return Compiled(
            library=self._library,
            first=np.array(first, dtype=np.uint32),
            action=np.array([self._number[f] for f, _ in bindings], dtype=np.uint32),
            arguments=self._arguments(bindings),
            initial=np.array(self._words_of(self.initial()), dtype=np.uint64),
            state_of=self._number_of,
            fail=lambda state, binding: self._fail(state, *bindings[binding]),
        )

    # ------------------------------------------------------------------- what is malformed

    def _shape(self, action: Action) -> Shape:
        asked = [param for param in action.params if param.name != RESULT]
        told = [param for param in action.params if param.name == RESULT]
        argument, result = ANYTHING, IS_DONE
        if asked:
            each = [self._says(param.type) for param in asked]
            says = f"a list [{', '.join(each)}]" if len(asked) > 1 else each[0]
            argument = Kind(says, lambda value: _fits(lambda: self._asked(asked, value)))
        if told:
            of = told[0].type
            result = Kind(self._says(of), lambda value: _fits(lambda: self._value(of, value)))
        return Shape(argument, result)

    def _says(self, of: Type) -> str:
        """A type in words; which members, if no other can be."""
        if isinstance(of, OptionT):
            return f"{self._says(of.item)} or null"
        if not isinstance(of, SortT) or of.kind in self._growing:
            return str(of)
        return f"{of} ({', '.join(of.text(one) for one in of.values())})"

    # ------------------------------------------------------------------- members

    def fitted(self, history: History) -> Model:
        """With a member for each value of a Sort, unless its members were given by name."""
        sorts = self._growing
        if not sorts:
            return self
        needed: dict[type, dict[str, None]] = {kind: {} for kind in sorts}
        for f, argument, result in _distinct(history):
            if f in self._actions:
                self._collect(self._actions[f], argument, result, needed)
        members: dict[str, list[str]] = {}
        for kind, names in needed.items():
            constant, held = sorts[kind]
            if not names.keys() <= set(held):
                members[constant] = _members(constant, list(names), len(held))
        return SpecModel(self._cls, self._given, members) if members else self

    @property
    def _growing(self) -> dict[type, tuple[str, list[str]]]:
        """Each Sort that may get members: the constant, and the members that it has."""
        return {
            sort_of(self._cls, name): (name, [one.name for one in constant.value])
            for name, constant in self._instance.constants.items()
            if constant.members_of and not isinstance(self._given.get(name), list | tuple)
        }

    def _collect(
        self, action: Action, argument: Value, result: Value, to: dict[type, dict[str, None]]
    ) -> None:
        asked = [param for param in action.params if param.name != RESULT]
        values: Any = (argument,)
        if len(asked) > 1:
            values = argument
            if isinstance(argument, Mapping):
                values = [argument.get(param.name) for param in asked]
        pairs = list(zip(asked, values, strict=False)) if _is_list(values) else []
        pairs += [(p, result) for p in action.params if p.name == RESULT and result is not UNKNOWN]
        for param, value in pairs:
            for kind, name in _leaves(param.type, value):
                if kind in to:
                    to[kind][name] = None


def _fits(make: Any) -> bool:
    try:
        make()
    except NotOfType:
        return False
    return True


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _distinct(history: History) -> Iterator[tuple[str, Value, Value]]:
    """The different operations of a history: function, argument, result (or UNKNOWN)."""
    result = np.where(history.status == OK, history.result, NO_RESULT)
    columns = np.stack([history.f, history.argument, result], axis=1)
    _, places = np.unique(columns, axis=0, return_index=True)
    for i in np.sort(places).tolist():
        told = int(result[i])
        yield (
            history.functions[history.f[i]],
            history.values[history.argument[i]],
            UNKNOWN if told == NO_RESULT else history.values[told],
        )


def _members(constant: str, names: list[str], least: int) -> list[str]:
    """These names, and more up to a number that is compiled for many histories."""
    if len(names) > MOST_MEMBERS:
        raise HistoryError(
            f"{constant} would need {len(names):,} members, and there can be {MOST_MEMBERS:,}",
            mend="a model in Python (docs/histories.md) takes any number of values",
        )
    count = max(FEWEST_MEMBERS, least, 1 << (len(names) - 1).bit_length())
    return names + [f"{UNUSED}{n}" for n in range(1, count - len(names) + 1)]


def _used(of: Type, value: Any) -> Any:
    """A Map without the members that only make up the number."""
    if not isinstance(of, MapT) or not isinstance(of.key, SortT):
        return value
    return Map((key, held) for key, held in value.items() if not key.name.startswith(UNUSED))


def name_of(value: Value) -> str:
    """A JSON value as the name of a member: a text is itself, unless it looks like other JSON."""
    if type(value) is not str:
        return text_of(value)
    quoted = text_of(value)
    like_json = value[:1] in '"[{-0123456789' or value in ("true", "false", "null", "")
    return quoted if like_json or value.startswith(UNUSED) else value


def _named(of: Type, value: Value) -> Any:
    """A value as from_json wants it: members of Sorts by name."""
    match of:
        case SortT():
            if value is None:
                raise NotOfType(f"null is no {of}")
            return name_of(value)
        case OptionT(item):
            return None if value is None else _named(item, value)
        case SeqT(item) | SetT(item) | BagT(item) if type(value) is tuple:
            return [_named(item, one) for one in value]
        case TupleT(items) if type(value) is tuple and len(value) == len(items):
            return [_named(item, one) for item, one in zip(items, value, strict=True)]
        case RecordT(_, fields) if isinstance(value, Mapping):
            types = dict(fields)
            return {
                name: _named(types[name], one) if name in types else to_json(one)
                for name, one in value.items()
            }
    return to_json(value)


def _leaves(of: Type, value: Value) -> Iterator[tuple[type, str]]:
    """The members of Sorts in a value: the Sort, and the name."""
    match of:
        case SortT(kind) if value is not None:
            yield kind, name_of(value)
        case OptionT(item):
            yield from _leaves(item, value)
        case SeqT(item) | SetT(item) | BagT(item) if type(value) is tuple:
            for one in value:
                yield from _leaves(item, one)
        case TupleT(items) if type(value) is tuple:
            for item, one in zip(items, value, strict=False):
                yield from _leaves(item, one)
        case RecordT(_, fields) if isinstance(value, Mapping):
            for name, item in fields:
                if name in value:
                    yield from _leaves(item, value[name])


__all__ = ["SpecModel", "name_of"]
