"""Termination detection on a ring, with a token and two colours.

Machine 0 sends a token round, against the numbers.  A machine that sends a message to one with a
higher number turns black, for it may have woken one that the token has passed; a black machine
blackens the token.  A white token that comes back to a white, passive machine 0 means that all
are passive.

Source: E. W. Dijkstra, W. H. J. Feijen and A. J. M. van Gasteren, "Derivation of a termination
detection algorithm for distributed computations" (EWD 840, 1983); the form of the steps, and the
counts to compare with, are those of S. Merz' TLA+ module EWD840 (tlaplus/Examples).
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from enum import Enum

from checker.lang import *

Machine = Annotated[int, Range("machines")]


class Color(Enum):
    WHITE = 1
    BLACK = 2


class Termination(Spec):
    """What is detected is true, and what is true is detected."""

    machines: int = const(3)

    active: Map[Machine, bool]
    color: Map[Machine, Color] = everywhere(Color.WHITE)  # any, at first
    token: Machine = 0
    token_color: Color = Color.BLACK

    @init
    def begin(self, active: Map[Machine, bool], color: Map[Machine, Color], token: Machine) -> None:
        self.active = active
        self.color = color
        self.token = token

    @action(fairness=weak())
    def start_round(self) -> None:
        require(self.token == 0)
        require(self.token_color == Color.BLACK or self.color[0] == Color.BLACK)
        self.token = self.machines - 1
        self.token_color = Color.WHITE
        self.color[0] = Color.WHITE

    @action(fairness=weak())
    def pass_token(self, i: Machine) -> None:
        require(i == self.token and i != 0)
        require(not self.active[i] or Color.BLACK in {self.color[i], self.token_color})
        self.token = i - 1
        if self.color[i] == Color.BLACK:
            self.token_color = Color.BLACK
        self.color[i] = Color.WHITE

    @action
    def send(self, i: Machine, j: Machine) -> None:
        require(self.active[i] and i != j)
        self.active[j] = True
        self.blacken(i, j)

    def blacken(self, i: Machine, j: Machine) -> None:
        if j > i:
            self.color[i] = Color.BLACK

    @action
    def become_passive(self, i: Machine) -> None:
        require(self.active[i])
        self.active[i] = False

    def all_passive(self) -> bool:
        return not any(self.active[i] for i in range(self.machines))

    def detected(self) -> bool:
        return (
            self.token == 0
            and self.token_color == Color.WHITE
            and self.color[0] == Color.WHITE
            and not self.active[0]
        )

    @invariant
    def what_is_detected_is_true(self) -> bool:
        return not self.detected() or self.all_passive()

    @invariant
    def dijkstra_s_invariant(self) -> bool:
        return (
            all(not self.active[i] for i in range(self.token + 1, self.machines))
            or any(self.color[j] == Color.BLACK for j in range(self.token + 1))
            or self.token_color == Color.BLACK
        )

    @leads_to
    def what_is_true_is_detected(self) -> tuple[bool, bool]:
        return self.all_passive(), self.detected()

    @final
    def over(self) -> bool:
        return self.detected()


class BlackensTheWrongWay(Termination):
    """Who sends to a lower number turns black, and who sends to a higher one does not."""

    def blacken(self, i: Machine, j: Machine) -> None:
        if j < i:
            self.color[i] = Color.BLACK
