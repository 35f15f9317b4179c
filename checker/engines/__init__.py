"""The engines: each explores a spec and gives the same answer (`result.py`)."""
