"""Records that are numbered, so that what is recovered can be compared with what was written.

Record ``i`` says its number; a snapshot is two records that say together how many there were. What
a journal recovers must therefore read as the numbers from 0 on, none twice, none left out.
"""

from collections.abc import Iterable


def record(number: int, size: int = 12) -> bytes:
    return (b"%d " % number).ljust(size, b".")


def snapshot_of(count: int) -> list[bytes]:
    return [b"first part", b"all before %d" % count]


def count_of(records: Iterable[bytes]) -> int:
    """How many were appended, by what was recovered."""
    left = list(records)
    count = 0
    if left and left[0] == b"first part":
        assert left[1].startswith(b"all before ")
        count = int(left[1].removeprefix(b"all before "))
        left = left[2:]
    for found in left:
        number, _, filler = found.partition(b" ")
        assert int(number) == count, f"{found!r} where number {count} belongs"
        assert filler.strip(b".") == b""
        count += 1
    return count
