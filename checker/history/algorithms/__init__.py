"""Special algorithms: near-linear tests for the histories that allow them.

Reading order: `decision` (what is answered, and in which numbers), `blocks` (the test that several
share), `zones` (registers with unique values), `chains` (compare-and-set), `queues` (FIFO).
Each opens with its theorem and the argument.  They know no model and no file format: they take
numpy columns.
"""
