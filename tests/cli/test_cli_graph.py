"""`quorate graph`: DOT, GraphML, and SVG with and without Graphviz."""

import json
import random
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import networkx as nx
import pydot
import pytest
from click.testing import CliRunner, Result

from checker.cli import main
from checker.graph.layers import crossings, layers_of

SPECS = Path(__file__).parent.parent / "data" / "specs"
SVG = "{http://www.w3.org/2000/svg}"
PARSING = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pydot parses so
BROKEN = "two_phase:AbortsAfterPrepared"


def graph(*args: str) -> Result:
    return CliRunner().invoke(main, ["graph", *args])


@PARSING
def test_dot_on_standard_output() -> None:
    result = graph("consensus")
    assert result.exit_code == 0
    assert result.stderr == ""
    (found,) = pydot.graph_from_dot_data(result.stdout) or []
    assert len(found.get_nodes()) == 4 + 2, "four states, and the defaults of nodes and edges"
    assert len(found.get_edges()) == 3
    assert '0 [label="chosen: {}"' in result.stdout
    assert '[label="choose(v=v1)"' in result.stdout


@PARSING
def test_quotes_and_new_lines_in_dot(tmp_path: Path) -> None:
    (tmp_path / "say.py").write_text("""
from checker.lang import *
class Word(Sort):
    pass
class Say(Spec):
    words: Set[Word] = members(['a"b', "c\\\\d"])
    said: Set[Word]
    loud: bool
    @action
    def say(self, w: Word) -> None:
        self.said.add(w)
        self.loud = True
""")
    result = graph(f"{tmp_path}/say.py")
    assert pydot.graph_from_dot_data(result.stdout), result.stdout
    assert r"a\"b" in result.stdout


def test_graphml(tmp_path: Path) -> None:
    file = tmp_path / "g.graphml"
    result = graph(BROKEN, "-c", "resource_managers=1", "-o", str(file))
    assert result.exit_code == 0
    assert result.stderr == f"quorate: 15 states and 21 edges are in {file}\n"
    found = nx.read_graphml(file)
    assert len(found) == 15
    assert found.nodes["0"]["initial"] is True
    assert "rm_state: " in found.nodes["0"]["state"]
    assert {edge["action"] for *_, edge in found.edges(data=True)} >= {"rm_prepare", "tm_abort"}


def test_json_has_nodes_and_links() -> None:
    data = json.loads(graph(BROKEN, "-c", "resource_managers=2", "--json").stdout)
    assert (data["states"], len(data["nodes"])) == (81, 81)
    assert data["edges"] == len(data["links"])
    assert [node["id"] for node in data["nodes"] if node["initial"]] == [0]
    wrong = [node for node in data["nodes"] if node["violates"]]
    assert wrong
    assert all("decisions_are_consistent" in node["violates"] for node in wrong)


def test_a_deadlock_is_violating_and_a_stop_that_is_right_is_final() -> None:
    def kinds(*args: str) -> list[tuple[bool, list[str]]]:
        data = json.loads(graph(f"{SPECS}/inboxes.py", "--json", *args).stdout)
        last = [node for node in data["nodes"] if node["final"]]
        return [(node["final"], node["violates"]) for node in last]

    assert kinds() == [(True, ["deadlock"])]
    assert all(not violates for _, violates in kinds("-c", "loud=true"))


def test_a_step_that_breaks_a_step_property_is_violating(tmp_path: Path) -> None:
    (tmp_path / "down.py").write_text("""
from checker.lang import *
class Down(Spec):
    n: Annotated[int, Range(2)] = 0
    @action
    def turn(self) -> None:
        self.n = 1 - self.n
    @step_property
    def grows(self) -> bool:
        return self.n > self.old.n
""")
    data = json.loads(graph(f"{tmp_path}/down.py", "--json").stdout)
    assert {(one["source"], one["target"]): one["violates"] for one in data["links"]} == {
        (0, 1): [],
        (1, 0): ["grows"],
    }


def test_steps_that_change_nothing_are_shown_if_asked_for(tmp_path: Path) -> None:
    (tmp_path / "idle.py").write_text("""
from checker.lang import *
class Idle(Spec):
    x: bool
    @action
    def rest(self) -> None:
        self.x = self.x
    @final
    def fine(self) -> bool:
        return True
""")
    assert json.loads(graph(f"{tmp_path}/idle.py", "--json").stdout)["edges"] == 0
    shown = graph(f"{tmp_path}/idle.py", "--stutters", "--format", "svg")
    assert "rest()" in shown.stdout


# --------------------------------------------------------------------------- too large


def test_too_large_is_refused_with_advice() -> None:
    result = graph("paxos")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert result.stderr == (
        "quorate: paxos is too large to look at: the limit of 500 states was reached.\n"
        "  Smaller constants make a graph that a person can read: -c NAME=VALUE\n"
        "  --max-states N draws a larger one; with -o FILE.graphml, for Gephi or Cytoscape\n"
        "  quorate check paxos and quorate simulate paxos need no picture\n"
    )


def test_exactly_the_limit_is_drawn() -> None:
    assert graph("consensus", "--max-states", "4").exit_code == 0
    assert graph("consensus", "--max-states", "3").exit_code == 3


# --------------------------------------------------------------------------- SVG


def checked(text: str, states: int) -> ET.Element:
    root = ET.fromstring(text)
    nodes = [g for g in root.iter(f"{SVG}g") if "node" in (g.get("class") or "").split()]
    assert len(nodes) == states
    assert "prefers-color-scheme: dark" in text
    return root


def test_svg_without_graphviz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checker.graph.dot.installed", lambda: False)
    file = tmp_path / "g.svg"
    assert graph(BROKEN, "-c", "resource_managers=1", "-o", str(file)).exit_code == 0
    root = checked(file.read_text(), states=15 + 3)  # three in the legend
    titles = [title.text or "" for title in root.iter(f"{SVG}title")]
    assert any("rm_state: {r1: " in title for title in titles), "the full state is the tooltip"
    assert any(title == "rm_prepare(rm=r1)" for title in titles)


def test_violating_states_are_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checker.graph.dot.installed", lambda: False)
    text = graph(BROKEN, "-c", "resource_managers=2", "--format", "svg").stdout
    assert text.count('class="node violating"') > 1
    assert text.count('class="node initial"') == 1 + 1


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_svg_with_graphviz() -> None:
    text = graph(BROKEN, "-c", "resource_managers=1", "--format", "svg").stdout
    checked(text, states=15)


def test_where_graphviz_fails_the_picture_is_still_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise OSError("dot")

    monkeypatch.setattr("checker.graph.dot.installed", lambda: True)
    monkeypatch.setattr("checker.graph.dot.svg", fail)
    checked(graph("consensus", "--format", "svg").stdout, states=4 + 3)


def test_layers_are_distances_and_ordering_does_not_add_crossings() -> None:
    chance = random.Random(1)
    fewer = 0
    for _ in range(30):
        made: nx.DiGraph[int] = nx.DiGraph()
        made.add_node(0, initial=True)
        for number in range(1, 40):
            made.add_node(number, initial=False)
            for source in chance.sample(range(max(0, number - 8), number), min(number, 2)):
                made.add_edge(source, number)
        layers = layers_of(made)
        distance = nx.single_source_shortest_path_length(made, 0)
        assert [{distance[n] for n in layer} for layer in layers] == [
            {depth} for depth in range(len(layers))
        ]
        unordered = [sorted(layer) for layer in layers]
        before, after = crossings(made, unordered), crossings(made, layers)
        assert after <= before
        fewer += after < before
    assert fewer >= 25
