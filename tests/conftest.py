"""What every test shares."""

from hypothesis import settings

# The same examples in every run, so that a red test is red again for whoever looks into it.
# To hunt with fresh ones: `pytest --hypothesis-profile=random`.
settings.register_profile("ci", derandomize=True, deadline=None, database=None)
settings.register_profile("random", deadline=None, print_blob=True)
settings.load_profile("ci")
