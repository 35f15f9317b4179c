"""The ground form of a program: the second level of the IR, lowered from `checker/lang/ir/`.

The typed IR says what an action does for any parameters, with quantifiers over domains and over
sets.  The ground form has one entry for each binding of each action, with nothing left to bind:
a condition over cells of the state, and what it writes into which cells.  It is for generated C
(mask tests and constants), for exact read and write sets, and for partial-order reduction.

Reading order: `conditions.py`, `symbols.py`, `layout.py`, `memo.py`, `execute.py`,
`images.py`, `lower.py`.
"""
