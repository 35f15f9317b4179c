"""Every truncation, every flipped bit, and what else a disk can do to a small journal.

The journal is written in batches, each of them one sync. Where each record lies is computed here
from docs/protocol.md: a file's header has 44 bytes, a record's 16. Three outcomes are told apart,
by the rule "torn or damaged" (``impl/journal/format.py``):

- damage before something that vouches for it (a later batch, a mark, a later file): refused;
- damage in the last batch, with no mark behind it: cut there, since no one can tell it from a
  batch that never reached the disk; the records before it are recovered;
- never anything else: no wrong record, no gap.
"""

import contextlib
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.journal import Journal, JournalDamaged, Limits, MemoryFiles
from impl.journal.format import mark, record_at, record_header, vouched_for
from impl.journal.memory_files import kept_all
from tests.impl.journal.numbered_records import count_of, record, snapshot_of

FILE, RECORD = 44, 16
FIRST = "journal-00000001"

# Lengths of the records of each batch.
BATCHES = [[12], [12, 20, 12], [12, 5], [30, 12]]
# Where each record begins, with its batch; and the end.
PLACES: list[tuple[int, int]] = []
END = FILE
for batch, sizes in enumerate(BATCHES):
    for size in sizes:
        PLACES.append((END, batch))
        END += RECORD + size
RECORDS = len(PLACES)
DEFAULT = Limits()
SIZES = [size for sizes in BATCHES for size in sizes]


def written(closed: bool) -> MemoryFiles:
    """A journal of BATCHES in one segment, crashed after its last sync, or closed (so marked)."""
    files = MemoryFiles()
    journal = Journal.open("node", files=files)
    numbers = iter(range(RECORDS))
    for sizes in BATCHES:
        for size in sizes:
            journal.append(record(next(numbers), size))
        journal.sync()
    if closed:
        journal.close()
    files.crash()
    return files


def outcome(files: MemoryFiles, limits: Limits = DEFAULT) -> int | None:
    """How many records are recovered; None: refused. A journal that opens must also go on."""
    try:
        journal = Journal.open("node", files=files, limits=limits)
    except JournalDamaged:
        return None
    count = count_of(journal.recovered)
    journal.append(record(count))
    journal.sync()
    files.crash()
    again = Journal.open("node", files=files, limits=limits)
    assert count_of(again.recovered) == count + 1
    return count


def record_of(place: int) -> int:
    """The record that the byte at ``place`` belongs to."""
    return max(number for number, (start, _) in enumerate(PLACES) if start <= place)


def test_the_places_are_those_of_the_document() -> None:
    assert len(written(closed=False).read(FIRST)) == END
    assert len(written(closed=True).read(FIRST)) == END + RECORD


@pytest.mark.parametrize("closed", [False, True])
def test_truncated_at_every_byte(closed: bool) -> None:
    """Nothing is left to vouch for what is missing, so the whole records are recovered."""
    files = written(closed)
    whole, state = files.read(FIRST), files.save()
    for size in range(len(whole)):
        files.restore(state)
        files.damage(FIRST, whole[:size])
        if size < FILE:
            assert outcome(files) is None
        else:
            ends = [*(start for start, _ in PLACES[1:]), END]
            assert outcome(files) == sum(end <= size for end in ends)


@pytest.mark.parametrize("closed", [False, True])
def test_every_flipped_bit(closed: bool) -> None:
    """Exactly the flips in the last batch of a journal that was not closed go unnoticed."""
    files = written(closed)
    whole, state = files.read(FIRST), files.save()
    unnoticed = 0
    for bit in range(8 * len(whole)):
        files.restore(state)
        files.damage(FIRST, flipped(whole, bit))
        place = bit // 8
        if place < FILE:
            expected = None
        elif place >= END:
            expected = RECORDS  # the mark itself: it carries no record
        elif closed or PLACES[record_of(place)][1] < len(BATCHES) - 1:
            expected = None
        else:
            expected = record_of(place)
            unnoticed += 1
        assert outcome(files) == expected, f"bit {bit % 8} of byte {place}"
    last = sum(RECORD + size for size in BATCHES[-1])
    assert unnoticed == (0 if closed else 8 * last)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_after_one_more_start_the_last_batch_is_vouched_for_too() -> None:
    files = written(closed=False)
    Journal.open("node", files=files)
    files.crash(kept_all)
    whole, state = files.read(FIRST), files.save()
    assert len(whole) == END + RECORD
    for bit in range(8 * END):
        files.restore(state)
        files.damage(FIRST, flipped(whole, bit))
        assert outcome(files) is None


SMALL = Limits(record=60, segment=150)


def many_files(identity: bytes = b"ourselve") -> MemoryFiles:
    """A snapshot and three segments after it, the last of them with two batches."""
    files = MemoryFiles(identity)
    journal = Journal.open("node", files=files, limits=SMALL)
    for number in range(4):
        journal.append(record(number))
    journal.snapshot(snapshot_of(4))
    for number in range(4, 12):
        journal.append(record(number))
        journal.sync()
    files.crash()
    return files


def test_every_flipped_bit_of_every_file() -> None:
    files = many_files()
    names = sorted(files.list())
    assert names == [f"journal-0000000{n}" for n in (3, 4, 5)] + ["snapshot-00000003"]
    state = files.save()
    cut = 0
    for name in names:
        whole = files.read(name)
        for bit in range(8 * len(whole)):
            files.restore(state)
            files.damage(name, flipped(whole, bit))
            last = name == names[2] and bit // 8 >= len(whole) - RECORD - 12
            assert outcome(files, SMALL) == (11 if last else None), f"{name}, byte {bit // 8}"
            cut += last
    assert cut == 8 * (RECORD + 12)


def test_every_truncation_of_every_file() -> None:
    files = many_files()
    names = sorted(files.list())
    state = files.save()
    for name in names:
        whole = files.read(name)
        for size in range(len(whole)):
            files.restore(state)
            files.damage(name, whole[:size])
            found = outcome(files, SMALL)
            if name != names[2] or size < FILE:
                assert found is None, f"{name} cut to {size} bytes"
            else:
                assert found == 10 + (size - FILE) // (RECORD + 12)


def test_missing_and_strange_files_are_refused() -> None:
    files = many_files()
    state = files.save()
    for name in ("journal-00000003", "journal-00000004", "snapshot-00000003"):
        files.restore(state)
        files.remove(name)
        assert outcome(files, SMALL) is None, f"without {name}"
    # A file of another journal, though whole and of the right name.
    other = many_files(b"stranger")
    for name in sorted(other.list()):
        files.restore(state)
        files.damage(name, other.read(name))
        with pytest.raises(JournalDamaged, match="belongs to another journal"):
            Journal.open("node", files=files, limits=SMALL)
    # A file under the name of another.
    files.restore(state)
    files.damage("journal-00000006", files.read("journal-00000005"))
    with pytest.raises(JournalDamaged, match="that of a file with another name"):
        Journal.open("node", files=files, limits=SMALL)


def test_a_record_cut_where_its_checksum_still_matches() -> None:
    """Four bytes 255 bring CRC32C to a state that zero bytes do not change."""
    files = MemoryFiles()
    journal = Journal.open("node", files=files)
    journal.append(b"\xff" * 4 + bytes(8))
    journal.sync()
    files.crash()
    whole, state = files.read(FIRST), files.save()
    for size in range(1, 9):
        files.restore(state)
        files.damage(FIRST, whole[:-size])
        assert Journal.open("node", files=files).recovered == []


def test_records_that_moved_do_not_read() -> None:
    """Whole records taken out or doubled, as by a write that went astray.

    All that was behind them has moved and vouches for nothing; before that, all is as it was.
    """
    files = written(closed=True)
    whole, state = files.read(FIRST), files.save()
    places = [*(start for start, _ in PLACES), END]
    for number, (first, second) in enumerate(pairwise(places)):
        files.restore(state)
        files.damage(FIRST, whole[:first] + whole[second:])
        assert outcome(files) == number
        files.restore(state)
        files.damage(FIRST, whole[:second] + whole[first:])
        assert outcome(files) == number + 1
    files = many_files()
    state = files.save()
    snapshot = files.read("snapshot-00000003")
    size = RECORD + len(snapshot_of(4)[0])
    for moved in (
        snapshot[:FILE] + snapshot[FILE + size :],
        snapshot[: FILE + size] + snapshot[FILE:],
        snapshot + b"x",
        snapshot + snapshot[-RECORD:],
    ):
        files.restore(state)
        files.damage("snapshot-00000003", moved)
        assert outcome(files, SMALL) is None


def test_a_zero_filled_end_is_torn_and_a_zero_hole_is_damage() -> None:
    """A crash can lengthen a file before its bytes arrive, and the new ones then read as zero."""
    files = written(closed=False)
    whole, state = files.read(FIRST), files.save()
    last = next(start for start, batch in PLACES if batch == len(BATCHES) - 1)
    for start in range(last, END):
        for more in (0, 1, 4096):
            files.restore(state)
            files.damage(FIRST, whole[:start] + bytes(END - start + more))
            # A record that ends in zero bytes does not exist here, so the cut is where they begin.
            assert outcome(files) == record_of(start)
    for start in range(FILE, last, 3):
        for end in range(start + 1, last + 1, 3):
            files.restore(state)
            hole = whole[:start] + bytes(end - start) + whole[end:]
            files.damage(FIRST, hole)
            assert outcome(files) == (None if hole != whole else RECORDS)


@given(data=st.binary(max_size=200), start=st.integers(0, END), keep=st.booleans())
def test_any_bytes_in_place_of_others(data: bytes, start: int, keep: bool) -> None:
    """No wrong record, and no error but JournalDamaged, whatever the bytes are."""
    files = written(closed=False)
    whole = files.read(FIRST)
    files.damage(FIRST, whole[:start] + data + (whole[start + len(data) :] if keep else b""))
    count = outcome(files)
    assert count is None or count <= RECORDS


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "journal-00000001",
                "journal-00000002",
                "snapshot-00000002",
                "journal-00000001.new",
                "lock",
                "journal-00000000",
                "snapshot-00000000",
                "journal-99999999999999999999999",
            ]
        ),
        st.binary(max_size=100),
        max_size=4,
    )
)
def test_a_folder_of_anything(content: dict[str, bytes]) -> None:
    files = MemoryFiles()
    for name, data in content.items():
        files.damage(name, data)
    with contextlib.suppress(JournalDamaged):
        assert Journal.open("node", files=files).recovered == []


@dataclass
class Case:
    name: str
    data: bytes
    message: str


def cases() -> Iterator[Case]:
    whole = written(closed=True).read(FIRST)
    mend = (
        "put the file back from a copy made since this node last stopped, or set the node up anew"
        " as another member; an older copy, or a deleted file, makes it forget what it has promised"
    )
    yield Case("empty", b"", f"byte 0: the file is 0 bytes long, its header alone has 44; {mend}")
    yield Case("text", b"x" * 99, f"byte 0: this is no file of a Quorate journal; {mend}")
    yield Case(
        "version",
        whole[:8] + struct.pack(">I", 2) + whole[12:],
        "byte 8: version 2 of the format, and this program knows version 1; open it with the"
        " program that wrote it; if that was this one, the file is damaged",
    )
    yield Case(
        "header",
        flipped(whole, 8 * 30),
        f"byte 0: the header does not match its checksum; {mend}",
    )
    witness = PLACES[4][0]
    yield Case(
        "payload",
        flipped(whole, 8 * (PLACES[1][0] + RECORD)),
        f"byte {PLACES[1][0]}: a record does not match its checksum, and was on disk before the"
        f" record at byte {witness} was written; {mend}",
    )
    yield Case(
        "length",
        flipped(whole, 8 * PLACES[1][0]),
        f"byte {PLACES[1][0]}: the header of a record does not match its checksum, and was on"
        f" disk before the record at byte {witness} was written; {mend}",
    )


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
def test_the_message_says_where_what_and_the_mend(case: Case) -> None:
    files = written(closed=True)
    files.damage(FIRST, case.data)
    with pytest.raises(JournalDamaged) as damaged:
        Journal.open("node", files=files)
    assert str(damaged.value) == f"node/{FIRST}, {case.message}"


def test_a_mark_reads_only_where_it_belongs() -> None:
    """So zero bytes are never one, not even if the checksum of a file makes them match."""
    files = written(closed=False)
    whole, state = files.read(FIRST), files.save()
    (seed,) = struct.unpack(">I", whole[40:44])
    for synced in (0, FILE, END - 1, END + 1):
        files.restore(state)
        files.damage(FIRST, whole + mark(synced, END, seed))
        assert outcome(files) == RECORDS
        assert files.read(FIRST)[END : END + RECORD] != mark(synced, END, seed)


def test_damage_in_the_middle_is_named_where_it_is() -> None:
    files = many_files()
    files.damage("journal-00000004", flipped(files.read("journal-00000004"), 8 * (FILE + 20)))
    with pytest.raises(JournalDamaged, match="00004, byte 44: a record does not match its check"):
        Journal.open("node", files=files)


def test_a_refused_journal_is_left_as_it_was() -> None:
    files = many_files()
    files.damage("journal-00000004", flipped(files.read("journal-00000004"), 8 * 50))
    before = {name: files.read(name) for name in files.list()}
    with pytest.raises(JournalDamaged):
        Journal.open("node", files=files)
    assert {name: files.read(name) for name in files.list()} == before


def test_the_search_for_a_witness_finds_what_the_plain_one_finds() -> None:
    """Against a search by the reader of records, over random tails."""
    randomness = random.Random(4)
    for _ in range(300):
        seed = randomness.getrandbits(32)
        data = randomness.randbytes(randomness.randrange(60))
        for _ in range(randomness.randrange(3)):
            payload = randomness.randbytes(randomness.randrange(1, 9))
            data += record_header(payload, randomness.randrange(80), len(data), seed) + payload
            data += randomness.randbytes(randomness.randrange(20))
        data += mark(len(data), len(data), seed) if randomness.random() < 0.3 else b""
        for offset in range(len(data)):
            plain = (
                place
                for place in range(offset + 1, len(data))
                for found in [record_at(data, place, seed)]
                if found is not None and offset < found[1] <= place
            )
            assert vouched_for(data, offset, seed) == next(plain, None)
