"""Liveness after a native search: the same answers as `engines/python/liveness.py`.

The graph and the search for fair lassos are C (`runtime/graph.c`).  What is found is shown by
running the spec itself there.
"""

from __future__ import annotations

from checker.engines.native.library import Search
from checker.engines.native.liveness.graph import LivenessGraph
from checker.engines.native.liveness.lasso import graph_of, lasso_of
from checker.engines.python.explore import run_through
from checker.engines.python.fairness import Fair
from checker.engines.python.graph import WrongIn
from checker.engines.python.liveness import counterexample
from checker.engines.python.plan import Findings, Plan
from checker.engines.python.watch import Watch
from checker.lang.errors import ModelError
from checker.lang.model import Model, State


def judge_liveness_natively(
    model: Model, plan: Plan, findings: Findings, search: Search, watch: Watch
) -> bool:
    """After a complete search, look for a violation of each property.

    False if a model error stood in the way.  `LimitReached` and `KeyboardInterrupt` pass through.
    """
    graph = LivenessGraph(search, plan.liveness, watch)
    try:
        failing = graph.build()
        if failing is not None:
            words = search.path(*failing)
            states = [search.library.generated.packing.decode(w) for w in words]
            findings.model_error(_error(model, plan, states[-1]), run_through(model, states))
            return False
        caused = {what.name: False for what, _ in plan.liveness if what.kind == "leads_to"}
        answers = graph.answers()
        for number, instance in enumerate(plan.liveness):
            name = instance[0].name
            if findings.violated(name):
                continue
            if name in caused:
                caused[name] |= answers[number].caused
            run = answers[number].run
            if run is not None:
                fair, lasso = lasso_of(model, run)
                findings.add(counterexample(fair, instance, lasso))
        findings.vacuous += [name for name, was in caused.items() if not was]
        return True
    finally:
        graph.close()


def _error(model: Model, plan: Plan, state: State) -> ModelError:
    """The model error of a property, or of a condition of fairness, in a state."""
    try:
        for what, args in plan.liveness:
            model.holds(what, state, args)
        Fair(graph_of(model, [state]))
    except ModelError as error:
        return error
    except WrongIn as wrong:
        return wrong.error
    raise AssertionError("the native engine reports a model error that the spec does not have")
