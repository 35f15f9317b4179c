"""The states that a run may be in, after what its log has said so far.

A `Candidates` is a set of states in a fixed order, with the sets that known events lead to.  Equal
sets are one object, and an event that has been seen in a set costs one look in a dictionary:
the subset construction, made lazily, as regular expressions are matched by an automaton whose
states are made as the text needs them (R. Cox, "Regular Expression Matching Can Be Simple And
Fast", 2007, section "Caching the NFA to build a DFA").  When too much is remembered, all of it is
forgotten and made again.

Rules of this file:

* The order of states is that in which steps make them, so every run gives the same.
* Hidden steps are taken before an event, never after: what follows the last line is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from checker.lang.errors import LimitReached
from checker.lang.model import Model, State
from checker.trace.events import Event, Hidden, Pattern

REMEMBERED = 400_000
"""States and transitions that are remembered, together."""


class TooMany(LimitReached):
    """More states than the limit are consistent with the log."""


class Candidates:
    """A set of states, in order; `after` has the sets that events lead to, as far as known."""

    __slots__ = ("after", "states")

    def __init__(self, states: tuple[State, ...]) -> None:
        self.states = states
        self.after: dict[Event, Candidates] = {}


class Follower:
    """Follows events through sets of states of one model.

    `limit`: so many states at most, with those that hidden steps lead through; `TooMany` beyond.
    `same`: one state for all that can do the same from there on (a counter that bounds nothing).
    """

    def __init__(
        self,
        model: Model,
        limit: int,
        *,
        remembered: int = REMEMBERED,
        same: Callable[[State], State] | None = None,
    ) -> None:
        self.model = model
        self.limit = limit
        self._same = same
        self.most = 0
        """The largest set so far."""
        self.forgotten = 0
        """How often all that was remembered was forgotten."""
        self._remembered = remembered
        self._held = 0
        self._sets: dict[tuple[State, ...], Candidates] = {}
        self._filled: list[Candidates] = []

    def start(self) -> Candidates:
        """The initial states."""
        return self._set_of(self.model.initial_states())

    def advance(self, now: Candidates, event: Event) -> Candidates:
        """The states after `event`; none if it cannot happen.  `TooMany`, `ModelError`."""
        known = now.after.get(event)
        if known is not None:
            return known
        found = self._set_of(self.image(now.states, event))
        if self._held > self._remembered:
            self.forget()
        if not now.after:
            self._filled.append(now)
        now.after[event] = found
        self._held += 1
        return found

    def forget(self) -> None:
        """Forget every set but those that are still in use, and every transition."""
        for one in self._filled:
            one.after.clear()
        self._filled.clear()
        self._sets.clear()
        self._held = 0
        self.forgotten += 1

    def use(self, model: Model) -> None:
        """Go on with another model, of which every state so far is a state."""
        self.forget()
        self.model = model

    def image(self, states: Iterable[State], event: Event) -> list[State]:
        """The states after `event`, from any of `states`."""
        if event.hidden is None or not event.hidden.fewest:
            return self._stepped(self.before(states, event), event)
        for layer in self._layers(states, event.hidden):
            found = self._stepped(layer, event)
            if found:
                return found
        return []

    def before(self, states: Iterable[State], event: Event) -> list[State]:
        """`states`, and those that hidden steps lead to."""
        if event.hidden is None:
            return list(states)
        return [state for layer in self._layers(states, event.hidden) for state in layer]

    def _layers(self, states: Iterable[State], hidden: Hidden) -> Iterator[list[State]]:
        """The states after no hidden step, after one, and so on: each state once."""
        layer = list(states)
        seen = dict.fromkeys(layer)
        depth = 0
        while layer:
            yield layer
            if depth == hidden.most:
                return
            depth += 1
            fresh: dict[State, None] = {}
            for state in layer:
                for pattern in hidden.patterns:
                    for after in self._after(state, pattern):
                        if after not in seen and hidden.may(after):
                            fresh[after] = None
                self._check(len(seen) + len(fresh))
            seen.update(fresh)
            layer = list(fresh)

    def _stepped(self, before: list[State], event: Event) -> list[State]:
        if event.step is None:
            return [state for state in before if _says(event, state)]
        found: dict[State, None] = {}
        for state in before:
            for after in self._after(state, event.step):
                if _says(event, after):
                    found[after] = None
            self._check(len(found))
        return list(found)

    def _after(self, state: State, pattern: Pattern) -> Iterator[State]:
        for _, after in pattern.steps(self.model, state):
            yield after if self._same is None else self._same(after)

    def _check(self, number: int) -> None:
        if number > self.limit:
            raise TooMany(f"more than {self.limit:,} states are consistent with the log")

    def _set_of(self, states: list[State]) -> Candidates:
        key = tuple(states)
        found = self._sets.get(key)
        if found is None:
            found = self._sets[key] = Candidates(key)
            self._held += len(key)
            self.most = max(self.most, len(key))
        return found


def _says(event: Event, state: State) -> bool:
    return all(check.holds(state) for check in event.checks)


__all__ = ["Candidates", "Follower", "TooMany"]
