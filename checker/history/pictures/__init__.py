"""Histories as pictures: a page to look around in, and a figure for papers.

    order.py      in which order the operations of an object take effect, verified; its states
    choose.py     which operations stand on a page, and which do not
    layout.py     where they stand
    scene.py      all that is drawn of one history, before it is HTML or SVG
    words.py      values and states as short texts that are safe to show
    page.py       one HTML file (page.html, page.css, page.js)
    figure.py     one SVG file

Rules of this package:

* An order is drawn only if it was replayed through the model, and keeps real time: see order.py.
* What is left out is said, and how many.
* The same history and result give the same bytes: no clock, and nothing of how long it took.
* Values are from files of strangers.  They are shown as text, and are never part of a program.
"""

from checker.history.pictures.figure import figure
from checker.history.pictures.page import page
from checker.history.pictures.scene import Scene, scene

__all__ = ["Scene", "figure", "page", "scene"]
