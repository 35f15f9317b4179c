"""Bytes: canonical, read back as what they were, and refused with one kind of error if bad."""

import contextlib
import itertools
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.paxos.instance import Instance, Receive, Record, Start, Written
from impl.paxos.messages import (
    Accept,
    Accepted,
    Decided,
    Malformed,
    Message,
    Prepare,
    Promise,
    Vote,
    decode,
    encode,
)
from impl.paxos.node import Node

BALLOTS = st.integers(0, 2**63)
VALUES = st.text(max_size=8)
VOTES = st.none() | st.builds(Vote, BALLOTS, VALUES)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(Prepare, BALLOTS),
    st.builds(Promise, BALLOTS, VOTES),
    st.builds(Accept, BALLOTS, VALUES),
    st.builds(Accepted, BALLOTS, VALUES),
    st.builds(Decided, VALUES),
)


def busy_node() -> Node:
    """One with several keys, in several phases."""
    node = Node(0, 3)
    for key in ("c", "a", "b"):
        node.handle(key, Start("red"))
        node.handle(key, Written())
    for sender in (2, 0):
        node.handle("a", Receive(sender, Promise(0, Vote(0, "blue") if sender else None)))
    node.handle("b", Receive(1, Accept(4, "green")))
    node.handle("d", Receive(1, Decided("grey")))
    return node


# What each reads: a name, what reads it, bytes that are right.
READERS: list[tuple[str, Callable[[bytes], object], list[bytes]]] = [
    ("load", Node.load, [busy_node().save(), Node(1, 3).save()]),
    ("recover", lambda data: Node(0, 3).recover([data]), busy_node().records()),
    ("decode", decode, [encode(Promise(3, Vote(1, "red"))), encode(Decided("red"))]),
]
NAMES = [name for name, _, _ in READERS]


@given(message=MESSAGES)
def test_a_message_is_read_back(message: Message) -> None:
    assert decode(encode(message)) == message


def test_the_bytes_of_the_messages() -> None:
    """They are documented, and must not change unnoticed."""
    written: dict[Message, list[Any]] = {
        Prepare(7): [1, 7],
        Promise(7, None): [2, 7, None],
        Promise(7, Vote(3, "red")): [2, 7, [3, "red"]],
        Accept(7, "red"): [3, 7, "red"],
        Accepted(7, "red"): [4, 7, "red"],
        Decided("red"): [5, "red"],
    }
    for message, plain in written.items():
        assert msgspec.msgpack.decode(encode(message)) == plain


def test_the_bytes_of_a_record() -> None:
    node = busy_node()
    assert [msgspec.msgpack.decode(record) for record in node.records()] == [
        ["a", 0, None],
        ["b", 4, [4, "green"]],
        ["c", 0, None],
    ]


@pytest.mark.parametrize(
    "broken",
    [[], [0, 1], [6, 1], [1], [1, -1], [1, "7"], [1, 1.5], [1, 7, 7], [2, 7], [2, 7, [3]],
     [3, 7, None], [3, 7, b"red"], [5, ["red"]], {}, None, "Prepare", [2, 7, [-1, "red"]]],
    ids=repr,
)  # fmt: skip
def test_what_is_no_message(broken: Any) -> None:
    with pytest.raises(Malformed, match="this is no message: "):
        decode(msgspec.msgpack.encode(broken))


@pytest.mark.parametrize(("name", "read", "good"), READERS, ids=NAMES)
@given(data=st.data())
def test_bad_bytes_have_one_error(
    name: str, read: Callable[[bytes], object], good: list[bytes], data: st.DataObject
) -> None:
    """Whatever comes is read, or refused as `Malformed`: random bytes, and damaged good ones."""
    some = bytearray(data.draw(st.sampled_from(good)))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(some)))
        some[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    with contextlib.suppress(Malformed):
        read(data.draw(st.just(bytes(some)) | st.binary(max_size=40)))


@pytest.mark.parametrize(("name", "read", "good"), READERS, ids=NAMES)
def test_every_cut_is_refused(
    name: str, read: Callable[[bytes], object], good: list[bytes]
) -> None:
    for whole in good:
        read(whole)
        for length in range(len(whole)):
            with pytest.raises(Malformed):
                read(whole[:length])
        with pytest.raises(Malformed):
            read(whole + b"\x00")


@pytest.mark.parametrize(("name", "read", "good"), READERS, ids=NAMES)
@pytest.mark.parametrize(
    "bomb",
    [
        b"\xdd\xff\xff\xff\xff",
        b"\x93\x00\x03\xdd\xff\xff\xff\xff",
        b"\x92\x05\xdb\xff\xff\xff\xff",
        b"\x91" * 200_000,
        b"\x92\x05\xa2\xff\xfe",
        b"\xc1",
    ],
    ids=["long array", "long list", "long text", "deep", "not UTF-8", "unused byte"],
)
def test_no_bytes_cost_more_than_their_length(
    name: str, read: Callable[[bytes], object], good: list[bytes], bomb: bytes
) -> None:
    begun = time.process_time()
    with pytest.raises(Malformed):
        read(bomb)
    assert time.process_time() - begun < 5


def changed(change: Callable[[list[Any]], None]) -> bytes:
    plain = msgspec.msgpack.decode(busy_node().save())
    change(plain)
    return msgspec.msgpack.encode(plain)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda node: node.__setitem__(0, 3), "it is number 3 of 3"),
        (lambda node: node[2].reverse(), "keys are not in order"),
        (lambda node: node[2].insert(0, node[2][0]), "keys are not in order"),
        (lambda node: node[2][0].__setitem__(1, 1), "'a' is of another one"),
        (lambda node: node[2][0].__setitem__(8, [0, 3]), "'a' counts nodes that are not there"),
        (lambda node: node[2][0].__setitem__(11, [0, 3]), "'a' counts nodes that are not there"),
    ],
    ids=["id", "order", "twice", "of another", "promisers", "voters"],
)
def test_what_is_no_saved_node(change: Callable[[list[Any]], None], why: str) -> None:
    with pytest.raises(Malformed, match=why):
        Node.load(changed(change))


def test_a_bad_record_changes_nothing() -> None:
    node = busy_node()
    before = node.save()
    good = msgspec.msgpack.encode(Record("a", 9, None))
    with pytest.raises(Malformed, match="number 2"):
        node.recover([good, b"\x93"])
    with pytest.raises(Malformed, match="record 1, of 'a': a vote above the promise"):
        node.recover([msgspec.msgpack.encode(Record("a", 1, Vote(2, "red"))), good])
    assert node.save() == before


def test_the_last_record_counts() -> None:
    records = [Record("a", 1, None), Record("b", 4, None), Record("a", 3, Vote(3, "red"))]
    node = Node(2, 3)
    node.recover(msgspec.msgpack.encode(record) for record in records)
    assert node.instance("a") == Instance("a", 2, 3, 3, Vote(3, "red"))
    assert node.records() == [msgspec.msgpack.encode(record) for record in (records[2], records[1])]


def test_a_snapshot_has_the_write_under_way() -> None:
    """It replaces the journal, where that write's record may be already."""
    node = Node(0, 3)
    node.handle("a", Receive(1, Accept(1, "red")))
    assert node.record("a") == msgspec.msgpack.encode(Record("a", 1, Vote(1, "red")))
    assert node.records() == [node.record("a")]


def test_equal_states_have_equal_bytes() -> None:
    """However they came about.  A set of 0, 8 and 16 remembers who came first."""
    saved = set()
    for senders in itertools.permutations((0, 8, 16)):
        node = Node(0, 100)
        for key in ("x", "y") if senders[0] else ("y", "x"):
            node.handle(key, Start("red"))
            node.handle(key, Written())
            for sender in senders:
                node.handle(key, Receive(sender, Promise(0, None)))
        saved.add(node.save())
    assert len(saved) == 1


def test_an_instance_to_which_nothing_happened_leaves_no_bytes() -> None:
    node = Node(0, 3)
    node.handle("a", Receive(1, Accepted(4, "red")))
    assert node.save() == Node(0, 3).save()
    assert node.records() == []


def test_nodes_are_numbered_from_0() -> None:
    for number in (-1, 3):
        with pytest.raises(ValueError, match=f"node {number} of 3: nodes are numbered from 0"):
            Node(number, 3)
