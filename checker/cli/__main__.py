"""`python -m checker.cli` is `quorate`."""

from checker.cli import main

main()
