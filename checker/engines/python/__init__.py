"""The reference engine: plain, exact, and the one that the others are compared with."""
