"""A divergence in a file: taken again as it was, refused when it is damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.conform import recorded
from checker.conform.follow import follow
from checker.conform.recorded import ReplayError
from checker.conform.run import conform
from checker.conform.system import System
from checker.lang.model import Model
from tests.conform import faulty
from tests.conform.mutex import Mutex, Nodes

FAULTS = [
    faulty.WrongState,
    faulty.UnexpectedMessage,
    faulty.MissingMessage,
    faulty.UnexpectedStep,
    faulty.MissingStep,
    faulty.FailedStep,
    faulty.ForgetsInSnapshot,
]


def saved(folder: Path, system: type[System]) -> Path:
    """The file of what is wrong with a system."""
    result = conform(Mutex, system)
    assert result.divergence is not None
    file = folder / f"{system.__name__}.json"
    recorded.write(file, result.model, result.divergence, "mutex", system.__name__)
    return file


@pytest.mark.parametrize("system", FAULTS)
def test_it_diverges_again_and_not_when_mended(system: type[System], tmp_path: Path) -> None:
    held = recorded.read(saved(tmp_path, system))
    model, spec = Model(Mutex, {}), Mutex()
    found, steps = recorded.replay(model, system(spec), held)
    assert found is not None
    assert (found.kind, steps) == (held.kind, len(held.steps))
    assert recorded.replay(model, Nodes(spec), held)[0] is None


def test_following_the_path_is_what_a_replay_does(tmp_path: Path) -> None:
    result = conform(Mutex, faulty.WrongState)
    assert result.divergence is not None
    spotted = result.divergence.spotted
    again, _ = follow(result.model, faulty.WrongState(Mutex()), spotted.start, spotted.path)
    assert again == spotted


# --------------------------------------------------------------------------- damage


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(tmp_path_factory.mktemp("saved"), faulty.MissingStep).read_text()


def refused(text: str | bytes, folder: Path) -> str:
    """The message with which a file of this content is refused; what it is if it is not."""
    file = folder / "damaged.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        held = recorded.read(file)
        found, _ = recorded.replay(Model(Mutex, {}), faulty.MissingStep(Mutex()), held)
    except ReplayError as error:
        said = str(error)
    else:
        return f"taken again: {found.kind if found else 'nothing'}"
    assert str(file) in said
    return said


def test_every_truncation_is_refused(text: str, tmp_path: Path) -> None:
    for length in range(0, len(text) - 2, 7):
        assert "is damaged, or no file of `--save`" in refused(text[:length], tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(format="quorate-trace"), "is no divergence that"),
        (lambda d: d.update(version=2), "is of version 2; this quorate reads 1"),
        (lambda d: d.pop("steps"), "is damaged: `steps` is no list"),
        (lambda d: d.update(start=[]), "is damaged: `start` is no dict"),
        (lambda d: d["steps"].insert(0, 3), "is damaged: step 1 has no action"),
        (lambda d: d["start"].pop("wire"), "the start has no 'wire'"),
        (lambda d: d["start"].update(holder="c9"), "the start is no state of Mutex: at holder"),
        (lambda d: d["start"].update(holder="c1"), "is no initial state of Mutex"),
        (lambda d: d["steps"][1].update(action="fly"), "step 2: Mutex has no action `fly`"),
        (lambda d: d["steps"][1].update(parameters={}), "there is no parameter 'm'"),
        (lambda d: d["steps"][0]["parameters"].update(c="c9"), "step 1, ask: 'c9' is no Client"),
        (lambda d: d["steps"].pop(0), "the spec does not allow step 1, receive_request("),
    ],
)
def test_damage_is_named(change: Any, said: str, text: str, tmp_path: Path) -> None:
    data = json.loads(text)
    change(data)
    assert said in refused(json.dumps(data), tmp_path)


def test_files_that_are_none(tmp_path: Path) -> None:
    assert "is damaged" in refused(b"\xff\xfe\x00", tmp_path)
    assert "is damaged" in refused("[" * 100_000, tmp_path)
    assert "is no divergence" in refused("[]", tmp_path)
    with pytest.raises(ReplayError, match="cannot be read: No such file"):
        recorded.read(tmp_path / "nowhere.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["c1", "ask", "", "kind"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(data=st.data())
def test_any_change_is_refused_or_taken_again(data: st.DataObject, text: str) -> None:
    """Whatever stands in any place of a file: one message, or a path of the spec."""
    import tempfile

    content = json.loads(text)
    places: list[tuple[Any, Any]] = []

    def collect(value: Any) -> None:
        for key in range(len(value)) if isinstance(value, list) else list(value):
            places.append((value, key))
            if isinstance(value[key], list | dict):
                collect(value[key])

    collect(content)
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(JSON)
    with tempfile.TemporaryDirectory() as folder:
        refused(json.dumps(content), Path(folder))
