"""What is true: the protocols, as executable state machines.

A spec is pure. No I/O, clock, thread or randomness lives here, and nothing is imported but
the standard library, this package and ``checker.lang``.
"""
