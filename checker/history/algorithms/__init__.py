"""Special algorithms: near-linear tests for the histories that allow them.

Reading order: `decision` (what is answered, and in which numbers), `blocks` (the test that several
share), `zones` (registers with unique values), `chains` (compare-and-set), `queues` (FIFO),
`switches` (mutexes), `sets`, `logs` (a witness), and `special`, which chooses one for a history and
a model.  Each opens with its theorem and the argument.  All but `sets`, `logs` and `special` know
no history and no model: they take numpy columns.
"""
