"""How we know: the language, engines, conformance, histories, reports and the command line.

Specs are known only through ``checker.lang``. Only ``checker.conform`` and ``checker.cli``
may import ``spec`` or ``impl``; ``tests/test_imports.py`` enforces it.
"""
