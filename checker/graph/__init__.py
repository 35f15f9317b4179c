"""The state graph as something to look at: `quorate graph`.

* `build.py`   explores, and says of each state what it is: initial, final, violating;
* `dot.py`     Graphviz's language, by pydot; and SVG where Graphviz is installed;
* `layers.py`  places for the states where it is not: breadth-first layers, few crossings;
* `drawing.py` SVG from those places.

GraphML is written by networkx.  Nothing here gives a verdict; the checker's own search does.
"""
