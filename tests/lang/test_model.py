"""Constants, fields, initial states, steps, parts and bindings of a model."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Generic, TypeVar

import pytest

from checker.lang import (
    AtMost,
    Bag,
    Map,
    ModelError,
    Range,
    Record,
    Seq,
    Set,
    Sort,
    Spec,
    SpecError,
    action,
    assume,
    const,
    enabled,
    everywhere,
    init,
    interpret,
    invariant,
    majorities,
    members,
    part,
    reachable,
    refinement,
    require,
    step_property,
    weak,
)
from checker.lang.compile import compile_model
from checker.lang.model import Model
from tests.lang.walking import explored


class Node(Sort):
    pass


class Nurse(Sort):
    pass


class Colour(Enum):
    RED = 1
    GREEN = 2


Number = Annotated[int, Range("most + 1")]


class Note(Record):
    to: Node
    number: Number


class Board(Spec):
    nodes: Set[Node] = members(2)
    most: int = const(2)
    first: Colour = const(Colour.RED)
    quorums: Set[Set[Node]] = const(lambda self: majorities(self.nodes))

    notes: Set[Note]
    colour: Colour
    seen: Map[Node, Number] = everywhere(0)

    @init
    def begin(self, c: Colour) -> None:
        self.colour = c

    @init
    def begin_written(self, n: Note) -> None:
        require(n.number == self.most)
        self.colour = self.first
        self.notes.add(n)

    @action
    def write(self, n: Note) -> None:
        require(n.number == self.seen[n.to])
        self.notes.add(n)

    @action
    def read(self, a: Node, n: Note) -> None:
        require(n in self.notes)
        require(n.to == a)
        self.seen[a] = n.number

    @assume
    def enough(self) -> bool:
        return self.most >= 1

    @step_property
    def notes_stay(self) -> bool:
        return self.old.notes <= self.notes


def test_constants_have_defaults_and_can_be_given() -> None:
    board = Board(nodes=["ann", "bob", "cy"], most=1, first=Colour.GREEN)
    assert repr(board) == (
        "Board(nodes=3, most=1, first=GREEN, quorums={{ann, bob}, {ann, cy}, {bob, cy}})"
    )
    assert str(board.nodes) == "{ann, bob, cy}"


@pytest.mark.parametrize(
    ("constants", "rule"),
    [
        ({"nodse": 2}, "`Board` has no constant `nodse`"),
        ({"nodes": 0}, "the constant `nodes` cannot be 0"),
        ({"nodes": ["a", "a"]}, "the constant `nodes` cannot be ['a', 'a']"),
        ({"most": "many"}, "the constant `most` cannot be 'many': 'many' is not a value of int"),
        ({"most": 0}, "the constants do not satisfy the assumption `enough`"),
        ({"first": 3}, "the constant `first` cannot be 3: 3 is not a value of Colour"),
    ],
)
def test_wrong_constants_are_named(constants: Any, rule: str) -> None:
    with pytest.raises(SpecError) as caught:
        Board(**constants)
    assert caught.value.rule.startswith(rule)
    assert caught.value.place is not None
    assert caught.value.mend


def test_each_initial_choice_gives_its_states() -> None:
    model = Model.of(Board())
    shown = [model.show(state) for state in model.initial_states()]
    assert [(s["colour"], s["notes"]) for s in shown] == [
        ("RED", "{}"),
        ("GREEN", "{}"),
        ("RED", "{Note(to=n1, number=2)}"),
        ("RED", "{Note(to=n2, number=2)}"),
    ]


def test_names_do_not_clash_when_two_sorts_begin_alike() -> None:
    class Ward(Spec):
        nodes: Set[Node] = members(1)
        nurses: Set[Nurse] = members(1)
        on: bool

        @action
        def flip(self) -> None:
            self.on = not self.on

    ward = Ward()
    assert (str(ward.nodes), str(ward.nurses)) == ("{node1}", "{nurse1}")


def test_steps_follow_the_methods() -> None:
    model = Model.of(Board(most=1))
    state = model.initial_states()[0]
    taken = [action.text(args) for action, args, _ in model.successors(state)]
    assert taken == ["write(n=Note(to=n1, number=0))", "write(n=Note(to=n2, number=0))"]
    first = next(iter(model.constants["nodes"].value))
    changed = model.step(state, model.action("write"), (Note(first, 0),))
    assert model.show(changed)["notes"] == "{Note(to=n1, number=0)}"
    old = next(p for p in model.properties if p.kind == "step_property")
    assert model.holds_step(old, state, changed)
    assert not model.holds_step(old, changed, state)


def test_bindings_are_those_of_the_whole_domain() -> None:
    """Narrowing by guards changes nothing but the time."""
    model = Model.of(Board())
    for state in explored(model):
        model.load(state)
        for taken in model.actions:
            quick = [args for args, _ in model._taken(taken)]
            slow = []
            for args in _product(taken.bindings.domains):
                model.load(state)
                try:
                    model.step(state, taken, args)
                except Exception:
                    continue
                slow.append(args)
            assert quick == slow
            model.load(state)


def _product(domains: Any) -> list[tuple[Any, ...]]:
    from itertools import product

    return list(product(*(tuple(domain.type.values()) for domain in domains)))


M = TypeVar("M")


class Net(Spec, Generic[M]):
    capacity: int = const(1)
    sent: Annotated[Bag[M], AtMost("capacity", "block")]

    def send(self, m: M) -> None:
        self.sent.add(m)

    @action
    def receive(self, m: M) -> None:
        require(m in self.sent)
        self.sent.remove(m)

    @action
    def lose(self, m: M) -> None:
        require(m in self.sent)
        self.sent.remove(m)


class Post(Spec):
    nodes: Set[Node] = members(2)
    most: int = const(1)
    net: Net[Note] = part(capacity="most + 1")
    log: Annotated[Seq[Note], AtMost(2, "prune")]

    @action
    def post(self, n: Note) -> None:
        self.net.send(n)

    @action
    def take(self, n: Note) -> None:
        self.net.receive(n)
        self.log.append(n)

    @reachable
    def taken(self) -> bool:
        return len(self.log) == 2


def test_parts_interleave_what_nobody_calls() -> None:
    model = Model.of(Post())
    assert [field.name for field in model.fields] == ["log", "net.sent"]
    assert [action.name for action in model.actions] == ["net.lose", "post", "take"]
    states = explored(model)
    assert max(len(state[1]) for state in states) == 2, "the capacity blocks"
    assert model.pruned, "the log's bound cuts"


def test_enabled_looks_and_leaves_no_trace() -> None:
    class Gate(Spec):
        count: Annotated[int, Range(3)] = 0

        @action
        def up(self) -> None:
            require(self.count < 2)
            self.count += 1

        @invariant
        def can(self) -> bool:
            return enabled(self.up) == (self.count < 2)

    model = Model.of(Gate())
    for state in explored(model):
        assert model.holds(model.properties[0], state)
        assert model.read() == state


class Light(Spec):
    on: bool

    @action
    def flip(self) -> None:
        self.on = not self.on


class Lamp(Spec):
    level: Annotated[int, Range("levels")] = 0
    levels: int = const(3)

    @action
    def turn(self) -> None:
        self.level = (self.level + 1) % self.levels

    @refinement
    def light(self) -> Light:
        return Light.at(on=self.level > 0)


def test_a_refinement_maps_states() -> None:
    model = Model.of(Lamp())
    mapping = model.refinements[0]
    assert mapping.other.name == "Light"
    assert [model.abstract(mapping, state) for state in explored(model)] == [
        (False,),
        (True,),
        (True,),
    ]


class Wrong:
    class NoBound(Spec):
        count: int = 0

        @action
        def up(self) -> None:
            self.count += 1

    class NoRoom(Spec):
        queue: Seq[bool]

        @action
        def up(self) -> None:
            self.queue.append(True)

    class NoMembers(Spec):
        holder: Node | None

        @action
        def up(self) -> None:
            self.holder = None

    class NoDefault(Spec):
        colour: Colour

        @action
        def up(self) -> None:
            self.colour = Colour.RED

    class BadDefault(Spec):
        count: Annotated[int, Range(3)] = 7

        @action
        def up(self) -> None:
            self.count = 0

    class PlainSet(Spec):
        seen: set[bool]

        @action
        def up(self) -> None:
            self.seen.add(True)

    class NoAction(Spec):
        on: bool

    class NoSelf(Spec):
        on: bool

        @action
        def up(x: bool) -> None:  # type: ignore[misc]
            pass

    class UntypedParameter(Spec):
        on: bool

        @action
        def up(self, x) -> None:  # type: ignore[no-untyped-def]
            self.on = x

    class BadBound(Spec):
        count: Annotated[int, Range("size")] = 0

        @action
        def up(self) -> None:
            self.count = 0

    class HugeDomain(Spec):
        on: bool

        @action
        def up(self, s: Set[Annotated[int, Range(40)]]) -> None:
            self.on = True


@pytest.mark.parametrize(
    ("wrong", "rule", "line"),
    [
        (Wrong.NoBound, "the field `count` has no bound: int has no finite domain", "count: int"),
        (Wrong.NoRoom, "the field `queue` has no bound", "queue: Seq[bool]"),
        (Wrong.NoMembers, "how many members has the Sort `Node`?", "holder: Node | None"),
        (Wrong.NoDefault, "the field `colour` has no initial value", "colour: Colour"),
        (Wrong.BadDefault, "the field `count` cannot begin as 7: 7 is outside int[0..2]", "= 7"),
        (Wrong.PlainSet, "`set` is not a type of the language", "seen: set[bool]"),
        (Wrong.NoAction, "`NoAction` has no action", "class NoAction(Spec):"),
        (Wrong.NoSelf, "`up` has no `self`", "def up(x: bool)"),
        (Wrong.UntypedParameter, "the parameter `x` of `up` has no type", "def up(self, x)"),
        (Wrong.BadBound, "the bound 'size' is not a number over the constants", "count: "),
        (Wrong.HugeDomain, "the parameter `s` has 1,099,511,627,776 values", "def up("),
    ],
)
def test_wrong_declarations_are_named(wrong: Any, rule: str, line: str) -> None:
    with pytest.raises(SpecError) as caught:
        Model(wrong, {}).initial_states()
    assert caught.value.rule.startswith(rule)
    assert caught.value.mend
    assert line in str(caught.value)


def test_what_goes_wrong_in_a_step_names_line_and_action() -> None:
    class Queue(Spec):
        items: Annotated[Seq[bool], AtMost(2)]

        @action
        def take(self, b: bool) -> None:
            self.items.pop(0)

    model = Model.of(Queue())
    with pytest.raises(ModelError) as caught:
        model.successors(model.initial_states()[0])
    text = str(caught.value)
    assert "self.items.pop(0)" in text
    assert "during: take(b=False)" in text
    assert "mend: guard it with the length" in text


class Span(Record):
    low: Annotated[int, Range(3)]
    high: Annotated[int, Range(3)]

    @invariant
    def ordered(self) -> bool:
        return self.low <= self.high


class Looking(Spec):
    span: Span = Span(0, 1)

    @action
    def look(self, s: Span) -> None:
        self.span = s


def test_a_default_is_the_value_that_the_domain_holds() -> None:
    """Made when the class was read, before the invariants of the record were known."""
    assert len(explored(Model(Looking, {}))) == 6


def test_a_default_that_breaks_its_records_invariant_is_named() -> None:
    class Gap(Record):
        low: Annotated[int, Range(3)]
        high: Annotated[int, Range(3)]

        @invariant
        def ordered(self) -> bool:
            return self.low <= self.high

    class Wide(Spec):
        gap: Gap = Gap(2, 1)

        @action
        def look(self, g: Gap) -> None:
            self.gap = g

    with pytest.raises(SpecError, match="breaks the invariant `ordered` of its record"):
        Model(Wide, {})


def test_a_marker_without_options_says_so() -> None:
    called: Any = invariant
    with pytest.raises(SpecError, match="`@invariant` has no options"):
        called()


def test_an_override_keeps_the_fairness_unless_it_says_otherwise() -> None:
    class Fair(Spec):
        on: bool

        @action(fairness=weak())
        def flip(self) -> None:
            self.on = not self.on

    class Kept(Fair):
        @action
        def flip(self) -> None:
            self.on = True

    class Dropped(Fair):
        @action(fairness=None)
        def flip(self) -> None:
            self.on = True

    assert Model.of(Kept()).action("flip").fairness == weak()
    assert Model.of(Dropped()).action("flip").fairness is None


def test_a_subclass_may_take_a_method_away() -> None:
    class Looser(Post):
        taken = None  # type: ignore[assignment]

    assert [p.name for p in Model.of(Post()).properties] == ["taken"]
    assert Model.of(Looser()).properties == ()


def test_defaults_of_constants_are_values_of_the_language() -> None:
    class Groups(Spec):
        nodes: Set[Node] = members(3)
        groups: Set[Set[Node]] = const(lambda self: {{a} for a in self.nodes})
        on: bool

        @action
        def flip(self) -> None:
            self.on = not self.on

    assert str(Groups().groups) == "{{n1}, {n2}, {n3}}"


def test_a_default_that_cannot_be_computed_is_named() -> None:
    class Wrong(Spec):
        size: int = const(lambda self: self.none)
        on: bool

        @action
        def flip(self) -> None:
            self.on = not self.on

    with pytest.raises(SpecError, match="the default of the constant `size` cannot be computed"):
        Wrong()


def test_the_guards_of_a_called_part_narrow_too() -> None:
    class Wide(Record):
        to: Node
        numbers: Set[Annotated[int, Range(25)]]

    class Far(Spec):
        nodes: Set[Node] = members(2)
        net: Net[Wide]
        got: Map[Node, Set[Annotated[int, Range(25)]]]

        @action
        def post(self, n: Node) -> None:
            self.net.send(Wide(n, {1, 2}))

        @action
        def take(self, w: Wide) -> None:
            self.net.receive(w)
            self.got[w.to] = w.numbers

    model = Model.of(Far())
    program = compile_model(model)
    assert [choice.how for choice in program.action("take").choices] == ["member"]
    states = explored(model)
    assert len(states) == 12
    for state in states:
        ours = [(a.name, args, after) for a, args, after in model.successors(state)]
        assert ours == interpret.successors(program, state)


class Crowd(Spec):
    nodes: Set[Node] = members(2)
    net: Net[Note] = part(capacity="nodes")
    most: int = const(0)

    @action
    def post(self, n: Note) -> None:
        self.net.send(n)


def test_the_name_of_a_set_stands_for_its_size_in_a_part() -> None:
    states = explored(Model(Crowd, {"nodes": 3}))
    assert max(len(state[0]) for state in states) == 3


class Holder(Spec):
    nodes: Set[Node] = members(2)
    holder: Node | None

    @action
    def take(self, n: Node) -> None:
        self.holder = n


class Keeper(Spec):
    people: Set[Node] = members(3)
    keeper: Node | None

    @action
    def take(self, n: Node) -> None:
        self.keeper = n

    @refinement
    def holding(self) -> Holder:
        return Holder.at(holder=self.keeper)


def test_members_of_one_sort_are_the_same_in_both_specs_of_a_refinement() -> None:
    model = Model(Keeper, {"people": ["ann", "bob", "cy"]})
    assert model.refinements[0].other.describe() == "Holder(nodes=3)"
    assert len({model.abstract(model.refinements[0], s) for s in explored(model)}) == 4


def test_a_map_that_is_not_total_says_how_to_make_one() -> None:
    class Half(Spec):
        nodes: Set[Node] = members(2)
        up: Map[Node, bool]

        @action
        def start(self, n: Node) -> None:
            self.up = {n: True}

    model = Model(Half, {})
    with pytest.raises(
        ModelError, match=r"no value for n2 .*\n  mend: write {k: ... for k"
    ) as caught:
        model.successors(model.initial_states()[0])
    assert caught.value.during == "start(n=n1)"


def test_parameters_with_too_many_values_together_are_refused() -> None:
    class Pairs(Spec):
        on: bool

        @action
        def pick(
            self, a: Annotated[int, Range(9000)], b: Annotated[int, Range(9000)], on: bool
        ) -> None:
            require(a + b == 5)
            self.on = on

    with pytest.raises(SpecError) as caught:
        Pairs()
    assert caught.value.rule == "the parameters `a`, `b`, `on` have 162,000,000 values together"
