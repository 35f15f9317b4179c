"""A state as a state of another program, in ground form: what each cell there holds.

Image     for each cell of the other program, each code and where it holds that one
NoImage   a refinement whose mapping cannot be made ground; it does not hinder the rest
"""

from __future__ import annotations

from dataclasses import dataclass

from checker.ground.conditions import Condition, TooMuchWorkError, either, negation
from checker.ground.execute import Execution, fitted
from checker.ground.layout import Effect, Layout
from checker.ground.memo import Memo
from checker.ground.symbols import Maps, NotGroundError, Symbol
from checker.lang import ir
from checker.lang.types import MapT, Type


@dataclass(frozen=True)
class Image:
    """One refinement.  Cells there that can hold one code only are left out."""

    name: str
    other: Layout
    cells: tuple[Effect, ...]
    errors: Condition
    """Where the state has no image, which is a model error."""

    @property
    def reads(self) -> frozenset[int]:
        """The cells here that the image depends on."""
        return self.errors.cells.union(*(cell.reads for cell in self.cells))


@dataclass(frozen=True)
class NoImage:
    """A refinement that cannot be made ground, and why."""

    name: str
    why: str


def image(memo: Memo, refinement: ir.RefinementIR) -> Image | NoImage:
    """The ground form of one refinement."""
    try:
        return _image(memo, refinement)
    except NotGroundError as problem:
        return NoImage(refinement.name, str(problem))
    except TooMuchWorkError:
        return NoImage(refinement.name, "too much work")


def _image(memo: Memo, refinement: ir.RefinementIR) -> Image:
    other = Layout(refinement.other)
    x = Execution(memo)
    values: dict[str, Symbol] = {}
    for name, function in refinement.fields:
        value = x.value_of(function, [])
        values[name] = _admitted(x, value, refinement.other.field(name).type)
    errors = either(x.errors, negation(x.guard))  # a bound that blocks is an error here
    cells = (cell for name, value in values.items() for cell in other.placed(name, value))
    fine = negation(errors)
    return Image(refinement.name, other, tuple(cell.under(fine) for cell in cells), errors)


def _admitted(x: Execution, value: Symbol, of: Type) -> Symbol:
    """The value as a member of a domain of the other program; notes where it is none."""
    if isinstance(value, Maps) and isinstance(of, MapT):
        if list(value.of) != list(of.keys):
            raise NotGroundError(f"a map whose keys are not those of {of}")
        return Maps({key: _admitted(x, inner, of.value) for key, inner in value.of.items()})
    return fitted(x, value, of)
