"""Paxos, sans I/O: events in, effects out.

No socket, file, clock, thread or randomness lives here, and no loop over an unordered set: the
same events give the same effects.  Reading order: `messages`, `instance`, `node`.
"""
