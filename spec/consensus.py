"""Consensus: what has to be achieved, and nothing about how.

A set of processes must choose one value.  We abstract from the processes, and keep the set of
values that have been chosen.  "At most one member" is not enough as a requirement: it would
allow a value to be chosen, unchosen, and another to be chosen.  So the set begins empty, may
become a set of one value, and then never changes.

Every protocol of this library that decides something refines this: `voting.py` does so
directly, and `paxos.py` through it.

Source: L. Lamport, TLA+ module Consensus, of his lecture "The Paxos algorithm, or how to win
a Turing Award" (2019).

Parameters, which are therefore counted: the value that is chosen.
"""

from checker.lang import *


class Value(Sort):
    """What may be chosen."""


class Consensus(Spec):
    """At most one value is chosen, once and for all."""

    values: Set[Value] = members(3)

    chosen: Set[Value]

    @action
    def choose(self, v: Value) -> None:
        require(len(self.chosen) == 0)
        self.chosen = {v}

    @invariant
    def agreement(self) -> bool:
        return len(self.chosen) <= 1

    @step_property
    def a_choice_is_final(self) -> bool:
        return self.old.chosen <= self.chosen

    @reachable
    def any_value_can_be_chosen(self, v: Value) -> bool:
        return v in self.chosen

    @final
    def decided(self) -> bool:
        """Nothing is left to do.  That something is chosen at all is not required here."""
        return len(self.chosen) == 1
