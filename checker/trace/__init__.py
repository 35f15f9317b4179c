"""Recorded runs against a spec: is this log a behaviour of it, and where does it stop being one?

Theory.  A log says less than a behaviour: variables, arguments and whole steps may be missing.
So what is kept is the set of all states of the spec in which the run may be after the lines read
so far (`candidates.py`).  A line takes that set to its image under what the line says; the log
matches as long as the set is not empty.  This is the subset construction of automata, built as
it is needed: the same set and the same line lead to the same set, and are looked up the second
time.  The time is linear in the log, for each line costs at most the limit on candidates.

Rules of this package:

* It knows the language and no protocol.  What is special to a protocol's own log is in
  `checker/conform`, which turns it into the events of `events.py`.
* A log is read as it comes, never as a whole; what is remembered is bounded and can be forgotten.
* Three verdicts, never confused: the log matches; it does not, with the line and the reasons;
  undecided, because a limit was reached.  A log that cannot be read is an error (`LogError`).

Sources: H. Howard, M. A. Kuppe, E. Ashton, A. Chamayou and N. Crooks, "Smart Casual Verification of
the Confidential Consortium Framework" (NSDI 2025); H. Cirstea, M. A. Kuppe, B. Loillier and
S. Merz, "Validating Traces of Distributed Programs Against TLA+ Specifications" (SEFM 2024).
"""
