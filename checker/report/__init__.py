"""Results, for people and for programs.  Nothing here searches, and nothing knows a protocol.

* `changes.py`   what a step changed, smallest first: `promised[a1]: none → 0`;
* `lifelines.py` who acted at each step and what they had received: read off the types;
* `sequence.py`  the counterexample as a message sequence diagram in text;
* `svg.py`       the same as a picture;
* `text.py`      the whole report;
* `json.py`      the one object of `--json`;
* `trace.py`     a counterexample in a file, and its replay.
"""
