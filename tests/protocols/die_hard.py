"""Two jugs without marks, a tap, and four gallons wanted.

The puzzle of the film "Die Hard with a Vengeance" (1995), and the first TLA+ spec that most
people read (L. Lamport, TLA+ Video Course, lecture 4).
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *


class DieHard(Spec):
    """A jug of 3 gallons and one of 5 can measure 4."""

    small: int = const(3)
    big: int = const(5)
    goal: int = const(4)

    in_small: Annotated[int, Range("small + 1")] = 0
    in_big: Annotated[int, Range("big + 1")] = 0

    @action
    def fill_small(self) -> None:
        self.in_small = self.small

    @action
    def fill_big(self) -> None:
        self.in_big = self.big

    @action
    def empty_small(self) -> None:
        self.in_small = 0

    @action
    def empty_big(self) -> None:
        self.in_big = 0

    @action
    def small_to_big(self) -> None:
        poured = min(self.in_small, self.big - self.in_big)
        self.in_small -= poured
        self.in_big += poured

    @action
    def big_to_small(self) -> None:
        poured = min(self.in_big, self.small - self.in_small)
        self.in_big -= poured
        self.in_small += poured

    @reachable
    def the_goal_can_be_measured(self) -> bool:
        return self.in_big == self.goal

    @step_property
    def a_step_empties_or_fills_a_jug(self) -> bool:
        return self.in_small in {0, self.small} or self.in_big in {0, self.big}


class NeverSolved(DieHard):
    """Asks for the solution, as one does in TLA+: by denying that there is one."""

    @invariant
    def there_is_no_solution(self) -> bool:
        return self.in_big != self.goal
