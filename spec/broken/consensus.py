"""Consensus, broken on purpose."""

from checker.lang import *
from spec.consensus import Consensus, Value


class ChoosesTwice(Consensus):
    """Whoever asks is told yes.

    The mistake: to decide without looking whether it has been decided, as two configuration
    stores do that both believe themselves to be the primary.

    Gives: `agreement` violated after two choices.
    """

    @action
    def choose(self, v: Value) -> None:
        self.chosen.add(v)


class ChangesItsMind(Consensus):
    """The last writer wins.

    The mistake: to take "never two values at once" for consensus, as a register does that
    anyone may overwrite.  `agreement` is then always true; only a property of steps can see it.

    Gives: `a_choice_is_final` violated by the second choice.
    """

    @action
    def choose(self, v: Value) -> None:
        self.chosen = {v}
