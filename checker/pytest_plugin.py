"""The pytest plugin that the distribution registers under the name ``quorate``.

It adds nothing to pytest yet. The module must exist: pytest loads it by entry point in every
environment where Quorate is installed, and does not start without it.
"""
