"""Refinement: is every step here a step there, or none?

Each state here is mapped to a state of the other spec.  Initial states must map to initial
states, and each step must map to no change (a stuttering step there) or to at most
`steps` steps there, one after the other.

Rules of this file:

* A state is mapped once, when it is discovered; equal images are one image.
* What an image can do is computed once, when first needed; so an edge costs a look-up.
* Only steps are compared.  The other spec's fairness is not inherited: what it promises to
  happen must be stated, and checked, here.
"""

from __future__ import annotations

from array import array
from typing import Any

from checker.engines.result import Counterexample, Step
from checker.lang.errors import ModelError
from checker.lang.model import Model, Refinement, State

NONE = -1
LISTED_STEPS = 12
"""How many of the other spec's steps an explanation lists."""


class Images:
    """One refinement during one search: the images of the states discovered so far."""

    def __init__(self, model: Model, refinement: Refinement) -> None:
        self.model = model
        self.refinement = refinement
        self.other = refinement.other
        self.of: array[int] = array("i")
        """The number of each state's image, by the state's number; `NONE`: it has none."""
        self.states: list[State] = []
        self.numbers: dict[State, int] = {}
        self.next: dict[int, set[int]] = {}
        self._initial: set[int] | None = None

    @property
    def initial(self) -> set[int]:
        """The numbers of the initial states there.  Raises `ModelError`."""
        if self._initial is None:
            self._initial = {self._number(state) for state in self.other.initial_states()}
        return self._initial

    def _number(self, image: State) -> int:
        number = self.numbers.setdefault(image, len(self.states))
        if number == len(self.states):
            self.states.append(image)
        return number

    def image(self, state: State) -> int:
        """The number of a state's image.  Raises `ModelError`."""
        return self._number(self.model.abstract(self.refinement, state))

    def place(self, state: State) -> None:
        """Map the state that was discovered just now.  Raises `ModelError`; then call `skip`."""
        self.of.append(self.image(state))

    def skip(self) -> None:
        """The state discovered just now has no image."""
        self.of.append(NONE)

    def allows(self, image: int, then: int) -> bool:
        """Whether a step from one image to the other is one there.  Raises `ModelError`."""
        if image == then or NONE in (image, then):
            return True
        allowed = self.next.get(image)
        if allowed is None:
            allowed = self.next[image] = self._reached(image)
        return then in allowed

    def _reached(self, image: int) -> set[int]:
        """The images within the allowed number of steps."""
        found: set[int] = set()
        edge = {image}
        for _ in range(self.refinement.steps):
            edge = {
                self._number(after)
                for number in sorted(edge)
                for _, _, after in self.other.successors(self.states[number])
            }
            edge -= found
            found |= edge
        return found

    # ------------------------------------------------------------- explaining

    def wrong_start(self, number: int, steps: tuple[Step, ...]) -> Counterexample:
        """An initial state, whose image has this number, is no initial state there."""
        image = self.states[number]
        lines = [f"This initial state is no initial state of {self.other.describe()}."]
        starts = [self.states[number] for number in sorted(self.initial)]
        if len(starts) == 1:
            lines += [
                "What should be, and what it is:",
                *self._changes(starts[0], image),
            ]
        else:
            lines += ["As a state there it has:", *self._fields(image)]
        return self._counterexample(lines, steps)

    def wrong_step(self, before: int, after: int, steps: tuple[Step, ...]) -> Counterexample:
        """The last of `steps`, from one image to the other, is no step there."""
        here, then = self.states[before], self.states[after]
        last = steps[-1]
        name = self.model.action(last.action or "").text(last.args)
        most = self.refinement.steps
        limit = "" if most == 1 else f" (nor up to {most} steps)"
        lines = [f"`{name}` is no step of {self.other.describe()}{limit}. There it would change:"]
        lines += self._changes(here, then)
        lines += self._possible(here)
        return self._counterexample(lines, steps)

    def error(self, error: ModelError, steps: tuple[Step, ...]) -> Counterexample:
        return self._counterexample([str(error)], steps)

    def _counterexample(self, lines: list[str], steps: tuple[Step, ...]) -> Counterexample:
        return Counterexample(self.refinement.name, "refinement", "\n".join(lines), steps)

    def _fields(self, image: State) -> list[str]:
        return [f"  {name} = {text}" for name, text in self.other.show(image).items()]

    def _changes(self, before: State, after: State) -> list[str]:
        old, new = self.other.show(before), self.other.show(after)
        return [f"  {name}: {old[name]} -> {new[name]}" for name in old if old[name] != new[name]]

    def _possible(self, image: State) -> list[str]:
        """The steps that the other spec allows in a state, as text."""
        try:
            found: dict[str, Any] = {
                action.text(args): None
                for action, args, after in self.other.successors(image)
                if after != image
            }
        except ModelError as error:
            return [f"No step is possible there: {error}"]
        if not found:
            return ["No step is possible there."]
        shown = list(found)[:LISTED_STEPS]
        more = len(found) - len(shown)
        rest = [f"  and {more} more"] if more else []
        return ["Possible there:", *(f"  {text}" for text in shown), *rest]
