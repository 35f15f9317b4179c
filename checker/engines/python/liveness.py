"""Liveness: what must happen in every fair run.

A violation is a *lasso*: a run from an initial state, the stem, and a loop that is gone round
for ever.  Each kind of property asks for a lasso of the same form:

    trigger   a state where the obligation begins
    region    from the trigger on, every state lies in it
    visit     a state that the loop must pass

    property                violated by    trigger            region   visit
    eventually p            never p        initial, not p     not p
    infinitely_often p      at last not p  not p              not p
    eventually_always p     again not p    any                any      not p
    leads_to p, q           p, never q     p and not q        not q

A fair loop is found as in Emerson and Lei (1987).  Take the strongly connected components of the
region.  If a weak assumption is possible in every state of one and no edge inside serves it, no
loop in it is fair.  If a strong assumption is possible somewhere and no edge inside serves it,
remove the states where it is possible and look again.  Otherwise going everywhere again and again
is fair.  Staying in a state for ever is a loop, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from checker.engines.python.components import components
from checker.engines.python.fairness import NONE, Fair, fairness_in_words
from checker.engines.python.graph import Graph, WrongIn
from checker.engines.python.lasso import Lasso, Reach, best_lasso
from checker.engines.python.plan import Findings, Instance
from checker.engines.python.watch import Watch
from checker.engines.result import Counterexample
from checker.lang.errors import ModelError

__all__ = ["counterexample", "fairness_in_words", "judge_liveness"]


@dataclass
class Claim:
    """What a violating lasso looks like, as sets of states."""

    triggers: list[int]
    region: set[int]
    visit: set[int] | None = None
    caused: bool = False
    """Of a leads-to: whether what it leads from is true anywhere."""


def judge_liveness(
    graph: Graph, instances: list[Instance], findings: Findings, watch: Watch
) -> bool:
    """Look for a violation of each property; false if a model error stood in the way."""
    try:
        claims = _claims(graph, instances, watch)
        search = LassoSearch(graph, Fair(graph), watch)
    except WrongIn as wrong:
        findings.model_error(wrong.error, graph.path(wrong.state))
        return False
    findings.vacuous += _never_caused(instances, claims)
    for instance, claim in zip(instances, claims, strict=True):
        if findings.violated(instance[0].name):
            continue
        lasso = search.find(claim)
        if lasso is not None:
            findings.add(counterexample(search.fair, instance, lasso))
    return True


def _never_caused(instances: list[Instance], claims: list[Claim]) -> list[str]:
    """The leads-tos that hold of every run because nothing ever calls for them."""
    names = dict.fromkeys(what.name for (what, _) in instances if what.kind == "leads_to")
    pairs = zip(instances, claims, strict=True)
    caused = {what.name for (what, _), claim in pairs if claim.caused}
    return [name for name in names if name not in caused]


def _claims(graph: Graph, instances: list[Instance], watch: Watch) -> list[Claim]:
    """Evaluate every property in every state."""
    claims = [Claim([], set(), _visited(instance)) for instance in instances]
    for number, state in enumerate(graph.states):
        watch.tick(len(graph.states), graph.edge_count, 0, 0, "liveness")
        graph.model.load(state)
        for (what, args), claim in zip(instances, claims, strict=True):
            try:
                value = graph.model.evaluate(what, args)
            except ModelError as error:
                raise WrongIn(number, error) from error
            _note(claim, what.kind, value, number, number < graph.initial)
    return claims


def _visited(instance: Instance) -> set[int] | None:
    return set() if instance[0].kind == "eventually_always" else None


def _note(claim: Claim, kind: str, value: object, state: int, initial: bool) -> None:
    """One row of the table at the top of this file."""
    if kind == "leads_to":
        assert isinstance(value, tuple)
        cause, effect = value
        claim.caused |= bool(cause)
        if not effect:
            claim.region.add(state)
            if cause:
                claim.triggers.append(state)
    elif kind == "eventually_always":
        assert claim.visit is not None
        claim.region.add(state)
        claim.triggers.append(state)
        if not value:
            claim.visit.add(state)
    elif not value:
        claim.region.add(state)
        if initial or kind == "infinitely_often":
            claim.triggers.append(state)


class LassoSearch:
    """Looks for fair lassos in one graph."""

    def __init__(self, graph: Graph, fair: Fair, watch: Watch) -> None:
        self.graph = graph
        self.fair = fair
        self.watch = watch
        self.next = [graph.next_states(state) for state in range(len(graph.states))]
        # What is possible in a state with steps cut off is not known, so that it is not known
        # whether staying near it is fair.  A run may pass it, but a loop avoids it.
        some_fairness = any(action.fairness for action in graph.model.actions)
        self.uncertain = graph.cut if some_fairness else set()

    def find(self, claim: Claim) -> Lasso | None:
        """A short lasso of the form that `claim` describes; `None` if there is none."""
        reach = Reach(self.graph, self.next, claim.triggers, claim.region)
        inside = reach.distance.keys() - self.uncertain
        loops = list(self._fair_components(inside, claim.visit))
        return best_lasso(self.graph, self.fair, reach, loops, claim.visit) if loops else None

    def _fair_components(self, inside: set[int], visit: set[int] | None) -> Iterator[set[int]]:
        """The largest sets of states of which a fair loop can visit all, again and again."""
        work = [inside]
        while work:
            part = work.pop()
            for found in components(sorted(part), self.next.__getitem__, part):
                self._tick()
                whole = set(found)
                if visit is not None and visit.isdisjoint(whole):
                    continue
                rest = self._without_unfair(whole)
                if rest == whole:
                    yield whole
                elif rest:
                    work.append(rest)

    def _without_unfair(self, whole: set[int]) -> set[int]:
        """The part of a component where loops may be fair: all, some, or none of it."""
        possible: Counter[int] = Counter()
        taken: set[int] = set()
        for state in whole:
            possible.update(self.fair.possible[state])
            for edge in self.graph.edges(state):
                if self.fair.of_edge[edge] != NONE and self.graph.targets[edge] in whole:
                    taken.add(self.fair.of_edge[edge])
        broken = {number for number in possible if number not in taken}
        strong = {number for number in broken if self.fair.assumptions[number].strong}
        if any(possible[number] == len(whole) for number in broken):
            return set()
        if not strong:
            return whole
        return {state for state in whole if strong.isdisjoint(self.fair.possible[state])}

    def _tick(self) -> None:
        self.watch.tick(len(self.graph.states), self.graph.edge_count, 0, 0, "liveness")


# --------------------------------------------------------------------------- in words


_SAYS = {
    "eventually": "must become true in every fair run; in this run it never does",
    "infinitely_often": "must be true again and again in every fair run; here it is false for ever",
    "eventually_always": "must stay true from some point on; here it is false again and again",
    "leads_to": "must lead to its goal in every fair run; here it never does",
}


def counterexample(fair: Fair, instance: Instance, lasso: Lasso) -> Counterexample:
    what, args = instance
    lines = [f"`{what.text(args)}` {_SAYS[what.kind]}.", *_ending(fair, lasso)]
    assumed = fairness_in_words(fair.graph.model)
    if assumed:
        lines += ["This run is fair. Assumed:", *(f"  {sentence}" for sentence in assumed)]
    else:
        lines.append(
            "No fairness is assumed, so that a run may stop anywhere: "
            "say what must not wait for ever, with @action(fairness=weak())."
        )
    return Counterexample(what.name, what.kind, "\n".join(lines), lasso.steps(), lasso.start)


def _ending(fair: Fair, lasso: Lasso) -> list[str]:
    if lasso.loop:
        return [f"From state {lasso.start} on it goes round for ever."]
    state = lasso.entry
    possible = {
        action.text(args): None
        for action, args, target in fair.graph.steps(state)
        if target != state
    }
    if not possible:
        return ["It stays in the last state for ever: nothing more is possible there."]
    some = ", ".join(f"`{text}`" for text in list(possible)[:LISTED_STEPS])
    more = ", ..." if len(possible) > LISTED_STEPS else ""
    return [
        f"It stays in the last state for ever. No fairness obliges what is possible: {some}{more}."
    ]


LISTED_STEPS = 6
"""How many of the steps that are possible at the end an explanation names."""
