"""Bytes between processes: frames, the handshake, and the connections to the other nodes.

Read `frames.py`, `handshake.py`, `payloads.py` (they hold no socket), then `connection.py` and
`peers.py`.  The bytes are described in docs/protocol.md.
"""
