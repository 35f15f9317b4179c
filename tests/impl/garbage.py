"""Bytes that are nearly right: MessagePack of any shape, made of the words that a decoder knows."""

import msgspec
from hypothesis import strategies as st

NUMBERS = st.sampled_from([0, 1, 2, 3, 5, -1, 2**31, 2**53 - 1, 2**53, 2**63, 2**64 - 1, -(2**63)])


def anything_packed(*words: object) -> st.SearchStrategy[bytes]:
    """Arrays, maps and scalars in which `words` are frequent; some cut or with one byte off."""
    leaves = st.one_of(
        st.sampled_from(words),
        NUMBERS,
        st.none(),
        st.booleans(),
        st.floats(),
        st.text(max_size=8),
        st.binary(max_size=8),
    )
    shapes = st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=6), st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=12,
    )
    whole = st.builds(msgspec.msgpack.encode, st.one_of(st.lists(shapes, max_size=7), shapes))
    return st.one_of(whole, st.builds(_damaged, whole, st.integers(0, 400), st.integers(0, 256)))


def _damaged(data: bytes, at: int, byte: int) -> bytes:
    if not data:
        return data
    at %= len(data)
    if byte == 256:
        return data[:at]
    return data[:at] + bytes([byte]) + data[at + 1 :]
