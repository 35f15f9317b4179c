"""The general search: for any model and any history, and exponential in the worst case."""

from checker.history.search.engine import (
    Budget,
    Configuration,
    Verdict,
    search,
    search_keys,
    search_problem,
)
from checker.history.search.objects import Objects
from checker.history.search.problem import Problem, problem_of
from checker.history.search.trials import Trials

__all__ = [
    "Budget",
    "Configuration",
    "Objects",
    "Problem",
    "Trials",
    "Verdict",
    "problem_of",
    "search",
    "search_keys",
    "search_problem",
]
