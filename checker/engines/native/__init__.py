"""The native engine: a spec becomes C, is compiled, and is searched on all cores.

Read `generate.py` (which C), `unrolled.py` or `general/` (how it is written), `library.py` and
`runtime/` (how it runs), `explore.py` (the search) and `explain.py` (what it found).
"""
