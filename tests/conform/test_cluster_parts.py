"""The network, the disk and the wires of a cluster, each by itself."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.conform.disk import Disk, hidden
from checker.conform.network import MessageSet
from checker.conform.wires import WireError, Wires, called, port
from impl.journal.format import RECORD_HEADER
from impl.transport.frames import frame

RECORDS = [b"first", b"second record", b"\0"]


@given(st.lists(st.lists(st.integers(0, 200), max_size=4), max_size=20))
def test_a_message_set_holds_all_that_was_ever_sent(batches: list[list[int]]) -> None:
    network, content, sent = MessageSet(), MessageSet.empty, set[int]()
    for batch in batches:
        content = network.sent(content, batch)
        sent.update(batch)
        for one in batch:
            content = network.delivered(content, one)
    assert list(network.frames(content)) == sorted(sent)
    assert all(network.holds(content, one) == (one in sent) for one in range(201))


# --------------------------------------------------------------------------- the disk


def written(*records: bytes) -> Disk:
    disk = Disk.new(RECORDS)
    for record in records:
        disk.append(record)
    return disk


def test_what_was_synced_is_there_after_a_crash() -> None:
    disk = written(b"synced")
    disk.sync()
    disk.append(b"not synced")
    disk.crash()
    assert disk.recovered == [*RECORDS, b"synced"]


def test_a_saved_disk_goes_on_like_the_first() -> None:
    disk = written(b"one")
    again = Disk.load(disk.save())
    for each in (disk, again):
        each.sync()
        each.append(b"two")
        each.sync()
        each.crash()
        assert each.recovered == [*RECORDS, b"one", b"two"]
    assert disk.save() == again.save()


def test_no_crash_leaves_a_part_of_a_write() -> None:
    """Nor garbage after it; and the part was on the disk, or the test tries nothing."""
    tried, sizes = [], set()
    for what, crash in hidden(None, [b"torn", b"torn too"]):
        disk = written(b"torn", b"torn too")
        crash(disk)
        whole = [b"torn"] if int(what.split()[3]) >= RECORD_HEADER + 4 else []
        assert disk.recovered in ([*RECORDS, *whole], RECORDS)
        tried.append(what)
        sizes.add(tuple(disk.recovered))
    assert len(tried) == len(set(tried)) == 12
    assert len(sizes) == 2


def test_a_snapshot_before_a_crash_takes_the_place_of_the_records() -> None:
    ((what, crash),) = hidden([b"all in one"], [])
    disk = written()
    crash(disk)
    assert "snapshot" in what
    assert disk.recovered == [b"all in one"]


# --------------------------------------------------------------------------- the wires


@pytest.fixture
def ends() -> tuple[Wires, socket.socket, socket.socket]:
    """A wire from node 0 to node 1, and its ends there."""
    wires = Wires([(0, 1)])
    door = socket.create_server(("127.0.0.1", 0))
    source = called(port(wires.doors[0, 1]))
    source.sendall(frame(b"hello"))
    wires.accept((0, 1), port(door), handshake=True)
    dest = door.accept()[0]
    door.close()
    assert dest.recv(100) == frame(b"hello")
    dest.sendall(frame(b"welcome"))
    wires.answer((0, 1))
    assert source.recv(100) == frame(b"welcome")
    wires.opened((0, 1))
    return wires, source, dest


def closed(*held: Wires | socket.socket) -> None:
    for one in held:
        one.close()


def test_frames_are_held_until_they_are_delivered(
    ends: tuple[Wires, socket.socket, socket.socket],
) -> None:
    wires, source, dest = ends
    both = frame(b"one") + frame(b"two")
    source.sendall(both)
    assert not wires.quiet()
    assert wires.collect((0, 1), len(both)) == [b"one", b"two"]
    assert wires.quiet()
    dest.settimeout(0.05)
    with pytest.raises(TimeoutError):
        dest.recv(100)
    wires.deliver((0, 1), frame(b"two"))
    assert dest.recv(100) == frame(b"two")
    closed(*ends)


@pytest.mark.parametrize("end", ["half", "none"])
def test_what_was_not_sent_whole_is_an_error(
    ends: tuple[Wires, socket.socket, socket.socket], end: str
) -> None:
    wires, source, _ = ends
    data = frame(b"one")[:-1]
    source.sendall(data)
    if end == "half":
        with pytest.raises(WireError, match="a part of a frame"):
            wires.collect((0, 1), len(data))
    else:
        source.close()
        with pytest.raises(WireError, match="ended its connection"):
            wires.collect((0, 1), len(data) + 1)
    closed(*ends)
