"""Dijkstra's self-stabilising token ring (1974), written from the docs alone.

Machine 0 holds the token if its number is that of the last one; any other does if its number
differs from that of the machine before it.  From any numbers at all, one token is left.
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *

Machine = Annotated[int, Range("machines")]
Number = Annotated[int, Range("numbers")]


class TokenRing(Spec):
    """Whatever it starts from, in the end there is one token, and it goes round."""

    machines: int = const(4)
    numbers: int = const(4)

    number: Map[Machine, Number]

    @assume
    def is_a_ring(self) -> bool:
        return self.machines >= 2

    @init
    def anything(self, start: Map[Machine, Number]) -> None:
        self.number = start

    def has_token(self, m: Machine) -> bool:
        if m == 0:
            return self.number[0] == self.number[self.machines - 1]
        return self.number[m] != self.number[m - 1]

    @action(fairness=weak(for_each="m"))
    def pass_on(self, m: Machine) -> None:
        require(self.has_token(m))
        self.number[m] = (self.number[0] + 1) % self.numbers if m == 0 else self.number[m - 1]

    def tokens(self) -> int:
        return sum(self.has_token(m) for m in range(self.machines))

    @invariant
    def there_is_a_token(self) -> bool:
        return self.tokens() > 0

    @step_property
    def no_token_is_made(self) -> bool:
        return self.tokens() <= self.old.tokens()

    @eventually_always
    def one_token(self) -> bool:
        return self.tokens() == 1

    @infinitely_often
    def everyone_has_it(self, m: Machine) -> bool:
        return self.has_token(m)


class TooFewNumbers(TokenRing):
    """The mistake: fewer numbers than a ring of this size needs."""

    numbers: int = const(2)
